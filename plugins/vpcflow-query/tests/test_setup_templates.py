"""CloudFormation and Terraform: what is printed says the same as the script, and is accepted by the
schemas of the resources, by a server that makes stacks, and by a parser of Terraform's language."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import cfnlint.api
import hcl2
import pytest
from cfnlint.config import ManualArgs
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import REGION, environment, moto, using
from vpcflow_query.setup.hcl import Block, Json, Reference, quoted
from vpcflow_query.setup_command import setup

from vpcflow import FlowFormat
from vpcflow.cli.app import Program

ACCOUNT, OTHER = "123456789012", "222233334444"
VPC, TGW = "vpc-0a1b2c3d4e5f60718", "tgw-0a1b2c3d4e5f60718"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/siem"
CASES = {
    "bucket": (VPC, "--to", "s3", "--bucket", "my-flow-logs", "--prefix", "logs/vpc"),
    "new bucket": (
        *("subnet-0a1b2c3d", "--to", "s3", "--bucket", "my-flow-logs", "--create-bucket"),
        *("--expire-days", "30", "--kms-key", KEY, "--file-format", "text", "--per-day"),
    ),
    "bucket elsewhere": (
        *(VPC, "--to", "s3", "--bucket", "my-flow-logs", "--create-bucket"),
        *("--bucket-account", OTHER),
    ),
    "log group": (
        *("eni-0a1b2c3d", "--to", "cloudwatch", "--kms-key", KEY),
        *("--alarm-topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:network"),
    ),
    "infrequent": (VPC, "--to", "cloudwatch", "--infrequent-access", "--traffic", "reject"),
    "transit": (TGW, "--to", "cloudwatch", "--log-group", "transit"),
    "attachment": ("tgw-attach-0a1b2c3d", "--to", "firehose", "--stream", STREAM),
    "stream": (VPC, "--to", "firehose", "--stream", STREAM, "--fields", "all"),
    "stream elsewhere": (
        *(VPC, "--to", "firehose"),
        *("--stream", STREAM.replace(ACCOUNT, OTHER)),
    ),
}
ALIKE = ("bucket", "infrequent", "attachment", "stream")  # of the same resources as others
LINTED = {name: case for name, case in CASES.items() if name not in ALIKE}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def printed(case: tuple[str, ...], *more: str) -> str:
    words = ["setup", *case, "--account", ACCOUNT, "--region", REGION, *more]
    result = CliRunner().invoke(Program(commands={"setup": setup}), words)
    assert result.exit_code == 0, result.output
    return result.stdout


@functools.cache
def terraform(case: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    text = printed(case, "--as=terraform")
    return text, hcl2.loads(text)


def asked(case: tuple[str, ...]) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(printed(case, "--json"))["request"]
    return request


@pytest.mark.parametrize("case", LINTED.values(), ids=LINTED)
def test_templates_follow_the_schemas_of_their_resources(case: tuple[str, ...]) -> None:
    found = cfnlint.api.lint(
        printed(case, "--as=cloudformation"), config=ManualArgs(regions=[REGION])
    )
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_the_schemas_find_what_is_wrong() -> None:
    template = json.loads(printed(CASES["bucket"], "--as=cloudformation"))
    template["Resources"]["FlowLog"]["Properties"]["DestinationOptions"]["FileFormat"] = "orc"
    del template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    config = ManualArgs(regions=[REGION])
    found = cfnlint.api.lint(json.dumps(template), config=config)
    assert len(found) == 2


@each_case
def test_templates_ask_for_the_same_flow_log(case: tuple[str, ...]) -> None:
    template = json.loads(printed(case, "--as=cloudformation"))
    (flow_log,) = (
        r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::EC2::FlowLog"
    )
    request = asked(case)
    (request["ResourceId"],) = request.pop("ResourceIds")
    assert {name: flow_log[name] for name in flow_log.keys() - {"Tags"}} == request


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with moto() as url, using(environment(url)):
        yield


def test_a_policy_that_would_replace_another_is_warned_of() -> None:
    warned = "policy replaces one that it has"
    for form in ("terraform", "cloudformation"):
        assert warned in " ".join(printed(CASES["bucket"], f"--as={form}").replace("#", "").split())
        assert warned not in printed(CASES["new bucket"], f"--as={form}")


def test_stacks_can_be_made(aws: None) -> None:
    """Where moto knows all the resources: a bucket and its policy; a log group, role and alarm."""
    ec2, stacks = boto3.client("ec2"), boto3.client("cloudformation")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    cases = {
        "files": ("s3", "--bucket", "made-here", "--create-bucket", "--expire-days", "7"),
        "lines": ("cloudwatch", "--log-group", "made-too"),
    }
    for name, words in cases.items():
        template = json.loads(printed((vpc, "--to", *words), "--as=cloudformation"))
        known = {n: r for n, r in template["Resources"].items() if not _unknown_to_moto(r)}
        body = json.dumps({**template, "Resources": known})
        stacks.create_stack(StackName=name, TemplateBody=body)
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        (made,) = (o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "FlowLogId")
        (flow_log,) = ec2.describe_flow_logs(FlowLogIds=[made])["FlowLogs"]
        assert flow_log["ResourceId"] == vpc
        assert flow_log["DeliverLogsStatus"] == "SUCCESS"
    for client in (ec2, stacks):
        client.close()


def _unknown_to_moto(resource: dict[str, Any]) -> bool:
    return resource["Type"] in ("AWS::CloudWatch::InsightRule", "AWS::Logs::MetricFilter")


@each_case
def test_terraform_is_terraform_and_asks_for_the_same_flow_log(case: tuple[str, ...]) -> None:
    _, blocks = terraform(case)
    (flow_log,) = _resources(blocks, "aws_flow_log")
    request = asked(case)
    assert _string(flow_log["log_format"]) == request["LogFormat"]
    assert FlowFormat.parse(_string(flow_log["log_format"]))
    assert flow_log["max_aggregation_interval"] == request["MaxAggregationInterval"]
    assert _string(flow_log.get("traffic_type")) == request.get("TrafficType")
    assert request["ResourceIds"] == [
        _string(flow_log[name])
        for name in (
            *("vpc_id", "subnet_id", "eni_id"),
            *("transit_gateway_id", "transit_gateway_attachment_id"),
        )
        if name in flow_log
    ]
    if "DestinationOptions" in request:
        (options,) = flow_log["destination_options"]
        told = (options["hive_compatible_partitions"], options["per_hour_partition"])
        wanted = request["DestinationOptions"]
        assert told == (wanted["HiveCompatiblePartitions"], wanted["PerHourPartition"])
        assert _string(options["file_format"]) == wanted["FileFormat"]


@each_case
def test_terraform_refers_only_to_what_it_makes(case: tuple[str, ...]) -> None:
    text, blocks = terraform(case)
    made = {
        f"{kind}.{_string(label)}"
        for resource in blocks["resource"]
        for kind, labelled in ((_string(k), v) for k, v in resource.items())
        for label in labelled
    }
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    named = set(re.findall(r"(?<![\w.\"-])aws_\w+\.\w+", re.sub(r'"(?:\\.|[^"\\])*"', "", code)))
    assert "aws_flow_log.this" in named
    assert named <= made


def _resources(blocks: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        body
        for resource in blocks["resource"]
        for name, labelled in resource.items()
        if _string(name) == kind
        for body in labelled.values()
    ]


def _string(value: Any) -> Any:
    """The parser leaves quotes and escapes in: this takes them as Terraform's language says."""
    if value is None:
        return None
    assert value.startswith('"')
    assert value.endswith('"')
    text = json.loads(value)
    return text.replace("$${", "${").replace("%%{", "%{")


