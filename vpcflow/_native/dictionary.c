#include <stdlib.h>

#include "dictionary.h"
#include "text.h"

#define FIRST_SLOTS 256u
#define SPARSENESS 8u /* slots a value: a second probe is a mispredicted branch, an empty slot costs
                         nothing but the memory that nobody touches */

#define M(n) ((n) <= 0 ? 0 : (n) >= 8 ? ~0ull : ~0ull << (64 - 8 * ((n) <= 0 ? 1 : (n) > 8 ? 8 : (n))))
#define ROW(n) {M(n), M((n) - 8), M((n) - 16), M((n) - 24)}
const uint64_t vf_key_masks[33][4] = {
    ROW(0),  ROW(1),  ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),  ROW(8),
    ROW(9),  ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15), ROW(16), ROW(17),
    ROW(18), ROW(19), ROW(20), ROW(21), ROW(22), ROW(23), ROW(24), ROW(25), ROW(26),
    ROW(27), ROW(28), ROW(29), ROW(30), ROW(31), ROW(32),
};
#undef ROW
#undef M

static vf_slot *new_slots(uint32_t count) {
    vf_slot *slots = vf_aligned_alloc(count * sizeof(vf_slot));
    if (slots) memset(slots, 0, count * sizeof(vf_slot));
    return slots;
}

static void forget_few(vf_few *few) {
    /* a blank: no text can be that */
    for (int k = 0; k < VF_FEW; k++) few->high[k] = (uint64_t)' ' << 56;
    few->count = 0;
    few->wide = false;
}

/* "-" is null: a spelling like any other that has no index. */
static void add_null(vf_dictionary *dictionary) {
    uint64_t key[4] = {(uint64_t)'-' << 56, 0, 0, 0};
    uint64_t hash = vf_hash_key(dictionary->secret, key, 1);
    vf_slot *slot = &dictionary->slots[hash & dictionary->mask];
    memcpy(slot->key, key, sizeof key);
    slot->length = 1;
    slot->index = VF_INDEX_NULL;
    slot->hash = hash;
    dictionary->used = 1;
    dictionary->few.high[0] = key[0];
    dictionary->few.low[0] = key[1];
    dictionary->few.index[0] = VF_INDEX_NULL;
    dictionary->few.count = 1;
}

static bool init(vf_dictionary *dictionary, uint64_t secret, bool nullable) {
    memset(dictionary, 0, sizeof *dictionary);
    dictionary->nullable = nullable;
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = secret += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        dictionary->secret[i] = z ^ z >> 31;
    }
    dictionary->slots = new_slots(FIRST_SLOTS);
    if (!dictionary->slots) return false;
    dictionary->mask = FIRST_SLOTS - 1;
    dictionary->words = 2;
    forget_few(&dictionary->few);
    if (nullable) add_null(dictionary);
    return true;
}

bool vf_dictionary_init(vf_dictionary *dictionary, uint64_t secret, bool percent) {
    if (!init(dictionary, secret, true)) return false;
    if (!percent) return true;
    dictionary->decoded = calloc(1, sizeof *dictionary);
    /* "%2D" is the text "-": among decoded values nothing is null */
    return dictionary->decoded && init(dictionary->decoded, ~secret, false);
}

void vf_dictionary_free(vf_dictionary *dictionary, vf_pool *pool) {
    if (dictionary->decoded) {
        vf_dictionary_free(dictionary->decoded, pool);
        free(dictionary->decoded);
    }
    vf_aligned_free(dictionary->slots);
    vf_buffer_free(&dictionary->offsets, pool);
    vf_buffer_free(&dictionary->values, pool);
    vf_buffer_free(&dictionary->written, pool);
    memset(dictionary, 0, sizeof *dictionary);
}

bool vf_dictionary_reset(vf_dictionary *dictionary) {
    /* a table that grew for one odd batch is not cleared again for every later one */
    if (dictionary->mask >= FIRST_SLOTS && dictionary->used * SPARSENESS * 8 < dictionary->mask) {
        vf_slot *slots = new_slots(FIRST_SLOTS);
        if (!slots) return false;
        vf_aligned_free(dictionary->slots);
        dictionary->slots = slots;
        dictionary->mask = FIRST_SLOTS - 1;
    } else {
        memset(dictionary->slots, 0, ((size_t)dictionary->mask + 1) * sizeof(vf_slot));
    }
    dictionary->count = dictionary->used = 0;
    dictionary->words = 2;
    dictionary->many = false;
    forget_few(&dictionary->few);
    dictionary->offsets.length = dictionary->values.length = dictionary->written.length = 0;
    if (dictionary->nullable) add_null(dictionary);
    return !dictionary->decoded || vf_dictionary_reset(dictionary->decoded);
}

static bool grow(vf_dictionary *dictionary) {
    uint32_t count = (dictionary->mask + 1) * 4;
    vf_slot *slots = count ? new_slots(count) : NULL;
    if (!slots) return false;
    for (uint32_t i = 0; i <= dictionary->mask; i++) {
        const vf_slot *old = &dictionary->slots[i];
        if (!old->length) continue;
        uint32_t at = (uint32_t)old->hash & (count - 1);
        while (slots[at].length) at = (at + 1) & (count - 1);
        slots[at] = *old;
    }
    vf_aligned_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->mask = count - 1;
    return true;
}

