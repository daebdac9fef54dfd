"""The table `conversations`: what is asked of conversations before they become objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.parts import KEY, LOSS, REJECTED
from vpcflow_diagnose.traffic.places import public_sql

if TYPE_CHECKING:
    import duckdb

_INSISTS = 3  # so many records of one attempt
_FEW = 3  # so many ports or hosts are attempts of somebody who wants something


def conclude(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `conversations` from `parts` and `own`: sums by tally, `votes` (above 0: the client is
    at this interface), known_peer, known_service, probe."""
    connection.execute(_SUMS)
    connection.execute(_ANSWERING)
    connection.execute(_PEERS)
    connection.execute(_PROBERS)
    connection.execute(_CONVERSATIONS)
    for name in ("sums", "answering", "peers", "probers"):
        connection.execute(f"DROP TABLE {name}")


_SOURCE = "coalesce(raw_src, CASE WHEN reply THEN server ELSE client END)"
_TARGET = "coalesce(raw_dst, CASE WHEN reply THEN client ELSE server END)"
# sent from here: flow-direction says so, or the source is the interface's own address
_SENT = f"""
    CASE WHEN egress <> 0 THEN egress
        WHEN own.address = {_SOURCE} AND own.address <> {_TARGET} THEN flows
        WHEN own.address = {_TARGET} AND own.address <> {_SOURCE} THEN -flows ELSE 0 END
"""


def _by_tally(name: str) -> str:
    """Sums of a column for the tallies that conversations are chosen by."""
    tallies = {
        "f": f"NOT reply AND kind <> {REJECTED}",
        "fr": f"NOT reply AND kind = {REJECTED}",
        "r": f"reply AND kind <> {REJECTED}",
        "rr": f"reply AND kind = {REJECTED}",
    }
    wanted = tallies if name == "flows" else {"f": tallies["f"], "r": tallies["r"]}
    return ", ".join(
        f"coalesce(sum({name}) FILTER ({which}), 0)::HUGEINT AS {tally}_{name}"
        for tally, which in wanted.items()
    )


_COLUMNS = ("flows", "packets", "bytes", "flagged", "syn", "retried", "syn_ack", "rst")
_SUMS = f"""
    CREATE TABLE sums AS
    SELECT {", ".join(f"parts.{name}" for name in KEY.split(", "))},
        {", ".join(_by_tally(name) for name in _COLUMNS)},
        sum(packets) AS packets, sum(bytes) AS bytes, sum(flows) AS flows,
        min(first) AS first, max(last) AS last, max(most_packets) AS most_packets,
        any_value(vpc) AS vpc, any_value(subnet) AS subnet,
        max(before_rst) AS before_rst,
        min(first_rst) FILTER (reply AND first_rst > 0) AS first_rst,
        sum(CASE WHEN reply THEN -1 ELSE 1 END * ({_SENT})) AS votes
    FROM parts LEFT JOIN own
        ON own.interface = parts.interface AND own.six = contains(parts.client, ':')
    WHERE kind < {LOSS}
    GROUP BY ALL
"""

# an answer that is more than a refusal
_ANSWERED = "r_flows > 0 AND (r_syn_ack > 0 OR r_flows > r_rst)"
_ANSWERING = f"""
    CREATE TABLE answering AS SELECT DISTINCT server, port, protocol FROM sums WHERE {_ANSWERED}
"""
_PEERS = f"""
    CREATE TABLE peers AS
    SELECT client AS address FROM sums WHERE f_flows > 0 AND {_ANSWERED}
    UNION SELECT server FROM sums WHERE f_flows > 0 AND {_ANSWERED}
"""
_PROBERS = f"""
    CREATE TABLE probers AS
    SELECT interface, client FROM sums
    GROUP BY interface, client
    HAVING sum(f_flows + r_flows + rr_flows) = 0 AND max(votes) <= 0
        AND any_value({public_sql("client")})
        AND client NOT IN (SELECT address FROM peers)
        AND client NOT IN (SELECT client FROM sums WHERE votes > 0)
        AND (count(*) > {_FEW} OR (max(most_packets) <= 1 AND max(flows) < {_INSISTS}))
"""
_CONVERSATIONS = """
    CREATE TABLE conversations AS
    SELECT *,
        CASE WHEN votes > 0 THEN server_known WHEN votes < 0 THEN client_known
            ELSE server_known AND client_known END AS known_peer
    FROM (
        SELECT *,
            (server, port, protocol) IN (SELECT (server, port, protocol) FROM answering)
                AS known_service,
            client IN (SELECT address FROM peers) AS client_known,
            server IN (SELECT address FROM peers) AS server_known,
            (interface, client) IN (SELECT (interface, client) FROM probers) AS probe
        FROM sums
    )
"""
