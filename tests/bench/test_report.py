"""Figures for people: text and Markdown say the same, correctness first."""

from __future__ import annotations

from attrs import evolve

from vpcflow.bench.figures import Memory
from vpcflow.bench.measure import Machine
from vpcflow.bench.report import Report, as_markdown, as_text
from vpcflow.bench.results import Figure, Row

MACHINE = Machine("Some CPU @ 3 GHz", 2, "avx2", "Linux x86_64", "3.11.7", "0.1.0")
FIGURE = Figure(
    "parse",
    "Text to columns",
    "a log",
    (
        Row("vpcflow", "0.1.0", "parse(bytes)", 2_000_000_000, 18_000_000, [1.0, 1.5], "reference"),
        Row("other", "9", "read|csv", 1_000_000_000, 9_000_000, [2.0], "equal"),
        Row("third", "1", "no", 1, 1, [], "refuses: ValueError: no"),
    ),
    ("A note.",),
)


def test_text_shows_rates_ratios_and_what_was_refused() -> None:
    title, data, note, _, headings, _, ours, other, third = as_text(FIGURE).splitlines()
    assert (title, data, note) == ("Text to columns", "a log", "A note.")
    assert headings.split("  ")[-1] == "table"
    assert "vpcflow is" in headings
    assert ours.split() == ["vpcflow", "0.1.0", "2.000", "18.00", "1.0000", "1.2500", "reference"]
    assert other.split() == [
        "other",
        "9",
        "0.500",
        "4.50",
        "2.0000",
        "2.0000",
        "4x",
        "as",
        "fast",
        "equal",
    ]
    assert third.split(maxsplit=2) == ["third", "1", "refuses: ValueError: no"]


def test_starts_of_a_program_are_compared_by_time() -> None:
    rows = (Row("bare", "", "", 0, 0, [0.01]), Row("import", "", "", 0, 0, [0.04]))
    *_, bare, started = as_text(Figure("import", "Start", "", rows)).splitlines()
    assert bare.split() == ["bare", "0.0100", "0.0100", "not", "compared"]
    assert "4x as fast" in started


def test_the_page_puts_correctness_and_promises_before_the_figures() -> None:
    memory = [Memory("a large file", 30_000_000, 70_000_000), Memory("another", 0, 150_000_000)]
    threads = (Row("2 threads", "", "", 9, 1, [1.0]), Row("one thread", "", "", 9, 1, [1.5]))
    polars = (FIGURE.rows[0], evolve(FIGURE.rows[1], name="polars"))
    promised = [
        ("parse-avx2", Figure("", "", "", polars)),
        ("parse-avx512", Figure("", "", "", (evolve(polars[0], seconds=[0.5]), polars[1]))),
        ("threads", Figure("", "", "", threads)),
    ]
    page = as_markdown(Report("2026-09-14", MACHINE, [FIGURE], memory, promised))
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Benchmark of 2026-09-14: Some CPU @ 3 GHz",
        "## Same results",
        "## What is promised",
        "## Text to columns",
        "## Peak memory of a scan to the end, one thread",
    ]
    assert "kernel avx2" in page
    assert "| Text to columns | other | 9 | equal |" in page
    assert "| Text to columns | third | 1 | refuses: ValueError: no |" in page
    assert "| at least 4.5 | 4 | **missed** |" in page
    assert "| at least 7 | 8 | kept |" in page
    assert "| at least 1.8 | 1.5 | **missed** |" in page
    assert "a large file | less than 150 | 40 | kept |" in page
    assert "another | less than 150 | 150 | **missed** |" in page
    assert "- other: `read|csv`" in page
    assert "| a large file | 30 | 70 | 40 |" in page


def test_a_disturbed_figure_says_so() -> None:
    rows = (evolve(FIGURE.rows[0], cores=0.94), evolve(FIGURE.rows[1], cores=0.99))
    said = as_text(evolve(FIGURE, rows=rows))
    assert "Not to be trusted" in said
    assert "best round of vpcflow." in said
    assert "Not to be trusted" not in as_text(FIGURE)


def test_the_cpu_makes_a_file_name() -> None:
    assert MACHINE.slug == "some-cpu-3-ghz"


def test_json_has_the_derived_numbers() -> None:
    ours, _, third = FIGURE.as_json()["rows"]
    assert ours["bytes_per_second"] == 2_000_000_000
    assert (ours["best_seconds"], ours["median_seconds"]) == (1.0, 1.25)
    assert "best_seconds" not in third
