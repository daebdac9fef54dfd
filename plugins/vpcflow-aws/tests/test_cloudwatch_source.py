"""The CloudWatch Logs source against moto, over HTTP: spans, formats, resuming, errors."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from fault_proxy import THROTTLED, Answer, CutAfter, CutBody, Rewrite, Rule, json_error
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import moto, reset
from service_storms import through
from vpcflow_aws.cloudwatch_source import CloudWatchSource
from vpcflow_aws.flow_log_formats import (
    FlowLog,
    FlowLogFormatWarning,
    StreamName,
    flow_logs_of,
    format_of,
)
from vpcflow_aws.log_stream_file import LogStreamFile
from vpcflow_aws.session import client

import vpcflow
from vpcflow import FlowFormat, FormatError, InputError, UsageError
from vpcflow.enrich import BatchEnricher
from vpcflow.pipeline import Pipeline
from vpcflow.selection import EVERYTHING, Selection
from vpcflow.source_files import SourceFile

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=2)
"""An UTC midnight; all events are put after it, and more than a day before now."""
LINE = "2 123456789010 {eni} 10.0.0.1 10.0.0.2 {n} 443 6 {n} 4249 {start} {end} ACCEPT OK"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Iterator[str]:
    yield server
    reset(server)


@pytest.fixture(autouse=True)
def _formats_may_be_unknown() -> Iterator[None]:
    """Most tests have no flow log; those that are about formats look at the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FlowLogFormatWarning)
        yield


def put(group: str, stream: str, numbers: Sequence[int], *, minutes: float = 1) -> list[str]:
    """Events, one in so many minutes from `TODAY` on; their number is their srcport."""
    logs = client("logs")
    for make, names in [
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ]:
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            make(**names)
    events = []
    for n in numbers:
        start = int((TODAY + timedelta(minutes=n * minutes)).timestamp())
        eni = StreamName.of(stream).interface or "eni-0"
        line = LINE.format(eni=eni, n=n, start=start, end=start + 60)
        events.append({"timestamp": start * 1000, "message": line})
    for at in range(0, len(events), 10_000):
        batch = events[at : at + 10_000]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
    return [event["message"] for event in events]


def files(url: str, selection: Selection = EVERYTHING, **given: Any) -> list[LogStreamFile]:
    return list(CloudWatchSource(**given).files(url, selection))


def lines_of(file: SourceFile) -> list[str]:
    with file.open() as stream:
        return stream.read().decode().splitlines()


def flow_log(group: str, resource: str, format: str, traffic: str = "ALL") -> str:
    kinds = {"eni": "NetworkInterface", "subnet": "Subnet", "vpc": "VPC"}
    made = client("ec2").create_flow_logs(
        ResourceType=kinds[resource.split("-")[0]],
        ResourceIds=[resource],
        TrafficType=traffic,
        LogDestinationType="cloud-watch-logs",
        LogGroupName=group,
        LogFormat=format,
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/logs",
    )
    found: str = made["FlowLogIds"][0]
    return found


def vpc() -> str:
    found: str = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    return found


# ---- spans ---------------------------------------------------------------------------------------


def test_a_stream_is_read_in_spans_of_an_hour_that_hold_all_of_it(aws: str) -> None:
    with through(aws):
        put_lines = put("/aws/vpc", "eni-0a-all", range(10, 150))
        found = files("cloudwatch:///aws/vpc")
        assert [line for file in found for line in lines_of(file)] == put_lines
    assert [file.since for file in found] == [TODAY + timedelta(hours=h) for h in range(3)]
    assert all(file.until - file.since == timedelta(hours=1) for file in found)
    assert len({file.name for file in found}) == 3
    assert all(isinstance(file, SourceFile) for file in found)
    day = TODAY.strftime("%Y-%m-%d")
    assert found[1].name == (
        f"cloudwatch:///aws/vpc?stream=eni-0a-all&since={day}T01:00:00Z&until={day}T02:00:00Z"
    )
    assert {(file.size, file.etag, file.modified) for file in found} == {(None, None, None)}


