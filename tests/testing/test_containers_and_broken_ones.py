"""The suites for containers: passed by good ones, and every promise has one that breaks it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from suite_failures import fails, failures

from vpcflow.containers.contract import ColumnBatch
from vpcflow.errors import ContainerError
from vpcflow.flow_format import FlowFormat
from vpcflow.source_files import SourceFile
from vpcflow.testing import ColumnContainerSuite, LineContainerSuite, sample_batch, sample_lines
from vpcflow.where import Condition

TEXT = sample_lines("v5", header=True) * 50


class Deflate:
    """A zlib stream (RFC 1950), which is no container that is built in."""

    def sniff(self, head: bytes) -> bool:
        return head[:1] == b"\x78" and len(head) > 1 and (head[0] << 8 | head[1]) % 31 == 0

    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        inflate = zlib.decompressobj()
        try:
            while piece := stream.read(500):
                if text := inflate.decompress(piece):
                    yield text
        except zlib.error as error:
            raise ContainerError(str(error), source="?", container="deflate") from error
        if not inflate.eof:
            raise ContainerError("it ends too early", source="?", container="deflate")


class Lines(LineContainerSuite):
    kind: type[Deflate] = Deflate

    def make_container(self) -> Any:
        return self.kind()

    def wrapped(self) -> bytes:
        return zlib.compress(TEXT)

    def lines(self) -> bytes:
        return TEXT


class TestDeflate(Lines):
    pass


class KnowsNothing(Deflate):
    def sniff(self, head: bytes) -> bool:
        return False


class KnowsEverything(Deflate):
    def sniff(self, head: bytes) -> bool:
        return True


class NeedsAHead(Deflate):
    def sniff(self, head: bytes) -> bool:
        return (head[0] << 8 | head[1]) % 31 == 0 and head[0] == 0x78


class Seeks(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        stream.seek(0)
        return super().blocks(stream)


class ReadsOnce(Deflate):
    """As if one read gave all."""

    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        yield zlib.decompressobj().decompress(stream.read(1 << 20))


class ChangesLines(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        for block in super().blocks(stream):
            yield block.replace(b"ACCEPT", b"accept")


class LosesNewlines(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        for block in super().blocks(stream):
            yield block.replace(b"\n", b"")


class EndsQuietly(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            yield from super().blocks(stream)
        except ContainerError:
            return


class RaisesItsOwn(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            yield from super().blocks(stream)
        except ContainerError as error:
            raise EOFError(error.message) from None


class InventsLines(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            yield from super().blocks(stream)
        except ContainerError:
            yield b"2 - - -\n"
            raise


class OneBlock(Deflate):
    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        yield b"".join(super().blocks(stream))


DAMAGE = {"test_a_file_that_ends_too_early", "test_damaged_bytes"}
BROKEN_LINES = [
    (KnowsNothing, "test_sniff", "sniff() does not know b'x", ()),
    (KnowsEverything, "test_sniff", "sniff() takes an empty file for its own", ()),
    (NeedsAHead, "test_sniff_of_anything", "sniff(b'') raised IndexError", {"test_sniff"}),
    (Seeks, "test_the_lines_come_out", "blocks() of a stream that cannot seek raised Unsupported",
     ()),
    (ReadsOnce, "test_the_lines_come_out", "blocks() of a stream that cannot seek gave ", DAMAGE),
    (ChangesLines, "test_the_lines_come_out", "gave other bytes", DAMAGE),
    (LosesNewlines, "test_the_lines_come_out", " bytes, not ", DAMAGE),
    (EndsQuietly, "test_a_file_that_ends_too_early", "ended without ContainerError", ()),
    (RaisesItsOwn, "test_a_file_that_ends_too_early", "raised EOFError", DAMAGE),
    (InventsLines, "test_a_file_that_ends_too_early", "gave bytes that it has not", ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "test", "message", "also"), BROKEN_LINES, ids=[row[0].__name__ for row in BROKEN_LINES]
)
def test_the_suite_for_lines_notices(
    tmp_path: Path, kind: Any, test: str, message: str, also: set[str]
) -> None:
    class Broken(Lines):
        pass

    Broken.kind = kind
    fails(Broken, tmp_path, test, message, also)


def test_blocks_that_are_too_large(tmp_path: Path) -> None:
    class Broken(Lines):
        kind = OneBlock

        def wrapped(self) -> bytes:
            return zlib.compress(self.lines(), 1)

        def lines(self) -> bytes:
            return TEXT * 200

    found = failures(Broken, tmp_path)
    assert "blocks() gave a block of " in found["test_the_lines_come_out"]


# ---- files of columns ----------------------------------------------------------------------------

TABLE = pa.Table.from_batches([sample_batch("v5")] * 300)


class ArrowFile:
    """An Arrow IPC file, a hundred rows a batch. It stands for Parquet, without its choices."""

    def sniff(self, head: bytes) -> bool:
        return head[:6] == b"ARROW1"

    def _open(self, file: SourceFile) -> Any:
        try:
            return pa.ipc.open_file(io.BytesIO(file.read_range(0, file.size or 0)))
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(file, error) from error

    def _damaged(self, file: SourceFile, error: Exception) -> ContainerError:
        return ContainerError(str(error), source=file.name, container="arrow")

    def format(self, file: SourceFile) -> FlowFormat:
        return FlowFormat.parse(" ".join(self._open(file).schema.names))

    def batches(
        self, file: SourceFile, columns: Sequence[str], where: Sequence[Condition], start: int = 0
    ) -> Iterator[ColumnBatch]:
        reader = self._open(file)
        try:
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                batch.validate(full=True)
                skipped = min(start, batch.num_rows)
                start -= skipped
                batch = batch.slice(skipped)
                if batch.num_rows:
                    yield self._chosen(batch, columns, where)
        except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
            raise self._damaged(file, error) from error

    def _chosen(
        self, batch: Any, columns: Sequence[str], where: Sequence[Condition]
    ) -> ColumnBatch:
        rows = batch.num_rows
        for condition in where:
            wanted = pa.array([text.decode() for text in condition.alternatives])  # type: ignore[attr-defined]
            batch = batch.filter(pc.is_in(batch.column(condition.column), wanted))
        data = {
            name: batch.column(name) if name in batch.schema.names else self._nulls(name, batch)
            for name in columns
        }
        return ColumnBatch(pa.record_batch(data), rows)

    def _nulls(self, name: str, batch: Any) -> Any:
        from vpcflow.testing.container_suite import _type_of

        return pa.nulls(batch.num_rows, _type_of(name))


class Columns(ColumnContainerSuite):
    kind: type[ArrowFile] = ArrowFile
    where = {"flow_direction": "ingress"}

    def make_container(self) -> Any:
        return self.kind()

    def wrapped(self) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, TABLE.schema) as writer:
            writer.write_table(TABLE.combine_chunks(), max_chunksize=100)
        return bytes(sink.getvalue())

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = TABLE.to_pylist()
        return rows


class TestArrowFile(Columns):
    pass


class NamesOthers(ArrowFile):
    def format(self, file: SourceFile) -> FlowFormat:
        self._open(file)
        return FlowFormat.default()


class GivesAllColumns(ArrowFile):
    def _chosen(
        self, batch: Any, columns: Sequence[str], where: Sequence[Condition]
    ) -> ColumnBatch:
        return super()._chosen(batch, batch.schema.names, where)


class WrongNulls(ArrowFile):
    def _nulls(self, name: str, batch: Any) -> Any:
        return pa.nulls(batch.num_rows)


class SecondsOnly(ArrowFile):
    def _chosen(
        self, batch: Any, columns: Sequence[str], where: Sequence[Condition]
    ) -> ColumnBatch:
        chosen = super()._chosen(batch, columns, where)
        data = {
            name: column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
            for name, column in zip(columns, chosen.data.columns, strict=True)
        }
        return ColumnBatch(pa.record_batch(data), chosen.rows)


class StartsAtBatches(ArrowFile):
    def batches(
        self, file: SourceFile, columns: Sequence[str], where: Sequence[Condition], start: int = 0
    ) -> Iterator[ColumnBatch]:
        return super().batches(file, columns, where, start // 100 * 100)


class CountsWhatItGives(ArrowFile):
    def _chosen(
        self, batch: Any, columns: Sequence[str], where: Sequence[Condition]
    ) -> ColumnBatch:
        chosen = super()._chosen(batch, columns, where)
        return ColumnBatch(chosen.data, chosen.data.num_rows + 1)


class IgnoresWhere(ArrowFile):
    def _chosen(
        self, batch: Any, columns: Sequence[str], where: Sequence[Condition]
    ) -> ColumnBatch:
        return super()._chosen(batch, columns, ())


class RaisesArrowErrors(ArrowFile):
    def _damaged(self, file: SourceFile, error: Exception) -> Any:
        return pa.ArrowInvalid(str(error))


BROKEN_COLUMNS = [
    (NamesOthers, "test_the_format", "format() gave ['version', ", ()),
    (GivesAllColumns, "test_columns_that_were_asked_for",
     "for ['version'] batches() gave ['version', 'account_id'", ()),
    (WrongNulls, "test_columns_that_were_asked_for", "has the type null, not ", ()),
    (SecondsOnly, "test_all_rows", "start has the type int64, not timestamp[ms, tz=UTC]",
     {"test_columns_that_were_asked_for", "test_rows_from_a_number_on", "test_conditions"}),
    (StartsAtBatches, "test_rows_from_a_number_on", "batches() gave 600 rows instead of 599", ()),
    (CountsWhatItGives, "test_rows_from_a_number_on",
     "from row 0 of 600 on, the batches count 606 rows", ()),
    (IgnoresWhere, "test_conditions", "batches() gave 600 rows instead of 300", ()),
    (RaisesArrowErrors, "test_damage", "raised ArrowInvalid, not ContainerError",
     {"test_damaged_bytes"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "test", "message", "also"),
    BROKEN_COLUMNS,
    ids=[row[0].__name__ for row in BROKEN_COLUMNS],
)
def test_the_suite_for_columns_notices(
    tmp_path: Path, kind: Any, test: str, message: str, also: set[str]
) -> None:
    class Broken(Columns):
        pass

    Broken.kind = kind
    fails(Broken, tmp_path, test, message, also)
