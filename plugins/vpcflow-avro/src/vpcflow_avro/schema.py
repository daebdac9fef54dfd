"""An Arrow schema to the Avro schema of a file's records.

Every column may hold nulls, so each is a union of null (first, as the default is null) and its
type. The types and logical types are those of the Avro specification 1.8 and later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vpcflow import FIELDS
from vpcflow.errors import PluginError, printable

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "FlowRecord"
NAMESPACE = "vpcflow"
_NAME_SHAPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_INT = {"int8", "int16", "int32", "uint8", "uint16"}
_LONG = {"int64", "uint32", "uint64"}
_OTHER: dict[str, Any] = {
    "bool": "boolean",
    "float": "float",
    "double": "double",
    "string": "string",
    "timestamp[ms, tz=UTC]": {"type": "long", "logicalType": "timestamp-millis"},
    "dictionary<values=string, indices=int32, ordered=0>": "string",
}


def avro_schema(schema: pa.Schema) -> dict[str, Any]:
    """The record type of a file, as JSON values. Raises PluginError for a column of a type that
    flow logs and enrichers have no use for."""
    names = avro_names(schema.names)
    return {
        "type": "record",
        "name": NAME,
        "namespace": NAMESPACE,
        "doc": "A record of AWS VPC Flow Logs",
        "fields": [_field(column, name) for column, name in zip(schema, names, strict=True)],
    }


def avro_names(columns: list[str]) -> list[str]:
    """Names for columns, each one different. A column's own name where Avro takes it.

    Avro's names are of ASCII letters, digits and _, and do not begin with a digit. Anything else
    (a field that AWS will add, an enricher's column) becomes `_x` and its code in hexadecimal, as
    Apache Iceberg writes it.
    """
    names = [name if _NAME_SHAPE.fullmatch(name) else "" for name in columns]
    taken = set(names)
    for spot, column in enumerate(columns):
        if names[spot]:
            continue
        plain = name = _respelt(column)
        number = 2
        while name in taken:
            name, number = f"{plain}_{number}", number + 1
        names[spot] = name
        taken.add(name)
    return names


def _respelt(column: str) -> str:
    text = "".join(c if _NAME_SHAPE.fullmatch(f"_{c}") else f"_x{ord(c):X}" for c in column)
    return text if _NAME_SHAPE.fullmatch(text) else f"_{text}"


def _field(column: pa.Field, name: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": name,
        "type": ["null", _type(column)],
        "default": None,
    }
    if name != column.name:
        field["column"] = column.name
    known = FIELDS.get(column.name)
    if known is not None:
        field["doc"] = known.description
        if known.kind == "time" and str(column.type) == "int64":
            field["doc"] += "; in seconds since 1970 UTC"
    return field


def _type(column: pa.Field) -> Any:
    kind = str(column.type)
    if kind in _INT:
        return "int"
    if kind in _LONG:
        return "long"
    if kind in _OTHER:
        return _OTHER[kind]
    raise PluginError(
        f"column {printable(column.name)!r} has the type {kind}, which is not written to Avro",
        plugin="avro",
        hint="an enricher's `adds` lists the types that there are",
    )
