/* The extension module: arguments, capsules, the GIL. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

/* The columns of a batch, to be freed; NULL with an exception. What they point to stays the array's. */
static va_column *read_columns(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    const size_t count = (size_t)schema->n_children;
    va_column *columns = calloc(count + 1, sizeof *columns);
    if (!columns) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t c = 0; c < count; c++) {
        const char *wrong = va_column_init(&columns[c], schema->children[c], array->children[c],
                                           array->offset, array->length);
        if (wrong) {
            PyErr_Format(PyExc_TypeError, "column %zu: %s", c, wrong);
            free(columns);
            return NULL;
        }
    }
    return columns;
}

static bool is_batch(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    if (!schema->release || !array->release) {
        PyErr_SetString(PyExc_TypeError, "the Arrow capsule has been consumed already");
        return false;
    }
    if (strcmp(schema->format, "+s") != 0 || schema->n_children != array->n_children ||
        array->offset < 0 || array->length < 0) {
        PyErr_SetString(PyExc_TypeError, "not an Arrow record batch");
        return false;
    }
    if (array->null_count != 0 && array->n_buffers > 0 && array->buffers[0]) {
        PyErr_SetString(PyExc_TypeError, "a struct array with nulls is not a record batch");
        return false;
    }
    return true;
}

static PyObject *encode_into(const struct ArrowSchema *schema, const struct ArrowArray *array,
                             long long first, Py_buffer *out, Py_ssize_t at) {
    if (!is_batch(schema, array)) return NULL;
    if (first < 0 || first > array->length || at < 0 || at > out->len) {
        PyErr_SetString(PyExc_IndexError, "a row or a place in the buffer that does not exist");
        return NULL;
    }
    va_column *columns = read_columns(schema, array);
    if (!columns) return NULL;
    va_result result;
    Py_BEGIN_ALLOW_THREADS
    result = va_encode(columns, (size_t)schema->n_children, first, array->length - first,
                       (uint8_t *)out->buf + at, (size_t)(out->len - at));
    Py_END_ALLOW_THREADS
    free(columns);
    if (result.status == VA_REFUSED) {
        PyObject *facts = Py_BuildValue("(nLs)", (Py_ssize_t)result.column,
                                        first + (long long)result.rows, result.reason);
        if (facts) PyErr_SetObject(PyExc_ValueError, facts);
        Py_XDECREF(facts);
        return NULL;
    }
    return Py_BuildValue("(Lnn)", (long long)result.rows, at + (Py_ssize_t)result.bytes,
                         (Py_ssize_t)result.needed);
}

static PyObject *py_encode(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *schema_capsule, *array_capsule;
    long long first;
    Py_buffer out;
    Py_ssize_t at;
    if (!PyArg_ParseTuple(args, "OOLw*n", &schema_capsule, &array_capsule, &first, &out, &at)) {
        return NULL;
    }
    const struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    const struct ArrowArray *array =
        schema ? PyCapsule_GetPointer(array_capsule, "arrow_array") : NULL;
    PyObject *result = array ? encode_into(schema, array, first, &out, at) : NULL;
    PyBuffer_Release(&out);
    return result;
}

static PyMethodDef METHODS[] = {
    {"encode", py_encode, METH_VARARGS, "rows of a record batch into a buffer; see _core.pyi"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot SLOTS[] = {{0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_core", .m_methods = METHODS, .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&MODULE); }
