/* Arrow schemas: made from a plan, and copied. Each owns all its strings and children. */
#include <stdlib.h>

#include "batch.h"

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; schema->children && i < schema->n_children; i++) {
        struct ArrowSchema *child = schema->children[i];
        if (child && child->release) child->release(child);
        free(child);
    }
    if (schema->dictionary) {
        if (schema->dictionary->release) schema->dictionary->release(schema->dictionary);
        free(schema->dictionary);
    }
    free(schema->children);
    free((char *)schema->format);
    free((char *)schema->name);
    free((char *)schema->metadata);
    schema->release = NULL;
}

static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* The size of the metadata block: int32 pairs, then for each key and value an int32 length and bytes. */
static size_t metadata_size(const char *metadata) {
    int32_t pairs, length;
    size_t at = 4;
    memcpy(&pairs, metadata, 4);
    for (int32_t i = 0; i < 2 * pairs; i++) {
        memcpy(&length, metadata + at, 4);
        at += 4 + (size_t)length;
    }
    return at;
}

/* A schema without children yet; `children` says how many places to make. */
static bool init_schema(struct ArrowSchema *schema, const char *format, const char *name,
                        int64_t children, bool dictionary) {
    memset(schema, 0, sizeof *schema);
    schema->release = release_schema;
    schema->flags = ARROW_FLAG_NULLABLE;
    schema->format = copy_text(format);
    schema->name = copy_text(name);
    bool ready = schema->format && schema->name;
    if (ready && children) {
        schema->children = calloc((size_t)children, sizeof *schema->children);
        ready = schema->children != NULL;
        schema->n_children = ready ? children : 0;
    }
    for (int64_t i = 0; ready && i < children; i++) {
        schema->children[i] = calloc(1, sizeof **schema->children);
        ready = schema->children[i] != NULL;
    }
    if (ready && dictionary) {
        schema->dictionary = calloc(1, sizeof *schema->dictionary);
        ready = schema->dictionary != NULL;
    }
    if (!ready) schema->release(schema);
    return ready;
}

static const char *format_of(vf_type type) {
    static const char *const formats[] = {
        [VF_INT32] = "i", [VF_INT64] = "l", [VF_TIME] = "tsm:UTC",
        [VF_VIEW] = "vu", [VF_UTF8] = "u",  [VF_DICTIONARY] = "i",
    };
    return formats[type];
}

bool vf_plan_schema(const vf_plan *plan, struct ArrowSchema *out) {
    if (!init_schema(out, "+s", "", (int64_t)plan->column_count, false)) return false;
    out->flags = 0;
    for (size_t c = 0; c < plan->column_count; c++) {
        const vf_column *column = &plan->columns[c];
        const bool encoded = column->type == VF_DICTIONARY;
        if (!init_schema(out->children[c], format_of(column->type), column->name, 0, encoded) ||
            (encoded && !init_schema(out->children[c]->dictionary, "u", "", 0, false))) {
            out->release(out);
            return false;
        }
    }
    return true;
}

bool vf_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *out) {
    if (!init_schema(out, schema->format, schema->name ? schema->name : "", schema->n_children,
                     schema->dictionary != NULL)) {
        return false;
    }
    out->flags = schema->flags;
    bool copied = true;
    if (schema->metadata) {
        size_t size = metadata_size(schema->metadata);
        char *metadata = malloc(size);
        if (metadata) memcpy(metadata, schema->metadata, size);
        out->metadata = metadata;
        copied = metadata != NULL;
    }
    for (int64_t i = 0; copied && i < schema->n_children; i++) {
        copied = vf_schema_copy(schema->children[i], out->children[i]);
    }
    if (copied && schema->dictionary) copied = vf_schema_copy(schema->dictionary, out->dictionary);
    if (!copied) out->release(out);
    return copied;
}
