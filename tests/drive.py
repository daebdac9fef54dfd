"""The program `drive` (native/drive.c) against the oracle: on any processor, under any checker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import checks
import lines
import oracle
import programs
from attrs import frozen

from vpcflow.columns import column_type
from vpcflow.errors import REASONS, FormatError
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat, coerce
from vpcflow.where import parse_where

LARGEST = 2**63 - 1
KINDS = {"integer": 0, "time": 1, "text": 2, "address": 3}


@frozen
class Case:
    """A text and how to read it. chunk: bytes fed at a time (0: all at once); max_rows: of a batch
    (0: one batch)."""

    data: bytes
    format: str
    columns: tuple[str, ...] | None = None
    where: Mapping[str, Any] | None = None
    text: str = "view"
    chunk: int = 0
    max_rows: int = 0


@frozen
class Machine:
    """How to run `drive`: the words before its path (an emulator, perhaps), and the kernel."""

    program: Path
    kernel: str
    before: tuple[str, ...] = ()

    def rows(self, case: Case, directory: Path) -> str:
        """What `drive rows` prints."""
        plan, text = directory / "plan", directory / "text"
        plan.write_text(plan_file(case))
        text.write_bytes(case.data)
        words = ("rows", self.kernel, plan, text, str(case.chunk), str(case.max_rows))
        return programs.run([*self.before, self.program, *words]).stdout


def kernels(program: Path, before: Sequence[str] = ()) -> list[str]:
    """The kernels that `drive` finds on the machine that it runs on."""
    return programs.run([*before, program, "kernels"]).stdout.split()


# Plans


def plan_file(case: Case) -> str:
    """The plan as native/plan_file.h describes it."""
    format = coerce(case.format)
    assert format is not None
    place = {field.name: i for i, field in enumerate(format.fields)}
    names = format.names if case.columns is None else case.columns
    out = [f"F {field.aws_name}" for field in format.fields]
    out += [f"K {name}" for name in sorted(field.aws_name for field in FIELDS.values())]
    out += [column_line(FIELDS[name], place.get(name, -1), case.text) for name in names]
    out += filter_lines(case.where or {}, place)
    out.append(f"S {place.get('log_status', -1)}")
    return "\n".join(out) + "\n"


def column_line(field: Field, place: int, text: str) -> str:
    type = column_type(field, text)  # type: ignore[arg-type]
    return f"C {field.name} {type} {place} {field.maximum or 0} {int(field.kind == 'tag')}"


def filter_lines(where: Mapping[str, Any], place: Mapping[str, int]) -> list[str]:
    out = []
    for one in sorted(parse_where(where), key=lambda c: place.get(c.column, -1)):
        field = FIELDS[one.column]
        facts = (KINDS[one.kind], place.get(one.column, -1), field.maximum or LARGEST)
        out.append("W {} {} {} {} {}".format(*facts, int(field.kind == "tag"), int(one.null)))
        for value in one.alternatives:
            ends = value if isinstance(value, tuple) else (value,)
            out.append(
                " ".join(["A", *(e.hex() if isinstance(e, bytes) else str(e) for e in ends)])
            )
    return out


# Comparison


def check(machine: Machine, case: Case, directory: Path) -> None:
    """Rows, rejected lines and counts are the oracle's; where it refuses a second format, the
    program ends before that header."""
    *printed, last, _ = machine.rows(case, directory).split("\n")
    try:
        expected = oracle.read(
            case.data, case.format, case.columns, case.where, source="", one_format=True
        )
    except FormatError:
        assert last.startswith("H ")
        return
    names = coerce(case.format).names  # type: ignore[union-attr]
    rows: list[dict[str, Any]] = []
    rejected: list[tuple[Any, ...]] = []
    counts = [0] * len(oracle.COUNTS)
    for line in [*printed, last]:
        if line.startswith("{"):
            rows.append(json.loads(line, object_pairs_hook=row))
        elif line.startswith("R "):
            rejected.append(rejected_line(line, names))
        else:
            assert line.startswith("N "), line
            counts = [a + int(b) for a, b in zip(counts, line.split()[1:], strict=True)]
    assert rows == [{n: v for n, v in r.items() if v is not None} for r in expected.records]
    wanted = [(r.line_number, r.byte_offset, r.reason, r.field, r.text) for r in expected.rejected]
    assert rejected[: checks.KEPT] == wanted[: checks.KEPT]
    assert dict(zip(oracle.COUNTS, counts, strict=True)) == expected.counts


def row(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Times as milliseconds, as the oracle has them."""
    return {
        name: checks.in_milliseconds(datetime.fromisoformat(value))
        if FIELDS[name].kind == "time"
        else value
        for name, value in pairs
    }


