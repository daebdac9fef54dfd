"""How a flow log says that it cannot deliver, and what each message means.

From "Troubleshoot VPC Flow Logs", VPC User Guide. The status is DeliverLogsStatus, the message
DeliverLogsErrorMessage of DescribeFlowLogs; the exceptions come from CreateFlowLogs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_COMMON = {
    "ACTIVE, but nothing arrives": "it takes ten minutes or more to start, and a log group or file "
    "appears only when there is traffic",
    "Unknown error": "internal to AWS: delete the flow log and make it again, then ask AWS Support",
}

_BY_DESTINATION: Mapping[str, Mapping[str, str]] = {
    "cloud-watch-logs": {
        "Access error": "the role lacks a permission, or its trust policy does not name "
        "vpc-flow-logs.amazonaws.com for this account",
        "Rate limited": "CloudWatch Logs throttles, or the account has as many log groups as it "
        "may: records are lost until it ends",
    },
    "s3": {
        "Access error": "the bucket's policy, or its key's, does not let "
        "delivery.logs.amazonaws.com write",
        "LogDestinationNotFoundException": "there is no such bucket",
        "Access Denied for LogDestination": "the bucket's policy does not let flow logs of this "
        "account and Region write to this folder",
        "LogDestinationPermissionIssueException": "the bucket's policy would pass 20 KB, since AWS "
        "adds each flow log's folder: allow the folder of the whole account, as here",
        "LogDestination undeliverable": "the bucket's key is given by its id: give its ARN",
    },
    "kinesis-data-firehose": {
        "Access error": "the stream lacks the tag LogDeliveryEnabled=true, or one of the two roles "
        "of a delivery across accounts lacks a permission or trust",
        "LogDestinationNotFoundException": "there is no such stream",
    },
}


def meanings(destination_type: str) -> Mapping[str, str]:
    """What may be said of a flow log to this kind of destination (CreateFlowLogs'
    LogDestinationType), and what it means."""
    return MappingProxyType({**_COMMON, **_BY_DESTINATION[destination_type]})
