#include "module.h"

#include <stdlib.h>

/* What `parse` keeps of the buffers of batches that are gone, for the next ones: without it, most of
 * the time for a batch of some megabytes goes into page faults. */
#define IDLE_BYTES ((size_t)64 << 20)

/* ---- plans ------------------------------------------------------------------------------------ */

static void free_plan_capsule(PyObject *capsule) {
    vf_plan_release(PyCapsule_GetPointer(capsule, VF_PLAN_CAPSULE));
}

static bool copy_bytes(PyObject *bytes, vf_string *out) {
    char *text;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &text, &length) < 0) return false;
    out->text = malloc((size_t)length + 1);
    if (!out->text) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(out->text, text, (size_t)length);
    out->text[length] = '\0';
    out->length = (size_t)length;
    return true;
}

static bool copy_all_bytes(PyObject *list, vf_string *out) {
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        if (!copy_bytes(PyList_GetItem(list, i), &out[i])) return false;
    }
    return true;
}

static bool fill_plan_column(vf_column *column, PyObject *item) {
    const char *name;
    int type, field, percent;
    long long max;
    if (!PyArg_ParseTuple(item, "siiLp", &name, &type, &field, &max, &percent)) return false;
    column->type = (vf_type)type;
    column->field = field;
    column->max = max;
    column->percent = percent;
    column->name = malloc(strlen(name) + 1);
    if (!column->name) {
        PyErr_NoMemory();
        return false;
    }
    strcpy(column->name, name);
    return true;
}

static bool fill_alternative(vf_filter *filter, size_t i, PyObject *item) {
    if (filter->kind == VF_FILTER_TEXT) return copy_bytes(item, &filter->texts[i]);
    if (filter->kind == VF_FILTER_ADDRESS) {
        const char *low, *high;
        Py_ssize_t low_length, high_length;
        if (!PyArg_ParseTuple(item, "y#y#", &low, &low_length, &high, &high_length)) return false;
        if (low_length != high_length || (low_length != 4 && low_length != 16)) {
            PyErr_SetString(PyExc_ValueError, "a network is two addresses of 4 or of 16 bytes");
            return false;
        }
        filter->networks[i].family = (uint8_t)low_length;
        memcpy(filter->networks[i].low, low, (size_t)low_length);
        memcpy(filter->networks[i].high, high, (size_t)low_length);
        return true;
    }
    long long low, high;
    if (!PyArg_ParseTuple(item, "LL", &low, &high)) return false;
    filter->ranges[i] = (vf_range){low, high};
    return true;
}

static bool fill_filter(vf_filter *filter, PyObject *item) {
    int kind, field, percent, match_null;
    long long max;
    PyObject *alternatives;
    if (!PyArg_ParseTuple(item, "iiLppO", &kind, &field, &max, &percent, &match_null, &alternatives)) {
        return false;
    }
    const size_t count = (size_t)PyList_Size(alternatives);
    filter->kind = (vf_filter_kind)kind;
    filter->field = field;
    filter->max = max;
    filter->percent = percent;
    filter->match_null = match_null;
    filter->ranges = calloc(count + 1, sizeof *filter->ranges);
    filter->networks = calloc(count + 1, sizeof *filter->networks);
    filter->texts = calloc(count + 1, sizeof *filter->texts);
    if (!filter->ranges || !filter->networks || !filter->texts) {
        PyErr_NoMemory();
        return false;
    }
    filter->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!fill_alternative(filter, i, PyList_GetItem(alternatives, (Py_ssize_t)i))) return false;
    }
    return true;
}

static PyObject *py_plan(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *names, *known, *columns, *filters;
    int status_field;
    if (!PyArg_ParseTuple(args, "O!O!O!O!i", &PyList_Type, &names, &PyList_Type, &known, &PyList_Type,
                          &columns, &PyList_Type, &filters, &status_field)) {
        return NULL;
    }
    vf_plan *plan = vf_plan_new((size_t)PyList_Size(names), (size_t)PyList_Size(columns),
                                (size_t)PyList_Size(filters), (size_t)PyList_Size(known));
    if (!plan) return PyErr_NoMemory();
    bool ready = copy_all_bytes(names, plan->names) && copy_all_bytes(known, plan->known);
    for (size_t c = 0; ready && c < plan->column_count; c++) {
        ready = fill_plan_column(&plan->columns[c], PyList_GetItem(columns, (Py_ssize_t)c));
    }
    for (size_t f = 0; ready && f < plan->filter_count; f++) {
        ready = fill_filter(&plan->filters[f], PyList_GetItem(filters, (Py_ssize_t)f));
    }
    plan->status_field = status_field;
    vf_plan_complete(plan);
    PyObject *capsule = ready ? PyCapsule_New(plan, VF_PLAN_CAPSULE, free_plan_capsule) : NULL;
    if (!capsule) vf_plan_release(plan);
    return capsule;
}

