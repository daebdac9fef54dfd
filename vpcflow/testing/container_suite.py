"""The suites for containers: wrappings around lines, and files of columns."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vpcflow.containers.contract import ColumnContainer, LineContainer
from vpcflow.errors import ContainerError
from vpcflow.fields import FIELDS
from vpcflow.source_files import BytesFile
from vpcflow.testing.promise import broken, first_difference, keeping, must_raise, require
from vpcflow.testing.samples import FORMATS, sample_lines
from vpcflow.where import Condition, parse_where

HEAD = 1 << 16
_SNIFF = "sniff(head) knows its own files by their first bytes, and leaves all others alone"
_WHOLE = "blocks(stream) gives the lines, byte for byte"
_DAMAGE = "a damaged file gives first all that can be read, and then ContainerError"
_COLUMNS = "batches() gives the columns that were asked for, of the types of Field.type"
_ROWS = "batches(start=n) gives the rows from n on; rows counts all that were read for a batch"


class ContainerSuite:
    """What both kinds have: `sniff`. Subclass one of the other two.

    make_container(): what your plugin registers, called. wrapped(): a good file, as bytes.
    """

    def make_container(self) -> Any:
        raise NotImplementedError("write make_container()")

    def wrapped(self) -> bytes:
        raise NotImplementedError("write wrapped()")

    def test_sniff(self) -> None:
        container = self.make_container()
        head = self.wrapped()[:HEAD]
        require(bool(container.sniff(head)), _SNIFF, f"sniff() does not know {head[:20]!r}...")
        strangers = {
            "an empty file": b"",
            "gzip": b"\x1f\x8b\x08" + bytes(20),
            "a JSON object": b'{"messageType":"DATA_MESSAGE","logEvents":[]}',
            "Parquet": b"PAR1" + bytes(20),
            "zeros": bytes(100),
        }
        strangers |= {f"{kind} lines": sample_lines(kind, header=True) for kind in FORMATS}
        for what, stranger in strangers.items():
            if stranger[:4] == head[:4] and stranger:
                continue  # it is one of them
            with keeping(_SNIFF, f"sniff() of {what}"):
                taken = container.sniff(stranger)
            require(not taken, _SNIFF, f"sniff() takes {what} for its own: {stranger[:40]!r}")

    def test_sniff_of_anything(self) -> None:
        container = self.make_container()

        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.binary(max_size=200))
        def check(head: bytes) -> None:
            with keeping(_SNIFF, f"sniff({head!r})"):
                container.sniff(head)

        check()


class LineContainerSuite(ContainerSuite):
    """For a `LineContainer`. Subclass it in your tests, name the subclass Test..., and write
    `make_container`, `wrapped`, and `lines()`: the text that `wrapped()` holds."""

    def make_container(self) -> LineContainer:
        raise NotImplementedError("write make_container()")

    def lines(self) -> bytes:
        raise NotImplementedError("write lines()")

    def test_the_lines_come_out(self) -> None:
        streams: tuple[Any, ...] = (io.BytesIO(self.wrapped()), _Pipe(self.wrapped()))
        for stream in streams:
            what = "a stream that can seek" if stream.seekable() else "a stream that cannot seek"
            with keeping(_WHOLE, f"blocks() of {what}"):
                blocks = list(self.make_container().blocks(stream))
            seen, wanted = b"".join(blocks), self.lines()
            said = f"blocks() of {what} gave {len(seen)} bytes, not {len(wanted)}"
            require(len(seen) == len(wanted), _WHOLE, said)
            require(seen == wanted, _WHOLE, f"blocks() of {what} gave other bytes")
            largest = max(map(len, blocks), default=0)
            promise = "blocks are up to about 1 MiB"
            require(largest <= 4 << 20, promise, f"blocks() gave a block of {largest} bytes")

    def test_a_file_that_ends_too_early(self) -> None:
        whole = self.wrapped()
        for end in sorted({len(whole) * eighth // 8 for eighth in range(1, 8)} | {len(whole) - 1}):
            self._check_damaged(whole[:end], f"the first {end} of {len(whole)} bytes", prefix=True)

    def test_damaged_bytes(self) -> None:
        whole = self.wrapped()

        @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(0, len(whole) - 1), st.integers(1, 255))
        def check(at: int, flip: int) -> None:
            spoilt = bytearray(whole)
            spoilt[at] ^= flip
            self._check_damaged(bytes(spoilt), f"a file with byte {at} changed", prefix=False)

        check()

    def _check_damaged(self, data: bytes, what: str, *, prefix: bool) -> None:
        seen = b""
        try:
            with keeping(_DAMAGE, f"blocks() of {what}", ContainerError):
                for block in self.make_container().blocks(io.BytesIO(data)):
                    seen += block
        except ContainerError:
            kept = self.lines().startswith(seen)
            require(kept or not prefix, _DAMAGE, f"blocks() of {what} gave bytes that it has not")
            return
        complete = seen == self.lines()
        require(complete or not prefix, _DAMAGE, f"blocks() of {what} ended without ContainerError")


class ColumnContainerSuite(ContainerSuite):
    """For a `ColumnContainer`. Subclass it in your tests, name the subclass Test..., and write
    `make_container`, `wrapped`, and `rows()`: what `wrapped()` holds, as dicts by column name,
    nulls included, times aware. Give it some hundred rows, of several row groups or blocks.
    where: a condition that some of the rows pass."""

    where: Any = None

    def make_container(self) -> ColumnContainer:
        raise NotImplementedError("write make_container()")

    def rows(self) -> Sequence[dict[str, Any]]:
        raise NotImplementedError("write rows()")

    def test_the_format(self) -> None:
        names = list(self.make_container().format(self._file()).names)
        wanted = list(self.rows()[0])
        seen = f"format() gave {names}, the file has {wanted}"
        require(names == wanted, "format(file) names the file's columns, in order", seen)

    def test_all_rows(self) -> None:
        names = list(self.rows()[0])
        self._check(names, self.rows(), self._batches(names))

    def test_columns_that_were_asked_for(self) -> None:
        names = list(self.rows()[0])
        absent = [name for name in FIELDS if name not in names][-1:]
        for chosen in filter(None, (names[:1], names[::-1], [*names[-1:], *absent], absent)):
            wanted = [{name: row.get(name) for name in chosen} for row in self.rows()]
            self._check(chosen, wanted, self._batches(chosen))

    def test_rows_from_a_number_on(self) -> None:
        names, rows = list(self.rows()[0]), self.rows()
        for start in (0, 1, len(rows) // 2, len(rows) - 1, len(rows), len(rows) + 5):
            batches = list(self._batches(names, start=start))
            self._check(names, rows[start:], iter(batches))
            read = sum(batch.rows for batch in batches)
            wanted = max(0, len(rows) - start)
            seen = f"from row {start} of {len(rows)} on, the batches count {read} rows"
            require(read == wanted, _ROWS, seen)

    def test_conditions(self) -> None:
        if self.where is None:
            return
        names, rows = list(self.rows()[0]), self.rows()
        conditions = parse_where(self.where)
        batches = list(self._batches(names, conditions))
        wanted = [row for row in rows if _passes(row, self.where)]
        self._check(names, wanted, iter(batches))
        read = sum(batch.rows for batch in batches)
        seen = f"with where, the batches count {read} rows of {len(rows)}"
        require(read in (len(rows), read) and read <= len(rows), _ROWS, seen)

    def test_damage(self) -> None:
        whole, names = self.wrapped(), list(self.rows()[0])
        for end in sorted({1, len(whole) // 2, len(whole) - 1}):
            file = BytesFile("damaged", whole[:end])
            with must_raise(_DAMAGE, f"reading {end} of {len(whole)} bytes", ContainerError):
                self.make_container().format(file)
                list(self.make_container().batches(file, names, ()))

    def test_damaged_bytes(self) -> None:
        whole, names = self.wrapped(), list(self.rows()[0])

        @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(0, len(whole) - 1), st.integers(1, 255))
        def check(at: int, flip: int) -> None:
            spoilt = bytearray(whole)
            spoilt[at] ^= flip
            file = BytesFile("damaged", bytes(spoilt))
            try:
                with keeping(_DAMAGE, f"a file with byte {at} changed", ContainerError):
                    self.make_container().format(file)
                    list(self.make_container().batches(file, names, ()))
            except ContainerError:
                pass

        check()

    def _file(self) -> BytesFile:
        return BytesFile("sample", self.wrapped())

    def _batches(
        self, names: Sequence[str], where: Sequence[Condition] = (), start: int = 0
    ) -> Iterator[Any]:
        return self.make_container().batches(self._file(), names, where, start)

    def _check(
        self, names: Sequence[str], wanted: Sequence[dict[str, Any]], batches: Iterator[Any]
    ) -> None:
        seen: list[dict[str, Any]] = []
        for batch in batches:
            schema = batch.data.schema
            said = f"for {list(names)} batches() gave {schema.names}"
            require(schema.names == list(names), _COLUMNS, said)
            for column in schema:
                right = column.type == _type_of(column.name)
                seen_type = f"{column.name} has the type {column.type}"
                require(right, _COLUMNS, f"{seen_type}, not {_type_of(column.name)}")
            seen += batch.data.to_pylist()
        if different := first_difference(list(wanted), seen, "rows"):
            broken(_ROWS, f"batches() gave {different}")


class _Pipe(io.RawIOBase):
    """A stream that cannot seek, and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, target: Any) -> int:
        return self._rest.readinto(memoryview(target)[:100])


def _type_of(name: str) -> pa.DataType:
    field = FIELDS.get(name)
    if field is None:
        return pa.utf8()
    if field.kind == "time":
        return pa.timestamp("ms", "UTC")
    return pa.type_for_alias({"utf8": "string"}.get(field.type, field.type))


def _passes(row: dict[str, Any], where: dict[str, Any]) -> bool:
    """Conditions of plain values and lists of them."""
    return all(
        row.get(name) in (value if isinstance(value, list) else [value])
        for name, value in where.items()
    )