def test_a_files_name_is_a_url_of_that_file(aws: str) -> None:
    with through(aws):
        put("flows", "odd [1] & é?-all", range(130))
        for file in files("cloudwatch://flows"):
            [again] = files(file.name)
            assert (again.name, lines_of(again)) == (file.name, lines_of(file))


def test_a_stream_that_is_asked_for_in_several_ways_is_read_once(aws: str) -> None:
    streams = ["eni-0a", "eni-0a-all", "eni-0b-all", "eni-0c-all"]
    with through(aws):
        for stream in streams:
            put("flows", stream, range(1))
        by_interface = files("cloudwatch://flows?interface=eni-0,eni-0a,eni-0b,eni-0a")
        by_name = files("cloudwatch://flows?stream=eni-0a-all,eni-0a,eni-0b,eni-0a")
    assert [file.stream for file in by_interface] == streams[:3]
    assert [file.stream for file in by_name] == streams[:2]


def test_the_first_file_does_not_wait_for_all_streams(aws: str) -> None:
    with through(aws) as proxy:
        for number in range(40):
            put("flows", f"eni-{number:02}-all", range(1))
        listing = CloudWatchSource().files("cloudwatch://flows")
        assert next(listing).stream == "eni-00-all"
        assert proxy.count("GetLogEvents") == 64  # two for each of 32 streams
        assert [file.stream for file in listing] == [f"eni-{n:02}-all" for n in range(1, 40)]


@settings(max_examples=15)
@given(st.integers(0, 200), st.integers(1, 200), st.sampled_from(["5m", "30m", "1h", "6h", "1d"]))
def test_any_range_gives_exactly_its_events(
    moto_with_events: list[str], begin: int, length: int, span: str
) -> None:
    since = TODAY + timedelta(minutes=begin)
    until = since + timedelta(minutes=length)
    found = files(f"cloudwatch://flows?slice={span}", Selection(since=since, until=until))
    lines = [line for file in found for line in lines_of(file)]
    assert lines == moto_with_events[begin : begin + length]
    assert all(a.until <= b.since for a, b in pairwise(found))
    assert all(since <= file.since < file.until <= until for file in found)


@pytest.fixture(scope="module")
def moto_with_events() -> Iterator[list[str]]:
    with moto() as url, through(url):
        yield put("flows", "eni-0a-all", range(240))


def test_interfaces_and_streams_are_chosen_by_name(aws: str) -> None:
    with through(aws):
        for stream in ("eni-0a-all", "eni-0ab-all", "eni-0b-accept", "other"):
            put("flows", stream, range(3))

        def streams(options: str) -> list[str]:
            return [file.stream for file in files(f"cloudwatch://flows{options}")]

        assert streams("") == ["eni-0a-all", "eni-0ab-all", "eni-0b-accept", "other"]
        assert streams("?interface=eni-0a") == ["eni-0a-all"]
        assert streams("?interface=eni-0b,eni-0a") == ["eni-0a-all", "eni-0b-accept"]
        assert streams("?stream=other") == ["other"]
        assert streams("?interface=eni-0c") == []


