"""The one pass over the records: a table `parts` of sums, one row for all records of one interface,
client, service, way, verdict and other marks.

All that has few values (flags, verdict, direction ...) is packed into one integer, `mark`, with
the service's port: grouping by one number costs a fraction of grouping by ten columns, and counts
by flag need no sums of their own. What is done for each record is kept to what must be: the rest is
done for each row of `parts`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.codes import KIND, LOSS, OTHER, REASON, REJECTED, SEEN, WAY
from vpcflow_diagnose.traffic.columns import LOST, TGW, column_sql
from vpcflow_diagnose.traffic.ports import PORTS

if TYPE_CHECKING:
    import duckdb

KEY = "interface, client, server, port, protocol"
UNFLAGGED = 8
"""Stands for "no TCP flags known": 8 is PSH, which is masked out of those that are."""

_FLAGS = 23  # FIN, SYN, RST, ACK
_WITH_PORTS = "6, 17, 33, 132, 136"  # TCP, UDP, DCCP, SCTP, UDP-Lite

# what `mark` holds: name, first bit, bits. The first ones come as `code` (see codes.py)
_MARKS = (
    ("reply", 0, 1),
    ("kind", KIND, 3),
    ("way", WAY, 2),
    ("reason", REASON, 2),
    ("path", 8, 4),
    ("flags", 12, 5),
    ("bare", 17, 1),
    ("several", 18, 1),
    ("protocol", 19, 8),
    ("port", 32, 16),
)


def aggregate(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Make `parts` from the records in `records` (see intake.py), which are read once. names: the
    columns that were read."""
    extra = [name for name in TGW if name in names]
    lost = [name for name in LOST if name in names]
    keys = ", ".join(("interface", "client", "server", "mark", *extra))
    connection.execute(
        f"""
        CREATE TABLE parts AS
        SELECT * EXCLUDE (mark, raw), {_unpacked_sql()},
            {_raw_sql("src", 1)}, {_raw_sql("dst", 2)}
        FROM (
            SELECT {keys}, {_SUMS}{"".join(f", sum({name}) AS {name}" for name in lost)}
            FROM ({_marked_sql(names, extra, lost)})
            GROUP BY {keys}
        )
        """
    )
    for name in (n for n in TGW if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} VARCHAR")
    for name in (n for n in LOST if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} HUGEINT")


_SUMS = """
    count(*) AS flows, coalesce(sum(packets), 0) AS packets, coalesce(sum(bytes), 0) AS bytes,
    coalesce(epoch_ms(min(began)), 0) AS first, coalesce(epoch_ms(max(ended)), 0) AS last,
    min(client_port) AS low, max(client_port) AS high,
    bit_or(1::UBIGINT << (client_port & 63)::UBIGINT) AS bits,
    any_value(CASE WHEN plain_src <> src OR plain_dst <> dst
        THEN plain_src || ' ' || plain_dst END) AS raw
"""


def _raw_sql(end: str, place: int) -> str:
    """The plain address of an end where it differs from the packets'."""
    reply, other = ("server", "client") if end == "src" else ("client", "server")
    plain = f"split_part(raw, ' ', {place})"
    own = f"CASE WHEN mark & 1 = 1 THEN {reply} ELSE {other} END"
    return f"CASE WHEN {plain} <> {own} THEN {plain} END AS raw_{end}"


def _unpacked_sql() -> str:
    columns = []
    for name, shift, bits in _MARKS:
        value = f"(mark >> {shift}) & {(1 << bits) - 1}"
        if name == "kind":  # the other columns of records without an end prove nothing
            nowhere = "client IS NULL OR server IS NULL"
            value = f"CASE WHEN {nowhere} THEN greatest({value}, {OTHER}) ELSE {value} END"
        type_ = "BOOLEAN" if bits == 1 else "UTINYINT" if bits <= 8 else "INTEGER"
        columns.append(f"({value})::{type_} AS {name}")
    return ", ".join(columns)


