"""Who had most traffic, for overviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

if TYPE_CHECKING:
    import duckdb

By = Literal["interface", "address", "pair", "port"]


@frozen
class Talker:
    """names: the interface; the address; client and server; or port and protocol. flows: records,
    `rejected` of them rejected."""

    names: tuple[str | int, ...]
    bytes: int
    packets: int
    flows: int
    rejected: int


@frozen
class Pair:
    """Traffic of a client and a service, both ways, over all interfaces. A packet that several
    interfaces recorded counts once: of their sums the largest is taken. flows: records, `rejected`
    of them rejected."""

    client: str
    server: str
    port: int
    protocol: int
    bytes: int
    packets: int
    flows: int
    rejected: int


_SUMS = "sum(bytes) AS bytes, sum(packets) AS packets, sum(flows)::BIGINT AS flows, "
_ONCE = """
    SELECT client, server, port, protocol, max(bytes) AS bytes, max(packets) AS packets,
        max(flows) AS flows, max(fr_flows + rr_flows) AS rejected
    FROM conversations GROUP BY client, server, port, protocol
"""
_TOP = {
    "interface": (
        f"SELECT interface, {_SUMS} sum(fr_flows + rr_flows) AS rejected FROM conversations"
        " GROUP BY interface ORDER BY bytes DESC, flows DESC, interface"
    ),
    "address": f"""
        SELECT address, {_SUMS} sum(rejected) AS rejected FROM (
            SELECT client AS address, * FROM ({_ONCE})
            UNION ALL SELECT server AS address, * FROM ({_ONCE})
        ) GROUP BY address ORDER BY bytes DESC, flows DESC, address""",
    "pair": f"""
        SELECT client, server, {_SUMS} sum(rejected) AS rejected FROM ({_ONCE})
        GROUP BY client, server ORDER BY bytes DESC, flows DESC, client, server""",
    "port": f"""
        SELECT port, protocol, {_SUMS} sum(rejected) AS rejected FROM ({_ONCE})
        GROUP BY port, protocol ORDER BY bytes DESC, flows DESC, port, protocol""",
}


def top_of(connection: duckdb.DuckDBPyConnection, by: By, most: int) -> list[Talker]:
    rows = connection.execute(f"{_TOP[by]} LIMIT {int(most)}").fetchall()
    return [Talker(row[:-4], *row[-4:]) for row in rows]


def pairs_of(connection: duckdb.DuckDBPyConnection, most: int) -> list[Pair]:
    rows = connection.execute(
        f"{_ONCE} ORDER BY bytes DESC, flows DESC, client, server, port, protocol LIMIT {int(most)}"
    ).fetchall()
    return [Pair(*row) for row in rows]
