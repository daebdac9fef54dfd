/* The Python side of the kernel. Only module.c, capsules.c, record.c and
 * keys_module.c include this. */
#ifndef VF_MODULE_H
#define VF_MODULE_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "batch.h"
#include "render.h"

#define VF_BATCH_CAPSULE "vpcflow.batch"
#define VF_PLAN_CAPSULE "vpcflow.plan"
#define VF_POOL_CAPSULE "vpcflow.pool"
#define VF_DECODER_CAPSULE "vpcflow.decoder"

typedef struct {
    const vf_kernel *kernel; /* what new decoders use */
    vf_pool *pool;           /* of decoders that belong to no stream */
    PyTypeObject *record_type, *rows_type, *iterator_type;
    PyObject *fromtimestamp, *timedelta, *utc, *epoch, *nearest;
} vf_module_state;

/* A new capsule around a batch; takes the caller's reference, also on failure. */
PyObject *vf_wrap_batch(vf_batch *batch);
/* The batch of a capsule (borrowed), or NULL with an exception set. */
vf_batch *vf_unwrap_batch(PyObject *capsule);

/* capsules.c: Arrow PyCapsules (https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html) */
PyObject *vf_py_export_schema(PyObject *module, PyObject *batch_or_plan);
PyObject *vf_py_export_array(PyObject *module, PyObject *batch);
PyObject *vf_py_import_batch(PyObject *module, PyObject *args);
PyObject *vf_py_export_stream(PyObject *module, PyObject *args);

/* keys_module.c: the distinct keys of enrichers */
PyObject *vf_py_keys(PyObject *module, PyObject *secret);
PyObject *vf_py_numbers(PyObject *module, PyObject *unused);
PyObject *vf_py_encode(PyObject *module, PyObject *args);
PyObject *vf_py_pair(PyObject *module, PyObject *args);
PyObject *vf_py_find(PyObject *module, PyObject *args);
PyObject *vf_py_key_count(PyObject *module, PyObject *keys_or_numbers);
PyObject *vf_py_forget(PyObject *module, PyObject *keys_or_numbers);
PyObject *vf_py_recode(PyObject *module, PyObject *args);
PyObject *vf_py_gather(PyObject *module, PyObject *args);
PyObject *vf_py_gather_values(PyObject *module, PyObject *args);
PyObject *vf_py_values_at(PyObject *module, PyObject *args);

/* record.c: the FlowRecord type and its iterator */
bool vf_add_record_types(PyObject *module);
PyObject *vf_py_records(PyObject *module, PyObject *batch);

#endif
