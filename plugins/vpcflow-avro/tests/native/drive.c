/* The encoder on random batches in memory of exactly their size, for AddressSanitizer and UBSan: a
 * read outside of a column, or a write outside of the room, ends the program. What was encoded is
 * decoded again, and compared with what the columns hold. With VA_PLANTED_BUG the room is said to be
 * larger than it is: to see that it is noticed.
 *
 * Usage: drive SEED BATCHES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

#define MAX_COLUMNS 8
#define MAX_ROWS 100

static uint64_t state;

static uint64_t any(void) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}

static int64_t below(int64_t n) { return (int64_t)(any() % (uint64_t)n); }

static void *exactly(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) exit(3);
    return memory;
}

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            exit(1); \
        } \
    } while (0)

/* ---- random arrays ---------------------------------------------------------------------------- */

static const char *const FORMATS[] = {"c", "C", "s", "S", "i", "I", "l", "L", "tsm:UTC", "b", "f", "g", "u"};
static const size_t WIDTHS[] = {1, 1, 2, 2, 4, 4, 8, 8, 8, 0, 4, 8, 0};
enum { FORMAT_COUNT = sizeof WIDTHS / sizeof *WIDTHS, TEXT = FORMAT_COUNT - 1, INT32 = 4, BOOL = 9 };

static uint8_t *random_bits(int64_t count) {
    uint8_t *bits = exactly((size_t)(count + 7) / 8);
    for (int64_t i = 0; i < (count + 7) / 8; i++) bits[i] = (uint8_t)any();
    return bits;
}

static void fill_texts(const void **buffers, int64_t count) {
    int32_t *ends = exactly((size_t)(count + 1) * 4);
    ends[0] = 0;
    for (int64_t i = 0; i < count; i++) {
        ends[i + 1] = ends[i] + (int32_t)(below(4) ? below(40) : below(300) * (below(2)));
    }
    uint8_t *bytes = exactly((size_t)ends[count]);
    for (int32_t i = 0; i < ends[count]; i++) bytes[i] = (uint8_t)any();
    buffers[1] = ends;
    buffers[2] = bytes;
}

static void *numbers(int format, int64_t count) {
    uint8_t *values = exactly((size_t)count * WIDTHS[format]);
    for (int64_t i = 0; i < count; i++) {
        uint64_t v = any() >> below(64); /* of any length in bits, and of either sign */
        if (below(2)) v = ~v;
        if (FORMATS[format][0] == 'L') v >>= 1; /* larger ones are refused */
        memcpy(values + (size_t)i * WIDTHS[format], &v, WIDTHS[format]);
    }
    return values;
}

static void fill_array(struct ArrowArray *array, const void **buffers, int format, int64_t rows) {
    array->offset = below(20);
    array->length = rows;
    array->n_buffers = format == TEXT ? 3 : 2;
    array->buffers = buffers;
    const int64_t count = array->offset + rows;
    array->null_count = below(2) ? 0 : -1;
    buffers[0] = array->null_count && below(3) ? random_bits(count) : NULL;
    if (format == TEXT) {
        fill_texts(buffers, count);
    } else if (format == BOOL) {
        buffers[1] = random_bits(count);
    } else {
        buffers[1] = numbers(format, count);
    }
}

static void free_array(struct ArrowArray *array) {
    for (int64_t b = 0; b < array->n_buffers; b++) free((void *)array->buffers[b]);
    if (array->dictionary) free_array(array->dictionary);
}

typedef struct {
    struct ArrowSchema schema, value_schema;
    struct ArrowArray array, values;
    const void *buffers[3], *value_buffers[3];
} random_column;

static void make_column(random_column *made, int64_t rows) {
    memset(made, 0, sizeof *made);
    const int format = below(4) ? (int)below(FORMAT_COUNT) : TEXT;
    const bool dictionary = format == TEXT && below(2);
    made->schema.format = FORMATS[dictionary ? INT32 : format];
    fill_array(&made->array, made->buffers, dictionary ? INT32 : format, rows);
    if (!dictionary) return;
    made->value_schema.format = "u";
    made->schema.dictionary = &made->value_schema;
    made->array.dictionary = &made->values;
    const int64_t values = 1 + below(10);
    fill_array(&made->values, made->value_buffers, TEXT, values);
    int32_t *indices = (int32_t *)made->buffers[1];
    for (int64_t i = 0; i < made->array.offset + rows; i++) indices[i] = (int32_t)below(values);
}

