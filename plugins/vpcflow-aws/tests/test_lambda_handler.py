"""The Firehose transformation: every record answered once, whatever it holds."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import DEFAULT_LINE, NODATA_LINE, SEEDS, SMALL_FORMAT, documents, header, records
from lines import text as text_of
from vpcflow_aws import lambda_handler
from vpcflow_aws.lambda_handler import MOST_RESPONSE, handler, make_handler

import vpcflow
from vpcflow import FlowFormat, PluginError, UsageError
from vpcflow.enrich import KeyedEnricher
from vpcflow.hookspecs import hookimpl
from vpcflow.plugins import plugins
from vpcflow.registry import Register

SAMPLES = Path(__file__).parents[3] / "tests/data/samples"
MOST_OF_LAMBDA = 6_291_556


class Ports(KeyedEnricher):
    """Names of ports."""

    on: ClassVar[dict[str, tuple[str, ...]]] = {"dst": ("dstport",)}
    adds: ClassVar[dict[str, str]] = {"{role}_service": "utf8"}
    asked = 0

    def lookup(self, key: int, epoch: int = 0) -> tuple[str] | None:
        type(self).asked += 1
        if key == 666:
            raise ValueError("no such port")
        return {22: ("ssh",), 443: ("https",)}.get(key)


class PortsPlugin:
    @hookimpl
    def vpcflow_register_enrichers(self, register: Register) -> None:
        register("ports-for-tests", lambda argument, options: Ports())


@pytest.fixture(scope="module", autouse=True)
def _ports_plugin() -> None:
    plugins().register(PortsPlugin(), "ports-for-tests")


def event(*data: bytes) -> dict[str, Any]:
    """As Firehose sends it."""
    return {
        "invocationId": "i",
        "deliveryStreamArn": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/flows",
        "region": "eu-west-1",
        "records": [
            {
                "recordId": f"id-{number}",
                "approximateArrivalTimestamp": 1_700_000_000_000,
                "data": base64.b64encode(item).decode(),
            }
            for number, item in enumerate(data)
        ],
    }


def answered(transformation: Any, *data: bytes) -> list[tuple[str, list[dict[str, Any]]]]:
    """(result, rows) of each record, after it was checked that each is answered once, in order."""
    answer = transformation(event(*data), None)["records"]
    assert [record["recordId"] for record in answer] == [f"id-{n}" for n in range(len(data))]
    assert all((record["result"] == "Ok") == ("data" in record) for record in answer)
    found = []
    for record in answer:
        text = base64.b64decode(record.get("data", ""))
        assert text == b"" or text.endswith(b"}\n")
        found.append((record["result"], [json.loads(line) for line in text.splitlines()]))
    return found


def direct(line: bytes) -> bytes:
    return json.dumps({"message": line.decode()}).encode() + b"\n"


def subscription(*lines: bytes, kind: str = "DATA_MESSAGE") -> bytes:
    events = [
        {"id": str(number), "timestamp": 1, "message": line.decode()}
        for number, line in enumerate(lines)
    ]
    envelope = {
        "messageType": kind,
        "owner": "123456789010",
        "logGroup": "flows",
        "logStream": "eni-0a-all",
        "subscriptionFilters": ["all"],
        "logEvents": events,
    }
    return gzip.compress(json.dumps(envelope).encode())


def test_every_envelope_is_taken_and_its_records_enriched() -> None:
    found = answered(
        make_handler(enrich=["ports-for-tests"]),
        subscription(DEFAULT_LINE, NODATA_LINE),
        direct(DEFAULT_LINE),
        DEFAULT_LINE + b"\n" + DEFAULT_LINE,
        subscription(b"CWL CONTROL MESSAGE: Checking health", kind="CONTROL_MESSAGE"),
        b"",
        b" \n\n",
        b"{not json",
        gzip.compress(DEFAULT_LINE)[:-20],
    )
    assert [result for result, _ in found] == [
        *["Ok"] * 3,
        *["Dropped"] * 3,
        *["ProcessingFailed"] * 2,
    ]
    [ssh, nodata] = found[0][1]
    assert ssh["dst_service"] == "ssh"
    assert ssh["dstport"] == 22
    assert ssh["start"] == "2014-12-14T04:06:50Z"
    assert nodata["log_status"] == "NODATA"
    assert "dst_service" not in nodata
    assert found[1][1] == [ssh]
    assert found[2][1] == [ssh, ssh]


def test_the_samples_of_both_services_are_taken() -> None:
    envelope = (SAMPLES / "cloudwatch-subscription.json.gz").read_bytes()
    lines = (SAMPLES / "firehose.jsonl").read_bytes().splitlines(keepends=True)
    found = answered(make_handler(), envelope, *lines)
    with vpcflow.scan(SAMPLES / "cloudwatch-subscription.json.gz") as stream:
        expected = sum(len(batch) for batch in stream)
    assert len(found[0][1]) == expected > 0
    assert [len(rows) for result, rows in found[1:] if result == "Ok"] == [1] * len(lines)


def test_data_that_are_no_base64_fail() -> None:
    sent = {"records": [{"recordId": "a", "data": "%%%"}, {"recordId": "b"}, {"recordId": "c"}]}
    sent["records"][2]["data"] = base64.b64encode(DEFAULT_LINE).decode()
    answer = make_handler()(sent, None)["records"]
    assert [record["result"] for record in answer] == ["ProcessingFailed", "Dropped", "Ok"]


def test_a_bad_line_fails_its_record_or_is_left_out_on_request() -> None:
    data = DEFAULT_LINE + b"\nbad line\n"
    others = direct(DEFAULT_LINE)
    assert [result for result, _ in answered(make_handler(), others, data)] == [
        "Ok",
        "ProcessingFailed",
    ]
    found = answered(make_handler(format="default", on_rejected="skip"), others, data, b"bad\n")
    assert [(result, len(rows)) for result, rows in found] == [
        ("Ok", 1),
        ("Ok", 1),
        ("ProcessingFailed", 0),
    ]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_bytes_are_answered(data: list[bytes]) -> None:
    answered(make_handler(enrich=["ports-for-tests"]), *data)


def wrapped(how: int, document: bytes) -> bytes:
    return (gzip.compress(document), document, base64.b64encode(gzip.compress(document)))[how]


@given(
    st.lists(st.tuples(st.integers(0, 2), documents(SMALL_FORMAT, max_lines=6)), max_size=6),
    st.sampled_from([SMALL_FORMAT, str(SMALL_FORMAT)]),
)
def test_rows_are_those_that_reading_the_record_alone_gives(
    texts: list[tuple[int, bytes]], fmt: FlowFormat | str
) -> None:
    """The oracle: each record by itself, through `scan`."""
    data = [wrapped(how, document) for how, document in texts]
    found = answered(make_handler(format=fmt, on_rejected="skip"), *data)
    for item, (result, rows) in zip(data, found, strict=True):
        try:
            with vpcflow.scan(item, format=fmt, on_error="skip") as stream:
                batches = list(stream)
                counts = stream.counts
        except vpcflow.InputError:
            assert result == "ProcessingFailed"
            continue
        text = b"".join(batch.to_jsonl() for batch in batches)
        expected = [json.loads(line) for line in text.splitlines()]
        assert rows == expected
        if not expected:
            assert result == ("ProcessingFailed" if counts["rejected"] else "Dropped")


def test_many_records_of_a_line_each_are_enriched_together() -> None:
    lines = records(7, FlowFormat.default(), 5_000)
    transformation = make_handler(enrich=["ports-for-tests"], format="default")
    began = time.process_time()
    found = answered(transformation, *map(direct, lines))
    seconds = time.process_time() - began
    assert [len(rows) for _, rows in found] == [1] * 5_000
    assert seconds < 10
    before = Ports.asked
    answered(transformation, *map(direct, lines))
    assert Ports.asked == before  # a warm function remembers what it has looked up


# ---- the limit of the answer ---------------------------------------------------------------------


def size_of(answer: dict[str, Any]) -> int:
    return len(json.dumps(answer, separators=(",", ":")))


@pytest.mark.parametrize("lines_each", [1, 90, 4_000])
def test_an_answer_is_never_larger_than_lambda_takes(lines_each: int) -> None:
    lines = records(3, FlowFormat.default(), 20_000)
    data = [text_of(lines[at : at + lines_each]) for at in range(0, len(lines), lines_each)]
    answer = make_handler(format="default")(event(*data), None)
    assert size_of(answer) < MOST_OF_LAMBDA
    results = [record["result"] for record in answer["records"]]
    assert len(results) == len(data)
    assert set(results) == {"Ok", "ProcessingFailed"}
    room = MOST_RESPONSE - size_of(answer)
    largest = max(len(record.get("data", "")) for record in answer["records"])
    assert room < largest + 100 * len(data)  # no record failed that there was room for


def test_a_record_that_unpacks_to_too_much_fails() -> None:
    bomb = gzip.compress(b"\n" * (80 << 20))
    assert len(bomb) < 200_000
    assert answered(make_handler(), bomb, DEFAULT_LINE)[0][0] == "ProcessingFailed"


# ---- formats and settings ------------------------------------------------------------------------


@settings(max_examples=10)
@given(SEEDS)
def test_each_format_gets_its_own_enrichers(seed: int) -> None:
    vpc, gateway = FlowFormat.default(), FlowFormat.transit_gateway()
    data = [text_of([header(fmt), *records(seed, fmt, 4)]) for fmt in (vpc, gateway, vpc)]
    found = answered(make_handler(enrich=["ports-for-tests"]), *data)
    assert [result for result, _ in found] == ["Ok"] * 3


def test_enrichers_that_were_made_serve_one_format() -> None:
    formats = (FlowFormat.default(), FlowFormat.transit_gateway())
    lines = [text_of([header(fmt), *records(1, fmt, 2)]) for fmt in formats]
    found = answered(make_handler(enrich=[Ports()]), *lines, lines[0])
    assert [result for result, _ in found] == ["Ok", "ProcessingFailed", "Ok"]


def test_formats_without_number_do_not_fill_the_memory() -> None:
    names = list(vpcflow.FIELDS)
    data = [
        f"{names[number].replace('_', '-')} start action\n- 1700000000 ACCEPT\n".encode()
        for number in range(40)
        if names[number] not in ("start", "action")
    ]
    found = answered(make_handler(enrich=["ports-for-tests"]), *data)
    results = [result for result, _ in found]
    assert results == ["Ok"] * 16 + ["ProcessingFailed"] * (len(data) - 16)


def test_an_enricher_that_fails_fails_the_invocation_or_gives_nulls() -> None:
    line = DEFAULT_LINE.replace(b" 22 ", b" 666 ")
    with pytest.raises(PluginError, match="no such port"):
        make_handler(enrich=["ports-for-tests"])(event(line), None)
    lenient = make_handler(enrich=["ports-for-tests"], on_enricher_error="null")
    [(result, [row])] = answered(lenient, line)
    assert result == "Ok"
    assert "dst_service" not in row


def test_settings_that_cannot_be_are_told_when_the_handler_is_made() -> None:
    arguments: Sequence[dict[str, Any]] = [
        {"format": "${nonsense}"},
        {"enrich": ["ports-for-test"]},
        {"on_rejected": "drop"},
    ]
    for wrong in arguments:
        with pytest.raises(UsageError):
            make_handler(**wrong)
    with pytest.raises(UsageError, match="Firehose"):
        make_handler()({"Records": []}, None)


@pytest.fixture
def _environment() -> Iterator[None]:
    lambda_handler._of_environment.cache_clear()
    os.environ["VPCFLOW_ENRICH"] = "\n ports-for-tests \n"
    os.environ["VPCFLOW_FORMAT"] = "${srcaddr} ${dstport}"
    yield
    del os.environ["VPCFLOW_ENRICH"], os.environ["VPCFLOW_FORMAT"]
    lambda_handler._of_environment.cache_clear()


@pytest.mark.usefixtures("_environment")
def test_the_environment_sets_the_handler_up() -> None:
    [(result, rows)] = answered(handler, direct(b"10.0.0.1 443"))
    assert result == "Ok"
    assert rows == [{"srcaddr": "10.0.0.1", "dstport": 443, "dst_service": "https"}]
