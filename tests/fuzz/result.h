/* An input, and all that reading it gives. */
#ifndef VF_FUZZ_RESULT_H
#define VF_FUZZ_RESULT_H

#include "decoder.h"

typedef struct {
    vf_plan *plan;
    const uint8_t *text;
    size_t length;
    size_t chunk;      /* 0: the text is lent whole */
    uint64_t max_rows; /* 0: batches are not bounded */
    bool damaged;      /* the source ends with an error */
    bool later;        /* the text stands in the middle of its source */
    bool take_each;    /* a batch for every chunk, as a parser that is pushed gives */
    bool pooled;
} input;

VF_INLINE uint64_t first_line(const input *in) { return in->later ? 7 : 1; }
VF_INLINE uint64_t first_offset(const input *in) { return in->later ? 1000 : 0; }

typedef struct {
    const char *name; /* who has read it */
    vf_buffer rows;   /* JSON lines */
    vf_buffer csv;    /* empty from the slow reader */
    vf_reject *rejects;
    uint64_t kept; /* rejects with their facts: the first VF_MAX_REJECTS */
    vf_counts counts;
    uint64_t line, offset; /* what comes next */
    bool header;           /* and it is a header with other fields */
} result;

result new_result(const char *name);
void free_result(result *out);

/* Note a rejected line; counts are the caller's. */
void keep_reject(result *out, const vf_reject *reject);
void append(vf_buffer *buffer, const void *bytes, size_t length);

/* Abort, saying where, if `b` is not what `a` is. */
void same_result(const result *a, const result *b);

/* Line by line and token by token, with the careful functions of text.h and plan.h only. */
result read_slowly(const input *in);

#endif