/* ---- decoding --------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *at, *end;
} reader;

static uint8_t next(reader *from) {
    CHECK(from->at < from->end);
    return *from->at++;
}

static int64_t next_long(reader *from) {
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        CHECK(shift < 70);
        const uint8_t byte = next(from);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    }
}

static void same_bytes(reader *from, const void *wanted, size_t length) {
    CHECK((size_t)(from->end - from->at) >= length);
    CHECK(length == 0 || memcmp(from->at, wanted, length) == 0);
    from->at += length;
}

static bool is_valid(const struct ArrowArray *array, int64_t i) {
    const uint8_t *bits = array->null_count ? array->buffers[0] : NULL;
    i += array->offset;
    return !bits || (bits[i / 8] >> (i % 8) & 1);
}

static void same_text(reader *from, const struct ArrowArray *array, int64_t i) {
    const int32_t *ends = (const int32_t *)array->buffers[1] + array->offset + i;
    CHECK(next_long(from) == ends[1] - ends[0]);
    same_bytes(from, (const uint8_t *)array->buffers[2] + ends[0], (size_t)(ends[1] - ends[0]));
}

static int64_t stored(char format, const uint8_t *at) {
    int64_t v = 0;
    const size_t width = strchr("cC", format) ? 1 : strchr("sS", format) ? 2 : strchr("iI", format) ? 4 : 8;
    memcpy(&v, at, width);
    const unsigned unused = (unsigned)(64 - 8 * width);
    return strchr("CSIL", format) ? v : (int64_t)((uint64_t)v << unused) >> unused;
}

static void same_value(reader *from, const random_column *column, int64_t row) {
    const struct ArrowArray *array = &column->array;
    const int64_t i = array->offset + row;
    const char format = column->schema.format[0];
    int32_t index = 0;
    bool present = is_valid(array, row);
    if (present && array->dictionary) {
        memcpy(&index, (const uint8_t *)array->buffers[1] + i * 4, 4);
        present = is_valid(array->dictionary, index);
    }
    CHECK(next_long(from) == present);
    if (!present) return;
    const uint8_t *values = array->buffers[1];
    if (array->dictionary) {
        same_text(from, array->dictionary, index);
    } else if (format == 'u') {
        same_text(from, array, row);
    } else if (format == 'b') {
        CHECK(next(from) == (values[i / 8] >> (i % 8) & 1));
    } else if (format == 'f' || format == 'g') {
        same_bytes(from, values + i * (format == 'f' ? 4 : 8), format == 'f' ? 4 : 8);
    } else {
        const int64_t width = strchr("cC", format) ? 1 : strchr("sS", format) ? 2 : strchr("iI", format) ? 4 : 8;
        CHECK(next_long(from) == stored(format, values + i * width));
    }
}

/* ---- one batch -------------------------------------------------------------------------------- */

static void run(size_t count, int64_t rows, size_t room) {
    random_column *made = exactly(count * sizeof *made);
    va_column columns[MAX_COLUMNS];
    for (size_t c = 0; c < count; c++) {
        make_column(&made[c], rows);
        CHECK(!va_column_init(&columns[c], &made[c].schema, &made[c].array, 0, rows));
    }
    for (int64_t first = 0; first < rows;) {
        uint8_t *out = exactly(room);
#ifdef VA_PLANTED_BUG
        const size_t told = room + 400;
#else
        const size_t told = room;
#endif
        const va_result result = va_encode(columns, count, first, rows - first, out, told);
        CHECK(result.status != VA_REFUSED && result.bytes <= told);
        CHECK((result.status == VA_DONE) == (result.rows == rows - first));
        reader from = {out, out + result.bytes};
        for (int64_t row = first; row < first + result.rows; row++) {
            for (size_t c = 0; c < count; c++) same_value(&from, &made[c], row);
        }
        CHECK(from.at == from.end);
        free(out);
        CHECK(result.rows > 0 || result.needed > room);
        first += result.rows;
        if (result.rows == 0) room = result.needed; /* exactly what it asks for suffices */
    }
    for (size_t c = 0; c < count; c++) free_array(&made[c].array);
    free(made);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    state = strtoull(argv[1], NULL, 10) * 2 + 1;
    const long batches = strtol(argv[2], NULL, 10);
    for (long i = 0; i < batches; i++) {
        run((size_t)(1 + below(MAX_COLUMNS)), below(MAX_ROWS), (size_t)below(3000));
    }
    printf("%ld batches\n", batches);
    return 0;
}
