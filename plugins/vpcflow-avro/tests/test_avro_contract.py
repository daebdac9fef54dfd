"""The contract of file sinks (vpcflow.testing), for each way in which times are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fastavro
from vpcflow_avro.sink import sink

from vpcflow.testing import FileSinkSuite


class AvroSuite(FileSinkSuite):
    factory = staticmethod(sink)
    suffix = ".avro"

    def read_file(self, path: Path) -> Iterable[Mapping[str, Any]]:
        with path.open("rb") as file:
            yield from fastavro.reader(file)  # type: ignore[misc]


class TestAvro(AvroSuite):
    pass


class TestAvroWithSecondsAndSmallBlocks(AvroSuite):
    options = {"times": "epoch", "block": "1KiB", "codec": "zstandard"}
    times = "epoch"
