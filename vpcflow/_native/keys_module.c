/* Key sets and numbers for Python. Codes and numbers go to and fro as bytes of int32. Only `encode`
 * lets go of the GIL: for the others, which take some 20 microseconds, handing it over costs more. */
#include <stdlib.h>

#include "keys.h"
#include "module.h"

#define KEYS_CAPSULE "vpcflow.keys"
#define NUMBERS_CAPSULE "vpcflow.numbers"

static void free_keys(PyObject *capsule) { vf_keys_free(PyCapsule_GetPointer(capsule, KEYS_CAPSULE)); }
static void free_numbers(PyObject *capsule) {
    vf_numbers_free(PyCapsule_GetPointer(capsule, NUMBERS_CAPSULE));
}

/* keys(secret) -> an empty set */
PyObject *vf_py_keys(PyObject *module, PyObject *secret) {
    (void)module;
    const uint64_t number = PyLong_AsUnsignedLongLong(secret);
    if (PyErr_Occurred()) return NULL;
    vf_keys *keys = vf_keys_new(number);
    if (!keys) return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(keys, KEYS_CAPSULE, free_keys);
    if (!capsule) vf_keys_free(keys);
    return capsule;
}

/* numbers() -> none yet */
PyObject *vf_py_numbers(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    vf_numbers *numbers = vf_numbers_new();
    if (!numbers) return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(numbers, NUMBERS_CAPSULE, free_numbers);
    if (!capsule) vf_numbers_free(numbers);
    return capsule;
}

static PyObject *int32_bytes(const int32_t *values, int64_t count) {
    return PyBytes_FromStringAndSize((const char *)values, (Py_ssize_t)count * 4);
}

/* What encode, pair and find give: the codes of all rows, and the rows of the new ones. */
typedef struct {
    PyObject *codes;
    int32_t *to, *new_rows;
    int64_t new_count;
} vf_found;

static bool begin_found(vf_found *found, int64_t rows) {
    *found = (vf_found){0};
    if (rows > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "a batch of %lld rows", (long long)rows);
        return false;
    }
    found->codes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows * 4);
    found->new_rows = malloc((size_t)rows * sizeof *found->new_rows + 1);
    if (found->codes && found->new_rows) {
        found->to = (int32_t *)(void *)PyBytes_AsString(found->codes);
        return true;
    }
    if (!PyErr_Occurred()) PyErr_NoMemory();
    Py_XDECREF(found->codes);
    free(found->new_rows);
    return false;
}

static PyObject *end_found(vf_found *found, bool ok) {
    PyObject *rows = ok ? int32_bytes(found->new_rows, found->new_count) : PyErr_NoMemory();
    PyObject *result = rows ? PyTuple_Pack(2, found->codes, rows) : NULL;
    Py_XDECREF(rows);
    Py_DECREF(found->codes);
    free(found->new_rows);
    return result;
}

/* The only column of a batch; false with an exception set. */
static bool column_of(const vf_batch *batch, vf_reader *column) {
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    const struct ArrowArray *array = vf_batch_array(batch);
    if (schema->n_children != 1) {
        PyErr_Format(PyExc_ValueError, "%lld columns, not one", (long long)schema->n_children);
        return false;
    }
    if (vf_reader_init(column, schema->children[0], array->children[0], array->offset) &&
        column->kind <= VF_READ_TEXT) {
        return true;
    }
    PyErr_Format(PyExc_TypeError, "column '%s' has the Arrow format '%s', which cannot be a key",
                 schema->children[0]->name, schema->children[0]->format);
    return false;
}

