"""The specification of the kernel: a short, slow parser, written to be read.

Whatever the compiled kernels do, in whatever pieces they are fed, must equal what `read` returns.
It shares the tables (FIELDS, FlowFormat) and the guess at a format that nobody states (`assume`)
with the package, which have tests of their own, and none of the parsing.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import Factory, define

from vpcflow.errors import FormatError, RejectedLine
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat, assume, coerce

BOM = b"\xef\xbb\xbf"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LINE = 1 << 20
MAX_TEXT = 4096
COUNTS = ("lines", "records", "filtered", "rejected", "blank", "header", "nodata", "skipdata")
LARGEST = {"port": 65_535, "protocol": 255, "int32": 2**31 - 1, "int64": 2**63 - 1}
NAME = re.compile(rb"[a-z][a-z0-9_-]*")

Value = int | str | None  # `start` and `end`: milliseconds since 1970, UTC
Tokens = Sequence[bytes]


class BadLineError(Exception):
    """A line that cannot become a record: (reason, column or None)."""


@define
class OracleResult:
    records: list[dict[str, Value]] = Factory(list)
    rejected: list[RejectedLine] = Factory(list)
    counts: dict[str, int] = Factory(lambda: dict.fromkeys(COUNTS, 0))
    formats: list[FlowFormat] = Factory(list)
    format_source: str = ""

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        return dict(Counter(line.reason for line in self.rejected))


def read(
    data: bytes,
    format: FlowFormat | str | None = None,
    columns: Sequence[str] | None = None,
    where: Mapping[str, Any] | None = None,
    source: str = "<bytes>",
    one_format: bool = False,
) -> OracleResult:
    """All records, rejected lines and counts of `data`; FormatError if its format is not known.

    one_format: as parse() and FlowParser, whose records have one format; scan() takes several.
    """
    given = coerce(format)
    result = OracleResult(formats=[given] if given else [], format_source="given" if given else "")
    counts = result.counts
    for number, offset, line in physical_lines(data):
        counts["lines"] += 1
        tokens = split(line)
        too_long = len(line) > MAX_LINE
        if not tokens and not too_long:
            counts["blank"] += 1
            continue
        if is_header(split(line.removeprefix(BOM))) and not too_long:
            counts["header"] += 1
            use_header(result, given, line, columns)
            if one_format and len(result.formats) > 1:
                raise FormatError("a later header has other fields")
            continue
        if not result.formats:
            every = [line for _, _, line in physical_lines(data)]
            result.formats, result.format_source = [assume(every, source)], "assumed"
        try:
            if too_long:
                raise BadLineError("line-too-long", None)
            schema = result.formats[0].names if columns is None else columns
            record = decode_line(tokens, result.formats[-1], schema, where or {})
        except BadLineError as bad:
            counts["rejected"] += 1
            result.rejected.append(RejectedLine(source, number, offset, *bad.args, line[:MAX_TEXT]))
            continue
        if record is None:
            counts["filtered"] += 1
            continue
        counts["records"] += 1
        status = dict(zip(result.formats[-1].names, tokens, strict=True)).get("log_status")
        counts["nodata"] += status == b"NODATA"
        counts["skipdata"] += status == b"SKIPDATA"
        result.records.append(record)
    return result


# Lines and tokens


def physical_lines(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Line number from 1, offset of the line's first byte, the line without its newline."""
    offset = len(BOM) if data.startswith(BOM) else 0
    lines = data[offset:].split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        yield number, offset, line
        offset += len(line) + 1


def split(line: bytes) -> list[bytes]:
    """Runs of blanks and tabs separate; one carriage return at the very end is a blank too."""
    return [token for token in re.split(rb"[ \t]+", line.removesuffix(b"\r")) if token]


# Formats


def is_header(tokens: Tokens) -> bool:
    """Names only, and one of AWS's among them."""
    return all(map(NAME.fullmatch, tokens)) and any(
        token.decode().replace("-", "_") in FIELDS for token in tokens
    )


def use_header(
    result: OracleResult, given: FlowFormat | None, line: bytes, columns: Sequence[str] | None
) -> None:
    """From here on the lines have this format; one that the schema cannot take is an error."""
    format = FlowFormat.from_header(line)
    if given and format.names != given.names:
        raise FormatError("the header disagrees with the given format")
    if not result.formats:
        result.format_source = "header"
    elif columns is None and not set(format.names) <= set(result.formats[0].names):
        raise FormatError("a later header has fields that the first has not")
    if not result.formats or result.formats[-1].names != format.names:
        result.formats.append(format)


# Records


def decode_line(
    tokens: Tokens, format: FlowFormat, schema: Sequence[str], where: Mapping[str, Any]
) -> dict[str, Value] | None:
    """The record, None if `where` does not want it; raises BadLineError.

    What is not asked for is not read. Columns that `where` names come first: all are decoded before
    any of them is compared.
    """
    if len(tokens) != len(format):
        raise BadLineError(
            "too-few-fields" if len(tokens) < len(format) else "too-many-fields", None
        )
    fields = {field.name: field for field in format.fields}
    pairs = list(zip(tokens, format.fields, strict=True))
    tested = {field.name: decode(token, field) for token, field in pairs if field.name in where}
    if not all(matches(tested.get(name), fields.get(name), where[name]) for name in where):
        return None
    values = {field.name: decode(token, field) for token, field in pairs if field.name in schema}
    return {name: values.get(name) for name in schema}


def decode(token: bytes, field: Field) -> Value:
    if token == b"-":
        return None
    if field.type == "utf8":
        return decode_text(token, field)
    if not re.fullmatch(rb"0|[1-9][0-9]*", token):
        raise BadLineError("not-an-integer", field.name)
    if field.kind == "time":
        if len(token) not in (10, 13):
            raise BadLineError("out-of-range", field.name)
        return int(token) * (1000 if len(token) == 10 else 1)
    if int(token) > LARGEST.get(field.kind, LARGEST[field.type]):
        raise BadLineError("out-of-range", field.name)
    return int(token)


def decode_text(token: bytes, field: Field) -> str:
    if field.kind == "tag":
        if re.search(rb"%(?![0-9A-Fa-f]{2})", token):
            raise BadLineError("bad-percent-encoding", field.name)
        token = re.sub(rb"%(..)", lambda pair: bytes.fromhex(pair[1].decode()), token)
    try:
        return token.decode()
    except UnicodeDecodeError:
        raise BadLineError("not-utf8", field.name) from None


# where=


def matches(value: Value, field: Field | None, want: Any) -> bool:
    """None is null; a list is any of; a tuple is half-open (low, high); null matches only None."""
    if isinstance(want, list):
        return any(matches(value, field, one) for one in want)
    if want is None or value is None or field is None:
        return want is None and value is None
    if isinstance(want, tuple):
        low, high = (None if bound is None else comparable(bound, field) for bound in want)
        return (low is None or low <= value) and (high is None or value < high)
    if field.kind == "address":
        return contains(want, str(value))
    return bool(value == comparable(want, field))


def comparable(want: Any, field: Field) -> Any:
    if field.kind != "time":
        return want
    if isinstance(want, str):
        want = datetime.fromisoformat(want)
    if isinstance(want, datetime):
        return (want - EPOCH) // timedelta(milliseconds=1)
    return want * 1000


def contains(network: str, address: str) -> bool:
    """Whatever is no plain address (with a zone, or a leading zero) is in no network."""
    try:
        return "%" not in address and ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:
        return False
