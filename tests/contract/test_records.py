"""FlowRecord: what a row is for people who iterate."""

from __future__ import annotations

import copy
import gc
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import checks
import lines
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vpcflow
from vpcflow import FlowFormat, _native

DEFAULT = FlowFormat.default()
ROWS = lines.records(11, DEFAULT, 500)
DATA = lines.text(ROWS)


@pytest.fixture(params=checks.TEXT_MODES)
def batch(request: pytest.FixtureRequest) -> Any:
    return vpcflow.parse(DATA, format=DEFAULT, text=request.param)


def first(data: bytes = lines.DEFAULT_LINE, **options: Any) -> Any:
    return next(iter(vpcflow.parse(data, **options)))


def test_a_record_has_an_attribute_for_each_column() -> None:
    record = first()
    assert (record.version, record.srcport, record.dstport) == (2, 20641, 22)
    assert (record.account_id, record.srcaddr) == ("123456789010", "172.31.16.139")
    assert (record.interface_id, record.action) == ("eni-1235b8ca123456789", "ACCEPT")
    assert (record.packets, record.bytes, record.protocol) == (20, 4249, 6)


def test_values_are_plain_python_objects() -> None:
    kinds = {name: type(value) for name, value in first().asdict().items()}
    assert kinds == {
        **dict.fromkeys(["version", "srcport", "dstport", "protocol", "packets", "bytes"], int),
        **dict.fromkeys(["account_id", "interface_id", "srcaddr", "dstaddr"], str),
        **dict.fromkeys(["action", "log_status"], str),
        **dict.fromkeys(["start", "end"], datetime),
    }


def test_start_and_end_are_aware_utc_datetimes() -> None:
    record = first()
    assert record.start == datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC)
    assert record.end - record.start == timedelta(seconds=60)
    assert record.start.utcoffset() == timedelta(0)


@given(st.integers(10**9, 10**10 - 1), st.integers(10**12, 10**13 - 1))
def test_times_keep_their_milliseconds(seconds: int, milliseconds: int) -> None:
    record = first(b"%d %d" % (seconds, milliseconds), format="start end")
    assert checks.row(record) == {"start": seconds * 1000, "end": milliseconds}


def test_a_null_is_none_and_asdict_keeps_it() -> None:
    record = first(lines.NODATA_LINE)
    assert record.srcaddr is None
    assert record.dstport is None
    assert record.action is None
    assert record.asdict()["bytes"] is None
    assert tuple(record.asdict()) == DEFAULT.names


def test_asdict_has_the_columns_of_the_batch_in_their_order() -> None:
    columns = ["dstport", "tgw_id", "srcaddr"]
    assert list(first(columns=columns).asdict().items()) == [
        ("dstport", 22),
        ("tgw_id", None),
        ("srcaddr", "172.31.16.139"),
    ]


def test_asdict_gives_a_new_dict_each_time() -> None:
    record = first()
    record.asdict().clear()
    assert record.asdict()["dstport"] == 22


def test_attributes_and_asdict_agree(batch: Any) -> None:
    for record in batch:
        assert {name: getattr(record, name) for name in DEFAULT.names} == record.asdict()


def test_an_unknown_column_is_an_attribute_error_with_the_nearest_name() -> None:
    with pytest.raises(AttributeError, match="srcaddr"):
        first().srcadr  # noqa: B018
    assert not hasattr(first(), "nothing_like_it_at_all")
    assert getattr(first(), "pkt_srcaddr", "absent") == "absent"


def test_a_record_cannot_be_changed() -> None:
    record = first()
    with pytest.raises(AttributeError):
        record.dstport = 23
    with pytest.raises(AttributeError):
        record.new = 1
    with pytest.raises(AttributeError):
        del record.dstport
    assert record.dstport == 22


def test_records_are_made_by_batches_only() -> None:
    with pytest.raises(TypeError):
        type(first())()


