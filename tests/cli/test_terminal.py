"""`vpcflow` on a real (pseudo-)terminal: what is seen, and that records cannot speak to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from lines import DEFAULT_LINE, header
from terminal import show

from vpcflow import FlowFormat
from vpcflow.cli.progress import Position, describe, size

REFUSED = DEFAULT_LINE.replace(b"ACCEPT", b"REJECT")
HOSTILE = [
    b"\x1b]0;owned\x07", b"\x1b[2J\x1b[1;1H", b"\x1b[31m", b"\xc2\x9b31m", b"a\rb", b"a\x08b",
    b"\x00", b"\x7f", b"\xe2\x80\xaegnp.exe", b"\xe2\x81\xa6x", b"%1b%5b2J", b"%c2%9b2J", b"%0a%0d",
    b"%e2%80%ae", b"\xff\xfe", b"[bold]x[/bold]", b"\x0b\x0c", b"\xe2\x80\xa8", b"\xed\xa0\x80",
]  # fmt: skip
HOSTILE_FORMAT = FlowFormat.parse("account-id srcaddr dstport action instance-tag log-status")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flow.log"
    lines = [header(FlowFormat.default()), *[DEFAULT_LINE, REFUSED] * 100]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Hostile bytes in every field, in bad lines, and in the file's own name."""
    lines = [header(HOSTILE_FORMAT)]
    for value in HOSTILE:
        for position in range(len(HOSTILE_FORMAT)):
            fields = [b"1", b"10.0.0.1", b"2", b"ACCEPT", b"tag", b"OK"]
            fields[position] = value
            lines.append(b" ".join(fields))
    path = tmp_path / "a\x1b[2J\u202eb.log"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_terminal_shows_a_table_that_fits_it(log: Path) -> None:
    for columns in (80, 140):
        shown = show("read", log, columns=columns)
        assert shown.code == 0
        assert all(len(line) <= columns for line in shown.lines)
        assert any(line.startswith("start ") for line in shown.lines)
        assert "22:22" not in shown.text
        assert "172.31.16.21:22" in shown.text


def test_a_screenful_is_shown_and_the_rest_counted(log: Path) -> None:
    shown = show("read", log, lines=30)
    assert sum("172.31.16.139:20641" in line for line in shown.lines) == 20
    assert any("20 records shown; there are 180 more" in line for line in shown.lines)
    assert any(line.startswith("200 records") for line in shown.lines)


def test_all_is_shown_if_wanted(log: Path) -> None:
    shown = show("read", "--limit", "0", log)
    assert sum("172.31.16.139:20641" in line for line in shown.lines) == 200
    assert "more" not in shown.text


def test_refused_flows_are_red_unless_colour_is_unwanted(log: Path) -> None:
    assert b"\x1b[1;31mREJECT\x1b[0m" in show("read", log).sent
    assert b"\x1b" not in show("read", log, NO_COLOR="1").sent
    assert b"\x1b" not in show("read", log, TERM="dumb").sent


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", "--limit", "0"],
        ["read", "--limit", "0", "--columns", ",".join(HOSTILE_FORMAT.names)],
        ["read", "--output", "jsonl"],
        ["read", "--output", "csv"],
        ["read", "--json"],
        ["read", "--format", "default"],
        ["format"],
        ["format", "--json"],
        ["format", "--format", "default"],
    ],
)
def test_no_byte_of_a_log_speaks_to_the_terminal(hostile: Path, arguments: list[str]) -> None:
    shown = show(*arguments, hostile)
    assert "Traceback" not in shown.text
    assert "a" in shown.text
    bad = [line for line in shown.text.split("\n") if not line.isprintable()]
    assert bad == []


def test_what_is_escaped_can_still_be_read(hostile: Path) -> None:
    text = show("read", "--limit", "0", hostile, columns=200).text
    assert "\\x1b]0;owned\\x07" in text
    assert "\\u202egnp.exe" in text
    assert "[bold]x[/bold]" in text


def test_jsonl_on_a_terminal_still_means_the_same(hostile: Path) -> None:
    lines = show("read", "--output", "jsonl", "--quiet", hostile).text.splitlines()
    tags = {json.loads(line).get("instance_tag") for line in lines}
    assert {"\x1b[2J", "\x9b2J", "\n\r", "\u202e", "\x1b[31m"} <= tags


# Progress

SLOW = """
import time
from vpcflow.cli.progress import Position, Progress
with Progress(lambda: Position(1, 3, 5 * 10**8, 10**9, 1234)) as progress:
    time.sleep({seconds})
    progress.pause()
    print("a row")
    progress.resume()
"""


def run(seconds: float) -> str:
    program = (sys.executable, "-c", SLOW.format(seconds=seconds))
    shown = show(program=program, columns=120)
    assert shown.code == 0
    assert shown.sent.count(b"\x1b[?25l") == shown.sent.count(b"\x1b[?25h")  # the cursor is back
    return shown.text


def test_long_work_shows_how_far_it_is() -> None:
    text = run(1.2)
    assert "1/3 files, 500 MB of 1.0 GB" in text
    assert "1,234 records" in text
    assert text.rstrip().endswith("a row")


def test_short_work_shows_nothing() -> None:
    assert run(0).strip() == "a row"


def test_progress_is_described_with_rate_and_time_left() -> None:
    at = Position(3, 12, 1_200_000_000, 4_800_000_000, 2_100_000)
    assert describe(at, 4.0) == (
        "3/12 files, 1.2 GB of 4.8 GB, 300 MB/s, 2,100,000 records, 12 s left"
    )
    assert describe(Position(0, None, 1500, None, 7), 1.0) == "1.5 kB, 1.5 kB/s, 7 records"


@pytest.mark.parametrize(
    ("count", "reads"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (75_000_000, "75.0 MB"), (5e14, "500.0 TB")],
)
def test_sizes_read_well(count: float, reads: str) -> None:
    assert size(count) == reads