def test_only_spans_that_are_closed_are_read_unless_open_is_asked_for(aws: str) -> None:
    at = TODAY + timedelta(hours=1, minutes=45)
    with through(aws):
        put("flows", "eni-0a-all", range(110))

        def spans(options: str = "", now: datetime = at) -> list[tuple[int, str | None]]:
            found = files(f"cloudwatch://flows{options}", now=lambda: now)
            return [((file.since - TODAY) // timedelta(minutes=1), file.etag) for file in found]

        assert spans() == [(0, None)]
        assert spans(now=TODAY + timedelta(hours=2, minutes=29)) == [(0, None)]
        assert spans(now=TODAY + timedelta(hours=2, minutes=30)) == [(0, None), (60, None)]
        assert spans("?slice=5m&settle=1s")[-1] == (95, None)
        [closed, still_open] = spans("?open=yes")
        assert closed == (0, None)
        assert still_open[0] == 60
        # it is another version at every look, so that a state does not take it for done
        assert still_open[1] != spans("?open=yes", at + timedelta(seconds=1))[1][1]


def test_pages_are_followed_and_few_are_held(aws: str) -> None:
    with through(aws) as proxy:
        lines = put("flows", "eni-0a-all", range(25_000), minutes=0.001)
        [file] = files("cloudwatch://flows")
        proxy.clear()
        with file.open() as stream:
            assert proxy.count("FilterLogEvents") == 1  # no page is fetched before it is needed
            assert stream.read().decode().splitlines() == lines
        assert proxy.count("FilterLogEvents") == 3


def test_empty_pages_do_not_end_a_stream(aws: str) -> None:
    """AWS may answer with no events and a token; FilterLogEvents has ended when there is no token,
    GetLogEvents when it gives back the one that it was given."""

    def nothing_yet(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" in asked:
            return answered
        return {"events": [], "nextToken": "page-2"}

    def drop_token(asked: dict[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in asked.items() if n != "nextToken" or v != "page-2"}

    def first_empty(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" in asked:
            return answered
        return {"events": [], "nextForwardToken": "page-2", "nextBackwardToken": "page-2"}

    rules = [
        Rule(Rewrite(nothing_yet, drop_token), "FilterLogEvents", times=None),
        Rule(Rewrite(first_empty, drop_token), "GetLogEvents", times=None),
    ]
    with through(aws):
        lines = put("flows", "eni-0a-all", range(70))
    with through(aws, rules) as proxy:
        found = files("cloudwatch://flows")
        assert [line for file in found for line in lines_of(file)] == lines
        assert proxy.count("GetLogEvents") == 4
    with through(aws):
        put("empty", "eni-0a-all", range(0))
        assert files("cloudwatch://empty") == []


def test_streams_that_ended_long_before_are_not_asked(aws: str) -> None:
    with through(aws) as proxy:
        put("flows", "eni-0a-all", range(3))
        since = TODAY + timedelta(days=1, minutes=30)
        assert files("cloudwatch://flows", Selection(since=since)) == []
        assert proxy.count("GetLogEvents") == 0


def test_faults_are_repeated_and_every_line_is_read_once(aws: str) -> None:
    with through(aws):
        lines = put("flows", "eni-0a-all", range(200))
    rules = [
        Rule(fault, times=None, share=0.12, seed=number)
        for number, fault in enumerate([THROTTLED, CutAfter(), CutBody(20)])
    ]
    with through(aws, rules):
        found = files("cloudwatch://flows?slice=15m")
        assert [line for file in found for line in lines_of(file)] == lines


# ---- formats -------------------------------------------------------------------------------------

CUSTOM = "${interface-id} ${srcaddr} ${start} ${action}"


def test_ec2_says_which_format_the_lines_are_in(aws: str) -> None:
    future = NOW + timedelta(days=1)
    with through(aws), warnings.catch_warnings():
        warnings.simplefilter("error")
        logs = client("logs")
        logs.create_log_group(logGroupName="flows")
        logs.create_log_stream(logGroupName="flows", logStreamName="eni-0a-all")
        start = int(NOW.timestamp())
        logs.put_log_events(
            logGroupName="flows",
            logStreamName="eni-0a-all",
            logEvents=[{"timestamp": start * 1000, "message": f"eni-0a 10.0.0.1 {start} REJECT"}],
        )
        flow_log("flows", vpc(), CUSTOM)
        flow_log("others", vpc(), "${version} ${start}")
        [file] = files("cloudwatch://flows", now=lambda: future)
        assert file.format == FlowFormat.parse(CUSTOM)
        with vpcflow.scan(file) as stream:
            [batch] = stream
    assert batch.format_source == "container"
    assert [record.action for record in batch] == ["REJECT"]


def test_flow_logs_of_different_formats_are_told_apart_by_stream_or_refused() -> None:
    def log(id_: str, resource: str, fmt: str, traffic: str = "all") -> FlowLog:
        return FlowLog(id_, resource, traffic, FlowFormat.parse(fmt), TODAY)

    def of(stream: str, *logs: FlowLog) -> str:
        found = format_of(stream, TODAY + timedelta(hours=1), logs, "flows")
        return "" if found is None else " ".join(found.names)

    accepted, rejected = (
        log("fl-1", "vpc-1", "start", "accept"),
        log("fl-2", "vpc-1", "end", "reject"),
    )
    assert of("eni-0a-accept", accepted, rejected) == "start"
    assert of("eni-0a-reject", accepted, rejected) == "end"
    one, two = log("fl-3", "eni-0a", "start"), log("fl-4", "eni-0b", "end")
    assert of("eni-0a-all", one, two) == "start"
    assert of("eni-0b-all", one, two) == "end"
    assert of("eni-0c-all", one, two) == ""
    assert of("made-by-hand", one) == "start"
    same = log("fl-5", "vpc-2", "start")
    assert of("eni-0a-all", one, same) == "start"
    for stream, logs in [
        ("made-by-hand", (one, two)),
        ("eni-0a-all", (one, log("fl-6", "vpc-1", "end"))),
    ]:
        with pytest.raises(FormatError, match=r"fl-3.*different|different.*fl-3") as caught:
            of(stream, *logs)
        assert "?flow-log=" in (caught.value.hint or "")
    # a flow log that was made later has not written these lines
    later = FlowLog("fl-7", "vpc-1", "all", FlowFormat.default(), TODAY + timedelta(days=1))
    assert of("eni-0a-all", one, later) == "start"
    assert of("eni-0a-all", later) == ""


def test_one_flow_log_can_be_named(aws: str) -> None:
    future = NOW + timedelta(days=1)
    with through(aws):
        subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        put("flows", "eni-0a-all", range(2))
        logs = client("logs")
        logs.put_log_events(
            logGroupName="flows",
            logStreamName="eni-0a-all",
            logEvents=[{"timestamp": int(NOW.timestamp() * 1000), "message": "x"}],
        )
        flow_log("flows", vpc(), CUSTOM)
        other = flow_log("flows", subnet, "${version} ${start}")
        with pytest.raises(FormatError, match="different formats"):
            files("cloudwatch://flows", now=lambda: future)
        by_option = files(f"cloudwatch://flows?flow-log={other}", now=lambda: future)
        by_selection = files("cloudwatch://flows", Selection(flow_logs=other), now=lambda: future)
        assert by_option[-1].format == by_selection[-1].format == FlowFormat.parse("version start")
        assert files("cloudwatch://flows", Selection(flow_logs="fl-0"), now=lambda: future) == []
        with pytest.raises(InputError, match="fl-0"):
            files("cloudwatch://flows?flow-log=fl-0", now=lambda: future)


def test_a_format_that_is_not_known_is_said_and_the_lines_are_read(aws: str) -> None:
    denied = Answer(
        403,
        b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>"
        b"</Errors><RequestID>1</RequestID></Response>",
        "text/xml",
    )
    with through(aws, [Rule(denied, "DescribeFlowLogs", times=1)]):
        put("flows", "eni-0a-all", range(2))
        with pytest.warns(FlowLogFormatWarning, match="ec2:DescribeFlowLogs"):
            found = files("cloudwatch://flows")
        assert [file.format for file in found] == [None]
        with pytest.warns(FlowLogFormatWarning, match="knows no flow log"):
            found = files("cloudwatch://flows")
        with vpcflow.scan(*found) as stream:
            [batch] = stream
    assert batch.format_source == "assumed"
    assert len(batch) == 2


def test_flow_logs_are_found_by_the_groups_name_or_arn() -> None:
    def item(**facts: str) -> dict[str, str]:
        return {"FlowLogId": "fl-1", "LogFormat": "${start}", **facts}

    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:"
    for facts, ours in [
        ({"LogGroupName": "/aws/vpc"}, True),
        ({"LogGroupName": "/aws/vpc/2"}, False),
        ({"LogDestination": f"{arn}/aws/vpc:*"}, True),
        ({"LogDestination": f"{arn}/aws/vpc"}, True),
        ({"LogDestination": f"{arn}/aws/vpc2:*"}, False),
        ({"LogDestination": "arn:aws:s3:::bucket"}, False),
        ({}, False),
    ]:
        assert bool(flow_logs_of("/aws/vpc", [{"FlowLogs": [item(**facts)]}])) == ours
    bad = item(LogGroupName="g", LogFormat="${start} ${start}")
    with pytest.raises(FormatError, match="fl-1"):
        flow_logs_of("g", [{"FlowLogs": [bad]}])


# ---- in the pipeline -----------------------------------------------------------------------------


class Stopper(BatchEnricher):
    """Adds nothing; stops its pipeline at the first batch."""

    name = "stopper"
    adds: ClassVar[dict[str, str]] = {}
    stop: Any = None

    def enrich(self, batch: pa.RecordBatch) -> dict[str, Any]:
        if self.stop is not None:
            self.stop()
        return {}


def test_a_pipeline_that_was_stopped_goes_on_by_line_number(aws: str, tmp_path: Any) -> None:
    """Every record once, though the first run is stopped in the middle of a span."""
    with through(aws):
        lines = put("flows", "eni-0a-all", range(40_000), minutes=0.003)

        def pipeline() -> Pipeline:
            return Pipeline(
                sources=["cloudwatch://flows"],
                to=[f"jsonl:{tmp_path}/out/"],
                state=tmp_path / "state.db",
                format="default",
                threads=1,
                enrich=[Stopper()],
            )

        first = pipeline()
        first.enrich[0].stop = first.stop
        assert first.run().interrupted
        report = pipeline().run()
        again = pipeline().run()
    got = [
        json.loads(line)["srcport"]
        for path in sorted((tmp_path / "out").iterdir())
        for line in path.read_text().splitlines()
    ]
    assert sorted(got) == list(range(40_000))
    assert report.counts["records"] == len(lines)
    assert again.counts["records"] == 0


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("DescribeLogStreams", "logs:DescribeLogStreams"),
        ("GetLogEvents", "logs:GetLogEvents"),
        ("FilterLogEvents", "logs:FilterLogEvents"),
    ],
)
def test_a_denied_request_names_the_permission(aws: str, operation: str, permission: str) -> None:
    with through(aws, [Rule(json_error("AccessDeniedException"), operation, times=None)]):
        put("flows", "eni-0a-all", range(3))
        with pytest.raises(InputError, match=permission):
            [file.open() for file in files("cloudwatch://flows")]


def test_a_page_that_cannot_be_read_ends_the_source_as_one_to_try_again(aws: str) -> None:
    denied = Rule(json_error("AccessDeniedException"), "FilterLogEvents", after=1, times=None)
    with through(aws, [denied]):
        put("flows", "eni-0a-all", range(15_000), minutes=0.001)
        [file] = files("cloudwatch://flows")
        with file.open() as stream, pytest.raises(vpcflow.ContainerError) as caught:
            stream.read()
    assert caught.value.container == "stream"
    assert "logs:FilterLogEvents" in str(caught.value)


def test_a_group_that_is_not_there_is_told_with_the_nearest(aws: str) -> None:
    with through(aws):
        put("flow-logs", "eni-0a-all", range(1))
        with pytest.raises(InputError, match="did you mean 'flow-logs'"):
            files("cloudwatch://flowlogs")


def test_urls_and_options_that_cannot_be_are_told(aws: str) -> None:
    for url, text in [
        ("cloudwatch://", "three slashes"),
        ("cloudwatch://a b", "no name of a log group"),
        ("cloudwatch://a?slice=7m", "divide a day"),
        ("cloudwatch://a?slice=30s", "whole minutes"),
        ("cloudwatch://a?since=yesterday", "no time"),
        ("cloudwatch://a?interfaces=eni-1", "interface"),
    ]:
        with pytest.raises(UsageError, match=text):
            files(url)
    with through(aws):
        put("flows", "eni-0a-all", range(1))
        with pytest.raises(UsageError, match="beginning"):
            files("cloudwatch://flows")[0].read_range(0, 1)
