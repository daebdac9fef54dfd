"""The printed scripts are run, by bash, against a server that answers as AWS: they check, create,
verify and undo what they say, and every command is one that the AWS CLI would take."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from aws_stand_in import StandIn, stand_in
from click.testing import CliRunner
from servers import REGION, environment, moto, reset, using
from vpcflow_query.setup.fields import DIAGNOSIS
from vpcflow_query.setup_command import setup

from vpcflow import FlowFormat
from vpcflow.cli.app import Program

ACCOUNT = "123456789012"  # moto's
OTHER = "222233334444"
BUCKET = "my-flow-logs"
READING = re.compile(r"^(Describe|Get|List|wait )")


@frozen
class World:
    """A VPC with a subnet and an interface, a bucket and a Firehose stream."""

    aws: StandIn
    vpc: str
    subnet: str
    eni: str
    stream: str

    def ask(self, service: str) -> Any:
        return self.aws.client(service, REGION)

    def flow_logs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("ec2").describe_flow_logs()["FlowLogs"]
        return found

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, **variables, "PATH": self.aws.path},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def done(self) -> list[str]:
        """What was changed since it was last asked."""
        made = [f"{c.service}:{c.operation}" for c in self.aws.calls]
        self.aws.calls.clear()
        return [name for name in made if not READING.match(name.partition(":")[2])]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, StandIn]]:
    with moto() as url, using(environment(url)), stand_in() as aws:
        yield url, aws


@pytest.fixture
def world(served: tuple[str, StandIn]) -> World:
    url, aws = served
    reset(url)
    aws.calls.clear()
    aws.account = None
    ec2 = aws.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    eni = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    where = {"LocationConstraint": REGION}
    aws.client("s3", REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    stream = aws.client("firehose", REGION).create_delivery_stream(
        DeliveryStreamName="siem",
        S3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/firehose",
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
        },
    )["DeliveryStreamARN"]
    return World(aws, vpc, subnet, eni["NetworkInterfaceId"], stream)


def printed(*words: str) -> str:
    at = ("--account", ACCOUNT, "--region", REGION)
    program = Program(commands={"setup": setup})
    result = CliRunner().invoke(program, ["setup", *words, *at], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def undo(script: str, heading: str = "# 5. Undo") -> str:
    """The commands under "Undo", as a script."""
    lines = script.partition(heading)[2].splitlines()
    return "set -e\n" + "\n".join(line[4:] for line in lines if line.startswith("#   "))


def test_a_vpc_to_a_bucket(world: World) -> None:
    script = printed(world.vpc, "--to", "s3", "--bucket", BUCKET)
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert world.done() == ["s3:PutBucketPolicy", "ec2:CreateFlowLogs"]
    (made,) = world.flow_logs()
    assert made["ResourceId"] == world.vpc
    assert made["TrafficType"] == "ALL"
    assert made["MaxAggregationInterval"] == 60
    assert made["LogDestination"] == f"arn:aws:s3:::{BUCKET}"
    names = {f.aws_name for f in FlowFormat.parse(made["LogFormat"]).fields}
    assert names >= set(DIAGNOSIS)
    assert f"made {made['FlowLogId']}" in ran.stdout
    assert "SUCCESS" in ran.stdout  # what it says to verify
    policy = json.loads(world.ask("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert [s["Sid"] for s in policy["Statement"]] == [
        "AWSLogDeliveryWrite",
        "AWSLogDeliveryAclCheck",
    ]

    assert world.run(undo(script), flow_log=made["FlowLogId"]).returncode == 0
    assert world.flow_logs() == []


def test_an_interface_to_a_log_group_with_detection(world: World) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:network"
    script = printed(world.eni, "--to", "cloudwatch", "--retention", "3", "--alarm-topic", topic)
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert world.done() == [
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "ec2:CreateFlowLogs",
        "logs:PutMetricFilter",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutInsightRule",
    ]
    group = f"/vpcflow/{world.eni}"
    (made,) = world.flow_logs()
    assert made["DeliverLogsPermissionArn"].endswith(f":role/vpcflow-{world.eni}")
    (described,) = world.ask("logs").describe_log_groups()["logGroups"]
    assert (described["logGroupName"], described["retentionInDays"]) == (group, 3)
    (filter_,) = world.ask("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    (alarm,) = world.ask("cloudwatch").describe_alarms()["MetricAlarms"]
    (metric,) = filter_["metricTransformations"]
    assert alarm["MetricName"] == metric["metricName"]
    assert alarm["Namespace"] == metric["metricNamespace"]
    assert alarm["AlarmActions"] == [topic]
    (rule,) = world.ask("cloudwatch").describe_insight_rules()["InsightRules"]
    assert json.loads(rule["Definition"])["LogGroupNames"] == [group]

    undone = world.run(undo(script), flow_log=made["FlowLogId"])
    assert undone.returncode == 0, undone.stderr
    assert world.flow_logs() == []
    assert world.ask("iam").list_roles()["Roles"] == []
    assert world.ask("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert world.ask("cloudwatch").describe_insight_rules()["InsightRules"] == []
    assert world.ask("logs").describe_metric_filters()["metricFilters"] == []
    assert len(world.ask("logs").describe_log_groups()["logGroups"]) == 1  # the records stay


def test_a_second_run_changes_neither_retention_nor_trust(world: World) -> None:
    script = printed(world.eni, "--to", "cloudwatch")
    assert world.run(script).returncode == 0
    group = f"/vpcflow/{world.eni}"
    world.ask("logs").put_retention_policy(logGroupName=group, retentionInDays=365)
    world.done()
    ran = world.run(script, OVERLAPS="ok")
    assert ran.returncode != 0
    assert "FlowLogAlreadyExists" in ran.stderr
    assert not {"logs:PutRetentionPolicy", "iam:CreateRole"} & set(world.done())
    (described,) = world.ask("logs").describe_log_groups()["logGroups"]
    assert described["retentionInDays"] == 365


def test_a_subnet_to_a_stream(world: World) -> None:
    script = printed(world.subnet, "--to", "firehose", "--stream", world.stream)
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert world.done() == ["ec2:CreateFlowLogs"]
    (made,) = world.flow_logs()
    assert made["LogDestination"] == world.stream
    assert "DeliverLogsPermissionArn" not in made


def test_a_stream_in_another_account_takes_two_runs(world: World) -> None:
    stream = world.stream.replace(ACCOUNT, OTHER)
    script = printed(world.subnet, "--to", "firehose", "--stream", stream)
    world.aws.account = OTHER
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert f"again with credentials of account {ACCOUNT}" in ran.stdout
    assert world.done() == ["iam:CreateRole", "iam:PutRolePolicy"]
    world.aws.account = None
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    create = world.aws.calls[-2]
    assert create.operation == "CreateFlowLogs"
    roles = {role["Arn"] for role in world.ask("iam").list_roles()["Roles"]}
    assert create.parameters["DeliverLogsPermissionArn"] in roles
    there = create.parameters["DeliverCrossAccountRole"]
    assert there.replace(OTHER, ACCOUNT) in roles  # moto has one account
    assert there.startswith(f"arn:aws:iam::{OTHER}:role/AWSLogDeliveryFirehoseCrossAccountRole")

    (made,) = world.flow_logs()
    assert world.run(undo(script), flow_log=made["FlowLogId"]).returncode == 0
    assert world.ask("iam").list_roles()["Roles"] == []


def test_a_bucket_to_be_made_in_another_account(world: World) -> None:
    script = printed(
        world.vpc,
        *("--to", "s3", "--bucket", "central-logs", "--bucket-account", OTHER),
        *("--create-bucket", "--expire-days", "90", "--file-format", "text", "--no-hive"),
        *("--kms-key", f"arn:aws:kms:{REGION}:{OTHER}:key/12345678-1234-1234-1234-123456789012"),
    )
    world.aws.account = OTHER
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert world.done() == [
        "s3:CreateBucket",
        "s3:PutPublicAccessBlock",
        "s3:PutBucketEncryption",
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutBucketPolicy",
    ]
    world.aws.account = None
    ran = world.run(script)
    assert ran.returncode == 0, ran.stderr
    assert world.done() == ["ec2:CreateFlowLogs"]


def test_a_bucket_with_a_policy_keeps_it(world: World) -> None:
    theirs = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    world.ask("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy)
    ran = world.run(printed(world.vpc, "--to", "s3", "--bucket", BUCKET))
    assert ran.returncode == 1
    assert "the bucket has a policy" in ran.stderr
    assert world.done() == []
    assert world.ask("s3").get_bucket_policy(Bucket=BUCKET)["Policy"] == policy


def test_a_missing_bucket_is_said(world: World) -> None:
    ran = world.run(printed(world.vpc, "--to", "s3", "--bucket", "no-such-bucket"))
    assert ran.returncode == 1
    assert "NoSuchBucket" in ran.stderr
    assert world.done() == []


def test_overlapping_flow_logs_stop_it_unless_they_are_wanted(world: World) -> None:
    assert world.run(printed(world.vpc, "--to", "s3", "--bucket", BUCKET)).returncode == 0
    world.done()
    for resource in (world.subnet, world.eni):
        script = printed(resource, "--to", "firehose", "--stream", world.stream)
        ran = world.run(script)
        assert ran.returncode == 1
        assert world.vpc in ran.stderr
        assert "OVERLAPS=ok" in ran.stderr
        assert world.done() == []
    assert world.run(script, OVERLAPS="ok").returncode == 0
    assert world.done() == ["ec2:CreateFlowLogs"]


def test_flow_logs_of_other_networks_are_no_overlap(world: World) -> None:
    vpc = world.ask("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert world.run(printed(vpc, "--to", "s3", "--bucket", BUCKET)).returncode == 0
    ran = world.run(printed(world.vpc, "--to", "firehose", "--stream", world.stream))
    assert ran.returncode == 0, ran.stderr


def test_other_credentials_change_nothing(world: World) -> None:
    world.aws.account = "999999999999"
    ran = world.run(printed(world.vpc, "--to", "s3", "--bucket", BUCKET))
    assert ran.returncode == 1
    assert "999999999999" in ran.stderr
    assert world.done() == []


@pytest.mark.parametrize("resource", ["tgw-0a1b2c3d4e5f60718", "tgw-attach-0a1b2c3d4e5f60718"])
def test_transit_gateways(world: World, resource: str) -> None:
    """moto has no flow logs of transit gateways: what is asked is looked at."""
    script = printed(resource, "--to", "cloudwatch")
    world.run(script)
    operations = [call.operation for call in world.aws.calls]
    (create,) = (c for c in world.aws.calls if c.operation == "CreateFlowLogs")
    assert "DescribeTransitGatewayAttachments" in operations
    assert "TrafficType" not in create.parameters
    assert create.parameters["MaxAggregationInterval"] == 60
    assert create.parameters["LogFormat"] == str(FlowFormat.transit_gateway())


def test_scripts_are_bash_and_notes_are_comments(tmp_path: Path) -> None:
    script = printed("vpc-0a1b2c3d4e5f60718", "--to", "s3", "--bucket", BUCKET, "--traffic=reject")
    path = tmp_path / "setup.sh"
    path.write_text(script)
    subprocess.run(["bash", "-n", str(path)], check=True)
    head = script.partition("set -euo pipefail")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "Only rejected traffic is logged." in head