/* encode(keys, batch) -> (codes, rows of new keys); of the batch's only column */
PyObject *vf_py_encode(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *set, *capsule;
    if (!PyArg_ParseTuple(args, "OO", &set, &capsule)) return NULL;
    vf_keys *keys = PyCapsule_GetPointer(set, KEYS_CAPSULE);
    vf_batch *batch = keys ? vf_unwrap_batch(capsule) : NULL;
    if (!batch) return NULL;
    vf_reader column;
    if (!column_of(batch, &column)) return NULL;
    const int64_t rows = vf_batch_array(batch)->length;
    vf_found found;
    if (!begin_found(&found, rows)) return NULL;
    bool ok;
    Py_BEGIN_ALLOW_THREADS
    ok = vf_keys_encode(keys, &column, rows, found.to, found.new_rows, &found.new_count);
    Py_END_ALLOW_THREADS
    return end_found(&found, ok);
}

/* pair(keys, codes, codes) -> (codes, rows of new pairs) */
PyObject *vf_py_pair(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *set, *result = NULL;
    Py_buffer first, second;
    if (!PyArg_ParseTuple(args, "Oy*y*", &set, &first, &second)) return NULL;
    vf_keys *keys = PyCapsule_GetPointer(set, KEYS_CAPSULE);
    vf_found found;
    if (keys && first.len != second.len) PyErr_SetString(PyExc_ValueError, "columns of unequal length");
    if (keys && first.len == second.len && begin_found(&found, first.len / 4)) {
        bool ok;
        ok = vf_keys_pair(keys, first.buf, second.buf, first.len / 4, found.to, found.new_rows,
                          &found.new_count);
        result = end_found(&found, ok);
    }
    PyBuffer_Release(&first);
    PyBuffer_Release(&second);
    return result;
}

/* find(numbers, codes) -> (numbers, rows of new ones) */
PyObject *vf_py_find(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *result = NULL;
    Py_buffer codes;
    if (!PyArg_ParseTuple(args, "Oy*", &capsule, &codes)) return NULL;
    vf_numbers *numbers = PyCapsule_GetPointer(capsule, NUMBERS_CAPSULE);
    vf_found found;
    if (numbers && begin_found(&found, codes.len / 4)) {
        bool ok;
        ok = vf_numbers_find(numbers, codes.buf, codes.len / 4, found.to, found.new_rows,
                             &found.new_count);
        result = end_found(&found, ok);
    }
    PyBuffer_Release(&codes);
    return result;
}

/* key_count(keys or numbers) -> how many there are */
PyObject *vf_py_key_count(PyObject *module, PyObject *capsule) {
    (void)module;
    if (PyCapsule_IsValid(capsule, NUMBERS_CAPSULE)) {
        return PyLong_FromLong(vf_numbers_count(PyCapsule_GetPointer(capsule, NUMBERS_CAPSULE)));
    }
    vf_keys *keys = PyCapsule_GetPointer(capsule, KEYS_CAPSULE);
    return keys ? PyLong_FromLong(vf_keys_count(keys)) : NULL;
}

/* forget(keys or numbers) -> the former codes or numbers of those that stay */
PyObject *vf_py_forget(PyObject *module, PyObject *capsule) {
    (void)module;
    const bool numbered = PyCapsule_IsValid(capsule, NUMBERS_CAPSULE);
    void *object = PyCapsule_GetPointer(capsule, numbered ? NUMBERS_CAPSULE : KEYS_CAPSULE);
    if (!object) return NULL;
    const int32_t count = numbered ? vf_numbers_count(object) : vf_keys_count(object);
    int32_t *old = malloc((size_t)count * sizeof *old + 1), kept;
    PyObject *result = NULL;
    if (old && (numbered ? vf_numbers_forget(object, old, &kept) : vf_keys_forget(object, old, &kept))) {
        result = int32_bytes(old, kept);
    } else {
        PyErr_NoMemory();
    }
    free(old);
    return result;
}

/* recode(numbers, old codes) */
PyObject *vf_py_recode(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    Py_buffer old;
    if (!PyArg_ParseTuple(args, "Oy*", &capsule, &old)) return NULL;
    vf_numbers *numbers = PyCapsule_GetPointer(capsule, NUMBERS_CAPSULE);
    const bool ok = numbers && vf_numbers_recode(numbers, old.buf, (int32_t)(old.len / 4));
    PyBuffer_Release(&old);
    if (ok) Py_RETURN_NONE;
    return numbers ? PyErr_NoMemory() : NULL;
}

