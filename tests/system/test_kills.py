"""Runs that are killed, at random moments and between all steps of a checkpoint: nothing is lost.

`VPCFLOW_KILLS` says how many random moments for each sink and store: 5 by default, 50 with
`make kills`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import kills
import pytest

COUNT = int(os.environ.get("VPCFLOW_KILLS", "5"))


@pytest.fixture(
    scope="module",
    params=[(sink, store) for store in kills.STORES for sink in kills.SINKS],
    ids="-".join,
)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[kills.Target]:
    with kills.target(*request.param, tmp_path_factory.mktemp("kills")) as made:
        yield made


def test_killed_at_random_moments(target: kills.Target) -> None:
    """Every seed is one delivery, killed one to three times before it may end."""
    seconds = kills.duration(target)
    killed = sum(kills.kill_at_random(target, seed, seconds) for seed in range(COUNT))
    assert killed >= COUNT / 2, f"of {COUNT} deliveries only {killed} kills came before the end"


@pytest.mark.parametrize("step", kills.STEPS)
def test_killed_between_the_steps_of_a_checkpoint(target: kills.Target, step: str) -> None:
    """At the first time, and again while what that left is mended; for long runs also at a later
    time."""
    for count in (1,) if COUNT <= 5 else (1, 3):
        target.begin(f"{step}-{count}")
        struck = target.kill_at(step, count)
        if count == 1:
            assert struck, "no run comes through this step"
            target.kill_at(step, 2)
        report = target.to_the_end()
        target.check(report if report["counts"]["records"] else None)