TEXTS = st.text(
    st.one_of(st.sampled_from("${}%\"\\\n'`#"), st.characters(exclude_categories=("Cs", "Co"))),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), TEXTS, max_size=3), TEXTS)
def test_any_text_stays_one_string_of_terraform(body: dict[str, str], label: str) -> None:
    """No text ends its string, starts a template or becomes another attribute."""
    block = Block("resource", ["kind", "name"], {"label": label, **body})
    parsed = hcl2.loads(block.text())
    ((made,),) = (list(r.values()) for (r,) in [[k['"kind"']] for k in parsed["resource"]])
    wanted = {"label": label, **body}
    assert {k: v for k, v in made.items() if k != "__is_block__"} == {
        name: quoted(text) for name, text in wanted.items()
    }
    for text in wanted.values():
        inner = quoted(text)
        assert "\n" not in inner
        unescaped = inner.replace("$${", "").replace("%%{", "")
        assert "${" not in unescaped
        assert "%{" not in unescaped


def test_structures_references_and_json() -> None:
    body = {"a": [True, 3, "x"], "b": Json({"c:d": ["${e}"]}), "f": Reference("aws_x.y.z")}
    assert Block("locals", [], body).text() == (
        "locals {\n"
        '  a = [true, 3, "x"]\n'
        "  b = jsonencode({\n"
        '    "c:d" = ["$${e}"]\n'
        "  })\n"
        "  f = aws_x.y.z\n"
        "}\n"
    )
    with pytest.raises(TypeError, match="float has no form"):
        Block("locals", [], {"a": 1.5}).text()
