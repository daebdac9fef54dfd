"""The CloudWatch Logs sink against moto, over HTTP, and through storms of faults."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fault_proxy import THROTTLED, CutAfter, Delay, Request, Rewrite, Rule, json_error
from servers import moto, reset
from service_storms import LINE, NOW, Letters, counted, numbered, opened, storm, through
from vpcflow_aws.cloudwatch_target import LogTarget, candidates
from vpcflow_aws.session import client

from vpcflow import PluginError, UsageError
from vpcflow.making import sink_of
from vpcflow.pipeline import Pipeline
from vpcflow.report import Run

SCHEMA = numbered(0, 1).schema


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Iterator[str]:
    yield server
    reset(server)


def stored(group: str, stream: str = "vpcflow") -> list[dict[str, Any]]:
    pages = client("logs").get_paginator("filter_log_events")
    return [
        event
        for page in pages.paginate(logGroupName=group, logStreamNames=[stream])
        for event in page["events"]
    ]


def packets(events: list[dict[str, Any]]) -> Counter[int]:
    return Counter(json.loads(event["message"])["packets"] for event in events)


def rows(request: Request) -> int:
    return len(request.json["logEvents"])


def within_limits(request: Request) -> bool:
    """What was on the wire, by the limits that AWS documents."""
    events = request.json["logEvents"]
    times = [event["timestamp"] for event in events]
    return (
        0 < len(events) <= 10_000
        and sum(len(event["message"].encode()) + 26 for event in events) <= 1_048_576
        and all(a <= b for a, b in pairwise(times))
        and times[-1] - times[0] <= 24 * 3600 * 1000
    )


def test_records_arrive_as_json_with_their_start_as_time(aws: str) -> None:
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA) as sink:
            sink.write(numbered(0, 3))
            assert sink.prepare() == []
            sink.commit([])
        events = stored("flows")
    assert sink.delivery == "at-least-once"
    assert [event["timestamp"] for event in events] == [(NOW - 3600 + n) * 1000 for n in range(3)]
    first = json.loads(events[0]["message"])
    assert first["interface_id"] == "eni-0a"
    assert first["bytes"] == 4249
    assert first["start"].endswith("Z")


def test_records_arrive_as_lines(aws: str) -> None:
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?as=line", SCHEMA) as sink:
            sink.write(numbered(7, 1))
            sink.commit([])
        [event] = stored("flows")
    start = NOW - 3600
    assert event["message"] == (
        f"2 123456789010 eni-0a 10.0.0.1 10.0.0.2 7 443 6 7 4249 {start + 7} {start + 600} "
        "ACCEPT OK"
    )


def test_as_line_is_refused_with_enrichers_columns(aws: str) -> None:
    with through(aws), pytest.raises(UsageError, match="src_country"):
        sink_of("cloudwatch:flows?as=line").open(
            SCHEMA.append(pa.field("src_country", pa.utf8())), Run()
        )


def test_a_record_that_no_line_can_hold_is_a_dead_letter(aws: str) -> None:
    batch = numbered(0, 3)
    spoilt = batch.set_column(1, "account_id", pa.array(["1", "2 3", "4"]))
    letters = Letters()
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?as=line", SCHEMA, letters.run()) as sink:
            sink.write(spoilt)
            sink.commit([])
        assert len(stored("flows")) == 2
    [letter] = letters.letters
    assert json.loads(letter["data"])["account_id"] == "2 3"
    assert "account_id" in letter["reason"]


def test_records_without_a_start_get_their_end_or_the_present(aws: str) -> None:
    batch = numbered(0, 2)
    at = batch.schema.get_field_index("start")
    without = batch.set_column(at, "start", pa.nulls(2, batch.schema.field(at).type))
    before = time.time() * 1000
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA) as sink:
            sink.write(without.slice(0, 1))
            sink.commit([])
            sink.write(without.slice(1, 1).drop_columns(["start", "end"]))
            sink.commit([])
        ended, present = sorted(event["timestamp"] for event in stored("flows"))
    assert ended == (NOW - 3000) * 1000
    assert before - 1 <= present <= time.time() * 1000


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_in_a_storm_and_duplicates_are_counted(aws: str, seed: int) -> None:
    run = Run()
    with through(aws, storm("PutLogEvents", seed)) as proxy:
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?in_flight=3", SCHEMA, run) as sink:
            for first in range(0, 25_000, 5_000):
                # days that come back: batches have to be cut by their span, too
                sink.write(numbered(first, 5_000, start=NOW - 86_400 * (1 + first // 5_000 % 3)))
                sink.commit([])
        proxy.rules = []
        sent = [r for r in proxy.requests if r.operation == "PutLogEvents"]
        arrived = packets(stored("flows"))
    assert all(map(within_limits, sent))
    assert set(arrived) == set(range(25_000))
    truth = counted(sent, rows)
    assert truth["doubtful"] > 0
    assert arrived.total() == truth["stored"]
    assert run.take_duplicates() == {sink.name: truth["doubtful"]}
    failed = sum(r.fault is not None for r in sent)
    assert run.take_retries() == {sink.name: failed}


def test_duplicates_are_the_truth_when_answers_are_cut(aws: str) -> None:
    run = Run()
    rule = Rule(CutAfter(), "PutLogEvents", times=3)
    with through(aws, [rule]):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA, run) as sink:
            sink.write(numbered(0, 12_000))
            sink.commit([])
        arrived = packets(stored("flows"))
    assert set(arrived) == set(range(12_000))
    assert run.take_duplicates() == {sink.name: arrived.total() - 12_000}


def aged(asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Events of the first 10 s are too old, up to 20 s before the retention, from 590 s too new."""
    second = [event["timestamp"] // 1000 - (NOW - 3600) for event in asked["logEvents"]]
    return {
        **answer,
        "rejectedLogEventsInfo": {
            "tooOldLogEventEndIndex": sum(s < 10 for s in second),
            "expiredLogEventEndIndex": sum(s < 20 for s in second),
            "tooNewLogEventStartIndex": sum(s < 590 for s in second),
        },
    }


def test_rejected_events_are_dead_letters_with_reasons(aws: str) -> None:
    letters = Letters()
    with through(aws, [Rule(Rewrite(aged), "PutLogEvents", times=None)]):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA, letters.run()) as sink:
            sink.write(numbered(0, 600))
            sink.commit([])
    reasons = {
        json.loads(letter["data"])["packets"]: letter["reason"] for letter in letters.letters
    }
    assert sorted(reasons) == [*range(20), *range(590, 600)]
    assert "14 days" in reasons[9]
    assert "retention" in reasons[10]
    assert "future" in reasons[595]
    assert {letter["sink"] for letter in letters.letters} == {"cloudwatch:flows"}


