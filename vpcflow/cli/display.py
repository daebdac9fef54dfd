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
_LOST = (
    "packets_lost_no_route",
    "packets_lost_blackhole",
    "packets_lost_mtu_exceeded",
    "packets_lost_ttl_expired",
)
_SHORT_HEADINGS = {"protocol": "proto", "flow_direction": "direction"}

# Left to right; also which comes first when there is no room for all.
_DISPLAY = (
    "start", "action", "log_status", "srcaddr", "srcport", "dstaddr", "dstport", "protocol",
    "tcp_flags", "packets", "bytes", *_LOST, "flow_direction", "interface_id", "traffic_path",
    "pkt_srcaddr", "pkt_dstaddr", "pkt_src_aws_service", "pkt_dst_aws_service", "instance_id",
    "instance_tag", "ecs_service_name", "tgw_attachment_id", "tgw_pair_attachment_id",
    "resource_id", "encryption_status", "end",
)  # fmt: skip
_POSITION = {name: i for i, name in enumerate(dict.fromkeys((*_DISPLAY, *FIELDS)))}


@frozen
class Column:
    """One column on the screen.

    names: the record's columns that it shows (an address and its port share one). text: what of a
    record stands in it. least: to how many cells it may be squeezed; 0: never.
    """

    heading: str
    names: tuple[str, ...]
    text: Callable[[Any], str]
    right: bool = False
    least: int = 0


def every(names: Sequence[str]) -> list[Column]:
    """All of a record, with what belongs together in one column."""
    columns = []
    taken: set[str] = set()
    for name in names:
        if name in taken:
            continue
        port = _ENDPOINTS.get(name)
        if port is not None and port in names:
            columns.append(_endpoint(name, port))
        elif name == "action":
            columns.append(_verdict([n for n in ("log_status", "reject_reason") if n in names]))
        elif name in _LOST:
            columns.append(_losses([n for n in _LOST if n in names]))
        else:
            columns.append(single(name))
        taken.update(columns[-1].names[1:])
    return [column for column in columns if column.names[0] not in taken]


def position(column: Column) -> int:
    """Where the column stands, from the left."""
    return _POSITION.get(column.names[0], len(_POSITION))


def single(name: str) -> Column:
    """The column that shows one column of the record."""
    known = FIELDS.get(name)
    kind = "name" if known is None else known.kind
    if kind == "time":
        return Column(f"{name} (UTC)", (name,), _unless_null(name, moment))
    heading = _SHORT_HEADINGS.get(name, name)
    if name in NAMED:
        return Column(heading, (name,), _unless_null(name, NAMED[name]))
    if kind == "count":
        return Column(heading, (name,), _unless_null(name, "{:,}".format), right=True)
    if known is not None and known.type != "utf8":
        return Column(heading, (name,), _unless_null(name, str), right=True)
    return Column(heading, (name,), _unless_null(name, printable), least=_LEAST_TEXT)


def clock(column: Column) -> Column:
    """The column without the day in its times, for pages of one day."""
    (name, *_) = column.names
    known = FIELDS.get(name)
    if known is None or known.kind != "time":
        return column
    return Column(
        name, (name,), _unless_null(name, lambda value: moment(value)[len("2024-05-01 ") :])
    )


def moment(value: datetime) -> str:
    """2024-05-01 12:00:00, with milliseconds where there are any."""
    text = value.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{value.microsecond // 1000:03d}" if value.microsecond else text


def _unless_null(name: str, text: Callable[[Any], str]) -> Callable[[Any], str]:
    def of(record: Any) -> str:
        value = getattr(record, name)
        return NULL if value is None else text(value)

    return of


def _verdict(also: Sequence[str]) -> Column:
    """The action with AWS's reason; NODATA and SKIPDATA, which have no action, in its place."""
    names = ("action", *also)

    def text(record: Any) -> str:
        facts = [getattr(record, name) for name in names]
        return " ".join(printable(fact) for fact in facts if fact not in (None, "OK")) or NULL

    return Column("action", names, text)


def _losses(names: Sequence[str]) -> Column:
    """A transit gateway's drop counters: how many packets, and why."""

    def text(record: Any) -> str:
        counts = {name: getattr(record, name) for name in names}
        if all(count is None for count in counts.values()):
            return NULL
        lost = [f"{n:,} {name.removeprefix('packets_lost_')}" for name, n in counts.items() if n]
        return ", ".join(lost) or "0"

    return Column("packets_lost", tuple(names), text)


def _endpoint(address: str, port: str) -> Column:
    def text(record: Any) -> str:
        host, number = getattr(record, address), getattr(record, port)
        if host is None:
            return NULL
        host = printable(host)
        if number is None:
            return host
        return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"

    return Column(f"{address}:{port}", (address, port), text, least=_LEAST_ENDPOINT)
