"""The commands that make what a flow log needs, check it, and take it away again."""

from __future__ import annotations

from vpcflow_query.setup import policies
from vpcflow_query.setup.destination import Bucket, LogGroup, Stream
from vpcflow_query.setup.detection import Detection
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.shell import Command, Value, Variable, asked

TAGS: list[dict[str, object]] = [{"Key": "created-with", "Value": "vpcflow setup"}]
FLOW_LOG = Variable("flow_log")


def create_flow_log(plan: Plan) -> Command:
    """Prints the new flow log's id, and what was wrong: CreateFlowLogs succeeds all the same when
    it made nothing (EC2 API Reference: `unsuccessful`)."""
    tags = [{"ResourceType": "vpc-flow-log", "Tags": TAGS}]
    request = {**plan.request(), "TagSpecifications": tags}
    command = asked("ec2", "create-flow-logs", plan.region, request)
    query = "[FlowLogIds[0], Unsuccessful[0].Error.Message]"
    return Command(
        "ec2", "create-flow-logs", {**command.arguments, "query": query, "output": "text"}
    )


def make_role(name: str, trust: policies.Document, access: policies.Document) -> list[Command]:
    """A role with one inline policy. Made with its trust policy; then waited for, since IAM answers
    before all of AWS knows the role."""
    make: dict[str, Value | Variable] = {"role-name": name, "assume-role-policy-document": trust}
    return [
        Command("iam", "create-role", {**make, "query": "Role.Arn", "output": "text"}),
        Command("iam", "wait role-exists", {"role-name": name}),
        put_role_policy(name, access),
    ]


def put_role_policy(name: str, access: policies.Document) -> Command:
    return Command(
        "iam",
        "put-role-policy",
        {"role-name": name, "policy-name": "flow-log-delivery", "policy-document": access},
    )


def make_bucket(to: Bucket, region: str) -> list[Command]:
    """A private bucket, encrypted with the key if there is one, whose objects expire if asked."""
    at: dict[str, Value | Variable] = {"region": region, "bucket": to.name}
    placed: dict[str, Value | Variable] = (
        {}  # us-east-1 is S3's default, and refused as a constraint
        if region == "us-east-1"
        else {"create-bucket-configuration": {"LocationConstraint": region}}
    )
    commands = [
        Command("s3api", "create-bucket", {**at, **placed, "output": "text"}),
        Command(
            "s3api",
            "put-public-access-block",
            {**at, "public-access-block-configuration": dict.fromkeys(NO_PUBLIC_ACCESS, True)},
        ),
    ]
    if to.key:
        configuration: dict[str, object] = {"Rules": [encryption(to.key)]}
        commands.append(
            Command(
                "s3api",
                "put-bucket-encryption",
                {**at, "server-side-encryption-configuration": configuration},
            )
        )
    if to.expire_days:
        rules: dict[str, object] = {"Rules": [expiry(to.expire_days)]}
        commands.append(
            Command(
                "s3api",
                "put-bucket-lifecycle-configuration",
                {**at, "lifecycle-configuration": rules},
            )
        )
    return commands


NO_PUBLIC_ACCESS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


def encryption(key: str) -> dict[str, object]:
    return {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
    }


def expiry(days: int) -> dict[str, object]:
    return {
        "ID": "expire",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def make_log_group(to: LogGroup) -> list[Command]:
    at: dict[str, Value | Variable] = {"region": to.region, "log-group-name": to.name}
    extra: dict[str, Value | Variable] = {
        "log-group-class": "INFREQUENT_ACCESS" if to.infrequent else "STANDARD"
    }
    if to.key:
        extra["kms-key-id"] = to.key
    return [
        Command("logs", "create-log-group", {**at, **extra}),
        Command("logs", "put-retention-policy", {**at, "retention-in-days": to.retention_days}),
    ]


def watch(seen: Detection, region: str) -> list[Command]:
    commands = [
        Command(
            "logs",
            "put-metric-filter",
            {
                "region": region,
                "log-group-name": seen.log_group,
                "filter-name": filter_.name,
                "filter-pattern": filter_.pattern,
                "metric-transformations": [seen.transformation(filter_)],
            },
        )
        for filter_ in seen.filters
    ]
    commands.append(asked("cloudwatch", "put-metric-alarm", region, seen.alarm()))
    if seen.rule:
        commands.append(
            Command(
                "cloudwatch",
                "put-insight-rule",
                {
                    "region": region,
                    "rule-name": seen.rule_name,
                    "rule-state": "ENABLED",
                    "rule-definition": seen.rule,
                },
            )
        )
    return commands


def verify(plan: Plan) -> list[Command]:
    query = (
        "FlowLogs[].[FlowLogId, FlowLogStatus, DeliverLogsStatus, DeliverLogsErrorMessage, "
        "LogFormat]"
    )
    at: dict[str, Value | Variable] = {"region": plan.region}
    described = Command(
        "ec2",
        "describe-flow-logs",
        {**at, "flow-log-ids": FLOW_LOG, "query": query, "output": "text"},
    )
    to = plan.destination
    if not isinstance(to, Stream) or to.crosses_accounts:
        return [described]
    tags = Command(
        "firehose",
        "list-tags-for-delivery-stream",
        {
            "region": to.region,
            "delivery-stream-name": to.name,
            "query": 'Tags[?Key==`"LogDeliveryEnabled"`].Value',
            "output": "text",
        },
    )
    return [described, tags]


def undo(plan: Plan, seen: Detection | None) -> list[Command]:
    """Newest first. What holds delivered records (bucket, log group) stays."""
    at: dict[str, Value | Variable] = {"region": plan.region}
    commands = [Command("ec2", "delete-flow-logs", {**at, "flow-log-ids": FLOW_LOG})]
    if seen and seen.rule:
        commands.append(
            Command("cloudwatch", "delete-insight-rules", {**at, "rule-names": seen.rule_name})
        )
    if seen:
        commands.append(
            Command("cloudwatch", "delete-alarms", {**at, "alarm-names": seen.alarm_name})
        )
        commands += [
            Command(
                "logs",
                "delete-metric-filter",
                {**at, "log-group-name": seen.log_group, "filter-name": filter_.name},
            )
            for filter_ in seen.filters
        ]
    to = plan.destination
    if isinstance(to, LogGroup) or (isinstance(to, Stream) and to.crosses_accounts):
        commands += drop_role(to.role_name)
    return commands


def undo_stream_account(to: Stream) -> list[Command]:
    """In the stream's account, when no flow log delivers to it any more."""
    return drop_role(to.stream_role_name) if to.crosses_accounts else []


def drop_role(name: str) -> list[Command]:
    return [
        Command(
            "iam", "delete-role-policy", {"role-name": name, "policy-name": "flow-log-delivery"}
        ),
        Command("iam", "delete-role", {"role-name": name}),
    ]