def test_without_a_dead_letter_file_a_rejected_event_ends_the_run(aws: str) -> None:
    with through(aws, [Rule(Rewrite(aged), "PutLogEvents", times=None)]):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA) as sink:
            sink.write(numbered(0, 600))
            with pytest.raises(PluginError, match="--dead-letter"):
                sink.commit([])


def test_a_message_that_is_too_long_is_a_dead_letter_and_the_others_arrive(aws: str) -> None:
    letters = Letters()
    batch = numbered(0, 3)
    long = batch.set_column(2, "interface_id", pa.array(["a", "é" * 600_000, "b"]))
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA, letters.run()) as sink:
            sink.write(long)
            sink.commit([])
        assert set(packets(stored("flows"))) == {0, 2}
    assert "1,048,550 are allowed" in letters.letters[0]["reason"]


def test_one_event_that_the_service_finds_invalid_is_found_by_halving(aws: str) -> None:
    letters = Letters()

    class Picky(Rule):
        """Refuses requests with the record 77."""

        def wants(self, request: Request, target: str) -> bool:
            return request.operation == "PutLogEvents" and b'packets\\":77,' in request.body

    picky = Picky(json_error("InvalidParameterException"), times=None)
    with through(aws, [picky]):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA, letters.run()) as sink:
            sink.write(numbered(0, 500))
            sink.commit([])
        assert set(packets(stored("flows"))) == set(range(500)) - {77}
    assert [json.loads(letter["data"])["packets"] for letter in letters.letters] == [77]


def test_a_request_that_is_wrong_as_a_whole_is_an_error_and_no_dead_letters(aws: str) -> None:
    letters = Letters()
    rule = Rule(json_error("InvalidParameterException"), "PutLogEvents", times=None)
    with through(aws, [rule]):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA, letters.run()) as sink:
            sink.write(numbered(0, 500))
            with pytest.raises(PluginError, match="InvalidParameterException"):
                sink.commit([])
    assert letters.letters == []


