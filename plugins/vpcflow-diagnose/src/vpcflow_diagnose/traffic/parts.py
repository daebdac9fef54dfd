"""The one pass over the records: a table `parts` of sums, one row for all records of one interface,
client, service, way, verdict and other marks.

All that has few values (flags, verdict, direction ...) is packed into one integer, `mark`, together
with port and protocol: grouping by one number costs a fraction of grouping by ten columns, and
counts by flag need no sums of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.columns import LOST, TGW, column_sql
from vpcflow_diagnose.traffic.ports import PORTS

if TYPE_CHECKING:
    import duckdb

ACCEPTED, REJECTED, SEEN, LOSS, OTHER, NODATA, SKIPDATA = range(7)
"""What a record is (column `kind`). SEEN: traffic of a format without an action. LOSS: a transit
gateway dropped packets. OTHER: nothing to be learnt about conversations, such as a transit
gateway's record without loss."""

KEY = "interface, client, server, port, protocol"
UNFLAGGED = 8  # stands for "no flags known": bit 8 (PSH) is masked out of those that are
REASONS = ("BPA", "EC")

_WITH_PORTS = "6, 17, 33, 132, 136"  # TCP, UDP, DCCP, SCTP, UDP-Lite

# name, SQL over the oriented records, bits
_MARKS = (
    ("reply", "reply", 1),
    ("kind", "kind", 3),
    ("flags", "flags", 5),
    ("bare", "bare", 1),
    ("several", f"(bare OR kind = {REJECTED}) AND coalesce(packets, 0) >= 2", 1),
    ("way", "CASE flow_direction WHEN 'egress' THEN 1 WHEN 'ingress' THEN 2 ELSE 0 END", 2),
    ("path", "CASE WHEN traffic_path BETWEEN 1 AND 15 THEN traffic_path ELSE 0 END", 4),
    ("reason", "CASE reject_reason WHEN 'BPA' THEN 1 WHEN 'EC' THEN 2 ELSE 0 END", 2),
    ("protocol", "protocol", 8),
    ("port", "port", 16),
)


