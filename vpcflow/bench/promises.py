"""What the package promises about its speed, and how far a single run may fall short of it.

All are ratios of two measurements of one run on one machine, so that they hold on fast and slow
machines alike. They are checked by the guards and shown in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from vpcflow.bench.results import Figure

RATIO_MARGIN = 0.12
"""Ratios of two fastest rounds, taken in turns, vary by up to about 9 % from run to run on a shared
two-core machine; a third as much again keeps a guard from failing without a cause."""

TWICE = "default, twice as long"


@frozen
class Promise:
    """A bound on a number that a figure shows.

    text: what is promised. bound: the number. ratio: how the figure shows it. at_least: whether
    larger is better. margin: by what share of the bound a single run may miss it before a guard
    fails.
    """

    text: str
    bound: float
    ratio: Callable[[Figure], float]
    at_least: bool = True
    margin: float = RATIO_MARGIN

    @property
    def guard(self) -> float:
        """The number at which a guard fails."""
        return self.bound * (1 - self.margin if self.at_least else 1 + self.margin)

    def kept(self, value: float) -> bool:
        """Whether the measured number keeps the promise itself."""
        return value >= self.bound if self.at_least else value <= self.bound

    def tolerable(self, value: float) -> bool:
        """Whether the measured number is within the margin."""
        return value >= self.guard if self.at_least else value <= self.guard

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


def _speedup(fast: str, slow: str) -> Callable[[Figure], float]:
    return lambda figure: figure.speedup(fast, slow)


def _times_as_long(long: str, short: str) -> Callable[[Figure], float]:
    return lambda figure: figure.row(long).best / figure.row(short).best


_POLARS = _speedup("vpcflow", "polars")
_INFLATED = _times_as_long("vpcflow", "isal igzip")

PROMISES: Mapping[str, Promise] = {
    "parse-avx512": Promise(
        "text to 14 columns with AVX-512, times as fast as Polars", 7.0, _POLARS
    ),
    "parse-avx2": Promise("text to 14 columns with AVX2, times as fast as Polars", 4.5, _POLARS),
    "order": Promise(
        "a byte in a custom order costs, times a byte in default order",
        1.25,
        _speedup("default", "custom-v5"),
        at_least=False,
    ),
    "length": Promise(
        "twice the text takes, times as long",
        2.2,
        _times_as_long(TWICE, "default"),
        at_least=False,
        margin=0.05,
    ),
    "projection": Promise(
        "2 of 29 columns, times as fast as all", 2.0, _speedup("vpcflow", "vpcflow, all columns")
    ),
    "gzip-avx512": Promise(
        "gzipped file to columns with AVX-512, times as long as inflating it",
        1.5,
        _INFLATED,
        at_least=False,
    ),
    "gzip-avx2": Promise(
        "gzipped file to columns with AVX2, times as long as inflating it",
        1.7,
        _INFLATED,
        at_least=False,
    ),
    "rows": Promise(
        "records with five fields read, times as fast as flowlogs-reader",
        15.0,
        _speedup("vpcflow", "flowlogs-reader"),
    ),
    "by-action": Promise(
        "bytes by action from a file, grouped by Polars, times as fast as flowlogs-reader",
        100.0,
        _speedup("vpcflow + polars", "flowlogs-reader"),
    ),
    "threads": Promise(
        "two gzipped files by two threads with a scan each, times as fast as by one",
        1.8,
        _speedup("2 threads", "one thread"),
    ),
    "in-order": Promise(
        "two gzipped files by one scan with two threads, in order, times as fast as by one",
        1.3,
        _speedup("2 threads, in order", "one thread"),
    ),
    "import": Promise(
        "import vpcflow takes, times the start of the interpreter",
        6.0,
        _times_as_long("import vpcflow", "bare interpreter"),
        at_least=False,
    ),
}

MOST_MEMORY = 150.0
"""Peak memory of a scan over that of the import, in MB, whatever the file's size."""

IN_HALVES: Mapping[str, float] = {"parse-avx512": 5.0, "gzip-avx512": 1.6}
"""Bounds that differ on processors that do the work of a 512-bit register in two halves of 256 bits
(AMD Zen 4, which is family 25): measured there were 5.5 to 5.9, and 1.45 to 1.75 for gzip."""


def promised(name: str, cpu: str) -> Promise:
    """What is promised on a processor, named as `Machine.cpu` names it."""
    promise = PROMISES[name]
    halves = name in IN_HALVES and "(family 25," in cpu
    return evolve(promise, bound=IN_HALVES[name]) if halves else promise
