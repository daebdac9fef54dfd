"""How much went each way between two addresses, over all ports: what a map is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from vpcflow_diagnose.traffic.places import public_sql

if TYPE_CHECKING:
    import duckdb


@frozen
class Directed:
    """Traffic of a client and a server. None: public IPv4 addresses that are too many to list.

    client_interface, server_interface: an interface that has seen it as its own, if any is known.
    sent, answered: accepted bytes, packets and records there and back. rejected,
    rejected_answers: records.
    """

    client: str | None
    server: str | None
    client_interface: str | None
    server_interface: str | None
    sent: tuple[int, int, int]
    answered: tuple[int, int, int]
    rejected: int
    rejected_answers: int


_SUMMED = ("f_bytes", "f_packets", "f_flows", "r_bytes", "r_packets", "r_flows")
_REJECTED = ("fr_flows", "rr_flows")
_SUMS = ", ".join(f"sum({name})::HUGEINT AS {name}" for name in (*_SUMMED, *_REJECTED))
_LARGEST = ", ".join(f"max({name}) AS {name}" for name in (*_SUMMED, *_REJECTED))


def _one_of_many(address: str) -> str:
    public = f"NOT contains({address}, ':') AND {public_sql(address)}"
    return f"CASE WHEN rank > $most AND {public} THEN NULL ELSE {address} END AS {address}"


_DIRECTIONS = f"""
    WITH once AS (
        SELECT client, server, port, protocol, {_LARGEST},
            any_value(interface) FILTER (votes > 0) AS at_client,
            any_value(interface) FILTER (votes < 0) AS at_server
        FROM conversations GROUP BY client, server, port, protocol
    ), pairs AS (
        SELECT client, server, {_SUMS}, any_value(at_client) AS at_client,
            any_value(at_server) AS at_server
        FROM once GROUP BY client, server
    ), ranked AS (
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


def directions_of(connection: duckdb.DuckDBPyConnection, most: int) -> list[Directed]:
    """The `most` pairs with most bytes one by one; of the others, public IPv4 addresses are one.
    At most twice as many as `most`. What several interfaces saw counts once."""
    rows = connection.execute(_DIRECTIONS, {"most": most, "twice": 2 * most}).fetchall()
    return [
        Directed(row[0], row[1], row[2], row[3], row[4:7], row[7:10], row[10], row[11])
        for row in rows
    ]
