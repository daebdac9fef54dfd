#include "module.h"

typedef struct {
    vg_section section;
    uint32_t budget;
} decoder;

static PyObject *decode_value(decoder *state, size_t offset, unsigned depth, size_t *next);

static PyObject *damaged(vg_fault fault, size_t offset) {
    return PyErr_Format(PyExc_ValueError, "%s (at %zu)", fault, offset);
}

static PyObject *decode_map(decoder *state, const vg_value *map, unsigned depth, size_t *next) {
    PyObject *made = PyDict_New();
    *next = map->at;
    for (uint32_t i = 0; made && i < map->size; i++) {
        PyObject *key = decode_value(state, *next, depth + 1, next);
        if (key && !PyUnicode_Check(key)) {
            damaged("a key of a map is not a string", map->at);
            Py_CLEAR(key);
        }
        PyObject *value = key ? decode_value(state, *next, depth + 1, next) : NULL;
        if (!value || PyDict_SetItem(made, key, value) < 0) Py_CLEAR(made);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return made;
}

static PyObject *decode_array(decoder *state, const vg_value *array, unsigned depth, size_t *next) {
    PyObject *made = PyList_New(0);
    *next = array->at;
    for (uint32_t i = 0; made && i < array->size; i++) {
        PyObject *value = decode_value(state, *next, depth + 1, next);
        if (!value || PyList_Append(made, value) < 0) Py_CLEAR(made);
        Py_XDECREF(value);
    }
    return made;
}

static PyObject *decode_uint128(const vg_section *section, const vg_value *value) {
    return PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "y#s",
                               (const char *)section->bytes + value->at, (Py_ssize_t)value->size, "big");
}

static PyObject *decode_scalar(const vg_section *section, const vg_value *value) {
    const char *bytes = (const char *)section->bytes + value->at;
    switch (value->type) {
    case VG_STRING:
        return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)value->size, NULL);
    case VG_BYTES:
        return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)value->size);
    case VG_DOUBLE:
    case VG_FLOAT:
        return PyFloat_FromDouble(vg_floating(section, value));
    case VG_BOOLEAN:
        return PyBool_FromLong((long)value->size);
    case VG_INT32:
        return PyLong_FromLong(vg_int32(section, value));
    case VG_UINT128:
        return decode_uint128(section, value);
    default:
        return PyLong_FromUnsignedLongLong(vg_unsigned(section, value));
    }
}

static PyObject *decode_value(decoder *state, size_t offset, unsigned depth, size_t *next) {
    vg_value value;
    vg_fault fault = vg_spend(&state->budget);
    if (!fault) fault = vg_read(&state->section, offset, &value);
    if (!fault && depth > VG_MAX_DEPTH) fault = "values are nested more than 512 deep";
    if (fault) return damaged(fault, offset);
    if (value.type != VG_MAP && value.type != VG_ARRAY) {
        *next = value.next;
        return decode_scalar(&state->section, &value);
    }
    size_t end = 0;
    PyObject *made = value.type == VG_MAP ? decode_map(state, &value, depth, &end)
                                          : decode_array(state, &value, depth, &end);
    *next = value.pointed ? value.next : end;
    return made;
}

PyObject *vg_py_decode(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer buffer;
    Py_ssize_t begin, end, offset;
    if (!PyArg_ParseTuple(args, "y*nnn", &buffer, &begin, &end, &offset)) return NULL;
    PyObject *made = NULL;
    if (begin < 0 || end < begin || end > buffer.len || offset < 0) {
        PyErr_SetString(PyExc_ValueError, "the section lies outside of the file");
    } else {
        decoder state = {{(const uint8_t *)buffer.buf + begin, (size_t)(end - begin)}, VG_MAX_VALUES};
        size_t next;
        made = decode_value(&state, (size_t)offset, 0, &next);
    }
    PyBuffer_Release(&buffer);
    return made;
}
