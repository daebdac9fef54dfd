/* The columns of a record batch, as the encoder reads them. Nothing is copied or owned: what a
 * va_column points to belongs to the Arrow array, which has to stay as it is. */
#ifndef VA_COLUMNS_H
#define VA_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "arrow_abi.h"

typedef enum {
    VA_INT8,
    VA_INT16,
    VA_INT32,
    VA_INT64, /* times too: milliseconds */
    VA_UINT8,
    VA_UINT16,
    VA_UINT32,
    VA_UINT64,
    VA_BOOL,
    VA_FLOAT,
    VA_DOUBLE,
    VA_TEXT,
    VA_DICTIONARY /* of texts, with int32 indices */
} va_kind;

/* Texts one behind the other: those of a column, or the values of its dictionary. */
typedef struct {
    const uint8_t *validity; /* NULL: no nulls */
    const uint8_t *ends;     /* int32: where text i begins, and at i + 1 where it ends */
    const uint8_t *bytes;
    int64_t offset;          /* of text 0 in validity and ends */
    int64_t length;
    int32_t limit;           /* bytes of all texts: what may be read */
} va_texts;

typedef struct {
    va_kind kind;
    const uint8_t *validity; /* NULL: no nulls */
    const uint8_t *values;   /* numbers, bits, or indices; unused by VA_TEXT */
    int64_t offset;          /* of row 0 in validity and values */
    va_texts texts;          /* VA_TEXT, VA_DICTIONARY */
} va_column;

/* What a column of a batch is. NULL, or why it cannot be read: a static text. `rows` of it are
 * wanted from `parent_offset` on (the offset of the struct array whose child it is). */
const char *va_column_init(va_column *column, const struct ArrowSchema *schema,
                           const struct ArrowArray *array, int64_t parent_offset, int64_t rows);

/* The most bytes that a value of the column takes as Avro, texts without their own bytes. */
size_t va_column_room(const va_column *column);

#endif
