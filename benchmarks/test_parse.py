"""Text in memory to all typed columns, one core: every kind of log, every reader that can."""

from __future__ import annotations

import pytest

from vpcflow.bench.generate import KINDS
from vpcflow.bench.inputs import Logs
from vpcflow.bench.peers import PEERS, Vpcflow, reading
from vpcflow.bench.text import Text

LINES = 200_000

# flowlogs-reader makes its times with datetime.utcfromtimestamp, which Python 3.12 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:flowlogs_reader")


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("kind", KINDS)
def test_vpcflow(benchmark, logs: Logs, kind: str) -> None:
    benchmark.group = f"parse, {kind}"
    text = Text.load(logs.plain(kind, LINES).path)
    benchmark.extra_info["bytes"] = len(text.content)
    benchmark(Vpcflow().run, text)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize(("kind", "peer"), [(k, p) for k in KINDS for p in reading(k)])
def test_peer(benchmark, logs: Logs, kind: str, peer: str) -> None:
    reader, ours = PEERS[peer](), Vpcflow()
    text = Text.load(logs.plain(kind, LINES).path)
    benchmark.group = f"parse, {kind}"
    if reader.slow:
        benchmark.group += ", first 8 MB"
        text = text.head()
    benchmark.extra_info["bytes"] = len(text.content)
    expected = ours.digest(text, ours.run(text))
    assert reader.digest(text, reader.run(text)).difference(expected) == ""
    benchmark(reader.run, text)
