"""The container `parquet`: spellings, types and missing values as they are met in the wild."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from vpcflow_parquet.container import ParquetContainer

import vpcflow
from vpcflow.bench.generate import generate
from vpcflow.containers.contract import ColumnBatch
from vpcflow.errors import ContainerError, FormatError, UsageError
from vpcflow.source_files import BytesFile, OpenFile
from vpcflow.where import parse_where

Foreign = Callable[..., bytes]
Written = Callable[..., bytes]
RowsOf = Callable[..., list[dict[str, Any]]]

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
SECONDS = int(NOON.timestamp())


def names(data: bytes) -> tuple[str, ...]:
    return ParquetContainer().format(BytesFile("flow.parquet", data)).names


def until_the_error(batches: Iterator[ColumnBatch]) -> tuple[list[ColumnBatch], ContainerError]:
    """What comes before the error, and the error."""
    found: list[ColumnBatch] = []
    with pytest.raises(ContainerError) as caught:
        found.extend(batches)
    return found, caught.value


# Columns


def test_both_spellings_of_columns(foreign: Foreign, rows_of: RowsOf) -> None:
    for spelt in ("account-id", "account_id"):
        data = foreign({spelt: ["123456789010"], "srcport": pa.array([22], pa.int32())})
        assert rows_of(data) == [{"account_id": "123456789010", "srcport": 22}]
        assert ParquetContainer().format(BytesFile("f", data)).fields[0].aws_name == "account-id"


def test_unknown_columns_are_text(foreign: Foreign, rows_of: RowsOf) -> None:
    data = foreign(
        {
            "action": ["ACCEPT", "REJECT"],
            "new-field": ["x", "-"],
            "src_asn": pa.array([64512, None], pa.uint32()),
            "src_score": [0.5, None],
            "src_known": [True, False],
        }
    )
    assert names(data) == ("action", "new_field", "src_asn", "src_score", "src_known")
    assert rows_of(data) == [
        {
            "action": "ACCEPT",
            "new_field": "x",
            "src_asn": "64512",
            "src_score": "0.5",
            "src_known": "true",
        },
        {
            "action": "REJECT",
            "new_field": None,
            "src_asn": None,
            "src_score": None,
            "src_known": "false",
        },
    ]


def test_columns_that_no_field_could_be_are_left_out(foreign: Foreign) -> None:
    data = foreign(
        {
            "__index_level_0__": [1],
            "srcaddr": ["::1"],
            "tags": pa.array([["a"]]),
            "more": pa.array([{"srcport": 1}]),
            "\x1b[31m": ["red"],
        }
    )
    assert names(data) == ("srcaddr",)


def test_a_column_twice_is_refused(foreign: Foreign) -> None:
    with pytest.raises(FormatError, match="the column 'account_id' is there twice"):
        names(foreign({"account-id": ["1"], "account_id": ["2"]}))


def test_files_without_flow_logs_are_refused(foreign: Foreign) -> None:
    with pytest.raises(FormatError, match="none of the columns is a field of flow logs") as caught:
        names(foreign({"SrcAddr": ["::1"], "x": [1]}))
    assert "it has SrcAddr, x" in str(caught.value)
    assert "'srcaddr'" in str(caught.value.hint)


def test_records_of_security_lake_are_refused(foreign: Foreign) -> None:
    """They have a column `action`, too."""
    with pytest.raises(FormatError, match="OCSF records"):
        names(foreign({"class_uid": [4001], "action": ["Allowed"], "time": [SECONDS]}))


def test_columns_that_are_absent_are_null(foreign: Foreign, rows_of: RowsOf) -> None:
    data = foreign({"srcaddr": ["::1", "::2"]})
    asked = ["dstport", "srcaddr", "start", "never_seen"]
    assert rows_of(data, asked) == [
        {"dstport": None, "srcaddr": text, "start": None, "never_seen": None}
        for text in ("::1", "::2")
    ]
    assert rows_of(data, ["dstport"]) == [{"dstport": None}] * 2
    assert rows_of(data, ["dstport"], {"end": None}) == [{"dstport": None}] * 2
    assert rows_of(data, ["dstport"], {"end": SECONDS}) == []


# Values


TEXTS: dict[str, Any] = {
    "string": pa.array(["ACCEPT", None, "-", "None", ""]),
    "large": pa.array(["ACCEPT", None, "-", "None", ""], pa.large_utf8()),
    "binary": pa.array([b"ACCEPT", None, b"-", b"None", b""]),
    "dictionary": pa.array(["ACCEPT", None, "-", "None", ""]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_missing_text_is_null_a_hyphen_or_none(
    foreign: Foreign, rows_of: RowsOf, kind: str
) -> None:
    rows = rows_of(foreign({"action": TEXTS[kind]}))
    assert [row["action"] for row in rows] == ["ACCEPT", None, None, None, ""]


NUMBERS: dict[str, Any] = {
    "int64": pa.array([6, None, 255], pa.int64()),
    "int32": pa.array([6, None, 255], pa.int32()),
    "int16": pa.array([6, None, 255], pa.int16()),
    "uint8": pa.array([6, None, 255], pa.uint8()),
    "uint64": pa.array([6, None, 255], pa.uint64()),
    "float64": pa.array([6.0, float("nan"), 255.0]),
    "float32": pa.array([6.0, None, 255.0], pa.float32()),
    "text": pa.array(["6", "-", "255"]),
    "words": pa.array(["6", "None", "255"]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_integers_of_any_kind(foreign: Foreign, rows_of: RowsOf, kind: str) -> None:
    data = foreign({"protocol": NUMBERS[kind]})
    assert [row["protocol"] for row in rows_of(data)] == [6, None, 255]
    assert rows_of(data, where={"protocol": (7, None)}) == [{"protocol": 255}]
    assert rows_of(data, where={"protocol": [6, None]}) == [{"protocol": 6}, {"protocol": None}]


TIMES: dict[str, Any] = {
    "seconds": pa.array([SECONDS, None], pa.int64()),
    "seconds as int32": pa.array([SECONDS, None], pa.int32()),
    "milliseconds": pa.array([SECONDS * 1000, None], pa.int64()),
    "text": pa.array([str(SECONDS), "-"]),
    "float": pa.array([float(SECONDS), None]),
    "timestamp[s]": pa.array([NOON, None], pa.timestamp("s", "UTC")),
    "timestamp[ms]": pa.array([NOON, None], pa.timestamp("ms", "UTC")),
    "timestamp[us]": pa.array([NOON, None], pa.timestamp("us", "UTC")),
    "timestamp[ns] of another zone": pa.array([NOON, None], pa.timestamp("ns", "Asia/Tokyo")),
    "without a zone": pa.array([NOON.replace(tzinfo=None), None], pa.timestamp("us")),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("int96", [False, True])
def test_times_of_any_kind(foreign: Foreign, rows_of: RowsOf, kind: str, int96: bool) -> None:
    data = foreign({"start": TIMES[kind]}, use_deprecated_int96_timestamps=int96)
    assert rows_of(data) == [{"start": NOON}, {"start": None}]
    assert rows_of(data, where={"start": (SECONDS, SECONDS + 1)}) == [{"start": NOON}]
    assert rows_of(data, where={"start": (SECONDS + 1, None)}) == []
    assert rows_of(data, where={"start": None}) == [{"start": None}]


def test_seconds_and_milliseconds_in_one_column(foreign: Foreign, rows_of: RowsOf) -> None:
    values = [SECONDS, None, SECONDS * 1000 + 7]
    rows = rows_of(foreign({"end": pa.array(values, pa.int64())}))
    assert [row["end"] for row in rows] == [NOON, None, NOON.replace(microsecond=7000)]


def test_what_is_finer_than_a_millisecond_is_left_off(foreign: Foreign, rows_of: RowsOf) -> None:
    times = pa.array([NOON.replace(microsecond=1999)], pa.timestamp("us", "UTC"))
    assert rows_of(foreign({"start": times})) == [{"start": NOON.replace(microsecond=1000)}]


def test_tags_are_decoded_in_files_of_others(foreign: Foreign, rows_of: RowsOf) -> None:
    data = foreign({"asg-tag": ["caf%C3%A9", "%2D", "-", "plain", None, "100%25"]})
    values = [row["asg_tag"] for row in rows_of(data)]
    assert values == ["café", "-", None, "plain", None, "100%"]
    assert rows_of(data, where={"asg_tag": "-"}) == [{"asg_tag": "-"}]


def test_files_of_the_sink_hold_what_they_say(written: Written, rows_of: RowsOf) -> None:
    """In them nothing but null is missing, and no tag is encoded."""
    texts = ["-", "None", "%2D", "%", None]
    data = written([pa.record_batch({"asg_tag": texts, "action": texts})])
    assert [row["asg_tag"] for row in rows_of(data)] == texts
    assert [row["action"] for row in rows_of(data)] == texts


# Values that cannot be


IMPOSSIBLE: list[tuple[str, Any, str]] = [
    ("srcport", pa.array([22, 70000], pa.int32()), "out-of-range .*0 to 65535"),
    ("srcport", pa.array([22, -1], pa.int32()), "srcport is -1: out-of-range"),
    ("protocol", pa.array([6, 256], pa.int64()), "out-of-range .*0 to 255"),
    ("bytes", pa.array([1, 2**63], pa.uint64()), "bytes is 9223372036854775808: out-of-range"),
    ("bytes", pa.array([1.0, 1.5]), "bytes is 1.5: not-an-integer"),
    ("bytes", pa.array([1.0, 2.0**60]), "not-an-integer"),
    ("bytes", pa.array([1.0, float("inf")]), "bytes is inf: not-an-integer"),
    ("bytes", pa.array(["1", "010"]), "bytes is 010: not-an-integer"),
    ("bytes", pa.array(["1", "1\n"]), r"bytes is 1\\n: not-an-integer"),
    ("bytes", pa.array(["1", "9223372036854775808"]), "out-of-range"),
    ("bytes", pa.array(["1", ""]), "not-an-integer"),
    ("start", pa.array([SECONDS, 0], pa.int64()), "start is 0: out-of-range"),
    ("start", pa.array([SECONDS, 10**11], pa.int64()), "out-of-range"),
    ("start", pa.array([SECONDS, -SECONDS], pa.int64()), "out-of-range"),
    ("action", pa.array([b"OK", b"\xff\xfe"]), r"action is \\xff\\xfe: not-utf8"),
    ("asg_tag", pa.array(["x", "100%"]), "asg_tag is 100%: bad-percent-encoding"),
    ("asg_tag", pa.array(["x", "%FF"]), "asg_tag is %FF: not-utf8"),
]


@pytest.mark.parametrize(("column", "array", "message"), IMPOSSIBLE)
def test_values_that_cannot_be_end_the_file_after_the_rows_before(
    foreign: Foreign, column: str, array: Any, message: str
) -> None:
    few = [array[0]] * 20_000
    values = pa.concat_arrays([pa.array(few, array.type), array, array[:1]])
    data = foreign({column: values, "dstaddr": ["::1"] * len(values)})
    batches = ParquetContainer().batches(BytesFile("x.parquet", data), [column, "dstaddr"], ())
    found, error = until_the_error(batches)
    assert sum(one.rows for one in found) == 20_001
    assert all(one.rows == one.data.num_rows for one in found)
    assert re.search(message, error.message)
    assert "row 20,002" in error.message
    assert error.source == "x.parquet"


@pytest.mark.parametrize(("column", "array", "message"), IMPOSSIBLE)
def test_values_that_are_compared_are_looked_at(
    foreign: Foreign, column: str, array: Any, message: str
) -> None:
    data = foreign({column: array, "dstaddr": ["::1", "::2"]}, write_statistics=False)
    where = parse_where({column: None})
    batches = ParquetContainer().batches(BytesFile("x", data), ["dstaddr"], where)
    found, error = until_the_error(batches)
    assert [(one.rows, one.data.num_rows) for one in found] == [(1, 0)]
    assert re.search(message, error.message)


def test_values_that_nobody_asks_for_are_not_looked_at(foreign: Foreign, rows_of: RowsOf) -> None:
    data = foreign({"srcport": pa.array([70000], pa.int32()), "dstaddr": ["::1"]})
    assert rows_of(data, ["dstaddr"]) == [{"dstaddr": "::1"}]
    assert rows_of(data, ["srcport"], {"dstaddr": "::2"}) == []


def test_of_rows_that_pass_the_right_one_is_named(foreign: Foreign) -> None:
    data = foreign(
        {
            "srcport": pa.array([1, 70000, 2, 3, 80000], pa.int32()),
            "action": ["REJECT", "ACCEPT", "ACCEPT", "REJECT", "REJECT"],
        }
    )
    where = parse_where({"action": "REJECT"})
    batches = ParquetContainer().batches(BytesFile("x", data), ["srcport"], where)
    found = next(batches)
    assert (found.rows, found.data["srcport"].to_pylist()) == (4, [1, 3])
    with pytest.raises(ContainerError, match="row 5: srcport is 80000"):
        next(batches)


@pytest.mark.parametrize(
    ("column", "array", "message"),
    [
        ("srcaddr", pa.array([1]), "has the type int64, where text belongs"),
        ("srcport", pa.array([True]), "has the type bool, where an integer belongs"),
        ("start", pa.array([NOON.date()]), "has the type date32.*, where a time belongs"),
        ("bytes", pa.array([NOON], pa.timestamp("s")), "where an integer belongs"),
    ],
)
def test_columns_of_types_that_cannot_be(
    foreign: Foreign, rows_of: RowsOf, column: str, array: Any, message: str
) -> None:
    data = foreign({column: array, "dstaddr": ["::1"]})
    with pytest.raises(ContainerError, match=message) as caught:
        rows_of(data)
    assert "columns=" in str(caught.value.hint)
    assert rows_of(data, ["dstaddr"]) == [{"dstaddr": "::1"}]


# What is read


class Counted(BytesFile):
    """Counts what is read of it."""

    def read_range(self, offset: int, n: int) -> bytes:
        reads.append((offset, n))
        return super().read_range(offset, n)


reads: list[tuple[int, int]] = []


@pytest.fixture(scope="module")
def log() -> pa.Table:
    return pa.table(vpcflow.parse(generate("default", lines=60_000).data, text="utf8"))


def by_groups(log: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(log.sort_by("start"), out, row_group_size=5_000, **options)
    return out.getvalue()


def test_only_the_columns_that_are_asked_for_are_read(log: pa.Table) -> None:
    data = by_groups(log)
    reads.clear()
    file = Counted("x", data)
    container = ParquetContainer()
    container.format(file)
    footer = sum(n for _, n in reads)
    batches = list(container.batches(file, ["action"], ()))
    read = sum(n for _, n in reads) - footer
    found = pq.ParquetFile(io.BytesIO(data)).metadata
    action = log.schema.names.index("action")
    chunks = [found.row_group(i).column(action) for i in range(found.num_row_groups)]
    assert read == sum(chunk.total_compressed_size for chunk in chunks) < len(data) / 50
    assert sum(batch.bytes_in for batch in batches) == read
    assert sum(batch.rows for batch in batches) == log.num_rows


@pytest.mark.parametrize("condition", ["start", "dstport", "srcaddr"])
def test_row_groups_are_not_read_where_nothing_can_pass(log: pa.Table, condition: str) -> None:
    data = by_groups(log, write_statistics=["start", "dstport"])
    starts = log["start"].cast(pa.int64())
    last = max(starts.to_pylist()) // 1000
    where: dict[str, Any] = {
        "start": {"start": (last, None)},
        "dstport": {"dstport": (65_536, None)},
        "srcaddr": {"srcaddr": "198.51.100.77"},
    }[condition]
    wanted = log.sort_by("start").filter(_rows_since(log.sort_by("start"), last))
    file = BytesFile("x", data)
    batches = list(ParquetContainer().batches(file, log.schema.names, parse_where(where)))
    rows = [row for batch in batches for row in batch.data.to_pylist()]
    assert rows == (wanted.to_pylist() if condition == "start" else [])
    assert sum(batch.rows for batch in batches) == log.num_rows
    share = sum(batch.bytes_in for batch in batches) / len(data)
    assert share < {"start": 0.3, "dstport": 0.1, "srcaddr": 0.4}[condition]


def _rows_since(log: pa.Table, second: int) -> list[bool]:
    return [row >= second * 1000 for row in log["start"].cast(pa.int64()).to_pylist()]


def test_statistics_of_foreign_numbers_are_not_trusted_beyond_their_meaning(
    foreign: Foreign, rows_of: RowsOf
) -> None:
    """Seconds and milliseconds in one row group have an order that times have not."""
    data = foreign({"start": pa.array([SECONDS, (SECONDS - 5) * 1000], pa.int64())})
    assert len(rows_of(data, where={"start": (SECONDS - 6, SECONDS - 4)})) == 1
    unsigned = foreign({"bytes": pa.array([2**63 - 1, 1], pa.uint64())})
    assert rows_of(unsigned, where={"bytes": 1}) == [{"bytes": 1}]
    nulls = foreign({"protocol": pa.array([255, None], pa.int32())})
    assert rows_of(nulls, where={"protocol": [6, None]}) == [{"protocol": None}]
    hyphens = foreign({"action": ["-", "-"]})
    assert len(rows_of(hyphens, where={"action": None})) == 2


@pytest.mark.parametrize("where", [None, {"action": "REJECT"}, {"start": (0, 1)}, {"end": None}])
def test_reading_goes_on_at_any_row(log: pa.Table, where: Any) -> None:
    data = by_groups(log.slice(0, 12_000))
    conditions = parse_where(where)
    container = ParquetContainer()

    def read(start: int) -> tuple[list[Any], int]:
        found = list(container.batches(BytesFile("x", data), ["bytes"], conditions, start))
        return [v for one in found for v in one.data["bytes"].to_pylist()], sum(
            one.rows for one in found
        )

    everything, _ = read(0)
    done: list[Any] = []
    at = 0
    for one in container.batches(BytesFile("x", data), ["bytes"], conditions):
        rest, rows = read(at)
        assert done + rest == everything
        assert rows == 12_000 - at
        done += one.data["bytes"].to_pylist()
        at += one.rows
    for start in (1, 4_999, 5_000, 5_001, 11_999):
        assert read(start)[1] == 12_000 - start
    assert read(12_000) == read(99_999) == ([], 0)


def test_a_pipe_is_refused_with_a_way_out(foreign: Foreign) -> None:
    stream = OpenFile("<stdin>", io.BytesIO(foreign({"srcaddr": ["::1"]})))
    with pytest.raises(UsageError, match="Parquet is read from its end") as caught:
        ParquetContainer().format(stream)
    assert caught.value.hint == "save it to a file, and read that"


# Damage


def test_what_stands_before_the_damage_is_read(log: pa.Table) -> None:
    data = bytearray(by_groups(log, compression="none", use_dictionary=False))
    found = pq.ParquetFile(io.BytesIO(bytes(data))).metadata
    chunk = found.row_group(3).column(0)
    at = chunk.data_page_offset
    data[at : at + 30] = b"\xff" * 30
    batches = ParquetContainer().batches(BytesFile("x", bytes(data)), log.schema.names, ())
    before, error = until_the_error(batches)
    assert sum(one.rows for one in before) == 15_000
    assert "row group 4 of 12 is damaged" in error.message


@pytest.mark.parametrize("where", [(), ({"action": "ACCEPT"},), ({"bytes": (0, None)},)])
def test_a_flipped_bit_in_a_page_is_noticed(
    log: pa.Table, written: Written, where: tuple[Any, ...]
) -> None:
    """The sink writes checksums; zstd as Parquet uses it has none."""
    batch = log.combine_chunks().to_batches()[0].slice(0, 2000)
    data = written([batch], compression="none", level=None)
    found = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    conditions = parse_where(where[0] if where else None)
    for i in range(found.num_columns):
        spoilt = bytearray(data)
        chunk = found.column(i)
        spoilt[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
        file = BytesFile("x", bytes(spoilt))
        until_the_error(ParquetContainer().batches(file, log.schema.names, conditions))


@pytest.mark.parametrize("size", [4, 11, 12, 1000, -1])
def test_a_file_cut_short_says_so(log: pa.Table, size: int) -> None:
    data = by_groups(log.slice(0, 1000))[:size]
    with pytest.raises(ContainerError, match="the file's end is missing") as caught:
        ParquetContainer().format(BytesFile("x", data))
    assert "fetch it again" in str(caught.value.hint)


def test_a_damaged_footer(log: pa.Table) -> None:
    data = bytearray(by_groups(log.slice(0, 1000)))
    data[-100:-20] = b"\xff" * 80
    with pytest.raises(ContainerError, match="the footer is damaged"):
        ParquetContainer().format(BytesFile("x", bytes(data)))


def test_an_encrypted_file(log: pa.Table) -> None:
    data = by_groups(log.slice(0, 10))[:-4] + b"PARE"
    assert ParquetContainer().sniff(b"PARE" + data[4:])
    with pytest.raises(ContainerError, match="encrypted"):
        ParquetContainer().format(BytesFile("x", data))


# With the rest of vpcflow


def test_scan_reads_it(log: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "123456789010_vpcflowlogs_us-east-1_fl-1_20260914T1000Z_a1.log.parquet"
    path.write_bytes(by_groups(log))
    where = {"action": "REJECT", "dstport": (0, 1024)}
    with vpcflow.scan(str(path), text="utf8", where=where) as stream:
        found = pa.table(stream)
        counts = stream.counts
    text = log.sort_by("start").to_pylist()
    wanted = [r for r in text if r["action"] == "REJECT" and r["dstport"] < 1024]
    assert found.to_pylist() == wanted
    assert counts["lines"] == log.num_rows
    assert counts["filtered"] == log.num_rows - len(wanted)
    with vpcflow.scan(str(path)) as stream:
        total = sum(len(batch) for batch in stream)
        assert total == log.num_rows
        assert stream.counts["nodata"] == log["log_status"].to_pylist().count("NODATA") > 0
