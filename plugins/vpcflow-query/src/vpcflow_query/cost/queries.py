"""The SQL that measures a piece of flow logs: a table `piece` with the columns of some batches and
`origin_`, the number of their flow log (-1: not known)."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow_query.cost.line_length import sql_columns, sql_length
from vpcflow_query.cost.volume import FEW, SLOT
from vpcflow_query.public import public_sql

NAT_TYPES = ("nat_gateway", "regional_nat_gateway")
NEEDED = {
    "interface_id": "VARCHAR",
    "resource_id": "VARCHAR",
    "tgw_attachment_id": "VARCHAR",
    "srcaddr": "VARCHAR",
    "dstaddr": "VARCHAR",
    "pkt_srcaddr": "VARCHAR",
    "pkt_dstaddr": "VARCHAR",
    "srcport": "INTEGER",
    "dstport": "INTEGER",
    "protocol": "INTEGER",
    "packets": "BIGINT",
    "bytes": "BIGINT",
    "start": "TIMESTAMPTZ",
    "end": "TIMESTAMPTZ",
    "action": "VARCHAR",
    "log_status": "VARCHAR",
    "flow_direction": "VARCHAR",
    "interface_type": "VARCHAR",
    "region": "VARCHAR",
}
"""What is looked at besides lengths; what a format lacks is null."""
KEYS = (
    "flows",
    "tracked_flows",
    "connections",
    "views",
    "one_way",
    "merged",
    "reused",
)


def totals(fields: Sequence[str], columns: Sequence[str], other_bytes: int) -> str:
    """By interface: sums of records and bytes, and after them two for each field (bytes, values).

    fields: columns whose lengths count. columns: those of `piece`. other_bytes: what each line has
    besides: fields that were not read.
    """
    names = sql_columns(columns)
    lengths = [f"{sql_length(name, names[name])} AS l{i}" for i, name in enumerate(fields)]
    line = " + ".join([f"l{i}" for i in range(len(fields))] + [str(len(fields) + other_bytes)])
    sums = [f"sum(l{i})::BIGINT, count({names[name]})" for i, name in enumerate(fields)]
    shares = [
        f"count(*) FILTER ({test}), coalesce(sum(line) FILTER ({test}), 0)::BIGINT"
        for test in ("true", "nodata", "skipdata", "reject", "noise", "few")
    ]
    start, end = _column("start", columns), _column("end", columns)
    inner = [
        "*",
        *lengths,
        f"{_interface(columns)} AS interface",
        f"{_column('log_status', columns)} = 'NODATA' AS nodata",
        f"{_column('log_status', columns)} = 'SKIPDATA' AS skipdata",
        f"{_column('action', columns)} = 'REJECT' AS reject",
        f"{_noise(columns)} AS noise",
        f"{_column('packets', columns)} <= {FEW} AS few",
        f"{_nat(columns)} AS nat",
        f"epoch_ms({end}) - epoch_ms({start}) AS length_ms",
    ]
    outer = [
        "interface",
        *shares,
        "coalesce(bool_or(nat), false)",
        f"min(epoch_ms({start}))",
        f"max(epoch_ms({end}))",
        "coalesce(max(length_ms), 0)",
        "count(*) FILTER (length_ms > 60000)",
        f"any_value({_column('region', columns)})",
        *sums,
    ]
    return (
        f"SELECT {', '.join(outer)} FROM "
        f"(SELECT *, {line} AS line FROM (SELECT {', '.join(inner)} FROM piece)) GROUP BY interface"
    )


def keys(columns: Sequence[str]) -> str:
    """The hashes that `Distincts` counts, one column for each of `KEYS`.
    Null where a record does not count."""
    c = {name: _column(name, columns) for name in NEEDED}
    ends = f"""
        SELECT *, {_interface(columns)} AS interface,
            coalesce({c["log_status"]}, 'OK') = 'OK' AND {c["srcaddr"]} IS NOT NULL AS ok,
            hash({c["srcaddr"]}, {c["srcport"]}) AS a, hash({c["dstaddr"]}, {c["dstport"]}) AS b,
            epoch_ms({c["end"]}) // 1000 AS ends
        FROM piece"""
    return f"""
        WITH ends AS ({ends}), told AS (SELECT *, hash(interface, a, b, {c["protocol"]},
            {c["action"]}, {c["start"]}, {c["end"]}, {c["packets"]}, {c["bytes"]},
            {c["pkt_srcaddr"]}, {c["pkt_dstaddr"]}, {c["log_status"]}) AS flows FROM ends)
        SELECT flows,
            CASE WHEN origin_ >= 0 THEN hash(flows, origin_) END AS tracked_flows,
            CASE WHEN ok THEN hash(interface, xor(a, b), {c["protocol"]}) END AS connections,
            CASE WHEN ok THEN hash(interface, a, b, {c["protocol"]}) END AS views,
            CASE WHEN ok THEN hash(a, b, {c["protocol"]}, 1) END AS one_way,
            hash(interface, a, b, {c["protocol"]}, {c["action"]}, {c["log_status"]}, ends // 600)
                AS merged,
            CASE WHEN ok THEN hash(interface, {c["srcaddr"]}, {c["dstaddr"]},
                least({c["srcport"]}, {c["dstport"]}), {c["srcport"]} < {c["dstport"]},
                {c["protocol"]}, {c["action"]}, ends // 60) END AS reused
        FROM told"""


def distinct(table: str) -> str:
    """The distinct hashes of each key below a bound (parameters, in the order of `KEYS`): rows of
    (number of the key, hash)."""
    return " UNION ALL ".join(
        f"SELECT {number}, {key} FROM {table} WHERE {key} < ?::UBIGINT GROUP BY {key}"
        for number, key in enumerate(KEYS)
    )


def slots(columns: Sequence[str]) -> str:
    """The periods of `SLOT` seconds in which records of `piece` end."""
    end = _column("end", columns)
    return f"SELECT DISTINCT epoch_ms({end}) // {SLOT * 1000} FROM piece WHERE {end} IS NOT NULL"


def _column(name: str, columns: Sequence[str]) -> str:
    return f'"{name}"' if name in columns else f"NULL::{NEEDED[name]}"


def _interface(columns: Sequence[str]) -> str:
    """Records of a regional NAT gateway have no interface, but its id; those of a transit gateway
    the attachment."""
    ids = (_column(name, columns) for name in ("interface_id", "resource_id", "tgw_attachment_id"))
    return f"coalesce({', '.join(ids)}, '-')"


def _public(address: str) -> str:
    return f"coalesce({public_sql(address)}, false)"


def _noise(columns: Sequence[str]) -> str:
    """Refused, and from the internet; not what an interface sends itself."""
    refused = f"{_column('action', columns)} = 'REJECT'"
    incoming = f"coalesce({_column('flow_direction', columns)}, 'ingress') = 'ingress'"
    source = _column("srcaddr", columns)
    return f"CASE WHEN {refused} AND {incoming} THEN {_public(source)} ELSE false END"


def _nat(columns: Sequence[str]) -> str:
    """At a NAT gateway: AWS says so (fields of version 9 and 11), or the record is of the inside
    leg, where a public address in the packet stands behind a private one of the interface."""
    types = ", ".join(f"'{one}'" for one in NAT_TYPES)
    said = (
        f"{_column('interface_type', columns)} IN ({types}) "
        f"OR starts_with({_column('resource_id', columns)}, 'nat-')"
    )
    legs = [
        f"WHEN {_column(packet, columns)} IS NOT NULL AND {_column(packet, columns)} <> "
        f"{_column(own, columns)} THEN {_public(_column(packet, columns))} "
        f"AND NOT ({_public(_column(own, columns))})"
        for packet, own in (("pkt_srcaddr", "srcaddr"), ("pkt_dstaddr", "dstaddr"))
    ]
    return f"CASE WHEN {said} THEN true {' '.join(legs)} ELSE false END"
