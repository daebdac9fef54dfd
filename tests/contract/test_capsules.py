"""The Arrow PyCapsule contract of batches and streams, held against four independent importers.

After every test the kernel's own counters must be where they were: what was exported has been
released, what was allocated has been freed.
"""

from __future__ import annotations

import gc
import mmap
import threading
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import checks
import duckdb
import lines
import nanoarrow
import oracle
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import vpcflow
from vpcflow import FlowBatch, FlowFormat, FormatError, RecordError, RejectedLinesWarning, _native

DEFAULT = FlowFormat.default()
ROWS = lines.records(7, DEFAULT, 300)
DATA = lines.text(ROWS)
WANTED = oracle.read(DATA, DEFAULT)
COLUMNS = checks.expected_columns(WANTED)
BYTES = sum(row["bytes"] or 0 for row in WANTED.records)
PARTS = [  # three sources of three formats: at least three batches
    b"srcaddr dstport\n10.0.0.1 443\n10.0.0.2 22\n",
    b"dstport srcaddr\n80 10.0.0.3\n",
    b"bytes dstport srcaddr\n99 53 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\n- 0 -\n",
]
PORTS = [443, 22, 80, 53, 0]


@pytest.fixture(autouse=True)
def everything_is_released() -> Iterator[None]:
    before = (_native.live_exports(), _native.live_buffers())
    yield
    gc.collect()
    assert (_native.live_exports(), _native.live_buffers()) == before


@pytest.fixture(params=checks.TEXT_MODES)
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def a_batch(text: str = "view", data: Any = DATA) -> FlowBatch:
    return vpcflow.parse(data, format=DEFAULT, text=text)


def a_stream(**options: Any) -> Any:
    return vpcflow.scan(*PARTS, **options)


def reader_of(stream: Any) -> Any:
    return pa.RecordBatchReader._import_from_c_capsule(stream.__arrow_c_stream__())


def imported(capsules: tuple[Any, Any]) -> Any:
    return pa.RecordBatch._import_from_c_capsule(*capsules)


def sql(query: str, logs: Any) -> Any:
    """DuckDB finds `logs` by its name in this frame."""
    return duckdb.sql(query)


def ports(table: Any) -> list[Any]:
    return list(table.column("dstport").to_pylist())


# A batch in four libraries


def test_pyarrow_reads_a_valid_array_with_the_promised_types(text: str) -> None:
    array = pa.record_batch(a_batch(text))
    array.validate(full=True)
    types = {name: checks.arrow_type(name, text) for name in DEFAULT.names}
    assert dict(zip(array.schema.names, array.schema.types, strict=True)) == types
    for column in array.columns:
        assert column.null_count == pc.sum(pc.cast(pc.is_null(column), pa.int64())).as_py()
    assert checks.columns(a_batch(text)) == COLUMNS


def test_polars_reads_the_same_values(text: str) -> None:
    frame = polars.DataFrame(a_batch(text))
    assert frame["srcaddr"].to_list() == COLUMNS["srcaddr"]
    assert frame["interface_id"].to_list() == COLUMNS["interface_id"]
    assert frame["bytes"].to_list() == COLUMNS["bytes"]
    assert frame["start"].dt.epoch("ms").to_list() == COLUMNS["start"]
    assert frame["action"].to_list() == COLUMNS["action"]


def test_duckdb_reads_the_same_values(text: str) -> None:
    batch = a_batch(text)
    query = (
        "select srcaddr, interface_id, dstport, bytes, action, epoch_ms(start) as start from batch"
    )
    names = ["srcaddr", "interface_id", "dstport", "bytes", "action", "start"]
    found = duckdb.sql(query).fetchall()
    assert found == [tuple(row[name] for name in names) for row in WANTED.records]
    del batch


@pytest.mark.parametrize("text", ["utf8", "dictionary"])
def test_nanoarrow_reads_the_same_values(text: str) -> None:
    """nanoarrow cannot turn a string_view into Python values yet; the next test looks at those."""
    found = nanoarrow.Array(a_batch(text)).to_pylist()
    assert [{k: checks.in_milliseconds(v) for k, v in row.items()} for row in found] == (
        WANTED.records
    )