/* ---- pools ------------------------------------------------------------------------------------ */

static void free_pool_capsule(PyObject *capsule) {
    vf_pool_release(PyCapsule_GetPointer(capsule, VF_POOL_CAPSULE));
}

static PyObject *py_pool(PyObject *module, PyObject *limit) {
    (void)module;
    const long long bytes = PyLong_AsLongLong(limit);
    if (bytes == -1 && PyErr_Occurred()) return NULL;
    vf_pool *pool = vf_stream_pool_new((size_t)bytes);
    return pool ? PyCapsule_New(pool, VF_POOL_CAPSULE, free_pool_capsule) : PyErr_NoMemory();
}

/* ---- decoders --------------------------------------------------------------------------------- */

/* The GIL is released while a decoder works: `busy` turns a second thread away. */
typedef struct {
    vf_decoder *decoder;
    bool busy;
} vf_decoder_box;

static void free_decoder_capsule(PyObject *capsule) {
    vf_decoder_box *box = PyCapsule_GetPointer(capsule, VF_DECODER_CAPSULE);
    vf_decoder_free(box->decoder);
    free(box);
}

static vf_decoder_box *unbox(PyObject *capsule) {
    vf_decoder_box *box = PyCapsule_GetPointer(capsule, VF_DECODER_CAPSULE);
    if (box && box->busy) {
        PyErr_SetString(PyExc_RuntimeError, "this parser is in use by another thread");
        return NULL;
    }
    return box;
}

static PyObject *py_decoder(PyObject *module, PyObject *args) {
    vf_module_state *state = PyModule_GetState(module);
    PyObject *plan_capsule, *pool_capsule;
    unsigned long long secret, max_rows, offset, line;
    int keep_rejects;
    if (!PyArg_ParseTuple(args, "OOKKpKK", &plan_capsule, &pool_capsule, &secret, &max_rows,
                          &keep_rejects, &offset, &line)) {
        return NULL;
    }
    vf_plan *plan = PyCapsule_GetPointer(plan_capsule, VF_PLAN_CAPSULE);
    if (!plan) return NULL;
    vf_pool *pool = state->pool;
    if (pool_capsule != Py_None && !(pool = PyCapsule_GetPointer(pool_capsule, VF_POOL_CAPSULE))) {
        return NULL;
    }
    vf_decoder_box *box = calloc(1, sizeof *box);
    if (box) {
        box->decoder = vf_decoder_new(plan, state->kernel, pool, secret, max_rows != 0, max_rows,
                                      keep_rejects);
    }
    if (!box || !box->decoder) {
        free(box);
        return PyErr_NoMemory();
    }
    box->decoder->offset = offset;
    box->decoder->line = line;
    PyObject *capsule = PyCapsule_New(box, VF_DECODER_CAPSULE, free_decoder_capsule);
    if (!capsule) {
        vf_decoder_free(box->decoder);
        free(box);
    }
    return capsule;
}

static PyObject *py_feed(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    Py_buffer data;
    Py_ssize_t start;
    int direct;
    if (!PyArg_ParseTuple(args, "Oy*np", &capsule, &data, &start, &direct)) return NULL;
    vf_decoder_box *box = unbox(capsule);
    if (!box || start < 0 || start > data.len) {
        PyBuffer_Release(&data);
        if (box) PyErr_SetString(PyExc_IndexError, "start lies outside the data");
        return NULL;
    }
    size_t consumed;
    vf_status status;
    box->busy = true;
    Py_BEGIN_ALLOW_THREADS
    status = vf_decoder_feed(box->decoder, (const uint8_t *)data.buf + start,
                             (size_t)(data.len - start), direct, (uint64_t)start, &consumed);
    Py_END_ALLOW_THREADS
    box->busy = false;
    PyBuffer_Release(&data);
    if (status == VF_NO_MEMORY) return PyErr_NoMemory();
    return Py_BuildValue("in", (int)status, (Py_ssize_t)consumed);
}

