"""The flow log as Terraform configuration, for version 6 of the AWS provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vpcflow_query.setup import policies, steps
from vpcflow_query.setup.destination import Bucket, LogGroup, Stream
from vpcflow_query.setup.detection import NAMESPACE, Detection
from vpcflow_query.setup.hcl import Block, Json, Reference
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.script import comment

_TAGS = {str(tag["Key"]): tag["Value"] for tag in steps.TAGS}
_OTHER = Reference("aws.destination")


def configuration(
    plan: Plan, seen: Detection | None, notes: Sequence[tuple[str, Sequence[str]]]
) -> str:
    """notes: headings and sentences to stand at its top as comments."""
    to = plan.destination
    lines = comment(f"{plan.title}, {plan.region}, account {plan.account}.")
    for heading, sentences in notes:
        lines += ["#", *comment(f"{heading}:")]
        lines += [line for sentence in sentences for line in comment(sentence, "  ")]
    blocks = _providers(plan)
    if isinstance(to, Bucket):
        blocks += _bucket(plan, to)
    elif isinstance(to, LogGroup):
        blocks += _log_group(plan, to)
    elif to.crosses_accounts:
        blocks += _stream_roles(plan, to)
    blocks.append(_flow_log(plan))
    if seen:
        blocks += _detection(seen)
    blocks.append(Block("output", ["flow_log_id"], {"value": Reference("aws_flow_log.this.id")}))
    return "\n".join(lines) + "\n\n" + "\n".join(block.text() for block in blocks)


def _providers(plan: Plan) -> list[Block]:
    """Each for one account, so that nothing is made in another by mistake."""
    needed = Block(
        "required_providers", [], {"aws": {"source": "hashicorp/aws", "version": ">= 6.0"}}
    )
    blocks = [
        Block("terraform", [], {"required_providers": needed}),
        Block(
            "provider",
            ["aws"],
            {"region": plan.region, "allowed_account_ids": [plan.account]},
        ),
    ]
    if plan.destination.account != plan.account:
        body = {
            "alias": "destination",
            "region": plan.region,
            "allowed_account_ids": [plan.destination.account],
        }
        blocks.append(Block("provider", ["aws"], body))
    return blocks


def _flow_log(plan: Plan) -> Block:
    to = plan.destination
    body: dict[str, object] = {
        plan.resource.kind.terraform: plan.resource.id,
        "log_destination_type": to.api_type,
        "log_destination": to.arn,
        "log_format": str(plan.format),
        "max_aggregation_interval": plan.interval,
    }
    if plan.traffic is not None:
        body["traffic_type"] = plan.traffic
    if isinstance(to, LogGroup):
        body["log_destination"] = Reference("aws_cloudwatch_log_group.this.arn")
        body["iam_role_arn"] = Reference("aws_iam_role.delivery.arn")
    if isinstance(to, Stream) and to.crosses_accounts:
        body["iam_role_arn"] = Reference("aws_iam_role.delivery.arn")
        body["deliver_cross_account_role"] = Reference("aws_iam_role.stream.arn")
    if isinstance(to, Bucket):
        body["destination_options"] = Block(
            "destination_options",
            [],
            {
                "file_format": to.file_format,
                "hive_compatible_partitions": to.hive,
                "per_hour_partition": to.per_hour,
            },
        )
    body["tags"] = _TAGS
    if before := _before(to):
        body["depends_on"] = [Reference(path) for path in before]
    return Block("resource", ["aws_flow_log", "this"], body)


def _before(to: Bucket | LogGroup | Stream) -> list[str]:
    if isinstance(to, Bucket):
        return ["aws_s3_bucket_policy.this"]
    if isinstance(to, LogGroup):
        return ["aws_iam_role_policy.delivery"]
    roles = ["aws_iam_role_policy.delivery", "aws_iam_role_policy.stream"]
    return roles if to.crosses_accounts else []


def _bucket(plan: Plan, to: Bucket) -> list[Block]:
    there = {"provider": _OTHER} if to.account != plan.account else {}
    name: object = Reference("aws_s3_bucket.this.id") if to.create else to.name
    at: dict[str, object] = {**there, "bucket": name}
    blocks: list[Block] = []
    if to.create:
        blocks.append(Block("resource", ["aws_s3_bucket", "this"], {**there, "bucket": to.name}))
        private = {
            "block_public_acls": True,
            "ignore_public_acls": True,
            "block_public_policy": True,
            "restrict_public_buckets": True,
        }
        blocks.append(
            Block("resource", ["aws_s3_bucket_public_access_block", "this"], {**at, **private})
        )
    if to.create and to.key:
        blocks.append(_encryption(at, to.key))
    if to.create and to.expire_days:
        blocks.append(_lifecycle(at, to.expire_days))
    policy = {**at, "policy": Json(policies.bucket_policy(plan, to))}
    return [*blocks, Block("resource", ["aws_s3_bucket_policy", "this"], policy)]


def _encryption(at: Mapping[str, object], key: str) -> Block:
    default = Block(
        "apply_server_side_encryption_by_default",
        [],
        {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
    )
    rule = Block("rule", [], {"bucket_key_enabled": True, "default": default})
    labels = ["aws_s3_bucket_server_side_encryption_configuration", "this"]
    return Block("resource", labels, {**at, "rule": rule})


def _lifecycle(at: Mapping[str, object], days: int) -> Block:
    rule = Block(
        "rule",
        [],
        {
            "id": "expire",
            "status": "Enabled",
            "filter": Block("filter", [], {}),
            "expiration": Block("expiration", [], {"days": days}),
            "abort": Block("abort_incomplete_multipart_upload", [], {"days_after_initiation": 7}),
        },
    )
    return Block(
        "resource", ["aws_s3_bucket_lifecycle_configuration", "this"], {**at, "rule": rule}
    )


def _log_group(plan: Plan, to: LogGroup) -> list[Block]:
    group: dict[str, object] = {
        "name": to.name,
        "retention_in_days": to.retention_days,
        "log_group_class": "INFREQUENT_ACCESS" if to.infrequent else "STANDARD",
    }
    if to.key:
        group["kms_key_id"] = to.key
    trust, access = policies.log_group_trust(plan), policies.log_group_access(plan, to)
    return [
        Block("resource", ["aws_cloudwatch_log_group", "this"], group),
        *_role("delivery", to.role_name, trust, access),
    ]


def _stream_roles(plan: Plan, to: Stream) -> list[Block]:
    trust, access = policies.stream_trust(plan, to), policies.stream_access(plan, to)
    return [
        *_role("stream", to.stream_role_name, trust, access, {"provider": _OTHER}),
        *_role("delivery", to.role_name, policies.source_trust(), policies.source_access(plan, to)),
    ]


def _role(
    label: str,
    name: str,
    trust: policies.Document,
    access: policies.Document,
    there: Mapping[str, object] | None = None,
) -> list[Block]:
    role = {**(there or {}), "name": name, "assume_role_policy": Json(trust)}
    policy = {
        **(there or {}),
        "name": "flow-log-delivery",
        "role": Reference(f"aws_iam_role.{label}.id"),
        "policy": Json(access),
    }
    return [
        Block("resource", ["aws_iam_role", label], role),
        Block("resource", ["aws_iam_role_policy", label], policy),
    ]


def _detection(seen: Detection) -> list[Block]:
    group = Reference("aws_cloudwatch_log_group.this.name")
    blocks = [
        Block(
            "resource",
            ["aws_cloudwatch_log_metric_filter", f"this_{number}"],
            {
                "name": filter_.name,
                "log_group_name": group,
                "pattern": filter_.pattern,
                "metric_transformation": Block(
                    "metric_transformation",
                    [],
                    {
                        "name": seen.metric,
                        "namespace": NAMESPACE,
                        "value": filter_.value,
                        "default_value": "0",
                    },
                ),
            },
        )
        for number, filter_ in enumerate(seen.filters, 1)
    ]
    alarm = {_snake(name): value for name, value in seen.alarm().items()}
    blocks.append(Block("resource", ["aws_cloudwatch_metric_alarm", "this"], alarm))
    if seen.rule:
        rule: dict[str, object] = {
            "rule_name": seen.rule_name,
            "rule_state": "ENABLED",
            "rule_definition": Json(seen.rule),
            "depends_on": [Reference("aws_cloudwatch_log_group.this")],
        }
        blocks.append(Block("resource", ["aws_cloudwatch_contributor_insight_rule", "this"], rule))
    return blocks


def _snake(name: str) -> str:
    """AlarmName -> alarm_name, as the provider names the API's parameters."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
