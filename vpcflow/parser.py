"""Text in memory: `parse` for all of it at once, `FlowParser` for a text that comes in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpcflow.batch import FlowBatch
from vpcflow.columns import (
    HEADER,
    OK,
    SAMPLED_BYTES,
    Decoder,
    OnError,
    Settings,
    Text,
    format_at,
    schema_of,
)
from vpcflow.errors import UsageError
from vpcflow.flow_format import FlowFormat
from vpcflow.where import Where

if TYPE_CHECKING:
    from typing_extensions import Buffer


def parse(
    data: Buffer,
    *,
    format: FlowFormat | str | None = None,
    columns: Sequence[str] | None = None,
    where: Where | None = None,
    text: Text = "view",
    on_error: OnError = "collect",
) -> FlowBatch:
    """Lines of flow log records in memory, as one batch.

    data: bytes, memoryview, mmap, or any other buffer of plain log lines.
    format: a FlowFormat, AWS's format string, "default" or "transit-gateway"; without it a header
        line says, or one of the two defaults is assumed on evidence. "strict" refuses to assume.
    columns: names of the columns to decode, in this order; all of the format otherwise.
    where: conditions on columns, see `vpcflow.where`; lines that fail them are counted as filtered.
    text: "view": repeated texts as dictionaries, others as string_view into `data` if that is
        read-only; "utf8": plain utf8; "dictionary": all texts as dictionaries.
    on_error: "collect" bad lines (the first 1,000, and all counted), "skip" (counted only), or
        "raise" on the first.

    Raises FormatError when the format cannot be known or changes on the way, RecordError with
    on_error="raise", UsageError for wrong arguments.
    """
    settings = Settings.of(format, columns, where, text, on_error)
    view = memoryview(data)
    if not view.readonly or not view.c_contiguous:
        view = memoryview(view.tobytes())
    view = view.cast("B")
    decoder = _decoder_for(view, settings)
    direct = settings.text == "view"
    status, taken = decoder.feed(view, direct=direct)
    if status == OK:
        status = decoder.finish()
    if status == HEADER:
        raise decoder.second_header(bytes(view[taken : taken + SAMPLED_BYTES]))
    return decoder.take(view if direct else None)


def _decoder_for(view: memoryview, settings: Settings) -> Decoder:
    size = 1 << 16
    found = None
    while found is None:
        found = format_at(bytes(view[:size]), size >= view.nbytes, settings, "<data>")
        size *= 8
    return _decoder_of(*found, settings, "<data>")


def _decoder_of(fmt: FlowFormat | None, known_by: str, settings: Settings, source: str) -> Decoder:
    """A decoder for one batch after another, of any size. Without a format it can only count."""
    schema = schema_of([fmt] if fmt else [], settings)
    return Decoder(fmt, known_by, schema, settings, source)


class FlowParser:
    """A parser that is fed: any way of cutting a text into chunks gives the same records.

    Until the format is known (by `format=`, a header line, or the first 100 lines) batches are
    empty and have no columns but those of `columns=`. Chunks are copied as far as needed: their
    buffers may be reused at once. Line numbers and offsets count from the first byte fed.

    The arguments are those of `vpcflow.parse`.
    """

    def __init__(
        self,
        format: FlowFormat | str | None = None,
        *,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
        text: Text = "view",
        on_error: OnError = "collect",
    ) -> None:
        self._settings = Settings.of(format, columns, where, text, on_error)
        self._head = bytearray()  # what came before the format was known
        self._decoder: Decoder | None = None
        self._finished = False

    def feed(self, chunk: Buffer) -> FlowBatch:
        """The records of the lines that `chunk` completes. Raises FormatError when the format
        cannot be known, or a header with other fields follows."""
        self._refuse_more()
        if self._decoder is not None:
            return self._take(self._decoder, chunk)
        self._head += chunk
        found = format_at(bytes(self._head), False, self._settings, "<fed>")
        if found is None or found[0] is None:
            return self._counting().take()
        return self._begin(*found)

    def finish(self) -> FlowBatch:
        """The records of what is left: a last line without a newline, or all, if the format was not
        known before."""
        self._refuse_more()
        self._finished = True
        if self._decoder is not None:
            return self._take(self._decoder, b"", ended=True)
        found = format_at(bytes(self._head), True, self._settings, "<fed>")
        assert found is not None  # at the end, the format is known or refused
        return self._begin(*found, ended=True)

    def _begin(self, fmt: FlowFormat | None, known_by: str, *, ended: bool = False) -> FlowBatch:
        head, self._head = bytes(self._head), bytearray()
        self._decoder = _decoder_of(fmt, known_by, self._settings, "<fed>")
        return self._take(self._decoder, head, ended=ended)

    def _take(self, decoder: Decoder, chunk: Buffer, *, ended: bool = False) -> FlowBatch:
        status, taken = decoder.feed(chunk)
        if status == OK and ended:
            status = decoder.finish()
        if status == HEADER:
            raise decoder.second_header(bytes(memoryview(chunk)[taken:]))
        return decoder.take()

    def _counting(self) -> Decoder:
        return _decoder_of(None, "", self._settings, "<fed>")

    def _refuse_more(self) -> None:
        if self._finished:
            raise UsageError("this FlowParser has finished", hint="make a new one for more data")
