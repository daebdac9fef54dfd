"""Text in memory to two of 29 columns, one core."""

from __future__ import annotations

import pytest
from attrs import evolve

from vpcflow.bench.figures import TWO_COLUMNS
from vpcflow.bench.inputs import Logs
from vpcflow.bench.peers import PEERS, Vpcflow, installed
from vpcflow.bench.text import Text

LINES = 200_000

FAST = [name for name in installed() if not PEERS[name].slow]


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("columns", [TWO_COLUMNS, None], ids=["two", "all"])
def test_vpcflow(benchmark, logs: Logs, columns: tuple[str, ...] | None) -> None:
    benchmark.group = "two of 29 columns"
    text = evolve(Text.load(logs.plain("custom-v5", LINES).path), columns=columns)
    benchmark(Vpcflow().run, text)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("peer", FAST)
def test_peer(benchmark, logs: Logs, peer: str) -> None:
    benchmark.group = "two of 29 columns"
    text = evolve(Text.load(logs.plain("custom-v5", LINES).path), columns=TWO_COLUMNS)
    reader, ours = PEERS[peer](), Vpcflow()
    expected = ours.digest(text, ours.run(text))
    assert reader.digest(text, reader.run(text)).difference(expected) == ""
    benchmark(reader.run, text)
