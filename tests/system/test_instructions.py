"""Instructions per record, counted by callgrind: no noise, so 2 % more is a change.

instructions.json holds what is expected and the compiler that made it; `make instructions` writes
it. Another compiler may differ by a quarter. Callgrind knows no AVX-512: scalar and AVX2 stand for
all.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import drive
import programs
import pytest

from vpcflow.bench.generate import generate

FILE = Path(__file__).with_name("instructions.json")
LINES = 20_000
FEW, MORE = 2, 6  # passes over the text; the difference leaves set-up and first allocations out
KINDS = ("default", "custom-v5")
KERNELS = ("scalar", "avx2")


@cache
def compiler() -> str:
    cache_file = (programs.build("release") / "CMakeCache.txt").read_text()
    path = re.findall(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache_file, re.MULTILINE)[0]
    return programs.run([path, "--version"]).stdout.split("\n")[0]


def callgrind(directory: Path, *command: object) -> tuple[int, str]:
    """(instructions, output) of a program."""
    out = directory / "callgrind.out"
    valgrind = [programs.tool("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}"]
    done = programs.run([*valgrind, *map(str, command)])
    return int(re.findall(r"Collected : (\d+)", done.stderr)[0]), done.stdout


def count(kind: str, kernel: str, directory: Path) -> float:
    """Instructions for each record of a generated log, decoded to all of its columns."""
    log = generate(kind, lines=LINES)
    format = log.data.split(b"\n", 1)[0].decode()
    plan, text = directory / "plan", directory / "text"
    plan.write_text(drive.plan_file(drive.Case(b"", format)))
    text.write_bytes(log.data)
    program = programs.build("release") / "drive"
    totals = []
    for passes in (FEW, MORE):
        total, records = callgrind(directory, program, "repeat", kernel, plan, text, passes)
        assert int(records) == log.records
        totals.append(total)
    return round((totals[1] - totals[0]) / (MORE - FEW) / log.records, 1)


def test_callgrind_offers_no_avx512(tmp_path: Path) -> None:
    """Or the counts would be of instructions that it does not know."""
    program = programs.build("release") / "drive"
    assert callgrind(tmp_path, program, "kernels")[1].split() == ["scalar", "avx2"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_record_costs_no_more_instructions_than_it_did(
    kind: str,
    kernel: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = count(kind, kernel, tmp_path)
    if request.config.getoption("--write-instructions"):
        write(kind, kernel, counted)
    held = json.loads(FILE.read_text())
    expected = held["instructions per record"][kind][kernel]
    allowed = 1.02 if held["compiler"] == compiler() else 1.25
    with capsys.disabled():
        print(f"\n{kind}, {kernel}: {counted} instructions a record, {expected} held", end="")
    assert counted <= expected * allowed, (
        f"{counted / expected - 1:+.1%} instructions; if that is worth it, `make instructions`"
    )


def write(kind: str, kernel: str, counted: float) -> None:
    """Put one count into the file; those of another compiler do not stay beside it."""
    held = json.loads(FILE.read_text()) if FILE.exists() else {}
    if held.get("compiler") != compiler():
        held = {"compiler": compiler(), "instructions per record": {}}
    held["instructions per record"].setdefault(kind, {})[kernel] = counted
    FILE.write_text(json.dumps(held, indent=2) + "\n")