def test_nanoarrow_accepts_the_structure(text: str) -> None:
    batch = a_batch(text)
    array = nanoarrow.c_array(batch)
    assert array.is_valid()
    assert (array.length, array.n_children, array.offset) == (300, 14, 0)
    assert nanoarrow.c_schema(batch).n_children == 14
    view = array.view()
    assert [child.length for child in view.children] == [300] * 14
    assert [a.length for a in nanoarrow.c_array_stream(batch)] == [300]


def test_a_batch_can_be_read_again_and_again(text: str) -> None:
    batch = a_batch(text)
    assert pa.table(batch).equals(pa.table(batch))
    assert polars.DataFrame(batch).equals(polars.DataFrame(batch))
    assert pa.table(batch).equals(pa.Table.from_batches([pa.record_batch(batch)]))
    assert checks.columns(batch) == COLUMNS


def test_arrow_tools_can_slice_filter_and_write_what_they_got(text: str, tmp_path: Path) -> None:
    table = pa.table(a_batch(text))
    part = table.slice(101, 50)
    part.validate(full=True)
    assert checks.values(part.column("srcaddr")) == COLUMNS["srcaddr"][101:151]
    if text != "view":  # pyarrow cannot filter a string_view yet
        part = table.filter(pc.equal(table.column("dstport"), 443))
        part.validate(full=True)
        wanted = [row["srcaddr"] for row in WANTED.records if row["dstport"] == 443]
        assert checks.values(part.column("srcaddr")) == wanted
    path = tmp_path / "flows.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert pa.ipc.open_file(path.read_bytes()).read_all().equals(table)


def test_an_empty_batch_has_its_columns_everywhere(text: str) -> None:
    batch = a_batch(text, b"")
    table = pa.table(batch)
    table.validate(full=True)
    assert (table.num_rows, tuple(table.column_names)) == (0, DEFAULT.names)
    assert table.schema == pa.schema(a_batch(text))
    assert polars.DataFrame(batch).shape == (0, 14)
    assert sql("select count(*), sum(bytes) from logs", batch).fetchall() == [(0, None)]
    assert nanoarrow.c_array(batch).length == 0


def test_columns_of_nulls_only_are_valid_columns(text: str) -> None:
    null = b" ".join([b"-"] * len(lines.EVERY_FIELD)) + b"\n"
    for count in (1, 7, 8, 9, 64, 65):
        table = pa.table(vpcflow.parse(null * count, format=lines.EVERY_FIELD, text=text))
        table.validate(full=True)
        assert {column.null_count for column in table.columns} == {count}


def test_columns_that_the_format_has_not_are_null_columns(text: str) -> None:
    columns = ["tgw_id", "srcaddr", "packets_lost_no_route", "pkt_srcaddr"]
    batch = vpcflow.parse(DATA, format=DEFAULT, columns=columns, text=text)
    table = pa.table(batch)
    table.validate(full=True)
    assert table.column_names == columns
    assert [column.null_count == 300 for column in table.columns] == [True, False, True, True]
    types = [checks.arrow_type(name, text) for name in columns]
    assert table.schema.types == types


def test_the_schema_does_not_depend_on_the_data(text: str) -> None:
    schemas = [pa.schema(a_batch(text, data)) for data in (b"", DATA, ROWS[0], lines.NODATA_LINE)]
    assert all(schema == schemas[0] for schema in schemas)
    assert all(field.nullable for field in schemas[0])
    assert all(pa.table(a_batch(text, d)).schema == schemas[0] for d in (b"", DATA))


def test_a_batch_made_from_columns_gives_them_back(text: str) -> None:
    table = pa.table(a_batch(text))
    batch = FlowBatch.from_arrow(table.to_batches()[0])
    assert len(batch) == 300
    assert batch.column_names == DEFAULT.names
    assert [checks.row(record) for record in batch] == WANTED.records
    assert checks.columns(batch) == COLUMNS


