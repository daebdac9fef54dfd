/* The kernel interface: the loops that differ by instruction set. kernel_body.h writes them once, in
 * terms of a few vector steps that each kernel_<name>.c defines.
 *
 * All functions read up to VF_PAD bytes before and after the text that they are given: the caller
 * copies text that lies at the edge of its buffer. None allocates; only vf_dictionary_add does, on a
 * value not seen before. */
#ifndef VF_KERNEL_H
#define VF_KERNEL_H

#include "dictionary.h"

/* What the separators of a piece of text look like as a whole. */
typedef struct {
    uint32_t count;    /* separators: blanks and newlines */
    uint32_t newlines;
    bool adjacent;     /* two separators touch, or the piece begins with one */
    bool odd;          /* bytes below the blank other than newlines: tab, CR, NUL ... */
    bool high;         /* bytes above 0x7F */
} vf_marks;

/* Lines of one format, as positions of separators. Field f of row r lies between
 * ends[r * stride + f - 1] + 1 and ends[r * stride + f] (exclusive), relative to text; field 0 begins
 * behind the separator at index -1. */
typedef struct {
    const uint8_t *text;
    const uint32_t *ends;
    uint32_t stride;
    uint32_t count; /* rows, at most VF_GROUP */
} vf_rows;

/* One column of rows, as the loops leave it. Value and validity arrays have room for VF_GROUP + 8. */
typedef struct {
    uint8_t *valid;      /* one bit a row, least significant first */
    uint32_t *undecided; /* rows that the careful path must decide */
    uint32_t undecided_count;
} vf_outcome;

/* An Arrow string_view. */
typedef struct {
    uint32_t length;
    uint8_t prefix[4];
    uint32_t buffer;
    uint32_t offset;
} vf_view;

/* Where the text of long views lies: `own` is filled when it is not NULL, else views point to
 * `buffer`, in which the text of the rows begins at `offset`. */
typedef struct {
    uint8_t *own;
    uint32_t own_length;
    uint32_t buffer;
    uint32_t offset;
} vf_view_target;

typedef struct {
    const char *name;
    /* Positions of all separators of text[0, length); `ends` has room for length + 64. */
    void (*separators)(const uint8_t *text, size_t length, uint32_t *ends, vf_marks *marks);
    /* Integers 0..max of at most 7 digits; longer ones, and what is not one, are undecided. */
    void (*int32s)(const vf_rows *rows, uint32_t field, uint32_t max, int32_t *out, vf_outcome *outcome);
    void (*int64s)(const vf_rows *rows, uint32_t field, uint32_t max, int64_t *out,
                   vf_outcome *outcome);
    /* 10-digit seconds, as milliseconds; anything else is undecided. */
    void (*times)(const vf_rows *rows, uint32_t field, int64_t *out, vf_outcome *outcome);
    /* Dictionary indices, or the negative numbers of dictionary.h. Returns the least of them. */
    int32_t (*dictionary)(const vf_rows *rows, uint32_t field, vf_dictionary *dictionary, int32_t *out,
                          vf_pool *pool);
    /* Views of any text. When target->own is used it has room for all text of the field. */
    void (*views)(const vf_rows *rows, uint32_t field, vf_view *out, vf_view_target *target,
                  uint8_t *valid);
} vf_kernel;

/* The kernels of this build that this machine can run, best last; the count is returned. */
size_t vf_kernels(const vf_kernel **out, size_t room);

extern const vf_kernel vf_kernel_scalar;
#if defined(__x86_64__) || defined(_M_X64)
extern const vf_kernel vf_kernel_avx2;
extern const vf_kernel vf_kernel_avx512;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
extern const vf_kernel vf_kernel_neon;
#endif

#endif
