/* The kernel under hostile input. For any bytes, with any plan, in any pieces:
 *
 *   1. No kernel reads outside the chunk that it is fed, or keeps a pointer into a chunk that was not
 *      lent to it: every chunk is an allocation of exactly its size, and is gone after the call.
 *   2. The scalar kernel, given the whole text at once, reads what a slow reader does (read_slowly.c):
 *      the same rows as JSON lines, the same rejected lines (all facts), the same counts, and a header
 *      of another format at the same place. So no line is lost: lines = records + filtered + rejected
 *      + blank + header.
 *   3. Every kernel of this machine, given the text in pieces, reads the same, as CSV too.
 *   4. Batches are sound Arrow arrays (check_batch.c), and outlive what they were made from.
 *   5. Nothing is left behind: no buffer, no export.
 *
 * A sanitizer's report or REQUIRE ends the program. An input is three bytes that choose (read_input)
 * and a text. The same files make the libFuzzer program and `replay`, which runs files. */
#include "check_batch.h"
#include "plans.h"
#include "render.h"
#include "require.h"
#include "result.h"

#define LONGEST (VF_PIECE * 3 / 2 + 4000) /* repeated text */

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
static void keep_rejects(result *out, const vf_decoder *decoder) {
    const uint64_t rejected = decoder->counts.rejected;
    REQUIRE(decoder->reject_count == (decoder->bounded || rejected < VF_MAX_REJECTS ? rejected : VF_MAX_REJECTS),
            "%zu kept", decoder->reject_count);
    for (size_t i = 0; i < decoder->reject_count; i++) keep_reject(out, &decoder->rejects[i]);
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
    result out = new_result(kernel->name);
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
    REQUIRE(decoder, "without memory");
    vf_pool_release(pool);
    decoder->line = first_line(in);
    decoder->offset = first_offset(in);
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

/* ---- text output ------------------------------------------------------------------------------ */

static void check_json(const result *out) {
    uint64_t rows = 0;
    for (size_t i = 0; i < out->rows.length; i++) {
        const uint8_t c = out->rows.data[i];
        rows += c == '\n';
        REQUIRE((c >= ' ' && c != 0x7F) || c == '\n', "control character %d", c);
    }
    REQUIRE(rows == out->counts.records, "%llu rows", (unsigned long long)rows);
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
    REQUIRE(!quoted && rows == out->counts.records + 1, "%llu rows", (unsigned long long)rows);
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
    result expected = read_slowly(&in);
    result reference = decode(&whole, &vf_kernel_scalar, 1);
    same_result(&expected, &reference);
    check_json(&reference);
    check_csv(&reference, in.plan->column_count);
    for (size_t k = 0; k < count; k++) {
        result other = decode(&in, kernels[k], 2 + k);
        same_result(&reference, &other);
        free_result(&other);
    }
    free_result(&expected);
    free_result(&reference);
    free_input(&in);
    REQUIRE(vf_live_buffers() == 0 && vf_live_exports() == 0, "%lld buffers and %lld exports are left",
            (long long)vf_live_buffers(), (long long)vf_live_exports());
    return 0;
}
