"""What the tests of S3 share: connections, buckets, keys in every layout that AWS writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from servers import environment, using
from vpcflow_aws.session import client

BUCKET = "flow-logs"
ACCOUNTS = ("111111111111", "222222222222")
REGIONS = ("eu-west-1", "us-east-1")
FLOW_LOGS = ("fl-0a", "fl-0b")
START = datetime(2024, 2, 28, 22, tzinfo=UTC)  # before the end of a month in a leap year
MOMENTS = [START + timedelta(hours=13 * number, minutes=5 * number) for number in range(6)]


@contextlib.contextmanager
def connected(url: str) -> Iterator[Any]:
    """The plugin's clients talk to `url`; gives an S3 client. The session stays the same: it looks
    into the environment for each client, and loading AWS's models anew takes time."""
    with using(environment(url)):
        s3 = client("s3")
        try:
            yield s3
        finally:
            s3.close()


def make_bucket(s3: Any, name: str = BUCKET) -> None:
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)


def file_name(account: str, region: str, flow_log: str, slot: datetime, service: str) -> str:
    return f"{account}_{service}_{region}_{flow_log}_{slot:%Y%m%dT%H%MZ}_0123abcd.log.gz"


def folder(
    layout: str, account: str, region: str, slot: datetime, service: str = "vpcflowlogs"
) -> str:
    """The folder of a file below AWSLogs/. layout: "daily", "hourly", "hive", "hive-hourly"."""
    if layout.startswith("hive"):
        path = f"aws-account-id={account}/aws-service={service}/aws-region={region}/"
        path += f"year={slot:%Y}/month={slot:%m}/day={slot:%d}/"
        return path + (f"hour={slot:%H}/" if layout == "hive-hourly" else "")
    path = f"{account}/{service}/{region}/{slot:%Y/%m/%d}/"
    return path + (f"{slot:%H}/" if layout == "hourly" else "")


def keys_of(layout: str, root: str = "AWSLogs/", service: str = "vpcflowlogs") -> list[str]:
    """Two accounts, two Regions, two flow logs, six moments: 48 keys."""
    return [
        root
        + folder(layout, account, region, slot, service)
        + file_name(account, region, flow_log, slot, service)
        for account in ACCOUNTS
        for region in REGIONS
        for flow_log in FLOW_LOGS
        for slot in MOMENTS
    ]


def lay(root: Path, keys: Iterable[str], bucket: str = BUCKET) -> None:
    """Objects of a bucket that `rclone serve s3` serves from a directory, put there directly: for
    hundreds of them that is much faster than asking a server."""
    for key in keys:
        path = root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.encode())


def put(s3: Any, keys: Iterable[str], bucket: str = BUCKET) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
