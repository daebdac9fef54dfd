"""What the command line asks for, as a plan: every value checked before it goes anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vpcflow import UsageError
from vpcflow_query.setup import patterns
from vpcflow_query.setup.destination import (
    CROSS_ACCOUNT_ROLE,
    RETENTION_DAYS,
    Bucket,
    Destination,
    LogGroup,
    Stream,
)
from vpcflow_query.setup.fields import chosen
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.resource import Resource

_BELONGS = {
    "bucket": "s3",
    "prefix": "s3",
    "file_format": "s3",
    "hive": "s3",
    "per_hour": "s3",
    "bucket_account": "s3",
    "create_bucket": "s3",
    "expire_days": "s3",
    "log_group": "cloudwatch",
    "retention": "cloudwatch",
    "infrequent_access": "cloudwatch",
    "alarm_topic": "cloudwatch",
    "alarm_threshold": "cloudwatch",
    "stream": "firehose",
}
_NAMED = {"hive": "--hive/--no-hive", "per_hour": "--per-hour/--per-day"}


def planned(resource: str, to: str, fields: str, interval: int, options: Mapping[str, Any]) -> Plan:
    """options: the other options by click's names, None where not given. Raises UsageError for
    values that are not what they should be and options that do not belong together."""
    about = Resource.of(resource)
    account, region = _where(options)
    return Plan(
        about,
        account,
        region,
        _destination(to, about, account, region, options),
        chosen(fields, transit=about.is_transit),
        interval,
        _traffic(about, options["traffic"]),
    )


def _where(options: Mapping[str, Any]) -> tuple[str, str]:
    account, region = options["account"], options["region"]
    if account is None:
        raise UsageError(
            "--account is missing: policies name the account that they let in",
            hint="`aws sts get-caller-identity --query Account` prints yours",
        )
    if region is None:
        raise UsageError(
            "--region is missing, and AWS_REGION is not set", hint="--region eu-west-1"
        )
    return patterns.account(account), patterns.region(region)


def _traffic(about: Resource, given: str | None) -> str | None:
    if given is None:
        return None if about.is_transit else "ALL"
    return given.upper()


def _destination(
    to: str, about: Resource, account: str, region: str, options: Mapping[str, Any]
) -> Destination:
    for name, owner in _BELONGS.items():
        if options[name] is not None and owner != to:
            flag = _NAMED.get(name, "--" + name.replace("_", "-"))
            raise UsageError(f"{flag} is for --to {owner}, not --to {to}")
    role = patterns.role_name(options["role_name"] or f"vpcflow-{about.id}")
    if to == "s3":
        if options["role_name"] is not None:
            raise UsageError("--role-name: delivery to S3 takes a bucket policy and no role")
        return _bucket(account, region, options)
    if to == "cloudwatch":
        return _log_group(about, account, region, role, options)
    return _stream(about, account, role, options)


def _bucket(account: str, region: str, options: Mapping[str, Any]) -> Bucket:
    if options["bucket"] is None:
        raise UsageError("--to s3 needs --bucket NAME")
    if options["expire_days"] and not options["create_bucket"]:
        raise UsageError(
            "--expire-days is for buckets that are made here: rules of a bucket that is there "
            "would be replaced",
            hint="add --create-bucket, or add the rule to the bucket's own",
        )
    owner = options["bucket_account"]
    return Bucket(
        patterns.bucket(options["bucket"]),
        patterns.account(owner, "--bucket-account") if owner is not None else account,
        patterns.partition_of(region),
        prefix=patterns.prefix(options["prefix"]) if options["prefix"] is not None else None,
        file_format="plain-text" if options["file_format"] == "text" else "parquet",
        hive=_default(options["hive"], True),
        per_hour=_default(options["per_hour"], True),
        create=bool(options["create_bucket"]),
        expire_days=options["expire_days"],
        key=_key(options, region),
    )


def _log_group(
    about: Resource, account: str, region: str, role: str, options: Mapping[str, Any]
) -> LogGroup:
    retention = _default(options["retention"], 30)
    if retention not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise UsageError(
            f"--retention {retention}: CloudWatch Logs does not keep for so many days",
            hint=f"one of {allowed}",
        )
    topic = options["alarm_topic"]
    name = options["log_group"]
    return LogGroup(
        patterns.log_group(name if name is not None else f"/vpcflow/{about.id}"),
        account,
        patterns.partition_of(region),
        region,
        role,
        retention_days=retention,
        infrequent=bool(options["infrequent_access"]),
        key=_key(options, region),
        topic=patterns.topic_arn(topic).group() if topic is not None else None,
        threshold=_default(options["alarm_threshold"], 100),
    )


def _stream(about: Resource, account: str, role: str, options: Mapping[str, Any]) -> Stream:
    if options["stream"] is None:
        raise UsageError("--to firehose needs --stream ARN")
    if options["kms_key"] is not None:
        raise UsageError("--kms-key: a Firehose stream has its own encryption")
    arn = patterns.stream_arn(options["stream"])
    if options["role_name"] is not None and arn["account"] == account:
        raise UsageError("--role-name: delivery within one account takes no role")
    return Stream(
        arn["name"],
        arn["account"],
        arn["partition"],
        arn["region"],
        account,
        role,
        f"{CROSS_ACCOUNT_ROLE}-{about.id.rpartition('-')[2]}",
    )


def _key(options: Mapping[str, Any], region: str) -> str | None:
    if options["kms_key"] is None:
        return None
    key = patterns.key_arn(options["kms_key"])
    if key["partition"] != patterns.partition_of(region):
        raise UsageError(f"--kms-key {key.group()} is not in the partition of {region}")
    return key.group()


def _default(given: Any, otherwise: Any) -> Any:
    return otherwise if given is None else given
