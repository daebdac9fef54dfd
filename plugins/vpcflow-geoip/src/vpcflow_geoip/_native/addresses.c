#include <stdlib.h>
#include <string.h>

#include "arrow_abi.h"
#include "module.h"

static const char *const scope_names[VG_SCOPES] = {
    [VG_PUBLIC] = "public",
    [VG_PRIVATE] = "private",
    [VG_SHARED] = "shared",
    [VG_LOOPBACK] = "loopback",
    [VG_LINK_LOCAL] = "link-local",
    [VG_MULTICAST] = "multicast",
    [VG_DOCUMENTATION] = "documentation",
    [VG_BENCHMARKING] = "benchmarking",
    [VG_RESERVED] = "reserved",
};

PyObject *vg_py_scope_names(void) {
    PyObject *names = PyTuple_New(VG_SCOPES);
    for (int i = 0; names && i < VG_SCOPES; i++) {
        PyObject *name = PyUnicode_FromString(scope_names[i]);
        if (!name || PyTuple_SetItem(names, i, name) < 0) Py_CLEAR(names);
    }
    return names;
}

static void free_list(PyObject *capsule) {
    vg_list *list = PyCapsule_GetPointer(capsule, VG_ADDRESSES_CAPSULE);
    free(list->addresses);
    free(list);
}

/* A capsule around `count` addresses without content, which `*list` is then. */
static PyObject *new_list(size_t count, vg_list **list) {
    vg_list *made = calloc(1, sizeof *made);
    vg_address *addresses = malloc((count + 1) * sizeof *addresses);
    PyObject *capsule = made && addresses ? PyCapsule_New(made, VG_ADDRESSES_CAPSULE, free_list) : NULL;
    if (!capsule) {
        free(made);
        free(addresses);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    made->addresses = addresses;
    made->count = count;
    *list = made;
    return capsule;
}

typedef struct {
    const char *text; /* NULL: None */
    size_t length;
} text;

/* The texts of a tuple of str and None, which keeps them alive. */
static bool borrow_texts(PyObject *tuple, text *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(tuple, (Py_ssize_t)i);
        if (!item) return false;
        texts[i].text = NULL;
        if (item == Py_None) continue;
        Py_ssize_t length;
        texts[i].text = PyUnicode_AsUTF8AndSize(item, &length);
        texts[i].length = texts[i].text ? (size_t)length : 0;
        if (!texts[i].text) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return false;
            PyErr_Clear(); /* a lone surrogate: no address */
        }
    }
    return true;
}

/* addresses(texts) -> a list of addresses; a text that is none, and None, has no scope and no place */
PyObject *vg_py_addresses(PyObject *module, PyObject *sequence) {
    (void)module;
    PyObject *tuple = PySequence_Tuple(sequence); /* nobody changes it while the GIL is released */
    if (!tuple) return NULL;
    const size_t count = (size_t)PyTuple_Size(tuple);
    vg_list *list;
    PyObject *capsule = new_list(count, &list);
    text *texts = malloc((count + 1) * sizeof *texts);
    if (capsule && !texts) PyErr_NoMemory();
    if (capsule && texts && borrow_texts(tuple, texts, count)) {
        Py_BEGIN_ALLOW_THREADS
        for (size_t i = 0; i < count; i++) {
            list->addresses[i] = texts[i].text ? vg_parse_address(texts[i].text, texts[i].length)
                                               : (vg_address){0, 0, 0, 0};
        }
        Py_END_ALLOW_THREADS
    } else {
        Py_CLEAR(capsule);
    }
    free(texts);
    Py_DECREF(tuple);
    return capsule;
}

