"""Blocks of lines to batches: settings, plans, and one decoder for each source and format.

The kernel (`_native/decoder.h`) does the work; here is its set-up.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from vpcflow import _native
from vpcflow.batch import COUNTS, FlowBatch, reasons_of
from vpcflow.errors import REASONS, FormatError, RecordError, RejectedLine, UsageError, nearest
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat, coerce, is_header, recognise, tokens
from vpcflow.where import Condition, Where, check_columns, columns_of, parse_where

if TYPE_CHECKING:
    from typing_extensions import Buffer, CapsuleType

Text = Literal["view", "utf8", "dictionary"]
OnError = Literal["collect", "skip", "raise"]

# vf_status of the kernel
OK, FULL, HEADER, _NO_MEMORY, TOO_BIG = range(5)

_INT32, _INT64, _TIME, _VIEW, _UTF8, _DICTIONARY = range(6)
_CONDITION_KINDS = {"integer": 0, "time": 1, "text": 2, "address": 3}
_KNOWN = sorted(known.aws_name.encode() for known in FIELDS.values())
_INT64_MAX = 2**63 - 1
_SAMPLED_LINES = 100
SAMPLED_BYTES = 4 << 20


@frozen
class Settings:
    """How to read: the keyword arguments of `parse`, `scan` and `FlowParser`, checked."""

    format: FlowFormat | None = None
    strict: bool = False
    columns: tuple[str, ...] | None = None
    where: tuple[Condition, ...] = ()
    text: Text = "view"
    on_error: OnError = "collect"

    @classmethod
    def of(
        cls,
        format: FlowFormat | str | None,
        columns: Sequence[str] | None,
        where: Where | None,
        text: str,
        on_error: str,
    ) -> Settings:
        """Raises UsageError for any value that is not allowed."""
        strict = format == "strict"
        if isinstance(columns, (str, bytes)):
            raise UsageError(f"columns= takes a list of names, not {columns!r}")
        return cls(
            format=coerce(None if strict else format),
            strict=strict,
            columns=None if columns is None else tuple(columns),
            where=parse_where(where),
            text=_one_of("text", text, ("view", "utf8", "dictionary")),  # type: ignore[arg-type]
            on_error=_one_of("on_error", on_error, ("collect", "skip", "raise")),  # type: ignore[arg-type]
        )


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return str(value)
    close = nearest(str(value), allowed)
    raise UsageError(
        f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}",
        hint=f"did you mean {close!r}?" if close else None,
    )


# ---- plans ---------------------------------------------------------------------------------------


def column_type(column: Field, text: Text) -> int:
    """The kernel's type for a column."""
    if column.type == "utf8":
        plain = {"view": _VIEW, "utf8": _UTF8, "dictionary": _DICTIONARY}[text]
        return _DICTIONARY if text == "view" and column.dictionary else plain
    return {"int32": _INT32, "int64": _INT64}.get(column.type, _TIME)


def make_plan(
    fmt: FlowFormat | None, schema: Sequence[Field], conditions: Sequence[Condition], text: Text
) -> CapsuleType:
    """A kernel plan: lines of `fmt` in, columns of `schema` out. Without a format the columns are
    empty: such a plan serves for its schema."""
    lines = fmt.fields if fmt else ()
    place = {named.name: i for i, named in enumerate(lines)}
    columns = [
        (
            column.name,
            column_type(column, text),
            place.get(column.name, -1),
            column.maximum or 0,
            column.kind == "tag",
        )
        for column in schema
    ]
    filters = [
        (
            _CONDITION_KINDS[condition.kind],
            place.get(condition.column, -1),
            _maximum(condition.column),
            condition.column in FIELDS and FIELDS[condition.column].kind == "tag",
            condition.null,
            list(condition.alternatives),
        )
        for condition in sorted(conditions, key=lambda c: place.get(c.column, -1))
    ]
    names = [named.aws_name.encode() for named in lines]
    return _native.plan(names, _KNOWN, columns, filters, place.get("log_status", -1))


def _maximum(column: str) -> int:
    known = FIELDS.get(column)
    return (known.maximum if known else None) or _INT64_MAX


# ---- decoders ------------------------------------------------------------------------------------


