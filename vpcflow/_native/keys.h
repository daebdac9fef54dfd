/* The distinct keys of enrichers: a number for every key seen, kept from batch to batch.
 *
 * Three steps, so that what several enrichers ask about is only hashed once:
 *     vf_keys_encode   the values of a column  -> codes (one set for all columns of a run)
 *     vf_keys_pair     two columns of codes    -> codes of the pairs that occur
 *     vf_numbers_find  codes                   -> numbers of one enricher's keys, without gaps
 * and vf_gather puts an enricher's answers, a table by number, into a column.
 *
 * Sets are open addressing over a keyed hash: the input may be hostile. One thread at a time. */
#ifndef VF_KEYS_H
#define VF_KEYS_H

#include "reader.h"

typedef struct vf_keys vf_keys;

/* An empty set, or NULL without memory. `secret` is any random number. The caller frees it. */
vf_keys *vf_keys_new(uint64_t secret);
void vf_keys_free(vf_keys *keys);
/* Keys in the set; their codes are 0 .. count - 1, in the order in which they were met. */
int32_t vf_keys_count(const vf_keys *keys);

/* For each of `rows` rows of a column (text, integer or time) the code of its value into codes[row],
 * -1 for null. A new value gets the next code, and the row where it was met is put at
 * new_rows[*new_count]; `new_rows` has room for `rows`. A set holds texts or integers, never both.
 * False without memory, or when the set would pass 2^31 - 1 keys: it is whole then, and holds what it
 * held and some of the new ones. */
bool vf_keys_encode(vf_keys *keys, const vf_reader *column, int64_t rows, int32_t *codes,
                    int32_t *new_rows, int64_t *new_count);
/* The same for pairs of codes; -1 where one of them is below 0. */
bool vf_keys_pair(vf_keys *keys, const int32_t *first, const int32_t *second, int64_t rows,
                  int32_t *codes, int32_t *new_rows, int64_t *new_count);
/* Forget all but about half: the keys that were used last. old_codes[0 .. *kept) are the former codes of
 * those that stay, which get their places as new codes; it has room for all. False without memory:
 * nothing was forgotten then. */
bool vf_keys_forget(vf_keys *keys, int32_t *old_codes, int32_t *kept);

typedef struct vf_numbers vf_numbers;

/* No numbers yet, or NULL without memory. The caller frees it. */
vf_numbers *vf_numbers_new(void);
void vf_numbers_free(vf_numbers *numbers);
int32_t vf_numbers_count(const vf_numbers *numbers);
/* For each row the number of its code, -1 where that is below 0. A code that is met for the first time
 * gets the next number, and its row is put at new_rows[*new_count]. False without memory. */
bool vf_numbers_find(vf_numbers *numbers, const int32_t *codes, int64_t rows, int32_t *found,
                     int32_t *new_rows, int64_t *new_count);
/* As vf_keys_forget, for numbers. */
bool vf_numbers_forget(vf_numbers *numbers, int32_t *old_numbers, int32_t *kept);
/* The codes have changed: new code i is what old_codes[i] was. False without memory. */
bool vf_numbers_recode(vf_numbers *numbers, const int32_t *old_codes, int32_t kept);

/* out[i] = table[numbers[i]], for numbers in 0 .. size - 1 and table values that are not below 0. All
 * others are null: out[i] = 0 and bit i of `validity` is 0. `validity` has (rows + 7) / 8 bytes. Gives
 * the number of nulls. */
int64_t vf_gather(const int32_t *numbers, int64_t rows, const int32_t *table, int32_t size,
                  int32_t *out, uint8_t *validity);

/* The same for a table of values of 4 or 8 bytes, whose own nulls `known` tells (bits; NULL: none). A null
 * is a zero in `out`, which has rows * width bytes. */
int64_t vf_gather_values(const int32_t *numbers, int64_t rows, const void *table, const uint8_t *known,
                         int32_t size, int width, void *out, uint8_t *validity);

#endif
