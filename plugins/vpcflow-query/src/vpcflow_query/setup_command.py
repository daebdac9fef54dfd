"""`vpcflow setup`: what creates the right flow log, printed and never run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from vpcflow import UsageError
from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, wrap
from vpcflow_query.setup.asked import planned
from vpcflow_query.setup.json_text import readable
from vpcflow_query.setup.options import bucket_options, log_group_options, volume_options
from vpcflow_query.setup.plan import Plan

if TYPE_CHECKING:
    from vpcflow_query.setup.output import Output

EPILOG = """\
\b
Examples:
  vpcflow setup vpc-0a1b2c3d4e5f60718 --to s3 --bucket my-flow-logs \\
      --account 111122223333 --region eu-west-1 > setup.sh
  vpcflow setup eni-0a1b2c3d4e5f60718 --to cloudwatch --retention 3 \\
      --account 111122223333 --region eu-west-1 --as cloudformation
  vpcflow setup vpc-0a1b2c3d4e5f60718 --to firehose --as terraform \\
      --stream arn:aws:firehose:eu-west-1:111122223333:deliverystream/siem \\
      --account 111122223333 --region eu-west-1 --records-per-second 500"""


@click.command(epilog=EPILOG)
@click.argument("resource")
@click.option(
    "--to", required=True, type=click.Choice(["s3", "cloudwatch", "firehose"]), help="Destination."
)
@click.option("--account", metavar="ID", help="Account of the resource, 12 digits.")
@click.option(
    "--region",
    metavar="R",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="Region of the resource; by default AWS_REGION.",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["cli", "cloudformation", "terraform"]),
    default="cli",
    show_default=True,
    help="Form to print it in.",
)
@click.option(
    "--fields",
    default="diagnosis",
    show_default=True,
    metavar="FIELDS",
    help="diagnosis: what diagnose and why read; default: AWS's 14; all; or a format in AWS's "
    "notation, in single quotes.",
)
@click.option(
    "--interval",
    type=click.Choice(["60", "600"]),
    default="60",
    show_default=True,
    help="Seconds that a record may cover.",
)
@click.option(
    "--traffic",
    type=click.Choice(["all", "accept", "reject"]),
    help="What to log (default all).",
)
@bucket_options
@log_group_options
@click.option("--stream", metavar="ARN", help="firehose: the stream, also in another account.")
@click.option("--kms-key", metavar="ARN", help="Key that encrypts the bucket or log group.")
@click.option("--role-name", metavar="NAME", help="Role to make (default vpcflow-RESOURCE).")
@volume_options
@json_option
def setup(
    resource: str,
    to: str,
    form: str,
    fields: str,
    interval: str,
    measured: tuple[str, ...],
    gb_per_month: float | None,
    records_per_second: float | None,
    prices: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print what creates a flow log for RESOURCE: a VPC, subnet, interface, transit gateway or
    attachment, by its id.

    Nothing is run, and AWS is not asked. The script checks first (it only reads), creates, shows
    how to verify, and how to undo. Notes are in it as comments; CloudFormation's go to standard
    error.
    """
    plan = planned(resource, to, fields, int(interval), options)
    output = _priced(plan, measured, gb_per_month, records_per_second, prices)
    if as_json:
        click.echo(json.dumps(output.as_json(), indent=2))
    elif form == "cli":
        click.echo(output.script(), nl=False)
    elif form == "terraform":
        click.echo(output.terraform(), nl=False)
    else:
        click.echo(readable(output.cloudformation()))
        _tell(output)
    if output.cost and output.cost.errors:
        raise output.cost.errors[0]  # what was asked for is printed all the same


def _priced(
    plan: Plan,
    measured: tuple[str, ...],
    gb_per_month: float | None,
    records_per_second: float | None,
    prices_file: str | None,
) -> Output:
    from vpcflow_query import prices
    from vpcflow_query.setup.expected_cost import SCALE, of_measured, of_rate, of_volume
    from vpcflow_query.setup.output import Output

    given = [bool(measured), gb_per_month is not None, records_per_second is not None]
    if sum(given) > 1:
        raise UsageError("--measured, --gb-per-month and --records-per-second: one of them")
    table = prices.load(prices_file)
    if measured:
        return Output(plan, of_measured(plan, table, measured))
    if gb_per_month is not None:
        return Output(plan, of_volume(plan, table, gb_per_month))
    if records_per_second is not None:
        return Output(plan, of_rate(plan, table, records_per_second))
    return Output(plan, scale=of_rate(plan, table, SCALE))


def _tell(output: Output) -> None:
    screen = Screen.of(sys.stderr)
    for heading, sentences in output.notes(declared=True):
        click.echo(screen.paint(f"{heading}:", "heading"), err=True)
        for sentence in sentences:
            for line in wrap(sentence, screen.width, "    ", "  - "):
                click.echo(line, err=True)
