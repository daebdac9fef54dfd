#include "table.h"

#include <stdlib.h>
#include <string.h>

static const vg_fault no_memory = "there is no memory left"; /* told apart by its address */

size_t vg_kind_size(vg_kind kind) {
    return kind == VG_KIND_TEXT ? sizeof(int32_t) : kind == VG_KIND_BOOL ? 1 : sizeof(int64_t);
}

bool vg_table_open(vg_table *table, const vg_tree *tree, vg_section data) {
    memset(table, 0, sizeof *table);
    table->tree = tree;
    table->data = data;
    const bool mapped = vg_map_open(&table->rows);
    return vg_wants_open(&table->wants) && mapped;
}

void vg_table_close(vg_table *table) {
    for (int c = 0; c < table->column_count; c++) {
        vg_column *column = &table->columns[c];
        free(column->values);
        free(column->valid);
        free(column->texts.offsets);
        free(column->texts.bytes);
        vg_map_close(&column->texts.numbers);
    }
    table->column_count = 0;
    vg_wants_close(&table->wants);
    vg_map_close(&table->rows);
}

int vg_table_add(vg_table *table, vg_kind kind, bool strict) {
    if (table->column_count == VG_MAX_COLUMNS) return -1;
    vg_column *column = &table->columns[table->column_count];
    column->kind = kind;
    column->strict = strict;
    if (kind == VG_KIND_TEXT && !vg_map_open(&column->texts.numbers)) return -1;
    return table->column_count++;
}

/* ---- texts ------------------------------------------------------------------------------------ */

static bool grow(void **array, size_t *room, size_t needed, size_t size) {
    if (needed <= *room) return true;
    size_t more = *room ? *room : 64;
    while (more < needed) more *= 2;
    void *moved = realloc(*array, more * size);
    if (!moved) return false;
    *array = moved;
    *room = more;
    return true;
}

static vg_fault text_number(vg_texts *texts, const vg_section *data, const vg_value *value, int32_t *out) {
    *out = vg_map_get(&texts->numbers, value->at);
    if (*out >= 0) return NULL;
    const uint8_t *text = data->bytes + value->at;
    if (!vg_is_utf8(text, value->size)) return "a string is not UTF-8";
    const size_t used = texts->count ? (size_t)texts->offsets[texts->count] : 0;
    if (value->size > INT32_MAX - used) return "the texts of a column are larger than 2 GiB";
    if (!grow((void **)&texts->offsets, &texts->room, texts->count + 2, sizeof *texts->offsets) ||
        !grow((void **)&texts->bytes, &texts->bytes_room, used + value->size + 1, 1) ||
        !vg_map_add(&texts->numbers, value->at, (int32_t)texts->count)) {
        return no_memory;
    }
    if (value->size) memcpy(texts->bytes + used, text, value->size);
    texts->offsets[0] = 0;
    *out = (int32_t)texts->count++;
    texts->offsets[texts->count] = (int32_t)(used + value->size);
    return NULL;
}

/* ---- decoding a record ------------------------------------------------------------------------ */

typedef struct {
    vg_table *table;
    size_t row;
    uint8_t ranks[VG_MAX_COLUMNS]; /* of the paths that filled the columns so far */
} record;

static bool as_int64(const vg_section *data, const vg_value *value, int64_t *out) {
    if (value->type == VG_INT32) {
        *out = vg_int32(data, value);
        return true;
    }
    if (value->type != VG_UINT16 && value->type != VG_UINT32 && value->type != VG_UINT64) return false;
    const uint64_t number = vg_unsigned(data, value);
    *out = (int64_t)number;
    return number <= INT64_MAX;
}

/* "AS64496", "64496": a number of 32 bits (RFC 6793). */
static bool as_asn(const vg_section *data, const vg_value *value, int64_t *out) {
    if (value->type != VG_STRING) return as_int64(data, value, out);
    const uint8_t *at = data->bytes + value->at, *end = at + value->size;
    if (end - at > 2 && (at[0] | 0x20) == 'a' && (at[1] | 0x20) == 's') at += 2;
    if (at == end || end - at > 10) return false;
    *out = 0;
    for (; at < end; at++) {
        const unsigned digit = (unsigned)*at - '0';
        if (digit > 9) return false;
        *out = *out * 10 + digit;
    }
    return *out <= UINT32_MAX;
}

static bool as_float64(const vg_section *data, const vg_value *value, double *out) {
    if (value->type == VG_DOUBLE || value->type == VG_FLOAT) {
        *out = vg_floating(data, value);
        return true;
    }
    int64_t whole;
    if (!as_int64(data, value, &whole)) return false;
    *out = (double)whole;
    return true;
}

/* Put a value into its column. *fits stays false if the value is of another type. */
static vg_fault store(record *to, vg_column *column, const vg_value *value, bool *fits) {
    const vg_section *data = &to->table->data;
    uint8_t *at = column->values + to->row * vg_kind_size(column->kind);
    int64_t whole;
    double real;
    int32_t number;
    vg_fault fault = NULL;
    switch (column->kind) {
    case VG_KIND_TEXT:
        *fits = value->type == VG_STRING;
        if (*fits && !(fault = text_number(&column->texts, data, value, &number))) {
            memcpy(at, &number, sizeof number);
        }
        break;
    case VG_KIND_BOOL:
        *fits = value->type == VG_BOOLEAN;
        if (*fits) *at = (uint8_t)value->size;
        break;
    case VG_KIND_FLOAT64:
        *fits = as_float64(data, value, &real);
        if (*fits) memcpy(at, &real, sizeof real);
        break;
    default:
        *fits = column->kind == VG_KIND_ASN ? as_asn(data, value, &whole) : as_int64(data, value, &whole);
        if (*fits) memcpy(at, &whole, sizeof whole);
    }
    return fault;
}

