"""What the README says of CloudWatch Logs and Firehose is true: its examples run, its options are
all there are."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from servers import environment, moto
from service_storms import through
from vpcflow_aws.cloudwatch_sink import CloudWatchOptions
from vpcflow_aws.cloudwatch_url import CloudWatchSourceOptions
from vpcflow_aws.firehose_sink import FirehoseOptions
from vpcflow_aws.service_sink import ServiceOptions
from vpcflow_aws.session import client

PLUGIN = Path(__file__).parents[1]
README = (PLUGIN / "README.md").read_text()
LINE = "2 123456789010 {eni} 10.0.0.1 10.0.0.2 4711 443 6 20 4249 {start} {end} ACCEPT OK"
ENI = "eni-0a1b2c3d4e5f60718"


def section(title: str) -> str:
    return README.partition(f"\n{title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


SOURCE = section("### The source `cloudwatch://GROUP`")
LOGS_SINK = section("### The sink `cloudwatch:GROUP[/STREAM]`")
FIREHOSE_SINK = section("### The sink `firehose:STREAM`")
LAMBDA = section("### The transformation `vpcflow_aws.lambda_handler`")


def examples(text: str, language: str) -> list[str]:
    marked = rf"<!-- example: run by tests -->\n```{language}\n(.*?)```"
    found = re.findall(marked, text, re.DOTALL)
    assert found
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto() as url:
        yield url


def run(script: str, url: str, where: Path) -> str:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=where,
        env={**os.environ, **environment(url), "PATH": programs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def line_at(moment: datetime) -> str:
    start = int(moment.timestamp())
    return LINE.format(eni=ENI, start=start, end=start + 60)


def logs_in(where: Path) -> None:
    """A log of yesterday, with a line that is 20 days old."""
    (where / "logs").mkdir()
    now = datetime.now(UTC)
    lines = [line_at(now - timedelta(days=1)), line_at(now - timedelta(days=20))]
    (where / "logs/flows.log").write_text("\n".join(lines))


def messages(group: str, stream: str) -> list[str]:
    found = client("logs").filter_log_events(logGroupName=group, logStreamNames=[stream])
    return [event["message"] for event in found["events"]]


def test_the_source_reads_a_group(server: str, tmp_path: Path) -> None:
    [script] = examples(SOURCE, "sh")
    # the logs of moto are of these days, and so must be the times in the example
    then = datetime(2026, 9, 14, 10, tzinfo=UTC)
    day = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    with through(server):
        client("logs").create_log_group(logGroupName="/aws/vpc/flow")
        client("logs").create_log_stream(logGroupName="/aws/vpc/flow", logStreamName=f"{ENI}-all")
        hours = [datetime.fromisoformat(f"{day}T{hour}:30Z") for hour in ("09", "10", "11", "12")]
        client("logs").put_log_events(
            logGroupName="/aws/vpc/flow",
            logStreamName=f"{ENI}-all",
            logEvents=[
                {"timestamp": int(at.timestamp() * 1000), "message": line_at(at)} for at in hours
            ],
        )
    run(script.replace(then.strftime("%Y-%m-%d"), day), server, tmp_path)
    files = (tmp_path / "out").iterdir()
    starts = [json.loads(row)["start"] for file in files for row in file.read_text().splitlines()]
    assert sorted(starts) == [f"{day}T10:30:00Z", f"{day}T11:30:00Z"]


def test_the_sink_writes_to_a_group(server: str, tmp_path: Path) -> None:
    logs_in(tmp_path)
    [script] = examples(LOGS_SINK, "sh")
    run(script, server, tmp_path)
    lines = (tmp_path / "logs/flows.log").read_text().splitlines()
    with through(server):
        [row] = messages("/network/flows/shop", "vpcflow")
        assert json.loads(row)["interface_id"] == ENI
        assert messages("/network/flows", "shop") == [lines[0]]


def test_the_sink_writes_to_firehose(server: str, tmp_path: Path) -> None:
    logs_in(tmp_path)
    with through(server):
        s3 = client("s3")
        s3.create_bucket(
            Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client("firehose").create_delivery_stream(
            DeliveryStreamName="flows",
            S3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
                "BucketARN": "arn:aws:s3:::flows",
            },
        )
        [script] = examples(FIREHOSE_SINK, "sh")
        run(script, server, tmp_path)
        [key] = [found["Key"] for found in s3.list_objects_v2(Bucket="flows")["Contents"]]
        rows = s3.get_object(Bucket="flows", Key=key)["Body"].read().splitlines()
    assert [json.loads(row)["interface_id"] for row in rows] == [ENI, ENI]


def test_the_handler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PLUGIN.parents[1])
    [example] = examples(LAMBDA, "python")
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    data = base64.b64encode(line_at(datetime.now(UTC)).encode()).decode()
    [answer] = names["handler"]({"records": [{"recordId": "a", "data": data}]}, None)["records"]
    assert answer["result"] == "Ok"
    row = json.loads(base64.b64decode(answer["data"]))
    assert row["interface_id"] == ENI


def options_in(text: str) -> set[str]:
    """Names in the first cells of the table of options."""
    cells = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    return set(re.findall(r"`(\w+)(?:=[^`]*)?`", cells))


def names_of(cls: type) -> set[str]:
    return {field.name.removesuffix("_") for field in attrs.fields(cls)}


def test_every_option_stands_in_a_table() -> None:
    assert options_in(SOURCE) == names_of(CloudWatchSourceOptions)
    assert options_in(LOGS_SINK) == names_of(CloudWatchOptions)
    assert options_in(FIREHOSE_SINK) == names_of(FirehoseOptions)
    assert names_of(ServiceOptions) < names_of(FirehoseOptions)
