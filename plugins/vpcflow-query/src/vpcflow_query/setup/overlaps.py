"""Which flow logs see the same traffic already: each is charged for by itself.

A flow log of a VPC records all its interfaces, one of a subnet those of the subnet; a second one at
any level records them again (AWS: "Logging IP traffic using VPC Flow Logs", VPC User Guide).
"""

from __future__ import annotations

from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.shell import Command

_FLOW_LOGS = (
    "FlowLogs[].[FlowLogId, ResourceId, TrafficType, LogDestinationType, "
    "LogDestination || LogGroupName]"
)


def relatives(plan: Plan) -> list[Command]:
    """Commands that print the ids of what the resource is in and what is in it."""
    id_ = plan.resource.id
    within = {
        "vpc": [_ids(plan, "subnets", f"vpc-id={id_}"), _ids(plan, "interfaces", f"vpc-id={id_}")],
        "subnet": [
            _ids(plan, "vpc-of-subnet", f"subnet-id={id_}"),
            _ids(plan, "interfaces", f"subnet-id={id_}"),
        ],
        "eni": [_ids(plan, "around-interface", f"network-interface-id={id_}")],
        "tgw": [_ids(plan, "attachments", f"transit-gateway-id={id_}")],
        "tgw-attach": [_ids(plan, "gateway", f"transit-gateway-attachment-id={id_}")],
    }
    return within[id_.rpartition("-")[0]]


_ASKED = {
    "subnets": ("describe-subnets", "Subnets[].SubnetId"),
    "vpc-of-subnet": ("describe-subnets", "Subnets[].VpcId"),
    "interfaces": ("describe-network-interfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    "around-interface": (
        "describe-network-interfaces",
        "NetworkInterfaces[].[VpcId, SubnetId][]",
    ),
    "attachments": (
        "describe-transit-gateway-attachments",
        "TransitGatewayAttachments[].TransitGatewayAttachmentId",
    ),
    "gateway": (
        "describe-transit-gateway-attachments",
        "TransitGatewayAttachments[].TransitGatewayId",
    ),
}


def _ids(plan: Plan, what: str, where: str) -> Command:
    operation, query = _ASKED[what]
    name, _, value = where.partition("=")
    return Command(
        "ec2",
        operation,
        {
            "region": plan.region,
            "filters": [f"Name={name},Values={value}"],
            "query": query,
            "output": "text",
        },
    )


def check(plan: Plan) -> list[str]:
    """Lines of a script that stop it where there are such flow logs, unless OVERLAPS=ok."""
    listed = Command(
        "ec2",
        "describe-flow-logs",
        {"region": plan.region, "query": _FLOW_LOGS, "output": "text"},
    )
    return [
        "# flow logs that record the same interfaces: each is charged for by itself",
        "family=$(",
        f"  echo {plan.resource.id}",
        *(command.text("  ") for command in relatives(plan)),
        ")",
        "flow_logs=$(",
        listed.text("  "),
        ")",
        "overlaps=$(",
        "  grep -wF -f <(tr -s '[:space:]' '\\n' <<<\"$family\") <<<\"$flow_logs\" || true",
        ")",
        "if [[ -n $overlaps && ${OVERLAPS:-} != ok ]]; then",
        '  echo "$overlaps" >&2',
        '  stop "these flow logs record the same traffic: set OVERLAPS=ok to make one more"',
        "fi",
    ]
