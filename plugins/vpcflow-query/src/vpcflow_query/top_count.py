"""Counting who talks, in DuckDB: one pass over the logs, all else over what it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from vpcflow_query.running import execute, fetch
from vpcflow_query.top_groups import PLACES, Grouping
from vpcflow_query.top_names import Names

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEASURES = ("bytes", "packets", "flows", "accepted", "rejected")
_SUMS = ", ".join(f"sum({name})::BIGINT AS {name}" for name in MEASURES)
_SEEN = "any_value(seen_by) AS seen_by, max(last_seen) AS last_seen"
_OUTSIDE = ("public", "documentation")  # scopes that GeoIP databases are asked about


@frozen
class Ranking:
    """keys: names of the columns that are counted by. rows: the first ones, dictionaries of the
    keys, the measures, and an interface and time at which it was seen. total: the measures of all.
    groups: how many rows there would be; those without anything of the measure are none. twice:
    records that were left out since the other end of the same traffic is counted."""

    keys: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    total: Mapping[str, int | None]
    groups: int
    twice: int


@frozen
class Counter:
    """connection: one that has the table `flows`. present: its columns. by: the grouping's name.
    names: whom to ask about interfaces and addresses."""

    connection: duckdb.DuckDBPyConnection
    present: Sequence[str]
    by: str
    grouping: Grouping
    names: Names

    @property
    def can_tell_ends(self) -> bool:
        """Whether records of the two ends of the same traffic can be told apart."""
        return {"flow_direction", "srcaddr", "dstaddr"} <= set(self.present)

    def rank(self, measure: str, rows: int) -> Ranking:
        """The `rows` first by a measure. Raises DuckDB's errors and the enrichers'."""
        twice = self._count()
        keys = self._named()
        total = fetch(
            self.connection,
            f"SELECT count(*) FILTER ({measure} > 0) AS groups, {_SUMS} FROM counted",
        )[0]
        total["flows"] = total["flows"] or 0
        order = ", ".join(f"{key} NULLS LAST" for key in keys)
        first = fetch(
            self.connection,
            f"SELECT {', '.join(keys)}, {', '.join(MEASURES)}, seen_by, last_seen "
            f"FROM counted WHERE {measure} > 0 ORDER BY {measure} DESC, {order} "
            f"LIMIT {rows:d}",
        )
        return Ranking(keys, first, total, total.pop("groups"), twice)

    # ---- one pass over the logs ------------------------------------------------------------------

    def _count(self) -> int:
        """Make the table `counted`, by the keys that the logs have. Gives back how many records
        were left out of it since they were seen twice."""
        keys = [f"{sql} AS {name}" for name, sql in self._keys().items()]
        once = self.grouping.once and self.can_tell_ends
        ends = ["srcaddr", "dstaddr", "flow_direction", self._or_null("action")] if once else []
        if self.grouping.place and not once:
            ends = ["srcaddr", "dstaddr", "NULL::VARCHAR AS flow_direction"]
        execute(
            self.connection,
            f"CREATE TEMP TABLE {'seen' if once else 'counted'} AS "
            f"SELECT {', '.join([*keys, *ends, *self._measures()])} "
            f"FROM flows WHERE {self._is_traffic()} AND {self.grouping.only} GROUP BY ALL",
        )
        return self._leave_out() if once else 0

    def _keys(self) -> Mapping[str, str]:
        if self.grouping.owner is not None and not self.grouping.keys:
            return {"interface": "interface_id"}
        return self.grouping.keys

    def _measures(self) -> list[str]:
        has = set(self.present)
        sums = [
            f"sum({name})::BIGINT AS {name}" if name in has else f"NULL::BIGINT AS {name}"
            for name in ("bytes", "packets")
        ]
        verdicts = [
            f"count(*) FILTER (action = '{action}') AS {name}"
            if "action" in has
            else f"NULL::BIGINT AS {name}"
            for name, action in (("accepted", "ACCEPT"), ("rejected", "REJECT"))
        ]
        seen = [
            f"{'any_value' if name == 'interface_id' else 'max'}({name}) AS {alias}"
            if name in has
            else f"NULL AS {alias}"
            for name, alias in (("interface_id", "seen_by"), ("start", "last_seen"))
        ]
        return [*sums, "count(*) AS flows", *verdicts, *seen]

    def _or_null(self, name: str) -> str:
        return name if name in self.present else f"NULL::VARCHAR AS {name}"

    def _is_traffic(self) -> str:
        """NODATA and SKIPDATA records are none."""
        if "log_status" in self.present:
            return "(log_status IS NULL OR log_status NOT IN ('NODATA', 'SKIPDATA'))"
        counts = [name for name in ("bytes", "packets", "srcaddr") if name in self.present]
        return (
            f"coalesce({', '.join(f'{c}::VARCHAR' for c in counts)}) IS NOT NULL"
            if counts
            else "true"
        )

    # ---- both ends -------------------------------------------------------------------------------

    def _leave_out(self) -> int:
        """Make `counted` of `seen`. Where both interfaces between two addresses are logged, what
        one sends is accepted there and seen again at the other. Of the two, the records of the end
        that saw more count; what the receiver rejects always does."""
        weight = "bytes" if "bytes" in self.present else "flows"
        execute(
            self.connection,
            f"""CREATE TEMP TABLE twice AS SELECT srcaddr, dstaddr, CASE
              WHEN sum({weight}) FILTER (flow_direction = 'ingress')
                >= sum({weight}) FILTER (flow_direction = 'egress' AND {_ACCEPTED})
              THEN 'egress' ELSE 'ingress' END AS flow_direction
            FROM seen WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL GROUP BY srcaddr, dstaddr
            HAVING bool_or(flow_direction = 'ingress')
              AND bool_or(flow_direction = 'egress' AND {_ACCEPTED})""",
        )
        repeated = (
            f"{_ACCEPTED} AND EXISTS (FROM twice WHERE twice.srcaddr = seen.srcaddr "
            "AND twice.dstaddr = seen.dstaddr AND twice.flow_direction = seen.flow_direction)"
        )
        columns = [*self._keys()]
        if self.grouping.place:
            columns += ["srcaddr", "dstaddr", "flow_direction"]
        execute(
            self.connection,
            f"CREATE TEMP TABLE counted AS SELECT {', '.join([*columns, _SUMS, _SEEN])} "
            f"FROM seen WHERE NOT ({repeated}) GROUP BY ALL",
        )
        left = fetch(
            self.connection,
            f"SELECT coalesce(sum(flows), 0)::BIGINT AS flows FROM seen WHERE {repeated}",
        )
        return int(left[0]["flows"])

    # ---- names that the logs do not have ---------------------------------------------------------

    def _named(self) -> list[str]:
        """Replace `counted` by one with the keys of an inventory or of GeoIP databases, if it is by
        those. Gives back the names of the keys."""
        if self.grouping.place:
            return self._placed()
        if self.grouping.owner is not None and not self.grouping.keys:
            return self._owned(self.grouping.owner)
        return list(self._keys())

    def _owned(self, owner: str) -> list[str]:
        keys = [owner]
        if owner == "resource_id":
            keys = ["resource_type", "resource_id", "resource_name"]
        interfaces = self._table(
            "SELECT interface AS interface_id, last_seen AS start FROM counted"
        )
        wanted = [f"interface_{key}" for key in keys]
        self.connection.register("names", self.names.owners(interfaces, wanted))
        named = ", ".join(f"names.interface_{key} AS {key}" for key in keys)
        if owner == "resource_id":
            named = named.replace(
                "names.interface_resource_id", "coalesce(names.interface_resource_id, interface)"
            )
        self._replace(
            f"SELECT {named}, {_SUMS}, any_value(interface) AS seen_by, "
            "max(last_seen) AS last_seen FROM counted LEFT JOIN names "
            "ON names.interface_id = counted.interface GROUP BY ALL"
        )
        return keys

    def _placed(self) -> list[str]:
        keys = list(PLACES[self.by])
        addresses = self._table(
            "SELECT DISTINCT srcaddr FROM (SELECT srcaddr FROM counted UNION ALL "
            "SELECT dstaddr FROM counted) WHERE srcaddr IS NOT NULL"
        )
        wanted = ["src_scope", *(f"src_{key}" for key in keys)]
        self.connection.register("places", self.names.places(addresses, wanted))
        outside = ", ".join(f"'{scope}'" for scope in _OUTSIDE)
        self._replace(
            f"""WITH found AS (SELECT counted.*, s.src_scope AS scope, CASE
                WHEN s.src_scope IN ({outside})
                  AND (flow_direction = 'ingress' OR d.src_scope NOT IN ({outside})) THEN s
                WHEN d.src_scope IN ({outside}) THEN d
                WHEN s.src_scope IN ({outside}) THEN s END AS place
              FROM counted LEFT JOIN places s ON s.srcaddr = counted.srcaddr
              LEFT JOIN places d ON d.srcaddr = counted.dstaddr)
            SELECT CASE WHEN place IS NULL THEN 'private'
                ELSE coalesce(place.src_{keys[0]}::VARCHAR, 'unknown') END AS {keys[0]},
              {"".join(f"place.src_{key} AS {key}, " for key in keys[1:])}
              {_SUMS}, {_SEEN} FROM found GROUP BY ALL"""
        )
        return keys

    def _replace(self, select: str) -> None:
        execute(self.connection, f"CREATE TEMP TABLE named AS {select}")
        execute(self.connection, "DROP TABLE counted")
        execute(self.connection, "ALTER TABLE named RENAME TO counted")

    def _table(self, select: str) -> pa.Table:
        import pyarrow as pa

        from vpcflow_query.running import running

        with running(self.connection, select) as result:
            return pa.Table.from_batches(list(result), result.schema)


_ACCEPTED = "(action IS NULL OR action = 'ACCEPT')"