# Who owns what


def test_a_table_outlives_the_batch_and_the_data(text: str) -> None:
    data = bytes(bytearray(DATA))
    batch = a_batch(text, data)
    table = pa.table(batch)
    del batch, data
    gc.collect()
    junk = [bytes([n]) * len(DATA) for n in range(50)]  # whoever freed the memory gets it back here
    assert {name: checks.values(table.column(name)) for name in table.column_names} == COLUMNS
    del junk


def test_a_batch_outlives_the_table_and_the_data(text: str) -> None:
    batch = a_batch(text, bytes(bytearray(DATA)))
    table = pa.table(batch)
    del table
    gc.collect()
    assert [checks.row(record) for record in batch] == WANTED.records


def test_one_column_alone_keeps_its_memory(text: str) -> None:
    column = pa.table(a_batch(text, bytes(bytearray(DATA)))).column("srcaddr")
    gc.collect()
    junk = [bytes([n]) * len(DATA) for n in range(50)]
    assert checks.values(column) == COLUMNS["srcaddr"]
    del junk


def test_a_batch_of_views_holds_the_callers_buffer_until_its_last_release(tmp_path: Path) -> None:
    """A mapped file cannot be closed while a batch, or what was made of it, points into it."""
    path = tmp_path / "flows.log"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    batch = a_batch("view", mapped)
    table = pa.table(batch)
    with pytest.raises(BufferError):
        mapped.close()
    del batch
    gc.collect()
    with pytest.raises(BufferError):
        mapped.close()
    assert checks.values(table.column("srcaddr")) == COLUMNS["srcaddr"]
    del table
    gc.collect()
    mapped.close()


@pytest.mark.parametrize("text", ["utf8", "dictionary"])
def test_a_batch_of_copies_lets_the_callers_buffer_go(text: str) -> None:
    data = bytearray(DATA)
    batch = a_batch(text, data)
    data.clear()  # a BufferError if somebody held it
    assert checks.columns(batch) == COLUMNS


def test_a_writable_buffer_is_copied(text: str) -> None:
    for owner in (bytearray(DATA), memoryview(bytearray(DATA))):
        batch = a_batch(text, owner)
        owner[:] = b"x" * len(DATA)
        assert checks.columns(batch) == COLUMNS
        assert [checks.row(record) for record in batch] == WANTED.records
        if isinstance(owner, bytearray):
            owner.clear()


@pytest.mark.parametrize("wrong", ["text", 7, None, ["a", "list"]])
def test_what_is_no_buffer_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, vpcflow.UsageError)):
        vpcflow.parse(wrong, format=DEFAULT)


def test_a_buffer_with_gaps_is_read_without_them(text: str) -> None:
    spread = bytes(byte for pair in zip(DATA, b"x" * len(DATA), strict=True) for byte in pair)
    assert checks.columns(a_batch(text, memoryview(spread)[::2])) == COLUMNS


def test_an_array_released_by_another_thread_is_released(text: str) -> None:
    holder = [pa.table(a_batch(text))]
    before = _native.live_exports()
    assert before > 0
    thread = threading.Thread(target=holder.clear)
    thread.start()
    thread.join()
    gc.collect()
    assert _native.live_exports() < before


def test_arrays_are_made_and_released_by_many_threads_at_once(text: str) -> None:
    batch = a_batch(text)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                assert pa.record_batch(batch).column("bytes").null_count >= 0
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# Capsules


def test_a_capsule_that_nobody_consumes_is_released(text: str) -> None:
    before = _native.live_exports()
    batch = a_batch(text)
    stream = a_stream()
    capsules = [
        batch.__arrow_c_array__(),
        batch.__arrow_c_schema__(),
        batch.__arrow_c_stream__(),
        stream.__arrow_c_stream__(),
    ]
    assert _native.live_exports() > before
    del capsules, batch
    stream.close()
    gc.collect()
    assert _native.live_exports() == before


