"""The suites of `vpcflow.testing` on what talks to CloudWatch Logs and Firehose, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from servers import moto, reset
from service_storms import through
from vpcflow_aws import cloudwatch_sink, firehose_sink
from vpcflow_aws.cloudwatch_source import CloudWatchSource
from vpcflow_aws.session import client

from vpcflow import FlowFormat, UsageError
from vpcflow.making import sink_of
from vpcflow.testing import (
    FORMATS,
    SinkSuite,
    SourceSuite,
    batch_of,
    sample_batch,
    sample_lines,
)

SINCE = datetime.now(UTC).replace(minute=55, second=0, microsecond=0) - timedelta(days=1)
"""CloudWatch Logs refuses events that are older than 14 days."""
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Iterator[Any]:
    """Gives the proxy, which knows what was asked."""
    with through(server) as proxy:
        yield proxy
    reset(server)


def name_of(folder: Path) -> str:
    """Of what belongs to a folder of a test."""
    return sha256(bytes(folder)).hexdigest()[:32]


class ServiceSuite(SinkSuite):
    @pytest.fixture(autouse=True)
    def service(self, aws: Any) -> None:
        self.proxy = aws

    def sample(self, kind: str = "default") -> pa.RecordBatch:
        return sample_batch(kind, since=SINCE)

    def test_nothing_happens_before_open(self, tmp_path: Path) -> None:
        super().test_nothing_happens_before_open(tmp_path)
        self.proxy.requests.clear()  # making a sink may have made a delivery stream for it
        self.make_sink(tmp_path)
        assert [request.operation for request in self.proxy.requests] == []


def parsed(line: bytes | str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return row | {name: datetime.fromisoformat(row[name]) for name in {"start", "end"} & set(row)}


# ---- CloudWatch Logs, to it ----------------------------------------------------------------------


def messages(group: str) -> list[str]:
    logs = client("logs")
    try:
        pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group))
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for page in pages for event in page["events"]]


class TestCloudWatchSink(ServiceSuite):
    factory = staticmethod(cloudwatch_sink.sink)
    target = "flows"
    options: Mapping[str, str] = {"create": "true"}

    def make_sink(self, folder: Path) -> Any:
        chosen = "&".join(f"{name}={value}" for name, value in self.options.items())
        return sink_of(f"cloudwatch:{name_of(folder)}?{chosen}")

    def read_back(self, folder: Path) -> Iterable[Mapping[str, Any]]:
        return [parsed(message) for message in messages(name_of(folder))]


class TestCloudWatchSinkOfLines(TestCloudWatchSink):
    options: Mapping[str, str] = {"create": "true", "as": "line"}

    def read_back(self, folder: Path) -> Iterable[Mapping[str, Any]]:
        lines = "".join(f"{message}\n" for message in messages(name_of(folder)))
        fmt: FlowFormat = FORMATS.get(folder.name, FlowFormat.default())
        rows: list[dict[str, Any]] = batch_of(lines.encode(), fmt).to_pylist() if lines else []
        return rows

    def test_columns_of_enrichers_come_back(self, tmp_path: Path) -> None:
        """Lines have no place for them, which is said at once."""
        with pytest.raises(UsageError, match="src_country"):
            super().test_columns_of_enrichers_come_back(tmp_path)


# ---- Firehose ------------------------------------------------------------------------------------


class TestFirehoseSink(ServiceSuite):
    """moto delivers to S3 as soon as it has taken a request."""

    factory = staticmethod(firehose_sink.sink)
    target = "flows"

    @pytest.fixture(autouse=True)
    def bucket(self, service: None) -> None:
        client("s3").create_bucket(
            Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )

    def make_sink(self, folder: Path) -> Any:
        name = name_of(folder)
        if name not in client("firehose").list_delivery_streams()["DeliveryStreamNames"]:
            self.make_stream(name)
        self.proxy.requests.clear()
        return sink_of(f"firehose:{name}")

    def make_stream(self, name: str) -> None:
        client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            S3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
                "BucketARN": "arn:aws:s3:::flows",
                "Prefix": f"{name}/",
            },
        )

    def read_back(self, folder: Path) -> Iterable[Mapping[str, Any]]:
        s3 = client("s3")
        found = s3.list_objects_v2(Bucket="flows", Prefix=f"{name_of(folder)}/")
        keys = [each["Key"] for each in found.get("Contents", ())]
        text = b"".join(s3.get_object(Bucket="flows", Key=key)["Body"].read() for key in keys)
        return [parsed(line) for line in text.splitlines()]


# ---- CloudWatch Logs, from it --------------------------------------------------------------------


STREAMS = ("eni-0a", "eni-0a-all", "eni-0b-accept", "odd [1] & é?")


def put(group: str, lines: bytes) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName=group)
    events = [
        {"timestamp": int(line.split()[10]) * 1000, "message": line.decode()}
        for line in sorted(lines.splitlines(), key=lambda line: line.split()[10])
    ]
    for stream in STREAMS:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def file_name(stream: str, begin: datetime, span: timedelta = HOUR) -> str:
    times = [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (begin, begin + span)]
    return f"cloudwatch:///aws/vpc?stream={stream}&since={times[0]}&until={times[1]}"


@pytest.mark.filterwarnings("ignore::vpcflow_aws.flow_log_formats.FlowLogFormatWarning")
class TestCloudWatchSource(SourceSuite):
    """The samples are three records in one hour, and one in the next: two files a stream."""

    url = "cloudwatch:///aws/vpc"
    missing_url = "cloudwatch:///aws/vpcs"
    wrong_url = "s3://bucket/with/a/long/path/"
    ranges = False
    names = ("eni-0a", "eni-0a-all", "eni-0b-accept", "odd%20%5B1%5D%20%26%20%C3%A9%3F")

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def group(cls, server: str) -> Iterator[None]:
        first, second, third, last = sample_lines(since=SINCE).splitlines(keepends=True)
        hour = SINCE.replace(minute=0)
        cls.expected = {
            file_name(name, begin): text
            for name in cls.names
            for begin, text in [(hour, first + second + third), (hour + HOUR, last)]
        }
        with through(server):
            put("/aws/vpc", first + second + third + last)
            yield
        reset(server)

    def make_source(self) -> CloudWatchSource:
        return CloudWatchSource()


class TestCloudWatchSourceOfSomeStreams(TestCloudWatchSource):
    """Each stream once, though it may have been asked for in several ways."""

    url = "cloudwatch:///aws/vpc?stream=eni-0a,eni-0a-all,eni-0a"
    missing_url = "cloudwatch:///aws/vpcs?stream=eni-0a"
    names = ("eni-0a", "eni-0a-all")
