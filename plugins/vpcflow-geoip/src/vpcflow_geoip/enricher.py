"""The enricher: country, city, coordinates and autonomous system of both ends of a flow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import evolve, frozen

from vpcflow.enrich import KeyedEnricher
from vpcflow.errors import UsageError, nearest, printable
from vpcflow.options import settings
from vpcflow_geoip._native import _core
from vpcflow_geoip.columns import KNOWN, Column, by_type, known, named_fields
from vpcflow_geoip.database import Database, languages_of, open_database
from vpcflow_geoip.table import Table, int32_array

SCOPES: tuple[str, ...] = _core.SCOPES
"""What `{role}_scope` can say: "public", or the purpose that IANA's registries give a range."""

_LOOKED_UP = {"public", "documentation"}
_ROLES = {"src": "srcaddr", "dst": "dstaddr"}


@frozen
class Settings:
    """Options. language: of city names. columns: only these. addresses: "packet" takes pkt_srcaddr
    and pkt_dstaddr where the records have them. lookup: "all" asks the databases for private and
    reserved addresses too. fields: more columns, `name:path` or `name:path:type`."""

    language: str = "en"
    columns: tuple[str, ...] = ()
    addresses: Literal["flow", "packet"] = "flow"
    lookup: Literal["public", "all"] = "public"
    fields: tuple[str, ...] = ()


def from_text(argument: str, options: Mapping[str, str]) -> GeoIP:
    """`City.mmdb,ASN.mmdb` and options as text. Raises UsageError and InputError as GeoIP does."""
    paths = [part.strip() for part in argument.split(",") if part.strip()]
    return GeoIP(paths, settings(Settings, options, owner="enricher geoip"))


class GeoIP(KeyedEnricher):
    """paths: MaxMind DB files. Where several can fill a column, the first one that has a value for
    the address does. Raises UsageError for files that are not there or no databases, and for
    settings that the files cannot serve; InputError for damaged files.

    `lookup_many` takes texts, and also a pyarrow array of utf8 or large_utf8.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], options: Settings | None = None
    ) -> None:
        if not paths:
            raise UsageError(
                "the enricher geoip needs a database",
                hint="--enrich geoip=GeoLite2-City.mmdb,GeoLite2-ASN.mmdb",
            )
        self.settings = options or Settings()
        self._databases = [open_database(path) for path in paths]
        self._check_language()
        self._columns = self._choose()
        self.adds = {"{role}_" + name: type_ for name, type_ in self._types().items()}
        self.on = {role: (column,) for role, column in _ROLES.items()}
        self._skip = sum(
            1 << number
            for number, scope in enumerate(SCOPES)
            if self.settings.lookup == "public" and scope not in _LOOKED_UP
        )
        self._tables: list[Table] = []
        self._sources: dict[str, list[tuple[int, int]]] = {}
        self._make_tables()

    def bind(self, columns: Sequence[str]) -> None:
        """Choose the addresses: those of the packet, if wanted and there."""
        packet = self.settings.addresses == "packet"
        self.on = {
            role: (f"pkt_{column}" if packet and f"pkt_{column}" in columns else column,)
            for role, column in _ROLES.items()
        }

    def lookup_many(self, keys: Sequence[str] | pa.Array, epoch: int = 0) -> list[pa.Array]:
        """One array for each of `adds`. A text that is no address gets nulls."""
        if isinstance(keys, pa.Array):
            addresses = _core.arrow_addresses(*keys.__arrow_c_array__())
        else:
            addresses = _core.addresses(keys)
        rows = [table.find(addresses, self._skip) for table in self._tables]
        arrays = []
        if self._with_scope:
            indices = int32_array(_core.scopes(addresses))
            names = pa.array(SCOPES, pa.utf8())
            arrays.append(pa.DictionaryArray.from_arrays(indices, names, safe=False))
        for sources in self._sources.values():
            found = [self._tables[table].column(number, rows[table]) for table, number in sources]
            arrays.append(found[0] if len(found) == 1 else _first_known(found))
        return arrays

    def close(self) -> None:
        """Let go of the files."""
        self._tables.clear()
        self._sources.clear()
        self._databases.clear()

    @property
    def _with_scope(self) -> bool:
        return not self.settings.columns or "scope" in self.settings.columns

    def _types(self) -> dict[str, str]:
        types = {"scope": "dictionary<int32, utf8>"} if self._with_scope else {}
        return types | {column.name: column.arrow_type for column in self._columns}

    def _check_language(self) -> None:
        wanted = self.settings.language
        have = [] if wanted == "en" else languages_of(self._databases)
        if have and wanted not in have:
            close = nearest(wanted, have)
            raise UsageError(
                f"enricher geoip: no database has names in the language {printable(wanted)!r}; "
                f"there are {printable(', '.join(have))}",
                hint=f"did you mean {printable(close)!r}?" if close else None,
            )

    def _choose(self) -> list[Column]:
        """The columns that the databases can fill, or those of them that are wanted."""
        named = named_fields(self.settings.fields, self._databases)
        names = {column.name for column in named}
        if "scope" in names:
            raise UsageError("enricher geoip: fields cannot name a column 'scope'")
        columns = [column for column in known(self.settings.language) if column.name not in names]
        self._filled = [_filled(database, columns) for database in self._databases]
        columns = [c for c in columns if any(c.name in filled for filled in self._filled)]
        return self._only_wanted(columns + named)

    def _only_wanted(self, columns: list[Column]) -> list[Column]:
        wanted = self.settings.columns
        have = ["scope", *(column.name for column in columns)]
        for name in wanted:
            if name in have:
                continue
            known_name = f"none of the databases has {name}" if name in KNOWN else ""
            close = nearest(name, have)
            raise UsageError(
                f"enricher geoip: columns={printable(name)}: "
                f"{known_name or 'there is no such column'}; there are {', '.join(have)}",
                hint=f"did you mean {close!r}?" if close and not known_name else None,
            )
        return [column for column in columns if not wanted or column.name in wanted]

    def _make_tables(self) -> None:
        """A table for each database that fills something, and where each column comes from."""
        self._sources = {column.name: [] for column in self._columns}
        for database, filled in zip(self._databases, self._filled, strict=True):
            mine = (c if c.strict else filled.get(c.name) for c in self._columns)
            columns = [column for column in mine if column]
            for position, column in enumerate(columns):
                self._sources[column.name].append((len(self._tables), position))
            if columns:
                self._tables.append(Table(database, columns))


def _filled(database: Database, columns: Sequence[Column]) -> dict[str, Column]:
    """Those that a database can fill, by name, without the paths of other vendors' schemas."""
    every = [evolve(column, paths=(path,)) for column in columns for path in column.paths]
    roots = {(c.name, c.paths[0][0]) for c in Table(database, every).filled()}
    named = by_type(database)
    found = {}
    for column in columns:
        paths = tuple(path for path in column.paths if (column.name, path[0]) in roots)
        if paths or column.name in named:
            found[column.name] = evolve(column, paths=paths or column.paths)
    return found


def _first_known(arrays: list[pa.Array]) -> pa.Array:
    plain = [
        array.cast(pa.utf8()) if pa.types.is_dictionary(array.type) else array for array in arrays
    ]
    return pc.coalesce(*plain)
