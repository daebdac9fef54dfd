/* The Python side. Only module.c, decode.c and addresses.c include this. */
#ifndef VG_MODULE_H
#define VG_MODULE_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "table.h"

#define VG_DATABASE_CAPSULE "vpcflow_geoip.database"
#define VG_TABLE_CAPSULE "vpcflow_geoip.table"
#define VG_ADDRESSES_CAPSULE "vpcflow_geoip.addresses"

typedef struct {
    vg_address *addresses; /* owned */
    size_t count;
} vg_list;

/* decode.c: decode(buffer, begin, end, offset) -> the value there as Python objects */
PyObject *vg_py_decode(PyObject *module, PyObject *args);

/* addresses.c: texts to addresses, and their scopes */
PyObject *vg_py_addresses(PyObject *module, PyObject *texts);
PyObject *vg_py_arrow_addresses(PyObject *module, PyObject *args);
PyObject *vg_py_scopes(PyObject *module, PyObject *addresses);
PyObject *vg_py_packed(PyObject *module, PyObject *addresses);
/* A tuple of the scopes' names, in the order of vg_scope: a new reference. */
PyObject *vg_py_scope_names(void);

/* (values, validity), or (values, None) without nulls. Takes the references, also of NULLs. */
PyObject *vg_py_column(PyObject *values, PyObject *validity, size_t nulls);

#endif
