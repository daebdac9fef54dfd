"""Flow-log text for tests: realistic lines of any format, and ways to spoil them.

Bulk comes from a seeded `random.Random` (quick, repeatable); what makes a case special - formats,
spoilt values, edits, endings - is drawn by hypothesis, so that it shrinks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat

BOM = b"\xef\xbb\xbf"
DEFAULT_LINE = (
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    b"1418530010 1418530070 ACCEPT OK"
)
NODATA_LINE = b"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
SKIPDATA_LINE = (
    b"2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"
)
SMALL_FORMAT = FlowFormat.parse("interface-id srcaddr dstport bytes start action")
EVERY_FIELD = FlowFormat(tuple(FIELDS.values()))

# Realistic values

HEX = "0123456789abcdef"
ID_PREFIXES = {
    "interface_id": "eni",
    "vpc_id": "vpc",
    "subnet_id": "subnet",
    "instance_id": "i",
    "resource_id": "nat",
}
NAMES = {
    "region": ["us-east-1", "eu-central-1", "ap-southeast-2"],
    "az_id": ["use1-az1", "euc1-az2"],
    "type": ["IPv4", "IPv6", "EFA"],
    "flow_direction": ["ingress", "egress"],
    "sublocation_type": ["wavelength", "outpost", "localzone"],
    "pkt_src_aws_service": ["S3", "AMAZON", "ROUTE53_HEALTHCHECKS_PUBLISHING", "-"],
    "pkt_dst_aws_service": ["EC2", "DYNAMODB", "-"],
    "reject_reason": ["BPA", "EC", "-"],
    "resource_type": ["TransitGateway", "TransitGatewayAttachment"],
}
TAGS = ["web", "caf%C3%A9", "prod%2Deu", "a%20b", "%E6%97%A5%E6%9C%AC", "100%25", "-"]


def hexadecimal(rng: Random, digits: int) -> str:
    return "".join(rng.choices(HEX, k=digits))


def address(rng: Random) -> str:
    if rng.random() < 0.8:
        private = f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}"
        return private if rng.random() < 0.7 else ".".join(str(rng.randrange(256)) for _ in "1234")
    if rng.random() < 0.3:
        return rng.choice(["::1", "::", "fe80::1", "2001:db8::8a2e:370:7334", "::ffff:10.1.2.3"])
    return ":".join(f"{rng.randrange(65536):x}" for _ in range(8))


def count(rng: Random) -> str:
    return str(rng.randrange(10 ** rng.randrange(1, 13)))


def realistic(rng: Random, field: Field) -> bytes:
    """A value as AWS writes it in this field."""
    if field.name in NAMES:
        return rng.choice(NAMES[field.name]).encode()
    if field.kind in REALISTIC:
        return REALISTIC[field.kind](rng).encode()
    if field.kind == "id":
        prefix = ID_PREFIXES.get(field.name, field.name.split("_")[-1])
        return f"{prefix}-{hexadecimal(rng, rng.choice([8, 17, 17, 17]))}".encode()
    if field.type != "utf8":
        return str(rng.randrange(9)).encode()
    long = (
        f"arn:aws:ecs:us-east-1:012345678901:{field.name}/{hexadecimal(rng, rng.choice([4, 32]))}"
    )
    return rng.choice(["-", field.name.upper(), long]).encode()


REALISTIC: dict[str, Callable[[Random], str]] = {
    "version": lambda rng: rng.choice(["2", "3", "5", "11"]),
    "account": lambda rng: rng.choice(["123456789010", "000123456789", "unknown"]),
    "address": address,
    "port": lambda rng: str(rng.choice([0, 22, 53, 443, 8080, rng.randrange(65536)])),
    "protocol": lambda rng: rng.choice(["6", "6", "17", "1", "58", "255"]),
    "count": count,
    "time": lambda rng: str(1_700_000_000 + rng.randrange(10**7)) + "000" * (rng.random() < 0.02),
    "action": lambda rng: rng.choice(["ACCEPT", "ACCEPT", "REJECT"]),
    "status": lambda rng: rng.choice(["OK"] * 18 + ["NODATA", "SKIPDATA"]),
    "flags": lambda rng: rng.choice(["0", "2", "18", "19", "3", "-"]),
    "tag": lambda rng: rng.choice(TAGS),
}


def record(rng: Random, format: FlowFormat) -> bytes:
    """One line, without its newline."""
    if "log_status" in format.names and rng.random() < 0.03:
        keep = {"version", "account_id", "interface_id", "start", "end"}
        status = rng.choice([b"NODATA", b"SKIPDATA"])
        values = [realistic(rng, f) if f.name in keep else b"-" for f in format.fields]
        values[format.names.index("log_status")] = status
        return b" ".join(values)
    return b" ".join(realistic(rng, f) for f in format.fields)


def records(seed: int, format: FlowFormat, lines: int) -> list[bytes]:
    rng = Random(seed)
    return [record(rng, format) for _ in range(lines)]


def header(format: FlowFormat, *, underscores: bool = False) -> bytes:
    names = format.names if underscores else [f.aws_name for f in format.fields]
    return " ".join(names).encode()


def text(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


# Spoilt values: any of them may stand in any field

NUMBERS = (
    b"0", b"00", b"000", b"010", b"007", b"+6", b"-6", b"-0", b"6.0", b"6.", b"1e3", b"0x1f",
    b"0b1", b"1_000", b"1,000", b"6-", b"255", b"256", b"65535", b"65536", b"99999",
    b"2147483647", b"2147483648", b"4294967295", b"4294967296", b"4294967302",
    b"9223372036854775807", b"9223372036854775808", b"9999999999999999999",
    b"18446744073709551615", b"18446744073709551616", b"18446744073709551622", b"1"*40, b"9"*300,
    b"0"*40+b"6", b"100000000", b"999999999", b"1700000000", b"17000000000", b"170000000000",
    b"1700000000000", b"17000000000000", b"0170000000", b"0000000000000", b"9999999999",
    b"9999999999999", b"17000O0000", "\uff16".encode(), "\u0661".encode(), b"1/", b"1:", b"/1",
    b":1", b"12345678:", b"NaN", b"null", b"None", b"inf",
)  # fmt: skip
TEXTS = (
    b"-", b"--", b"-x", b"\x00", b"6\x00", b"\x006", b"a\x00b", b"\x0b", b"\x0c", b"6\x0b",
    b"\x1c", b"\x1f", b"\x7f", b"\x80", b"\x85", b"\xa0", b"\xff", b"\xfe\xff", "\u00a0".encode(),
    "\u0085".encode(), "\u2028".encode(), "café".encode(), "日本".encode(), "💩".encode(),
    "\ufeff".encode(), "\U0010ffff".encode(), b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80",
    b"\xc2\x80", b"\xdf\xbf", b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80",
    b"\xef\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf", b"\xc3\x28", b"\xe2\x28\xa1", b"\xe2\x82\x28", b"\xf0\x28\x8c\xbc",
    b"\xf0\x90\x28\xbc", b"\xf0\x90\x8c\x28", b"\xf8\x88\x80\x80\x80", b"ok\xf0\x9f\x92\xa9ok",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\xf0\x9f\x92",
    b"\xc3", b"x\xc3", b"\xa9x", b"a\rb", b"\r", b"\rx", b"\\n", b"\\", b'"a"', b"'", b",", b"#",
    b"{", b"<b>", b"$(id)", b"../..", b"=1+1", b"\x1b[31m", b"ACCEP", b"ACCEPTX", b"accept",
    b"NODAT", b"NODATA", b"SKIPDATA", b"NODATAX", b"unknown", b"action", b"version", b"start",
    b"ok", b"010.0.0.1", b"10.0.0.256", b"10.0.0", b"::ffff:10.0.0.1", b"fe80::1%eth0",
    b"1::2::3", b"fd12:3456:789a:bcde:f012:3456:789a:bcde",
)  # fmt: skip
PERCENT = (
    b"%", b"%2", b"%2G", b"%G2", b"%%", b"%%2D", b"%2D", b"%2d", b"%C3%A9", b"caf%C3%A9", b"%c3",
    b"%ff", b"%00", b"100%", b"100%25", b"%252D", b"%u00e9", b"a%20b+c", b"%ED%A0%80", b"%C3\xa9",
    b"\xc3%A9", b"%-1", b"%\xc3\xa9", b"%E2%82", b"%0", b"%+1", b"%0x",
)  # fmt: skip
LENGTHS = (1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 300)
LONG = tuple(
    value
    for n in LENGTHS
    for value in (
        b"v" * n,
        b"v" * (n - 1) + b"w",
        b"w" + b"v" * (n - 1),
        b"v" * (n // 2) + b"w" * n,
    )
)
SPOILT = tuple(dict.fromkeys(NUMBERS + TEXTS + PERCENT + LONG))

# Edits: what may happen to a whole line. (line, format, number) -> line; the number picks the spot.


def _at_blank(separator: bytes) -> Callable[[bytes, FlowFormat, int], bytes]:
    def edit(line: bytes, format: FlowFormat, number: int) -> bytes:
        tokens = line.split(b" ")
        spot = number % len(tokens)
        return b" ".join(tokens[:spot]) + separator + b" ".join(tokens[spot:])

    return edit


def _replace(line: bytes, format: FlowFormat, number: int) -> bytes:
    tokens = line.split(b" ")
    tokens[number % len(tokens)] = SPOILT[number // len(tokens) % len(SPOILT)]
    return b" ".join(tokens)


def _remove(line: bytes, format: FlowFormat, number: int) -> bytes:
    tokens = line.split(b" ")
    del tokens[number % len(tokens)]
    return b" ".join(tokens)


def _insert_byte(line: bytes, format: FlowFormat, number: int) -> bytes:
    spot = number // 256 % (len(line) + 1)
    return line[:spot] + bytes([number % 256]) + line[spot:]


EDITS: dict[str, Callable[[bytes, FlowFormat, int], bytes]] = {
    "spoil a value": _replace,
    "two blanks": _at_blank(b"  "),
    "a tab": _at_blank(b"\t"),
    "tabs and blanks": _at_blank(b" \t\t "),
    "blank first": lambda line, format, number: b" \t"[: 1 + number % 2] + line,
    "blank last": lambda line, format, number: line + b" \t "[: 1 + number % 3],
    "a carriage return": lambda line, format, number: line + b"\r",
    "two carriage returns": lambda line, format, number: line + b"\r\r",
    "blank, carriage return, blank": lambda line, format, number: line + b" \r"[: 1 + number % 2],
    "one field fewer": _remove,
    "one field more": lambda line, format, number: line + b" more",
    "many fields": lambda line, format, number: line + b" 1" * (number % 600),
    "many short fields": lambda line, format, number: b"1 " * (number % 200),
    "empty": lambda line, format, number: b"",
    "only blanks": lambda line, format, number: b" \t" * (1 + number % 70),
    "only a carriage return": lambda line, format, number: b"\r",
    "all null": lambda line, format, number: b" ".join([b"-"] * len(format)),
    "all empty": lambda line, format, number: b" " * len(format),
    "header": lambda line, format, number: header(format),
    "underscore header": lambda line, format, number: header(format, underscores=True),
    "cut short": lambda line, format, number: line[: number % (len(line) + 1)],
    "a byte more": _insert_byte,
    "an early newline": lambda line, format, number: (
        line[: number % (len(line) + 1)] + b"\n" + line
    ),
    "twice in one": lambda line, format, number: line + b" " + line,
    "a byte-order mark": lambda line, format, number: BOM + line,
}


# Strategies

SEEDS = st.integers(0, 2**32 - 1)
NUMBERS_TO_PICK_WITH = st.integers(0, 2**20)


def formats(*, min_size: int = 1, max_size: int = 54) -> st.SearchStrategy[FlowFormat]:
    """Any subset of the known fields in any order: mostly small, at times everything."""
    some = st.lists(
        st.sampled_from(list(FIELDS.values())),
        unique_by=lambda field: field.name,
        min_size=min_size,
        max_size=max_size,
    ).map(lambda fields: FlowFormat(tuple(fields)))
    usual = [FlowFormat.default(), FlowFormat.transit_gateway(), SMALL_FORMAT]
    return st.one_of(st.sampled_from([f for f in usual if len(f) <= max_size]), some)


@st.composite
def documents(draw: st.DrawFn, format: FlowFormat, *, max_lines: int = 40) -> bytes:
    """Text of this format, most of it good, with or without a header line."""
    rows = records(draw(SEEDS), format, draw(st.integers(0, max_lines)))
    names = st.sampled_from([*EDITS, *["spoil a value"] * len(EDITS)])
    edit = st.tuples(NUMBERS_TO_PICK_WITH, names, NUMBERS_TO_PICK_WITH)
    for spot, name, number in draw(st.lists(edit, max_size=10)):
        if rows:
            rows[spot % len(rows)] = EDITS[name](rows[spot % len(rows)], format, number)
    start = draw(st.sampled_from([b"", b"", BOM, b"\n", b" \n\r\n"]))
    newline = draw(st.sampled_from([b"\n", b"\n", b"\r\n", b" \n"]))
    end = draw(st.sampled_from([b"\n", b"", b"\r", b"\r\n", b" ", b"\n\n", b"\n ", b"\n\r"]))
    if draw(st.booleans()):
        rows.insert(0, header(format))
    return start + newline.join(rows) + end


def projections(format: FlowFormat) -> st.SearchStrategy[list[str] | None]:
    """Some columns of the format in any order, at times one that the format has not."""
    names = st.sampled_from(list(format.names))
    chosen = st.lists(names, unique=True, min_size=1, max_size=len(format))
    return st.one_of(
        st.none(), chosen, chosen.filter(lambda c: "tgw_id" not in c).map(lambda c: [*c, "tgw_id"])
    )


@st.composite
def filters(draw: st.DrawFn, format: FlowFormat, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A `where`, made of values that occur in `rows` (records as the oracle gives them)."""
    if not rows:
        return {}
    names = draw(st.lists(st.sampled_from(list(format.names)), unique=True, max_size=3))
    return {name: draw(_wanted(FIELDS[name], [row[name] for row in rows])) for name in names}


