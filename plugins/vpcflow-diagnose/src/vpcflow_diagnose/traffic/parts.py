"""The one pass over the records: a table `parts` of sums, one row for all records of one interface,
client, service, way and verdict."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.columns import LOST, TGW, column_sql
from vpcflow_diagnose.traffic.ports import rank_sql

if TYPE_CHECKING:
    import duckdb

ACCEPTED, REJECTED, SEEN, LOSS, OTHER, NODATA, SKIPDATA = range(7)
"""What a record is (column `kind`). SEEN: traffic of a format without an action. LOSS: a transit
gateway dropped packets. OTHER: nothing to be learnt about conversations, such as a transit
gateway's record without loss."""

KEY = "interface, client, server, port, protocol"

_WITH_PORTS = "6, 17, 33, 132, 136"  # TCP, UDP, DCCP, SCTP, UDP-Lite


def aggregate(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Make `parts` from the columns `names` of the records in `records`, which are read once."""
    extra = [name for name in TGW if name in names]
    lost = [name for name in LOST if name in names]
    connection.execute(
        f"""
        CREATE TABLE parts AS
        SELECT {KEY}, reply, kind, {"".join(f"{name}, " for name in extra)}
            {_sums(names)}{"".join(f", sum({name}) AS {name}" for name in lost)}
        FROM ({_oriented_sql(names, extra, lost)})
        GROUP BY {KEY}, reply, kind{"".join(f", {name}" for name in extra)}
        """
    )
    for name, type_ in ((n, "VARCHAR") for n in TGW if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} {type_}")
    for name in (n for n in LOST if n not in names):
        connection.execute(f"ALTER TABLE parts ADD COLUMN {name} HUGEINT")


def _sums(names: Collection[str]) -> str:
    first_and_last = (
        "coalesce(min(epoch_ms(began)), 0) AS first, coalesce(max(epoch_ms(ended)), 0) AS last,"
    )
    return f"""
        count(*) AS flows, coalesce(sum(packets), 0) AS packets, coalesce(sum(bytes), 0) AS bytes,
        {first_and_last}
        min(client_port) AS low, max(client_port) AS high,
        bit_or(1::UBIGINT << (client_port % 64)::UBIGINT) AS bits,
        {_flag_sums() if "tcp_flags" in names else _no_flags()},
        max(reject_reason) AS reason, max(traffic_path) AS path,
        any_value(CASE WHEN plain_src <> src THEN plain_src END) AS raw_src,
        any_value(CASE WHEN plain_dst <> dst THEN plain_dst END) AS raw_dst,
        any_value(vpc_id) AS vpc, any_value(subnet_id) AS subnet,
        coalesce(sum(CASE flow_direction WHEN 'egress' THEN 1 WHEN 'ingress' THEN -1 END), 0)
            AS egress,
        coalesce(max(packets), 0) AS most_packets
    """


def _flag_sums() -> str:
    # bare SYNs are 40 to 80 bytes each (IPv4), 60 to 100 (IPv6): 20 or 40 of IP header and 20 to
    # 40 of TCP with options. More than that, and data or ACKs, which leave no flag, went with them.
    bare = (
        "f = 2 AND coalesce(bytes, 0) "
        "<= coalesce(packets, 0) * CASE WHEN contains(src, ':') THEN 100 ELSE 80 END"
    )
    return f"""
        count(f) AS flagged,
        count(*) FILTER (f & 18 = 2) AS syn,
        count(*) FILTER ({bare}) AS syn_only,
        count(*) FILTER ({bare} AND packets >= 2) AS retried,
        count(*) FILTER (f & 18 = 18) AS syn_ack,
        count(*) FILTER (f & 1 = 1) AS fin,
        count(*) FILTER (f & 4 = 4) AS rst,
        coalesce(max(epoch_ms(ended)) FILTER (f & 5 = 0), 0) AS before_rst,
        coalesce(min(epoch_ms(began)) FILTER (f & 4 = 4), 0) AS first_rst
    """


def _no_flags() -> str:
    counts = ("flagged", "syn", "syn_only", "retried", "syn_ack", "fin", "rst")
    times = ("before_rst", "first_rst")
    return ", ".join(f"0::BIGINT AS {name}" for name in (*counts, *times))


def _oriented_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records with client, server, port and client_port."""
    return f"""
        SELECT *,
            CASE WHEN NOT talk THEN NULL WHEN reply THEN dst ELSE src END AS client,
            CASE WHEN NOT talk THEN NULL WHEN reply THEN src ELSE dst END AS server,
            CASE WHEN NOT talk THEN 0 WHEN reply THEN sport ELSE dport END AS port,
            CASE WHEN NOT talk OR kind = {LOSS} THEN 0 WHEN reply THEN dport ELSE sport END
                AS client_port
        FROM (
            SELECT * EXCLUDE (protocol),
                CASE WHEN kind <= {LOSS} THEN protocol ELSE 0 END AS protocol,
                kind <= {LOSS} AS talk,
                CASE
                    WHEN kind >= {LOSS} THEN false
                    WHEN f & 2 = 2 THEN f & 16 = 16
                    WHEN sport = dport THEN src > dst
                    ELSE (src_rank, sport) < (dst_rank, dport)
                END AS reply
            FROM (
                SELECT *, {_kind_sql(names, lost)} AS kind,
                    {rank_sql("sport")} AS src_rank, {rank_sql("dport")} AS dst_rank
                FROM ({_plain_sql(names, extra, lost)})
            )
        )
    """


def _kind_sql(names: Collection[str], lost: list[str]) -> str:
    any_lost = " + ".join(f"coalesce({name}, 0)" for name in lost) or "0"
    transit = " OR ".join(f"{name} IS NOT NULL" for name in (*TGW, *lost) if name in names)
    return f"""
        CASE
            WHEN log_status = 'NODATA' THEN {NODATA}
            WHEN log_status = 'SKIPDATA' THEN {SKIPDATA}
            WHEN src IS NULL OR dst IS NULL THEN {OTHER}
            WHEN action = 'ACCEPT' THEN {ACCEPTED}
            WHEN action = 'REJECT' THEN {REJECTED}
            WHEN {any_lost} > 0 THEN {LOSS}
            WHEN {transit or "false"} THEN {OTHER}
            ELSE {SEEN}
        END::UTINYINT
    """


def _plain_sql(names: Collection[str], extra: list[str], lost: list[str]) -> str:
    """The records under names of their own, with nulls for what the log does not have."""

    def column(name: str) -> str:
        return column_sql(name, names)

    protocol = f"coalesce({column('protocol')}, 0)"
    has_ports = f"{protocol} IN ({_WITH_PORTS})" if "protocol" in names else "true"
    kept = [
        *("action", "log_status", "packets", "bytes", "vpc_id", "subnet_id"),
        *("flow_direction", "reject_reason", "traffic_path"),
        *extra,
        *lost,
    ]
    flags = f"CASE WHEN {column('protocol')} = 6 THEN tcp_flags & 23 END"
    return f"""
        SELECT
            coalesce({column("interface_id")}, {column("resource_id")}, '-') AS interface,
            coalesce({column("pkt_srcaddr")}, {column("srcaddr")}) AS src,
            coalesce({column("pkt_dstaddr")}, {column("dstaddr")}) AS dst,
            {column("srcaddr")} AS plain_src, {column("dstaddr")} AS plain_dst,
            CASE WHEN {has_ports} THEN coalesce({column("srcport")}, 0) ELSE 0 END AS sport,
            CASE WHEN {has_ports} THEN coalesce({column("dstport")}, 0) ELSE 0 END AS dport,
            {protocol} AS protocol,
            {flags if "tcp_flags" in names else "NULL::INTEGER"} AS f,
            {column("start")} AS began, {column("end")} AS ended,
            {", ".join(f"{column(name)} AS {name}" for name in kept)}
        FROM records
    """
