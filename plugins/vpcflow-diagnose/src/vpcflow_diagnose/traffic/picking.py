"""Rows of the tables -> Conversation objects, for those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from attrs import frozen

from vpcflow_diagnose.traffic.codes import LOSS, REASONS, REJECTED
from vpcflow_diagnose.traffic.conversation import NOTHING, Conversation, Tally
from vpcflow_diagnose.traffic.marks import UNFLAGGED
from vpcflow_diagnose.traffic.parts import KEY

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1000
_TALLIES = ("forward", "forward_rejected", "reply", "reply_rejected")
_FLAGS = {
    "flagged": f"flags <> {UNFLAGGED}",
    "syn": "flags & 18 = 2",
    "syn_only": "bare",
    "retried": "bare AND several",
    "syn_ack": "flags & 18 = 18",
    "fin": "flags & 1 = 1",
    "rst": "flags & 4 = 4",
}
_TALLY = ", ".join(
    (
        *("sum(flows)", "sum(packets)", "sum(bytes)"),
        *("coalesce(min(first) FILTER (first > 0), 0)", "max(last)"),
        *("min(low)", "max(high)", "bit_or(bits)"),
        *(f"coalesce(sum(flows) FILTER ({which}), 0)" for which in _FLAGS.values()),
        f"coalesce(max(last) FILTER (flags & 5 = 0 AND flags <> {UNFLAGGED}), 0)",
        "coalesce(min(first) FILTER (flags & 4 = 4), 0)",
        *("max(reason)", "max(path)", "any_value(raw_src)", "any_value(raw_dst)"),
    )
)
"""In the order of Tally's fields."""


@frozen
class Picker:
    """interfaces: names by number. places: VPC and subnet by number."""

    connection: duckdb.DuckDBPyConnection
    interfaces: Sequence[str]
    places: Mapping[int, tuple[str | None, str | None]]

    def pick(
        self, condition: str, order: str, most: int, values: Sequence[Any] = ()
    ) -> Iterator[Conversation]:
        """At most so many conversations `c` that meet a condition (SQL with `?` for the values).
        order: may ask for known_peer and known_service, too."""
        rows = self.connection.cursor().execute(
            f"""
            WITH judged AS (
                SELECT c.*, answering.server IS NOT NULL AS known_service,
                    CASE WHEN votes > 0 THEN s.address IS NOT NULL
                        WHEN votes < 0 THEN p.address IS NOT NULL
                        ELSE s.address IS NOT NULL AND p.address IS NOT NULL END AS known_peer
                FROM conversations c
                    LEFT JOIN answering USING (server, port, protocol)
                    LEFT JOIN peers s ON s.address = c.server
                    LEFT JOIN peers p ON p.address = c.client
                WHERE {condition}
            ),
            best AS (SELECT * FROM judged ORDER BY {order} LIMIT {int(most)}),
            picked AS (
                SELECT {KEY}, votes, known_peer, known_service,
                    row_number() OVER (ORDER BY {order}) AS rank
                FROM best
            )
            SELECT rank, {KEY}, any_value(votes), any_value(known_peer), any_value(known_service),
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
            yield self._conversation(list(group))

    def _conversation(self, rows: list[tuple[Any, ...]]) -> Conversation:
        _, interface, client, server, port, protocol, votes, peer, service = rows[0][:9]
        tallies = dict.fromkeys(_TALLIES, NOTHING)
        for row in rows:
            reason, path = row[27:29]
            text = REASONS[reason - 1] if reason else None
            values = (*row[10:27], text, path or None, *row[29:])
            tallies[_TALLIES[row[9]]] = Tally(*values)
        vpc, subnet = self.places.get(interface, (None, None))
        return Conversation(
            self.interfaces[interface],
            client,
            server,
            port,
            protocol,
            None if votes == 0 else "egress" if votes > 0 else "ingress",
            vpc_id=vpc,
            subnet_id=subnet,
            known_peer=peer,
            known_service=service,
            **tallies,
        )


def _all_rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(_CHUNK):
        yield from rows
