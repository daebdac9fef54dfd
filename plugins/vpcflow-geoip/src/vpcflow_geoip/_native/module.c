#include "module.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Py_buffer buffer; /* the file; keeps whoever exported it */
    vg_tree tree;
    vg_section data;
} database;

typedef struct {
    vg_table table;
    PyObject *database; /* the capsule: owned */
    bool busy;          /* a thread works on it without the GIL */
} py_table;

static void free_database(database *made) {
    vg_tree_close(&made->tree);
    PyBuffer_Release(&made->buffer);
    free(made);
}

static void free_database_capsule(PyObject *capsule) {
    free_database(PyCapsule_GetPointer(capsule, VG_DATABASE_CAPSULE));
}

/* open(buffer, node_count, record_size, ip_version, data_begin, data_end) -> database */
static PyObject *py_open(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer buffer;
    unsigned long long node_count;
    unsigned record_size, ip_version;
    Py_ssize_t begin, end;
    if (!PyArg_ParseTuple(args, "y*KIInn", &buffer, &node_count, &record_size, &ip_version, &begin, &end)) {
        return NULL;
    }
    database *made = calloc(1, sizeof *made);
    if (!made) {
        PyBuffer_Release(&buffer);
        return PyErr_NoMemory();
    }
    made->buffer = buffer;
    vg_fault fault = NULL;
    if (begin < 0 || end < begin || end > buffer.len) {
        fault = "the data section lies outside of the file";
    } else {
        made->data = (vg_section){(const uint8_t *)buffer.buf + begin, (size_t)(end - begin)};
    }
    bool opened = !fault && vg_tree_open(&made->tree, buffer.buf, (size_t)buffer.len, node_count,
                                         record_size, ip_version, &fault);
    if (fault) PyErr_SetString(PyExc_ValueError, fault);
    if (!opened && !fault) PyErr_NoMemory();
    PyObject *capsule = opened ? PyCapsule_New(made, VG_DATABASE_CAPSULE, free_database_capsule) : NULL;
    if (!capsule) free_database(made);
    return capsule;
}

static PyObject *place_error(vg_fault fault, uint32_t place) {
    if (place == VG_NOWHERE) return PyErr_Format(PyExc_ValueError, "%s", fault);
    return PyErr_Format(PyExc_ValueError, "%s (record at %lu)", fault, (unsigned long)place);
}

/* places(database, count) -> where records stand in the data section, as a set: those that `count`
 * nodes of the tree, evenly spread, lead to; all of them if there are no more nodes */
static PyObject *py_places(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    unsigned count;
    if (!PyArg_ParseTuple(args, "OI", &capsule, &count)) return NULL;
    const database *from = PyCapsule_GetPointer(capsule, VG_DATABASE_CAPSULE);
    PyObject *places = from ? PySet_New(NULL) : NULL;
    if (!places) return NULL;
    const uint32_t nodes = from->tree.node_count, looks = count < nodes ? count : nodes;
    for (uint64_t i = 0; i < 2 * (uint64_t)looks && places; i++) {
        const uint32_t node = (uint32_t)(i / 2 * nodes / looks);
        const uint32_t record = vg_tree_record(&from->tree, node, (unsigned)(i & 1));
        uint32_t place;
        if (record <= nodes) continue;
        const vg_fault fault = vg_tree_place(&from->tree, record, &place);
        PyObject *number = fault ? place_error(fault, VG_NOWHERE) : PyLong_FromUnsignedLong(place);
        if (!number || PySet_Add(places, number) < 0) Py_CLEAR(places);
        Py_XDECREF(number);
    }
    return places;
}

/* ---- tables ------------------------------------------------------------------------------------ */

static void free_table(py_table *made) {
    vg_table_close(&made->table);
    Py_XDECREF(made->database);
    free(made);
}

static void free_table_capsule(PyObject *capsule) {
    free_table(PyCapsule_GetPointer(capsule, VG_TABLE_CAPSULE));
}

