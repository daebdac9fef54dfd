"""Who is the client of each record, and all that has few values, packed into one integer.

Both are computed with Arrow's kernels, mostly arithmetic on 32-bit integers: SQL takes several
times as long for the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from vpcflow_diagnose.traffic.codes import KIND, LOSS, OTHER, REASON, SEEN, WAY, codes_of
from vpcflow_diagnose.traffic.columns import LOST, TGW
from vpcflow_diagnose.traffic.ports import PORTS, orders

if TYPE_CHECKING:
    import pyarrow as pa

UNFLAGGED = 8
"""Stands for "no TCP flags known": 8 is PSH, which is masked out of those that are."""

MARKS: Mapping[str, tuple[int, int]] = {
    # first bit, bits; the first ones come as codes (see codes.py)
    "reply": (0, 1),
    "kind": (KIND, 3),
    "way": (WAY, 2),
    "reason": (REASON, 2),
    "path": (8, 4),
    "flags": (12, 5),
    "even": (17, 1),  # neither flags nor ports tell who is the client
    "protocol": (18, 8),
    # these are added by SQL, for the few records that they are asked of
    "bare": (26, 1),
    "bare6": (27, 1),  # bare if the addresses are of IPv6
    "several": (28, 1),
}
COLUMNS = ("client", "server", "mark", "port", "client_port", "src", "dst")

_TCP = 6
_WITH_PORTS = (_TCP, 17, 33, 132, 136)  # and UDP, DCCP, SCTP, UDP-Lite
_FLAGS = 23  # FIN, SYN, RST, ACK
_BEYOND = 4 * PORTS  # more than any order of a port


def marked(batch: pa.RecordBatch, source: pa.Array, destination: pa.Array) -> list[pa.Array]:
    """`COLUMNS` of a batch's records, all int32. source, destination: their addresses' numbers."""
    import pyarrow.compute as pc

    protocol = _column(batch, "protocol", 255)
    ported = _table("ported").take(protocol) if "protocol" in batch.schema.names else None
    sorder, dorder = (_order(batch, name, ported) for name in ("srcport", "dstport"))
    flags = _flags(batch, protocol)
    code = codes_of(batch)
    gateway = _gateway(batch, code)
    if gateway is not None:
        code, source, destination = _apart(gateway, code, source, destination)
        flags = pc.if_else(pc.equal(gateway, 0), flags, _int32(UNFLAGGED))
        sorder = pc.if_else(pc.equal(gateway, 0), sorder, _int32(0))
        dorder = pc.if_else(pc.equal(gateway, 2), _int32(0), dorder)
        protocol = pc.if_else(pc.equal(gateway, 2), _int32(0), protocol)
    # who sends SYN is the client, whatever the ports are; who answers it is not
    ranked = pc.add(sorder, _table("beyond").take(flags))
    even = pc.equal(ranked, dorder)
    later = pc.greater(source, destination)  # any order will do, as long as it is one
    reply = pc.or_(pc.less(ranked, dorder), pc.and_(even, pc.fill_null(later, False)))
    if gateway is not None:
        reply = pc.and_(reply, pc.equal(gateway, 0))
    turned = pc.if_else(reply, _int32(1), _int32(0))
    sport, dport = (pc.bit_wise_and(order, _int32(PORTS - 1)) for order in (sorder, dorder))
    client, server = _swapped(source, destination, turned)
    client_port, port = _swapped(sport, dport, turned)
    mark = pc.bit_wise_or(code, turned)
    values = {"flags": flags, "protocol": protocol, "path": _path(batch)}
    values["even"] = pc.if_else(even, _int32(1), _int32(0))
    for name, value in values.items():
        if value is not None:
            mark = pc.bit_wise_or(mark, pc.shift_left(value, _int32(MARKS[name][0])))
    return [client, server, mark, port, client_port, source, destination]


def _swapped(first: pa.Array, second: pa.Array, turned: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both, exchanged where `turned` is 1: arithmetic is faster than to choose."""
    import pyarrow.compute as pc

    step = pc.multiply(pc.subtract(second, first), turned)
    return pc.add(first, step), pc.subtract(second, step)