def test_a_denied_request_names_the_permission_and_is_not_repeated(aws: str) -> None:
    rule = Rule(json_error("AccessDeniedException"), "PutLogEvents", times=None)
    with through(aws, [rule]) as proxy:
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows", SCHEMA) as sink:
            sink.write(numbered(0, 5))
            with pytest.raises(PluginError, match="logs:PutLogEvents"):
                sink.commit([])
        assert proxy.count("PutLogEvents") == 1


def test_patience_ends(aws: str) -> None:
    with through(aws, [Rule(THROTTLED, "PutLogEvents", times=None)]) as proxy:
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?patience=0.3", SCHEMA) as sink:
            sink.write(numbered(0, 5))
            with pytest.raises(PluginError, match=r"0\.3 seconds without progress.*Throttling"):
                sink.commit([])
        assert proxy.count("PutLogEvents") > 3


def test_requests_in_flight_are_bounded_and_writing_waits_for_them(aws: str) -> None:
    with through(aws, [Rule(Delay(0.4), "PutLogEvents", times=None)]) as proxy:
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?in_flight=2", SCHEMA) as sink:
            most, ended = 0, threading.Event()

            def watch() -> None:
                nonlocal most
                while not ended.wait(0.005):
                    running = [r for r in list(proxy.requests) if r.operation == "PutLogEvents"]
                    most = max(most, sum(r.status == 0 for r in running))

            watcher = threading.Thread(target=watch)
            watcher.start()
            began = time.monotonic()
            for first in range(0, 48_000, 8_000):
                sink.write(numbered(first, 8_000))
            waited = time.monotonic() - began
            sink.commit([])
            ended.set()
            watcher.join()
        requests = proxy.count("PutLogEvents")
    assert most == 2
    assert requests > 12
    assert waited > 0.4 * (requests - 2 - 5) / 2  # 4 batches are held back, and sent by commit


def test_an_age_asks_for_a_checkpoint(aws: str) -> None:
    with through(aws):
        client("logs").create_log_group(logGroupName="flows")
        with opened("cloudwatch:flows?age=0.05", SCHEMA) as sink:
            assert not sink.due()
            sink.write(numbered(0, 5))
            assert not sink.due()
            time.sleep(0.06)
            assert sink.due()
            sink.commit([])
            assert not sink.due()


# ---- which group, which stream -------------------------------------------------------------------


def test_what_a_target_may_mean() -> None:
    def pairs(target: str, stream: str | None = None) -> list[tuple[str, str]]:
        return [(found.group, found.stream) for found in candidates(target, stream)]

    assert pairs("flows") == [("flows", "vpcflow")]
    assert pairs("/aws/vpc/flow") == [
        ("/aws/vpc/flow", "vpcflow"),
        ("/aws/vpc", "flow"),
        ("/aws", "vpc/flow"),
    ]
    assert pairs("/aws/vpc:a/b") == [("/aws/vpc", "a/b")]
    assert pairs("/aws/vpc", "a/b") == [("/aws/vpc", "a/b")]
    assert pairs("flows/") == [("flows/", "vpcflow")]
    for target, stream in [("a:b", "c"), ("", None), ("a b", None), ("a:b*", None), ("a:", None)]:
        with pytest.raises(UsageError):
            candidates(target, stream)


@pytest.mark.parametrize(
    ("groups", "target", "group", "stream"),
    [
        (["/aws/vpc/flow"], "/aws/vpc/flow", "/aws/vpc/flow", "vpcflow"),
        (["/aws/vpc"], "/aws/vpc/flow", "/aws/vpc", "flow"),
        (["/aws/vpc", "/aws/vpc/flow"], "/aws/vpc/flow", "/aws/vpc/flow", "vpcflow"),
        (["/aws"], "/aws/vpc/flow", "/aws", "vpc/flow"),
        ([], "/aws/vpc/flow?create=true", "/aws/vpc/flow", "vpcflow"),
        ([], "new:mine?create=true", "new", "mine"),
    ],
)
def test_the_longest_name_that_is_a_groups_is_the_group(
    aws: str, groups: list[str], target: str, group: str, stream: str
) -> None:
    with through(aws):
        for name in groups:
            client("logs").create_log_group(logGroupName=name)
        for _ in range(2):  # the second time the stream is there
            with opened(f"cloudwatch:{target}", SCHEMA) as sink:
                assert sink.target == LogTarget(group, stream)
        streams = client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert [found["logStreamName"] for found in streams] == [stream]