static bool add_path(vg_table *table, int column, Py_ssize_t rank, PyObject *path) {
    vg_step steps[VG_MAX_STEPS];
    const Py_ssize_t count = PyTuple_Size(path);
    if (count < 0) return false;
    if (count > VG_MAX_STEPS || rank > UINT8_MAX) {
        PyErr_SetString(PyExc_ValueError, "a path of too many steps, or too many paths");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length;
        steps[i].key = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(path, i), &length);
        if (!steps[i].key) return false;
        steps[i].length = (size_t)length;
    }
    if (vg_wants_add(&table->wants, column, (uint8_t)rank, steps, (size_t)count)) return true;
    PyErr_NoMemory();
    return false;
}

static bool add_column(vg_table *table, PyObject *item) {
    int kind, strict;
    PyObject *paths;
    if (!PyArg_ParseTuple(item, "ipO!", &kind, &strict, &PyTuple_Type, &paths)) return false;
    const int column = kind < 0 || kind > VG_KIND_ASN ? -1 : vg_table_add(table, (vg_kind)kind, strict);
    if (column < 0) {
        PyErr_Format(PyExc_ValueError, "a column of kind %d cannot be added, or is one too many", kind);
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(paths); i++) {
        if (!add_path(table, column, i, PyTuple_GetItem(paths, i))) return false;
    }
    return true;
}

/* table(database, ((kind, strict, (path, ...)), ...)) -> table; a path is a tuple of str */
static PyObject *py_table_new(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *columns;
    if (!PyArg_ParseTuple(args, "OO!", &capsule, &PyTuple_Type, &columns)) return NULL;
    const database *from = PyCapsule_GetPointer(capsule, VG_DATABASE_CAPSULE);
    py_table *made = from ? calloc(1, sizeof *made) : NULL;
    if (!made) return from ? PyErr_NoMemory() : NULL;
    Py_INCREF(capsule);
    made->database = capsule;
    bool good = vg_table_open(&made->table, &from->tree, from->data);
    if (!good) PyErr_NoMemory();
    for (Py_ssize_t i = 0; good && i < PyTuple_Size(columns); i++) {
        good = add_column(&made->table, PyTuple_GetItem(columns, i));
    }
    PyObject *result = good ? PyCapsule_New(made, VG_TABLE_CAPSULE, free_table_capsule) : NULL;
    if (!result) free_table(made);
    return result;
}

static py_table *idle_table(PyObject *capsule) {
    py_table *made = PyCapsule_GetPointer(capsule, VG_TABLE_CAPSULE);
    if (made && made->busy) {
        PyErr_SetString(PyExc_RuntimeError, "the table is in use by another thread");
        return NULL;
    }
    return made;
}

/* find(table, addresses, skip) -> rows: bytes of int32, -1 for nothing known. skip: bits of scopes */
static PyObject *py_find(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *addresses;
    unsigned skip;
    if (!PyArg_ParseTuple(args, "OOI", &capsule, &addresses, &skip)) return NULL;
    py_table *in = idle_table(capsule);
    const vg_list *list = in ? PyCapsule_GetPointer(addresses, VG_ADDRESSES_CAPSULE) : NULL;
    if (!list) return NULL;
    PyObject *rows = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(list->count * sizeof(int32_t)));
    if (!rows) return NULL;
    int32_t *to = (int32_t *)(void *)PyBytes_AsString(rows);
    vg_damage damage;
    bool found;
    in->busy = true;
    Py_BEGIN_ALLOW_THREADS
    found = vg_table_find(&in->table, list->addresses, list->count, skip, to, &damage);
    Py_END_ALLOW_THREADS
    in->busy = false;
    if (found) return rows;
    Py_DECREF(rows);
    return damage.fault ? place_error(damage.fault, damage.place) : PyErr_NoMemory();
}

/* rows(table, places) -> the rows of records that stand there; places: bytes of uint32 */
static PyObject *py_rows(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    const char *places;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "Oy#", &capsule, &places, &size)) return NULL;
    py_table *in = idle_table(capsule);
    PyObject *rows = in ? PyBytes_FromStringAndSize(NULL, size / 4 * 4) : NULL;
    if (!rows) return NULL;
    int32_t *to = (int32_t *)(void *)PyBytes_AsString(rows);
    vg_damage damage;
    if (vg_table_rows(&in->table, (const uint32_t *)(const void *)places, (size_t)size / 4, to, &damage)) {
        return rows;
    }
    Py_DECREF(rows);
    return damage.fault ? place_error(damage.fault, damage.place) : PyErr_NoMemory();
}