/* gather(numbers, table) -> (values, validity or None): bytes of int32, of bits */
PyObject *vf_py_gather(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers, table;
    if (!PyArg_ParseTuple(args, "y*y*", &numbers, &table)) return NULL;
    const int64_t rows = numbers.len / 4;
    const int32_t size = table.len / 4 > INT32_MAX ? INT32_MAX : (int32_t)(table.len / 4);
    PyObject *values = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows * 4);
    PyObject *validity = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows + 7) / 8);
    PyObject *result = NULL;
    if (values && validity) {
        int32_t *to = (int32_t *)(void *)PyBytes_AsString(values);
        uint8_t *bits = (uint8_t *)PyBytes_AsString(validity);
        int64_t nulls;
        nulls = vf_gather(numbers.buf, rows, table.buf, size, to, bits);
        result = PyTuple_Pack(2, values, nulls ? validity : Py_None);
    }
    Py_XDECREF(values);
    Py_XDECREF(validity);
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&table);
    return result;
}

/* gather_values(numbers, table, known or None, width) -> (values, validity or None) */
PyObject *vf_py_gather_values(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers, table, known = {0};
    PyObject *of_known;
    int width;
    if (!PyArg_ParseTuple(args, "y*y*Oi", &numbers, &table, &of_known, &width)) return NULL;
    PyObject *values = NULL, *validity = NULL, *result = NULL;
    if (width != 4 && width != 8) {
        PyErr_Format(PyExc_ValueError, "values of %d bytes", width);
    } else if (of_known == Py_None || PyObject_GetBuffer(of_known, &known, PyBUF_SIMPLE) == 0) {
        const int64_t rows = numbers.len / 4;
        int64_t size = table.len / width < INT32_MAX ? table.len / width : INT32_MAX;
        if (known.buf && known.len * 8 < size) size = known.len * 8;
        values = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows * width);
        validity = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows + 7) / 8);
        if (values && validity) {
            void *to = PyBytes_AsString(values);
            uint8_t *bits = (uint8_t *)PyBytes_AsString(validity);
            int64_t nulls;
            nulls = vf_gather_values(numbers.buf, rows, table.buf, known.buf, (int32_t)size, width, to, bits);
            result = PyTuple_Pack(2, values, nulls ? validity : Py_None);
        }
        if (known.buf) PyBuffer_Release(&known);
    }
    Py_XDECREF(values);
    Py_XDECREF(validity);
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&table);
    return result;
}

static PyObject *value_at(const vf_reader *column, int64_t row) {
    if (vf_reader_null(column, row)) Py_RETURN_NONE;
    if (column->kind == VF_READ_INTEGER) return PyLong_FromLongLong(vf_reader_integer(column, row));
    size_t length;
    const uint8_t *text = vf_reader_text(column, row, &length);
    return PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)length, NULL);
}

/* values_at(batch, rows) -> list of str, int and None: those rows of the batch's only column */
PyObject *vf_py_values_at(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *list = NULL;
    Py_buffer rows;
    if (!PyArg_ParseTuple(args, "Oy*", &capsule, &rows)) return NULL;
    vf_batch *batch = vf_unwrap_batch(capsule);
    vf_reader column;
    if (batch && column_of(batch, &column)) {
        const int32_t *at = rows.buf;
        const Py_ssize_t count = rows.len / 4;
        list = PyList_New(count);
        for (Py_ssize_t i = 0; list && i < count; i++) {
            PyObject *value = NULL;
            if (at[i] < 0 || at[i] >= vf_batch_array(batch)->length) {
                PyErr_Format(PyExc_IndexError, "row %d", at[i]);
            } else {
                value = value_at(&column, at[i]);
            }
            if (!value || PyList_SetItem(list, i, value) < 0) Py_CLEAR(list); /* steals value */
        }
    }
    PyBuffer_Release(&rows);
    return list;
}
