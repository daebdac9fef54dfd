"""The servers and the proxy of the tests do what their descriptions say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from fault_proxy import (
    SLOW_DOWN,
    Answer,
    CutAfter,
    CutBefore,
    CutBody,
    FaultProxy,
    Rewrite,
    Rule,
    json_error,
)
from servers import environment, moto, rclone_s3, reset, using

ONCE = Config(retries={"total_max_attempts": 1})


def client(service: str, url: str) -> Any:
    with using(environment(url)):
        return boto3.session.Session().client(service, config=ONCE)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto() as url:
        yield url


def test_moto_forgets_when_it_is_reset(aws: str) -> None:
    client("s3", aws).create_bucket(
        Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    reset(aws)
    assert client("s3", aws).list_buckets()["Buckets"] == []


def test_rclone_checks_signatures_through_the_proxy(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with rclone_s3(tmp_path) as url, FaultProxy(url) as proxy:
        s3 = client("s3", proxy.url)
        s3.put_object(Bucket="logs", Key="a/b c=1+2", Body=b"x" * 100_000)
        assert s3.get_object(Bucket="logs", Key="a/b c=1+2")["Body"].read() == b"x" * 100_000
        wrong = boto3.session.Session("test", "wrong", region_name="eu-west-1")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            wrong.client("s3", endpoint_url=proxy.url).list_objects_v2(Bucket="logs")
        assert [request.operation for request in proxy.requests] == [
            "PutObject",
            "GetObject",
            "ListObjectsV2",
        ]
        s3.close()
    assert (tmp_path / "logs" / "a" / "b c=1+2").stat().st_size == 100_000


def test_faults_befall_the_requests_that_rules_name(aws: str) -> None:
    bucket = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    client("s3", aws).create_bucket(Bucket="faults", **bucket)
    rules = [
        Rule(CutBefore(), "PutObject", path="/never"),
        Rule(CutAfter(), "PutObject", path="/done"),
        Rule(SLOW_DOWN, "PutObject", path="/slow", after=1),
        Rule(CutBody(10), "GetObject"),
        Rule(Answer(200, forward=True), "DeleteObject"),
    ]
    with FaultProxy(aws, rules) as proxy:
        s3 = client("s3", proxy.url)

        def put(key: str) -> None:
            s3.put_object(Bucket="faults", Key=key, Body=b"0123456789abcdef")

        for key in ("never", "done"):
            with pytest.raises((HTTPClientError, BotoCoreError)):
                put(key)
        put("slow")
        with pytest.raises(ClientError, match="SlowDown"):
            put("slow")
        put("slow")
        with pytest.raises(BotoCoreError):
            s3.get_object(Bucket="faults", Key="done")["Body"].read()
        assert s3.get_object(Bucket="faults", Key="done")["Body"].read() == b"0123456789abcdef"
        s3.delete_object(Bucket="faults", Key="slow")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket="faults")["Contents"]]
        assert keys == ["done"]
        assert [request.status for request in proxy.requests] == [0, 0, 200, 503, *[200] * 5]
        assert proxy.count("PutObject") == 5
        s3.close()


def test_json_is_rewritten_both_ways(aws: str) -> None:
    def ask(asked: dict[str, Any]) -> dict[str, Any]:
        return {**asked, "logGroupName": "renamed"}

    def answer(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
        return {"logGroups": [{"logGroupName": asked["logGroupNamePrefix"]}]}

    rules = [
        Rule(Rewrite(ask=ask), "CreateLogGroup"),
        Rule(json_error("ThrottlingException"), "DescribeLogGroups"),
        Rule(Rewrite(answer), "DescribeLogGroups", after=1),
    ]
    with FaultProxy(aws, rules) as proxy:
        logs = client("logs", proxy.url)
        logs.create_log_group(logGroupName="named")
        found = client("logs", aws).describe_log_groups()["logGroups"]
        assert [group["logGroupName"] for group in found] == ["renamed"]
        with pytest.raises(ClientError, match="ThrottlingException"):
            logs.describe_log_groups(logGroupNamePrefix="x")
        logs.describe_log_groups(logGroupNamePrefix="x")
        groups = logs.describe_log_groups(logGroupNamePrefix="x")["logGroups"]
        assert [group["logGroupName"] for group in groups] == ["x"]
        logs.close()


def test_chance_is_repeatable() -> None:
    hits = []
    for _ in range(2):
        rule = Rule(CutBefore(), share=0.3, times=None, seed=11)
        with FaultProxy("http://127.0.0.1:9", [rule]) as proxy:
            hits.append(
                [
                    proxy.admit("GET", f"/{number}", {}, b"").fault is not None
                    for number in range(50)
                ]
            )
    assert hits[0] == hits[1]
    assert 5 < sum(hits[0]) < 25
