"""Batches to Hive folders: one folder for each value, every row in exactly one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.errors import UsageError
from vpcflow.partitions import NULL, Partitioning, folder
from vpcflow.testing import HOSTILE, batches, sample_batch

ANY_TEXT = st.one_of(
    st.text(st.characters()),  # with surrogates
    st.sampled_from([*HOSTILE, "", ".", "..", "...", "\0", "/", "a/../b", NULL, "%2E", "~", "a~b"]),
    st.text("ab/%.", min_size=110, max_size=400),
)


@given(ANY_TEXT)
def test_any_value_is_one_folder_below_the_target(value: str) -> None:
    name = folder("tag", value)
    path = PurePosixPath("/target") / name
    assert path.parent == PurePosixPath("/target")
    assert name.startswith("tag=")
    assert name.isascii()
    assert not set(name) & set("/\\\0:*?\"<>|' ")
    assert len(name) < 200  # and file names may have 255 bytes


@given(ANY_TEXT, ANY_TEXT)
def test_distinct_values_have_distinct_folders(a: str, b: str) -> None:
    assert (folder("tag", a) == folder("tag", b)) is (a == b)


@given(ANY_TEXT.filter(lambda text: len(text) < 30))
def test_a_short_value_can_be_read_back(value: str) -> None:
    encoded = folder("tag", value).removeprefix("tag=")
    assert unquote(encoded, errors="surrogatepass") == value


def test_long_values_that_begin_alike() -> None:
    for filling in ("x", "é", "%", "日本"):
        common = filling * 300
        names = {folder("tag", common + end) for end in ("", "1", "2", filling)}
        assert len(names) == 4
        for name in names:
            text, digest = name.removeprefix("tag=").split("~")
            assert len(digest) == 32
            unquote(text, errors="strict")  # no escape is cut


def test_null_and_the_text_that_reads_like_it() -> None:
    assert folder("tag", None) == f"tag={NULL}"
    assert folder("tag", NULL) == f"tag=%5F{NULL[1:]}"


def test_a_column_with_a_strange_name() -> None:
    assert folder("../x", "1") == "%2E%2E%2Fx=1"


def test_values_that_are_no_text() -> None:
    assert folder("n", -5) == "n=-5"
    assert folder("yes", True) == "yes=True"
    assert folder("start", datetime(2024, 5, 1, tzinfo=UTC)) == (
        "start=2024-05-01%2000%3A00%3A00%2B00%3A00"
    )


# ---- splitting -----------------------------------------------------------------------------------


def split(batch: pa.RecordBatch, *by: str) -> list[tuple[str, pa.RecordBatch]]:
    return list(Partitioning(by, batch.schema).split(batch))


def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.append_column("row", pa.array(range(batch.num_rows), pa.int64()))


def slowly(batch: pa.RecordBatch, by: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """The oracle: row by row."""
    parts = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "date": "%Y-%m-%d"}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in batch.to_pylist():
        values = []
        for name in by:
            if name in row:
                values.append(folder(name, row[name]))
            else:
                start = row["start"]
                values.append(folder(name, start and start.strftime(parts[name])))
        rest = {name: value for name, value in row.items() if name not in by}
        found.setdefault("/".join(values), []).append(rest)
    return found


def same(batch: pa.RecordBatch, by: tuple[str, ...]) -> None:
    wanted = slowly(batch, by)
    found = split(batch, *by)
    assert len(found) == len({path for path, _ in found}) == len(wanted)
    for path, part in found:
        part.validate(full=True)
        assert part.to_pylist() == wanted[path]


@given(st.data())
def test_every_row_is_in_exactly_one_part_and_they_keep_their_order(data: st.DataObject) -> None:
    batch = numbered(data.draw(batches(max_size=40)))
    names = [
        *batch.schema.names[:-1],
        *(["date", "hour", "year"] * ("start" in batch.schema.names)),
    ]
    by = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=4))
    same(batch, tuple(by))


def test_dictionary_columns_and_times() -> None:
    batch = numbered(sample_batch("default"))
    index = batch.schema.get_field_index("action")
    column = batch.column(index).dictionary_encode()
    batch = batch.set_column(index, "action", column)
    same(batch, ("year", "month", "day", "hour", "action"))
    paths = [path for path, _ in split(batch, "date", "hour", "action")]
    assert paths[0] == "date=2023-11-14/hour=22/action=ACCEPT"


def test_many_columns_with_many_values_do_not_mix() -> None:
    """Their combinations are more than 2**64; rows that differ in the first only must not meet."""
    values = range(4095)
    first = [str(r) for r in values] + [str((r + 1) % 4095) for r in values]
    others = {f"c{n}": pa.array([str(r) for r in values] * 2) for n in range(1, 7)}
    batch = pa.record_batch({"c0": pa.array(first), **others, "row": pa.array(range(8190))})
    same(batch, ("c0", *others))


def test_every_combination_is_a_folder() -> None:
    values = list(product(["a", None], [1, None], [True, False, None]))
    a, b, c = zip(*values, strict=True)
    batch = pa.record_batch({"a": pa.array(a), "b": pa.array(b), "c": pa.array(c), "d": range(12)})
    assert len(split(batch, "a", "b", "c")) == 12
    same(batch, ("c", "a"))


def test_without_partitions_the_batch_goes_as_it_is() -> None:
    batch = sample_batch()
    assert split(batch) == [("", batch)]
    assert split(batch.slice(0, 0), "action") == []


def test_a_batch_of_one_partition_is_not_copied() -> None:
    batch = sample_batch()
    ((path, part),) = split(batch, "date")
    assert path == "date=2023-11-14"
    assert part.column("bytes").buffers()[1].address == batch.column("bytes").buffers()[1].address


def test_times_before_1970_and_far_from_now() -> None:
    starts = pa.array([-1, 0, 253402300799999, None], pa.timestamp("ms", "UTC"))
    batch = pa.record_batch({"start": starts, "row": range(4)})
    assert [path for path, _ in split(batch, "date", "hour")] == [
        "date=1969-12-31/hour=23",
        "date=1970-01-01/hour=00",
        "date=9999-12-31/hour=23",
        f"date={NULL}/hour={NULL}",
    ]


def test_pyarrow_reads_the_folders_back(tmp_path: Any) -> None:
    """Another reader of Hive folders agrees on what the values were."""
    batch = numbered(sample_batch("tags"))
    for path, part in split(batch, "interface_tag_2", "action"):
        ds.write_dataset(part, tmp_path / path, format="parquet")
    hive = ds.partitioning(
        pa.schema([("interface_tag_2", pa.utf8()), ("action", pa.utf8())]), flavor="hive"
    )
    table = ds.dataset(tmp_path, partitioning=hive).to_table().sort_by("row")
    for name in ("interface_tag_2", "action", "dstaddr"):
        assert table.column(name).to_pylist() == batch.column(name).to_pylist()


@pytest.mark.parametrize(
    ("by", "said", "hint"),
    [
        (("acton",), "there is no column 'acton' to partition by", "did you mean 'action'?"),
        (("dte",), "there is no column 'dte' to partition by", "did you mean 'date'?"),
        (("action", "action"), "partition= names 'action' twice", None),
        (("vpc-id", "vpc_id"), "partition= names 'vpc_id' twice", None),
    ],
)
def test_partitions_that_cannot_be(by: tuple[str, ...], said: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as error:
        Partitioning(by, sample_batch("v5").schema)
    assert (error.value.message, error.value.hint) == (said, hint)


def test_partitions_that_leave_nothing_or_have_no_time() -> None:
    batch = sample_batch().select(["action", "srcaddr"])
    with pytest.raises(UsageError, match="leaves none for the files"):
        Partitioning(("action", "srcaddr"), batch.schema)
    with pytest.raises(UsageError, match="to partition by day takes the column start"):
        Partitioning(("day",), batch.schema)
