"""scan: schemas, damage, order, closing; what the kernel tests and the containers' do not see."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import lines
import pytest

import vpcflow
from vpcflow import ContainerError, FlowFormat, FormatError, UsageError
from vpcflow.sources import LocalFile

DEFAULT = FlowFormat.default()
RECORD = (
    b"2 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 49152 443 6 10 840 "
    b"1600000000 1600000060 ACCEPT OK"
)


def numbered(first: int, count: int) -> bytes:
    """Records whose `bytes` count up."""
    return b"".join(
        RECORD.replace(b" 840 ", b" %d " % n) + b"\n" for n in range(first, first + count)
    )


def byte_counts(stream: Any) -> list[int]:
    return [record.bytes for record in stream.records()]


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_records_come_in_the_order_of_the_sources_with_any_number_of_threads(
    tmp_path: Path, threads: int | None
) -> None:
    for number in range(7):
        text = gzip.compress(numbered(1000 * number, 900))
        (tmp_path / f"{number}.log.gz").write_bytes(text)
    with vpcflow.scan(tmp_path, threads=threads) as stream:
        found = byte_counts(stream)
    assert found == [1000 * n + i for n in range(7) for i in range(900)]
    assert stream.counts["records"] == 6300
    assert stream.progress.files_done == stream.progress.files == 7
    assert stream.progress.bytes_done == stream.progress.bytes


@pytest.mark.parametrize("threads", [1, 3])
def test_after_a_damaged_source_the_next_one_follows(tmp_path: Path, threads: int) -> None:
    whole = gzip.compress(numbered(0, 500))
    sources = [tmp_path / "a.gz", tmp_path / "b.gz", tmp_path / "c.gz"]
    sources[0].write_bytes(whole)
    sources[1].write_bytes(whole[: len(whole) // 2])
    sources[2].write_bytes(whole)
    stream = vpcflow.scan(*sources, threads=threads)
    found, errors = [], []
    while True:
        try:
            batch = next(stream)
        except StopIteration:
            break
        except ContainerError as error:
            errors.append(error)
        else:
            found.append(len(batch))
    assert [error.source for error in errors] == [str(sources[1])]
    assert sum(found) > 1000
    assert stream.error is errors[0]
    assert [line.reason for line in stream.rejected] == ["truncated"]
    assert stream.counts["lines"] == stream.counts["records"] + 1


def test_a_source_damaged_within_its_first_lines_still_has_its_format_assumed() -> None:
    """The rest of a line where the file breaks off is no evidence against the lines before it."""
    whole = gzip.compress(numbered(0, 3), compresslevel=0)
    stream = vpcflow.scan(whole[:-30])
    assert len(next(stream)) == 2
    with pytest.raises(ContainerError):
        next(stream)
    assert stream.formats == ((DEFAULT, "assumed"),)


def test_the_schema_is_the_union_of_the_formats_of_the_sources() -> None:
    first = b"srcaddr dstport\n10.0.0.1 22\n"
    second = b"dstport bytes\n443 99\n"
    with vpcflow.scan(first, second) as stream:
        assert stream.schema.names == ("srcaddr", "dstport", "bytes")
        assert [r.asdict() for r in stream.records()] == [
            {"srcaddr": "10.0.0.1", "dstport": 22, "bytes": None},
            {"srcaddr": None, "dstport": 443, "bytes": 99},
        ]


def test_one_object_of_each_flow_log_is_looked_at_for_its_format(tmp_path: Path) -> None:
    """A flow log's format cannot change; so a file that breaks this shows when it is read."""
    name = "123456789012_vpcflowlogs_us-east-1_{}_20260914T100{}Z_abcdef01.log.gz"
    files = {
        name.format("fl-01", 0): b"srcaddr dstport\n10.0.0.1 22\n",
        name.format("fl-01", 5): b"bytes dstport\n99 23\n",
        name.format("fl-02", 0): b"dstport packets\n24 7\n",
    }
    for path, text in files.items():
        (tmp_path / path).write_bytes(gzip.compress(text))
    stream = vpcflow.scan(tmp_path)
    assert stream.schema.names == ("srcaddr", "dstport", "packets")
    with pytest.raises(FormatError, match="'bytes' appears here for the first time") as caught:
        list(stream)
    assert "columns=['srcaddr', 'dstport', 'packets', 'bytes']" in str(caught.value)
    columns = ["srcaddr", "dstport", "packets", "bytes"]
    assert [r.dstport for r in vpcflow.scan(tmp_path, columns=columns).records()] == [22, 23, 24]