def test_a_group_that_is_not_there_is_an_error(aws: str) -> None:
    with through(aws), pytest.raises(PluginError, match="create=true"):
        sink_of("cloudwatch:flows/mine").open(SCHEMA, Run())


def test_a_policy_for_one_group_alone_is_enough(aws: str) -> None:
    class OneGroup(Rule):
        """Denies what is not about the group /aws/vpc."""

        def wants(self, request: Request, target: str) -> bool:
            return request.json.get("logGroupName") not in (None, "/aws/vpc")

    denied = json_error("AccessDeniedException")
    with through(aws):
        client("logs").create_log_group(logGroupName="/aws/vpc")
    with through(aws, [OneGroup(denied, times=None)]):
        with opened("cloudwatch:/aws/vpc/flow", SCHEMA) as sink:
            assert sink.target == LogTarget("/aws/vpc", "flow")
        with pytest.raises(PluginError, match="logs:CreateLogStream"):
            sink_of("cloudwatch:/other/flow").open(SCHEMA, Run())


def test_wrong_options_are_told() -> None:
    for target, text in [
        ("cloudwatch:a?as=xml", "json, line"),
        ("cloudwatch:a?in_flight=0", "in_flight"),
        ("cloudwatch:a?inflight=2", "in_flight"),
        ("cloudwatch:a?patience=soon", "time span"),
    ]:
        with pytest.raises(UsageError, match=text):
            sink_of(target)


def test_nothing_is_contacted_before_open() -> None:
    sink_of("cloudwatch:a")
    sink = sink_of("cloudwatch:a")
    sink.abort()
    sink.close()


# ---- in the pipeline -----------------------------------------------------------------------------


def logs_of(directory: Path, count: int) -> Path:
    lines = [
        LINE.format(eni="eni-0a", port=n % 60_000, n=n, start=NOW - 3600 + n % 600, end=NOW)
        for n in range(count)
    ]
    path = directory / "flows.log"
    path.write_text("\n".join(lines))
    return path


def test_a_run_that_failed_goes_on_and_every_record_arrives(aws: str, tmp_path: Path) -> None:
    """At least once: what was acknowledged and not yet stored may come twice, nothing is lost."""

    path = logs_of(tmp_path, 60_000)

    def pipeline() -> Pipeline:
        return Pipeline(
            sources=[path],
            to=["cloudwatch:flows?age=0.01&in_flight=1"],
            state=tmp_path / "state.db",
        )

    denied = Rule(json_error("AccessDeniedException"), "PutLogEvents", after=10, times=None)
    with through(aws, [denied]):
        client("logs").create_log_group(logGroupName="flows")
        with pytest.raises(PluginError, match="logs:PutLogEvents"):
            pipeline().run()
        before = packets(stored("flows")).total()
    assert 0 < before < 60_000
    with through(aws):
        report = pipeline().run()
        arrived = packets(stored("flows"))
    assert set(arrived) == set(range(60_000))
    assert arrived.total() < 60_000 + before  # the second run did not begin anew
    assert report.exit_code == 0
    assert report.delivered == {"cloudwatch:flows": 60_000}


def test_the_report_counts_what_was_refused_and_what_came_twice(aws: str, tmp_path: Path) -> None:
    rules = [
        Rule(CutAfter(), "PutLogEvents"),
        Rule(Rewrite(aged), "PutLogEvents", times=None),
    ]
    with through(aws, rules):
        client("logs").create_log_group(logGroupName="flows")
        report = Pipeline(
            sources=[logs_of(tmp_path, 600)],
            to=["cloudwatch:flows"],
            dead_letter=tmp_path / "refused.jsonl",
        ).run()
    refused = [json.loads(line) for line in (tmp_path / "refused.jsonl").read_text().splitlines()]
    assert sorted(json.loads(letter["data"])["packets"] for letter in refused) == [
        *range(20),
        *range(590, 600),
    ]
    assert report.dead_letters == {"cloudwatch:flows": 30}
    assert report.delivered == {"cloudwatch:flows": 570}
    assert report.duplicates == {"cloudwatch:flows": 600}
    assert report.retries == {"cloudwatch:flows": 1}