def _wanted(field: Field, values: Sequence[Any]) -> st.SearchStrategy[Any]:
    present = [value for value in values if value is not None]
    if not present:
        return st.none()
    if field.kind == "time":
        bound = st.sampled_from(present).flatmap(_spellings_of_time)
    elif field.kind == "address":
        return _addresses(present)
    else:
        bound = st.sampled_from(present)
    several = st.lists(bound, min_size=1, max_size=4)
    if field.type == "utf8":
        return st.one_of(st.none(), bound, several)
    end = st.one_of(st.none(), bound)
    return st.one_of(st.none(), bound, several, st.tuples(end, end))


def _spellings_of_time(milliseconds: int) -> st.SearchStrategy[Any]:
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    at = at.replace(microsecond=milliseconds % 1000 * 1000)
    spellings: list[Any] = [at, at.isoformat(), at.isoformat().replace("+00:00", "Z")]
    if milliseconds % 1000 == 0:
        spellings.append(milliseconds // 1000)
    return st.sampled_from(spellings)


def _addresses(present: Sequence[str]) -> st.SearchStrategy[Any]:
    plain = [value for value in present if is_address(value)]
    usual = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32", "fe80::/10", "::1"]
    one = st.sampled_from(usual + plain)
    return st.one_of(st.none(), one, st.lists(one, min_size=1, max_size=3))


def is_address(value: str) -> bool:
    try:
        return "%" not in value and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def chunkings(length: int) -> st.SearchStrategy[list[int]]:
    """Places to cut `length` bytes at: sizes of pieces that add up to it."""

    def sizes(cuts: list[int]) -> list[int]:
        edges = [0, *sorted(cuts), length]
        return [after - before for before, after in pairwise(edges)]

    return st.lists(st.integers(0, length), max_size=20).map(sizes)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
