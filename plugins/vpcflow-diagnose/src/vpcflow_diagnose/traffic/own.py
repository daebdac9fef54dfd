"""Which addresses are an interface's own, where the log has no flow-direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow_query.public import public_sql

from vpcflow_diagnose.traffic.codes import LOSS

if TYPE_CHECKING:
    import duckdb

_NEARLY_ALL = 0.95


def find_own(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `own`: interface, six (whether IPv6) and address.

    An interface's own address is an end of (nearly) all its records. Where both ends are, because
    it talks with one peer only: the private one, as records show private addresses of interfaces
    only (AWS, flow log limitations); else the one that is not another interface's; else neither.
    """
    source = "coalesce(raw_src, CASE WHEN reply THEN server ELSE client END)"
    target = "coalesce(raw_dst, CASE WHEN reply THEN client ELSE server END)"
    connection.execute(
        f"""
        CREATE TABLE candidates AS
        WITH unknown AS (
            SELECT interface, {source} AS source, {target} AS target, flows FROM parts
            WHERE kind < {LOSS} AND way = 0 AND interface <> 0
        ),
        ends AS (
            SELECT interface, source AS address, flows FROM unknown
            UNION ALL
            SELECT interface, target AS address, flows FROM unknown WHERE target <> source
        ),
        totals AS (
            SELECT interface, contains(source, ':') AS six, sum(flows) AS flows FROM unknown
            GROUP BY ALL
        ),
        counts AS (
            SELECT interface, contains(address, ':') AS six, address, sum(flows) AS flows
            FROM ends GROUP BY ALL
        ),
        likely AS (
            SELECT interface, six, address, {public_sql("address")} AS public
            FROM counts JOIN totals USING (interface, six)
            WHERE counts.flows >= {_NEARLY_ALL} * totals.flows
        )
        SELECT *, count(*) OVER (PARTITION BY interface, six) AS many,
            count(*) FILTER (NOT public) OVER (PARTITION BY interface, six) AS private
        FROM likely
        """
    )
    connection.execute(
        """
        CREATE TABLE own AS
        WITH sure AS (
            SELECT interface, six, address FROM candidates
            WHERE many = 1 OR (private = 1 AND NOT public)
        ),
        rest AS (
            SELECT interface, six, address,
                count(*) OVER (PARTITION BY interface, six) AS many
            FROM candidates ANTI JOIN sure USING (interface, six)
            WHERE address NOT IN (SELECT address FROM sure)
        )
        SELECT * FROM sure UNION ALL SELECT interface, six, address FROM rest WHERE many = 1
        """
    )
    connection.execute("DROP TABLE candidates")
