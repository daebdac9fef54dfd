#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* Addresses that are walked side by side: while one waits for memory, the others go on. */
#define LANES 16

static inline uint32_t load32(const uint8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, 4);
    return __builtin_bswap32(word);
}

/* Inlined with `bits` a constant. The loads stay inside of the node. */
static inline uint32_t record_of(const uint8_t *nodes, uint32_t node, unsigned side, unsigned bits) {
    if (bits == 32) return load32(nodes + (size_t)node * 8 + side * 4);
    if (bits == 24) {
        const uint8_t *at = nodes + (size_t)node * 6;
        return side ? load32(at + 2) & 0xFFFFFF : load32(at) >> 8;
    }
    const uint8_t *at = nodes + (size_t)node * 7;
    if (side) return load32(at + 3) & 0x0FFFFFFF;
    const uint32_t word = load32(at);
    return word >> 8 | (word & 0xF0) << 20;
}

uint32_t vg_tree_record(const vg_tree *tree, uint32_t node, unsigned side) {
    return record_of(tree->nodes, node, side, tree->record_bits);
}

/* The record after `depth` zero bits. */
static uint32_t after_zeros(const vg_tree *tree, int depth) {
    uint32_t record = 0;
    while (depth-- > 0 && record < tree->node_count) record = vg_tree_record(tree, record, 0);
    return record;
}

static uint32_t *make_index(const vg_tree *tree, uint32_t root) {
    uint32_t *index = malloc(VG_INDEX_SIZE * sizeof *index);
    if (!index) return NULL;
    index[0] = root;
    for (size_t known = 1; known < VG_INDEX_SIZE; known *= 2) {
        for (size_t i = known; i-- > 0;) { /* backwards: the halves of i overwrite what is done */
            const uint32_t record = index[i];
            const bool ends = record >= tree->node_count;
            index[2 * i + 1] = ends ? record : vg_tree_record(tree, record, 1);
            index[2 * i] = ends ? record : vg_tree_record(tree, record, 0);
        }
    }
    return index;
}

bool vg_tree_open(vg_tree *tree, const uint8_t *nodes, size_t size, uint64_t node_count,
                  unsigned record_bits, unsigned ip_version, vg_fault *fault) {
    *tree = (vg_tree){nodes, (uint32_t)node_count, record_bits, ip_version, {NULL, NULL}};
    *fault = NULL;
    if (record_bits != 24 && record_bits != 28 && record_bits != 32) {
        *fault = "record_size is not 24, 28 or 32";
    } else if (ip_version != 4 && ip_version != 6) {
        *fault = "ip_version is neither 4 nor 6";
    } else if (node_count == 0 || node_count >= (uint64_t)1 << record_bits) {
        *fault = "node_count does not fit record_size";
    } else if (node_count > size / (record_bits / 4)) {
        *fault = "the search tree reaches past the end of the file";
    }
    if (*fault) return false;
    tree->index[0] = make_index(tree, ip_version == 6 ? after_zeros(tree, 96) : 0);
    tree->index[1] = ip_version == 6 ? make_index(tree, 0) : NULL;
    return tree->index[0] && (tree->index[1] || ip_version == 4);
}

void vg_tree_close(vg_tree *tree) {
    free(tree->index[0]);
    free(tree->index[1]);
    tree->index[0] = tree->index[1] = NULL;
}

vg_fault vg_tree_place(const vg_tree *tree, uint32_t record, uint32_t *place) {
    if (record < tree->node_count) return "the search tree is deeper than an address has bits";
    if (record - tree->node_count < 16) return "the search tree points before the data section";
    *place = record - tree->node_count - 16;
    return NULL;
}

/* One group of addresses, from the index down. Ends after 128 steps whatever the tree holds. */
static inline void walk(const vg_tree *tree, const vg_address *addresses, size_t count, uint32_t skip,
                        unsigned record_bits, uint32_t *records) {
    uint64_t high[LANES], low[LANES];
    uint8_t left[LANES];
    const uint32_t nodes = tree->node_count;
    bool going = false;
    for (size_t i = 0; i < count; i++) {
        const vg_address *address = &addresses[i];
        const uint32_t *index = address->family == 4 ? tree->index[0] : tree->index[1];
        left[i] = 0;
        records[i] = nodes;
        if (!address->family || !index || skip >> address->scope & 1) continue;
        high[i] = address->high << VG_INDEX_BITS | address->low >> (64 - VG_INDEX_BITS);
        low[i] = address->low << VG_INDEX_BITS;
        records[i] = index[address->high >> (64 - VG_INDEX_BITS)];
        left[i] = (uint8_t)((address->family == 4 ? 32 : 128) - VG_INDEX_BITS);
        going |= records[i] < nodes;
    }
    while (going) {
        going = false;
        for (size_t i = 0; i < count; i++) {
            if (records[i] >= nodes || !left[i]) continue;
            records[i] = record_of(tree->nodes, records[i], (unsigned)(high[i] >> 63), record_bits);
            high[i] = high[i] << 1 | low[i] >> 63;
            low[i] <<= 1;
            left[i]--;
            going = true;
        }
    }
}

vg_fault vg_tree_find(const vg_tree *tree, const vg_address *addresses, size_t count, uint32_t skip,
                      uint32_t *places) {
    for (size_t begin = 0; begin < count; begin += LANES) {
        const size_t group = count - begin < LANES ? count - begin : LANES;
        uint32_t *records = places + begin;
        switch (tree->record_bits) {
        case 24:
            walk(tree, addresses + begin, group, skip, 24, records);
            break;
        case 28:
            walk(tree, addresses + begin, group, skip, 28, records);
            break;
        default:
            walk(tree, addresses + begin, group, skip, 32, records);
        }
        for (size_t i = 0; i < group; i++) {
            if (records[i] == tree->node_count) {
                records[i] = VG_NOWHERE;
                continue;
            }
            const vg_fault fault = vg_tree_place(tree, records[i], &records[i]);
            if (fault) return fault;
        }
    }
    return NULL;
}