static PyObject *py_finish(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    int damaged;
    if (!PyArg_ParseTuple(args, "Op", &capsule, &damaged)) return NULL;
    vf_decoder_box *box = unbox(capsule);
    if (!box) return NULL;
    vf_status status;
    box->busy = true;
    Py_BEGIN_ALLOW_THREADS
    status = vf_decoder_finish(box->decoder, damaged);
    Py_END_ALLOW_THREADS
    box->busy = false;
    return status == VF_NO_MEMORY ? PyErr_NoMemory() : PyLong_FromLong(status);
}

/* Where the decoder stands: (rows in the batch, next byte, next line, the begun line). */
static PyObject *py_position(PyObject *module, PyObject *capsule) {
    (void)module;
    vf_decoder_box *box = unbox(capsule);
    if (!box) return NULL;
    const vf_decoder *decoder = box->decoder;
    const uint64_t kept = decoder->carried < VF_MAX_LINE ? decoder->carried : VF_MAX_LINE;
    const char *begun = kept ? (const char *)decoder->carry.data + VF_PAD : "";
    return Py_BuildValue("KKKy#", (unsigned long long)decoder->rows, (unsigned long long)decoder->offset,
                         (unsigned long long)decoder->line, begun, (Py_ssize_t)kept);
}

static PyObject *counts_tuple(const vf_counts *counts) {
    return Py_BuildValue(
        "KKKKKKKK", (unsigned long long)counts->lines, (unsigned long long)counts->records,
        (unsigned long long)counts->filtered, (unsigned long long)counts->rejected,
        (unsigned long long)counts->blank, (unsigned long long)counts->header,
        (unsigned long long)counts->nodata, (unsigned long long)counts->skipdata);
}

static PyObject *reasons_tuple(const vf_counts *counts) {
    PyObject *reasons = PyTuple_New(VF_REASONS);
    for (Py_ssize_t i = 0; reasons && i < VF_REASONS; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(counts->reasons[i]);
        if (!count || PyTuple_SetItem(reasons, i, count) < 0) Py_CLEAR(reasons);
    }
    return reasons;
}

static PyObject *rejects_list(const vf_decoder *decoder) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < decoder->reject_count; i++) {
        const vf_reject *reject = &decoder->rejects[i];
        PyObject *item = Py_BuildValue("KKiiy#", (unsigned long long)reject->line,
                                       (unsigned long long)reject->offset, (int)reject->reason,
                                       (int)reject->field, (const char *)reject->text,
                                       (Py_ssize_t)reject->length);
        if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* Py_buffer of the text that views point into. The last reference may go in any thread. */
static void release_source(void *owner) {
    if (!Py_IsInitialized()) return; /* the interpreter has gone, and the object with it */
    PyGILState_STATE gil = PyGILState_Ensure();
    PyBuffer_Release(owner);
    PyGILState_Release(gil);
    free(owner);
}

static bool hold_source(PyObject *object, vf_source *source) {
    Py_buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer) {
        PyErr_NoMemory();
        return false;
    }
    if (PyObject_GetBuffer(object, buffer, PyBUF_SIMPLE) < 0) {
        free(buffer);
        return false;
    }
    *source = (vf_source){
        .text = buffer->buf, .length = (uint64_t)buffer->len, .owner = buffer, .release = release_source};
    return true;
}

/* (batch, counts, reasons, rejects); the decoder begins its next batch. */
static PyObject *py_take(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *object;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &object)) return NULL;
    vf_decoder_box *box = unbox(capsule);
    if (!box) return NULL;
    vf_source source = {0};
    if (object != Py_None && !hold_source(object, &source)) return NULL;
    vf_batch *batch = vf_batch_take(box->decoder, source.owner ? &source : NULL);
    if (!batch) {
        if (source.owner) release_source(source.owner);
        return PyErr_NoMemory();
    }
    PyObject *counts = counts_tuple(&box->decoder->counts);
    PyObject *reasons = reasons_tuple(&box->decoder->counts);
    PyObject *rejects = rejects_list(box->decoder);
    PyObject *wrapped = vf_wrap_batch(batch);
    PyObject *result = NULL;
    if (!vf_decoder_reset(box->decoder)) {
        PyErr_NoMemory();
    } else if (counts && reasons && rejects && wrapped) {
        result = PyTuple_Pack(4, wrapped, counts, reasons, rejects);
    }
    Py_XDECREF(counts);
    Py_XDECREF(reasons);
    Py_XDECREF(rejects);
    Py_XDECREF(wrapped);
    return result;
}

