/* Key sets for Python: `_native.keys`, `encode`, `forget`, `gather`. */
#include <stdlib.h>

#include "keys.h"
#include "module.h"

#define KEYS_CAPSULE "vpcflow.keys"

static void free_keys(PyObject *capsule) { vf_keys_free(PyCapsule_GetPointer(capsule, KEYS_CAPSULE)); }

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

static vf_reader *readers_of(const vf_batch *batch, size_t *count) {
    const struct ArrowSchema *schema = vf_batch_schema(batch);
    const struct ArrowArray *array = vf_batch_array(batch);
    *count = (size_t)schema->n_children;
    vf_reader *readers = calloc(*count + 1, sizeof *readers);
    if (!readers) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t c = 0; c < *count; c++) {
        const struct ArrowSchema *column = schema->children[c];
        if (vf_reader_init(&readers[c], column, array->children[c], array->offset) &&
            readers[c].kind <= VF_READ_TEXT) {
            continue;
        }
        PyErr_Format(PyExc_TypeError, "column '%s' has the Arrow format '%s', which cannot be a key",
                     column->name, column->format);
        free(readers);
        return NULL;
    }
    return readers;
}

/* encode(keys, batch) -> (codes, rows of new keys): bytes of int32. All columns make the key. */
PyObject *vf_py_encode(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *set, *capsule;
    if (!PyArg_ParseTuple(args, "OO", &set, &capsule)) return NULL;
    vf_keys *keys = PyCapsule_GetPointer(set, KEYS_CAPSULE);
    vf_batch *batch = keys ? vf_unwrap_batch(capsule) : NULL;
    if (!batch) return NULL;
    const int64_t rows = vf_batch_array(batch)->length;
    size_t count;
    if (rows > INT32_MAX) return PyErr_Format(PyExc_ValueError, "a batch of %lld rows", (long long)rows);
    vf_reader *readers = readers_of(batch, &count);
    if (!readers) return NULL;
    PyObject *codes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows * 4);
    int32_t *new_rows = malloc((size_t)rows * sizeof *new_rows + 1);
    PyObject *result = NULL;
    if (codes && new_rows) {
        int32_t *to = (int32_t *)(void *)PyBytes_AsString(codes);
        int64_t new_count;
        bool encoded;
        Py_BEGIN_ALLOW_THREADS
        encoded = vf_keys_encode(keys, readers, count, rows, to, new_rows, &new_count);
        Py_END_ALLOW_THREADS
        if (encoded) {
            result = Py_BuildValue("Oy#", codes, (const char *)new_rows, (Py_ssize_t)new_count * 4);
        } else {
            PyErr_NoMemory();
        }
    } else if (codes) {
        PyErr_NoMemory();
    }
    Py_XDECREF(codes);
    free(new_rows);
    free(readers);
    return result;
}

/* key_count(keys) -> keys in the set */
PyObject *vf_py_key_count(PyObject *module, PyObject *set) {
    (void)module;
    vf_keys *keys = PyCapsule_GetPointer(set, KEYS_CAPSULE);
    return keys ? PyLong_FromLong(vf_keys_count(keys)) : NULL;
}

/* forget(keys) -> the former numbers of the keys that stay: bytes of int32 */
PyObject *vf_py_forget(PyObject *module, PyObject *set) {
    (void)module;
    vf_keys *keys = PyCapsule_GetPointer(set, KEYS_CAPSULE);
    if (!keys) return NULL;
    int32_t *old_codes = malloc((size_t)vf_keys_count(keys) * sizeof *old_codes + 1);
    int32_t kept;
    PyObject *result = NULL;
    if (old_codes && vf_keys_forget(keys, old_codes, &kept)) {
        result = PyBytes_FromStringAndSize((const char *)old_codes, (Py_ssize_t)kept * 4);
    } else {
        PyErr_NoMemory();
    }
    free(old_codes);
    return result;
}

/* gather(codes, table) -> (values, validity or None): bytes of int32, of bits */
PyObject *vf_py_gather(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer codes, table;
    if (!PyArg_ParseTuple(args, "y*y*", &codes, &table)) return NULL;
    const int64_t rows = codes.len / 4;
    PyObject *values = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows * 4);
    PyObject *validity = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows + 7) / 8);
    PyObject *result = NULL;
    if (values && validity) {
        int32_t *to = (int32_t *)(void *)PyBytes_AsString(values);
        uint8_t *bits = (uint8_t *)PyBytes_AsString(validity);
        memset(bits, 0, (size_t)(rows + 7) / 8);
        const int64_t nulls = vf_gather(codes.buf, rows, table.buf, table.len / 4, to, bits);
        result = nulls ? PyTuple_Pack(2, values, validity) : PyTuple_Pack(2, values, Py_None);
    }
    Py_XDECREF(values);
    Py_XDECREF(validity);
    PyBuffer_Release(&codes);
    PyBuffer_Release(&table);
    return result;
}
