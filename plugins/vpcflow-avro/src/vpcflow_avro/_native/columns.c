#include "columns.h"

#include <string.h>

static const struct {
    const char *format;
    va_kind kind;
} FORMATS[] = {
    {"c", VA_INT8},   {"s", VA_INT16},  {"i", VA_INT32},  {"l", VA_INT64},  {"tsm:UTC", VA_INT64},
    {"C", VA_UINT8},  {"S", VA_UINT16}, {"I", VA_UINT32}, {"L", VA_UINT64}, {"b", VA_BOOL},
    {"f", VA_FLOAT},  {"g", VA_DOUBLE}, {"u", VA_TEXT},
};

static bool kind_of(const char *format, va_kind *kind) {
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (strcmp(format, FORMATS[i].format) == 0) {
            *kind = FORMATS[i].kind;
            return true;
        }
    }
    return false;
}

static const uint8_t *validity_of(const struct ArrowArray *array) {
    return array->null_count == 0 ? NULL : array->buffers[0];
}

static const char *init_texts(va_texts *texts, const struct ArrowArray *array) {
    if (array->n_buffers != 3 || array->offset < 0 || array->length < 0) {
        return "the texts are not laid out as Arrow says";
    }
    texts->validity = validity_of(array);
    texts->ends = array->buffers[1];
    texts->bytes = array->buffers[2];
    texts->offset = array->offset;
    texts->length = array->length;
    if (array->length == 0) return NULL; /* there may be no ends then */
    if (!texts->ends) return "the texts have no offsets";
    memcpy(&texts->limit, texts->ends + (array->offset + array->length) * 4, 4);
    if (texts->limit < 0 || (texts->limit > 0 && !texts->bytes)) return "the texts have no bytes";
    return NULL;
}

const char *va_column_init(va_column *column, const struct ArrowSchema *schema,
                           const struct ArrowArray *array, int64_t parent_offset, int64_t rows) {
    memset(column, 0, sizeof *column);
    if (!kind_of(schema->format, &column->kind)) return "a type that is not known";
    if (array->offset < 0 || array->length < rows || parent_offset > array->length - rows) {
        return "the column is shorter than its batch";
    }
    column->offset = array->offset + parent_offset;
    if (array->n_buffers < 2) return "the column has no values";
    column->validity = validity_of(array);
    column->values = array->buffers[1];
    if (rows && !column->values) return "the column has no values";
    if (!schema->dictionary) {
        if (column->kind != VA_TEXT) return NULL;
        const char *wrong = init_texts(&column->texts, array);
        column->texts.offset = column->offset; /* row 0 is text 0 */
        column->texts.length = array->length - parent_offset;
        return wrong;
    }
    if (column->kind != VA_INT32 || strcmp(schema->dictionary->format, "u") != 0 ||
        !array->dictionary) {
        return "a dictionary that is not of texts with int32 indices";
    }
    column->kind = VA_DICTIONARY;
    return init_texts(&column->texts, array->dictionary);
}

size_t va_column_room(const va_column *column) {
    switch (column->kind) { /* the branch of the union, and a varint of 8, 16, 32 or 64 bits */
    case VA_BOOL: return 1 + 1;
    case VA_INT8:
    case VA_UINT8: return 1 + 2;
    case VA_INT16:
    case VA_UINT16: return 1 + 3;
    case VA_INT32:
    case VA_UINT32:
    case VA_FLOAT:
    case VA_TEXT:
    case VA_DICTIONARY: return 1 + 5;
    case VA_INT64:
    case VA_UINT64:
    case VA_DOUBLE: return 1 + 10;
    }
    return 1 + 10;
}
