/* Decode a file without Python: for other processors (under qemu), for instruction counts (under
 * callgrind), and for profilers.
 *
 *   drive rows KERNEL PLAN FILE      rows as JSON lines, then rejected lines, then counts
 *   drive repeat KERNEL PLAN FILE N  decode N times and print nothing but the number of records
 *   drive kernels                    the kernels that this machine can run
 */
#include <stdio.h>
#include <stdlib.h>

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

static vf_batch *decode(vf_decoder *decoder, const uint8_t *text, size_t length) {
    size_t consumed;
    vf_status status = vf_decoder_feed(decoder, text, length, true, 0, &consumed);
    if (status != VF_OK) fail("feed", status);
    status = vf_decoder_finish(decoder, false);
    if (status != VF_OK) fail("finish", status);
    const vf_source source = {.text = text, .length = length};
    vf_batch *batch = vf_batch_take(decoder, &source);
    if (!batch) fail("take", VF_NO_MEMORY);
    return batch;
}

static void print_batch(const vf_batch *batch, const vf_decoder *decoder) {
    int64_t unsupported;
    vf_buffer out = {0};
    vf_renderer *renderer = vf_renderer_new(batch, VF_JSONL, &unsupported);
    if (!renderer || !vf_render_rows(renderer, 0, vf_batch_array(batch)->length, &out)) {
        fail("render", VF_NO_MEMORY);
    }
    fwrite(out.data, 1, out.length, stdout);
    vf_buffer_free(&out, NULL);
    vf_renderer_free(renderer);
    for (size_t i = 0; i < decoder->reject_count; i++) {
        const vf_reject *reject = &decoder->rejects[i];
        printf("R %llu %llu %d %d\n", (unsigned long long)reject->line,
               (unsigned long long)reject->offset, (int)reject->reason, reject->field);
    }
    const vf_counts *counts = &decoder->counts;
    const uint64_t numbers[] = {counts->lines, counts->records, counts->filtered, counts->rejected,
                                counts->blank, counts->header,  counts->nodata,   counts->skipdata};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        printf("%s%llu", i ? " " : "N ", (unsigned long long)numbers[i]);
    }
    printf("\n");
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
    if (argc < 5) {
        fprintf(stderr, "usage: drive rows|repeat KERNEL PLAN FILE [N]\n");
        return 2;
    }
    const bool rows = strcmp(argv[1], "rows") == 0;
    const int times = argc > 5 ? atoi(argv[5]) : 1;
    vf_plan *plan = read_plan_file(argv[3]);
    size_t length;
    uint8_t *text = read_whole_file(argv[4], &length);
    vf_pool *pool = vf_pool_new((size_t)256 << 20);
    vf_decoder *decoder = vf_decoder_new(plan, find_kernel(argv[2]), pool, 1, false, 0, true);
    if (!pool || !decoder) fail("begin", VF_NO_MEMORY);
    for (int i = 0; i < times; i++) {
        vf_batch *batch = decode(decoder, text, length);
        if (rows) print_batch(batch, decoder);
        else if (i == times - 1) printf("%lld\n", (long long)vf_batch_array(batch)->length);
        vf_batch_release(batch);
        if (!vf_decoder_reset(decoder)) fail("reset", VF_NO_MEMORY);
        decoder->line = 1;
        decoder->offset = 0;
    }
    vf_decoder_free(decoder);
    vf_pool_release(pool);
    vf_plan_release(plan);
    free(text);
    return 0;
}
