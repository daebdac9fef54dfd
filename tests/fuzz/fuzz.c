/* The kernel under hostile input. For any bytes, with any plan, in any pieces:
 *
 *   1. No kernel reads outside the chunk that it is fed, or keeps a pointer into a chunk that was not
 *      lent to it: every chunk is an allocation of exactly its size, and is gone after the call.
 *   2. Every kernel of this machine gives what the scalar one gives for the whole text at once: the same
 *      rows as JSON lines and as CSV, the same rejected lines (all facts), the same counts, and the
 *      header of another format found at the same place.
 *   3. No line is lost: lines = records + filtered + rejected + blank + header, and lines, blank lines,
 *      header lines, lines too long or truncated, and the place and text of each rejected line are what
 *      a walk from newline to newline finds.
 *   4. Batches are sound Arrow arrays (check_batch.c), and outlive what they were made from.
 *   5. Nothing is left behind: no buffer, no export.
 *
 * A sanitizer's report or REQUIRE ends the program. An input is three bytes that choose (see read_input)
 * and a text. The same file makes the libFuzzer program and `replay`, which runs files. */
#include <stdint.h>
#include <stdlib.h>

#include "check_batch.h"
#include "plans.h"
#include "render.h"
#include "require.h"

typedef struct {
    vf_plan *plan;
    const char *plan_name;
    const uint8_t *text;
    size_t length;
    size_t chunk;      /* 0: the text is lent whole */
    uint64_t max_rows; /* 0: batches are not bounded */
    bool damaged;      /* the source ends with an error */
    bool later;        /* the text stands in the middle of its source */
    bool take_each;    /* a batch for every chunk, as a parser that is pushed gives */
    bool pooled;
} input;

/* All that a decoder gives for a text. */
typedef struct {
    const char *name;
    vf_buffer rows, csv;
    uint64_t row_count, kept; /* kept: rejected lines with their facts */
    vf_reject *rejects;
    vf_counts counts;
    uint64_t line, offset; /* where the decoder stands at the end */
    bool header;           /* before a header with other fields */
} result;

#define FIRST_LINE(in) ((in)->later ? 7u : 1u)
#define FIRST_OFFSET(in) ((in)->later ? 1000u : 0u)
#define LONGEST (VF_PIECE * 5 / 2 + 1000) /* repeated text */
#define MARK "\xEF\xBB\xBF"

/* ---- what an input says ----------------------------------------------------------------------- */

/* Byte 0: the plan. Byte 1: size of chunks (low half) and of batches. Byte 2: flags, and how often the
 * text is repeated, so that short inputs make long texts. */
static bool read_input(const uint8_t *data, size_t size, input *in) {
    static const size_t chunks[16] = {0, 1, 2, 3, 5, 7, 13, 31, 63, 64, 65, 100, 255, 257, 1000, 5000};
    static const uint64_t rows[4] = {1, 2, 10, 100};
    static const size_t repeats[8] = {1, 1, 1, 1, 1, 1, 8, 1000};
    if (size < 3) return false;
    const size_t number = data[0] % plan_count, flags = data[2], given = size - 3;
    size_t times = repeats[flags >> 5];
    while (times > 1 && times * given > LONGEST) times /= 2;
    uint8_t *text = malloc(times * given + 1);
    REQUIRE(text, "without memory");
    for (size_t i = 0; i < times; i++) memcpy(text + i * given, data + 3, given);
    *in = (input){
        .plan = make_plan(number),
        .plan_name = plan_name(number),
        .text = text,
        .length = times * given,
        .chunk = chunks[data[1] & 15],
        .max_rows = flags & 1 ? rows[data[1] >> 4 & 3] : 0,
        .damaged = flags & 2,
        .later = flags & 4,
        .take_each = flags & 8,
        .pooled = flags & 16,
    };
    /* a batch costs much more than a line: not too many of them */
    const size_t least = in->length / (in->take_each || in->max_rows ? 20 : 200);
    if (in->chunk && in->chunk < least) in->chunk = least;
    return true;
}

static void free_input(input *in) {
    vf_plan_release(in->plan);
    free((uint8_t *)in->text);
}

/* ---- running a decoder ------------------------------------------------------------------------ */

