/* The distinct keys of enrichers: a number for every key seen, kept from batch to batch.
 *
 * A key is the values of one or more columns of a row: texts, integers, times. Open addressing over a
 * keyed hash (the input may be hostile); the keys' bytes lie one behind the other in an arena. One
 * thread at a time. */
#ifndef VF_KEYS_H
#define VF_KEYS_H

#include "reader.h"

typedef struct vf_keys vf_keys;

/* An empty set, or NULL without memory. `secret` is any random number. The caller frees it. */
vf_keys *vf_keys_new(uint64_t secret);
void vf_keys_free(vf_keys *keys);

/* Keys in the set; their numbers are 0 .. count - 1, in the order in which they were met. */
int32_t vf_keys_count(const vf_keys *keys);

/* For each of `rows` rows the number of its key into codes[row], -1 where a column is null. A new key
 * gets the next number, and the row where it was met is put at new_rows[*new_count]. `new_rows` has
 * room for `rows`. False without memory, or when the set would pass 2^31 - 1 keys; the set is whole
 * then, and holds what it held and some of the new keys. */
bool vf_keys_encode(vf_keys *keys, const vf_reader *columns, size_t count, int64_t rows,
                    int32_t *codes, int32_t *new_rows, int64_t *new_count);

/* Forget all but about half: the keys that were used last. old_codes[0 .. *kept) are the former
 * numbers of those that stay, which are numbered anew in that order; it has room for all. False
 * without memory: nothing was forgotten then. */
bool vf_keys_forget(vf_keys *keys, int32_t *old_codes, int32_t *kept);

/* out[i] = table[codes[i]], for codes in 0 .. size - 1 and table values that are not below 0. All
 * others are null: out[i] = 0 and bit i of `validity` (zeroed by the caller) stays 0. Gives the number
 * of nulls. */
int64_t vf_gather(const int32_t *codes, int64_t rows, const int32_t *table, int64_t size, int32_t *out,
                  uint8_t *validity);

#endif