/* ---- batches ---------------------------------------------------------------------------------- */

static void free_batch_capsule(PyObject *capsule) {
    vf_batch_release(PyCapsule_GetPointer(capsule, VF_BATCH_CAPSULE));
}

PyObject *vf_wrap_batch(vf_batch *batch) {
    PyObject *capsule = PyCapsule_New(batch, VF_BATCH_CAPSULE, free_batch_capsule);
    if (!capsule) vf_batch_release(batch);
    return capsule;
}

vf_batch *vf_unwrap_batch(PyObject *capsule) { return PyCapsule_GetPointer(capsule, VF_BATCH_CAPSULE); }

static PyObject *py_length(PyObject *module, PyObject *capsule) {
    (void)module;
    vf_batch *batch = vf_unwrap_batch(capsule);
    return batch ? PyLong_FromLongLong(vf_batch_array(batch)->length) : NULL;
}

static PyObject *py_nbytes(PyObject *module, PyObject *capsule) {
    (void)module;
    vf_batch *batch = vf_unwrap_batch(capsule);
    return batch ? PyLong_FromUnsignedLongLong(vf_batch_size(batch)) : NULL;
}

static PyObject *py_column_names(PyObject *module, PyObject *capsule) {
    (void)module;
    vf_batch *batch = vf_unwrap_batch(capsule);
    if (!batch) return NULL;
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    PyObject *names = PyTuple_New((Py_ssize_t)schema->n_children);
    for (int64_t i = 0; names && i < schema->n_children; i++) {
        PyObject *name = PyUnicode_FromString(schema->children[i]->name);
        if (!name || PyTuple_SetItem(names, (Py_ssize_t)i, name) < 0) Py_CLEAR(names);
    }
    return names;
}

static PyObject *py_render(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    int csv, header;
    if (!PyArg_ParseTuple(args, "Opp", &capsule, &csv, &header)) return NULL;
    vf_batch *batch = vf_unwrap_batch(capsule);
    if (!batch) return NULL;
    int64_t unsupported;
    vf_renderer *renderer = vf_renderer_new(batch, csv ? VF_CSV : VF_JSONL, &unsupported);
    if (!renderer && unsupported < 0) return PyErr_NoMemory();
    if (!renderer) {
        const struct ArrowSchema *column = vf_batch_schema(batch)->children[unsupported];
        return PyErr_Format(PyExc_TypeError, "column '%s' has the Arrow format '%s', which has no text form",
                            column->name, column->format);
    }
    vf_buffer out = {0};
    bool rendered;
    Py_BEGIN_ALLOW_THREADS
    rendered = (!header || vf_render_header(renderer, &out)) &&
               vf_render_rows(renderer, 0, vf_batch_array(batch)->length, &out);
    Py_END_ALLOW_THREADS
    vf_renderer_free(renderer);
    PyObject *text = rendered ? PyBytes_FromStringAndSize((const char *)out.data, (Py_ssize_t)out.length)
                              : PyErr_NoMemory();
    vf_buffer_free(&out, NULL);
    return text;
}

/* ---- kernels and counters --------------------------------------------------------------------- */

static PyObject *py_kernels(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    const vf_kernel *kernels[8];
    const size_t count = vf_kernels(kernels, 8);
    PyObject *names = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; names && i < count; i++) {
        PyObject *name = PyUnicode_FromString(kernels[i]->name);
        if (!name || PyTuple_SetItem(names, (Py_ssize_t)i, name) < 0) Py_CLEAR(names);
    }
    return names;
}

static PyObject *py_kernel(PyObject *module, PyObject *unused) {
    (void)unused;
    return PyUnicode_FromString(((vf_module_state *)PyModule_GetState(module))->kernel->name);
}

/* False when this machine does not have it. */
static PyObject *py_use_kernel(PyObject *module, PyObject *args) {
    vf_module_state *state = PyModule_GetState(module);
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    const vf_kernel *kernels[8];
    const size_t count = vf_kernels(kernels, 8);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kernels[i]->name, name) == 0) {
            state->kernel = kernels[i];
            Py_RETURN_TRUE;
        }
    }
    Py_RETURN_FALSE;
}

static PyObject *py_live_buffers(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLongLong(vf_live_buffers());
}

static PyObject *py_live_exports(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLongLong(vf_live_exports());
}