def test_a_capsule_can_be_consumed_once() -> None:
    batch = a_batch()
    capsules = batch.__arrow_c_array__()
    imported(capsules).validate(full=True)
    with pytest.raises(pa.ArrowInvalid, match="released"):
        imported(capsules)
    stream = batch.__arrow_c_stream__()
    assert pa.RecordBatchReader._import_from_c_capsule(stream).read_all().num_rows == 300
    with pytest.raises(pa.ArrowInvalid, match="released"):
        pa.RecordBatchReader._import_from_c_capsule(stream)


def test_a_capsule_of_another_kind_is_refused_by_the_importer() -> None:
    schema, array = a_batch().__arrow_c_array__()
    with pytest.raises((ValueError, TypeError)):
        pa.RecordBatch._import_from_c_capsule(array, schema)


@pytest.mark.parametrize(
    "asked",
    [
        pa.schema([("nothing", pa.int8())]),
        pa.schema([(name, pa.binary()) for name in DEFAULT.names]),
        pa.schema([]),
    ],
    ids=["another-column", "other-types", "no-column"],
)
def test_a_requested_schema_that_cannot_be_met_is_tolerated(asked: Any, text: str) -> None:
    """The protocol lets the producer ignore the wish; it must not fail for it."""
    batch = a_batch(text)
    own = pa.schema(batch)
    assert imported(batch.__arrow_c_array__(asked.__arrow_c_schema__())).schema == own
    capsule = batch.__arrow_c_stream__(requested_schema=asked.__arrow_c_schema__())
    assert pa.RecordBatchReader._import_from_c_capsule(capsule).schema == own
    with a_stream(text=text) as stream:
        capsule = stream.__arrow_c_stream__(asked.__arrow_c_schema__())
        reader = pa.RecordBatchReader._import_from_c_capsule(capsule)
        assert reader.schema == pa.schema(stream.schema)
        assert ports(reader.read_all()) == PORTS


def test_a_batch_as_a_stream_is_that_batch_once(text: str) -> None:
    reader = reader_of(a_batch(text))
    first = reader.read_next_batch()
    assert first.num_rows == 300
    with pytest.raises(StopIteration):
        reader.read_next_batch()
    with pytest.raises(StopIteration):
        reader.read_next_batch()


# Streams


def test_a_stream_gives_all_its_batches_to_every_library(text: str) -> None:
    table = pa.table(a_stream(text=text))
    table.validate(full=True)
    assert ports(table) == PORTS
    assert polars.DataFrame(a_stream(text=text))["dstport"].to_list() == PORTS
    found = nanoarrow.c_array_stream(a_stream(text=text))
    assert sum(array.length for array in found) == len(PORTS)


def test_a_stream_has_one_schema_from_the_first_to_the_last(text: str) -> None:
    with a_stream(text=text) as stream:
        assert stream.schema.names == ("srcaddr", "dstport", "bytes")
        schema = pa.schema(stream.schema)
        types = [checks.arrow_type(name, text) for name in stream.schema.names]
        assert schema.types == types
        reader = reader_of(stream)
        assert reader.schema == schema
        assert [batch.schema for batch in reader] == [schema] * 3
    assert [pa.schema(batch) for batch in a_stream(text=text)] == [schema] * 3


def test_each_capsule_goes_on_where_the_last_one_stopped() -> None:
    with a_stream() as stream:
        first, second = reader_of(stream), reader_of(stream)
        found = ports(first.read_next_batch())
        found += ports(second.read_next_batch())
        found += [record.dstport for record in next(stream)]
        assert found == PORTS
        first.close()


def test_asking_for_capsules_and_schemas_consumes_nothing() -> None:
    with a_stream() as stream:
        for _ in range(5):
            assert reader_of(stream).schema.names == ["srcaddr", "dstport", "bytes"]
            stream.__arrow_c_stream__()
            stream.schema.__arrow_c_schema__()
        assert ports(pa.table(stream)) == PORTS


