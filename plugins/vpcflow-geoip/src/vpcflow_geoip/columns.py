"""The columns that databases can fill: the known ones, and those named with `fields=`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from vpcflow.errors import UsageError, nearest, printable
from vpcflow_geoip.database import Database

Path = tuple[str, ...]

_KINDS = {"text": 0, "int64": 1, "float64": 2, "bool": 3}
_AS_NUMBER = 4  # int64, and texts such as "AS64496"
_ARROW = {0: "dictionary<int32, utf8>", 1: "int64", 2: "float64", 3: "bool", 4: "int64"}
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_MAX_STEPS = 32
_MAX_FIELDS = 50


@frozen
class Column:
    """name: without the role. kind: of `_core.table`. paths: the first that a record has counts.
    strict: a value of another type is an error; otherwise it is as if it were not there."""

    name: str
    kind: int
    paths: tuple[Path, ...]
    strict: bool = False

    @property
    def arrow_type(self) -> str:
        return _ARROW[self.kind]


def known(language: str) -> list[Column]:
    """Columns of MaxMind's schema, which most vendors follow, and of flat ones. Names are in the
    language, else in English, else null."""
    names = [("city", "names", language), ("city", "names", "en"), ("city_name",), ("city",)]
    return [
        Column("country", 0, (("country", "iso_code"), ("country_code",), ("country",))),
        Column("city", 0, tuple(dict.fromkeys(names))),
        Column("latitude", 2, (("location", "latitude"), ("latitude",), ("lat",))),
        Column("longitude", 2, (("location", "longitude"), ("longitude",), ("lng",))),
        Column("asn", _AS_NUMBER, _as("autonomous_system_number", "asn")),
        Column("as_org", 0, _as("autonomous_system_organization", "as_name")),
    ]


def _as(name: str, short: str) -> tuple[Path, ...]:
    return ((name,), ("traits", name), (short,))


KNOWN = tuple(column.name for column in known("en"))

_BY_TYPE = {  # by a word in database_type, for files that are too large to be looked at as a whole
    "City": {"country", "city", "latitude", "longitude"},
    "Enterprise": {"country", "city", "latitude", "longitude", "asn", "as_org"},
    "Country": {"country"},
    "ASN": {"asn", "as_org"},
    "ISP": {"asn", "as_org"},
}


def by_type(database: Database) -> set[str]:
    """The columns that a large database has by its type, whatever the part looked at holds."""
    if database.complete:
        return set()
    words = (word for word in _BY_TYPE if word in database.metadata.database_type)
    return {name for word in words for name in _BY_TYPE[word]}


def at(record: Any, path: Path) -> Iterator[Any]:
    """The value that a record has at a path, or nothing."""
    for step in path:
        if isinstance(record, dict) and step in record:
            record = record[step]
        elif isinstance(record, list) and step.isdecimal() and int(step) < len(record):
            record = record[int(step)]
        else:
            return
    yield record


def kind_of(value: Any) -> int | None:
    """The kind of a column that holds such values; None: there is none."""
    if isinstance(value, bool):
        return _KINDS["bool"]
    kinds: dict[type, int] = {str: _KINDS["text"], int: _KINDS["int64"], float: _KINDS["float64"]}
    return kinds.get(type(value))


# ---- fields= -------------------------------------------------------------------------------------


def named_fields(texts: Sequence[str], databases: Sequence[Database]) -> list[Column]:
    """`isp:traits.isp` or, with a type, `isp:traits.isp:text`. Without one, the type is that of the
    first value that is found. Raises UsageError for a path that no database has."""
    if len(texts) > _MAX_FIELDS:
        raise UsageError(
            f"enricher geoip: fields names {len(texts)} columns; {_MAX_FIELDS} is the most"
        )
    columns = [_field(text, databases) for text in texts]
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            raise UsageError(f"enricher geoip: fields names {column.name!r} twice")
        seen.add(column.name)
    return columns


def _field(text: str, databases: Sequence[Database]) -> Column:
    what = f"enricher geoip: fields={printable(text)!r}"
    name, _, rest = text.partition(":")
    written, _, kind = rest.partition(":")
    path = tuple(written.split("."))
    if not _NAME.match(name) or not all(path):
        raise UsageError(
            f"{what} does not name a column and a path",
            hint="write name:path or name:path:type, such as region:subdivisions.0.iso_code",
        )
    if len(path) > _MAX_STEPS:
        raise UsageError(f"{what} has a path of {len(path)} steps; {_MAX_STEPS} is the most")
    if kind and kind not in _KINDS:
        close = nearest(kind, _KINDS)
        raise UsageError(
            f"{what} has an unknown type {printable(kind)!r}: there are {', '.join(_KINDS)}",
            hint=f"did you mean {close!r}?" if close else None,
        )
    found = _KINDS[kind] if kind else _look(path, databases, what)
    return Column(name, found, (path,), strict=True)


def _look(path: Path, databases: Sequence[Database], what: str) -> int:
    """The kind of the first value at a path. Whole numbers and others together are float64."""
    kinds: set[int] = set()
    for database in databases:
        for record in database.records():
            for value in at(record, path):
                kind = kind_of(value)
                if kind is None:
                    raise UsageError(_inside(what, path, value))
                kinds.add(kind)
    if kinds == {1, 2}:
        return 2
    if len(kinds) > 1:
        raise UsageError(f"{what}: records have values of several types there")
    if kinds:
        return kinds.pop()
    have = sorted({name for database in databases for name in _paths(database.records())})
    written = ".".join(path)
    close = nearest(written, have)
    few = f"{', '.join(have[:20])}{' ...' if len(have) > 20 else ''}"
    raise UsageError(
        f"{what}: none of the {sum(len(d.records()) for d in databases)} records that were looked "
        f"at has {printable(written)}",
        hint=printable(
            (f"did you mean {close}? " if close else f"there are: {few}. ")
            + "For a rare one give the type too: name:path:text"
        ),
    )


def _inside(what: str, path: Path, value: Any) -> str:
    if isinstance(value, dict):
        below = ", ".join(printable(f"{'.'.join(path)}.{key}") for key in sorted(value)[:10])
        return f"{what} leads to a map; it holds {below}"
    if isinstance(value, list):
        return f"{what} leads to an array; its first element is {printable('.'.join(path))}.0"
    return f"{what} leads to a value of type {type(value).__name__}, which no column can hold"


def _paths(records: Iterable[Any]) -> set[str]:
    """Every path to a scalar, with the first element for arrays."""
    found: set[str] = set()
    for record in records:
        _walk(record, "", found.add)
    return found


def _walk(value: Any, path: str, add: Callable[[str], None]) -> None:
    before = f"{path}." if path else ""
    if isinstance(value, dict):
        for key, inner in value.items():
            _walk(inner, before + key, add)
    elif isinstance(value, list):
        for inner in value[:1]:
            _walk(inner, f"{before}0", add)
    elif path:
        add(path)
