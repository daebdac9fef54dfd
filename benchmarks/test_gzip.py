"""A gzipped file to all typed columns, one core, beside inflating it and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from isal import igzip

import vpcflow
from vpcflow.bench.inputs import Logs
from vpcflow.bench.peers import PEERS, Vpcflow, installed
from vpcflow.bench.tasks import PIECE
from vpcflow.bench.text import Text

LINES = 200_000


def _inflate(path: Path) -> None:
    with igzip.open(path, "rb") as file:
        while file.read(PIECE):
            pass


def _scan(path: Path) -> int:
    return sum(len(batch) for batch in vpcflow.scan(path, threads=1))


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("read", [_scan, _inflate], ids=["vpcflow", "isal igzip"])
def test_to_its_end(benchmark, logs: Logs, read) -> None:
    benchmark.group = "gzip"
    benchmark(read, logs.gzipped("default", LINES).packed)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("peer", [name for name in installed() if PEERS[name].gzip])
def test_peer(benchmark, logs: Logs, peer: str) -> None:
    benchmark.group = "gzip"
    log = logs.gzipped("default", LINES)
    assert log.packed is not None
    text = evolve(Text.load(log.path), path=log.packed, data=None)
    reader, ours = PEERS[peer](), Vpcflow()
    expected = ours.digest(text, ours.run(text))
    assert reader.digest(text, reader.run(text)).difference(expected) == ""
    benchmark(reader.run, text)