def test_fetching_from_an_exhausted_stream_is_an_error_and_not_emptiness() -> None:
    with a_stream() as stream:
        late = reader_of(stream)
        assert ports(pa.table(stream)) == PORTS
        with pytest.raises((pa.ArrowException, OSError), match="exhausted"):
            late.read_next_batch()
        with pytest.raises((pa.ArrowException, OSError), match="exhausted"):
            pa.table(stream)
        with pytest.raises(polars.exceptions.PolarsError):
            polars.DataFrame(stream)
        with pytest.raises(duckdb.Error):
            sql("select count(*) from logs", stream).fetchall()


def test_python_iteration_of_an_exhausted_stream_stays_at_its_end() -> None:
    with a_stream() as stream:
        assert sum(len(batch) for batch in stream) == len(PORTS)
        with pytest.raises(StopIteration):
            next(stream)


def test_the_capsule_that_reached_the_end_stays_at_its_end() -> None:
    with a_stream() as stream:
        reader = reader_of(stream)
        assert sum(batch.num_rows for batch in reader) == len(PORTS)
        with pytest.raises(StopIteration):
            reader.read_next_batch()


def test_a_closed_stream_gives_an_error() -> None:
    stream = a_stream()
    capsule = reader_of(stream)
    stream.close()
    stream.close()
    with pytest.raises((pa.ArrowException, OSError)):
        capsule.read_next_batch()


def test_duckdb_may_ask_a_stream_for_capsules_as_often_as_it_likes() -> None:
    assert sql("select sum(dstport), count(bytes) from logs", a_stream()).fetchall() == [(598, 1)]
    query = "select dstport from logs where srcaddr like '10.%' order by dstport"
    relation = sql(query, a_stream())
    assert relation.columns == ["dstport"]
    assert relation.fetchall() == [(22,), (80,), (443,)]
    twice = "select a.dstport, b.dstport from logs a join logs b on a.srcaddr = b.srcaddr"
    assert sorted(sql(twice, a_stream()).fetchall()) == [(p, p) for p in sorted(PORTS[:4])]
    scalars = "select (select count(*) from logs), (select sum(dstport) from logs)"
    assert sql(scalars, a_stream()).fetchall() == [(5, 598)]


def test_duckdb_reads_a_long_stream() -> None:
    count = 40
    query = "select count(*), sum(bytes), count(distinct interface_id) from logs"
    stream = vpcflow.scan(*[DATA] * count, format=DEFAULT)
    ((rows, total, interfaces),) = sql(query, stream).fetchall()
    assert (rows, total) == (300 * count, BYTES * count)
    assert interfaces == len({row["interface_id"] for row in WANTED.records} - {None})


def test_a_stream_can_be_left_at_any_point() -> None:
    for taken in range(4):
        stream = a_stream()
        batches = list(islice(stream, taken))
        assert len(batches) == min(taken, 3)
        del stream
        gc.collect()
        assert sum(len(batch) for batch in batches) == [0, 2, 3, 5][taken]


def test_a_capsule_keeps_its_stream_alive() -> None:
    reader = reader_of(a_stream())
    gc.collect()
    assert ports(reader.read_all()) == PORTS


def test_batches_of_a_stream_outlive_it(text: str) -> None:
    """A reader's buffers go back to its pool; not before the last user of a batch is done."""
    with vpcflow.scan(*[DATA] * 5, format=DEFAULT, text=text) as stream:
        tables = [pa.table(batch) for batch in stream]
    del stream
    gc.collect()
    found = pa.concat_tables(tables)
    assert checks.values(found.column("srcaddr")) == COLUMNS["srcaddr"] * 5
    assert checks.values(found.column("interface_id")) == COLUMNS["interface_id"] * 5


