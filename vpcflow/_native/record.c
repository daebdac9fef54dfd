/* FlowRecord: a row of a batch. It decodes a value when it is asked for one, and keeps the batch alive. */
#include <stdlib.h>

#include "module.h"

/* What the records of one batch share. */
typedef struct {
    PyObject_HEAD
    PyObject *batch; /* capsule */
    vf_module_state *state;
    Py_ssize_t columns;
    int64_t rows;
    PyObject *names; /* tuple of interned str */
    PyObject **name; /* its items, borrowed */
    vf_reader *readers;
    PyObject ***cached; /* str of each dictionary value, made when first needed */
} vf_rows_object;

typedef struct {
    PyObject_HEAD
    vf_rows_object *rows;
    int64_t row;
} vf_record;

typedef struct {
    PyObject_HEAD
    vf_rows_object *rows;
    int64_t next;
} vf_record_iterator;

/* ---- values ----------------------------------------------------------------------------------- */

/* Whole seconds, as AWS writes them, take the short way; the long one keeps every millisecond. */
static PyObject *time_value(const vf_module_state *state, int64_t ms) {
    if (ms % 1000 == 0) {
        PyObject *seconds = PyLong_FromLongLong(ms / 1000);
        if (!seconds) return NULL;
        PyObject *value = PyObject_CallFunctionObjArgs(state->fromtimestamp, seconds, state->utc, NULL);
        Py_DECREF(seconds);
        return value;
    }
    PyObject *since = PyObject_CallFunction(state->timedelta, "iiiL", 0, 0, 0, (long long)ms);
    PyObject *value = since ? PyNumber_Add(state->epoch, since) : NULL;
    Py_XDECREF(since);
    return value;
}

static PyObject *text_value(const vf_rows_object *rows, Py_ssize_t column, int64_t row) {
    const vf_reader *reader = &rows->readers[column];
    const int64_t index = rows->cached[column] ? vf_reader_index(reader, row) : -1;
    if (index >= 0 && rows->cached[column][index]) {
        PyObject *known = rows->cached[column][index];
        Py_INCREF(known);
        return known;
    }
    size_t length;
    const uint8_t *text = vf_reader_text(reader, row, &length);
    PyObject *value = PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)length, NULL);
    if (value && index >= 0) {
        Py_INCREF(value);
        rows->cached[column][index] = value;
    }
    return value;
}

static PyObject *value_at(const vf_rows_object *rows, Py_ssize_t column, int64_t row) {
    const vf_reader *reader = &rows->readers[column];
    if (vf_reader_null(reader, row)) Py_RETURN_NONE;
    switch (reader->kind) {
    case VF_READ_INTEGER: return PyLong_FromLongLong(vf_reader_integer(reader, row));
    case VF_READ_TIME: return time_value(rows->state, vf_reader_integer(reader, row));
    case VF_READ_BOOL: return PyBool_FromLong(vf_reader_bool(reader, row));
    case VF_READ_FLOAT: return PyFloat_FromDouble(vf_reader_float(reader, row));
    default: return text_value(rows, column, row);
    }
}

/* ---- FlowRecord ------------------------------------------------------------------------------- */

static void record_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF((PyObject *)((vf_record *)self)->rows);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *unknown_attribute(const vf_rows_object *rows, PyObject *name) {
    PyObject *nearest =
        PyObject_CallFunctionObjArgs(rows->state->nearest, name, rows->names, NULL);
    if (!nearest) return NULL;
    if (nearest == Py_None) {
        PyErr_Format(PyExc_AttributeError, "the records of this batch have no column '%U'", name);
    } else {
        PyErr_Format(PyExc_AttributeError,
                     "the records of this batch have no column '%U'; did you mean '%U'?", name, nearest);
    }
    Py_DECREF(nearest);
    return NULL;
}

