"""How things are measured: in turns, in a process of their own, on the cores they are given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from vpcflow.bench import figures, measure
from vpcflow.bench.inputs import Logs
from vpcflow.bench.promises import PROMISES, Promise, promised
from vpcflow.bench.results import Figure, Row


class Clock:
    """A clock that only what is measured moves on; half of the time another program runs."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now / 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(measure, "time", clock)
    return clock


def test_all_take_turns_forwards_and_backwards_after_a_round_that_is_not_counted(
    clock: Clock,
) -> None:
    ran: list[str] = []

    def contender(name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            ran.append(name)
            clock.now += seconds * len(ran)

        return run

    runs = {"a": contender("a", 1.0), "b": contender("b", 10.0), "c": contender("c", 100.0)}
    laps = measure.alternate(runs, rounds=3)
    assert "".join(ran) == "abc" + "abc" + "cba" + "abc"
    assert {name: lap.seconds for name, lap in laps.items()} == {
        "a": (4, 9, 10),
        "b": (50, 80, 110),
        "c": (600, 700, 1200),
    }


def test_what_is_too_short_is_repeated_and_divided(clock: Clock) -> None:
    ran: list[None] = []

    def run() -> None:
        ran.append(None)
        clock.now += 0.002

    (laps,) = measure.alternate({"short": run}, rounds=2).values()
    assert len(ran) == 1 + 2 * 10
    assert laps.seconds == pytest.approx((0.002, 0.002))
    assert laps.processor == pytest.approx((0.001, 0.001))
    assert laps.cores == pytest.approx(0.5)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_worker_is_kept_on_its_cores(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    kept: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3, 5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, at: kept.append(at), raising=False)
    assert measure.pin(cores)
    assert kept == [{5} if cores == 1 else {3, 5}]


def test_a_worker_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)measuring parse failed.*No such file"):
        measure.in_worker("parse", path="/nowhere/at-all.log", peers=[], rounds=1)


def test_a_worker_uses_the_kernel_that_is_asked_for() -> None:
    assert measure.in_worker("kernel", kernel="scalar") == "scalar"
    assert measure.in_worker("kernel") == measure.machine().kernel


def test_peak_memory_counts_what_was_let_go_but_not_the_parents() -> None:
    held = bytearray(b"x") * 300_000_000
    code = (
        "from vpcflow.bench.measure import peak_memory\n"
        "before = peak_memory()\n"
        "held = bytearray(b'x') * 64_000_000\n"
        "del held\n"
        "print(before, peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before < 200_000_000 < len(held)
    assert 60_000_000 < after - before < 70_000_000


def test_a_figure_compares_rates_and_refuses_what_was_not_timed() -> None:
    rows = [
        Row("fast", "1", "", 400, 4, [2.0, 1.0, 3.0], cores=0.99),
        Row("slow", "1", "", 100, 1, [0.5, 1.0], cores=0.5),
        Row("odd", "1", "", 100, 1, [], "differs in bytes"),
    ]
    figure = Figure("f", "t", "d", tuple(rows))
    assert (rows[0].best, rows[0].median, rows[0].rate, rows[0].line_rate) == (1.0, 2.0, 400, 4)
    assert figure.speedup("fast", "slow") == 2.0
    assert figure.disturbed == ("slow",)
    with pytest.raises(LookupError, match="odd was not timed: differs in bytes"):
        figure.speedup("fast", "odd")
    with pytest.raises(LookupError, match="no row 'none'"):
        figure.row("none")


def test_promises_are_kept_exactly_and_guarded_with_their_margin() -> None:
    def ratio(figure: Figure) -> float:
        return figure.speedup("fast", "slow")

    faster = Promise("", 10.0, ratio, margin=0.1)
    cheaper = Promise("", 2.0, ratio, at_least=False, margin=0.1)
    assert [faster.kept(value) for value in (9.99, 10.0)] == [False, True]
    assert [faster.tolerable(value) for value in (8.99, 9.0)] == [False, True]
    assert [cheaper.kept(value) for value in (2.0, 2.01)] == [True, False]
    assert [cheaper.tolerable(value) for value in (2.2, 2.21)] == [True, False]
    assert all(promise.margin <= 0.15 for promise in PROMISES.values())


def test_every_figure_can_be_measured(tmp_path_factory: pytest.TempPathFactory) -> None:
    logs = Logs(tmp_path_factory.mktemp("logs"))
    small = logs.gzipped("default", 2_000)
    pair = [small, logs.gzipped("default", 2_000, copy=1)]
    made = [
        figures.parse(small, peers=["pyarrow", "split"], rounds=1),
        figures.projection(logs.plain("custom-v5", 2_000), peers=["polars"], rounds=1),
        figures.gzip(small, peers=["duckdb"], rounds=1),
        figures.rows(small, peers=[], rounds=1),
        figures.by_action(small, rounds=1),
        figures.scaling({"a": small, "b": pair[1]}, rounds=1),
        figures.threads(pair, rounds=1),
        figures.importing(rounds=1),
    ]
    assert all(row.timed for figure in made for row in figure.rows)
    assert {row.check for figure in made for row in figure.rows} == {
        "reference",
        "equal",
        "not compared",
    }
    memory = figures.memory(small.path)
    assert "2,000 records" in memory.data
    assert 0 <= memory.over_import < 150


def test_bounds_are_those_of_the_processor() -> None:
    whole = "AMD EPYC (family 26, model 2)"
    halves = "AMD EPYC (family 25, model 17)"
    assert promised("parse-avx512", whole) == PROMISES["parse-avx512"]
    assert promised("parse-avx512", halves).bound < PROMISES["parse-avx512"].bound
    assert promised("parse-avx2", halves) == PROMISES["parse-avx2"]
