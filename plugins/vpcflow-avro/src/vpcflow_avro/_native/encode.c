#include "encode.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Bytes behind a value that may be stored to and do not count: short texts are copied in steps of 16,
 * and varints are stored as 8 bytes. */
#define SLACK 32

#define IS_NULL 0x00  /* branch 0 and 1 of the union, as varints */
#define IS_VALUE 0x02

INLINE bool valid(const uint8_t *bits, int64_t i) { return !bits || (bits[i >> 3] >> (i & 7) & 1); }

/* Seven bits a byte, the lowest first, the top bit set in all but the last. */
INLINE uint8_t *put_varint(uint8_t *at, uint64_t v) {
    if (v < 0x80) {
        *at = (uint8_t)v;
        return at + 1;
    }
    if (UNLIKELY(v >> 56)) {
        while (v >= 0x80) {
            *at++ = (uint8_t)(v | 0x80);
            v >>= 7;
        }
        *at = (uint8_t)v;
        return at + 1;
    }
    /* up to 56 bits without a loop: halves, quarters and eighths are pulled apart */
    const unsigned length = (unsigned)(63 - __builtin_clzll(v)) / 7 + 1;
    v = (v & 0x00fffffff0000000u) << 4 | (v & 0x000000000fffffffu);
    v = (v & 0x0fffc0000fffc000u) << 2 | (v & 0x00003fff00003fffu);
    v = (v & 0x3f803f803f803f80u) << 1 | (v & 0x007f007f007f007fu);
    v |= 0x8080808080808080u & (((uint64_t)1 << 8 * (length - 1)) - 1);
    memcpy(at, &v, 8);
    return at + length;
}

