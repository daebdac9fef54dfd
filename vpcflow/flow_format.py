"""FlowFormat: the fields of a line, in order; how a format is written, and how it is recognised.

A custom format may list any fields in any order, and its lines do not name them: only the header
line of a file, or the flow log's own LogFormat, tells the order for certain (AWS: "Flow log
records", Amazon VPC User Guide). So a format is taken from whoever states it, is assumed only where
the lines leave one default, and is refused otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice, takewhile
from typing import Literal, Self

from attrs import field, frozen

from vpcflow.errors import FormatError, UsageError, nearest, printable
from vpcflow.fields import FIELDS, Field, text_field

SAMPLE_LINES = 100
"""How many non-blank lines an assumption rests on."""

HOW_TO_GIVE_A_FORMAT = (
    'give the order of the fields, format="${version} ${account-id} ..." '
    "(on the command line --format); AWS prints it with "
    "`aws ec2 describe-flow-logs --query 'FlowLogs[].LogFormat'`"
)

_BOM = b"\xef\xbb\xbf"
_BY_LETTERS = {f.aws_name.replace("-", ""): f.aws_name for f in FIELDS.values()}
_TOKEN = re.compile(rb"[^ \t]+")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_DEFAULT = tuple(f for f in FIELDS.values() if f.version == 2)
_TRANSIT_GATEWAY = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
    "tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id "
    "tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr "
    "srcport dstport protocol packets bytes start end log-status type packets-lost-no-route "
    "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
    "flow-direction pkt-src-aws-service pkt-dst-aws-service"
)


def _in_order(fields: Iterable[Field]) -> tuple[Field, ...]:
    return tuple(fields)


@frozen(repr=False)
class FlowFormat:
    """The fields of a record in the order of its line.

    Raises UsageError for no field at all, or one field twice.
    """

    fields: tuple[Field, ...] = field(converter=_in_order)

    def __attrs_post_init__(self) -> None:
        if not self.fields:
            raise UsageError("a format needs at least one field", hint=HOW_TO_GIVE_A_FORMAT)
        if twice := _twice(self.names):
            raise UsageError(f"the format names a field twice: {twice}")

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in line order."""
        return tuple(f.name for f in self.fields)

    @property
    def version(self) -> int:
        """What AWS writes into the `version` field of such a record: the highest version among
        its fields (0 if it knows none of them)."""
        return max(f.version for f in self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __str__(self) -> str:
        """AWS's form, `${version} ${account-id} ...`, as CreateFlowLogs takes it."""
        return " ".join(f"${{{f.aws_name}}}" for f in self.fields)

    def __repr__(self) -> str:
        return f"FlowFormat.parse({str(self)!r})"

    @classmethod
    def default(cls) -> Self:
        """The 14 fields that AWS writes for a VPC flow log without a custom format (version 2)."""
        return cls(_DEFAULT)

    @classmethod
    def transit_gateway(cls) -> Self:
        """The 36 fields of a transit gateway flow log without a custom format (version 6)."""
        return cls.parse(_TRANSIT_GATEWAY)

    @classmethod
    def parse(cls, text: str, *, unknown: Literal["error", "text"] = "error") -> Self:
        """A format as people write it: `${version} ${srcaddr}`, or the bare names, with `-` or `_`.

        unknown: what to do with a name that AWS does not use: "error", or "text" to read that
        field as a text column. Raises UsageError for an empty string, an unknown name (the text
        gives the nearest), or a name twice.
        """
        if unknown not in ("error", "text"):
            raise UsageError(f'unknown={unknown!r}: it is "error" or "text"')
        names = [_bare(token) for token in text.split()]
        return cls(
            _named(name) or _unknown(name, position, len(names), allowed=unknown == "text")
            for position, name in enumerate(names, start=1)
        )

    @classmethod
    def from_header(cls, line: str | bytes, *, source: str | None = None) -> Self:
        """The format that a header line states; names that AWS did not use so far become text.

        source: the file's name, for the error. Raises FormatError if the line is no header, or
        names a field twice.
        """
        if isinstance(line, str):
            line = line.encode("utf-8", "surrogatepass")
        if not is_header(line):
            why = "not a header line: a header holds field names only, among them one of AWS's"
            raise FormatError(why, source=source, line=line, hint=HOW_TO_GIVE_A_FORMAT)
        names = [token.decode() for token in tokens(line)]
        fields = [_named(name) or text_field(name) for name in names]
        if twice := _twice(f.name for f in fields):
            why = f"the header line names a field twice: {twice}"
            raise FormatError(why, source=source, line=line, hint="mend the header line")
        return cls(fields)


def coerce(value: object) -> FlowFormat | None:
    """A `format=` argument as a FlowFormat: a format, a format string, or the name of one of the
    defaults, "default" and "transit-gateway". Raises UsageError for anything else."""
    if value is None or isinstance(value, FlowFormat):
        return value
    if not isinstance(value, str):
        given = type(value).__name__
        raise UsageError(f"format= takes a FlowFormat or a string, not {given}")
    if value == "default":
        return FlowFormat.default()
    if value == "transit-gateway":
        return FlowFormat.transit_gateway()
    return FlowFormat.parse(value)


def tokens(line: bytes) -> list[bytes]:
    """The fields of a line: blanks and tabs separate, in runs; the line's end (with or without a
    carriage return) and a byte-order mark before its start do not count."""
    line = line.removesuffix(b"\n").removesuffix(b"\r").removeprefix(_BOM)
    return _TOKEN.findall(line)


def is_header(line: bytes) -> bool:
    """Whether the line holds field names, not values: all its tokens look like names, and at least
    one is a field of AWS's."""
    return _holds_names(tokens(line))


def _holds_names(line: Iterable[bytes]) -> bool:
    names = [token.decode("latin-1") for token in line]
    return all(map(_NAME.fullmatch, names)) and any(map(_named, names))


def recognise(
    lines: Sequence[bytes],
    *,
    source: str,
    given: FlowFormat | None,
    container: FlowFormat | None = None,
    strict: bool = False,
) -> tuple[FlowFormat | None, str]:
    """The format of a text by its first lines, and who says so.

    lines: the first lines, whole ones; at least 100 that are not blank, or all there are.
    given: by the caller. container: by where the lines come from, such as DescribeFlowLogs.
    Returns the format with "given", "header", "container" or "assumed", in this order of
    precedence; without any line but blank ones (None, "") if nobody states a format.
    Raises FormatError if the header line disagrees with the given format, and if the format would
    have to be assumed although `strict` or against the evidence (see `assume`).
    """
    first = next(filter(tokens, lines), None)
    header = None
    if first is not None and is_header(first):
        header = FlowFormat.from_header(first, source=source)
        if given is not None and given.names != header.names:
            raise _contradiction(header, given, source, first)
    for fmt, said_by in ((given, "given"), (header, "header"), (container, "container")):
        if fmt is not None:
            return fmt, said_by
    if first is None:
        return None, ""
    if strict:
        why = 'there is no header line, and format="strict" assumes nothing'
        raise FormatError(why, source=source, line=first, hint=HOW_TO_GIVE_A_FORMAT)
    return assume(lines, source), "assumed"


def assume(lines: Sequence[bytes], source: str) -> FlowFormat:
    """The default format that the lines are in, where nobody states one.

    Looks at the first 100 lines that are not blank (up to a header line, which speaks for itself).
    All must have the number of fields of the VPC or the transit gateway default, and at least one
    must fit it field by field. Otherwise raises FormatError: a format taken wrongly would put
    every value into the wrong column.
    """
    sample = _sample(lines)
    candidates = (FlowFormat.default(), FlowFormat.transit_gateway())
    for fmt in candidates:
        if _fit(fmt, sample.values()):
            return fmt
    why, number = _why_not(sample, *candidates)
    hint = HOW_TO_GIVE_A_FORMAT
    if likely := _likely(sample.values()):
        name, fmt = likely
        why += f". The values would fit {name}"
        hint += f'. If AWS prints that order, it is format="{fmt}"'
    line = lines[number - 1] if number else None
    raise FormatError(f"the format is not known: {why}", source=source, line=line, hint=hint)


def _fit(fmt: FlowFormat, sample: Collection[list[bytes]]) -> bool:
    """Whether all lines have the format's number of fields, and one fits it field by field."""
    as_long = all(len(line) == len(fmt) for line in sample)
    return as_long and any(misfit(fmt, line) is None for line in sample)


def _sample(lines: Sequence[bytes]) -> dict[int, list[bytes]]:
    """The tokens of the lines that an assumption rests on, by line number."""
    numbered = ((number, tokens(line)) for number, line in enumerate(lines, start=1))
    not_blank = ((number, line) for number, line in numbered if line)
    before_a_header = takewhile(lambda item: not _holds_names(item[1]), not_blank)
    return dict(islice(before_a_header, SAMPLE_LINES))


def misfit(fmt: FlowFormat, line: Sequence[bytes]) -> str | None:
    """What shows that the line (its tokens) is not in this format, in words; None if it may be."""
    from vpcflow.shapes import misfit as misfit_of  # only evidence for an assumption needs it

    if len(line) != len(fmt):
        return f"it has {_fields(len(line))}, not {len(fmt)}"
    for position, (one, token) in enumerate(zip(fmt.fields, line, strict=True), start=1):
        if one.name == "version" and token != b"%d" % fmt.version:
            expected: str | None = f"{fmt.version} (AWS writes the highest version of the fields)"
        else:
            expected = misfit_of(one, token)
        if expected is not None:
            seen = printable(token, 60)
            return f"field {position} ({one.aws_name}) is '{seen}' where {expected} belongs"
    return None


def _why_not(
    sample: dict[int, list[bytes]], vpc: FlowFormat, gateway: FlowFormat
) -> tuple[str, int]:
    """Why neither default can be assumed, and the number of the line that shows it (0: none)."""
    if not sample:
        return "there is no line to tell it from", 0
    first, line = next(iter(sample.items()))
    if spelt := _header_in_other_words(line):
        return f"line {first} looks like a header, but not like AWS's: {spelt}", first
    seen = f"no header line, and line {first} has {_fields(len(line))}"
    defaults = f"the VPC default has {len(vpc)}, the transit gateway default {len(gateway)}"
    for number, other in sample.items():
        if len(other) != len(line):
            return f"{seen}, but line {number} has {len(other)} ({defaults})", number
    if len(line) not in (len(vpc), len(gateway)):
        return f"{seen} ({defaults})", first
    fmt, name = (vpc, "VPC") if len(line) == len(vpc) else (gateway, "transit gateway")
    others = f", nor do the {len(sample) - 1} lines after it" if len(sample) > 1 else ""
    why = f"{seen} like the {name} default, but does not fit it{others}: {misfit(fmt, line)}"
    return why, first


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _header_in_other_words(first: list[bytes]) -> str | None:
    """What keeps a line of field names from being a header, such as srcAddr; None if it is none."""
    words = re.findall(r"[A-Za-z][A-Za-z0-9_-]*", b" ".join(first).decode("latin-1"))
    meant = {word: _BY_LETTERS.get(re.sub("[_-]", "", word).lower()) for word in words}
    if 2 * sum(name is not None for name in meant.values()) <= len(meant):
        return None
    for word, name in meant.items():
        if name is not None and _named(word) is None:
            return f"'{word}' stands where AWS writes '{name}'"
    return "something other than blanks stands between its names"


def _likely(sample: Collection[list[bytes]]) -> tuple[str, FlowFormat] | None:
    """A format that people often choose and that the sample fits as it would have to fit a default,
    with its name: all fields up to a version, in AWS's order or alphabetical as in the console."""
    vpc = [f for f in FIELDS.values() if f.version != 6]
    for version in sorted({f.version for f in vpc}):
        fields = [f for f in vpc if f.version <= version]
        in_alphabetical_order = sorted(fields, key=lambda f: f.aws_name)
        for chosen, order in ((fields, "AWS's"), (in_alphabetical_order, "alphabetical")):
            fmt = FlowFormat(chosen)
            if _fit(fmt, sample):
                return f"all fields up to version {version} in {order} order", fmt
    return None


def _contradiction(header: FlowFormat, given: FlowFormat, source: str, line: bytes) -> FormatError:
    pairs = zip(header.names, given.names, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(header), len(given)))
    states = [
        f"{whose} has {fmt.fields[same].aws_name}" if same < len(fmt) else f"{whose} ends before it"
        for whose, fmt in (("the header", header), ("the given format", given))
    ]
    return FormatError(
        f"the header line ({len(header)} fields) disagrees with the given format "
        f"({len(given)} fields) at field {same + 1}: {', '.join(states)}",
        source=source,
        line=line,
        hint="leave format= out, and the header decides; or give the format that it states",
    )


def _bare(token: str) -> str:
    return token[2:-1] if token.startswith("${") and token.endswith("}") else token


def _named(name: str) -> Field | None:
    return FIELDS.get(name.replace("-", "_"))


def _unknown(name: str, position: int, count: int, *, allowed: bool) -> Field:
    if allowed and _NAME.fullmatch(name):
        return text_field(name)
    meant = nearest(name, (f.aws_name for f in FIELDS.values()))
    guess = f"; the nearest that AWS uses is '{meant}'" if meant else ""
    hint = "`vpcflow fields` lists the names"
    if "," in name:
        hint = "separate the names by blanks, not by commas"
    elif _NAME.fullmatch(name):
        hint += '; FlowFormat.parse(..., unknown="text") reads an unknown field as text'
    raise UsageError(
        f"unknown field '{printable(name, 60)}' at position {position} of {count}{guess}", hint=hint
    )


def _twice(names: Iterable[str]) -> str:
    """The names that occur more than once, for an error text; empty if there is none."""
    return ", ".join(name for name, times in Counter(names).items() if times > 1)