static void render(const vf_batch *batch, vf_render_format format, vf_buffer *out) {
    int64_t unsupported;
    vf_renderer *renderer = vf_renderer_new(batch, format, &unsupported);
    REQUIRE(renderer && unsupported == -1, "column %lld", (long long)unsupported);
    if (format == VF_CSV && !out->length) REQUIRE(vf_render_header(renderer, out), "without memory");
    REQUIRE(vf_render_rows(renderer, 0, vf_batch_array(batch)->length, out), "without memory");
    vf_renderer_free(renderer);
}

static void add_counts(vf_counts *sum, const vf_counts *more) {
    const uint64_t *from = (const uint64_t *)more;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] += from[i];
    REQUIRE(more->lines == more->records + more->filtered + more->rejected + more->blank + more->header,
            "of %llu lines", (unsigned long long)more->lines);
}

/* Of several batches the first VF_MAX_REJECTS rejected lines are those of one that holds all. */
static void keep_rejects(result *out, vf_decoder *decoder) {
    const uint64_t rejected = decoder->counts.rejected;
    REQUIRE(decoder->reject_count == (rejected < VF_MAX_REJECTS ? rejected : VF_MAX_REJECTS),
            "%zu kept", decoder->reject_count);
    for (size_t i = 0; i < decoder->reject_count && out->kept < VF_MAX_REJECTS; i++) {
        vf_reject *reject = &out->rejects[out->kept++];
        *reject = decoder->rejects[i];
        reject->text = malloc(reject->length + 1);
        REQUIRE(reject->text, "without memory");
        memcpy(reject->text, decoder->rejects[i].text, reject->length);
    }
}

static void take(const input *in, vf_decoder *decoder, const vf_source *source, result *out) {
    vf_batch *batch = vf_batch_take(decoder, source);
    REQUIRE(batch, "without memory");
    REQUIRE(decoder->rows == decoder->counts.records, "%llu rows", (unsigned long long)decoder->rows);
    check_batch(batch, in->plan, decoder->rows);
    render(batch, VF_JSONL, &out->rows);
    render(batch, VF_CSV, &out->csv);
    add_counts(&out->counts, &decoder->counts);
    keep_rejects(out, decoder);
    out->row_count += decoder->rows;
    REQUIRE(vf_decoder_reset(decoder), "without memory");
    check_export(batch, in->plan);
}

/* Feed one chunk, which is copied to memory of its size. */
static vf_status feed_chunk(const input *in, vf_decoder *decoder, size_t at, size_t size, result *out) {
    uint8_t *chunk = malloc(size);
    REQUIRE(chunk, "without memory");
    memcpy(chunk, in->text + at, size);
    vf_status status;
    for (size_t taken = 0, consumed;; taken += consumed) {
        status = vf_decoder_feed(decoder, chunk + taken, size - taken, false, 0, &consumed);
        REQUIRE(consumed <= size - taken, "%zu consumed", consumed);
        if (status != VF_FULL) break;
        take(in, decoder, NULL, out);
    }
    free(chunk);
    if (in->take_each) take(in, decoder, NULL, out);
    return status;
}

static vf_status feed_chunks(const input *in, vf_decoder *decoder, result *out) {
    vf_status status = VF_OK;
    for (size_t at = 0; at < in->length && status == VF_OK; at += in->chunk) {
        const size_t left = in->length - at;
        status = feed_chunk(in, decoder, at, left < in->chunk ? left : in->chunk, out);
    }
    return status;
}

static vf_status feed_whole(const input *in, vf_decoder *decoder, const vf_source *source, result *out) {
    for (size_t at = 0, consumed;; at += consumed) {
        vf_status status =
            vf_decoder_feed(decoder, source->text + at, in->length - at, true, at, &consumed);
        if (status != VF_FULL) return status;
        take(in, decoder, source, out);
    }
}

static vf_status finish(const input *in, vf_decoder *decoder, const vf_source *source, result *out) {
    for (;;) {
        vf_status status = vf_decoder_finish(decoder, in->damaged);
        if (status != VF_FULL) return status;
        take(in, decoder, source, out);
    }
}

static void forget_source(void *owner) { free(owner); }

