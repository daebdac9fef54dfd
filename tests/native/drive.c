/* Decode a file without Python: for other processors (under qemu), for instruction counts (under
 * callgrind), for sanitizers, and for profilers.
 *
 *   drive rows KERNEL PLAN FILE [CHUNK [MAXROWS]]
 *       For each batch its rows as JSON lines, then a line for each one rejected,
 *           R line offset reason field text-in-hexadecimal
 *       then its counts, `N lines records filtered rejected blank header nodata skipdata`. A header with
 *       other fields ends the output with `H line offset`. With CHUNK the text is fed in pieces of that
 *       many bytes, each at the edge of memory that may not be read; with MAXROWS batches are bounded.
 *   drive repeat KERNEL PLAN FILE N      decode N times and print nothing but the number of records
 *   drive kernels                        the kernels that this machine can run
 */
#include <stdio.h>
#include <stdlib.h>

#include "guarded.h"
#include "plan_file.h"
#include "render.h"

static const vf_kernel *find_kernel(const char *name) {
    const vf_kernel *kernels[8];
    const size_t count = vf_kernels(kernels, 8);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kernels[i]->name, name) == 0) return kernels[i];
    }
    fprintf(stderr, "no kernel %s\n", name);
    exit(2);
}

static void fail(const char *what, int status) {
    fprintf(stderr, "%s: status %d\n", what, status);
    exit(1);
}

static vf_batch *take(vf_decoder *decoder, const vf_source *source) {
    vf_batch *batch = vf_batch_take(decoder, source);
    if (!batch) fail("take", VF_NO_MEMORY);
    return batch;
}

static void reset(vf_decoder *decoder) {
    if (!vf_decoder_reset(decoder)) fail("reset", VF_NO_MEMORY);
}

/* ---- output ----------------------------------------------------------------------------------- */

static void print_rows(const vf_batch *batch) {
    int64_t unsupported;
    vf_buffer out = {0};
    vf_renderer *renderer = vf_renderer_new(batch, VF_JSONL, &unsupported);
    if (!renderer || !vf_render_rows(renderer, 0, vf_batch_array(batch)->length, &out)) {
        fail("render", VF_NO_MEMORY);
    }
    if (out.length) fwrite(out.data, 1, out.length, stdout);
    vf_buffer_free(&out, NULL);
    vf_renderer_free(renderer);
}

static void print_reject(const vf_reject *reject) {
    printf("R %llu %llu %d %d ", (unsigned long long)reject->line, (unsigned long long)reject->offset,
           (int)reject->reason, reject->field);
    for (uint32_t i = 0; i < reject->length; i++) printf("%02x", reject->text[i]);
    printf("\n");
}

static void print_counts(const vf_counts *counts) {
    const uint64_t numbers[] = {counts->lines, counts->records, counts->filtered, counts->rejected,
                                counts->blank, counts->header,  counts->nodata,   counts->skipdata};
    printf("N");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        printf(" %llu", (unsigned long long)numbers[i]);
    }
    printf("\n");
}

static void print_batch(vf_decoder *decoder, const vf_source *source) {
    vf_batch *batch = take(decoder, source);
    print_rows(batch);
    for (size_t i = 0; i < decoder->reject_count; i++) print_reject(&decoder->rejects[i]);
    print_counts(&decoder->counts);
    vf_batch_release(batch);
    reset(decoder);
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Feed a text, printing each batch that is full. False: a header with other fields comes next.
 * `source`: the text, if views may point into it. */
static bool feed(vf_decoder *decoder, const uint8_t *text, size_t length, const vf_source *source) {
    for (size_t at = 0, consumed;; at += consumed) {
        vf_status status =
            vf_decoder_feed(decoder, text + at, length - at, source != NULL, at, &consumed);
        if (status == VF_OK) return true;
        if (status == VF_HEADER) return false;
        if (status != VF_FULL) fail("feed", status);
        print_batch(decoder, source);
    }
}

static bool finish(vf_decoder *decoder, const vf_source *source) {
    for (;;) {
        vf_status status = vf_decoder_finish(decoder, false);
        if (status == VF_OK) return true;
        if (status == VF_HEADER) return false;
        if (status != VF_FULL) fail("finish", status);
        print_batch(decoder, source);
    }
}

static bool feed_in_chunks(vf_decoder *decoder, const uint8_t *text, size_t length, size_t chunk) {
    vf_guarded guarded = guarded_new(chunk);
    bool more = true, at_end = true;
    for (size_t at = 0; more && at < length; at += chunk, at_end = !at_end) {
        const size_t size = length - at < chunk ? length - at : chunk;
        more = feed(decoder, guarded_place(&guarded, text + at, size, at_end), size, NULL);
    }
    guarded_free(&guarded);
    return more;
}

static void print_all(vf_decoder *decoder, const uint8_t *text, size_t length, size_t chunk) {
    const vf_source whole = {.text = text, .length = length};
    const vf_source *const source = chunk ? NULL : &whole;
    const bool more =
        chunk ? feed_in_chunks(decoder, text, length, chunk) : feed(decoder, text, length, source);
    const bool ended = more && finish(decoder, source);
    print_batch(decoder, source);
    if (!ended) {
        printf("H %llu %llu\n", (unsigned long long)decoder->line, (unsigned long long)decoder->offset);
    }
}

/* ---- repeat ----------------------------------------------------------------------------------- */

static void repeat(vf_decoder *decoder, const uint8_t *text, size_t length, int times) {
    const vf_source source = {.text = text, .length = length};
    for (int i = 0; i < times; i++) {
        size_t consumed;
        vf_status status = vf_decoder_feed(decoder, text, length, true, 0, &consumed);
        if (status == VF_OK) status = vf_decoder_finish(decoder, false);
        if (status != VF_OK) fail("decode", status);
        vf_batch *batch = take(decoder, &source);
        if (i == times - 1) printf("%lld\n", (long long)vf_batch_array(batch)->length);
        vf_batch_release(batch);
        reset(decoder);
        decoder->line = 1;
        decoder->offset = 0;
    }
}

static void print_kernels(void) {
    const vf_kernel *kernels[8];
    const size_t count = vf_kernels(kernels, 8);
    for (size_t i = 0; i < count; i++) printf("%s\n", kernels[i]->name);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "kernels") == 0) {
        print_kernels();
        return 0;
    }
    const bool rows = argc >= 5 && strcmp(argv[1], "rows") == 0;
    if (!rows && !(argc == 6 && strcmp(argv[1], "repeat") == 0)) {
        fprintf(stderr, "usage: drive rows KERNEL PLAN FILE [CHUNK [MAXROWS]]\n"
                        "       drive repeat KERNEL PLAN FILE N\n"
                        "       drive kernels\n");
        return 2;
    }
    const size_t number = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    const uint64_t max_rows = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
    vf_plan *plan = read_plan_file(argv[3]);
    size_t length;
    uint8_t *text = read_whole_file(argv[4], &length);
    vf_pool *pool = vf_pool_new((size_t)256 << 20);
    vf_decoder *decoder =
        vf_decoder_new(plan, find_kernel(argv[2]), pool, 1, max_rows != 0, max_rows, true);
    if (!pool || !decoder) fail("begin", VF_NO_MEMORY);
    if (rows) print_all(decoder, text, length, number);
    else repeat(decoder, text, length, (int)number);
    vf_decoder_free(decoder);
    vf_pool_release(pool);
    vf_plan_release(plan);
    free(text);
    return 0;
}
