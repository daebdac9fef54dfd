"""How long a record is as a line of text: what AWS bills, whatever it is stored as.

A line is its values with one blank between them and a newline at its end, so each value takes one
byte more than its own. `-` stands for null; `start` and `end` are seconds (10 digits), or
milliseconds (13) where they are no whole seconds; tag values are percent-encoded, all but letters,
digits, `.`, `_` and `~`.
"""

from __future__ import annotations

from collections.abc import Collection

from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat

_BY_KIND = {
    "version": 1,
    "account": 12,
    "id": 21,
    "address": 11,
    "port": 4,
    "protocol": 1,
    "count": 3,
    "time": 10,
    "action": 6,
    "status": 2,
    "flags": 1,
    "code": 1,
    "name": 1,
    "tag": 6,
}
_BY_NAME = {
    "srcport": 5,
    "packets": 2,
    "bytes": 5,
    "subnet_id": 24,
    "instance_id": 19,
    "type": 4,
    "pkt_srcaddr": 12,
    "pkt_dstaddr": 12,
    "region": 9,
    "az_id": 8,
    "pkt_src_aws_service": 3,
    "pkt_dst_aws_service": 3,
    "flow_direction": 7,
    "sublocation_id": 1,
    "resource_id": 1,
    "resource_type": 14,
    "tgw_attachment_id": 28,
    "tgw_pair_attachment_id": 28,
    "next_hop_az_id": 8,
}
_ECS = "ecs_"
"""Most interfaces are no ECS task's: `-`."""


def typical(field: Field) -> int:
    """Bytes of a value of this field, without its blank: means of generated traffic, in which the
    default format has 115 bytes a line, the 29 fields up to version 5 256, the 40 up to 8 278."""
    if field.name.startswith(_ECS):
        return 1
    return _BY_NAME.get(field.name, _BY_KIND.get(field.kind, 1))


def typical_line(format: FlowFormat) -> int:
    """Bytes of a line of this format, with its newline."""
    return sum(typical(field) + 1 for field in format.fields)


def sql_length(name: str, quoted: str) -> str:
    """SQL for the bytes of one value, without its blank. quoted: the column in SQL."""
    field = FIELDS.get(name)
    if field is None or (field.type == "utf8" and field.kind != "tag"):
        length = f"strlen({quoted})"
    elif field.kind == "tag":
        hyphens = f"strlen({quoted}) - strlen(replace({quoted}, '-', ''))"
        length = f"strlen(url_encode({quoted})) + 2 * ({hyphens})"
    elif field.kind == "time":
        whole = f"epoch_ms({quoted}) % 1000 = 0"
        length = f"CASE WHEN {quoted} IS NULL THEN 1 WHEN {whole} THEN 10 ELSE 13 END"
    else:
        length = f"strlen({quoted}::VARCHAR)"
    return f"coalesce({length}, 1)"


def sql_columns(columns: Collection[str]) -> dict[str, str]:
    """Column names and how SQL writes them."""
    return {name: '"' + name.replace('"', '""') + '"' for name in columns}
