"""Second thoughts about who is the client, once all records have been seen.

`parts` was made record by record. Here rows are turned round (client and server swapped) where
other rows know better; the sums stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.codes import LOSS, REJECTED
from vpcflow_diagnose.traffic.parts import KEY
from vpcflow_diagnose.traffic.ports import rank_sql

if TYPE_CHECKING:
    import duckdb

_PLAIN = f"kind < {LOSS} AND flags & 2 = 0"
"""Rows that no SYN has settled."""


def turn(connection: duckdb.DuckDBPyConnection) -> int:
    """Turn what stands the wrong way round in `parts`. Returns how many rows."""
    turned = 0
    for find in (_by_syn, _by_support, _by_time):
        connection.execute(f"CREATE TABLE turned AS {find(connection)}")
        row = connection.execute("SELECT count(*) FROM turned").fetchone()
        if row and row[0]:
            connection.execute(_TURN)
            turned += row[0]
        connection.execute("DROP TABLE turned")
    connection.execute("DROP TABLE opened")
    return turned


_TURN = """
    UPDATE parts SET client = server, server = client, port = low, low = port, high = port,
        bits = 1::UBIGINT << (port % 64)::UBIGINT, reply = NOT reply
    FROM turned WHERE parts.rowid = turned.id
"""


def _by_syn(connection: duckdb.DuckDBPyConnection) -> str:
    """TCP records from the middle of a connection whose SYN says the opposite of the ports' ranks:
    the same connection was opened from the other end, or this "client's" port is a service that
    answered SYNs, and the "service" never did."""
    connection.execute(
        f"""
        CREATE TABLE opened AS
        SELECT client, server, port, protocol, min(low) AS low, max(high) AS high,
            bool_or(reply) AS answered
        FROM parts WHERE kind < {LOSS} AND flags & 2 = 2
        GROUP BY client, server, port, protocol
        """
    )
    return f"""
        WITH unsure AS (
            SELECT parts.rowid AS id, parts.client, parts.server, parts.port, parts.low,
                parts.protocol
            FROM parts ANTI JOIN opened USING (client, server, port, protocol)
            WHERE {_PLAIN} AND protocol = 6 AND parts.low = parts.high AND parts.low > 0
        ),
        answering AS (
            SELECT DISTINCT server, port FROM opened WHERE answered
        )
        SELECT id FROM unsure u SEMI JOIN opened o
            ON o.client = u.server AND o.server = u.client AND o.port = u.low
            AND o.low <= u.port AND o.high >= u.port
        UNION
        SELECT id FROM unsure u
            SEMI JOIN answering a ON a.server = u.client AND a.port = u.low
            ANTI JOIN answering b ON b.server = u.server AND b.port = u.port
        WHERE u.port >= 1024
    """


def _by_support(connection: duckdb.DuckDBPyConnection) -> str:
    """Where no flag tells (UDP, and formats without tcp-flags) and both ports are of one rank: the
    service is the end that more other ends talk to, if it has at least two."""
    return f"""
        WITH unsure AS (
            SELECT parts.rowid AS id, client, server, port, parts.low, protocol
            FROM parts ANTI JOIN opened USING (client, server, port, protocol)
            WHERE {_PLAIN} AND parts.low = parts.high AND parts.low <> port AND port >= 1024
                AND {rank_sql("parts.low")} = {rank_sql("port")}
        ),
        ends AS (
            SELECT client AS address, low AS port, protocol FROM unsure
            UNION SELECT server, port, protocol FROM unsure
        ),
        as_client AS (
            SELECT client AS address, low AS port, protocol, server AS other, port AS other_port
            FROM unsure GROUP BY ALL
        ),
        as_server AS (
            SELECT server AS address, port, protocol, client AS other, max(bit_count(bits)) AS many
            FROM parts SEMI JOIN ends
                ON ends.address = server AND ends.port = parts.port
                AND ends.protocol = parts.protocol
            WHERE kind < {LOSS} GROUP BY ALL
        ),
        support AS (
            SELECT address, port, protocol, sum(many) AS many FROM (
                SELECT address, port, protocol, count(*) AS many FROM as_client GROUP BY ALL
                UNION ALL
                SELECT address, port, protocol, sum(many) AS many FROM as_server GROUP BY ALL
            ) GROUP BY ALL
        )
        SELECT id FROM unsure u
        JOIN support c ON c.address = u.client AND c.port = u.low AND c.protocol = u.protocol
        JOIN support s ON s.address = u.server AND s.port = u.port AND s.protocol = u.protocol
        WHERE c.many >= 2 AND c.many > s.many
    """


def _by_time(connection: duckdb.DuckDBPyConnection) -> str:
    """Protocols without ports and equal ports at both ends: the client is who was seen first. In
    the same second: who was let through where the other was only rejected (a reply can be rejected
    only after a request that was not); then who sent from this interface; then the lower address,
    which is how they stand."""
    return f"""
        WITH even AS (
            SELECT {KEY},
                min(first) FILTER (NOT reply) AS forth, min(first) FILTER (reply) AS back,
                coalesce(sum(flows) FILTER (NOT reply AND kind <> {REJECTED}), 0) AS forth_passed,
                coalesce(sum(flows) FILTER (reply AND kind <> {REJECTED}), 0) AS back_passed,
                coalesce(sum(CASE way WHEN 1 THEN flows WHEN 2 THEN -flows END)
                    FILTER (NOT reply), 0) AS forth_egress
            FROM parts p
                ANTI JOIN opened o ON o.client = p.client AND o.server = p.server
                    AND o.port = p.port AND o.protocol = p.protocol
                ANTI JOIN opened b ON b.client = p.server AND b.server = p.client
                    AND b.port = p.port AND b.protocol = p.protocol
            WHERE even AND kind < {LOSS}
            GROUP BY {KEY}
        ),
        wrong AS (
            SELECT {KEY} FROM even WHERE CASE
                WHEN back IS NULL THEN false
                WHEN forth IS NULL OR back < forth THEN true
                WHEN back > forth THEN false
                WHEN (forth_passed > 0) <> (back_passed > 0) THEN back_passed > 0
                ELSE forth_egress < 0
            END
        )
        SELECT parts.rowid AS id FROM parts JOIN wrong USING ({KEY})
        WHERE even AND kind < {LOSS}
    """
