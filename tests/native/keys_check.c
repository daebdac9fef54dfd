/* keys SEED ROUNDS: the key set against a list that is searched from its beginning.
 *
 * Batches of a text column (plain or sliced) and an integer column with nulls are drawn; few distinct
 * values, so that most keys come again. All memory is malloc'd to its exact size: a read past an end is
 * seen by AddressSanitizer. */
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
    bool with_number;
} batch;

static void draw_batch(batch *b, bool with_number) {
    b->rows = (int64_t)draw(MOST_ROWS + 1);
    b->offset = (int64_t)draw(9);
    b->with_number = with_number;
    const int64_t all = b->rows + b->offset;
    b->ends = malloc((size_t)(all + 1) * sizeof *b->ends);
    b->numbers = malloc((size_t)all * sizeof *b->numbers + 1);
    b->valid = calloc((size_t)all / 8 + 1, 1);
    char *text = malloc((size_t)all * 48 + 1);
    REQUIRE(b->ends && b->numbers && b->valid && text, "without memory");
    int32_t end = b->ends[0] = 0;
    for (int64_t i = 0; i < all; i++) {
        const size_t length = draw(5) ? draw(4) : draw(48);
        for (size_t c = 0; c < length; c++) text[end++] = (char)('a' + draw(2));
        b->ends[i + 1] = end;
        b->numbers[i] = (int64_t)draw(3) - 1;
        b->valid[i / 8] |= (uint8_t)((draw(10) != 0) << (i % 8));
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

static void check_batch(vf_keys *keys, const batch *b, uint32_t call) {
    vf_reader readers[2];
    read_batch(b, readers);
    int32_t *codes = malloc((size_t)b->rows * sizeof *codes + 1);
    int32_t *new_rows = malloc((size_t)b->rows * sizeof *new_rows + 1);
    REQUIRE(codes && new_rows, "without memory");
    int64_t new_count, seen = 0;
    REQUIRE(vf_keys_encode(keys, readers, b->with_number ? 2 : 1, b->rows, codes, new_rows, &new_count),
            "encode");
    for (int64_t row = 0; row < b->rows; row++) {
        if (!is_valid(b, row)) {
            REQUIRE(codes[row] == -1, "row %lld is null", (long long)row);
            continue;
        }
        const int64_t i = row + b->offset;
        const int32_t before = slow_count;
        const int32_t code = slow_code(b->text + b->ends[i], (size_t)(b->ends[i + 1] - b->ends[i]),
                                       b->with_number ? b->numbers[i] : 0);
        REQUIRE(codes[row] == code, "row %lld: %d, not %d", (long long)row, codes[row], code);
        slow[code].used = call;
        if (code == before) REQUIRE(new_rows[seen++] == row, "new row %lld", (long long)row);
    }
    REQUIRE(seen == new_count && vf_keys_count(keys) == slow_count, "%lld new", (long long)seen);
    free(codes);
    free(new_rows);
}

static void check_forget(vf_keys *keys) {
    int32_t *old = malloc((size_t)slow_count * sizeof *old + 1), kept;
    REQUIRE(old && vf_keys_forget(keys, old, &kept), "without memory");
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

static void check_gather(void) {
    const int64_t rows = (int64_t)draw(70), size = (int64_t)draw(20);
    int32_t *codes = malloc((size_t)rows * 4 + 1), *table = malloc((size_t)size * 4 + 1);
    int32_t *out = malloc((size_t)rows * 4 + 1);
    uint8_t *validity = calloc((size_t)(rows + 7) / 8 + 1, 1);
    REQUIRE(codes && table && out && validity, "without memory");
    for (int64_t i = 0; i < size; i++) table[i] = (int32_t)draw(5) - 1;
    for (int64_t i = 0; i < rows; i++) codes[i] = (int32_t)draw(24) - 2;
    int64_t nulls = vf_gather(codes, rows, table, size, out, validity);
    for (int64_t i = 0; i < rows; i++) {
        const bool known = codes[i] >= 0 && codes[i] < size && table[codes[i]] >= 0;
        REQUIRE((validity[i / 8] >> (i % 8) & 1) == known, "validity of row %lld", (long long)i);
        REQUIRE(out[i] == (known ? table[codes[i]] : 0), "row %lld", (long long)i);
        nulls -= !known;
    }
    REQUIRE(nulls == 0, "%lld nulls", (long long)nulls);
    free(codes);
    free(table);
    free(out);
    free(validity);
}

int main(int argc, char **argv) {
    REQUIRE(argc == 3, "keys SEED ROUNDS");
    state = strtoull(argv[1], NULL, 10);
    const uint32_t rounds = (uint32_t)strtoul(argv[2], NULL, 10);
    for (int with_number = 0; with_number < 2; with_number++) {
        vf_keys *keys = vf_keys_new(state);
        REQUIRE(keys, "without memory");
        slow_count = 0;
        for (uint32_t call = 1; call <= rounds; call++) {
            batch b;
            draw_batch(&b, with_number);
            check_batch(keys, &b, call);
            free_batch(&b);
            check_gather();
            if (slow_count > MOST_KEYS / 2 || draw(20) == 0) check_forget(keys);
        }
        vf_keys_free(keys);
    }
    puts("equal");
    return 0;
}