static PyObject *record_getattro(PyObject *self, PyObject *name) {
    const vf_record *record = (vf_record *)self;
    const vf_rows_object *rows = record->rows;
    /* attribute names in code are interned, and so are ours: equal means identical */
    for (Py_ssize_t c = 0; c < rows->columns; c++) {
        if (rows->name[c] == name) return value_at(rows, c, record->row);
    }
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    PyErr_Clear();
    for (Py_ssize_t c = 0; c < rows->columns; c++) {
        if (PyUnicode_Compare(rows->name[c], name) == 0) return value_at(rows, c, record->row);
    }
    return unknown_attribute(rows, name);
}

static PyObject *record_asdict(PyObject *self, PyObject *unused) {
    (void)unused;
    const vf_record *record = (vf_record *)self;
    const vf_rows_object *rows = record->rows;
    PyObject *dict = PyDict_New();
    for (Py_ssize_t c = 0; dict && c < rows->columns; c++) {
        PyObject *value = value_at(rows, c, record->row);
        if (!value || PyDict_SetItem(dict, rows->name[c], value) < 0) Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *record_repr(PyObject *self) {
    const vf_record *record = (vf_record *)self;
    const vf_rows_object *rows = record->rows;
    PyObject *parts = PyList_New(0);
    for (Py_ssize_t c = 0; parts && c < rows->columns; c++) {
        PyObject *value = value_at(rows, c, record->row);
        PyObject *part = value ? PyUnicode_FromFormat("%U=%R", rows->name[c], value) : NULL;
        if (!part || PyList_Append(parts, part) < 0) Py_CLEAR(parts);
        Py_XDECREF(value);
        Py_XDECREF(part);
    }
    PyObject *comma = parts ? PyUnicode_FromString(", ") : NULL;
    PyObject *joined = comma ? PyUnicode_Join(comma, parts) : NULL;
    PyObject *text = joined ? PyUnicode_FromFormat("FlowRecord(%U)", joined) : NULL;
    Py_XDECREF(parts);
    Py_XDECREF(comma);
    Py_XDECREF(joined);
    return text;
}

static PyObject *record_dir(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *names = PySequence_List(((vf_record *)self)->rows->names);
    PyObject *method = names ? PyUnicode_FromString("asdict") : NULL;
    if (!method || PyList_Append(names, method) < 0) Py_CLEAR(names);
    Py_XDECREF(method);
    return names;
}

static PyMethodDef record_methods[] = {
    {"asdict", record_asdict, METH_NOARGS,
     "All columns of the record: a dict of int, str, aware UTC datetime, or None for null."},
    {"__dir__", record_dir, METH_NOARGS, "The columns of the record, and asdict."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot record_slots[] = {
    {Py_tp_dealloc, record_dealloc},
    {Py_tp_getattro, record_getattro},
    {Py_tp_methods, record_methods},
    {Py_tp_repr, record_repr},
    {Py_tp_doc,
     "One flow record; its columns are attributes: int, str, None for null; `start` and `end` are\n"
     "aware datetimes in UTC. A record keeps its whole batch alive: to keep many, keep asdict()."},
    {0, NULL},
};

static PyType_Spec record_spec = {
    .name = "vpcflow.FlowRecord",
    .basicsize = sizeof(vf_record),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = record_slots,
};

/* ---- the shared part -------------------------------------------------------------------------- */

static void rows_dealloc(PyObject *self) {
    vf_rows_object *rows = (vf_rows_object *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (Py_ssize_t c = 0; rows->cached && c < rows->columns; c++) {
        for (int64_t i = 0; rows->cached[c] && i < rows->readers[c].dictionary_length; i++) {
            Py_XDECREF(rows->cached[c][i]);
        }
        free(rows->cached[c]);
    }
    free(rows->cached);
    free(rows->readers);
    free(rows->name);
    Py_XDECREF(rows->names);
    Py_XDECREF(rows->batch);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot rows_slots[] = {{Py_tp_dealloc, rows_dealloc}, {0, NULL}};

static PyType_Spec rows_spec = {
    .name = "vpcflow._native._core._Rows",
    .basicsize = sizeof(vf_rows_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = rows_slots,
};

static bool fill_column(vf_rows_object *rows, Py_ssize_t c, const struct ArrowSchema *schema,
                        const struct ArrowArray *array) {
    vf_reader *reader = &rows->readers[c];
    const struct ArrowSchema *column = schema->children[c];
    PyObject *name = PyUnicode_InternFromString(column->name);
    if (!name || PyTuple_SetItem(rows->names, c, name) < 0) return false; /* steals name */
    rows->name[c] = name;
    if (!vf_reader_init(reader, column, array->children[c], array->offset)) {
        PyErr_Format(PyExc_TypeError, "column '%s' has the Arrow format '%s', which records cannot show",
                     column->name, column->format);
        return false;
    }
    if (reader->index_layout) {
        rows->cached[c] = calloc((size_t)reader->dictionary_length + 1, sizeof(PyObject *));
        if (!rows->cached[c]) {
            PyErr_NoMemory();
            return false;
        }
    }
    return true;
}

static vf_rows_object *new_rows(vf_module_state *state, PyObject *capsule) {
    vf_batch *batch = vf_unwrap_batch(capsule);
    if (!batch) return NULL;
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    const struct ArrowArray *array = vf_batch_array(batch);
    vf_rows_object *rows = PyObject_New(vf_rows_object, state->rows_type);
    if (!rows) return NULL;
    const Py_ssize_t columns = (Py_ssize_t)schema->n_children;
    memset((char *)rows + sizeof(PyObject), 0, sizeof *rows - sizeof(PyObject));
    rows->state = state;
    rows->columns = columns;
    rows->rows = array->length;
    Py_INCREF(capsule);
    rows->batch = capsule;
    rows->names = PyTuple_New(columns);
    rows->name = calloc((size_t)columns + 1, sizeof *rows->name);
    rows->readers = calloc((size_t)columns + 1, sizeof *rows->readers);
    rows->cached = calloc((size_t)columns + 1, sizeof *rows->cached);
    bool ready = rows->names && rows->name && rows->readers && rows->cached;
    if (!ready && !PyErr_Occurred()) PyErr_NoMemory();
    for (Py_ssize_t c = 0; ready && c < columns; c++) ready = fill_column(rows, c, schema, array);
    if (ready) return rows;
    Py_DECREF((PyObject *)rows);
    return NULL;
}

/* ---- the iterator ----------------------------------------------------------------------------- */

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF((PyObject *)((vf_record_iterator *)self)->rows);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *iterator_next(PyObject *self) {
    vf_record_iterator *iterator = (vf_record_iterator *)self;
    vf_rows_object *rows = iterator->rows;
    if (iterator->next >= rows->rows) return NULL;
    vf_record *record = PyObject_New(vf_record, rows->state->record_type);
    if (!record) return NULL;
    Py_INCREF((PyObject *)rows);
    record->rows = rows;
    record->row = iterator->next++;
    return (PyObject *)record;
}

static PyObject *iterator_length_hint(PyObject *self, PyObject *unused) {
    (void)unused;
    const vf_record_iterator *iterator = (vf_record_iterator *)self;
    return PyLong_FromLongLong(iterator->rows->rows - iterator->next);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, "Records that are left."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc}, {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},   {Py_tp_methods, iterator_methods},
    {0, NULL},
};

static PyType_Spec iterator_spec = {
    .name = "vpcflow._native._core._Records",
    .basicsize = sizeof(vf_record_iterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = iterator_slots,
};

PyObject *vf_py_records(PyObject *module, PyObject *batch) {
    vf_module_state *state = PyModule_GetState(module);
    vf_rows_object *rows = new_rows(state, batch);
    if (!rows) return NULL;
    vf_record_iterator *iterator = PyObject_New(vf_record_iterator, state->iterator_type);
    if (!iterator) {
        Py_DECREF((PyObject *)rows);
        return NULL;
    }
    iterator->rows = rows;
    iterator->next = 0;
    return (PyObject *)iterator;
}

bool vf_add_record_types(PyObject *module) {
    vf_module_state *state = PyModule_GetState(module);
    state->record_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &record_spec, NULL);
    state->rows_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &rows_spec, NULL);
    state->iterator_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &iterator_spec, NULL);
    return state->record_type && state->rows_type && state->iterator_type &&
           PyModule_AddObjectRef(module, "FlowRecord", (PyObject *)state->record_type) == 0;
}
