/* keys SEED ROUNDS: the key sets and numbers against a list that is searched from its beginning.
 *
 * Batches of a text column and an integer column with nulls, sliced, are drawn; few distinct values, so
 * that most keys come again. All memory is malloc'd to its exact size: a read past an end is seen by
 * AddressSanitizer. */
#include <stdint.h>

#include "keys.h"
#include "../fuzz/require.h"

#define MOST_ROWS 200
#define MOST_KEYS 4096

static uint64_t state;

static uint64_t draw(uint64_t below) { /* splitmix64 */
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

/* ---- the slow set ------------------------------------------------------------------------------ */

typedef struct {
    char text[48];
    size_t length;
    int64_t number;
    uint32_t used;
} slow_key;

static slow_key slow[MOST_KEYS];
static int32_t slow_count;

static int32_t slow_code(const char *text, size_t length, int64_t number) {
    for (int32_t i = 0; i < slow_count; i++) {
        if (slow[i].length == length && memcmp(slow[i].text, text, length) == 0 &&
            slow[i].number == number) {
            return i;
        }
    }
    REQUIRE(slow_count < MOST_KEYS, "%d keys", slow_count);
    slow_key *key = &slow[slow_count];
    memcpy(key->text, text, length);
    key->length = length;
    key->number = number;
    return slow_count++;
}

/* ---- one batch --------------------------------------------------------------------------------- */

typedef struct {
    int64_t rows, offset;
    int32_t *ends;
    char *text;
    int64_t *numbers;
    uint8_t *valid;
} batch;

static void draw_batch(batch *b) {
    b->rows = (int64_t)draw(MOST_ROWS + 1);
    b->offset = (int64_t)draw(9);
    const int64_t all = b->rows + b->offset;
    b->ends = malloc((size_t)(all + 1) * sizeof *b->ends);
    b->numbers = malloc((size_t)all * sizeof *b->numbers + 1);
    b->valid = calloc((size_t)all / 8 + 1, 1);
    char *text = malloc((size_t)all * 48 + 1);
    REQUIRE(b->ends && b->numbers && b->valid && text, "without memory");
    int32_t end = b->ends[0] = 0;
    const bool same = draw(4) == 0; /* pairs with the same first code take a shorter way */
    for (int64_t i = 0; i < all; i++) {
        const size_t length = same ? 3 : draw(5) ? draw(4) : draw(48);
        for (size_t c = 0; c < length; c++) text[end++] = same ? 's' : (char)('a' + draw(2));
        b->ends[i + 1] = end;
        b->numbers[i] = (int64_t)draw(3) - 1;
        b->valid[i / 8] |= (uint8_t)((same || draw(10) != 0) << (i % 8));
    }
    b->text = malloc((size_t)end + 1); /* one for malloc(0) */
    REQUIRE(b->text, "without memory");
    memcpy(b->text, text, (size_t)end);
    free(text);
}

static void free_batch(batch *b) {
    free(b->ends);
    free(b->numbers);
    free(b->valid);
    free(b->text);
}

static bool is_valid(const batch *b, int64_t row) {
    const int64_t i = row + b->offset;
    return b->valid[i / 8] >> (i % 8) & 1;
}

static void read_batch(const batch *b, vf_reader readers[2]) {
    const void *text_buffers[] = {b->valid, b->ends, b->text};
    const void *number_buffers[] = {NULL, b->numbers};
    const struct ArrowSchema text_schema = {.format = "u"}, number_schema = {.format = "l"};
    const struct ArrowArray text = {
        .length = b->rows, .offset = b->offset, .n_buffers = 3, .buffers = text_buffers};
    const struct ArrowArray numbers = {
        .length = b->rows, .offset = b->offset, .n_buffers = 2, .buffers = number_buffers};
    REQUIRE(vf_reader_init(&readers[0], &text_schema, &text, 0), "text");
    REQUIRE(vf_reader_init(&readers[1], &number_schema, &numbers, 0), "numbers");
}

/* Of one batch: the sets' codes of both columns, of their pairs, and the numbers of these. */
typedef struct {
    vf_keys *texts, *integers, *pairs;
    vf_numbers *numbers;
} sets;

/* codes[row] is that of the row's key, and new keys were met where new_rows says. The slow set is of
 * whatever `text` and `number` the rows have. */
static void check_codes(const batch *b, const int32_t *codes, const int32_t *new_rows, int64_t new_count,
                        bool with_number, uint32_t call, int32_t count) {
    int64_t seen = 0;
    for (int64_t row = 0; row < b->rows; row++) {
        if (!is_valid(b, row)) {
            REQUIRE(codes[row] == -1, "row %lld is null", (long long)row);
            continue;
        }
        const int64_t i = row + b->offset;
        const int32_t before = slow_count;
        const int32_t code = slow_code(b->text + b->ends[i], (size_t)(b->ends[i + 1] - b->ends[i]),
                                       with_number ? b->numbers[i] : 0);
        REQUIRE(codes[row] == code, "row %lld: %d, not %d", (long long)row, codes[row], code);
        slow[code].used = call;
        if (code == before) REQUIRE(new_rows[seen++] == row, "new row %lld", (long long)row);
    }
    REQUIRE(seen == new_count && count == slow_count, "%lld new", (long long)seen);
}

static void check_batch(const sets *s, const batch *b, uint32_t call, bool with_number) {
    vf_reader readers[2];
    read_batch(b, readers);
    int32_t *room = malloc((size_t)b->rows * 5 * sizeof *room + 1);
    REQUIRE(room, "without memory");
    int32_t *texts = room, *integers = room + b->rows, *codes = room + 2 * b->rows;
    int32_t *new_rows = room + 3 * b->rows, *numbers = room + 4 * b->rows;
    int64_t new_count;
    REQUIRE(vf_keys_encode(s->texts, &readers[0], b->rows, texts, new_rows, &new_count), "texts");
    if (with_number) {
        REQUIRE(vf_keys_encode(s->integers, &readers[1], b->rows, integers, new_rows, &new_count), "integers");
        REQUIRE(vf_keys_pair(s->pairs, texts, integers, b->rows, codes, new_rows, &new_count), "pairs");
        check_codes(b, codes, new_rows, new_count, true, call, vf_keys_count(s->pairs));
    } else {
        REQUIRE(vf_numbers_find(s->numbers, texts, b->rows, numbers, new_rows, &new_count), "numbers");
        check_codes(b, numbers, new_rows, new_count, false, call, vf_numbers_count(s->numbers));
    }
    free(room);
}

static void check_forget(const sets *s, bool with_number) {
    int32_t *old = malloc((size_t)slow_count * sizeof *old + 1), kept;
    REQUIRE(old, "without memory");
    REQUIRE(with_number ? vf_keys_forget(s->pairs, old, &kept) : vf_numbers_forget(s->numbers, old, &kept),
            "without memory");
    REQUIRE(kept <= (slow_count + 1) / 2 && (kept > 0 || slow_count == 0), "%d of %d", kept, slow_count);
    uint32_t oldest = UINT32_MAX;
    for (int32_t i = 0; i < kept; i++) {
        REQUIRE(i == 0 || old[i] > old[i - 1], "order");
        if (slow[old[i]].used < oldest) oldest = slow[old[i]].used;
    }
    for (int32_t i = 0, next = 0; i < slow_count; i++) {
        if (next < kept && old[next] == i) next++;
        else REQUIRE(slow[i].used <= oldest, "key %d was used later than one that was kept", i);
    }
    for (int32_t i = 0; i < kept; i++) slow[i] = slow[old[i]];
    slow_count = kept;
    free(old);
}

/* The texts get new codes: those that stay keep their numbers, the others get new ones. */
static void check_recode(const sets *s) {
    const int32_t before = vf_keys_count(s->texts);
    int32_t *old = malloc((size_t)before * sizeof *old + 1), kept;
    REQUIRE(old && vf_keys_forget(s->texts, old, &kept), "without memory");
    REQUIRE(vf_numbers_recode(s->numbers, old, kept), "without memory");
    int32_t *codes = malloc((size_t)kept * sizeof *codes + 1), *found = malloc((size_t)kept * 4 + 1);
    int32_t *new_rows = malloc((size_t)kept * 4 + 1);
    REQUIRE(codes && found && new_rows, "without memory");
    for (int32_t i = 0; i < kept; i++) codes[i] = i;
    const int32_t count = vf_numbers_count(s->numbers);
    int64_t new_count;
    REQUIRE(vf_numbers_find(s->numbers, codes, kept, found, new_rows, &new_count), "numbers");
    for (int32_t i = 0; i < kept; i++) REQUIRE(found[i] < count + new_count, "number %d", found[i]);
    free(old);
    free(codes);
    free(found);
    free(new_rows);
}

static void check_gather_values(const int32_t *codes, int64_t rows, const int32_t *table, int32_t size) {
    uint8_t *known = malloc((size_t)size / 8 + 1);
    int32_t *out = malloc((size_t)rows * 4 + 1);
    uint8_t *validity = malloc((size_t)(rows + 7) / 8 + 1);
    REQUIRE(known && out && validity, "without memory");
    for (int32_t i = 0; i <= size / 8; i++) known[i] = (uint8_t)draw(256);
    const bool all = draw(3) == 0;
    int64_t nulls = vf_gather_values(codes, rows, table, all ? NULL : known, size, 4, out, validity);
    for (int64_t i = 0; i < rows; i++) {
        const int32_t code = codes[i];
        const bool valid = code >= 0 && code < size && (all || (known[code / 8] >> (code % 8) & 1));
        REQUIRE((validity[i / 8] >> (i % 8) & 1) == valid, "validity of row %lld", (long long)i);
        REQUIRE(out[i] == (valid ? table[code] : 0), "row %lld", (long long)i);
        nulls -= !valid;
    }
    REQUIRE(nulls == 0, "%lld nulls", (long long)nulls);
    free(known);
    free(out);
    free(validity);
}

static void check_gather(void) {
    const int64_t rows = (int64_t)draw(70), size = (int64_t)draw(20);
    int32_t *codes = malloc((size_t)rows * 4 + 1), *table = malloc((size_t)size * 4 + 1);
    int32_t *out = malloc((size_t)rows * 4 + 1);
    uint8_t *validity = calloc((size_t)(rows + 7) / 8 + 1, 1);
    REQUIRE(codes && table && out && validity, "without memory");
    for (int64_t i = 0; i < size; i++) table[i] = (int32_t)draw(5) - 1;
    for (int64_t i = 0; i < rows; i++) codes[i] = (int32_t)draw(24) - 2;
    int64_t nulls = vf_gather(codes, rows, table, (int32_t)size, out, validity);
    for (int64_t i = 0; i < rows; i++) {
        const bool known = codes[i] >= 0 && codes[i] < size && table[codes[i]] >= 0;
        REQUIRE((validity[i / 8] >> (i % 8) & 1) == known, "validity of row %lld", (long long)i);
        REQUIRE(out[i] == (known ? table[codes[i]] : 0), "row %lld", (long long)i);
        nulls -= !known;
    }
    REQUIRE(nulls == 0, "%lld nulls", (long long)nulls);
    check_gather_values(codes, rows, table, (int32_t)size);
    free(codes);
    free(table);
    free(out);
    free(validity);
}

static sets new_sets(void) {
    const sets s = {vf_keys_new(state), vf_keys_new(state), vf_keys_new(state), vf_numbers_new()};
    REQUIRE(s.texts && s.integers && s.pairs && s.numbers, "without memory");
    slow_count = 0;
    return s;
}

static void free_sets(const sets *s) {
    vf_keys_free(s->texts);
    vf_keys_free(s->integers);
    vf_keys_free(s->pairs);
    vf_numbers_free(s->numbers);
}

int main(int argc, char **argv) {
    REQUIRE(argc == 3, "keys SEED ROUNDS");
    state = strtoull(argv[1], NULL, 10);
    const uint32_t rounds = (uint32_t)strtoul(argv[2], NULL, 10);
    for (int with_number = 0; with_number < 2; with_number++) {
        const sets s = new_sets();
        for (uint32_t call = 1; call <= rounds; call++) {
            batch b;
            draw_batch(&b);
            check_batch(&s, &b, call, with_number);
            free_batch(&b);
            check_gather();
            if (slow_count > MOST_KEYS / 2 || draw(20) == 0) check_forget(&s, with_number);
        }
        if (!with_number) check_recode(&s);
        free_sets(&s);
    }
    puts("equal");
    return 0;
}
