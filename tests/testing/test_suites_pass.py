"""The suites for authors of plugins, passed by what is built in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vpcflow.append_place import AppendPlace
from vpcflow.enrich import BatchEnricher, KeyedEnricher
from vpcflow.jsonl import null, sink
from vpcflow.local_place import LocalPlace
from vpcflow.selection import Selection
from vpcflow.source_files import LocalFile, SourceFile
from vpcflow.sources import resolve
from vpcflow.testing import (
    EnricherSuite,
    FileSinkSuite,
    PlaceSuite,
    SinkSuite,
    SourceSuite,
    sample_lines,
)


def parsed(row: dict[str, Any]) -> dict[str, Any]:
    times = {"start", "end"} & set(row)
    return row | {name: datetime.fromisoformat(row[name]) for name in times}


class TestJsonl(FileSinkSuite):
    factory = staticmethod(sink)
    suffix = ".jsonl"
    appendable = True

    def read_file(self, path: Path) -> list[dict[str, Any]]:
        return [parsed(json.loads(line)) for line in path.read_text().splitlines()]


class TestJsonlInSeconds(TestJsonl):
    options: Mapping[str, str] = {"times": "epoch"}
    times = "epoch"

    def read_file(self, path: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in path.read_text().splitlines()]


class TestJsonlFile(TestJsonl):
    """All targets are one file that grows."""

    def make_sink(self, folder: Path) -> Any:
        return sink(f"{folder}/flows.jsonl", {})


class TestNull(SinkSuite):
    factory = staticmethod(null)
    keeps_records = False

    def make_sink(self, folder: Path) -> Any:
        return null("", {})


class TestLocalPlace(PlaceSuite):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.root = tmp_path / "below" / "here"
        (tmp_path / "file").write_bytes(b"")
        self.blocked = tmp_path / "file" / "below"

    def make_place(self) -> Any:
        return LocalPlace(self.root)

    def unwritable_place(self) -> Any:
        return LocalPlace(self.blocked)

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.exists() else None

    def names(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return [str(path.relative_to(self.root)) for path in files if path.name[0] != "."]


class TestAppendPlace(TestLocalPlace):
    appends = True
    folders = False
    name = "flows [1] *.jsonl"

    def make_place(self) -> Any:
        return AppendPlace(self.root)

    def unwritable_place(self) -> Any:
        return AppendPlace(self.blocked)


class LocalFiles:
    """The files of a directory, as a source."""

    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        yield from resolve([url.removeprefix("local://")], selection=selection)


AWS_NAMES = (
    "123456789010_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20240501T1620Z_0a1b2c3d.log.gz",
    "123456789010_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20240501T1625Z_0a1b2c3d.log.gz",
    "210987654321_vpcflowlogs_eu-west-1_fl-0fedcba9876543210_20240501T1900Z_4e5f6a7b.log.gz",
    "somebody-elses.log",
)


class TestLocalFiles(SourceSuite):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.url = f"local://{tmp_path}"
        self.missing_url = f"local://{tmp_path}/absent"
        for number, name in enumerate(AWS_NAMES):
            (tmp_path / name).write_bytes(sample_lines()[: 100 * number])

    def make_source(self) -> Any:
        return LocalFiles()


def test_a_local_file_is_a_source_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(sample_lines())
    assert isinstance(LocalFile(path), SourceFile)


class Ports(KeyedEnricher):
    """Keyed by a number, with a role for each end."""

    on = {"src": ("srcport",), "dst": ("dstport",)}
    adds = {"{role}_service": "dictionary<int32, utf8>", "{role}_known": "bool"}

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        return {443: ("https", True), 22: ("ssh", True)}.get(key)


class TestKeyedEnricher(EnricherSuite):
    examples = (
        ({"dstport": 443, "srcport": 50000}, {"dst_service": "https", "src_service": None}),
        ({"srcport": 22}, {"src_service": "ssh", "src_known": True, "dst_known": None}),
    )

    def make_enricher(self) -> Any:
        return Ports()


class Lengths(BatchEnricher):
    """A column from whole batches."""

    adds = {"bytes_a_packet": "float64"}

    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        rows = batch.to_pylist()
        pairs = [(row.get("bytes"), row.get("packets")) for row in rows]
        each = [None if size is None or not many else size / many for size, many in pairs]
        return {"bytes_a_packet": pa.array(each, pa.float64())}


class TestBatchEnricher(EnricherSuite):
    examples = (({"bytes": 10, "packets": 4}, {"bytes_a_packet": 2.5}),)

    def make_enricher(self) -> Any:
        return Lengths()
