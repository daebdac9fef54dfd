#include <errno.h>
#include <stdlib.h>

#include "module.h"

static void free_schema_capsule(PyObject *capsule) {
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release) schema->release(schema);
    free(schema);
}

static void free_array_capsule(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release) array->release(array);
    free(array);
}

static void free_stream_capsule(PyObject *capsule) {
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release) stream->release(stream);
    free(stream);
}

PyObject *vf_py_export_schema(PyObject *module, PyObject *source) {
    (void)module;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    if (!schema) return PyErr_NoMemory();
    bool made;
    if (PyCapsule_IsValid(source, VF_PLAN_CAPSULE)) {
        made = vf_plan_schema(PyCapsule_GetPointer(source, VF_PLAN_CAPSULE), schema);
    } else {
        vf_batch *batch = vf_unwrap_batch(source);
        if (!batch) {
            free(schema);
            return NULL;
        }
        made = vf_schema_copy(vf_batch_schema(batch), schema);
    }
    if (!made) {
        free(schema);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(schema, "arrow_schema", free_schema_capsule);
    if (!capsule) {
        schema->release(schema);
        free(schema);
    }
    return capsule;
}

PyObject *vf_py_export_array(PyObject *module, PyObject *source) {
    (void)module;
    vf_batch *batch = vf_unwrap_batch(source);
    if (!batch) return NULL;
    struct ArrowArray *array = calloc(1, sizeof *array);
    if (!array) return PyErr_NoMemory();
    if (!vf_batch_export(batch, array)) {
        free(array);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(array, "arrow_array", free_array_capsule);
    if (!capsule) {
        array->release(array);
        free(array);
    }
    return capsule;
}

PyObject *vf_py_import_batch(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *schema_capsule, *array_capsule;
    if (!PyArg_ParseTuple(args, "OO", &schema_capsule, &array_capsule)) return NULL;
    struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    struct ArrowArray *array = schema ? PyCapsule_GetPointer(array_capsule, "arrow_array") : NULL;
    if (!array) return NULL;
    if (!schema->release || !array->release) {
        PyErr_SetString(PyExc_ValueError, "the Arrow capsule has been consumed already");
        return NULL;
    }
    if (strcmp(schema->format, "+s") != 0) {
        PyErr_Format(PyExc_TypeError, "an Arrow struct array is needed, not one of format '%s'",
                     schema->format);
        return NULL;
    }
    vf_batch *batch = vf_batch_import(schema, array);
    return batch ? vf_wrap_batch(batch) : PyErr_NoMemory();
}

/* ---- streams: every fetch asks Python for the next batch -------------------------------------- */

typedef struct {
    struct ArrowSchema schema;
    PyObject *next; /* () -> batch capsule, or None at the end */
    char *error;
} vf_stream;

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    vf_stream *state = stream->private_data;
    return vf_schema_copy(&state->schema, out) ? 0 : ENOMEM;
}

/* Turn the exception that is set into the stream's last error. */
static void keep_error(vf_stream *state) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "replace") : NULL;
    const char *message = bytes ? PyBytes_AsString(bytes) : "the stream failed";
    free(state->error);
    state->error = malloc(strlen(message) + 1);
    if (state->error) strcpy(state->error, message);
    /* its frames lead to the consumer's, which holds this stream: a cycle that nobody would collect */
    if (value) PyException_SetTraceback(value, Py_None);
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    PyErr_Clear();
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    vf_stream *state = stream->private_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    int code = EIO;
    memset(out, 0, sizeof *out);
    PyObject *result = PyObject_CallObject(state->next, NULL);
    if (result == Py_None) {
        code = 0; /* a released array ends the stream */
    } else if (result) {
        vf_batch *batch = vf_unwrap_batch(result);
        if (batch) code = vf_batch_export(batch, out) ? 0 : ENOMEM;
    }
    if (PyErr_Occurred()) keep_error(state);
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return code;
}

static const char *stream_error(struct ArrowArrayStream *stream) {
    return ((vf_stream *)stream->private_data)->error;
}

static void stream_release(struct ArrowArrayStream *stream) {
    vf_stream *state = stream->private_data;
    if (Py_IsInitialized()) {
        PyGILState_STATE gil = PyGILState_Ensure();
        Py_DECREF(state->next);
        PyGILState_Release(gil);
    }
    if (state->schema.release) state->schema.release(&state->schema);
    free(state->error);
    free(state);
    stream->release = NULL;
}

PyObject *vf_py_export_stream(PyObject *module, PyObject *args) {
    PyObject *source, *next;
    if (!PyArg_ParseTuple(args, "OO", &source, &next)) return NULL;
    PyObject *schema_capsule = vf_py_export_schema(module, source);
    if (!schema_capsule) return NULL;
    vf_stream *state = calloc(1, sizeof *state);
    struct ArrowArrayStream *stream = calloc(1, sizeof *stream);
    PyObject *capsule =
        state && stream ? PyCapsule_New(stream, "arrow_array_stream", free_stream_capsule) : NULL;
    if (!capsule) {
        free(state);
        free(stream);
        Py_DECREF(schema_capsule);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    struct ArrowSchema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    state->schema = *schema; /* moved */
    schema->release = NULL;
    Py_DECREF(schema_capsule);
    Py_INCREF(next);
    state->next = next;
    stream->get_schema = stream_schema;
    stream->get_next = stream_next;
    stream->get_last_error = stream_error;
    stream->release = stream_release;
    stream->private_data = state;
    return capsule;
}
