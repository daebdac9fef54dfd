"""The committed sample logs: they are what make_samples.py writes, and hold what they say."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import vpcflow

DATA = Path(__file__).parent / "data"
SAMPLES = DATA / "samples"
DEFAULT = SAMPLES / "AWSLogs"
ACL_CHANGE = datetime(2026, 9, 14, 10, 5, tzinfo=UTC)
DB, APP_1 = "10.0.2.9", "10.0.1.5"

# how the format was known, records, NODATA and SKIPDATA among them
HELD = {
    "custom-v5.log": ("header", 274, 4, 1),
    "ecs-v8.log.gz": ("header", 111, 0, 0),
    "tags-v11.log.gz": ("header", 138, 0, 0),
    "ipv6.log": ("header", 92, 0, 0),
    "transit-gateway.log.gz": ("header", 232, 0, 0),
    "cloudwatch-subscription.json.gz": ("assumed", 156, 9, 1),
    "cloudwatch-export.log.gz": ("assumed", 56, 0, 0),
    "firehose.jsonl": ("assumed", 57, 9, 1),
}


def _files(directory: Path) -> dict[str, bytes]:
    """The samples below a directory; packed ones as the text in them, since the packed bytes are
    zlib's affair."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != "README.md":
            content = path.read_bytes()
            whole = path.suffix == ".gz" and path.name != "damaged.log.gz"
            name = str(path.relative_to(directory))
            found[name] = gzip.decompress(content) if whole else content
    return found


def _records(path: Path, **selection: object) -> list[dict[str, object]]:
    with vpcflow.scan(path, where=selection or None) as stream:
        return [record.asdict() for batch in stream for record in batch]


def test_the_committed_samples_are_what_the_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_samples.py", tmp_path], check=True)
    assert _files(tmp_path) == _files(SAMPLES)


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 300_000


@pytest.mark.parametrize("name", HELD)
def test_a_sample_holds_what_it_says(name: str) -> None:
    said_by, records, nodata, skipdata = HELD[name]
    with vpcflow.scan(SAMPLES / name) as stream:
        sources = {batch.format_source for batch in stream}
        counts = stream.counts
    assert sources == {said_by}
    assert (counts["records"], counts["nodata"], counts["skipdata"]) == (records, nodata, skipdata)
    assert counts["rejected"] == 0


def test_the_directory_of_the_default_format_is_one_stream_in_order() -> None:
    with vpcflow.scan(DEFAULT) as stream:
        ends = [record.end for batch in stream for record in batch]
        counts = stream.counts
    assert ends == sorted(ends)
    assert [counts[name] for name in ("records", "header", "nodata", "skipdata")] == [555, 2, 9, 1]


def test_the_same_flows_come_out_of_every_container() -> None:
    flows = _records(DEFAULT)
    streams = ("eni-0b000000000000004", "eni-0b00000000000000b")
    subscribed = [flow for flow in flows if flow["interface_id"] in streams]
    by_stream = sorted(subscribed, key=lambda flow: streams.index(str(flow["interface_id"])))
    assert _records(SAMPLES / "cloudwatch-subscription.json.gz") == by_stream
    exported = [flow for flow in flows if flow["interface_id"] == "eni-0b000000000000008"]
    assert _records(SAMPLES / "cloudwatch-export.log.gz") == exported
    assert _records(SAMPLES / "firehose.jsonl") == [f for f in flows if f["action"] != "ACCEPT"]


def test_the_network_acl_takes_replies_to_other_ports_from_ten_five_on() -> None:
    replies = _records(DEFAULT, srcaddr=DB, interface_id="eni-0b000000000000008")
    rejected = [r for r in replies if r["action"] == "REJECT"]
    assert len(rejected) >= 3
    assert {r["dstaddr"] for r in rejected} == {APP_1}
    for r in replies:
        allowed = r["start"] < ACL_CHANGE or 32768 <= r["dstport"] <= 60999
        assert r["action"] == ("ACCEPT" if allowed else "REJECT")


def test_tags_are_decoded_and_next_hops_named() -> None:
    records = _records(SAMPLES / "tags-v11.log.gz")
    assert {r["interface_tag_2"] for r in records} == {"café", "blue-green", None}
    through_nat = [r for r in records if r["next_hop_interface_type"] == "nat_gateway"]
    assert {(r["az_id"], r["next_hop_az_id"]) for r in through_nat} == {
        ("euw1-az1", "euw1-az1"),
        ("euw1-az2", "euw1-az1"),
    }


def test_what_public_access_blocks_has_a_reason_and_no_bytes() -> None:
    blocked = _records(SAMPLES / "ecs-v8.log.gz", reject_reason="BPA")
    assert len(blocked) == 5
    assert {(r["action"], r["bytes"]) for r in blocked} == {("REJECT", None)}


def test_bad_lines_are_set_aside_with_their_reasons() -> None:
    with vpcflow.scan(SAMPLES / "bad-lines.log") as stream:
        for _ in stream:
            pass
        rejected, counts = stream.rejected, stream.counts
    assert [(line.line_number, line.reason, line.field) for line in rejected] == [
        (6, "too-few-fields", None),
        (10, "too-few-fields", None),
        (15, "too-many-fields", None),
        (21, "not-an-integer", "dstport"),
        (22, "not-an-integer", "bytes"),
        (23, "not-an-integer", "packets"),
        (28, "out-of-range", "srcport"),
        (29, "out-of-range", "bytes"),
        (30, "out-of-range", "start"),
        (34, "not-utf8", "action"),
        (39, "bad-percent-encoding", "interface_tag"),
        (40, "not-utf8", "interface_tag"),
    ]
    assert (counts["records"], counts["header"], counts["blank"]) == (62, 2, 1)


def test_a_damaged_file_gives_its_records_before_the_error() -> None:
    lengths: list[int] = []
    with vpcflow.scan(SAMPLES / "damaged.log.gz") as stream:
        with pytest.raises(vpcflow.ContainerError, match="truncated"):
            lengths.extend(map(len, stream))
        assert stream.rejected_by_reason == {"truncated": 1}
    assert sum(lengths) == 73
