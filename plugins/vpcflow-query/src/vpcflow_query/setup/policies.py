"""The policies that let AWS deliver, each as narrow as delivery allows: JSON documents.

Sources: "Publish flow logs to CloudWatch Logs", "... to Amazon S3" and "... to Amazon Data
Firehose" in the VPC User Guide, "Enable logging from AWS services" in the CloudWatch Logs User
Guide. Where AWS's examples say `*`, these name the one account, Region and destination.
"""

from __future__ import annotations

from typing import Any

from vpcflow_query.setup.destination import Bucket, LogGroup, Stream
from vpcflow_query.setup.plan import Plan

Document = dict[str, Any]

_DELIVERY = "delivery.logs.amazonaws.com"
_VERSION = "2012-10-17"


def bucket_policy(plan: Plan, to: Bucket) -> Document:
    """Of the bucket: log delivery for this account and Region may write below the account's folder,
    and ask for the bucket's ACL, which it does first."""
    return _policy(
        {
            "Sid": "AWSLogDeliveryWrite",
            "Effect": "Allow",
            "Principal": {"Service": _DELIVERY},
            "Action": "s3:PutObject",
            "Resource": to.objects_arn(plan.account),
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": plan.account,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {"aws:SourceArn": _delivery_arn(plan)},
            },
        },
        {
            "Sid": "AWSLogDeliveryAclCheck",
            "Effect": "Allow",
            "Principal": {"Service": _DELIVERY},
            "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
            "Resource": to.bucket_arn,
            "Condition": _from_here(plan),
        },
    )


def key_statement(plan: Plan) -> Document:
    """To be added to the policy of the key that encrypts the destination."""
    if isinstance(plan.destination, LogGroup):
        return {
            "Sid": "AllowCloudWatchLogs",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{plan.region}.amazonaws.com"},
            "Action": _KEY_ACTIONS,
            "Resource": "*",
            "Condition": {
                "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": plan.destination.arn}
            },
        }
    return {
        "Sid": "AllowLogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": _DELIVERY},
        "Action": _KEY_ACTIONS,
        "Resource": "*",  # in a key's policy: that key
        "Condition": _from_here(plan),
    }


_KEY_ACTIONS = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
]


def log_group_trust(plan: Plan) -> Document:
    """Of the role that writes to the log group: flow logs of this account and Region take it."""
    flow_logs = f"arn:{plan.partition}:ec2:{plan.region}:{plan.account}:vpc-flow-log/*"
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": plan.account},
                "ArnLike": {"aws:SourceArn": flow_logs},
            },
        }
    )


def log_group_access(plan: Plan, to: LogGroup) -> Document:
    """What that role may do: the actions that AWS asks for, on this log group alone."""
    groups = f"arn:{plan.partition}:logs:{plan.region}:{plan.account}:log-group:*"
    return _policy(
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogStreams",
            ],
            "Resource": [to.arn, f"{to.arn}:*"],
        },
        {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": groups},
    )


def source_trust() -> Document:
    """Of the role in the flow log's account, when the stream is in another: log delivery takes it.

    Without a condition: AWS does not say that it fills any for this role.
    """
    return _policy(
        {"Effect": "Allow", "Principal": {"Service": _DELIVERY}, "Action": "sts:AssumeRole"}
    )


def source_access(plan: Plan, to: Stream) -> Document:
    """What that role may do: be passed on for this resource, and take the role over there."""
    return _policy(
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": to.role_arn,
            "Condition": {
                "StringEquals": {"iam:PassedToService": _DELIVERY},
                "StringLike": {"iam:AssociatedResourceARN": [plan.resource_arn]},
            },
        },
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:GetLogDelivery",
            ],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": to.stream_role_arn},
    )


def stream_trust(plan: Plan, to: Stream) -> Document:
    """Of the role in the stream's account: the role of the flow log's account may take it.

    The role is named by a condition and not as the principal: IAM refuses a principal that does not
    exist yet, and this role can be made first.
    """
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{plan.partition}:iam::{plan.account}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": to.role_arn}},
        }
    )


def stream_access(plan: Plan, to: Stream) -> Document:
    """What that role may do: tag the stream LogDeliveryEnabled, which lets log delivery's own role
    write to it, and make that service-linked role if it is not there."""
    linked = (
        f"arn:{plan.partition}:iam::{to.account}:role/aws-service-role/{_DELIVERY}/"
        "AWSServiceRoleForLogDelivery"
    )
    return _policy(
        {
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": linked,
            "Condition": {"StringEquals": {"iam:AWSServiceName": _DELIVERY}},
        },
        {"Effect": "Allow", "Action": "firehose:TagDeliveryStream", "Resource": to.arn},
    )


def documents(plan: Plan) -> dict[str, Document]:
    """All that this plan needs, by what each is."""
    to = plan.destination
    found: dict[str, Document] = {}
    if isinstance(to, Bucket):
        found["bucket_policy"] = bucket_policy(plan, to)
    elif isinstance(to, LogGroup):
        found["role_trust"] = log_group_trust(plan)
        found["role_policy"] = log_group_access(plan, to)
    elif to.crosses_accounts:
        found["role_trust"] = source_trust()
        found["role_policy"] = source_access(plan, to)
        found["stream_role_trust"] = stream_trust(plan, to)
        found["stream_role_policy"] = stream_access(plan, to)
    if not isinstance(to, Stream) and to.key:
        found["key_policy_statement"] = key_statement(plan)
    return found


def _policy(*statements: Document) -> Document:
    return {"Version": _VERSION, "Statement": list(statements)}


def _delivery_arn(plan: Plan) -> str:
    return f"arn:{plan.partition}:logs:{plan.region}:{plan.account}:*"


def _from_here(plan: Plan) -> Document:
    """The confused-deputy conditions: only for this account's deliveries from this Region."""
    return {
        "StringEquals": {"aws:SourceAccount": plan.account},
        "ArnLike": {"aws:SourceArn": _delivery_arn(plan)},
    }