def _marked_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records with client, server, client_port and mark."""
    # Bare SYNs are 40 to 80 bytes each (IPv4), 60 to 100 (IPv6): 20 or 40 of IP header and 20 to
    # 40 of TCP with options. More than that, and data or ACKs, which leave no flag, went with them.
    bare = """flags = 2 AND coalesce(bytes, 0)
        <= coalesce(packets, 0)::HUGEINT * CASE WHEN contains(src, ':') THEN 100 ELSE 80 END"""
    several = f"packets >= 2 AND (bare OR (code >> {KIND}) & 7 = {REJECTED})"
    lossy = f"WHEN (code >> {KIND}) & 7 >= {LOSS} THEN false" if extra or lost else ""
    return f"""
        SELECT *, CASE WHEN reply THEN dst ELSE src END AS client,
            CASE WHEN reply THEN src ELSE dst END AS server,
            (CASE WHEN reply THEN dorder ELSE sorder END) & {PORTS - 1} AS client_port,
            (((CASE WHEN reply THEN sorder ELSE dorder END) & {PORTS - 1})::BIGINT << 32)
                | (code | reply::INTEGER | (path << 8) | (flags << 12)
                | (bare::INTEGER << 17) | (coalesce({several}, false)::INTEGER << 18)
                | ((protocol & 255) << 19)) AS mark
        FROM (
            SELECT *, {bare} AS bare,
                CASE
                    {lossy}
                    WHEN flags & 2 = 2 THEN flags & 16 = 16
                    WHEN sorder = dorder THEN coalesce(src > dst, false)
                    ELSE sorder < dorder
                END AS reply
            FROM ({_transit_sql(_plain_sql(names, extra, lost), extra, lost)})
        )
    """


def _transit_sql(records: str, extra: list[str], lost: list[str]) -> str:
    """Records of transit gateways, if there may be any, have a kind of their own. Those without
    loss all become one row."""
    if not extra and not lost:
        return records
    any_lost = " OR ".join(f"coalesce({name}, 0) > 0" for name in lost) or "false"
    transit = " OR ".join(f"{name} IS NOT NULL" for name in (*extra, *lost))
    columns = {
        "src": "CASE WHEN gateway = 2 THEN NULL ELSE src END",
        "dst": "CASE WHEN gateway = 2 THEN NULL ELSE dst END",
        "sorder": "CASE WHEN gateway > 0 THEN 0 ELSE sorder END",
        "dorder": "CASE WHEN gateway = 2 THEN 0 ELSE dorder END",
        "protocol": "CASE WHEN gateway = 2 THEN 0 ELSE protocol END",
        "flags": f"CASE WHEN gateway > 0 THEN {UNFLAGGED} ELSE flags END",
        "code": f"CASE gateway WHEN 1 THEN {LOSS << KIND} WHEN 2 THEN {OTHER << KIND} "
        "ELSE code END",
        **{name: f"CASE WHEN gateway < 2 THEN {name} END" for name in extra},
    }
    replaced = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return f"""
        SELECT * REPLACE ({replaced}) FROM (
            SELECT *, CASE WHEN (code >> {KIND}) & 7 <> {SEEN} OR NOT ({transit}) THEN 0
                WHEN {any_lost} THEN 1 ELSE 2 END AS gateway
            FROM ({records})
        )
    """


def _plain_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records under names of their own, with nulls for what the log does not have."""

    def column(name: str) -> str:
        return column_sql(name, names)

    def address(end: str) -> str:
        present = [name for name in (f"pkt_{end}", end) if name in names]
        return f"coalesce({', '.join(present)})" if len(present) > 1 else present[0]

    protocol = f"coalesce({column('protocol')}, 0)"
    order = "{}"
    if "protocol" in names:
        order = f"CASE WHEN {protocol} IN ({_WITH_PORTS}) THEN {{}} ELSE 0 END"
    flags = f"{UNFLAGGED}"
    if "tcp_flags" in names and "protocol" in names:
        flags = (
            f"CASE WHEN protocol = 6 THEN coalesce(tcp_flags & {_FLAGS}, {UNFLAGGED}) "
            f"ELSE {UNFLAGGED} END"
        )
    path = "0"
    if "traffic_path" in names:
        path = "CASE WHEN traffic_path BETWEEN 1 AND 15 THEN traffic_path ELSE 0 END"
    return f"""
        SELECT interface, code,
            {address("srcaddr")} AS src, {address("dstaddr")} AS dst,
            {column("srcaddr")} AS plain_src, {column("dstaddr")} AS plain_dst,
            {order.format("src_order")} AS sorder, {order.format("dst_order")} AS dorder,
            {protocol} AS protocol, {flags} AS flags, {path} AS path,
            {column("start")} AS began, {column("end")} AS ended,
            {column("packets")} AS packets, {column("bytes")} AS bytes
            {"".join(f", {name}" for name in (*extra, *lost))}
        FROM records
    """
