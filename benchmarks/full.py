"""The full report: `python benchmarks/full.py [DIRECTORY]`, or `make bench`.

Measures every figure at full size, prints it, and writes the page
`benchmarks/results/<date>-<cpu>.md` (or the same file in DIRECTORY). Takes about ten minutes and
3 GB of temporary files.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from vpcflow import _native
from vpcflow.bench import figures
from vpcflow.bench.figures import Figure
from vpcflow.bench.generate import KINDS
from vpcflow.bench.inputs import Logs
from vpcflow.bench.measure import machine
from vpcflow.bench.peers import reading
from vpcflow.bench.promises import PROMISES, TWICE
from vpcflow.bench.report import Report, as_markdown, as_text, machine_line

LINES = 2_000_000
IN_MEMORY = 500_000  # lines of the texts that are parsed in memory: 57 MB, as a collector would
ROUNDS = 7
GIGABYTE = 1_000_000_000
LARGE_GZIP = 75_000_000


def measured(logs: Logs) -> Iterator[Figure]:
    """Every figure in turn."""
    default = logs.gzipped("default", LINES)
    for kind in KINDS:
        log = logs.plain(kind, IN_MEMORY)
        yield figures.parse(log, peers=reading(kind), rounds=ROUNDS).of_kind(kind)
    for kernel in _native.kernels():
        log = logs.plain("default", IN_MEMORY)
        yield figures.parse(log, peers=["polars"], rounds=ROUNDS, kernel=kernel)
    large = logs.plain("default", LINES)
    yield figures.parse(large, peers=["polars"], rounds=ROUNDS).of_kind("large")
    yield figures.scaling(
        {
            "default": logs.plain("default", LINES // 2),
            TWICE: default,
            **{kind: logs.plain(kind, LINES // 2) for kind in KINDS if kind != "default"},
        },
        rounds=ROUNDS,
    )
    wide = logs.plain("custom-v5", LINES // 2)
    yield figures.projection(wide, peers=reading("custom-v5"), rounds=ROUNDS)
    yield figures.gzip(default, peers=reading("default"), rounds=ROUNDS)
    for kernel in _native.kernels():
        yield figures.gzip(default, peers=[], rounds=ROUNDS, kernel=kernel)
    yield figures.rows(default, peers=["flowlogs-reader"], rounds=ROUNDS)
    yield figures.by_action(default, rounds=ROUNDS)
    pair = [logs.gzipped("default", LINES, copy=n) for n in (0, 1)]
    yield figures.threads(pair, rounds=ROUNDS)
    yield figures.threads([logs.plain("default", LINES, copy=n) for n in (0, 1)], rounds=ROUNDS)
    yield figures.importing()


def promised(found: dict[str, Figure]) -> Iterator[tuple[str, Figure]]:
    """Each promise that can be checked on this machine, with its figure."""
    for name in PROMISES:
        shown_by = {
            "order": "scaling",
            "length": "scaling",
            "threads": "threads-gzip",
            "in-order": "threads-gzip",
        }
        if (figure := found.get(shown_by.get(name, name))) is not None:
            yield name, figure


def main(directory: Path) -> None:
    """Measure, print, write the page."""
    here = machine()
    print(f"{machine_line(here)}\n", flush=True)
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory(prefix="vpcflow-bench-") as place:
        logs = Logs(Path(place))
        for figure in measured(logs):
            found[figure.name] = figure
            print(f"{as_text(figure)}\n", flush=True)
        memory = [figures.memory(logs.large_plain(GIGABYTE))]
        memory.append(figures.memory(logs.large_gzip(LARGE_GZIP)))
    for one in memory:
        print(f"{one.data}: {one.over_import:.0f} MB over the import at the peak")
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    report = Report(date, here, list(found.values()), memory, list(promised(found)))
    page = directory / f"{date}-{here.slug}.md"
    page.write_text(as_markdown(report), encoding="utf-8")
    print(f"\nwritten: {page}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
