"""The options of `vpcflow setup` that belong to one destination, and those of the cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from vpcflow_query.setup.destination import RETENTION_DAYS

F = TypeVar("F", bound=Callable[..., Any])


def bucket_options(function: F) -> F:
    for option in (
        click.option("--expire-days", type=click.IntRange(1, 36500), metavar="DAYS",
                     help="Let the files of a bucket that is made here expire."),
        click.option("--create-bucket", is_flag=True, default=None,
                     help="Make the bucket too, private. By default it is there already."),
        click.option("--bucket-account", metavar="ACCOUNT",
                     help="Whose bucket it is, if not --account's."),
        click.option("--per-hour/--per-day", "per_hour", default=None,
                     help="A folder an hour (the default) or a day."),
        click.option("--hive/--no-hive", "hive", default=None,
                     help="Folders named year=, month= ... (the default), or AWS's plain ones."),
        click.option("--file-format", type=click.Choice(["parquet", "text"]),
                     help="parquet (the default): smaller scans, dearer delivery."),
        click.option("--prefix", metavar="FOLDER", help="Folder in the bucket."),
        click.option("--bucket", metavar="NAME", help="s3: the bucket."),
    ):  # fmt: skip
        function = option(function)
    return function


def log_group_options(function: F) -> F:
    days = ", ".join(map(str, RETENTION_DAYS[:8]))
    for option in (
        click.option("--alarm-threshold", type=click.IntRange(1, 1_000_000_000), metavar="N",
                     help="Rejected records in 5 minutes that raise the alarm (default 100)."),
        click.option("--alarm-topic", metavar="ARN", help="SNS topic that the alarm tells."),
        click.option("--infrequent-access", is_flag=True, default=None,
                     help="The cheaper log class, without filters, alarms and Insights rules."),
        click.option("--retention", type=int, metavar="DAYS",
                     help=f"{days} ... 3653 (default 30)."),
        click.option("--log-group", metavar="NAME",
                     help="cloudwatch: the log group (default /vpcflow/RESOURCE)."),
    ):  # fmt: skip
        function = option(function)
    return function


def volume_options(function: F) -> F:
    for option in (
        click.option("--prices", metavar="FILE", help="A price table of your own (TOML)."),
        click.option("--records-per-second", type=click.FloatRange(0, 1e12), metavar="N"),
        click.option("--gb-per-month", type=click.FloatRange(0, 1e12), metavar="GB",
                     help="Uncompressed text."),
        click.option("--measured", metavar="SOURCE", multiple=True,
                     help="Logs of the same interfaces: the cost is that of as many records."),
    ):  # fmt: skip
        function = option(function)
    return function
