"""Figures for people: as text for a terminal, and as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from vpcflow.bench.figures import Memory
from vpcflow.bench.measure import Machine
from vpcflow.bench.promises import MOST_MEMORY, promised
from vpcflow.bench.results import Figure, Row

HOW = (
    "Every figure is measured in a process of its own that is kept on one core (two where threads "
    "are compared), with the data in memory or in the page cache. All contenders take their turn "
    "in every round; the best and the median round are given, and ratios are those of the best "
    "rounds. Before anything is timed, each peer's table is compared with vpcflow's: rows; nulls "
    "and sums of integers and times; nulls, distinct values and a hash over the values of text; "
    "bytes by action. Peers are told all there is to know of the text and run in the fastest "
    "configuration found for each; those that work line by line in Python get its first 8 MB."
)

_COLUMNS = ("reader", "version", "GB/s", "M lines/s", "best s", "median s")
_RIGHT = (False, False, True, True, True, True, True, False)


@frozen
class Report:
    """All that one run measured. date: of the run, YYYY-MM-DD."""

    date: str
    machine: Machine
    figures: Sequence[Figure]
    memory: Sequence[Memory] = ()
    promised: Sequence[tuple[str, Figure]] = ()
    """Names of promises with the figure that shows whether they are kept."""


def machine_line(machine: Machine) -> str:
    """The machine in one line."""
    return (
        f"vpcflow {machine.vpcflow}, kernel {machine.kernel}, {machine.cpu}, {machine.cores} "
        f"cores, {machine.system}, Python {machine.python}"
    )


def as_text(figure: Figure) -> str:
    """A figure as a table in plain text."""
    rows = [_headings(figure), *_cells(figure)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, _RIGHT, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([figure.title, figure.data, *_notes(figure), "", *lines])


def as_markdown(report: Report) -> str:
    """The whole report: correctness first, then what is promised, then each figure."""
    machine = report.machine
    parts = [
        f"# Benchmark of {report.date}: {machine.cpu}",
        f"{machine_line(machine)}.",
        HOW,
        "## Same results",
        *_correctness(report.figures),
        "## What is promised",
        *_promises(report),
    ]
    for figure in report.figures:
        parts += [f"## {figure.title}", f"{figure.data}.", *_notes(figure)]
        parts.append(
            _markdown_table(_headings(figure)[:-1], [row[:-1] for row in _cells(figure)], _RIGHT)
        )
        parts.append("\n".join(f"- {row.name}: {_code(row.how)}" for row in figure.rows if row.how))
    if report.memory:
        parts.append("## Peak memory of a scan to the end, one thread")
        rows = [_memory_cells(memory) for memory in report.memory]
        headings = ("file", "after import, MB", "at the peak, MB", "the scan's own, MB")
        parts.append(_markdown_table(headings, rows, (False, True, True, True)))
    return "\n\n".join(parts) + "\n"


def _notes(figure: Figure) -> Iterable[str]:
    yield from figure.notes
    if figure.disturbed:
        names = ", ".join(figure.disturbed)
        yield f"Not to be trusted: other programs had the core, too, in the best round of {names}."


def _first(figure: Figure) -> Row | None:
    """The row that the others are compared with."""
    return next((row for row in figure.rows if row.timed), None)


def _headings(figure: Figure) -> tuple[str, ...]:
    first = _first(figure)
    return (*_COLUMNS, f"{first.name} is" if first else "", "table")


def _cells(figure: Figure) -> list[tuple[str, ...]]:
    first = _first(figure)
    return [_row_cells(row, first) for row in figure.rows]


def _row_cells(row: Row, first: Row | None) -> tuple[str, ...]:
    if not row.timed or first is None:
        return (row.name, row.version, "", "", "", "", "", row.check)
    rates = (f"{row.rate / 1e9:.3f}", f"{row.line_rate / 1e6:.2f}") if row.size else ("", "")
    # Texts of different lengths are compared by rate, starts of a program by time.
    times = first.rate / row.rate if row.size else row.best / first.best
    seconds = (f"{row.best:.4f}", f"{row.median:.4f}")
    ratio = "" if row is first else f"{times:.3g}x as fast"
    return (row.name, row.version, *rates, *seconds, ratio, row.check)


def _correctness(figures: Iterable[Figure]) -> Iterable[str]:
    rows = [
        (figure.title, row.name, row.version, row.check)
        for figure in figures
        for row in figure.rows
        if row.check not in ("reference", "not compared")
    ]
    yield _markdown_table(("figure", "peer", "version", "table"), rows, (False,) * 4)


def _promises(report: Report) -> Iterable[str]:
    rows = []
    for name, figure in report.promised:
        promise = promised(name, report.machine.cpu)
        value = promise.ratio(figure)
        rows.append((promise.text, str(promise), f"{value:.3g}", _verdict(promise.kept(value))))
    for memory in report.memory:
        own = memory.over_import
        what = f"peak memory over the import in MB, {memory.data}"
        rows.append((what, f"less than {MOST_MEMORY:g}", f"{own:.3g}", _verdict(own < MOST_MEMORY)))
    yield _markdown_table(("promise", "bound", "measured", ""), rows, (False, True, True, False))


def _verdict(kept: bool) -> str:
    return "kept" if kept else "**missed**"


def _memory_cells(memory: Memory) -> tuple[str, ...]:
    sizes = (memory.base / 1e6, memory.peak / 1e6, memory.over_import)
    return (memory.data, *(f"{size:.0f}" for size in sizes))


def _markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]
) -> str:
    lines = [headings, ["--:" if r else "---" for r, _ in zip(right, headings, strict=False)]]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"