/* Small numbers of either sign are small: 0, -1, 1, -2 become 0, 1, 2, 3. */
INLINE uint8_t *put_long(uint8_t *at, int64_t v) {
    return put_varint(at, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* `readable`: bytes from `text` on that may be read; at least `length`. */
INLINE uint8_t *put_text(uint8_t *at, const uint8_t *text, size_t length, size_t readable) {
    at = put_varint(at, (uint64_t)length << 1);
    if (length <= 16 && readable >= 16) {
        memcpy(at, text, 16);
    } else if (length <= 32 && readable >= 32) {
        memcpy(at, text, 32);
    } else if (length) {
        memcpy(at, text, length);
    }
    return at + length;
}

/* Where text i begins, or NULL if its offsets cannot be. */
INLINE const uint8_t *text_at(const va_texts *texts, int64_t i, size_t *length, size_t *readable) {
    int32_t ends[2];
    memcpy(ends, texts->ends + (i + texts->offset) * 4, 8);
    if (UNLIKELY(ends[0] < 0 || ends[1] < ends[0] || ends[1] > texts->limit)) return NULL;
    *length = (size_t)(ends[1] - ends[0]);
    *readable = (size_t)(texts->limit - ends[0]);
    return texts->bytes ? texts->bytes + ends[0] : (const uint8_t *)"";
}

/* The text of a row that is not null at its column. The result: 1 there is one, 0 the dictionary's
 * value is null, -1 damaged. */
INLINE int row_text(const va_column *column, int64_t row, const uint8_t **text, size_t *length,
                    size_t *readable) {
    int64_t i = row;
    if (column->kind == VA_DICTIONARY) {
        int32_t index;
        memcpy(&index, column->values + (row + column->offset) * 4, 4);
        if (UNLIKELY(index < 0 || index >= column->texts.length)) return -1;
        i = index;
        if (!valid(column->texts.validity, i + column->texts.offset)) return 0;
    }
    *text = text_at(&column->texts, i, length, readable);
    return *text ? 1 : -1;
}

#define LOAD(type, to) \
    type to; \
    memcpy(&to, column->values + i * (int64_t)sizeof(type), sizeof(type))

/* A number, bool or time; there is room for it. NULL: an integer that Avro has no type for. */
INLINE uint8_t *put_plain(uint8_t *at, const va_column *column, int64_t i) {
    switch (column->kind) {
    case VA_INT8: return put_long(at, (int8_t)column->values[i]);
    case VA_UINT8: return put_long(at, column->values[i]);
    case VA_INT16: { LOAD(int16_t, v); return put_long(at, v); }
    case VA_UINT16: { LOAD(uint16_t, v); return put_long(at, v); }
    case VA_INT32: { LOAD(int32_t, v); return put_long(at, v); }
    case VA_UINT32: { LOAD(uint32_t, v); return put_long(at, v); }
    case VA_INT64: { LOAD(int64_t, v); return put_long(at, v); }
    case VA_UINT64: { LOAD(uint64_t, v); return v >> 63 ? NULL : put_long(at, (int64_t)v); }
    case VA_BOOL: *at = valid(column->values, i); return at + 1;
    case VA_FLOAT: memcpy(at, column->values + i * 4, 4); return at + 4;
    default: memcpy(at, column->values + i * 8, 8); return at + 8;
    }
}

/* Room for any row without the bytes of its texts, and the slack. */
static size_t fixed_room(const va_column *columns, size_t column_count) {
    size_t room = SLACK;
    for (size_t c = 0; c < column_count; c++) room += va_column_room(&columns[c]);
    return room;
}

/* Room with which put_row writes this row: before a text it asks for `fixed` bytes again, whatever
 * the values before it took. */
static size_t row_room(const va_column *columns, size_t column_count, int64_t row, size_t fixed) {
    size_t room = 2 * fixed;
    for (size_t c = 0; c < column_count; c++) {
        const va_column *column = &columns[c];
        if (column->kind != VA_TEXT && column->kind != VA_DICTIONARY) continue;
        const uint8_t *text;
        size_t length, readable;
        if (!valid(column->validity, row + column->offset)) continue;
        if (row_text(column, row, &text, &length, &readable) == 1) room += length;
    }
    return room;
}

/* One row, from `at` on. There is room for `fixed` bytes at the least; that is enough for all but the
 * texts, and each of these is asked for. VA_DONE moves `at` behind the row. */
INLINE va_status put_row(const va_column *columns, size_t column_count, int64_t row, size_t fixed,
                         uint8_t **place, const uint8_t *end, va_result *result) {
    uint8_t *at = *place;
    for (size_t c = 0; c < column_count; c++) {
        const va_column *column = &columns[c];
        if (!valid(column->validity, row + column->offset)) {
            *at++ = IS_NULL;
            continue;
        }
        if (column->kind == VA_TEXT || column->kind == VA_DICTIONARY) {
            const uint8_t *text;
            size_t length, readable;
            const int found = row_text(column, row, &text, &length, &readable);
            if (found == 0) {
                *at++ = IS_NULL;
                continue;
            }
            if (UNLIKELY(found < 0)) {
                result->column = c;
                result->reason = "the text is damaged: an offset or index is out of range";
                return VA_REFUSED;
            }
            if (UNLIKELY((size_t)(end - at) < fixed + length)) return VA_FULL;
            *at++ = IS_VALUE;
            at = put_text(at, text, length, readable);
            continue;
        }
        *at++ = IS_VALUE;
        at = put_plain(at, column, row + column->offset);
        if (UNLIKELY(!at)) {
            result->column = c;
            result->reason = "an unsigned integer above 2^63 - 1, the largest that Avro has";
            return VA_REFUSED;
        }
    }
    *place = at;
    return VA_DONE;
}

va_result va_encode(const va_column *columns, size_t column_count, int64_t first, int64_t rows,
                    uint8_t *out, size_t capacity) {
    const size_t fixed = fixed_room(columns, column_count);
    const uint8_t *end = out + capacity;
    uint8_t *at = out;
    va_result result = {.status = VA_DONE};
    while (result.rows < rows) {
        const int64_t row = first + result.rows;
        result.status = (size_t)(end - at) < fixed
                            ? VA_FULL
                            : put_row(columns, column_count, row, fixed, &at, end, &result);
        if (result.status != VA_DONE) break;
        result.rows++;
    }
    if (result.status == VA_FULL) {
        result.needed = row_room(columns, column_count, first + result.rows, fixed);
    }
    result.bytes = (size_t)(at - out);
    return result;
}