def rejected_line(line: str, names: Sequence[str]) -> tuple[Any, ...]:
    _, number, offset, reason, field, *text = line.split(" ")
    column = names[int(field)] if int(field) >= 0 else None
    return int(number), int(offset), REASONS[int(reason)], column, bytes.fromhex("".join(text))


# What is read

DEFAULT = str(FlowFormat.default())
EVERY_FIELD = str(lines.EVERY_FIELD)
TAGS = "instance-tag srcaddr bytes asg-tag-2"
WHERES: Mapping[str, Mapping[str, Any]] = {
    "ports": {"dstport": [443, (1000, 60_000), None], "bytes": (100, None)},
    "times": {"start": (1_700_000_000, 1_705_000_000), "end": (None, 1_708_000_000)},
    "texts": {"action": ["ACCEPT", None], "account_id": "123456789010"},
    "addresses": {"srcaddr": ["10.0.0.0/8", "2001:db8::/32", "::1"], "dstaddr": "0.0.0.0/0"},
    "all": {"protocol": 6, "srcaddr": "0.0.0.0/0", "log_status": "OK", "end": (0, None)},
    "absent": {"vpc_id": None, "dstport": (0, 32_768)},
}
CHUNKS = (63, 64, 65, 4097, 70_001)


@cache
def cases() -> dict[str, Case]:
    """Hostile and long texts, in several formats and all layouts."""
    made = {}
    for text in checks.TEXT_MODES:
        made[f"spoilt values, {text}"] = Case(spoilt(DEFAULT), DEFAULT, text=text)
        made[f"spoilt tags, {text}"] = Case(spoilt(TAGS), TAGS, text=text)
        made[f"long, {text}"] = Case(long(3000, 40), DEFAULT, text=text)
        made[f"every line odd, {text}"] = Case(long(700, 1), DEFAULT, text=text)
    made["every field"] = Case(spoilt(EVERY_FIELD, 7), EVERY_FIELD)
    made["no line odd"] = Case(long(3000, 0), DEFAULT)
    made["lines of other widths"] = Case(long(3000, 9, "one field more"), DEFAULT)
    made["two columns"] = Case(long(3000, 40), DEFAULT, columns=("bytes", "action"))
    made["absent columns"] = Case(long(700, 40), DEFAULT, columns=("vpc_id", "end", "tcp_flags"))
    for name, where in WHERES.items():
        made[f"where {name}"] = Case(long(3000, 40), DEFAULT, where=where)
    made["where a tag"] = Case(spoilt(TAGS), TAGS, where={"instance_tag": ["café", "web", None]})
    for text, chunk in zip(checks.TEXT_MODES, (1, 2, 7), strict=True):
        made[f"chunks of {chunk}"] = Case(long(60, 3), DEFAULT, text=text, chunk=chunk)
    for chunk in CHUNKS:
        made[f"chunks of {chunk}"] = Case(long(2000, 9), DEFAULT, chunk=chunk)
    made["bounded"] = Case(long(3000, 40), DEFAULT, chunk=4097, max_rows=300)
    made["full dictionaries"] = Case(
        many_values(), "interface-id vpc-id", None, None, "view", 65536, 10**6
    )
    made["one mebibyte"] = Case(long_lines(), "vpc-id dstport", text="utf8", chunk=100_000)
    return made


@cache
def spoilt(format: str, thin: int = 1) -> bytes:
    """Every spoilt value in every field, but for a header that they may happen to make."""
    known = coerce(format)
    assert known is not None
    out = []
    for at in range(len(known)):
        good = lines.record(Random(at), known).split(b" ")
        out += [
            b" ".join([*good[:at], v, *good[at + 1 :]]) for v in lines.SPOILT[at % thin :: thin]
        ]
    return lines.text(out)


@cache
def long(count: int, every: int, edit: str | None = None) -> bytes:
    """Lines of the default format, every so many of them changed in some way."""
    rng = Random(count + every)
    format = FlowFormat.default()
    out = lines.records(every, format, count)
    names = [edit] if edit else [name for name in lines.EDITS if name != "many short fields"]
    for at in range(0, count, every) if every else ():
        out[at] = lines.EDITS[rng.choice(names)](out[at], format, rng.randrange(2**20))
    return lines.text(out)


def many_values() -> bytes:
    return lines.text([b"eni-%017x vpc-%d" % (n * n, n % 7) for n in range(70_000)])


def long_lines() -> bytes:
    sizes = (2**20 - 1, 2**20, 2**20 + 1)
    return lines.text([b"short 1", *(b"v" * (size - 4) + b" 443" for size in sizes), b"short 2"])