static vg_fault take(void *context, const vg_taker *taker, const vg_value *value) {
    record *to = context;
    vg_column *column = &to->table->columns[taker->column];
    if (column->valid[to->row] && to->ranks[taker->column] <= taker->rank) return NULL;
    bool fits = false;
    const vg_fault fault = store(to, column, value, &fits);
    if (fault) return fault;
    if (!fits) return column->strict ? "a value is not of the type of its column" : NULL;
    column->valid[to->row] = 1;
    to->ranks[taker->column] = taker->rank;
    return NULL;
}

static bool make_room(vg_table *table) {
    if (table->row_count < table->row_room) return true;
    const size_t room = table->row_room ? 2 * table->row_room : 256;
    for (int c = 0; c < table->column_count; c++) {
        vg_column *column = &table->columns[c];
        uint8_t *values = realloc(column->values, room * vg_kind_size(column->kind));
        if (values) column->values = values;
        uint8_t *valid = realloc(column->valid, room);
        if (valid) column->valid = valid;
        if (!values || !valid) return false;
    }
    table->row_room = room;
    return true;
}

static vg_fault decode(vg_table *table, uint32_t place, int32_t *row) {
    if (table->row_count == INT32_MAX || !make_room(table)) return no_memory;
    record to = {.table = table, .row = table->row_count};
    for (int c = 0; c < table->column_count; c++) table->columns[c].valid[to.row] = 0;
    const vg_fault fault = vg_wants_gather(&table->wants, &table->data, place, take, &to);
    if (fault) return fault;
    if (!vg_map_add(&table->rows, place, (int32_t)to.row)) return no_memory;
    *row = (int32_t)table->row_count++;
    return NULL;
}

/* ---- addresses to rows, and rows to values ----------------------------------------------------- */

#define CHUNK ((size_t)512)

static bool damaged(vg_damage *damage, vg_fault fault, uint32_t place) {
    *damage = (vg_damage){fault == no_memory ? NULL : fault, place};
    return false;
}

bool vg_table_find(vg_table *table, const vg_address *addresses, size_t count, uint32_t skip,
                   int32_t *rows, vg_damage *damage) {
    uint32_t places[CHUNK];
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        const size_t size = count - begin < CHUNK ? count - begin : CHUNK;
        const vg_fault fault = vg_tree_find(table->tree, addresses + begin, size, skip, places);
        if (fault) return damaged(damage, fault, VG_NOWHERE);
        for (size_t i = 0; i < size; i++) { /* so that few wait for memory in the next loop */
            __builtin_prefetch(&table->rows.entries[vg_map_first(&table->rows, places[i])]);
            if (places[i] < table->data.size) __builtin_prefetch(table->data.bytes + places[i]);
        }
        if (!vg_table_rows(table, places, size, rows + begin, damage)) return false;
    }
    return true;
}

bool vg_table_rows(vg_table *table, const uint32_t *places, size_t count, int32_t *rows,
                   vg_damage *damage) {
    for (size_t i = 0; i < count; i++) {
        rows[i] = -1;
        if (places[i] == VG_NOWHERE) continue;
        rows[i] = vg_map_get(&table->rows, places[i]);
        if (rows[i] >= 0) continue;
        const vg_fault fault = decode(table, places[i], &rows[i]);
        if (fault) return damaged(damage, fault, places[i]);
    }
    return true;
}

/* Inlined with `size` a constant. */
static inline size_t copy_values(const vg_column *column, const int32_t *rows, size_t count, size_t size,
                                 uint8_t *values, uint8_t *validity) {
    size_t nulls = 0;
    for (size_t i = 0; i < count; i++) {
        const bool valid = rows[i] >= 0 && column->valid[rows[i]];
        if (valid) {
            memcpy(values + i * size, column->values + (size_t)rows[i] * size, size);
        } else {
            memset(values + i * size, 0, size);
        }
        validity[i >> 3] |= (uint8_t)(valid << (i & 7));
        nulls += !valid;
    }
    return nulls;
}

size_t vg_table_values(const vg_table *table, int number, const int32_t *rows, size_t count,
                       void *values, uint8_t *validity) {
    const vg_column *column = &table->columns[number];
    if (column->kind == VG_KIND_TEXT) return copy_values(column, rows, count, 4, values, validity);
    if (column->kind != VG_KIND_BOOL) return copy_values(column, rows, count, 8, values, validity);
    size_t nulls = 0;
    uint8_t *bits = values;
    for (size_t i = 0; i < count; i++) {
        const bool valid = rows[i] >= 0 && column->valid[rows[i]];
        const bool set = valid && column->values[rows[i]];
        validity[i >> 3] |= (uint8_t)(valid << (i & 7));
        bits[i >> 3] |= (uint8_t)(set << (i & 7));
        nulls += !valid;
    }
    return nulls;
}
