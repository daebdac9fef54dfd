/* Values out of Arrow arrays, row by row: for records and for text output. Any batch will do, whether
 * the decoder made it or somebody else did. */
#ifndef VF_READER_H
#define VF_READER_H

#include "arrow_abi.h"
#include "common.h"

typedef enum {
    VF_READ_INTEGER,
    VF_READ_TIME,
    VF_READ_TEXT,
    VF_READ_BOOL, /* these two only in columns that enrichers add */
    VF_READ_FLOAT
} vf_read_kind;

typedef struct {
    vf_read_kind kind;
    char layout;              /* the Arrow format that holds the values: i, l, u, U, v ... */
    int64_t offset;           /* of row 0 in the buffers */
    const uint8_t *validity;  /* NULL: all valid */
    const uint8_t *data;      /* values, offsets, or views */
    const uint8_t *text;      /* u, U: the bytes */
    const void *const *texts; /* v: the variadic buffers */
    int64_t to_ms_multiply, to_ms_divide;
    char index_layout;        /* dictionary: the format of the indices; 0 otherwise */
    const uint8_t *indices;
    const uint8_t *index_validity;
    int64_t index_offset, dictionary_length;
} vf_reader;

/* False: a type that flow logs have no use for (nested, float, binary ...). `parent_offset`: of the
 * struct array that the column is a child of. */
bool vf_reader_init(vf_reader *reader, const struct ArrowSchema *schema,
                    const struct ArrowArray *array, int64_t parent_offset);

bool vf_reader_null(const vf_reader *reader, int64_t row);
/* VF_READ_INTEGER and VF_READ_TIME (milliseconds since 1970 UTC); the row is not null. */
int64_t vf_reader_integer(const vf_reader *reader, int64_t row);
/* VF_READ_BOOL; the row is not null. */
bool vf_reader_bool(const vf_reader *reader, int64_t row);
/* VF_READ_FLOAT; the row is not null. */
double vf_reader_float(const vf_reader *reader, int64_t row);
/* VF_READ_TEXT; the row is not null. The text lives as long as the array. */
const uint8_t *vf_reader_text(const vf_reader *reader, int64_t row, size_t *length);
/* The dictionary index of a row that is not null, or -1 for plain columns. */
int64_t vf_reader_index(const vf_reader *reader, int64_t row);

#endif
