"""The Firehose sink against moto (which delivers to S3), and through storms of faults."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from fault_proxy import Request, Rewrite, Rule, json_error
from servers import moto, reset
from service_storms import Letters, arrived, in_doubt, numbered, opened, storm, through
from vpcflow_aws.firehose_records import STEP
from vpcflow_aws.session import client

from vpcflow import PluginError, UsageError
from vpcflow.making import sink_of
from vpcflow.report import Run

SCHEMA = numbered(0, 1).schema


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Iterator[str]:
    with through(server):
        client("s3").create_bucket(
            Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client("firehose").create_delivery_stream(
            DeliveryStreamName="flows",
            S3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
                "BucketARN": "arn:aws:s3:::flows",
            },
        )
    yield server
    reset(server)


def delivered() -> bytes:
    """All that Firehose has put into the bucket: records without anything between them."""
    s3 = client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="flows")
    keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
    return b"".join(s3.get_object(Bucket="flows", Key=key)["Body"].read() for key in keys)


def packets(text: bytes) -> Counter[int]:
    return Counter(json.loads(line)["packets"] for line in text.splitlines())


def data_of(request: Request) -> list[bytes]:
    return [base64.b64decode(record["Data"]) for record in request.json["Records"]]


def within_limits(request: Request) -> bool:
    """What was on the wire, by the limits that AWS documents."""
    data = data_of(request)
    return (
        0 < len(data) <= 500
        and sum(map(len, data)) <= 4 * 1024 * 1024
        and all(len(record) <= 1_024_000 for record in data)
    )


def put_requests(proxy: Any) -> list[Request]:
    return [request for request in proxy.requests if request.operation == "PutRecordBatch"]


def test_records_arrive_packed(aws: str) -> None:
    with through(aws) as proxy:
        with opened("firehose:flows", SCHEMA) as sink:
            sink.write(numbered(0, 10_000))
            assert sink.prepare() == []
            sink.commit([])
        sent = put_requests(proxy)
        assert packets(delivered()) == Counter(range(10_000))
    records = [record for request in sent for record in data_of(request)]
    assert all(record.endswith(b"}\n") for record in records)
    assert all(map(within_limits, sent))
    size = sum(map(len, records))
    billed = sum(-(-len(record) // STEP) * STEP for record in records)
    # a row by itself would be billed at 5 KB: 16 times its size
    assert billed < 1.02 * size
    assert 15 * billed < 10_000 * STEP


def test_rows_can_be_records_by_themselves(aws: str) -> None:
    with through(aws) as proxy:
        with opened("firehose:flows?size=1", SCHEMA) as sink:
            sink.write(numbered(0, 1_200))
            sink.commit([])
        assert packets(delivered()) == Counter(range(1_200))
        sent = put_requests(proxy)
    assert sorted(len(data_of(request)) for request in sent) == [200, 500, 500]


@pytest.mark.parametrize("seed", [3, 4])
def test_nothing_is_lost_in_a_storm_and_duplicates_are_counted(aws: str, seed: int) -> None:
    run = Run()
    with through(aws, storm("PutRecordBatch", seed)) as proxy:
        with opened("firehose:flows?in_flight=3", SCHEMA, run) as sink:
            for first in range(0, 24_000, 3_000):
                sink.write(numbered(first, 3_000))
                sink.commit([])
        proxy.rules = []
        sent = put_requests(proxy)
        got = packets(delivered())
    assert all(map(within_limits, sent))
    assert set(got) == set(range(24_000))
    rows = {id(request): b"".join(data_of(request)).count(b"\n") for request in sent}
    doubtful = sum(rows[id(request)] for request in sent if in_doubt(request.fault))
    assert doubtful > 0
    assert got.total() == sum(rows[id(request)] for request in sent if arrived(request.fault))
    assert run.take_duplicates() == {sink.name: doubtful}
    assert run.take_retries() == {sink.name: sum(request.fault is not None for request in sent)}


def every_third(code: str, written: bool) -> Rewrite:
    """Firehose takes two of three records; the others fail, and were written or not."""

    def fails(at: int) -> bool:
        return at % 3 == 0

    def ask(asked: dict[str, Any]) -> dict[str, Any]:
        kept = [r for at, r in enumerate(asked["Records"]) if written or not fails(at)]
        return {**asked, "Records": kept}

    def answer(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
        failed = {"ErrorCode": code, "ErrorMessage": "says the proxy"}
        responses = [
            failed if fails(at) else {"RecordId": str(at)} for at in range(len(asked["Records"]))
        ]
        count = sum("ErrorCode" in response for response in responses)
        return {**answered, "FailedPutCount": count, "RequestResponses": responses}

    return Rewrite(answer, ask)


@pytest.mark.parametrize("written", [False, True])
def test_only_records_that_failed_are_sent_again(aws: str, written: bool) -> None:
    run = Run()
    code = "InternalFailure" if written else "ServiceUnavailableException"
    rule = Rule(every_third(code, written), "PutRecordBatch", times=2)
    with through(aws, [rule]) as proxy:
        with opened("firehose:flows?size=5120&in_flight=1", SCHEMA, run) as sink:
            sink.write(numbered(0, 3_000))
            sink.commit([])
        sizes = [len(data_of(request)) for request in put_requests(proxy)]
        got = packets(delivered())
    first = sizes[0]
    failed = -(-first // 3)
    assert sizes == [first, failed, -(-failed // 3)]
    assert set(got) == set(range(3_000))
    assert run.take_retries() == {sink.name: 2}
    duplicates = got.total() - 3_000
    assert run.take_duplicates() == ({sink.name: duplicates} if written else {})
    assert (duplicates > 0) == written


def test_records_that_are_refused_for_good_are_dead_letters(aws: str) -> None:
    letters = Letters()
    rule = Rule(every_third("RecordForbidden", False), "PutRecordBatch", times=None)
    with through(aws, [rule]):
        with opened("firehose:flows?size=5120", SCHEMA, letters.run()) as sink:
            sink.write(numbered(0, 3_000))
            sink.commit([])
        got = packets(delivered())
    refused = packets("\n".join(letter["data"] for letter in letters.letters).encode())
    assert got + refused == Counter(range(3_000))
    assert refused
    assert {letter["reason"] for letter in letters.letters} == {"RecordForbidden: says the proxy"}
    assert letters.records == refused.total()


def test_a_row_that_is_too_long_is_a_dead_letter_and_the_others_arrive(aws: str) -> None:
    letters = Letters()
    long = numbered(0, 3).set_column(
        2, "interface_id", pa.array(["a", "x" * 1_024_000, "y" * 1_000_000])
    )
    with through(aws):
        with opened("firehose:flows", SCHEMA, letters.run()) as sink:
            sink.write(long)
            sink.commit([])
        assert set(packets(delivered())) == {0, 2}
    assert "1,024,000 are allowed" in letters.letters[0]["reason"]


def test_a_denied_request_names_the_permission(aws: str) -> None:
    rule = Rule(json_error("AccessDeniedException"), "PutRecordBatch", times=None)
    with through(aws, [rule]), opened("firehose:flows", SCHEMA) as sink:
        sink.write(numbered(0, 5))
        with pytest.raises(PluginError, match="firehose:PutRecordBatch"):
            sink.commit([])


def test_a_stream_that_is_not_there_is_an_error(aws: str) -> None:
    with through(aws), opened("firehose:flaws", SCHEMA) as sink:
        sink.write(numbered(0, 5))
        with pytest.raises(PluginError, match="write to the Firehose stream flaws"):
            sink.commit([])


def test_wrong_targets_and_options_are_told() -> None:
    for target, text in [
        ("firehose:", "no name"),
        ("firehose:a/b", "no name"),
        ("firehose:a?size=2MB", "1,024,000"),
        ("firehose:a?as=line", "no option"),
    ]:
        with pytest.raises(UsageError, match=text):
            sink_of(target)
