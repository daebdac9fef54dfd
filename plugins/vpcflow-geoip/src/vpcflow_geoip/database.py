"""A MaxMind DB file (https://maxmind.github.io/MaxMind-DB/, format 2.0), mapped into memory."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from attrs import define, frozen

from vpcflow.errors import InputError, UsageError, nearest, printable
from vpcflow_geoip._native import _core

_MARKER = b"\xab\xcd\xefMaxMind.com"
_MARKER_WITHIN = 128 * 1024  # of the end of the file, says the format
_SEPARATOR = 16  # zero bytes between the search tree and the data section
_NODES_LOOKED_AT = 256
_OTHERS = {
    b"\x1f\x8b": "gzip-compressed: unpack it, and give the .mmdb file in it",
    b"PK\x03\x04": "a zip archive: unpack it, and give the .mmdb file in it",
}


@frozen
class Metadata:
    """What a database says of itself. database_type: such as "GeoLite2-City". languages: of names.
    build_epoch: seconds since 1970 UTC."""

    database_type: str
    languages: tuple[str, ...]
    ip_version: int
    build_epoch: int
    node_count: int
    record_size: int


@define(eq=False)
class Database:
    """An open file. handle: for `_core`. The file must not be changed in place while it is open;
    replacing it (rename) is safe, and what update tools do."""

    path: Path
    metadata: Metadata
    handle: _core.Database
    _file: mmap.mmap
    _data: tuple[int, int]
    _records: list[Any] | None = None

    def records(self) -> list[Any]:
        """Some hundred records from all over the tree, as Python objects; all of them if
        `complete`. Raises InputError for a damaged file."""
        if self._records is None:
            begin, end = self._data
            places = self.places()
            try:
                self._records = [_core.decode(self._file, begin, end, at) for at in places]
            except ValueError as error:
                raise damaged(self.path, str(error)) from None
        return self._records

    def places(self) -> list[int]:
        """Where these records stand in the data section. Raises InputError as well."""
        try:
            return sorted(_core.places(self.handle, _NODES_LOOKED_AT))
        except ValueError as error:
            raise damaged(self.path, str(error)) from None

    @property
    def complete(self) -> bool:
        """Whether `records` gives every record that there is."""
        return self.metadata.node_count <= _NODES_LOOKED_AT


def open_database(path: str | os.PathLike[str]) -> Database:
    """Raises UsageError for what is missing or no MaxMind DB, InputError for what is damaged."""
    where = Path(path).expanduser()
    mapped = _map(where)
    start = mapped.rfind(_MARKER, max(0, len(mapped) - _MARKER_WITHIN))
    if start < 0:
        _not_a_database(where, bytes(mapped[:4]))
    after = start + len(_MARKER)
    try:
        said = _core.decode(mapped, after, len(mapped), 0)
        metadata = _metadata(said, where)
        data = (metadata.node_count * metadata.record_size // 4 + _SEPARATOR, start)
        handle = _core.open(
            mapped, metadata.node_count, metadata.record_size, metadata.ip_version, *data
        )
    except (ValueError, OverflowError) as error:
        raise damaged(where, str(error)) from None
    return Database(where, metadata, handle, mapped, data)


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise UsageError(
            f"there is no GeoIP database {printable(str(path))}", hint=_neighbour(path)
        ) from None
    except ValueError:
        raise UsageError(f"the GeoIP database {printable(str(path))} is an empty file") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"the GeoIP database {printable(str(path))} cannot be read: {reason}"
        ) from None


def _neighbour(path: Path) -> str:
    """What may have been meant, of the databases beside it."""
    try:
        found = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".mmdb"]
    except OSError:
        found = []
    close = nearest(path.name, found)
    if close:
        return f"did you mean {printable(str(path.parent / close))}?"
    return "give the path of a .mmdb file, such as GeoLite2-City.mmdb; several with commas between"


def _not_a_database(path: Path, head: bytes) -> NoReturn:
    hint = "give the path of a .mmdb file, such as GeoLite2-City.mmdb"
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            hint = f"the file is {what}"
    raise UsageError(
        f"{printable(str(path))} is no MaxMind DB file: its last 128 KiB hold no metadata",
        hint=hint,
    )


def _metadata(said: Any, path: Path) -> Metadata:
    """Checks the types of what the file says; ValueError for what it must not leave out."""
    if not isinstance(said, dict):
        raise ValueError("its metadata is no map")
    major = said.get("binary_format_major_version")
    if major != 2:
        raise UsageError(
            f"{printable(str(path))} has format version {printable(str(major))}; 2 is known",
            hint="look for a database in MaxMind DB format 2",
        )
    languages = said.get("languages")
    return Metadata(
        database_type=_text(said.get("database_type")),
        languages=tuple(map(_text, languages)) if isinstance(languages, list) else (),
        ip_version=_number(said, "ip_version"),
        build_epoch=_number({"build_epoch": 0, **said}, "build_epoch"),
        node_count=_number(said, "node_count"),
        record_size=_number(said, "record_size"),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"its metadata has no valid {name}")
    return value


def damaged(path: Path, reason: str) -> InputError:
    """The error for a file that breaks the format."""
    return InputError(
        f"the GeoIP database is damaged: {reason}",
        source=str(path),
        hint="download the file again",
    )


def languages_of(databases: Sequence[Database]) -> list[str]:
    """The languages that names are given in: what the files say, and what their records hold."""
    found = {name for database in databases for name in database.metadata.languages if name}
    for database in databases:
        for record in database.records():
            city = record.get("city") if isinstance(record, dict) else None
            names = city.get("names") if isinstance(city, dict) else None
            found |= set(names) if isinstance(names, dict) else set()
    return sorted(found)