def _order(batch: pa.RecordBatch, name: str, ported: pa.Array | None) -> pa.Array:
    """Orders of ports, 0 for protocols without."""
    import pyarrow.compute as pc

    found = _table("order").take(_column(batch, name, PORTS - 1))
    return found if ported is None else pc.multiply(found, ported)


def _flags(batch: pa.RecordBatch, protocol: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    if not {"tcp_flags", "protocol"} <= set(batch.schema.names):
        return _constant(UNFLAGGED, batch.num_rows)
    flags = pc.bit_wise_and(batch.column("tcp_flags"), _int32(_FLAGS))
    if flags.null_count:
        flags = flags.fill_null(UNFLAGGED)
    return pc.if_else(pc.equal(protocol, _int32(_TCP)), flags, _int32(UNFLAGGED))


def _path(batch: pa.RecordBatch) -> pa.Array | None:
    """1 to 15, or 0; None if no record has one."""
    import pyarrow.compute as pc

    if "traffic_path" not in batch.schema.names:
        return None
    paths = batch.column("traffic_path")
    if paths.null_count == len(paths):
        return None
    paths = paths.fill_null(0)
    known = pc.equal(paths, pc.bit_wise_and(paths, _int32(15)))
    return paths if pc.all(known).as_py() else pc.if_else(known, paths, _int32(0))


def _gateway(batch: pa.RecordBatch, code: pa.Array) -> pa.Array | None:
    """1 for records of transit gateways with loss, 2 for others of theirs, 0 for all else; None if
    there can be none."""
    import pyarrow.compute as pc

    names = batch.schema.names
    transit = [batch.column(name) for name in (*TGW, *LOST) if name in names]
    if not transit:
        return None
    kind = pc.bit_wise_and(code, _int32(7 << KIND))
    theirs = pc.and_(pc.equal(kind, _int32(SEEN << KIND)), _any(pc.is_valid(c) for c in transit))
    lost = [pc.fill_null(pc.greater(batch.column(n), 0), False) for n in LOST if n in names]
    how = pc.if_else(_any(lost), _int32(1), _int32(2)) if lost else _int32(2)
    return pc.if_else(theirs, how, _int32(0))


def _apart(
    gateway: pa.Array, code: pa.Array, source: pa.Array, destination: pa.Array
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Code and addresses with those of transit gateways set apart: without loss, all become one
    row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain, quiet = pc.equal(gateway, 0), pc.equal(gateway, 2)
    kinds = pc.if_else(quiet, _int32(OTHER << KIND), _int32(LOSS << KIND))
    nobody = pa.scalar(None, pa.int32())
    ends = (pc.if_else(quiet, nobody, end) for end in (source, destination))
    return pc.if_else(plain, code, kinds), *ends


def _any(conditions: Iterable[Any]) -> Any:
    import pyarrow.compute as pc

    first, *rest = conditions
    for condition in rest:
        first = pc.or_(first, condition)
    return first


def _column(batch: pa.RecordBatch, name: str, mask: int) -> pa.Array:
    """An integer column without nulls and without what cannot be (in columns from elsewhere)."""
    import pyarrow.compute as pc

    if name not in batch.schema.names:
        return _constant(0, batch.num_rows)
    values = pc.bit_wise_and(batch.column(name), _int32(mask))
    return values.fill_null(0) if values.null_count else values


def _constant(value: int, rows: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(_int32(value), rows)


@cache
def _int32(value: int) -> pa.Scalar:
    import pyarrow as pa

    return pa.scalar(value, pa.int32())


@cache
def _table(name: str) -> pa.Array:
    """What is looked up by value: orders by port; by protocol, whether it has ports (1 or 0); by
    flags, what makes the source the client (more than any order) or the destination (less)."""
    import pyarrow as pa

    if name == "order":
        values = orders()
    elif name == "ported":
        values = [int(number in _WITH_PORTS) for number in range(256)]
    else:
        values = [0 if not f & 2 else -_BEYOND if f & 16 else _BEYOND for f in range(32)]
    return pa.array(values, pa.int32())
