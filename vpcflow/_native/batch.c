#include "batch.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WINDOW_SHIFT 30 /* views address the caller's text in windows of 1 GiB */

struct vf_batch {
    atomic_int references;
    struct ArrowSchema schema;
    struct ArrowArray array;
    vf_pool *pool;
    vf_buffer *buffers; /* all that the arrays point to, but for the source */
    size_t buffer_count;
    vf_source source;
};

static atomic_llong live_exports;

int64_t vf_live_exports(void) { return atomic_load(&live_exports); }

const struct ArrowSchema *vf_batch_schema(const vf_batch *batch) { return &batch->schema; }
const struct ArrowArray *vf_batch_array(const vf_batch *batch) { return &batch->array; }

uint64_t vf_batch_size(const vf_batch *batch) {
    uint64_t size = 0;
    for (size_t i = 0; i < batch->buffer_count; i++) size += batch->buffers[i].length;
    return size;
}

vf_batch *vf_batch_retain(vf_batch *batch) {
    atomic_fetch_add(&batch->references, 1);
    return batch;
}

void vf_batch_release(vf_batch *batch) {
    if (!batch || atomic_fetch_sub(&batch->references, 1) != 1) return;
    if (batch->array.release) batch->array.release(&batch->array);
    if (batch->schema.release) batch->schema.release(&batch->schema);
    for (size_t i = 0; i < batch->buffer_count; i++) vf_buffer_free(&batch->buffers[i], batch->pool);
    free(batch->buffers);
    if (batch->source.release) batch->source.release(batch->source.owner);
    vf_pool_release(batch->pool);
    free(batch);
}

/* ---- array nodes: the structs of a tree, whose memory somebody else holds -------------------- */

typedef struct {
    vf_batch *batch; /* NULL: the batch's own tree */
    bool root;
} vf_node;

static void release_node(struct ArrowArray *array) {
    vf_node *node = array->private_data;
    for (int64_t i = 0; array->children && i < array->n_children; i++) {
        struct ArrowArray *child = array->children[i];
        if (child && child->release) child->release(child);
        free(child);
    }
    if (array->dictionary) {
        if (array->dictionary->release) array->dictionary->release(array->dictionary);
        free(array->dictionary);
    }
    free(array->children);
    free(array->buffers);
    array->release = NULL;
    if (node->root) atomic_fetch_sub(&live_exports, 1);
    vf_batch *batch = node->batch;
    free(node);
    vf_batch_release(batch);
}

static bool init_node(struct ArrowArray *array, vf_batch *batch, bool root, int64_t length,
                      int64_t nulls, int64_t buffers, int64_t children, bool dictionary) {
    memset(array, 0, sizeof *array);
    vf_node *node = calloc(1, sizeof *node);
    if (!node) return false;
    array->private_data = node;
    array->release = release_node;
    array->length = length;
    array->null_count = nulls;
    array->buffers = calloc((size_t)buffers + 1, sizeof *array->buffers);
    bool ready = array->buffers != NULL;
    array->n_buffers = buffers;
    if (ready && children) {
        array->children = calloc((size_t)children, sizeof *array->children);
        ready = array->children != NULL;
        array->n_children = ready ? children : 0;
    }
    for (int64_t i = 0; ready && i < children; i++) {
        array->children[i] = calloc(1, sizeof **array->children);
        ready = array->children[i] != NULL;
    }
    if (ready && dictionary) {
        array->dictionary = calloc(1, sizeof *array->dictionary);
        ready = array->dictionary != NULL;
    }
    if (!ready) {
        array->release(array);
        return false;
    }
    if (batch) node->batch = vf_batch_retain(batch);
    if (root) {
        node->root = true;
        atomic_fetch_add(&live_exports, 1);
    }
    return true;
}

static bool share(const struct ArrowArray *array, vf_batch *batch, bool root, struct ArrowArray *out) {
    if (!init_node(out, batch, root, array->length, array->null_count, array->n_buffers,
                   array->n_children, array->dictionary != NULL)) {
        return false;
    }
    out->offset = array->offset;
    for (int64_t i = 0; i < array->n_buffers; i++) out->buffers[i] = array->buffers[i];
    bool shared = true;
    for (int64_t i = 0; shared && i < array->n_children; i++) {
        shared = share(array->children[i], batch, false, out->children[i]);
    }
    if (shared && array->dictionary) shared = share(array->dictionary, batch, false, out->dictionary);
    if (!shared) out->release(out);
    return shared;
}

bool vf_batch_export(vf_batch *batch, struct ArrowArray *out) {
    return share(&batch->array, batch, true, out);
}

vf_batch *vf_batch_import(struct ArrowSchema *schema, struct ArrowArray *array) {
    vf_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    atomic_init(&batch->references, 1);
    batch->schema = *schema;
    batch->array = *array;
    schema->release = NULL;
    array->release = NULL;
    return batch;
}

/* ---- from a decoder --------------------------------------------------------------------------- */

