"""Runs to CloudWatch Logs and Firehose that are killed: every record arrives at least once.

The services are moto's, over HTTP and behind a proxy that cuts, throttles and fails on a schedule.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import servers
from fault_proxy import THROTTLED, CutAfter, CutBefore, FaultProxy, Rule, json_error

import vpcflow
from vpcflow.bench import generate

COUNT = int(os.environ.get("VPCFLOW_KILLS", "5"))
LINES = 8_000
BUCKET = "firehose"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the last hour: CloudWatch Logs refuses what is older than 14 days."""
    directory = tmp_path_factory.mktemp("logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "FIRST_MINUTE", int(time.time()) // 60 * 60 - 3600)
        for number in range(3):
            generate.write(directory / f"{number}.log.gz", lines=LINES, seed=number)
    return directory


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with servers.moto() as url:
        yield url


@pytest.fixture
def storm(moto: str) -> Iterator[FaultProxy]:
    """One request in five meets a fault; after a cut behind it the service has what was sent."""
    faults = [CutBefore(), CutAfter(), json_error("InternalFailure", 500), THROTTLED]
    rules = [
        Rule(fault, operation, share=0.05, seed=number)
        for number, fault in enumerate(faults)
        for operation in ("PutLogEvents", "PutRecordBatch")
    ]
    with FaultProxy(moto, rules) as proxy:
        yield proxy


def client(service: str, url: str) -> Any:
    keys = {"aws_access_key_id": servers.KEY, "aws_secret_access_key": servers.SECRET}
    return boto3.client(service, endpoint_url=url, region_name=servers.REGION, **keys)


def begin_cloudwatch(url: str, name: str) -> Callable[[], Iterator[str]]:
    service = client("logs", url)
    service.create_log_group(logGroupName=name)

    def messages() -> Iterator[str]:
        token: dict[str, str] = {}
        while True:
            page = service.get_log_events(
                logGroupName=name, logStreamName="flows", startFromHead=True, **token
            )
            yield from (event["message"] for event in page["events"])
            if page["nextForwardToken"] == token.get("nextToken"):
                return
            token = {"nextToken": page["nextForwardToken"]}

    return messages


def begin_firehose(url: str, name: str) -> Callable[[], Iterator[str]]:
    storage = client("s3", url)
    if BUCKET not in [bucket["Name"] for bucket in storage.list_buckets()["Buckets"]]:
        storage.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": servers.REGION}
        )
    service = client("firehose", url)
    for former in service.list_delivery_streams()["DeliveryStreamNames"]:  # 50 are all there may be
        service.delete_delivery_stream(DeliveryStreamName=former)
    service.create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "Prefix": f"{name}/",
        },
    )

    def lines() -> Iterator[str]:
        pages = storage.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{name}/")
        for page in pages:
            for found in page.get("Contents", ()):
                body = storage.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
                yield from body.decode().splitlines()

    return lines


SERVICES = {"cloudwatch": begin_cloudwatch, "firehose": begin_firehose}


@pytest.mark.parametrize("sink", SERVICES)
def test_every_record_arrives_whatever_kills_the_run(
    sink: str, logs: Path, moto: str, storm: FaultProxy, tmp_path: Path
) -> None:
    with vpcflow.scan(logs) as stream:
        wanted = Counter(line for b in stream for line in b.to_jsonl().decode().splitlines())
    took, killed = 0.0, 0
    for seed in range(-1, COUNT):  # the first is not killed: it says how long one takes
        name = f"{sink}-{seed + 1}"
        arrived = SERVICES[sink](moto, name)
        target = f"{sink}:{name}" + (":flows?create=true" if sink == "cloudwatch" else "")
        command = [sys.executable, "-m", "vpcflow", "run", str(logs), "--to", target, "--json"]
        command += ["--state", str(tmp_path / f"{name}.db"), "--threads", "1"]
        drawn = random.Random(f"{sink} {seed}")
        moments = [drawn.uniform(0.2, took) for _ in range(drawn.randint(1, 2))] if took else []
        began = time.monotonic()
        killed += sum(kill(command, storm, seconds) for seconds in moments)
        report = to_the_end(command, storm)
        took = took or time.monotonic() - began
        found = Counter(arrived())
        assert not wanted - found, f"{(wanted - found).total()} records are missing"
        assert not set(found) - set(wanted)
        assert report["counts"]["records"] == wanted.total() or not report["counts"]["records"]
        if not moments:
            twice = (found - wanted).total()
            assert report["duplicates"].get(target.partition("?")[0], 0) >= twice
    assert killed


def started(command: list[str], proxy: FaultProxy) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | servers.environment(proxy.url),
    )


def kill(command: list[str], proxy: FaultProxy, seconds: float) -> bool:
    process = started(command, proxy)
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, said
    return False


def to_the_end(command: list[str], proxy: FaultProxy) -> dict[str, Any]:
    process = started(command, proxy)
    out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    report: dict[str, Any] = json.loads(out)
    return report
