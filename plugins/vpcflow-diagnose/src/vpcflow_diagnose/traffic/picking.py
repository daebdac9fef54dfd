"""Rows of the tables -> Conversation objects, for those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vpcflow_diagnose.traffic.conversation import NOTHING, Conversation, Tally
from vpcflow_diagnose.traffic.parts import KEY, LOSS, REJECTED

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1000
_TALLIES = ("forward", "forward_rejected", "reply", "reply_rejected")
_SUMS = ("flows", "packets", "bytes")
_COUNTS = ("flagged", "syn", "syn_only", "retried", "syn_ack", "fin", "rst")
_TALLY = ", ".join(
    (
        *(f"sum({name})" for name in _SUMS),
        *("coalesce(min(first) FILTER (first > 0), 0)", "max(last)"),
        *("min(low)", "max(high)", "bit_or(bits)"),
        *(f"sum({name})" for name in _COUNTS),
        *("max(before_rst)", "coalesce(min(first_rst) FILTER (first_rst > 0), 0)"),
        *("max(reason)", "max(path)", "any_value(raw_src)", "any_value(raw_dst)"),
    )
)
"""In the order of Tally's fields."""


def picked(
    connection: duckdb.DuckDBPyConnection,
    condition: str,
    order: str,
    most: int,
    values: Sequence[Any] = (),
) -> Iterator[Conversation]:
    """At most so many conversations that meet a condition (SQL with `?` for the values)."""
    rows = connection.cursor().execute(
        f"""
        WITH picked AS (
            SELECT {KEY}, votes, vpc, subnet, known_peer, known_service,
                row_number() OVER (ORDER BY {order}) AS rank
            FROM conversations WHERE {condition} QUALIFY rank <= {int(most)}
        )
        SELECT rank, {KEY}, any_value(votes), any_value(picked.vpc), any_value(picked.subnet),
            any_value(known_peer), any_value(known_service),
            CASE WHEN reply THEN 2 ELSE 0 END + CASE WHEN kind = {REJECTED} THEN 1 ELSE 0 END
                AS tally,
            {_TALLY}
        FROM picked JOIN parts USING ({KEY})
        WHERE kind < {LOSS}
        GROUP BY rank, {KEY}, tally ORDER BY rank
        """,
        list(values),
    )
    for _, group in groupby(_all_rows(rows), key=lambda row: row[0]):
        yield _conversation(list(group))


def _all_rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(_CHUNK):
        yield from rows


def _conversation(rows: list[tuple[Any, ...]]) -> Conversation:
    _, interface, client, server, port, protocol, votes, vpc, subnet, peer, service = rows[0][:11]
    tallies = dict.fromkeys(_TALLIES, NOTHING)
    tallies.update({_TALLIES[row[11]]: Tally(*row[12:]) for row in rows})
    direction = None if votes == 0 else "egress" if votes > 0 else "ingress"
    return Conversation(
        interface,
        client,
        server,
        port,
        protocol,
        direction,
        vpc_id=vpc,
        subnet_id=subnet,
        known_peer=peer,
        known_service=service,
        **tallies,
    )
