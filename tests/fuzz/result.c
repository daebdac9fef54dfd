#include "result.h"

#include "require.h"

result new_result(const char *name) {
    result out = {.name = name, .rejects = calloc(VF_MAX_REJECTS, sizeof(vf_reject))};
    REQUIRE(out.rejects, "without memory");
    return out;
}

void free_result(result *out) {
    vf_buffer_free(&out->rows, NULL);
    vf_buffer_free(&out->csv, NULL);
    for (uint64_t i = 0; i < out->kept; i++) free(out->rejects[i].text);
    free(out->rejects);
}

void keep_reject(result *out, const vf_reject *reject) {
    if (out->kept == VF_MAX_REJECTS) return;
    vf_reject *kept = &out->rejects[out->kept++];
    *kept = *reject;
    kept->length = reject->length < VF_MAX_REJECT_TEXT ? reject->length : VF_MAX_REJECT_TEXT;
    kept->text = malloc(kept->length + 1);
    REQUIRE(kept->text, "without memory");
    memcpy(kept->text, reject->text, kept->length);
}

void append(vf_buffer *buffer, const void *bytes, size_t length) {
    REQUIRE(vf_buffer_reserve(buffer, length, NULL), "without memory");
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
}

/* ---- comparison ------------------------------------------------------------------------------- */

static void same_text(const char *what, const result *a, const vf_buffer *x, const result *b,
                      const vf_buffer *y) {
    size_t at = 0, start;
    if (x->length == y->length && (!x->length || memcmp(x->data, y->data, x->length) == 0)) return;
    while (at < x->length && at < y->length && x->data[at] == y->data[at]) at++;
    for (start = at; start && x->data[start - 1] != '\n'; start--) {
    }
    fprintf(stderr, "%s: %.*s\n", a->name, (int)(x->length - start), (const char *)x->data + start);
    fprintf(stderr, "%s: %.*s\n", b->name, (int)(y->length - start), (const char *)y->data + start);
    REQUIRE(false, "%s: %s differs from %s at %zu of %zu and %zu", what, b->name, a->name, at, x->length,
            y->length);
}

static void same_reject(const result *b, const vf_reject *x, const vf_reject *y) {
    REQUIRE(x->line == y->line && x->offset == y->offset, "%s: line %llu at %llu, not line %llu at %llu",
            b->name, (unsigned long long)y->line, (unsigned long long)y->offset,
            (unsigned long long)x->line, (unsigned long long)x->offset);
    REQUIRE(x->reason == y->reason && x->field == y->field,
            "%s: line %llu, reason %d of field %d, not %d of %d", b->name, (unsigned long long)y->line,
            (int)y->reason, y->field, (int)x->reason, x->field);
    REQUIRE(x->length == y->length && memcmp(x->text, y->text, x->length) == 0,
            "%s: the text of line %llu", b->name, (unsigned long long)y->line);
}

void same_result(const result *a, const result *b) {
    static const char *const names[] = {"lines", "records", "filtered", "rejected", "blank",
                                        "header", "nodata", "skipdata"};
    const uint64_t *x = (const uint64_t *)&a->counts, *y = (const uint64_t *)&b->counts;
    for (uint64_t i = 0; i < a->kept && i < b->kept; i++) same_reject(b, &a->rejects[i], &b->rejects[i]);
    for (size_t i = 0; i < sizeof a->counts / sizeof *x; i++) {
        REQUIRE(x[i] == y[i], "%s: %llu %s, not %llu", b->name, (unsigned long long)y[i],
                i < 8 ? names[i] : "of a reason", (unsigned long long)x[i]);
    }
    same_text("JSON lines", a, &a->rows, b, &b->rows);
    if (a->csv.length) same_text("CSV", a, &a->csv, b, &b->csv);
    REQUIRE(a->header == b->header && a->line == b->line && a->offset == b->offset,
            "%s stands at line %llu, offset %llu, not at %llu, %llu", b->name, (unsigned long long)b->line,
            (unsigned long long)b->offset, (unsigned long long)a->line, (unsigned long long)a->offset);
    REQUIRE(a->kept == b->kept, "%s: %llu rejected lines", b->name, (unsigned long long)b->kept);
}
