/* The binary search tree at the start of a MaxMind DB file: addresses to places in its data. */
#ifndef VG_TREE_H
#define VG_TREE_H

#include "address.h"
#include "section.h"

/* Bits of an address that are looked up at once, in a table made when the tree is opened. */
#define VG_INDEX_BITS 16
#define VG_INDEX_SIZE ((size_t)1 << VG_INDEX_BITS)

/* A record of the tree: below node_count the number of a node, node_count itself for nothing known,
 * else node_count + 16 + an offset into the data section. */
typedef struct {
    const uint8_t *nodes; /* somebody else's, at least node_count nodes */
    uint32_t node_count;
    unsigned record_bits; /* 24, 28, 32 */
    unsigned ip_version;  /* 4, 6 */
    uint32_t *index[2];   /* owned: records after the first bits of IPv4 and of IPv6 addresses */
} vg_tree;

/* `size`: bytes at `nodes`. The tree's memory is freed with vg_tree_close, also after a failure.
 * *fault stays NULL if memory ran out. */
bool vg_tree_open(vg_tree *tree, const uint8_t *nodes, size_t size, uint64_t node_count,
                  unsigned record_bits, unsigned ip_version, vg_fault *fault);
void vg_tree_close(vg_tree *tree);

/* The side (0, 1) of a node that is below node_count. */
uint32_t vg_tree_record(const vg_tree *tree, uint32_t node, unsigned side);

/* Places of addresses: offsets into the data section, or VG_NOWHERE. Addresses whose scope has a bit
 * in `skip` are not looked up, nor IPv6 addresses in a tree of IPv4. */
#define VG_NOWHERE UINT32_MAX
vg_fault vg_tree_find(const vg_tree *tree, const vg_address *addresses, size_t count, uint32_t skip,
                      uint32_t *places);

/* Turn a record above node_count into an offset. */
vg_fault vg_tree_place(const vg_tree *tree, uint32_t record, uint32_t *place);

#endif