static vg_column *column_of(py_table *in, int number) {
    if (in && number >= 0 && number < in->table.column_count) return &in->table.columns[number];
    if (in) PyErr_Format(PyExc_IndexError, "there is no column %d", number);
    return NULL;
}

/* values(table, column, rows) -> (values, validity or None), as Arrow lays them out */
static PyObject *py_values(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    int number;
    const char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "Oiy#", &capsule, &number, &bytes, &size)) return NULL;
    py_table *in = idle_table(capsule);
    const vg_column *column = column_of(in, number);
    if (!column) return NULL;
    const int32_t *rows = (const int32_t *)(const void *)bytes;
    const size_t count = (size_t)size / sizeof *rows, bits = (count + 7) / 8;
    bool known = true;
    for (size_t i = 0; i < count; i++) known &= rows[i] < (int64_t)in->table.row_count;
    if (!known) return PyErr_Format(PyExc_IndexError, "there is no such row");
    const size_t room = column->kind == VG_KIND_BOOL ? bits : count * vg_kind_size(column->kind);
    PyObject *values = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    PyObject *validity = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bits);
    size_t nulls = 0;
    if (values && validity) {
        uint8_t *to = (uint8_t *)PyBytes_AsString(values);
        uint8_t *valid = (uint8_t *)PyBytes_AsString(validity);
        if (column->kind == VG_KIND_BOOL) memset(to, 0, bits);
        memset(valid, 0, bits);
        in->busy = true;
        Py_BEGIN_ALLOW_THREADS
        nulls = vg_table_values(&in->table, number, rows, count, to, valid);
        Py_END_ALLOW_THREADS
        in->busy = false;
    }
    return vg_py_column(values, validity, nulls);
}

/* text_count(table, column) -> texts that the column has so far */
static PyObject *py_text_count(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    int number;
    if (!PyArg_ParseTuple(args, "Oi", &capsule, &number)) return NULL;
    const vg_column *column = column_of(idle_table(capsule), number);
    return column ? PyLong_FromSize_t(column->texts.count) : NULL;
}

/* texts(table, column) -> (offsets, bytes): all texts of the column so far, as Arrow's utf8 */
static PyObject *py_texts(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    int number;
    if (!PyArg_ParseTuple(args, "Oi", &capsule, &number)) return NULL;
    const vg_column *column = column_of(idle_table(capsule), number);
    if (!column) return NULL;
    const vg_texts *texts = &column->texts;
    const int32_t none = 0;
    const int32_t *offsets = texts->count ? texts->offsets : &none;
    return Py_BuildValue("y#y#", (const char *)offsets, (Py_ssize_t)((texts->count + 1) * sizeof *offsets),
                         (const char *)(texts->count ? texts->bytes : (const uint8_t *)""),
                         (Py_ssize_t)offsets[texts->count]);
}

/* ---- the module -------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"decode", vg_py_decode, METH_VARARGS, NULL},
    {"open", py_open, METH_VARARGS, NULL},
    {"places", py_places, METH_VARARGS, NULL},
    {"addresses", vg_py_addresses, METH_O, NULL},
    {"arrow_addresses", vg_py_arrow_addresses, METH_VARARGS, NULL},
    {"scopes", vg_py_scopes, METH_O, NULL},
    {"packed", vg_py_packed, METH_O, NULL},
    {"table", py_table_new, METH_VARARGS, NULL},
    {"find", py_find, METH_VARARGS, NULL},
    {"rows", py_rows, METH_VARARGS, NULL},
    {"values", py_values, METH_VARARGS, NULL},
    {"text_count", py_text_count, METH_VARARGS, NULL},
    {"texts", py_texts, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int exec_module(PyObject *module) {
    PyObject *names = vg_py_scope_names();
    if (!names) return -1;
    const int added = PyModule_AddObjectRef(module, "SCOPES", names);
    Py_DECREF(names);
    return added;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "vpcflow_geoip._native._core",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
