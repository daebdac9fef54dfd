"""Records as AWS's lines: what is read from them is the records again."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import EVERY_FIELD, SEEDS, documents, formats, records, text
from vpcflow_aws.aws_lines import check_columns, lines, unfit

import vpcflow
from vpcflow import FIELDS, FlowFormat, UsageError


def batch_of(data: bytes, fmt: FlowFormat) -> pa.RecordBatch:
    return pa.record_batch(vpcflow.parse(data, format=fmt, text="utf8"))


@given(formats(), SEEDS)
def test_lines_that_aws_wrote_come_out_as_they_were(fmt: FlowFormat, seed: int) -> None:
    written = records(seed, fmt, 30)
    batch = batch_of(text(written), fmt)
    assert unfit(batch) == {}
    if "start" not in fmt.names and "end" not in fmt.names:
        # times are left out: they may be in 10 or 13 digits
        assert lines(batch) == written
    again = batch_of(text(lines(batch)), fmt)
    assert again == batch


@given(formats().flatmap(lambda fmt: st.tuples(st.just(fmt), documents(fmt))))
def test_whatever_was_read_can_be_written_and_read_again(case: tuple[FlowFormat, bytes]) -> None:
    fmt, document = case
    try:
        batch = batch_of(document, fmt)
    except vpcflow.FormatError:
        return  # a header with other fields in it
    bad = unfit(batch)
    fit = batch.filter(pa.array([row not in bad for row in range(batch.num_rows)], pa.bool_()))
    again = vpcflow.parse(b"".join(line + b"\n" for line in lines(fit)), format=fmt, text="utf8")
    headers = again.counts["header"]
    assert again.counts["rejected"] == 0
    assert len(again) + headers == fit.num_rows
    if not headers:
        assert pa.record_batch(again) == fit


def test_times_are_seconds_unless_they_have_a_fraction() -> None:
    fmt = FlowFormat.parse("start end")
    batch = batch_of(b"1700000000 1700000000000\n1700000000123 -\n", fmt)
    assert lines(batch) == [b"1700000000 1700000000", b"1700000000123 -"]


def test_tags_are_percent_encoded_and_the_hyphen_too() -> None:
    fmt = FlowFormat.parse("${instance-tag} ${action}")
    batch = batch_of(b"prod%2Deu%20caf%C3%A9 ACCEPT\n%2D -\n- ACCEPT\n", fmt)
    assert lines(batch) == [b"prod%2Deu%20caf%C3%A9 ACCEPT", b"%2D -", b"- ACCEPT"]


@given(st.sampled_from(["", " ", "a b", "a\tb", "a\n", "\r", "2 1 eni-1"]))
def test_texts_that_would_shift_the_fields_are_told(value: str) -> None:
    batch = pa.record_batch({"account_id": ["1", value, None], "bytes": [1, 2, 3]})
    assert list(unfit(batch)) == [1]
    assert "account_id" in unfit(batch)[1]


def test_columns_of_enrichers_are_refused() -> None:
    check_columns(list(FIELDS), "cloudwatch:x")
    with pytest.raises(UsageError, match=r"as=line.*src_country"):
        check_columns(["srcaddr", "src_country"], "cloudwatch:x")


def test_every_field_can_be_written() -> None:
    written = records(5, EVERY_FIELD, 50)
    batch = batch_of(text(written), EVERY_FIELD)
    assert batch_of(text(lines(batch)), EVERY_FIELD) == batch
