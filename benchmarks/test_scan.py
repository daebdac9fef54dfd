"""Files to an answer: bytes by action, and whole files by one and two threads."""

from __future__ import annotations

import pytest

import vpcflow
from vpcflow.bench import answers
from vpcflow.bench.inputs import Logs
from vpcflow.bench.text import Text

LINES = 300_000

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:flowlogs_reader")


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("way", [w for w in answers.WAYS if w.available()], ids=lambda w: w.name)
def test_bytes_by_action(benchmark, logs: Logs, way: answers.Way) -> None:
    benchmark.group = "bytes by action" + (", first 8 MB" if way.slow else "")
    text = Text.load(logs.plain("default", LINES).path)
    if way.slow:
        text = text.head()
    assert way.answer(text) == answers.reference(text)
    benchmark(way.answer, text)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_two_files(benchmark, logs: Logs, packed: bool, threads: int) -> None:
    benchmark.group = f"two files, {'gzip' if packed else 'plain'}"
    pair = [logs.gzipped("default", LINES, copy=n) for n in (0, 1)]
    paths = [log.packed if packed else log.path for log in pair]

    def scan() -> int:
        return sum(len(batch) for batch in vpcflow.scan(*paths, threads=threads))

    assert benchmark(scan) == 2 * LINES
