"""One source at a time: opened, its format found, and read to batches from any line on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, frozen

from vpcflow.batch import COUNTS, FlowBatch
from vpcflow.columns import HEADER, OK, Decoder, Settings, format_at
from vpcflow.errors import ContainerError, FormatError
from vpcflow.fields import Field
from vpcflow.flow_format import FlowFormat, recognise

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

    from vpcflow.containers import Lines
    from vpcflow.containers.contract import ColumnContainer
    from vpcflow.containers.recognise import Others
    from vpcflow.source_files import SourceFile
    from vpcflow.stream import Progress


@frozen
class Position:
    """Where in a source reading goes on: the number of a line (from 1; of a row in a file of
    columns), the format that the lines before it were in, and how many bytes of the source, as
    stored, had been read for them."""

    line: int = 1
    format: FlowFormat | None = None
    known_by: str = ""
    bytes: int = 0


@frozen
class Target:
    """What batches are to look like, and what is shared while making them. rows: records in a
    batch, about. goes_on: whoever reads comes back for a source that breaks off (a network): a line
    that was begun is no rejected one then, but the place to go on."""

    schema: tuple[Field, ...]
    settings: Settings
    pool: CapsuleType
    progress: Progress
    rows: int
    goes_on: bool = False


class Opened(Protocol):
    """A source whose format has been found (None: it holds nothing but blank lines)."""

    format: FlowFormat | None
    known_by: str

    def batches(self, target: Target, at: Position) -> Iterator[FlowBatch]:
        """Its batches from a position on. Raises ContainerError for damage, after what could be
        read, and FormatError for a field that is not in the schema. Says in `bytes_in` how far the
        source has been read."""
        ...

    def close(self) -> None: ...


def open_source(file: SourceFile, settings: Settings, others: Others) -> Opened:
    """Open a source and find its format. others: gives the containers of plugins.

    Raises InputError for a source that cannot be opened or whose format cannot be known.
    """
    from vpcflow.containers import Lines, open_container

    contents = open_container(file.open(), source=file.name, others=others)
    if not isinstance(contents, Lines):
        return _ColumnFile(file, contents.container, contents.container.format(file))
    try:
        fmt, known_by = _format_of(contents, file, settings)
        return _LineFile(file, contents, fmt, known_by)
    except BaseException:
        contents.close()
        raise


def _format_of(lines: Lines, file: SourceFile, settings: Settings) -> tuple[FlowFormat | None, str]:
    stated: FlowFormat | None = getattr(file, "format", None)
    size = 1 << 16
    while True:
        head = lines.head(size)
        ended = len(head) < size
        if ended and lines.damaged:  # what is left of the line where the damage is says nothing
            head = head[: head.rfind(b"\n") + 1]
        found = format_at(head, ended, settings, file.name, stated)
        if found is not None:
            return found
        size *= 8


@define
class _LineFile:
    """Lines, in whatever containers."""

    file: SourceFile
    lines: Lines
    format: FlowFormat | None
    known_by: str

    def batches(self, target: Target, at: Position) -> Iterator[FlowBatch]:
        """Blocks of lines through one decoder; a header with other fields begins another."""
        lines, progress = self.lines, target.progress
        fmt, known_by = (at.format, at.known_by) if at.line > 1 else (self.format, self.known_by)
        blocks = lines.in_place()
        decoder, rest = self._decoder_at(at, fmt, known_by, target, blocks)
        damage = None
        read = 0
        try:
            for block in _with_rest(rest, blocks):
                start = 0
                while start < len(block):
                    status, taken = decoder.feed(block, start)
                    start += taken
                    if status == OK:
                        continue
                    yield self._taken(decoder)
                    if status == HEADER:
                        decoder = self._next_decoder(decoder, target, bytes(block[start:]))
                progress.bytes_read(lines.bytes_in - read)
                read = lines.bytes_in
        except ContainerError as error:
            damage = error
        progress.bytes_read(lines.bytes_in - read)
        if damage is not None and damage.container == "stream" and target.goes_on:
            yield self._taken(decoder)
            raise damage
        while status := decoder.finish(damaged=damage is not None):
            yield self._taken(decoder)
            if status == HEADER:
                decoder = self._next_decoder(decoder, target, b"")
        yield self._taken(decoder)
        if damage is not None:
            raise damage

    def _taken(self, decoder: Decoder) -> FlowBatch:
        batch = decoder.take()
        batch.bytes_in = self.lines.bytes_in
        return batch

    def _decoder_at(
        self,
        at: Position,
        fmt: FlowFormat | None,
        known_by: str,
        target: Target,
        blocks: Iterator[Any],
    ) -> tuple[Decoder, bytes]:
        """A decoder for what begins at a position, after the blocks before it, and the rest of the
        block that the position lies in. Raises ContainerError for damage before it: what is behind
        the position has not been reached then."""
        offset, missing, rest = 0, at.line - 1, b""
        while missing:
            block = next(blocks, None)
            if block is None:
                break
            passed, cut = _lines_of(bytes(block), missing)
            missing -= passed
            offset += cut
            rest = bytes(block[cut:])
        return self._decoder(fmt, known_by, target, offset, at.line - missing), rest

    def _decoder(
        self, fmt: FlowFormat | None, known_by: str, target: Target, offset: int, line: int
    ) -> Decoder:
        if fmt is not None:
            check_schema(fmt, target, self.file)
        return Decoder(
            format=fmt,
            format_source=known_by,
            schema=target.schema,
            settings=target.settings,
            source=self.file.name,
            pool=target.pool,
            max_rows=target.rows,
            offset=offset,
            line=line,
        )

    def _next_decoder(self, decoder: Decoder, target: Target, rest: bytes) -> Decoder:
        """A header with other fields: the decoder for what follows, fed with what it has begun."""
        line = decoder.begun_and(rest)
        fmt, known_by = recognise([line], source=self.file.name, given=target.settings.format)
        assert fmt is not None  # the line is a header
        _, offset, number, begun = decoder.position()
        following = self._decoder(fmt, known_by, target, offset, number)
        following.feed(begun)
        return following

    def close(self) -> None:
        self.lines.close()


def _with_rest(rest: bytes, blocks: Iterator[Any]) -> Iterator[Any]:
    if rest:
        yield rest
    yield from blocks


def _lines_of(block: bytes, wanted: int) -> tuple[int, int]:
    """How many lines end in `block`, at most `wanted`, and the bytes that they take."""
    count = block.count(b"\n")
    if count < wanted:
        return count, len(block)
    end = 0
    for _ in range(wanted):
        end = block.index(b"\n", end) + 1
    return wanted, end


@define
class _ColumnFile:
    """Columns already, such as Parquet; read in ranges by its container."""

    file: SourceFile
    container: ColumnContainer
    format: FlowFormat | None
    known_by: str = "header"  # the file names its columns itself

    def batches(self, target: Target, at: Position) -> Iterator[FlowBatch]:
        from vpcflow.conform import Conform

        assert self.format is not None
        check_schema(self.format, target, self.file)
        names = [column.name for column in target.schema]
        wanted = [*names, *({"log_status"} - set(names))]  # to count NODATA and SKIPDATA
        conform = Conform(target.schema, target.settings.text)
        row, read = at.line, 0
        settings = target.settings
        for found in self.container.batches(self.file, wanted, settings.where, at.line - 1):
            row += found.rows
            handle, nodata, skipdata = conform.batch(found.data)
            records = found.data.num_rows
            counts = dict.fromkeys(COUNTS, 0) | {
                "lines": found.rows,
                "records": records,
                "filtered": found.rows - records,
                "nodata": nodata,
                "skipdata": skipdata,
            }
            target.progress.bytes_read(found.bytes_in)
            read += found.bytes_in
            batch = FlowBatch(
                handle,
                format=self.format,
                format_source=self.known_by,
                counts=counts,
                source=self.file.name,
                next_line=row,
            )
            batch.bytes_in = read
            yield batch

    def close(self) -> None:
        pass


def check_schema(fmt: FlowFormat, target: Target, file: SourceFile) -> None:
    """A stream has one schema: with `columns=` other fields are left out, without it none may be
    new. Raises FormatError."""
    if target.settings.columns is not None:
        return
    have = {column.name for column in target.schema}
    new = [column.name for column in fmt.fields if column.name not in have]
    if new:
        both = [*(column.name for column in target.schema), *new]
        raise FormatError(
            f"field {new[0]!r} appears here for the first time, after the stream's columns "
            "were fixed by the first lines of its sources",
            source=file.name,
            hint=f"columns={both!r} takes both",
        )
