"""The one pass over the records: a table `parts` of sums, one row for all records of one interface,
client, service, way, verdict and other marks.

Records are grouped by numbers only (intake.py): addresses have one each, and all that has few
values is in `mark`, so counts by flag need no sums of their own. `parts` has texts again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.addresses import Addresses
from vpcflow_diagnose.traffic.codes import KIND, OTHER, REJECTED
from vpcflow_diagnose.traffic.columns import LOST, TGW, column_sql
from vpcflow_diagnose.traffic.marks import MARKS

if TYPE_CHECKING:
    import duckdb

KEY = "interface, client, server, port, protocol"
_SHIFT = {name: shift for name, (shift, _) in MARKS.items()}


def aggregate(
    connection: duckdb.DuckDBPyConnection, names: Collection[str], addresses: Addresses
) -> None:
    """Make `parts` from the records in `records` (see intake.py), which are read once. names: the
    columns that were read. addresses: those whose numbers are in the records."""
    import pyarrow as pa

    extra = [name for name in TGW if name in names]
    lost = [name for name in LOST if name in names]
    keys = ", ".join(("interface", "client", "server", "mark", "port", *extra))
    connection.execute(
        f"""
        CREATE TABLE numbered AS
        SELECT {keys}, {_sums(names)}{"".join(f", sum({name}) AS {name}" for name in lost)}
        FROM (SELECT * REPLACE (mark | {_sized_sql(names)} AS mark) FROM records)
        GROUP BY {keys}
        """
    )
    batches = addresses.tables()
    schema = pa.schema([("number", pa.int32()), ("address", pa.utf8())])
    connection.register("texts", pa.RecordBatchReader.from_batches(schema, batches))
    connection.execute("CREATE TABLE addresses AS SELECT * FROM texts")
    connection.unregister("texts")
    connection.execute(_parts_sql(_has_raw(connection), extra, lost))
    connection.execute("DROP TABLE numbered")
    connection.execute("DROP TABLE addresses")


def _sums(names: Collection[str]) -> str:
    packets, octets, start, end = (
        column_sql(name, names) for name in ("packets", "bytes", "start", "end")
    )
    raw = ", ".join(
        f"any_value(CASE WHEN {name}addr <> {name} THEN {name}addr END) AS raw_{name}"
        if {f"{name}addr", f"pkt_{name}addr"} <= set(names)
        else f"NULL::INTEGER AS raw_{name}"
        for name in ("src", "dst")
    )
    return f"""
        count(*) AS flows, coalesce(sum({packets}), 0) AS packets,
        coalesce(sum({octets}), 0) AS bytes, coalesce(epoch_ms(min({start})), 0) AS first,
        coalesce(epoch_ms(max({end})), 0) AS last,
        min(client_port) AS low, max(client_port) AS high,
        bit_or(1::UBIGINT << (client_port & 63)::UBIGINT) AS bits, {raw}
    """


def _has_raw(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute("SELECT count(raw_src) + count(raw_dst) FROM numbered").fetchone()
    return row is not None and row[0] > 0


def _parts_sql(raw: bool, extra: list[str], lost: list[str]) -> str:
    """SQL that makes `parts`: texts for numbers, columns for marks. raw: whether any plain address
    differs from a packet's."""
    absent = [
        *(f"NULL::VARCHAR AS {name}" for name in TGW if name not in extra),
        *(f"NULL::HUGEINT AS {name}" for name in LOST if name not in lost),
    ]
    joins = ""
    if raw:
        joins = "".join(
            f" LEFT JOIN addresses {end} ON {end}.number = raw_{end}" for end in ("src", "dst")
        )
    raws = [
        f"{f'{end}.address' if raw else 'NULL::VARCHAR'} AS raw_{end}" for end in ("src", "dst")
    ]
    # even ends stand in the order of their texts: that of their numbers is not the same each time
    swap = "(even = 1 AND c.address > s.address)"
    unpacked = ", ".join(
        f"(mark >> {shift}) & {(1 << bits) - 1} AS {name}" for name, (shift, bits) in MARKS.items()
    )
    nowhere = "c.address IS NULL OR s.address IS NULL"  # the other columns prove nothing then
    return f"""
        CREATE TABLE parts AS
        SELECT interface,
            CASE WHEN {swap} THEN s.address ELSE c.address END AS client,
            CASE WHEN {swap} THEN c.address ELSE s.address END AS server,
            port::INTEGER AS port, protocol::UTINYINT AS protocol,
            CASE WHEN {swap} THEN reply = 0 ELSE reply = 1 END AS reply,
            (CASE WHEN {nowhere} THEN greatest(kind, {OTHER}) ELSE kind END)::UTINYINT AS kind,
            way::UTINYINT AS way, reason::UTINYINT AS reason, path::UTINYINT AS path,
            flags::UTINYINT AS flags, even = 1 AS even,
            bare = 1 OR (bare6 = 1 AND contains(c.address, ':')) AS bare,
            several = 1 AS several, flows, packets, bytes, first, last, low, high, bits,
            {", ".join([*raws, *extra, *lost, *absent])}
        FROM (SELECT *, {unpacked} FROM numbered)
            LEFT JOIN addresses c ON c.number = client
            LEFT JOIN addresses s ON s.number = server
            {joins}
    """


def _sized_sql(names: Collection[str]) -> str:
    """SQL for what packets and bytes add to the mark of records with nothing but SYN, and of
    rejected ones."""
    # Bare SYNs are 40 to 80 bytes each (IPv4), 60 to 100 (IPv6): 20 or 40 of IP header and 20 to
    # 40 of TCP with options. More than that, and data or ACKs, which leave no flag, went with them.
    packets, octets = (f"coalesce({column_sql(name, names)}, 0)" for name in ("packets", "bytes"))
    bare, bare6 = (f"{octets} <= {packets}::HUGEINT * {limit}" for limit in (80, 100))
    several = f"CASE WHEN {packets} >= 2 THEN {1 << _SHIFT['several']} ELSE 0 END"
    return f"""
        CASE WHEN (mark >> {_SHIFT["flags"]}) & 31 = 2
            THEN CASE WHEN {bare} THEN {1 << _SHIFT["bare"]} | {several}
                WHEN {bare6} THEN {1 << _SHIFT["bare6"]} | {several}
                WHEN (mark >> {KIND}) & 7 = {REJECTED} THEN {several} ELSE 0 END
            WHEN (mark >> {KIND}) & 7 = {REJECTED} THEN {several} ELSE 0 END
    """
