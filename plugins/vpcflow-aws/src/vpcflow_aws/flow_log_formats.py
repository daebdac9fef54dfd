"""Which format the lines of a log stream are in: what EC2 says of the flow logs that write there.

DescribeFlowLogs lists the flow logs that exist now. One that was created after a line cannot have
written it, and one that was deleted is not listed: then the format is not known here, and the lines
themselves have to tell.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from vpcflow import FlowFormat, FormatError, VpcflowError
from vpcflow.errors import printable
from vpcflow.selection import LATE
from vpcflow_aws.asking import Failure, pages

_STREAM = re.compile(r"(?P<interface>eni-[0-9a-f]+)(?:-(?P<traffic>all|accept|reject))?")


class FlowLogFormatWarning(UserWarning):
    """EC2 does not say in which format the lines of a log group are."""


@frozen
class FlowLog:
    """A flow log that writes to the log group. resource: an interface, subnet or VPC (or a transit
    gateway). traffic: "all", "accept" or "reject". created: aware, None if it is not said."""

    id: str
    resource: str
    traffic: str
    format: FlowFormat
    created: datetime | None


@frozen
class StreamName:
    """What a stream's name says: `eni-0a1b-all`. Names of others say nothing."""

    interface: str | None
    traffic: str | None

    @classmethod
    def of(cls, name: str) -> StreamName:
        found = _STREAM.fullmatch(name)
        return cls(found["interface"], found["traffic"]) if found else cls(None, None)


def flow_logs_of(group: str, answers: Iterable[Mapping[str, Any]]) -> list[FlowLog]:
    """The flow logs that write to a log group. answers: DescribeFlowLogs'. Raises FormatError
    for a format that cannot be read."""
    found = []
    for answer in answers:
        for item in answer.get("FlowLogs", ()):
            if not _writes_to(item, group):
                continue
            found.append(
                FlowLog(
                    item.get("FlowLogId", ""),
                    item.get("ResourceId", ""),
                    item.get("TrafficType", "").lower(),
                    _format(item),
                    item.get("CreationTime"),
                )
            )
    return found


def format_of(
    stream: str, until: datetime, flow_logs: Sequence[FlowLog], group: str
) -> FlowFormat | None:
    """The format of a stream's lines from before `until`; None if no flow log is known that may
    have written them. Raises FormatError where several may have, in different formats."""
    name = StreamName.of(stream)
    may = [log for log in flow_logs if _may_write(log, name, until)]
    exact = [log for log in may if log.resource == name.interface]
    formats = {log.format for log in may}
    if len(formats) <= 1:
        return next(iter(formats), None)
    others = "" if exact else ", for different subnets or VPCs"
    listed = "; ".join(f"{log.id} ({log.resource}) {log.format}" for log in may[:5])
    raise FormatError(
        f"the flow logs that may write to the stream {printable(stream)} have different "
        f"formats{others}: {printable(listed, 1000)}",
        source=group,
        hint=f"name the one that does: ?flow-log={may[0].id}, with ?interface= for its interfaces",
    )


def described(ec2: Any) -> Iterable[Mapping[str, Any]]:
    """DescribeFlowLogs' answers for everything that goes to CloudWatch Logs. The filter by group
    name is not used: it does not find flow logs that were created with the group's ARN."""
    only = [{"Name": "log-destination-type", "Values": ["cloud-watch-logs"]}]
    return pages(ec2.describe_flow_logs, "NextToken", Filters=only)


def why_not(error: Failure) -> str:
    """In words, for a warning."""
    return (
        f"EC2 does not say which format the lines are in ({printable(str(error), 200)}); asking "
        "takes the permission ec2:DescribeFlowLogs. Now the lines have to tell, or format="
    )


def _writes_to(item: Mapping[str, Any], group: str) -> bool:
    if item.get("LogGroupName") == group:
        return True
    _, _, name = str(item.get("LogDestination") or "").partition(":log-group:")
    return name.removesuffix(":*") == group


def _format(item: Mapping[str, Any]) -> FlowFormat:
    text = item.get("LogFormat") or ""
    try:
        return FlowFormat.parse(text, unknown="text") if text else FlowFormat.default()
    except VpcflowError as error:
        raise FormatError(
            f"the format of the flow log {item.get('FlowLogId')} cannot be read: {error.message}",
            hint="give the format: format=",
        ) from error


def _may_write(log: FlowLog, name: StreamName, until: datetime) -> bool:
    if log.created is not None and log.created - until > LATE:
        return False
    if name.traffic is not None and log.traffic not in ("", name.traffic):
        return False
    is_interface = log.resource.startswith("eni-")
    return name.interface is None or not is_interface or log.resource == name.interface
