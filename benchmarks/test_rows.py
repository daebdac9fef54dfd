"""Records as Python objects, five attributes of each read, one core."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import vpcflow
from vpcflow.bench.inputs import Logs
from vpcflow.bench.peers import FlowlogsReader
from vpcflow.bench.tasks import RECORD_FIELDS
from vpcflow.bench.text import Text

LINES = 50_000

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:flowlogs_reader")


def _whole(text: Text) -> Iterable[Any]:
    return vpcflow.parse(text.content)


def _five_columns(text: Text) -> Iterable[Any]:
    return vpcflow.parse(text.content, columns=RECORD_FIELDS)


def _flowlogs_reader(text: Text) -> Iterable[Any]:
    return FlowlogsReader().run(text)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize(
    "records",
    [_whole, _five_columns, _flowlogs_reader],
    ids=["vpcflow", "vpcflow five columns", "flowlogs-reader"],
)
def test_five_attributes_of_every_record(benchmark, logs: Logs, records) -> None:
    benchmark.group = "rows"
    text = Text.load(logs.plain("default", LINES).path)

    def read() -> int:
        total = 0
        for r in records(text):
            _ = r.srcaddr, r.dstaddr, r.dstport, r.bytes, r.action
            total += 1
        return total

    assert benchmark(read) == LINES
