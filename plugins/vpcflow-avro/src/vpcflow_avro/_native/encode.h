/* Rows as Avro writes records: the fields one behind the other, each a union of null and its type
 * ("Binary Encoding" in the Avro specification). Python is not known here. */
#ifndef VA_ENCODE_H
#define VA_ENCODE_H

#include "columns.h"

typedef enum {
    VA_DONE,     /* all rows are encoded */
    VA_FULL,     /* the row after the last one does not fit */
    VA_REFUSED   /* a value that cannot be written */
} va_status;

typedef struct {
    va_status status;
    int64_t rows;       /* encoded */
    size_t bytes;       /* that they took */
    size_t needed;      /* VA_FULL: room that the next row takes */
    size_t column;      /* VA_REFUSED: where; the row is `first + rows` */
    const char *reason; /* VA_REFUSED: why; a static text */
} va_result;

/* Encode `rows` rows from `first` on into `out`, which has room for `capacity` bytes. A row is
 * written as a whole or not at all; behind what counts as written, up to the end of the room, there
 * may be anything. Some bytes of the room stay unused: the encoder stores more than it needs. */
va_result va_encode(const va_column *columns, size_t column_count, int64_t first, int64_t rows,
                    uint8_t *out, size_t capacity);

#endif