static result decode(const input *in, const vf_kernel *kernel, uint64_t secret) {
    result out = {.name = kernel->name, .rejects = calloc(VF_MAX_REJECTS, sizeof(vf_reject))};
    uint8_t *lent = NULL;
    vf_source source = {0};
    if (!in->chunk) {
        lent = malloc(in->length ? in->length : 1);
        REQUIRE(lent, "without memory");
        memcpy(lent, in->text, in->length);
        source = (vf_source){.text = lent, .length = in->length};
    }
    vf_pool *pool = in->pooled ? vf_pool_new(1 << 20) : NULL;
    vf_decoder *decoder =
        vf_decoder_new(in->plan, kernel, pool, secret, in->max_rows != 0, in->max_rows, true);
    REQUIRE(decoder && out.rejects, "without memory");
    vf_pool_release(pool);
    decoder->line = FIRST_LINE(in);
    decoder->offset = FIRST_OFFSET(in);
    vf_status status = in->chunk ? feed_chunks(in, decoder, &out) : feed_whole(in, decoder, &source, &out);
    if (status == VF_OK) status = finish(in, decoder, lent ? &source : NULL, &out);
    REQUIRE(status == VF_OK || status == VF_HEADER, "%s: status %d", kernel->name, status);
    out.header = status == VF_HEADER;
    out.line = decoder->line;
    out.offset = decoder->offset;
    /* the last batch owns the text that it was lent */
    source.owner = lent;
    source.release = forget_source;
    take(in, decoder, lent ? &source : NULL, &out);
    vf_decoder_free(decoder);
    return out;
}

static void free_result(result *out) {
    vf_buffer_free(&out->rows, NULL);
    vf_buffer_free(&out->csv, NULL);
    for (uint64_t i = 0; i < out->kept; i++) free(out->rejects[i].text);
    free(out->rejects);
}

/* ---- invariant 2: all kernels agree ----------------------------------------------------------- */

static void same_text(const char *what, const result *a, const vf_buffer *x, const result *b,
                      const vf_buffer *y) {
    size_t at = 0;
    if (x->length == y->length && (!x->length || memcmp(x->data, y->data, x->length) == 0)) return;
    while (at < x->length && at < y->length && x->data[at] == y->data[at]) at++;
    REQUIRE(false, "%s: %s differs from %s at %zu of %zu and %zu", what, b->name, a->name, at, x->length,
            y->length);
}

static void same_reject(const result *b, const vf_reject *x, const vf_reject *y) {
    REQUIRE(x->line == y->line && x->offset == y->offset, "%s: line %llu", b->name,
            (unsigned long long)y->line);
    REQUIRE(x->reason == y->reason && x->field == y->field, "%s: line %llu, reason %d", b->name,
            (unsigned long long)y->line, (int)y->reason);
    REQUIRE(x->length == y->length && memcmp(x->text, y->text, x->length) == 0, "%s: line %llu", b->name,
            (unsigned long long)y->line);
}

static void same_result(const result *a, const result *b) {
    same_text("JSON lines", a, &a->rows, b, &b->rows);
    same_text("CSV", a, &a->csv, b, &b->csv);
    REQUIRE(memcmp(&a->counts, &b->counts, sizeof a->counts) == 0, "%s", b->name);
    REQUIRE(a->header == b->header && a->line == b->line && a->offset == b->offset,
            "%s: %d, line %llu, offset %llu", b->name, b->header, (unsigned long long)b->line,
            (unsigned long long)b->offset);
    REQUIRE(a->kept == b->kept, "%s: %llu rejected lines", b->name, (unsigned long long)b->kept);
    for (uint64_t i = 0; i < a->kept; i++) same_reject(b, &a->rejects[i], &b->rejects[i]);
}

/* ---- invariant 3: no line is lost ------------------------------------------------------------- */

static bool is_blank(const uint8_t *line, size_t length) {
    if (length && line[length - 1] == '\r') length--;
    for (size_t i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t') return false;
    }
    return true;
}

/* What a line counts as when nothing is known of its fields. */
static void count_line(const input *in, const uint8_t *line, size_t length, bool ended, vf_counts *counts) {
    counts->lines++;
    if (!ended && in->damaged) {
        counts->reasons[VF_TRUNCATED]++;
    } else if (length > VF_MAX_LINE) {
        counts->reasons[VF_LINE_TOO_LONG]++;
    } else if (is_blank(line, length)) {
        counts->blank++;
    } else {
        const vf_header_kind kind = vf_plan_header(in->plan, line, length);
        REQUIRE(kind != VF_OTHER_HEADER, "line %llu is a header", (unsigned long long)counts->lines);
        counts->header += kind == VF_SAME_HEADER;
    }
}

