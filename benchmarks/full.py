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
from vpcflow.bench.figures import Figure, Memory
from vpcflow.bench.generate import KINDS
from vpcflow.bench.inputs import Logs
from vpcflow.bench.measure import machine
from vpcflow.bench.peers import reading
from vpcflow.bench.promises import PROMISES
from vpcflow.bench.report import Report, as_markdown, as_text, machine_line

LINES = 2_000_000
ROUNDS = 9
GIGABYTE = 1_000_000_000
LARGE_GZIP = 75_000_000


def measured(logs: Logs) -> Iterator[Figure]:
    """Every figure in turn."""
    default = logs.gzipped("default", LINES)
    for kind in KINDS:
        log = logs.plain(kind, LINES if kind == "default" else LINES // 2)
        figure = figures.parse(log, peers=reading(kind), rounds=ROUNDS)
        yield figure.named(f"parse-{kind}")
    for kernel in _native.kernels():
        yield figures.parse(default, peers=["polars"], rounds=ROUNDS, kernel=kernel)
    yield figures.scaling(
        {
            "default": logs.plain("default", LINES // 2),
            "default, twice as long": default,
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


def kept(found: dict[str, Figure], memory: list[Memory]) -> Iterator[tuple[str, float]]:
    """Each promise that can be checked on this machine, with the number measured."""
    for kernel in _native.kernels():
        if f"parse-{kernel}" in PROMISES:
            yield f"parse-{kernel}", found[f"parse-{kernel}"].speedup("vpcflow", "polars")
            yield f"gzip-{kernel}", found[f"gzip-{kernel}"].speedup("isal igzip", "vpcflow")
    scaling, start = found["scaling"], found["import"]
    yield "order", scaling.speedup("default", "custom-v5")
    twice = scaling.row("default, twice as long").best
    yield "length", twice / scaling.row("default").best
    yield "projection", found["projection"].speedup("vpcflow", "vpcflow, all columns")
    yield "rows", found["rows"].speedup("vpcflow", "flowlogs-reader")
    yield "by-action", found["by-action"].speedup("vpcflow + polars", "flowlogs-reader")
    yield "threads", found["threads-gzip"].speedup("2 threads", "one thread")
    yield "import", start.row("import vpcflow").best / start.row("bare interpreter").best
    yield "memory", max(one.over_import for one in memory)


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
    report = Report(date, here, list(found.values()), memory, list(kept(found, memory)))
    page = directory / f"{date}-{here.slug}.md"
    page.write_text(as_markdown(report), encoding="utf-8")
    print(f"\nwritten: {page}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