def test_two_threads_share_a_stream_without_losing_or_doubling_a_batch() -> None:
    with vpcflow.scan(*[b"dstport\n%d\n" % n for n in range(200)]) as stream:
        found: list[int] = []

        def drain() -> None:
            reader = reader_of(stream)
            while True:
                try:
                    found.extend(ports(reader.read_next_batch()))
                except (StopIteration, pa.ArrowException, OSError):
                    return  # the other thread may have reached the end first

        threads = [threading.Thread(target=drain) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(200))


# Errors in a stream


def table_of(stream: Any) -> Any:
    return pa.table(stream)


def frame_of(stream: Any) -> Any:
    return polars.DataFrame(stream)


def relation_of(stream: Any) -> Any:
    return sql("select count(*) from logs", stream).fetchall()


def arrays_of(stream: Any) -> Any:
    return list(nanoarrow.c_array_stream(stream))


@pytest.mark.parametrize("read", [table_of, frame_of, relation_of, arrays_of])
def test_an_error_within_a_stream_carries_our_text(read: Callable[[Any], Any]) -> None:
    data = b"srcaddr dstport\n10.0.0.1 443\n10.0.0.2 x\n"
    stream = vpcflow.scan(data, on_error="raise")
    with pytest.raises(Exception, match="not-an-integer") as caught:
        read(stream)
    assert "dstport" in str(caught.value)
    assert isinstance(stream.error, RecordError)
    assert stream.error.line.line_number == 3
    del caught


def test_an_error_of_iteration_is_our_exception_and_is_kept() -> None:
    stream = vpcflow.scan(b"srcaddr\n10.0.0.1\nsrcaddr bytes\n10.0.0.1 9\n")
    assert stream.error is None
    with pytest.raises(FormatError, match="bytes") as caught:
        list(stream)
    assert stream.error == caught.value
    stream.close()
    del caught


def test_what_came_before_an_error_has_been_delivered() -> None:
    stream = vpcflow.scan(PARTS[0], b"srcaddr dstport\n10.0.0.1 x\n", on_error="raise")
    reader = reader_of(stream)
    assert ports(reader.read_next_batch()) == [443, 22]
    with pytest.raises((pa.ArrowException, OSError), match="not-an-integer"):
        reader.read_next_batch()


def test_a_stream_without_errors_has_none() -> None:
    stream = a_stream()
    assert ports(pa.table(stream)) == PORTS
    assert stream.error is None


# Rejected lines that nobody looks at

BAD = b"srcaddr dstport\n10.0.0.1 443\n10.0.0.2 x\n10.0.0.3 1 2\n10.0.0.4 99999\n"


@pytest.mark.parametrize("read", [table_of, frame_of, relation_of, arrays_of])
def test_rejected_lines_that_nobody_looked_at_are_warned_of_once(
    read: Callable[[Any], Any],
) -> None:
    with pytest.warns(RejectedLinesWarning) as caught:
        read(vpcflow.scan(BAD, BAD))
    assert len(caught) == 1
    text = str(caught[0].message)
    assert "6" in text
    assert "not-an-integer" in text


def test_nobody_is_warned_of_rejected_lines_that_he_asked_to_skip() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = vpcflow.scan(BAD, on_error="skip")
        assert pa.table(stream).num_rows == 1
        assert stream.counts["rejected"] == 3


def test_nobody_is_warned_without_rejected_lines() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pa.table(a_stream()).num_rows == len(PORTS)


def test_nobody_is_warned_of_rejected_lines_that_he_looked_at() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with vpcflow.scan(BAD) as stream:
            assert [len(batch.rejected) for batch in stream] == [3]
            assert [line.field for line in stream.rejected] == ["dstport", None, "dstport"]


def test_the_counts_of_a_capsule_stream_are_there_afterwards() -> None:
    stream = vpcflow.scan(BAD)
    with pytest.warns(RejectedLinesWarning):
        pa.table(stream)
    assert stream.counts["rejected"] == 3
    assert [line.line_number for line in stream.rejected] == [3, 4, 5]
    assert dict(stream.rejected_by_reason) == {
        "not-an-integer": 1,
        "too-many-fields": 1,
        "out-of-range": 1,
    }
