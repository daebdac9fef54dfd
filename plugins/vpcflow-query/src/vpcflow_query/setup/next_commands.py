"""The `vpcflow` commands that read what the flow log delivers."""

from __future__ import annotations

import shlex

from vpcflow_query.setup.destination import Bucket, LogGroup
from vpcflow_query.setup.plan import Plan


def next_commands(plan: Plan) -> list[str]:
    """Each on one line, quoted for a shell."""
    to = plan.destination
    if isinstance(to, Bucket):
        read = ["vpcflow", "diagnose", f"{to}AWSLogs", "--since", "2h"]
        return [shlex.join([*read, "--inventory", "inventory/"]), *_athena(plan, to)]
    if isinstance(to, LogGroup):
        # a name that starts with a slash has it after an empty host: three slashes
        read = ["vpcflow", "diagnose", f"cloudwatch://{to.name}", "--since", "1h"]
        return [shlex.join([*read, "--inventory", "inventory/"])]
    delivered = ["vpcflow", "read", "delivered/", "--format", str(plan.format)]
    return [shlex.join(delivered)]


def _athena(plan: Plan, to: Bucket) -> list[str]:
    """None for transit gateways: AWS does not support Athena's integration for their logs (Transit
    Gateway guide), and how their folders are called is not known here."""
    if plan.resource.is_transit:
        return []
    words = ["vpcflow", "athena", "--location", str(to)]
    words += ["--accounts", plan.account, "--regions", plan.region]
    words.append("--parquet" if to.file_format == "parquet" else "--text")
    words.append("--hive" if to.hive else "--no-hive")
    words.append("--per-hour" if to.per_hour else "--per-day")
    return [shlex.join([*words, "--format", str(plan.format)])]