class Decoder:
    """Lines of one format and source to batches.

    schema: the columns of the batches. max_rows: when a batch is complete (about); 0: never.
    offset, line: where in the source the first byte fed stands. Without a format it only counts.
    """

    def __init__(
        self,
        format: FlowFormat | None,
        format_source: str,
        schema: Sequence[Field],
        settings: Settings,
        source: str,
        *,
        pool: CapsuleType | None = None,
        max_rows: int = 0,
        offset: int = 0,
        line: int = 1,
    ) -> None:
        self.format = format
        self.format_source = format_source
        self.settings = settings
        self.source = source
        self._handle = _native.decoder(
            make_plan(format, schema, settings.where, settings.text),
            pool,
            int.from_bytes(os.urandom(8), "little"),  # what hostile keys would have to know
            max_rows,
            settings.on_error != "skip",
            offset,
            line,
        )

    def feed(self, data: Buffer, start: int = 0, *, direct: bool = False) -> tuple[int, int]:
        """Take `data[start:]`; returns (status, bytes taken). direct: views may point into it."""
        status, taken = _native.feed(self._handle, data, start, direct)
        if status == TOO_BIG:
            raise self._too_big()
        return status, taken

    def finish(self, *, damaged: bool = False) -> int:
        """The source has ended; `FULL`: take the batch and call again."""
        status = _native.finish(self._handle, damaged)
        if status == TOO_BIG:
            raise self._too_big()
        return status

    def take(self, source: Buffer | None = None) -> FlowBatch:
        """The batch so far; the next begins. source: the object that direct views point into.

        Raises RecordError for its first bad line with `on_error="raise"`.
        """
        handle, counts, reasons, rejects = _native.take(self._handle, source)
        names = self.format.names if self.format else ()
        rejected = [
            RejectedLine(
                self.source, line, offset, REASONS[reason], names[at] if at >= 0 else None, text
            )
            for line, offset, reason, at, text in rejects
        ]
        if rejected and self.settings.on_error == "raise":
            raise RecordError(rejected[0])
        return FlowBatch(
            handle,
            format=self.format,
            format_source=self.format_source,
            counts=dict(zip(COUNTS, counts, strict=True)),
            rejected=rejected,
            rejected_by_reason=reasons_of(reasons),
            source=self.source,
            next_line=self.position()[2],
        )

    def position(self) -> tuple[int, int, int, bytes]:
        """(rows in the batch, next byte, next line, a line begun and not ended)."""
        return _native.position(self._handle)

    def _too_big(self) -> UsageError:
        return UsageError(
            f"{self.source}: a text column would pass 2 GiB in one batch",
            hint="vpcflow.scan reads it in batches of bounded size",
        )

    def begun_and(self, rest: bytes) -> bytes:
        """The next line, whole or in part: what was begun, and the rest of what was fed."""
        return (self.position()[3] + rest).split(b"\n", 1)[0]

    def second_header(self, rest: bytes) -> FormatError:
        """The error of readers that return one batch, when a header with other fields comes up."""
        line = self.begun_and(rest)
        new = FlowFormat.from_header(line, source=self.source)
        return FormatError(
            f"line {self.position()[2]} is a header with other fields than the lines before it "
            f"({len(new)} fields, {len(self.format or ())} before), and one batch has one format",
            source=self.source,
            line=line,
            hint="vpcflow.scan(data) gives a batch for each format",
        )


def is_blank(line: bytes) -> bool:
    """Whether a line holds no field."""
    return not tokens(line)


def format_at(
    head: bytes,
    ended: bool,
    settings: Settings,
    source: str,
    container: FlowFormat | None = None,
) -> tuple[FlowFormat | None, str] | None:
    """The format of a text, and how it is known; (None, "") for a text of blank lines only.

    head: how the text begins. ended: the text is no longer than that. container: what the store of
    the lines says. None: more is needed to tell.
    Raises FormatError as `recognise` does.
    """
    lines = head.split(b"\n")
    rest = lines.pop()
    if ended and rest:
        lines.append(rest)
    lines = [line for line in lines if not is_blank(line)][:_SAMPLED_LINES]
    enough = len(lines) == _SAMPLED_LINES or (
        lines and (settings.format or container or is_header(lines[0]))
    )
    if not (enough or ended or len(head) >= SAMPLED_BYTES):
        return None
    return recognise(
        lines, source=source, given=settings.format, container=container, strict=settings.strict
    )


def schema_of(formats: Iterable[FlowFormat], settings: Settings) -> tuple[Field, ...]:
    """The columns of batches: `columns=`, or the union of the formats in order of appearance.

    Raises UsageError for a column, there or in `where=`, that nothing has.
    """
    known = {field.name: field for fmt in formats for field in fmt.fields}
    check_columns((c.column for c in settings.where), known.values(), "where=")
    if settings.columns is None:
        return tuple(known.values())
    return columns_of(settings.columns, known.values())
