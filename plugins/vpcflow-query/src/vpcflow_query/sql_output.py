"""Where the rows of a statement go: a terminal, standard output, a file."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click
from attrs import define, field

from vpcflow.cli.progress import Progress
from vpcflow.cli.screen import Screen
from vpcflow.cli.text import safe_json, safe_lines
from vpcflow.errors import UsageError
from vpcflow_query.result_files import writer
from vpcflow_query.result_table import ResultTable

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow_query.running import Result

_SCREENFUL = 50
_AROUND = 10  # lines of a screen that are not rows: heading, notes, summary
_PAGE = 500


@define
class Output:
    """form: "table", "jsonl", "csv" or "parquet". limit: rows to show; 0 or None: all, but on a
    terminal None is a screenful. shown: rows that were. more: there are others."""

    form: str
    file: Path | None
    limit: int | None
    screen: Screen
    shown: int = field(init=False, default=0)
    more: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        if self.limit is None and self.form == "table" and self.screen.terminal:
            self.limit = min(max((self.screen.height or 0) - _AROUND, _AROUND), _SCREENFUL)

    @property
    def leaves_stderr_free(self) -> bool:
        """Whether a line of progress would not stand among the rows."""
        return self.form == "table" or not self.screen.terminal

    def show(self, result: Result, progress: Progress) -> None:
        """Write all rows, or the first `limit`."""
        if self.form == "table":
            self._table(result, progress)
        else:
            with self._stream() as stream:
                out = writer(self.form, stream, result.schema)
                for batch in self._limited(result):
                    out.write(batch)
                out.close()

    def _limited(self, result: Result) -> Iterator[pa.RecordBatch]:
        for batch in result:
            left = batch.num_rows if not self.limit else self.limit - self.shown
            self.more = batch.num_rows > left
            kept = batch.slice(0, left)
            self.shown += kept.num_rows
            if kept.num_rows:
                yield kept
            if self.more:
                return

    def _table(self, result: Result, progress: Progress) -> None:
        table = ResultTable(self.screen)
        with self._stream() as stream:
            for page in _pages(self._limited(result)):
                lines = table.page(page)
                progress.pause()
                stream.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
                stream.flush()
                progress.resume()
        progress.pause()

    @contextmanager
    def _stream(self) -> Iterator[BinaryIO]:
        if self.file is not None:
            with _replaced(self.file) as stream:
                yield stream
        elif self.screen.terminal:
            yield cast(BinaryIO, _Terminal(self.form))
        else:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()


def _pages(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pages of rows: a statement's batches may be small and many."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        for at in range(0, batch.num_rows, _PAGE):
            piece = batch.slice(at, _PAGE)
            waiting.append(piece)
            rows += piece.num_rows
            if rows >= _PAGE:
                yield pa.concat_batches(waiting)
                waiting, rows = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


class _Terminal(io.RawIOBase):
    """Standard output as a stream of bytes that says nothing to the terminal itself."""

    def __init__(self, form: str) -> None:
        self._form = form

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self._form == "jsonl":
            click.echo(safe_json(data), nl=False)
        elif self._form == "csv":
            click.echo(safe_lines(data.decode().replace("\r\n", "\n")), nl=False)
        else:  # a table is safe already, and may be coloured
            click.echo(data.decode(), nl=False)
        return len(data)


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when it is complete. Raises UsageError where no
    file can be made."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"--file {path} cannot be written: {error.strerror or error}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