def aggregate(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Make `parts` from the columns `names` of the records in `records`, which are read once."""
    extra = [name for name in TGW if name in names]
    lost = [name for name in LOST if name in names]
    keys = ", ".join(("interface", "client", "server", "mark", *extra))
    connection.execute(
        f"""
        CREATE TABLE parts AS
        SELECT * EXCLUDE (mark, raw), {_unpacked()}, {_raw_sql("src", 1)}, {_raw_sql("dst", 2)}
        FROM (
            SELECT {keys}, {_sums()}{"".join(f", sum({name}) AS {name}" for name in lost)}
            FROM (SELECT *, {_packed()} AS mark FROM ({_oriented_sql(names, extra, lost)}))
            GROUP BY {keys}
        )
        """
    )
    for name in (n for n in TGW if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} VARCHAR")
    for name in (n for n in LOST if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} HUGEINT")


def _raw_sql(end: str, place: int) -> str:
    """The plain address of an end where it differs from the packets'."""
    reply, other = ("server", "client") if end == "src" else ("client", "server")
    plain = f"split_part(raw, ' ', {place})"
    own = f"CASE WHEN {_field_sql('reply')} = 1 THEN {reply} ELSE {other} END"
    return f"CASE WHEN {plain} <> {own} THEN {plain} END AS raw_{end}"


def _packed() -> str:
    return " | ".join(
        f"((({value})::BIGINT & {(1 << bits) - 1}) << {_shift(name)})"
        for name, value, bits in _MARKS
    )


def _unpacked() -> str:
    columns = []
    for name, _, bits in _MARKS:
        type_ = "BOOLEAN" if bits == 1 else "UTINYINT" if bits <= 8 else "INTEGER"
        columns.append(f"({_field_sql(name)})::{type_} AS {name}")
    return ", ".join(columns)


def _field_sql(name: str) -> str:
    bits = next(bits for known, _, bits in _MARKS if known == name)
    return f"((mark >> {_shift(name)}) & {(1 << bits) - 1})"


def _shift(name: str) -> int:
    names = [known for known, _, _ in _MARKS]
    return sum(bits for _, _, bits in _MARKS[: names.index(name)])


def _sums() -> str:
    return """
        count(*) AS flows, coalesce(sum(packets), 0) AS packets, coalesce(sum(bytes), 0) AS bytes,
        coalesce(epoch_ms(min(began)), 0) AS first, coalesce(epoch_ms(max(ended)), 0) AS last,
        min(client_port) AS low, max(client_port) AS high,
        bit_or(1::UBIGINT << (client_port & 63)::UBIGINT) AS bits,
        any_value(CASE WHEN plain_src <> src OR plain_dst <> dst
            THEN plain_src || ' ' || plain_dst END) AS raw
    """


def _oriented_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records with client, server, port and client_port."""
    # bare SYNs are 40 to 80 bytes each (IPv4), 60 to 100 (IPv6): 20 or 40 of IP header and 20 to
    # 40 of TCP with options. More than that, and data or ACKs, which leave no flag, went with them.
    bare = """flags = 2 AND coalesce(bytes, 0)
        <= coalesce(packets, 0)::HUGEINT * CASE WHEN contains(src, ':') THEN 100 ELSE 80 END"""
    return f"""
        SELECT *,
            CASE WHEN NOT talk THEN NULL WHEN reply THEN dst ELSE src END AS client,
            CASE WHEN NOT talk THEN NULL WHEN reply THEN src ELSE dst END AS server,
            CASE WHEN NOT talk THEN 0 WHEN reply THEN sport ELSE dport END AS port,
            CASE WHEN kind >= {LOSS} THEN 0 WHEN reply THEN dport ELSE sport END AS client_port
        FROM (
            SELECT * EXCLUDE (protocol, flags),
                CASE WHEN kind <= {LOSS} THEN protocol ELSE 0 END AS protocol,
                CASE WHEN kind < {LOSS} THEN flags ELSE {UNFLAGGED} END AS flags,
                kind <= {LOSS} AS talk,
                kind < {LOSS} AND {bare} AS bare,
                CASE
                    WHEN kind >= {LOSS} THEN false
                    WHEN flags & 2 = 2 THEN flags & 16 = 16
                    WHEN sorder = dorder THEN src > dst
                    ELSE sorder < dorder
                END AS reply
            FROM (
                SELECT *, {_kind_sql(names, lost)} AS kind,
                    sorder & {PORTS - 1} AS sport, dorder & {PORTS - 1} AS dport
                FROM ({_plain_sql(names, extra, lost)})
            )
        )
    """


def _kind_sql(names: Collection[str], lost: list[str]) -> str:
    any_lost = " OR ".join(f"{name} > 0" for name in lost) or "false"
    transit = " OR ".join(f"{name} IS NOT NULL" for name in (*TGW, *lost) if name in names)
    return f"""
        CASE
            WHEN log_status = 'NODATA' THEN {NODATA}
            WHEN log_status = 'SKIPDATA' THEN {SKIPDATA}
            WHEN src IS NULL OR dst IS NULL THEN {OTHER}
            WHEN action = 'ACCEPT' THEN {ACCEPTED}
            WHEN action = 'REJECT' THEN {REJECTED}
            WHEN {any_lost} THEN {LOSS}
            WHEN {transit or "false"} THEN {OTHER}
            ELSE {SEEN}
        END
    """


def _plain_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records under names of their own, with nulls for what the log does not have."""

    def column(name: str) -> str:
        return column_sql(name, names)

    protocol = f"coalesce({column('protocol')}, 0)"
    order = "{}"
    if "protocol" in names:
        order = f"CASE WHEN {protocol} IN ({_WITH_PORTS}) THEN {{}} ELSE 0 END"
    flags = f"CASE WHEN {column('protocol')} = 6 THEN coalesce(tcp_flags & 23, {UNFLAGGED})"
    kept = [
        *("action", "log_status", "packets", "bytes"),
        *("flow_direction", "reject_reason", "traffic_path"),
        *extra,
        *lost,
    ]
    return f"""
        SELECT interface,
            coalesce({column("pkt_srcaddr")}, {column("srcaddr")}) AS src,
            coalesce({column("pkt_dstaddr")}, {column("dstaddr")}) AS dst,
            {column("srcaddr")} AS plain_src, {column("dstaddr")} AS plain_dst,
            {order.format("src_order")} AS sorder, {order.format("dst_order")} AS dorder,
            {protocol} AS protocol,
            {f"{flags} ELSE {UNFLAGGED} END" if "tcp_flags" in names else UNFLAGGED} AS flags,
            {column("start")} AS began, {column("end")} AS ended,
            {", ".join(f"{column(name)} AS {name}" for name in kept)}
        FROM records
    """
