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

typedef struct vf_dictionary {
    vf_slot *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t used;
    uint64_t secret[4];
    bool bounded;  /* VF_DICT_LIMIT and VF_PROBE_LIMIT apply */
    bool nullable; /* "-" is null */
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

/* The careful look-up, for any length, which adds what is new. Returns an index or one of the
 * negative numbers above. `key` and `hash` are those of vf_dictionary_key. */
int32_t vf_dictionary_add(vf_dictionary *dictionary, const uint8_t *text, uint32_t length,
                          const uint64_t key[4], uint64_t hash, vf_pool *pool);

VF_INLINE uint64_t vf_mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

VF_INLINE uint64_t vf_hash_key(const uint64_t secret[4], const uint64_t key[4], uint32_t length) {
    return vf_mix(key[0] ^ secret[0], key[1] ^ secret[1] ^ length) ^
           vf_mix(key[2] ^ secret[2], key[3] ^ secret[3]);
}

/* The key and hash of the value that ends at `end`; reads the 32 bytes before `end`. */
VF_INLINE uint64_t vf_dictionary_key(const vf_dictionary *dictionary, const uint8_t *end,
                                     uint32_t length, uint64_t key[4]) {
    const uint64_t *mask = vf_key_masks[length < 32 ? length : 32];
    key[0] = vf_load64(end - 8) & mask[0];
    key[1] = vf_load64(end - 16) & mask[1];
    key[2] = vf_load64(end - 24) & mask[2];
    key[3] = vf_load64(end - 32) & mask[3];
    uint64_t hash = vf_hash_key(dictionary->secret, key, length);
    if (VF_UNLIKELY(length > 32)) {
        /* the part that the key does not hold, 8 bytes at a time; the last ones may overlap the key */
        const uint8_t *text = end - length;
        for (uint32_t i = 0; i + 32 < length; i += 8) {
            hash = vf_mix(hash ^ vf_load64(text + i), dictionary->secret[i >> 3 & 3] | 1);
        }
    }
    return hash;
}

#endif