static void parse_arrow(const struct ArrowArray *array, bool wide, vg_address *addresses) {
    const uint8_t *validity = array->buffers[0];
    const void *offsets = array->buffers[1];
    const char *bytes = array->buffers[2];
    for (int64_t i = 0; i < array->length; i++) {
        const int64_t row = array->offset + i;
        addresses[i] = (vg_address){0, 0, 0, 0};
        if (validity && !(validity[row >> 3] >> (row & 7) & 1)) continue;
        const int64_t begin = wide ? ((const int64_t *)offsets)[row] : ((const int32_t *)offsets)[row];
        const int64_t end = wide ? ((const int64_t *)offsets)[row + 1] : ((const int32_t *)offsets)[row + 1];
        if (end > begin) addresses[i] = vg_parse_address(bytes + begin, (size_t)(end - begin));
    }
}

/* arrow_addresses(schema capsule, array capsule) -> the same of an Arrow array of utf8 or large_utf8;
 * the capsules stay their owner's */
PyObject *vg_py_arrow_addresses(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *schema_capsule, *array_capsule;
    if (!PyArg_ParseTuple(args, "OO", &schema_capsule, &array_capsule)) return NULL;
    const struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    const struct ArrowArray *array = schema ? PyCapsule_GetPointer(array_capsule, "arrow_array") : NULL;
    if (!array) return NULL;
    const char kind = schema->release && array->release && !schema->dictionary ? schema->format[0] : 0;
    if ((kind != 'u' && kind != 'U') || schema->format[1]) {
        PyErr_SetString(PyExc_TypeError, "an Arrow array of utf8 or large_utf8 is needed");
        return NULL;
    }
    vg_list *list;
    PyObject *capsule = new_list((size_t)array->length, &list);
    if (!capsule) return NULL;
    Py_BEGIN_ALLOW_THREADS
    parse_arrow(array, kind == 'U', list->addresses);
    Py_END_ALLOW_THREADS
    return capsule;
}

/* scopes(addresses) -> (values, validity or None): int32 into SCOPES */
PyObject *vg_py_scopes(PyObject *module, PyObject *capsule) {
    (void)module;
    const vg_list *list = PyCapsule_GetPointer(capsule, VG_ADDRESSES_CAPSULE);
    if (!list) return NULL;
    PyObject *values = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)list->count * 4);
    PyObject *validity = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(list->count + 7) / 8);
    size_t nulls = 0;
    if (values && validity) {
        int32_t *scopes = (int32_t *)(void *)PyBytes_AsString(values);
        uint8_t *bits = (uint8_t *)PyBytes_AsString(validity);
        memset(bits, 0, (list->count + 7) / 8);
        for (size_t i = 0; i < list->count; i++) {
            const bool valid = list->addresses[i].family != 0;
            scopes[i] = valid ? list->addresses[i].scope : 0;
            bits[i >> 3] |= (uint8_t)(valid << (i & 7));
            nulls += !valid;
        }
    }
    return vg_py_column(values, validity, nulls);
}

/* packed(addresses) -> list of 4 or 16 bytes, or None, for each: what the texts were understood as */
PyObject *vg_py_packed(PyObject *module, PyObject *capsule) {
    (void)module;
    const vg_list *list = PyCapsule_GetPointer(capsule, VG_ADDRESSES_CAPSULE);
    PyObject *all = list ? PyList_New(0) : NULL;
    for (size_t i = 0; all && i < list->count; i++) {
        const vg_address *address = &list->addresses[i];
        char bytes[16];
        for (int b = 0; b < 16; b++) {
            bytes[b] = (char)((b < 8 ? address->high : address->low) >> (56 - 8 * (b & 7)));
        }
        const Py_ssize_t size = address->family == 4 ? 4 : 16;
        PyObject *item = address->family ? PyBytes_FromStringAndSize(bytes, size) : Py_NewRef(Py_None);
        if (!item || PyList_Append(all, item) < 0) Py_CLEAR(all);
        Py_XDECREF(item);
    }
    return all;
}

PyObject *vg_py_column(PyObject *values, PyObject *validity, size_t nulls) {
    PyObject *column = NULL;
    if (values && validity) column = PyTuple_Pack(2, values, nulls ? validity : Py_None);
    Py_XDECREF(values);
    Py_XDECREF(validity);
    return column;
}
