"""How much went each way between two addresses, over all ports: what a map is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen
from vpcflow_query.public import public_sql

if TYPE_CHECKING:
    import duckdb


@frozen
class Directed:
    """Traffic of a client and a server. None: public IPv4 addresses that are too many to list.

    client_interface, server_interface: an interface that has seen it as its own, if any is known.
    sent, answered: accepted bytes and records there and back. rejected,
    rejected_answers: records.
    """

    client: str | None
    server: str | None
    client_interface: str | None
    server_interface: str | None
    sent: tuple[int, int]
    answered: tuple[int, int]
    rejected: int
    rejected_answers: int


_SUMMED = ("f_bytes", "f_flows", "r_bytes", "r_flows")
_REJECTED = ("fr_flows", "rr_flows")
_SUMS = ", ".join(f"sum({name})::HUGEINT AS {name}" for name in (*_SUMMED, *_REJECTED))
_LARGEST = ", ".join(f"max({name}) AS {name}" for name in (*_SUMMED, *_REJECTED))


def _one_of_many(address: str) -> str:
    public = f"NOT contains({address}, ':') AND {public_sql(address)}"
    return f"CASE WHEN rank > $most AND {public} THEN NULL ELSE {address} END AS {address}"


_PAIRS = f"""
    CREATE TABLE IF NOT EXISTS pairs AS
    WITH once AS (
        SELECT client, server, port, protocol, {_LARGEST},
            any_value(interface) FILTER (votes > 0) AS at_client,
            any_value(interface) FILTER (votes < 0) AS at_server
        FROM conversations GROUP BY client, server, port, protocol
    )
    SELECT client, server, {_SUMS}, any_value(at_client) AS at_client,
        any_value(at_server) AS at_server
    FROM once GROUP BY client, server
"""
_DIRECTIONS = f"""
    WITH ranked AS (
        SELECT *, row_number() OVER (
            ORDER BY f_bytes + r_bytes DESC, f_flows + r_flows DESC, client, server) AS rank
        FROM pairs
    ), named AS (
        SELECT * REPLACE ({_one_of_many("client")}, {_one_of_many("server")}) FROM ranked
    )
    SELECT client, server, any_value(at_client), any_value(at_server), {_SUMS}
    FROM named GROUP BY client, server
    ORDER BY sum(f_bytes + r_bytes) DESC, sum(f_flows + r_flows + fr_flows + rr_flows) DESC,
        client, server
    LIMIT $twice
"""
_ADDRESSES = """
    WITH ends AS (
        SELECT client AS address, * FROM pairs
        UNION ALL SELECT server AS address, * FROM pairs WHERE server <> client
    )
    SELECT address, sum(f_bytes + r_bytes)::HUGEINT AS size,
        sum(f_flows + r_flows)::HUGEINT AS flows, sum(fr_flows + rr_flows)::HUGEINT
    FROM ends GROUP BY address ORDER BY size DESC, flows DESC, address LIMIT $most
"""


@frozen
class Total:
    """Traffic of one address, there and back, whoever it talked with. size: accepted bytes.
    accepted, rejected: records."""

    address: str
    size: int
    accepted: int
    rejected: int


def directions_of(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], most: int
) -> list[Directed]:
    """The `most` pairs with most bytes one by one; of the others, public IPv4 addresses are one.
    At most twice as many as `most`. What several interfaces saw counts once. names: of the
    interfaces, by number."""
    connection.execute(_PAIRS)
    rows = connection.execute(_DIRECTIONS, {"most": most, "twice": 2 * most}).fetchall()
    found = []
    for client, server, at_client, at_server, *sums in rows:
        at = [None if number is None else names[number] for number in (at_client, at_server)]
        sent, answered = (sums[0], sums[1]), (sums[2], sums[3])
        found.append(Directed(client, server, at[0], at[1], sent, answered, sums[4], sums[5]))
    return found


def totals_of(connection: duckdb.DuckDBPyConnection, most: int) -> list[Total]:
    """The addresses with most accepted bytes. What several interfaces saw counts once."""
    connection.execute(_PAIRS)
    rows = connection.execute(_ADDRESSES, {"most": most}).fetchall()
    return [Total(*row) for row in rows]
