"""Names for interfaces, addresses and places: the enrichers `eni` and `geoip`, asked for the few
distinct ones that a count has left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field

from vpcflow.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.enrich import Enricher

_BROUGHT_BY = {"eni": "vpcflow-aws", "geoip": "vpcflow-geoip"}
_OPTIONS = {"eni": "--inventory", "geoip": "--geoip"}


@define
class Names:
    """The enrichers that were asked for: an inventory directory, databases with commas between."""

    inventory: str | None
    geoip: str | None
    _enrichers: dict[str, list[Enricher]] = field(init=False, factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, inventory: str | None, geoip: str | None) -> Iterator[Names]:
        """For this block. Raises UsageError for a plugin that is not installed, and for what it
        refuses."""
        names = cls(inventory, geoip)
        try:
            if inventory is not None:
                names._enrichers["eni"] = _made("eni", inventory)
            if geoip is not None:
                names._enrichers["geoip"] = _made("geoip", geoip)
            yield names
        finally:
            for enricher in names._all():
                enricher.close()

    def _all(self) -> list[Enricher]:
        return [enricher for several in self._enrichers.values() for enricher in several]

    def owners(self, table: pa.Table, wanted: Sequence[str]) -> pa.Table:
        """interface_id and start, with these columns of the inventory."""
        return _added(self._enrichers["eni"], table, wanted)

    def places(self, table: pa.Table, wanted: Sequence[str]) -> pa.Table:
        """Addresses in the column srcaddr, with these columns of the databases. Raises UsageError
        for one that they do not hold."""
        found = _added(self._enrichers["geoip"], table, ())
        for name in wanted:
            if name not in found.schema.names:
                what = name.removeprefix("src_")
                raise UsageError(
                    f"the databases of --geoip do not hold the column {what}",
                    hint="give several with commas between: --geoip City.mmdb,ASN.mmdb",
                )
        return found.select([*table.schema.names, *wanted])

    def about(self, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """For each row what is known of its interface or of its address, in a few words."""
        if not self._enrichers:
            return [None] * len(rows)
        found = _added(self._all(), _seen(rows), ()).to_pylist()
        return [_words(row, names) for row, names in zip(rows, found, strict=True)]


def _added(enrichers: Sequence[Enricher], table: pa.Table, wanted: Sequence[str]) -> pa.Table:
    """The table with what enrichers add; with `wanted`, of that these columns only."""
    import pyarrow as pa

    from vpcflow.enriching import Enrichment

    table = _plain(table)
    enrichment = Enrichment(enrichers, table.schema)
    batches = [enrichment.apply(batch) for batch in table.to_batches()]
    found = pa.Table.from_batches(batches, enrichment.schema)
    return found.select([*table.schema.names, *wanted]) if wanted else found


def _made(name: str, argument: str) -> list[Enricher]:
    from vpcflow.making import enricher_of
    from vpcflow.plugins import plugins

    if name not in plugins().enrichers:
        raise UsageError(
            f"{_OPTIONS[name]} needs the enricher {name}, which is not installed",
            hint=f"pip install {_BROUGHT_BY[name]}",
        )
    return enricher_of(f"{name}={argument}")


def _plain(table: pa.Table) -> pa.Table:
    """The types that enrichers are promised: plain utf8, times in milliseconds UTC."""
    import pyarrow as pa

    fields = []
    for column in table.schema:
        kind = column.type
        if pa.types.is_timestamp(kind) or (column.name == "start" and pa.types.is_null(kind)):
            kind = pa.timestamp("ms", "UTC")
        elif pa.types.is_integer(kind):
            kind = pa.int64()
        else:
            kind = pa.utf8()
        fields.append(pa.field(column.name, kind))
    return table.cast(pa.schema(fields))


def _seen(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    columns = {
        name: pa.array([row.get(key) for row in rows], pa.utf8())
        for name, key in (("interface_id", "seen_by"), ("srcaddr",) * 2, ("dstaddr",) * 2)
    }
    times = pa.array([row.get("last_seen") for row in rows], pa.timestamp("us", "UTC"))
    return pa.table({**columns, "start": times})


def _words(row: Mapping[str, Any], names: Mapping[str, Any]) -> str | None:
    """What a row's key is: of the source, of both ends, or of the interface."""
    ends = [
        _end(names, role) for role, key in (("src", "srcaddr"), ("dst", "dstaddr")) if key in row
    ]
    if ends:
        return " -> ".join(end or "?" for end in ends) if any(ends) else None
    return _name(names, "interface")


def _end(names: Mapping[str, Any], role: str) -> str | None:
    place = [names.get(f"{role}_{name}") for name in ("country", "as_org")]
    known = [_name(names, role), *(str(part) for part in place if part is not None)]
    return " ".join(part for part in known if part) or None


def _name(names: Mapping[str, Any], role: str) -> str | None:
    found = names.get(f"{role}_resource_name") or names.get(f"{role}_resource_id")
    return None if found is None else str(found)
