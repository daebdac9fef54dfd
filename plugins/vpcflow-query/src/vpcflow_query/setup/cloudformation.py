"""The flow log as a CloudFormation template, in JSON.

Where the bucket or the stream is in another account, the same template is deployed in both, there
first: conditions on the account choose the resources.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vpcflow_query.setup import policies, steps
from vpcflow_query.setup.destination import Bucket, LogGroup, Stream
from vpcflow_query.setup.detection import Detection
from vpcflow_query.setup.plan import Plan

Template = dict[str, Any]

_HERE, _THERE = "InAccountOfFlowLog", "InAccountOfDestination"
_MOST_DESCRIPTION = 1024


def template(
    plan: Plan, seen: Detection | None, notes: Sequence[tuple[str, Sequence[str]]]
) -> Template:
    """notes: headings and sentences, kept as the template's metadata."""
    to = plan.destination
    resources: dict[str, Any] = {}
    if isinstance(to, Bucket):
        resources |= _bucket(plan, to)
    elif isinstance(to, LogGroup):
        resources |= _log_group(plan, to)
    elif to.crosses_accounts:
        resources |= _stream_roles(plan, to)
    resources["FlowLog"] = _flow_log(plan, list(resources))
    if seen:
        resources |= _detection(seen)
    made: Template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{plan.title}, {plan.region}"[:_MOST_DESCRIPTION],
        "Metadata": {"vpcflow": {heading: list(lines) for heading, lines in notes}},
    }
    if to.account != plan.account:
        made["Conditions"] = {_HERE: _in(plan.account), _THERE: _in(to.account)}
        for name, resource in resources.items():
            there = name in ("Bucket", "BucketPolicy", "StreamRole")
            resource["Condition"] = _THERE if there else _HERE
    made["Resources"] = resources
    made["Outputs"] = {"FlowLogId": {"Value": {"Ref": "FlowLog"}}}
    if to.account != plan.account:
        made["Outputs"]["FlowLogId"]["Condition"] = _HERE
    return made


def _in(account: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]}


def _flow_log(plan: Plan, before: list[str]) -> Template:
    """before: resources that have to be there first."""
    asked = plan.request()
    (asked["ResourceId"],) = asked.pop("ResourceIds")  # type: ignore[misc]
    resource: Template = {
        "Type": "AWS::EC2::FlowLog",
        "Properties": {**asked, "Tags": steps.TAGS},
    }
    if before and plan.destination.account == plan.account:
        resource["DependsOn"] = before
    elif isinstance(plan.destination, Stream) and before:
        resource["DependsOn"] = ["DeliveryRole"]
    return resource


def _bucket(plan: Plan, to: Bucket) -> dict[str, Template]:
    made: dict[str, Template] = {}
    if to.create:
        properties: Template = {
            "BucketName": to.name,
            "PublicAccessBlockConfiguration": dict.fromkeys(steps.NO_PUBLIC_ACCESS, True),
        }
        if to.key:
            one = steps.encryption(to.key)
            one["ServerSideEncryptionByDefault"] = one.pop("ApplyServerSideEncryptionByDefault")
            properties["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [one]}
        if to.expire_days:
            rule = {
                "Id": "expire",
                "Status": "Enabled",
                "ExpirationInDays": to.expire_days,
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            }
            properties["LifecycleConfiguration"] = {"Rules": [rule]}
        made["Bucket"] = {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        }
    made["BucketPolicy"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Bucket"} if to.create else to.name,
            "PolicyDocument": policies.bucket_policy(plan, to),
        },
    }
    return made


def _log_group(plan: Plan, to: LogGroup) -> dict[str, Template]:
    properties: Template = {
        "LogGroupName": to.name,
        "RetentionInDays": to.retention_days,
        "LogGroupClass": "INFREQUENT_ACCESS" if to.infrequent else "STANDARD",
    }
    if to.key:
        properties["KmsKeyId"] = to.key
    return {
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        },
        "DeliveryRole": _role(
            to.role_name, policies.log_group_trust(plan), policies.log_group_access(plan, to)
        ),
    }


def _stream_roles(plan: Plan, to: Stream) -> dict[str, Template]:
    return {
        "StreamRole": _role(
            to.stream_role_name, policies.stream_trust(plan, to), policies.stream_access(plan, to)
        ),
        "DeliveryRole": _role(
            to.role_name, policies.source_trust(), policies.source_access(plan, to)
        ),
    }


def _role(name: str, trust: policies.Document, access: policies.Document) -> Template:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": name,
            "AssumeRolePolicyDocument": trust,
            "Policies": [{"PolicyName": "flow-log-delivery", "PolicyDocument": access}],
        },
    }


def _detection(seen: Detection) -> dict[str, Template]:
    made: dict[str, Template] = {}
    for number, filter_ in enumerate(seen.filters, 1):
        transformation = {
            name[0].upper() + name[1:]: value
            for name, value in seen.transformation(filter_).items()
        }
        made[f"MetricFilter{number}"] = {
            "Type": "AWS::Logs::MetricFilter",
            "DependsOn": ["LogGroup"],
            "Properties": {
                "FilterName": filter_.name,
                "LogGroupName": seen.log_group,
                "FilterPattern": filter_.pattern,
                "MetricTransformations": [transformation],
            },
        }
    made["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": seen.alarm()}
    if seen.rule:
        made["TopContributors"] = {
            "Type": "AWS::CloudWatch::InsightRule",
            "DependsOn": ["LogGroup"],
            "Properties": {
                "RuleName": seen.rule_name,
                "RuleState": "ENABLED",
                "RuleBody": json.dumps(seen.rule),
            },
        }
    return made
