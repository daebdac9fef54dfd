"""One record, column by column, as people read it: names for numbers, UTC times, endpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from vpcflow.cli.names import NAMED
from vpcflow.errors import printable
from vpcflow.fields import FIELDS

NULL = "-"
_LEAST_TEXT = 10
_LEAST_ENDPOINT = 15
_ENDPOINTS = {"srcaddr": "srcport", "dstaddr": "dstport"}

# Left to right; also which comes first when there is no room for all.
_DISPLAY = (
    "start", "action", "log_status", "reject_reason", "srcaddr", "srcport", "dstaddr",
    "dstport", "protocol", "tcp_flags", "packets", "bytes", "packets_lost_no_route",
    "packets_lost_blackhole", "packets_lost_mtu_exceeded", "packets_lost_ttl_expired",
    "flow_direction", "interface_id", "traffic_path", "pkt_srcaddr", "pkt_dstaddr",
    "pkt_src_aws_service", "pkt_dst_aws_service", "instance_id", "instance_tag", "ecs_service_name",
    "tgw_attachment_id", "tgw_pair_attachment_id", "resource_id", "encryption_status",
    "end",
)  # fmt: skip
_POSITION = {name: i for i, name in enumerate(dict.fromkeys((*_DISPLAY, *FIELDS)))}


@frozen
class Column:
    """One column on the screen. names: the record's columns that it shows (an address and its
    port share one). text: what of a record stands in it."""

    heading: str
    names: tuple[str, ...]
    text: Callable[[Any], str]
    right: bool = False
    least: int = 0
    """To how many cells it may be squeezed; 0: never."""


def every(names: Sequence[str]) -> list[Column]:
    """All of a record, what belongs together in one column."""
    columns = []
    taken: set[str] = set()
    for name in names:
        port = _ENDPOINTS.get(name)
        if port is not None and port in names:
            columns.append(_endpoint(name, port))
        elif name == "action" and "log_status" in names:
            columns.append(Column(name, (name, "log_status"), _verdict))
        else:
            columns.append(single(name))
        taken.update(columns[-1].names[1:])
    return [column for column in columns if column.names[0] not in taken]


def position(column: Column) -> int:
    return _POSITION.get(column.names[0], len(_POSITION))


def single(name: str) -> Column:
    known = FIELDS.get(name)
    kind = "name" if known is None else known.kind
    if kind == "time":
        return Column(f"{name} (UTC)", (name,), lambda record: moment(getattr(record, name)))
    if name in NAMED:
        named = NAMED[name]
        heading = "proto" if name == "protocol" else name
        return Column(heading, (name,), lambda record: _or_null(getattr(record, name), named))
    if kind == "count":
        return Column(name, (name,), lambda r: _or_null(getattr(r, name), "{:,}".format), True)
    if known is not None and known.type != "utf8":
        return Column(name, (name,), lambda record: _or_null(getattr(record, name), str), True)
    return Column(name, (name,), lambda r: _or_null(getattr(r, name), printable), least=_LEAST_TEXT)


def _verdict(record: Any) -> str:
    """The action; for records that are none of traffic NODATA or SKIPDATA stands in its place."""
    facts = [record.action, None if record.log_status == "OK" else record.log_status]
    return " ".join(printable(fact) for fact in facts if fact is not None) or NULL


def _endpoint(address: str, port: str) -> Column:
    def text(record: Any) -> str:
        host, number = getattr(record, address), getattr(record, port)
        if host is None or number is None:
            return _or_null(host, printable)
        host = printable(host)
        return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"

    return Column(f"{address}:{port}", (address, port), text, least=_LEAST_ENDPOINT)


def clock(column: Column) -> Column:
    """The column without the day in its times, for pages of one day."""
    (name, *_) = column.names
    known = FIELDS.get(name)
    if known is None or known.kind != "time":
        return column
    return Column(name, (name,), lambda record: moment(getattr(record, name))[11:] or NULL)


def moment(value: datetime | None) -> str:
    if value is None:
        return NULL
    text = value.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{value.microsecond // 1000:03d}" if value.microsecond else text


def _or_null(value: Any, text: Callable[[Any], str]) -> str:
    return NULL if value is None else text(value)