def test_the_repr_shows_the_values() -> None:
    shown = repr(first())
    assert shown.startswith("FlowRecord(")
    for part in ("srcaddr='172.31.16.139'", "dstport=22", "action='ACCEPT'", "2014"):
        assert part in shown
    assert "\x1b" not in repr(first(b"\x1b[31m 1", format="vpc-id dstport"))


def test_dir_lists_the_columns() -> None:
    assert {"srcaddr", "start", "asdict"} <= set(dir(first()))


def test_records_come_in_the_order_of_the_lines(batch: Any) -> None:
    assert [checks.row(record) for record in batch] == oracle.read(DATA, DEFAULT).records


def test_a_batch_can_be_iterated_again_and_by_several_at_once(batch: Any) -> None:
    assert len(list(batch)) == len(list(batch)) == len(batch) == 500
    for one, other in zip(batch, batch, strict=True):
        assert one.asdict() == other.asdict()


def test_an_iterator_that_is_at_its_end_stays_there() -> None:
    iterator = iter(vpcflow.parse(lines.DEFAULT_LINE))
    next(iterator)
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(iterator)


def test_an_empty_batch_has_no_records() -> None:
    assert list(vpcflow.parse(b"", format=DEFAULT)) == []


@pytest.mark.parametrize("text", checks.TEXT_MODES)
def test_a_record_keeps_its_batch_alive(text: str) -> None:
    record = first(bytes(bytearray(DATA)), format=DEFAULT, text=text)
    gc.collect()
    junk = [bytes([n]) * len(DATA) for n in range(50)]
    assert checks.row(record) == oracle.read(ROWS[0], DEFAULT).records[0]
    del junk


def test_an_iterator_keeps_its_batch_alive() -> None:
    iterator = iter(vpcflow.parse(bytes(bytearray(DATA)), format=DEFAULT))
    gc.collect()
    assert sum(1 for _ in iterator) == 500


def test_the_last_record_frees_the_batch() -> None:
    before = _native.live_buffers()
    record = first(DATA, format=DEFAULT)
    assert _native.live_buffers() > before
    del record
    gc.collect()
    assert _native.live_buffers() == before


def test_a_record_holds_one_reference_to_its_batch_and_gives_it_back(batch: Any) -> None:
    list(batch)
    before = sys.getrefcount(batch)
    kept = list(batch)
    assert sys.getrefcount(batch) - before in (0, 500)  # it may hold what the batch holds instead
    del kept
    assert sys.getrefcount(batch) == before


def test_iteration_leaks_neither_objects_nor_types(batch: Any) -> None:
    def touch() -> None:
        for record in batch:
            record.asdict()
            repr(record)
            assert record.start is not None
            getattr(record, "absent", None)

    kind = type(next(iter(batch)))
    touch()
    gc.collect()
    before = (sys.getrefcount(kind), sys.getrefcount(None), sys.getallocatedblocks())
    for _ in range(5):
        touch()
    gc.collect()
    after = (sys.getrefcount(kind), sys.getrefcount(None), sys.getallocatedblocks())
    assert abs(after[0] - before[0]) <= 2
    assert abs(after[1] - before[1]) <= 20
    assert abs(after[2] - before[2]) <= 500


def test_records_of_a_stream_are_those_of_its_batches() -> None:
    with vpcflow.scan(DATA, DATA, format=DEFAULT) as stream:
        found = [checks.row(record) for record in stream.records()]
    assert found == oracle.read(DATA, DEFAULT).records * 2


def test_records_may_be_read_by_many_threads(batch: Any) -> None:
    records = list(batch)
    wanted = [record.asdict() for record in records]
    failures = []

    def work() -> None:
        for record, expected in zip(records, wanted, strict=True):
            if record.asdict() != expected:
                failures.append(record)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_copy_of_what_asdict_gave_needs_no_batch() -> None:
    values = copy.deepcopy(first().asdict())
    gc.collect()
    assert values["start"] == datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC)