/* ---- the module ------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"plan", py_plan, METH_VARARGS, NULL},
    {"pool", py_pool, METH_O, NULL},
    {"decoder", py_decoder, METH_VARARGS, NULL},
    {"feed", py_feed, METH_VARARGS, NULL},
    {"finish", py_finish, METH_VARARGS, NULL},
    {"position", py_position, METH_O, NULL},
    {"take", py_take, METH_VARARGS, NULL},
    {"length", py_length, METH_O, NULL},
    {"nbytes", py_nbytes, METH_O, NULL},
    {"column_names", py_column_names, METH_O, NULL},
    {"render", py_render, METH_VARARGS, NULL},
    {"records", vf_py_records, METH_O, NULL},
    {"export_schema", vf_py_export_schema, METH_O, NULL},
    {"export_array", vf_py_export_array, METH_O, NULL},
    {"export_stream", vf_py_export_stream, METH_VARARGS, NULL},
    {"import_batch", vf_py_import_batch, METH_VARARGS, NULL},
    {"keys", vf_py_keys, METH_O, NULL},
    {"numbers", vf_py_numbers, METH_NOARGS, NULL},
    {"encode", vf_py_encode, METH_VARARGS, NULL},
    {"pair", vf_py_pair, METH_VARARGS, NULL},
    {"find", vf_py_find, METH_VARARGS, NULL},
    {"recode", vf_py_recode, METH_VARARGS, NULL},
    {"key_count", vf_py_key_count, METH_O, NULL},
    {"forget", vf_py_forget, METH_O, NULL},
    {"gather", vf_py_gather, METH_VARARGS, NULL},
    {"gather_values", vf_py_gather_values, METH_VARARGS, NULL},
    {"values_at", vf_py_values_at, METH_VARARGS, NULL},
    {"kernels", py_kernels, METH_NOARGS, NULL},
    {"kernel", py_kernel, METH_NOARGS, NULL},
    {"use_kernel", py_use_kernel, METH_VARARGS, NULL},
    {"live_buffers", py_live_buffers, METH_NOARGS, NULL},
    {"live_exports", py_live_exports, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *import_attribute(const char *module_name, const char *name) {
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *attribute = module ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return attribute;
}

static int exec_module(PyObject *module) {
    vf_module_state *state = PyModule_GetState(module);
    const vf_kernel *kernels[8];
    state->kernel = kernels[vf_kernels(kernels, 8) - 1];
    state->pool = vf_pool_new(IDLE_BYTES);
    if (!state->pool) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject *datetime = import_attribute("datetime", "datetime");
    PyObject *timezone = import_attribute("datetime", "timezone");
    state->fromtimestamp = datetime ? PyObject_GetAttrString(datetime, "fromtimestamp") : NULL;
    state->utc = timezone ? PyObject_GetAttrString(timezone, "utc") : NULL;
    state->timedelta = import_attribute("datetime", "timedelta");
    PyObject *zero = PyLong_FromLong(0);
    state->epoch = state->fromtimestamp && state->utc && zero
                       ? PyObject_CallFunctionObjArgs(state->fromtimestamp, zero, state->utc, NULL)
                       : NULL;
    Py_XDECREF(zero);
    state->nearest = import_attribute("vpcflow.errors", "nearest");
    Py_XDECREF(datetime);
    Py_XDECREF(timezone);
    const bool ready =
        state->epoch && state->timedelta && state->nearest && vf_add_record_types(module);
    return ready ? 0 : -1;
}

static int traverse_module(PyObject *module, visitproc visit, void *arg) {
    vf_module_state *state = PyModule_GetState(module);
    Py_VISIT(state->record_type);
    Py_VISIT(state->rows_type);
    Py_VISIT(state->iterator_type);
    Py_VISIT(state->fromtimestamp);
    Py_VISIT(state->timedelta);
    Py_VISIT(state->utc);
    Py_VISIT(state->epoch);
    Py_VISIT(state->nearest);
    return 0;
}

static int clear_module(PyObject *module) {
    vf_module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->record_type);
    Py_CLEAR(state->rows_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->fromtimestamp);
    Py_CLEAR(state->timedelta);
    Py_CLEAR(state->utc);
    Py_CLEAR(state->epoch);
    Py_CLEAR(state->nearest);
    return 0;
}

static void free_module(void *module) {
    vf_module_state *state = PyModule_GetState(module);
    clear_module(module);
    if (state) vf_pool_release(state->pool);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "vpcflow._native._core",
    .m_size = sizeof(vf_module_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse_module,
    .m_clear = clear_module,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
