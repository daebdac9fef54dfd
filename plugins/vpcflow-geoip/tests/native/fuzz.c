/* fuzz FILE NODE_COUNT RECORD_SIZE IP_VERSION DATA_BEGIN DATA_END SEED ROUNDS
 *
 * Each round takes a copy of the database, in memory of exactly its size, flips bytes of it or cuts it
 * off, and asks it for addresses and paths; then it does the same to texts of addresses. Whatever
 * the bytes are, the answer is a value or a reason, and sanitizers find nothing. Prints how many
 * rounds ended in which. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

typedef struct {
    uint8_t *bytes;
    size_t size;
} file;

static uint64_t state;

static uint64_t dice(void) { /* splitmix64 */
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static file read_file(const char *path) {
    FILE *stream = fopen(path, "rb");
    if (!stream) exit(2);
    fseek(stream, 0, SEEK_END);
    file all = {NULL, (size_t)ftell(stream)};
    rewind(stream);
    all.bytes = malloc(all.size);
    if (!all.bytes || fread(all.bytes, 1, all.size, stream) != all.size) exit(2);
    fclose(stream);
    return all;
}

static file damaged_copy(const file *good, size_t data_begin) {
    const size_t within = dice() % 2 ? data_begin : good->size;
    file copy = {NULL, dice() % 4 ? good->size : 1 + dice() % within};
    copy.bytes = malloc(copy.size);
    if (!copy.bytes) exit(2);
    memcpy(copy.bytes, good->bytes, copy.size);
    const uint64_t flips = dice() % 12;
    for (uint64_t i = 0; i < flips; i++) {
        const size_t from = dice() % 2 && data_begin < copy.size ? data_begin : 0;
        copy.bytes[from + dice() % (copy.size - from)] = (uint8_t)(dice() % 3 ? dice() : 0xFF);
    }
    return copy;
}

static const char *const paths[][3] = {
    {"country", "iso_code", NULL}, {"city", "names", "de"},           {"location", "latitude", NULL},
    {"subdivisions", "0", NULL},   {"location", "longitude", NULL}, {"autonomous_system_number", NULL, NULL},
};

static void add_columns(vg_table *table) {
    for (int p = 0; p < (int)(sizeof paths / sizeof *paths); p++) {
        vg_step steps[3];
        size_t count = 0;
        for (; count < 3 && paths[p][count]; count++) {
            steps[count] = (vg_step){paths[p][count], strlen(paths[p][count])};
        }
        for (vg_kind kind = VG_KIND_TEXT; kind <= VG_KIND_ASN; kind++) {
            const int column = vg_table_add(table, kind, dice() % 128 == 0);
            if (column < 0 || !vg_wants_add(&table->wants, column, 0, steps, count)) exit(2);
        }
    }
}

static vg_fault ask(const vg_tree *tree, vg_section data) {
    enum { COUNT = 100 };
    vg_table table;
    vg_address addresses[COUNT];
    int32_t rows[COUNT];
    vg_damage damage = {NULL, 0};
    if (!vg_table_open(&table, tree, data)) exit(2);
    add_columns(&table);
    for (int i = 0; i < COUNT; i++) {
        const bool wide = dice() % 2;
        addresses[i] = (vg_address){dice(), wide ? dice() : 0, wide ? 6 : 4, VG_PUBLIC};
        if (!wide) addresses[i].high &= ~(uint64_t)UINT32_MAX;
        if (wide && dice() % 2) addresses[i].high = 0x2A00000000000000 | addresses[i].high >> 8;
    }
    const bool found = vg_table_find(&table, addresses, COUNT, 0, rows, &damage);
    for (int c = 0; found && c < table.column_count; c++) {
        uint8_t values[COUNT * 8] = {0}, validity[(COUNT + 7) / 8] = {0};
        vg_table_values(&table, c, rows, COUNT, values, validity);
    }
    vg_table_close(&table);
    uint32_t budget = VG_MAX_VALUES;
    size_t next;
    if (data.size) vg_skip(&data, dice() % data.size, &budget, &next);
    return damage.fault;
}

static void parse_something(void) {
    static const char characters[] = "0123456789abcdefABCDEF::::....%g";
    const size_t length = dice() % 48;
    char *text = malloc(length ? length : 1);
    if (!text) exit(2);
    for (size_t i = 0; i < length; i++) {
        text[i] = dice() % 64 ? characters[dice() % (sizeof characters - 1)] : (char)dice();
    }
    vg_parse_address(text, length);
    free(text);
}

int main(int count, char **arguments) {
    if (count != 9) return 2;
    const file good = read_file(arguments[1]);
    unsigned long long numbers[7];
    for (int i = 0; i < 7; i++) numbers[i] = strtoull(arguments[i + 2], NULL, 10);
    state = numbers[5];
    size_t refused = 0, faults = 0, answers = 0;
    for (unsigned long long round = 0; round < numbers[6]; round++) {
        file copy = damaged_copy(&good, (size_t)numbers[3]);
        const size_t begin = numbers[3] < copy.size ? (size_t)numbers[3] : copy.size;
        const size_t end = numbers[4] < copy.size ? (size_t)numbers[4] : copy.size;
        vg_tree tree;
        vg_fault fault;
        size_t size = copy.size;
#ifdef VG_PLANTED_BUG
        size = good.size;
#endif
        const bool opened = vg_tree_open(&tree, copy.bytes, size, numbers[0], (unsigned)numbers[1],
                                         (unsigned)numbers[2], &fault);
        if (!opened) {
            refused++;
        } else if (ask(&tree, (vg_section){copy.bytes + begin, end - begin})) {
            faults++;
        } else {
            answers++;
        }
        vg_tree_close(&tree);
        free(copy.bytes);
        parse_something();
    }
    free(good.bytes);
    printf("%zu refused, %zu damaged, %zu answered\n", refused, faults, answers);
    return 0;
}