def test_a_column_that_aws_has_added_since_can_be_projected_and_filtered() -> None:
    data = b"srcaddr new-field\n10.0.0.1 a\n10.0.0.2 b\n"
    stream = vpcflow.scan(data, columns=["new_field"], where={"new_field": "b"})
    assert [r.asdict() for r in stream.records()] == [{"new_field": "b"}]
    with pytest.raises(UsageError, match="new_field"):
        vpcflow.scan(data, columns=["new_feild"])
    with pytest.raises(UsageError, match="columns="):
        vpcflow.parse(numbered(0, 1), columns=["new_field"])


def test_batches_end_at_about_16384_records_and_a_hostile_dictionary_ends_them_early() -> None:
    sizes = [len(batch) for batch in vpcflow.scan(numbered(0, 100_000), threads=1)]
    assert sum(sizes) == 100_000
    assert max(sizes) < 17_500
    distinct = b"".join(
        RECORD.replace(b"eni-1235b8ca123456789", b"eni-%017x" % n) + b"\n" for n in range(70_000)
    )
    import pyarrow

    for batch in vpcflow.scan(distinct, text="dictionary"):
        assert len(pyarrow.record_batch(batch)["interface_id"].dictionary) <= 65_536
    whole = vpcflow.parse(distinct)
    assert len(pyarrow.record_batch(whole)["interface_id"].dictionary) == 70_000


def test_a_hundred_megabytes_without_a_newline_are_one_rejected_line() -> None:
    data = RECORD + b"\n" + b"x" * 100_000_000 + b"\n" + RECORD
    stream = vpcflow.scan(data, format=DEFAULT)
    assert sum(map(len, stream)) == 2
    (line,) = stream.rejected
    assert (line.reason, line.line_number, len(line.text)) == ("line-too-long", 2, 4096)
    assert vpcflow.parse(data, format=DEFAULT).rejected[0].byte_offset == line.byte_offset


@pytest.mark.parametrize("empty", [b"", b"\n\n \n", gzip.compress(b"")])
def test_a_source_without_lines_gives_no_records_and_no_error(empty: bytes) -> None:
    with vpcflow.scan(empty) as stream:
        assert sum(map(len, stream)) == 0
    assert stream.counts["records"] == 0
    assert stream.counts["lines"] == stream.counts["blank"]


def test_closing_ends_the_stream_and_leaves_batches_valid(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.log").write_bytes(numbered(0, 50_000))
    stream = vpcflow.scan(tmp_path, threads=2)
    batch = next(stream)
    stream.close()
    assert next(iter(batch)).bytes == 0
    with pytest.raises(UsageError, match="exhausted"):
        iter(stream)


def test_strict_assumes_nothing() -> None:
    with pytest.raises(FormatError, match="strict"):
        vpcflow.scan(RECORD + b"\n", format="strict")
    header = lines.header(DEFAULT)
    batch = next(vpcflow.scan(header + b"\n" + RECORD, format="strict"))
    assert batch.format_source == "header"


@pytest.mark.parametrize(
    ("argument", "value", "nearest"),
    [("text", "veiw", "'view'"), ("on_error", "colect", "'collect'"), ("text", 3, "'view'")],
)
def test_a_wrong_option_is_named_with_what_is_allowed(
    argument: str, value: object, nearest: str
) -> None:
    with pytest.raises(UsageError, match=argument) as caught:
        vpcflow.scan(RECORD, **{argument: value})
    assert nearest in str(caught.value)


def test_a_scheme_that_no_plugin_registers_suggests_the_nearest() -> None:
    with pytest.raises(vpcflow.UsageError, match=r"(?s)no source 'cloudwach'.*mean 'cloudwatch'"):
        vpcflow.scan("cloudwach://group")


@pytest.mark.parametrize("threads", [1, 4])
def test_closing_a_stream_closes_the_file_that_it_is_at(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "flows.log"
    path.write_bytes(numbered(0, 1000))
    opened: list[Any] = []

    class Watched(LocalFile):
        def open(self) -> Any:
            opened.append(super().open())
            return opened[-1]

    with vpcflow.scan(Watched(str(path)), threads=threads) as stream:
        next(stream)
        assert not opened[-1].closed
    assert all(file.closed for file in opened)