/* Move a builder's buffer into the batch; arrays never point to NULL data. */
static const void *adopt(vf_batch *batch, vf_buffer *buffer, bool *failed) {
    if (!buffer->data && !vf_buffer_reserve(buffer, VF_PAD, batch->pool)) {
        *failed = true;
        return NULL;
    }
    const void *data = buffer->data;
    batch->buffers[batch->buffer_count++] = *buffer;
    *buffer = (vf_buffer){0};
    return data;
}

static bool zero(vf_buffer *buffer, size_t length, vf_pool *pool) {
    buffer->length = 0;
    if (!vf_buffer_reserve(buffer, length, pool)) return false;
    memset(buffer->data, 0, length);
    buffer->length = length;
    return true;
}

/* A column that the format does not have: as many nulls as there are rows. */
static bool fill_absent(vf_builder *builder, vf_type type, uint64_t rows, vf_pool *pool) {
    const size_t width = type == VF_VIEW ? 16 : type == VF_INT64 || type == VF_TIME ? 8 : 4;
    builder->nulls = (int64_t)rows;
    return zero(&builder->data, (size_t)(rows + 1) * width, pool) &&
           zero(&builder->validity, (size_t)(rows + 7) / 8, pool);
}

static bool take_dictionary(vf_batch *batch, vf_dictionary *dictionary, struct ArrowArray *out) {
    vf_dictionary *values = vf_dictionary_values(dictionary);
    bool failed = false;
    if (!init_node(out, NULL, false, values->count, 0, 3, 0, false)) return false;
    if (!values->count && !zero(&values->offsets, 4, batch->pool)) return false;
    out->buffers[1] = adopt(batch, &values->offsets, &failed);
    out->buffers[2] = adopt(batch, &values->values, &failed);
    return !failed;
}

/* Buffers of a string_view array: validity, views, own text, windows of the source, their lengths. */
static bool take_views(vf_batch *batch, vf_builder *builder, struct ArrowArray *out) {
    const vf_source *source = &batch->source;
    const int64_t texts = out->n_buffers - 3;
    vf_buffer sizes = {0};
    bool failed = !vf_buffer_reserve(&sizes, (size_t)texts * 8, batch->pool);
    if (failed) return false;
    int64_t *size = (int64_t *)(void *)sizes.data;
    size[0] = (int64_t)builder->own.length;
    out->buffers[2] = adopt(batch, &builder->own, &failed);
    for (int64_t i = 1; i < texts; i++) {
        const uint64_t at = (uint64_t)(i - 1) << WINDOW_SHIFT;
        const uint64_t left = source->length - at;
        out->buffers[2 + i] = source->text + at;
        size[i] = left < INT32_MAX ? (int64_t)left : INT32_MAX;
    }
    out->buffers[2 + texts] = adopt(batch, &sizes, &failed);
    return !failed;
}

static bool take_column(vf_batch *batch, vf_decoder *decoder, size_t c, struct ArrowArray *out) {
    const vf_column *column = &decoder->plan->columns[c];
    vf_builder *builder = &decoder->builders[c];
    const uint64_t windows =
        batch->source.text ? (batch->source.length >> WINDOW_SHIFT) + 1 : 0;
    const int64_t buffers = column->type == VF_VIEW   ? 4 + (int64_t)windows
                            : column->type == VF_UTF8 ? 3
                                                      : 2;
    bool failed = false;
    if (column->field < 0 && !fill_absent(builder, column->type, decoder->rows, decoder->pool)) {
        return false;
    }
    if (column->type == VF_UTF8 && !decoder->rows && !zero(&builder->data, 4, decoder->pool)) {
        return false;
    }
    if (!init_node(out, NULL, false, (int64_t)decoder->rows, builder->nulls, buffers, 0,
                   column->type == VF_DICTIONARY)) {
        return false;
    }
    out->buffers[1] = adopt(batch, &builder->data, &failed);
    if (builder->nulls) out->buffers[0] = adopt(batch, &builder->validity, &failed);
    if (column->type == VF_UTF8) out->buffers[2] = adopt(batch, &builder->own, &failed);
    if (failed) return false;
    if (column->type == VF_VIEW) return take_views(batch, builder, out);
    if (column->type != VF_DICTIONARY) return true;
    return take_dictionary(batch, &builder->dictionary, out->dictionary);
}

vf_batch *vf_batch_take(vf_decoder *decoder, const vf_source *source) {
    const size_t columns = decoder->plan->column_count;
    vf_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    atomic_init(&batch->references, 1);
    batch->pool = vf_pool_retain(decoder->pool);
    batch->buffers = calloc(columns * 5 + 1, sizeof *batch->buffers);
    if (source) batch->source = *source;
    batch->source.release = NULL; /* the caller's until all has gone well */
    bool ready = batch->buffers && vf_plan_schema(decoder->plan, &batch->schema) &&
                 init_node(&batch->array, NULL, false, (int64_t)decoder->rows, 0, 1,
                           (int64_t)columns, false);
    for (size_t c = 0; ready && c < columns; c++) {
        ready = take_column(batch, decoder, c, batch->array.children[c]);
    }
    if (!ready) {
        vf_batch_release(batch);
        return NULL;
    }
    if (source) batch->source.release = source->release;
    return batch;
}
