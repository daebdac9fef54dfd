"""The table `conversations`: what is asked of conversations before they become objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow_query.public import public_sql

from vpcflow_diagnose.traffic.codes import LOSS, REJECTED
from vpcflow_diagnose.traffic.marks import UNFLAGGED
from vpcflow_diagnose.traffic.parts import KEY

if TYPE_CHECKING:
    import duckdb

_INSISTS = 3  # so many records of one attempt
_FEW = 3
"""So many ports or hosts at one interface may be attempts of somebody who wants something. Who
tries more there and is let through nowhere scans, even if another interface (a public load
balancer) has answered."""


def conclude(connection: duckdb.DuckDBPyConnection) -> None:
    """Make from `parts` and `own`: `conversations`, with sums by tally (f forward, fr forward
    rejected, r and rr the replies) and `votes` (above 0: the client is at this interface);
    `answering`, services that answered; `peers`, addresses that were in an exchange; `probers`,
    who only probed which interface."""
    for statement in (_CONVERSATIONS, _ANSWERING, _PEERS, _CANDIDATES, _PROBERS):
        connection.execute(statement)
    connection.execute("DROP TABLE candidates")


_F = f"NOT reply AND kind <> {REJECTED}"
_FR = f"NOT reply AND kind = {REJECTED}"
_R = f"reply AND kind <> {REJECTED}"
_RR = f"reply AND kind = {REJECTED}"
_CHOICE = {
    "f_flows": ("flows", _F),
    "fr_flows": ("flows", _FR),
    "r_flows": ("flows", _R),
    "rr_flows": ("flows", _RR),
    "f_syn": ("flows", f"{_F} AND flags & 18 = 2"),
    "f_retried": ("flows", f"{_F} AND bare AND several"),
    "r_flagged": ("flows", f"{_R} AND flags <> {UNFLAGGED}"),
    "r_syn_ack": ("flows", f"{_R} AND flags & 18 = 18"),
    "r_rst": ("flows", f"{_R} AND flags & 4 = 4"),
    "f_bytes": ("bytes", _F),  # for directions.py
    "r_packets": ("packets", _R),
    "r_bytes": ("bytes", _R),
}


def _chosen(name: str, column: str, which: str) -> str:
    narrow = "::BIGINT" if column == "flows" else ""
    return f"coalesce(sum({column}) FILTER ({which}), 0){narrow} AS {name}"


_SOURCE = "coalesce(raw_src, CASE WHEN reply THEN server ELSE client END)"
_TARGET = "coalesce(raw_dst, CASE WHEN reply THEN client ELSE server END)"
# sent from here: flow-direction says so, or the source is the interface's own address
_SENT = f"""
    CASE WHEN way = 1 THEN flows WHEN way = 2 THEN -flows
        WHEN own.address = {_SOURCE} AND own.address <> {_TARGET} THEN flows
        WHEN own.address = {_TARGET} AND own.address <> {_SOURCE} THEN -flows ELSE 0 END
"""
_CONVERSATIONS = f"""
    CREATE TABLE conversations AS
    SELECT {", ".join(f"parts.{name}" for name in KEY.split(", "))},
        {", ".join(_chosen(name, *choice) for name, choice in _CHOICE.items())},
        sum(packets) AS packets, sum(bytes) AS bytes, sum(flows)::BIGINT AS flows,
        min(first) AS first, max(last) AS last, bool_or(several) AS several,
        max(last) FILTER (flags & 13 = 0) AS before_rst,
        min(first) FILTER (reply AND flags & 4 = 4) AS first_rst,
        sum(CASE WHEN reply THEN -1 ELSE 1 END * ({_SENT}))::BIGINT AS votes
    FROM parts LEFT JOIN own
        ON own.interface = parts.interface AND own.six = contains(parts.client, ':')
    WHERE kind < {LOSS}
    GROUP BY ALL
"""

# an answer that is more than a refusal
_ANSWERED = "r_flows > 0 AND (r_syn_ack > 0 OR r_flows > r_rst)"
_ANSWERING = f"""
    CREATE TABLE answering AS
    SELECT DISTINCT server, port, protocol FROM conversations WHERE {_ANSWERED}
"""
_PEERS = f"""
    CREATE TABLE peers AS
    SELECT client AS address FROM conversations WHERE f_flows > 0 AND {_ANSWERED}
    UNION SELECT server FROM conversations WHERE f_flows > 0 AND {_ANSWERED}
"""
_CANDIDATES = f"""
    CREATE TABLE candidates AS
    SELECT interface, client, count(*) > {_FEW} AS scans FROM conversations
    GROUP BY interface, client
    HAVING sum(f_flows + r_flows + rr_flows) = 0 AND max(votes) <= 0
        AND (count(*) > {_FEW} OR (NOT bool_or(several) AND max(flows) < {_INSISTS}))
"""
_PROBERS = f"""
    CREATE TABLE probers AS
    SELECT interface, client FROM candidates
        ANTI JOIN (SELECT DISTINCT client FROM conversations WHERE votes > 0) inside
            USING (client)
        LEFT JOIN peers ON peers.address = client
    WHERE {public_sql("client")} AND (scans OR peers.address IS NULL)
"""
