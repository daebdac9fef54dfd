"""The sinks that are built in: JSON lines, standard output, nowhere."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from vpcflow.batch import FlowBatch
from vpcflow.errors import PluginError, UsageError
from vpcflow.jsonl import null, sink
from vpcflow.report import Run
from vpcflow.testing import sample_batch


def written(target: Path, batch: pa.RecordBatch, **options: str) -> list[str]:
    made = sink(str(target), options)
    made.open(batch.schema, Run())
    made.write(batch)
    made.commit(made.prepare())
    made.close()
    return [
        line
        for path in sorted(target.parent.rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def test_lines(tmp_path: Path) -> None:
    lines = written(tmp_path / "a.jsonl", sample_batch("nodata"))
    assert len(lines) == 3
    assert json.loads(lines[0]) == {
        "version": 2,
        "account_id": "123456789010",
        "interface_id": "eni-0a1b2c3d4e5f60718",
        "start": "2023-11-14T22:14:20Z",
        "end": "2023-11-14T22:15:18Z",
        "log_status": "NODATA",
    }


def test_times_as_seconds(tmp_path: Path) -> None:
    (line, *_) = written(tmp_path / "a.jsonl", sample_batch("nodata"), times="epoch")
    assert json.loads(line)["start"] == 1700000060


def test_hostile_texts_stay_within_their_line(tmp_path: Path) -> None:
    batch = sample_batch("tags")
    lines = written(tmp_path / "a.jsonl", batch)
    assert len(lines) == batch.num_rows
    assert "\x1b" not in "".join(lines)
    assert "\0" not in "".join(lines)
    for line, tag in zip(lines, batch.column("interface_tag_2").to_pylist(), strict=True):
        assert json.loads(line)["interface_tag_2"] == tag


def test_a_file_grows(tmp_path: Path) -> None:
    for _ in range(3):
        lines = written(tmp_path / "a.jsonl", sample_batch())
    assert len(lines) == 12
    assert len(set(lines)) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_columns_of_enrichers(tmp_path: Path) -> None:
    batch = pa.record_batch(
        {
            "country": pa.array(["DE", None, "日本"]).dictionary_encode(),
            "latitude": pa.array([52.5, None, -0.1], pa.float64()),
            "score": pa.array([0.5, None, 1e30], pa.float32()),
            "ours": pa.array([True, None, False]),
            "asn": pa.array([2**32 - 1, None, 0], pa.uint32()),
            "small": pa.array([-128, None, 127], pa.int8()),
            "seen": pa.array([1700000000123, None, 0], pa.timestamp("ms", "UTC")),
        }
    )
    first, second, third = (json.loads(line) for line in written(tmp_path / "a.jsonl", batch))
    assert first["country"] == "DE"
    assert (first["latitude"], first["ours"], first["asn"]) == (52.5, True, 2**32 - 1)
    assert (first["small"], third["small"]) == (-128, 127)
    assert first["seen"] == "2023-11-14T22:13:20.123Z"
    assert second == {}
    assert third["ours"] is False
    assert third["latitude"] == -0.1


class Output:
    def __init__(self, buffer: io.RawIOBase | io.BytesIO) -> None:
        self.buffer = buffer


def test_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)
    made = sink("-", {})
    assert not made.resumable
    batch = sample_batch()
    made.open(batch.schema, Run())
    made.write(batch)
    assert made.prepare() == []
    made.commit([])
    made.close()
    assert isinstance(output.buffer, io.BytesIO)
    assert output.buffer.getvalue().count(b"\n") == 4


def test_there_may_be_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(PluginError, match="there is no standard output"):
        sink("-", {}).open(sample_batch().schema, Run())


def test_standard_output_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=full))
        made = sink("-", {})
        made.open(sample_batch().schema, Run())
        with pytest.raises(PluginError, match="No space left on device"):
            made.write(sample_batch())


def test_a_reader_that_has_gone_is_no_failure_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line ends quietly then, as with any other output."""

    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Output(Gone()))
    made = sink("-", {})
    made.open(sample_batch().schema, Run())
    with pytest.raises(BrokenPipeError):
        made.write(sample_batch())


def test_options_of_standard_output_and_nowhere() -> None:
    with pytest.raises(UsageError, match="takes no options"):
        sink("-", {"size": "1MB"})
    with pytest.raises(UsageError, match="has no option 'sise'") as error:
        sink("-", {"sise": "1MB"})
    assert error.value.hint == "did you mean 'size'?"
    with pytest.raises(UsageError, match="null: has no target"):
        null("somewhere", {})
    with pytest.raises(UsageError, match="sink null has no option 'size'"):
        null("", {"size": "1MB"})


def test_nowhere_takes_everything() -> None:
    made = null("", {})
    batch = sample_batch()
    made.open(batch.schema, Run())
    made.write(batch)
    assert made.prepare() == []
    made.commit([])
    made.close()


def test_numbers_of_enrichers_are_written_so_that_they_read_back() -> None:
    values = [0.1, 1.5, -0.0, 1e300, 5e-324, 51.507351, float("nan"), float("inf"), None]
    batch = FlowBatch.from_arrow(
        pa.record_batch({"f": values, "b": [True, False, None] * 3, "n": range(9)})
    )
    rows = [json.loads(line) for line in batch.to_jsonl().splitlines()]
    assert [row.get("f") for row in rows] == [*values[:6], None, None, None]
    assert [row.get("b") for row in rows] == [True, False, None] * 3
    assert batch.to_csv(header=False).splitlines()[6:8] == [b",true,6", b",false,7"]
    assert [record.f for record in batch][:6] == values[:6]
    assert [record.b for record in batch] == [True, False, None] * 3
