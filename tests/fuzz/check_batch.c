#include "check_batch.h"

#include "require.h"

/* A column, for messages. */
typedef struct {
    const vf_column *plan;
    const struct ArrowArray *array;
    const char *name;
} column;

static bool is_valid(const struct ArrowArray *array, int64_t row) {
    const uint8_t *bits = array->buffers[0];
    return !bits || (bits[row / 8] >> (row & 7) & 1);
}

static void check_nulls(const column *c) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < c->array->length; row++) nulls += !is_valid(c->array, row);
    REQUIRE(nulls == c->array->null_count, "%s: %lld nulls, not %lld", c->name, (long long)nulls,
            (long long)c->array->null_count);
}

static void check_integers(const column *c) {
    const int64_t max = c->plan->type == VF_TIME ? 9999999999999 : c->plan->max;
    for (int64_t row = 0; row < c->array->length; row++) {
        if (!is_valid(c->array, row)) continue;
        const int64_t value = c->plan->type == VF_INT32 ? ((const int32_t *)c->array->buffers[1])[row]
                                                        : ((const int64_t *)c->array->buffers[1])[row];
        REQUIRE(value >= 0 && value <= max, "%s: %lld", c->name, (long long)value);
    }
}

/* Text of any layout is UTF-8, and never empty: an empty field cannot be written. */
static void check_text(const column *c, const uint8_t *text, size_t length) {
    REQUIRE(length > 0 && length <= VF_MAX_LINE, "%s: %zu bytes of text", c->name, length);
    REQUIRE(vf_is_utf8(text, length), "%s", c->name);
    REQUIRE(c->plan->percent || !vf_is_null(text, length), "%s: a null is text", c->name);
}

/* The values of a utf8 array; `nullable`: some may be null, and are empty then. */
static void check_utf8(const column *c, const struct ArrowArray *array) {
    const int32_t *offsets = array->buffers[1];
    const uint8_t *text = array->buffers[2];
    REQUIRE(array->n_buffers == 3 && array->offset == 0, "%s", c->name);
    REQUIRE(offsets[0] == 0, "%s: the first offset is %d", c->name, offsets[0]);
    for (int64_t row = 0; row < array->length; row++) {
        REQUIRE(offsets[row] <= offsets[row + 1], "%s: offsets fall at %lld", c->name, (long long)row);
        const size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        if (is_valid(array, row)) check_text(c, text + offsets[row], length);
    }
}

static void check_view(const column *c, const vf_view *view, const struct ArrowArray *array) {
    const int64_t texts = array->n_buffers - 3;
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    if (view->length <= 12) {
        const uint8_t *shown = view->prefix;
        check_text(c, shown, view->length);
        for (uint32_t i = view->length; i < 12; i++) {
            REQUIRE(shown[i] == 0, "%s: a short view is not filled with zeros", c->name);
        }
        return;
    }
    REQUIRE((int64_t)view->buffer < texts, "%s: buffer %u of %lld", c->name, view->buffer,
            (long long)texts);
    REQUIRE((int64_t)view->offset + view->length <= sizes[view->buffer], "%s: %u + %u of %lld", c->name,
            view->offset, view->length, (long long)sizes[view->buffer]);
    const uint8_t *text = (const uint8_t *)array->buffers[2 + view->buffer] + view->offset;
    REQUIRE(memcmp(text, view->prefix, 4) == 0, "%s: the prefix differs from the text", c->name);
    check_text(c, text, view->length);
}

static void check_views(const column *c) {
    const vf_view *views = c->array->buffers[1];
    REQUIRE(c->array->n_buffers >= 4, "%s", c->name);
    for (int64_t row = 0; row < c->array->length; row++) {
        if (is_valid(c->array, row)) check_view(c, &views[row], c->array);
    }
}

static void check_dictionary(const column *c) {
    const struct ArrowArray *values = c->array->dictionary;
    const int32_t *indices = c->array->buffers[1];
    REQUIRE(values && values->null_count == 0, "%s", c->name);
    check_utf8(c, values);
    for (int64_t row = 0; row < c->array->length; row++) {
        if (!is_valid(c->array, row)) continue;
        REQUIRE(indices[row] >= 0 && indices[row] < values->length, "%s: index %d of %lld", c->name,
                indices[row], (long long)values->length);
    }
    const int32_t *offsets = values->buffers[1];
    const uint8_t *text = values->buffers[2];
    const int64_t some = values->length < 100 ? values->length : 100;
    for (int64_t i = 1; i < some; i++) {
        for (int64_t j = 0; j < i; j++) {
            const int32_t length = offsets[i + 1] - offsets[i];
            REQUIRE(length != offsets[j + 1] - offsets[j] ||
                        memcmp(text + offsets[i], text + offsets[j], (size_t)length) != 0,
                    "%s: values %lld and %lld are the same", c->name, (long long)i, (long long)j);
        }
    }
}

static void check_column(const column *c, const struct ArrowSchema *schema) {
    static const char *const formats[] = {"i", "l", "tsm:UTC", "vu", "u", "i"};
    REQUIRE(strcmp(schema->name, c->plan->name) == 0, "%s", schema->name);
    REQUIRE(strcmp(schema->format, formats[c->plan->type]) == 0, "%s: %s", c->name, schema->format);
    check_nulls(c);
    if (c->plan->field < 0) {
        REQUIRE(c->array->null_count == c->array->length, "%s is not in the lines", c->name);
    }
    if (c->plan->type <= VF_TIME) check_integers(c);
    else if (c->plan->type == VF_VIEW) check_views(c);
    else if (c->plan->type == VF_UTF8) check_utf8(c, c->array);
    else check_dictionary(c);
}

void check_batch(const vf_batch *batch, const vf_plan *plan, uint64_t rows) {
    const struct ArrowArray *array = vf_batch_array(batch);
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    REQUIRE(array->length == (int64_t)rows, "%lld rows", (long long)array->length);
    REQUIRE(array->n_children == (int64_t)plan->column_count, "%lld", (long long)array->n_children);
    REQUIRE(schema->n_children == array->n_children, "%lld", (long long)schema->n_children);
    for (size_t i = 0; i < plan->column_count; i++) {
        const column c = {&plan->columns[i], array->children[i], plan->columns[i].name};
        REQUIRE(c.array->length == array->length && c.array->offset == 0, "%s", c.name);
        check_column(&c, schema->children[i]);
    }
}

void check_export(vf_batch *batch, const vf_plan *plan) {
    const int64_t live = vf_live_exports();
    struct ArrowArray root, child;
    struct ArrowSchema schema;
    REQUIRE(vf_batch_export(batch, &root), "without memory");
    REQUIRE(vf_schema_copy(vf_batch_schema(batch), &schema), "without memory");
    vf_batch_release(batch);
    child = *root.children[0];
    root.children[0]->release = NULL; /* moved out: it outlives the others */
    root.release(&root);
    check_column(&(column){plan->columns, &child, plan->columns->name}, schema.children[0]);
    child.release(&child);
    schema.release(&schema);
    REQUIRE(!root.release && !child.release && !schema.release, "released, and does not say so");
    REQUIRE(vf_live_exports() == live, "%lld live exports", (long long)vf_live_exports());
}
