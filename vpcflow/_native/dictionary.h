/* The distinct values of one text column of one batch, in order of first appearance.
 *
 * Open addressing over slots of a cache line. A slot holds the last 32 bytes of the value as it is
 * written in the log, right-aligned and zero-filled, so that looking up a value of up to 32 bytes is
 * four loads, four masks and one compare. The hash is keyed with a secret: the input may be hostile. */
#ifndef VF_DICTIONARY_H
#define VF_DICTIONARY_H

#include "buffer.h"

/* Indices below zero: what a value came to that has no place in the dictionary. */
#define VF_INDEX_NULL (-1)
#define VF_INDEX_NOT_UTF8 (-2)
#define VF_INDEX_BAD_PERCENT (-3)
#define VF_INDEX_FULL (-4) /* the batch must end before this value */
#define VF_INDEX_NO_MEMORY (-5)

typedef struct {
    uint64_t key[4];
    uint64_t hash;    /* of the whole value */
    uint64_t written; /* above 32 bytes: offset of the value in vf_dictionary.written */
    uint32_t length;  /* 0: the slot is free */
    int32_t index;
    uint64_t unused;
} vf_slot;

/* The first values of at most 15 bytes, null among them: most columns have no more than these, and
 * comparing with all of them at once is cheaper than hashing. */
#define VF_FEW 4
typedef struct {
    uint64_t high[VF_FEW], low[VF_FEW]; /* the last 8 bytes, and the 8 before; zero-filled */
    int32_t index[VF_FEW];
    uint32_t count;
    bool wide; /* some value of the column, few or not, is longer than 7 bytes */
} vf_few;

typedef struct vf_dictionary {
    vf_slot *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t used;
    uint64_t secret[4];
    uint32_t words; /* of the key that any value has needed so far, 2 to 4 */
    bool bounded;  /* VF_DICT_LIMIT and VF_PROBE_LIMIT apply */
    bool nullable; /* "-" is null */
    bool many;     /* too many values for the few */
    vf_few few;
    uint32_t count;
    vf_buffer offsets; /* int32, count + 1 of them once count > 0 */
    vf_buffer values;
    vf_buffer written;             /* values above 32 bytes, for comparison */
    struct vf_dictionary *decoded; /* percent-encoded columns: it holds the values, this the spellings */
} vf_dictionary;

extern const uint64_t vf_key_masks[33][4];

/* False without memory. `secret` is any random number; `percent`: values are percent-encoded. */
bool vf_dictionary_init(vf_dictionary *dictionary, uint64_t secret, bool percent);
void vf_dictionary_free(vf_dictionary *dictionary, vf_pool *pool);
/* Forget all values. Buffers that were moved out (and zeroed) by the caller are not touched. */
bool vf_dictionary_reset(vf_dictionary *dictionary);

/* The dictionary that holds the values which indices mean. */
VF_INLINE vf_dictionary *vf_dictionary_values(vf_dictionary *dictionary) {
    return dictionary->decoded ? dictionary->decoded : dictionary;
}

VF_INLINE uint64_t vf_mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

VF_INLINE uint64_t vf_hash_key(const uint64_t secret[4], const uint64_t key[4], uint32_t length) {
    return vf_mix(key[0] ^ secret[0], key[1] ^ secret[1] ^ length) ^
           vf_mix(key[2] ^ secret[2], key[3] ^ secret[3]);
}

/* The key of the value that ends at `end`, of which at most 8 * words bytes are looked at; reads the
 * 32 bytes before `end`. */
VF_INLINE void vf_load_key(const uint8_t *end, uint32_t length, uint32_t words, uint64_t key[4]) {
    const uint64_t *mask = vf_key_masks[length < 32 ? length : 32];
    key[0] = vf_load64(end - 8) & mask[0];
    key[1] = vf_load64(end - 16) & mask[1];
    key[2] = words > 2 ? vf_load64(end - 24) & mask[2] : 0;
    key[3] = words > 3 ? vf_load64(end - 32) & mask[3] : 0;
}

/* The look-up for any value, which adds what is new: an index, or one of the negative numbers above.
 * Reads the 32 bytes before `end`. */
int32_t vf_dictionary_index(vf_dictionary *dictionary, const uint8_t *end, uint32_t length,
                            vf_pool *pool);

#endif