static int32_t append_value(vf_dictionary *dictionary, const uint8_t *text, uint32_t length,
                            vf_pool *pool) {
    if (dictionary->values.length + length > INT32_MAX) return VF_INDEX_FULL;
    if (!vf_buffer_reserve(&dictionary->values, length, pool) ||
        !vf_buffer_reserve(&dictionary->offsets, 8, pool)) {
        return VF_INDEX_NO_MEMORY;
    }
    memcpy(dictionary->values.data + dictionary->values.length, text, length);
    dictionary->values.length += length;
    int32_t *offsets = (int32_t *)(void *)dictionary->offsets.data;
    offsets[0] = 0;
    offsets[dictionary->count + 1] = (int32_t)dictionary->values.length;
    dictionary->offsets.length = ((size_t)dictionary->count + 2) * sizeof(int32_t);
    return (int32_t)dictionary->count++;
}

/* The index of a spelling: decode it and look the value up. */
static int32_t index_of_decoded(vf_dictionary *decoded, const uint8_t *text, uint32_t length,
                                vf_pool *pool) {
    uint8_t small[32 + 256];
    uint8_t *room = length <= 256 ? small : malloc(32 + (size_t)length);
    if (!room) return VF_INDEX_NO_MEMORY;
    memset(room, 0, 32); /* the key's loads reach 32 bytes before the value's end */
    size_t decoded_length = 0;
    int32_t index = VF_INDEX_BAD_PERCENT;
    if (vf_percent_decode(text, length, room + 32, &decoded_length)) {
        index = vf_dictionary_index(decoded, room + 32 + decoded_length, (uint32_t)decoded_length, pool);
    }
    if (room != small) free(room);
    return index;
}

static bool same_value(const vf_dictionary *dictionary, const vf_slot *slot, const uint8_t *text,
                       uint32_t length, const uint64_t key[4], uint64_t hash) {
    if (slot->hash != hash || slot->length != length || memcmp(slot->key, key, 32) != 0) return false;
    return length <= 32 || memcmp(dictionary->written.data + slot->written, text, length - 32) == 0;
}

static uint64_t hash_value(const vf_dictionary *dictionary, const uint8_t *end, uint32_t length,
                           const uint64_t key[4]) {
    uint64_t hash = vf_hash_key(dictionary->secret, key, length);
    /* the part that the key does not hold, 8 bytes at a time; the last ones may overlap the key */
    const uint8_t *text = end - length;
    for (uint32_t i = 0; i + 32 < length; i += 8) {
        hash = vf_mix(hash ^ vf_load64(text + i), dictionary->secret[i >> 3 & 3] | 1);
    }
    return hash;
}

static bool fill_slot(vf_dictionary *dictionary, vf_slot *slot, const uint8_t *text, uint32_t length,
                      const uint64_t key[4], uint64_t hash, int32_t index, vf_pool *pool) {
    vf_few *few = &dictionary->few;
    const uint32_t words = length > 32 ? 4 : (length + 7) / 8;
    slot->written = dictionary->written.length;
    if (length > 32) {
        if (!vf_buffer_reserve(&dictionary->written, length - 32, pool)) return false;
        memcpy(dictionary->written.data + slot->written, text, length - 32);
        dictionary->written.length += length - 32;
    } else if (length < 16 && few->count < VF_FEW) {
        few->high[few->count] = key[0];
        few->low[few->count] = key[1];
        few->index[few->count++] = index;
    }
    few->wide |= length > 7;
    memcpy(slot->key, key, 32);
    slot->hash = hash;
    slot->length = length;
    slot->index = index;
    if (words > dictionary->words) dictionary->words = words;
    dictionary->used++;
    return (uint64_t)dictionary->used * SPARSENESS <= dictionary->mask || grow(dictionary);
}

int32_t vf_dictionary_index(vf_dictionary *dictionary, const uint8_t *end, uint32_t length,
                            vf_pool *pool) {
    const uint8_t *text = end - length;
    uint64_t key[4];
    vf_load_key(end, length, 4, key);
    const uint64_t hash = hash_value(dictionary, end, length, key);
    uint32_t at = (uint32_t)hash & dictionary->mask;
    for (uint32_t probes = 0; dictionary->slots[at].length; probes++) {
        const vf_slot *slot = &dictionary->slots[at];
        if (same_value(dictionary, slot, text, length, key, hash)) return slot->index;
        if (dictionary->bounded && probes >= VF_PROBE_LIMIT) return VF_INDEX_FULL;
        at = (at + 1) & dictionary->mask;
    }
    if (dictionary->bounded && dictionary->used >= VF_DICT_LIMIT) return VF_INDEX_FULL;

    int32_t index;
    if (dictionary->decoded) {
        index = index_of_decoded(dictionary->decoded, text, length, pool);
    } else if (!vf_is_utf8(text, length)) {
        index = VF_INDEX_NOT_UTF8;
    } else {
        index = append_value(dictionary, text, length, pool);
    }
    if (index <= VF_INDEX_FULL) return index;
    bool filled = fill_slot(dictionary, &dictionary->slots[at], text, length, key, hash, index, pool);
    return filled ? index : VF_INDEX_NO_MEMORY;
}