static void check_reject(const vf_reject *reject, uint64_t offset, const uint8_t *line, size_t length) {
    const size_t shown = length < VF_MAX_REJECT_TEXT ? length : VF_MAX_REJECT_TEXT;
    REQUIRE(reject->offset == offset, "line %llu at %llu, not %llu", (unsigned long long)reject->line,
            (unsigned long long)offset, (unsigned long long)reject->offset);
    REQUIRE(reject->length == shown && memcmp(reject->text, line, shown) == 0, "line %llu",
            (unsigned long long)reject->line);
}

static void check_lines(const input *in, const result *out) {
    vf_counts counts = {0};
    uint64_t number = FIRST_LINE(in), seen = 0;
    size_t at = !in->later && in->length >= 3 && memcmp(in->text, MARK, 3) == 0 ? 3 : 0;
    for (size_t next; at < in->length && !(out->header && number == out->line); at = next, number++) {
        const uint8_t *line = in->text + at;
        const uint8_t *stop = memchr(line, '\n', in->length - at);
        const size_t length = stop ? (size_t)(stop - line) : in->length - at;
        next = at + length + (stop != NULL);
        count_line(in, line, length, stop, &counts);
        if (seen < out->kept && out->rejects[seen].line == number) {
            check_reject(&out->rejects[seen++], FIRST_OFFSET(in) + at, line, length);
        }
    }
    if (out->header && number == 1 && out->offset == 0) at = 0; /* before the mark, or behind it */
    REQUIRE(seen == out->kept, "%llu rejected lines do not exist", (unsigned long long)(out->kept - seen));
    REQUIRE(out->line == number && out->offset == FIRST_OFFSET(in) + at,
            "line %llu at %zu, not line %llu at %llu", (unsigned long long)number, at,
            (unsigned long long)out->line, (unsigned long long)out->offset);
    REQUIRE(out->counts.lines == counts.lines, "%llu lines", (unsigned long long)counts.lines);
    REQUIRE(out->counts.blank == counts.blank, "%llu blank", (unsigned long long)counts.blank);
    REQUIRE(out->counts.header == counts.header, "%llu headers", (unsigned long long)counts.header);
    for (int reason = VF_LINE_TOO_LONG; reason <= VF_TRUNCATED; reason++) {
        REQUIRE(out->counts.reasons[reason] == counts.reasons[reason], "reason %d: %llu lines", reason,
                (unsigned long long)counts.reasons[reason]);
    }
}

/* ---- text output ------------------------------------------------------------------------------ */

static void check_json(const result *out) {
    uint64_t rows = 0;
    for (size_t i = 0; i < out->rows.length; i++) {
        const uint8_t c = out->rows.data[i];
        rows += c == '\n';
        REQUIRE((c >= ' ' && c != 0x7F) || c == '\n', "control character %d", c);
    }
    REQUIRE(rows == out->row_count, "%llu rows", (unsigned long long)rows);
}

static void check_csv(const result *out, size_t columns) {
    uint64_t rows = 0;
    size_t fields = 1;
    bool quoted = false;
    for (size_t i = 0; i < out->csv.length; i++) {
        const uint8_t c = out->csv.data[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        fields += c == ',';
        if (c != '\n') continue;
        REQUIRE(out->csv.data[i - 1] == '\r' && fields == columns, "%zu fields", fields);
        rows++;
        fields = 1;
    }
    REQUIRE(!quoted && rows == out->row_count + 1, "%llu rows", (unsigned long long)rows);
}

/* ---- one input -------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in;
    if (!read_input(data, size, &in)) return 0;
    const vf_kernel *kernels[8];
    const size_t count = vf_kernels(kernels, 8);
    input whole = in;
    whole.chunk = whole.max_rows = 0;
    result reference = decode(&whole, &vf_kernel_scalar, 1);
    check_lines(&in, &reference);
    check_json(&reference);
    check_csv(&reference, in.plan->column_count);
    for (size_t k = 0; k < count; k++) {
        result other = decode(&in, kernels[k], 2 + k);
        same_result(&reference, &other);
        free_result(&other);
    }
    free_result(&reference);
    free_input(&in);
    REQUIRE(vf_live_buffers() == 0 && vf_live_exports() == 0, "%lld buffers and %lld exports are left",
            (long long)vf_live_buffers(), (long long)vf_live_exports());
    return 0;
}
