"""What is measured is what the lines take: to the byte, in every format and container."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpcflow_query.cost import Meter, Volume
from vpcflow_query.cost.distinct import Distinct
from vpcflow_query.cost.meter import PIECE, STRIDE

import vpcflow

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
PLAIN = (
    "custom-v5.log",
    "ipv6.log",
    "ecs-v8.log.gz",
    "tags-v11.log.gz",
    "transit-gateway.log.gz",
    "AWSLogs",
)


def measured(*sources: object, **options: object) -> Volume:
    with vpcflow.scan(*sources, **options) as stream, Meter() as meter:  # type: ignore[arg-type]
        for batch in stream:
            meter.add(batch)
        return meter.volume()


def text_of(path: Path) -> bytes:
    if path.is_dir():
        return b"".join(text_of(one) for one in sorted(path.rglob("*.gz")))
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def record_bytes(text: bytes) -> int:
    """Of all lines with their newline, without the header lines."""
    rows = text.splitlines(keepends=True)
    return sum(len(row) for row in rows if b"interface-id" not in row and b"tgw-id" not in row)


@pytest.mark.parametrize("name", PLAIN)
def test_samples_take_as_many_bytes_as_their_lines(name: str) -> None:
    volume = measured(str(SAMPLES / name))
    assert volume.all.text_bytes == record_bytes(text_of(SAMPLES / name))
    assert sum(one.text_bytes for one in volume.fields.values()) == volume.all.text_bytes
    by_interface = [one.all.text_bytes for one in volume.interfaces.values()]
    assert sum(by_interface) == volume.all.text_bytes


def test_envelopes_count_their_messages() -> None:
    export = text_of(SAMPLES / "cloudwatch-export.log.gz").splitlines()
    firehose = [
        json.loads(line)["message"]
        for line in text_of(SAMPLES / "firehose.jsonl").split(b"\n")
        if line
    ]
    subscription = re.findall(
        r'"message": "(2 [^"]*)"', text_of(SAMPLES / "cloudwatch-subscription.json.gz").decode()
    )
    for name, sizes in (
        ("cloudwatch-export.log.gz", [len(line.partition(b" ")[2]) + 1 for line in export]),
        ("firehose.jsonl", [len(message) + 1 for message in firehose]),
        ("cloudwatch-subscription.json.gz", [len(message) + 1 for message in subscription]),
    ):
        volume = measured(str(SAMPLES / name))
        assert (volume.all.records, volume.all.text_bytes) == (len(sizes), sum(sizes)), name


def test_where_logs_come_from_is_seen() -> None:
    for name, destination in (
        ("AWSLogs", "s3"),
        ("cloudwatch-export.log.gz", "cloudwatch"),
        ("cloudwatch-subscription.json.gz", "cloudwatch"),
        ("firehose.jsonl", "firehose"),
        ("ipv6.log", None),
    ):
        assert measured(str(SAMPLES / name)).destination == destination
    aws = measured(str(SAMPLES / "AWSLogs"))
    assert aws.region == "eu-west-1"
    assert aws.flow_logs == ("fl-0e000000000000001",)
    assert aws.span == pytest.approx(600, abs=2)
    assert not aws.gaps
    files = list((SAMPLES / "AWSLogs").rglob("*.gz"))
    stored = sum(file.stat().st_size for file in files)
    assert aws.stored_bytes == stored
    assert aws.compression == pytest.approx(aws.all.text_bytes / stored)


def in_seconds(rows: Sequence[bytes]) -> bytes:
    """Milliseconds of whole seconds cannot be told from seconds."""
    return re.sub(rb"\b(\d{10})000\b", rb"\1", lines.text(rows))


@settings(deadline=None)  # a database is opened each time
@given(st.data())
def test_any_format_to_the_byte(data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    rows = lines.records(data.draw(lines.SEEDS), format, data.draw(st.integers(1, 30)))
    text = in_seconds(rows)
    mode = data.draw(st.sampled_from(["view", "utf8", "dictionary"]))
    batch = vpcflow.parse(text, format=format, text=mode, on_error="raise")
    with Meter() as meter:
        meter.add(batch)
        volume = meter.volume()
    assert (volume.all.records, volume.all.text_bytes) == (len(rows), len(text))


def test_parquet_is_measured_as_the_text_that_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "flows.parquet"
    batch = vpcflow.parse(text_of(SAMPLES / "custom-v5.log"), text="utf8", on_error="raise")
    pq.write_table(pa.table(batch), path)
    volume = measured(str(path))
    assert volume.all == measured(str(SAMPLES / "custom-v5.log")).all
    assert volume.destination == "s3-parquet"


def test_fields_that_were_not_read_have_their_usual_length() -> None:
    columns = ["interface_id", "srcaddr", "log_status"]
    volume = measured(str(SAMPLES / "custom-v5.log"), columns=columns)
    full = measured(str(SAMPLES / "custom-v5.log"))
    assert set(volume.fields) == set(full.fields)
    assert {name for name, one in volume.fields.items() if one.measured} == set(columns)
    assert volume.all.text_bytes == pytest.approx(full.all.text_bytes, rel=0.15)
    assert volume.all.records == full.all.records


def test_filtered_and_rejected_lines_are_told_apart() -> None:
    volume = measured(str(SAMPLES / "bad-lines.log"), where={"action": "REJECT"})
    assert volume.filtered
    assert volume.rejected
    assert volume.reject == volume.all


def big(pieces: float) -> list[bytes]:
    row = b"2 123456789010 eni-%017x 10.0.%d.%d 10.1.0.9 %d 443 6 3 180 %d %d ACCEPT OK"
    begin = 1_700_000_000
    return [
        row
        % (i % 7, i >> 8 & 255, i & 255, 1024 + i % 60_000, begin + i // 99, begin + i // 99 + 9)
        for i in range(int(PIECE * pieces))
    ]


def test_several_pieces_and_formats_add_up() -> None:
    text = lines.text(big(1.3))
    other = text_of(SAMPLES / "custom-v5.log")
    with Meter() as meter:
        for source in (text, other):
            for batch in vpcflow.scan(source):
                meter.add(batch)
        volume = meter.volume()
    assert volume.all.text_bytes == len(text) + record_bytes(other)
    assert volume.distinct.records == volume.all.records


def test_a_sample_of_large_logs_is_near() -> None:
    text = lines.text(big(2))
    with Meter(full=50_000) as meter:
        for batch in vpcflow.scan(text, threads=1):
            meter.add(batch)
        volume = meter.volume()
    assert 50_000 <= volume.distinct.records < 70_000
    assert volume.all.text_bytes == pytest.approx(len(text), rel=0.4)  # of few batches
    assert volume.all.text_bytes / volume.all.records == pytest.approx(
        len(text) / int(PIECE * 2), rel=0.01
    )
    assert meter.records == int(PIECE * 2)
    assert STRIDE > 1


def test_a_meter_outside_its_block_says_so() -> None:
    meter = Meter()
    meter.add(vpcflow.parse(lines.DEFAULT_LINE))
    with pytest.raises(vpcflow.UsageError, match="context manager"):
        meter.volume()


def test_distinct_counts_exactly_and_then_nearly() -> None:
    few, many = Distinct(kept=1000), Distinct(kept=1000)
    spread = hashes(50_000)
    few.add(spread[:1000])
    few.add(spread[:500])
    many.add(spread)
    many.add(spread)
    assert (few.count, few.exact) == (1000, True)
    assert not many.exact
    assert many.count == pytest.approx(50_000, rel=0.15)


def hashes(count: int) -> list[int]:
    digests = (hashlib.blake2b(b"%d" % i, digest_size=8).digest() for i in range(count))
    return [int.from_bytes(digest) for digest in digests]
