"""Which call fills which file of a snapshot. Nothing but Describe, Get and List."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from vpcflow_aws.inventory import FILES, FOLDERS


@frozen
class Call:
    """One file and what fills it. permission: the IAM action. options: parameters that are sent if
    the installed SDK knows them."""

    file: str
    service: str
    operation: str
    permission: str
    options: Mapping[str, Any] = field(factory=dict, eq=False)

    @property
    def key(self) -> str:
        """The list in the answer and in the file."""
        return FILES[self.file]


@frozen
class EachCall:
    """A file for each entry of another file. of: that file. name_key: the entry's field that names
    the file, and `name` what such a name looks like. id_key: the field that is sent as
    `parameter`."""

    folder: str
    of: str
    name_key: str
    name: re.Pattern[str]
    id_key: str
    parameter: str
    service: str
    operation: str
    permission: str

    @property
    def key(self) -> str:
        return FOLDERS[self.folder]


_MANAGED = {"IncludeManagedResources": True}


def _ec2(file: str, operation: str, **options: Any) -> Call:
    action = "".join(word.capitalize() for word in operation.split("_"))
    return Call(file, "ec2", operation, f"ec2:{action}", options)


CALLS = (
    _ec2("network-interfaces.json", "describe_network_interfaces", **_MANAGED),
    _ec2("security-groups.json", "describe_security_groups"),
    _ec2("network-acls.json", "describe_network_acls"),
    _ec2("route-tables.json", "describe_route_tables"),
    _ec2("subnets.json", "describe_subnets"),
    _ec2("vpcs.json", "describe_vpcs"),
    _ec2("nat-gateways.json", "describe_nat_gateways"),
    _ec2("internet-gateways.json", "describe_internet_gateways"),
    _ec2("egress-only-internet-gateways.json", "describe_egress_only_internet_gateways"),
    _ec2("instances.json", "describe_instances", **_MANAGED),
    Call(
        "load-balancers.json",
        "elbv2",
        "describe_load_balancers",
        "elasticloadbalancing:DescribeLoadBalancers",
    ),
    Call(
        "classic-load-balancers.json",
        "elb",
        "describe_load_balancers",
        "elasticloadbalancing:DescribeLoadBalancers",
    ),
    Call(
        "target-groups.json",
        "elbv2",
        "describe_target_groups",
        "elasticloadbalancing:DescribeTargetGroups",
    ),
    Call("db-instances.json", "rds", "describe_db_instances", "rds:DescribeDBInstances"),
    Call(
        "cache-clusters.json",
        "elasticache",
        "describe_cache_clusters",
        "elasticache:DescribeCacheClusters",
        {"ShowCacheNodeInfo": True},
    ),
    _ec2("vpc-endpoints.json", "describe_vpc_endpoints"),
    _ec2("vpc-peering-connections.json", "describe_vpc_peering_connections"),
    _ec2("transit-gateway-attachments.json", "describe_transit_gateway_attachments"),
    _ec2("transit-gateway-route-tables.json", "describe_transit_gateway_route_tables"),
    _ec2("managed-prefix-lists.json", "describe_managed_prefix_lists"),
    _ec2("flow-logs.json", "describe_flow_logs"),
)
EACH = (
    EachCall(
        folder="target-health",
        of="target-groups.json",
        name_key="TargetGroupName",
        name=re.compile(r"[A-Za-z0-9-]{1,64}"),
        id_key="TargetGroupArn",
        parameter="TargetGroupArn",
        service="elbv2",
        operation="describe_target_health",
        permission="elasticloadbalancing:DescribeTargetHealth",
    ),
    EachCall(
        folder="managed-prefix-list-entries",
        of="managed-prefix-lists.json",
        name_key="PrefixListId",
        name=re.compile(r"pl-[0-9a-f]{1,64}"),
        id_key="PrefixListId",
        parameter="PrefixListId",
        service="ec2",
        operation="get_managed_prefix_list_entries",
        permission="ec2:GetManagedPrefixListEntries",
    ),
)


def permissions() -> list[str]:
    """The IAM actions that a whole snapshot takes."""
    return sorted({call.permission for call in (*CALLS, *EACH)})
