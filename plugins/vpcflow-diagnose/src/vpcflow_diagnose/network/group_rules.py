"""The rules of security groups, as DescribeSecurityGroups gives them."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from vpcflow_aws.inventory_items import Json, parts, text

from vpcflow_diagnose.network.addresses import Block, block
from vpcflow_diagnose.network.packet import Direction, towards
from vpcflow_diagnose.network.service import Service, protocol_of, service_of


@frozen
class GroupRule:
    """One service and one peer: AWS writes several peers into one permission.

    service: None where the rule cannot be read. peer: as AWS writes it: a CIDR, pl-, sg-. block: of
    a CIDR; None for prefix lists and groups. vpc_id, peering: of a group in another VPC: where it
    is, and whether AWS says that the peering stands ("active", "deleted", ...).
    """

    service: Service | None
    peer: str
    block: Block | None = None
    vpc_id: str | None = None
    peering: str | None = None

    @property
    def everybody(self) -> bool:
        return self.block is not None and self.block.everybody

    def text(self, direction: Direction) -> str:
        """ "tcp 5432 from 10.0.1.0/24"."""
        return f"{self.service} {towards(direction)} {self.peer}"


@frozen
class SecurityGroup:
    """ingress, egress: its rules; None where the inventory does not say them."""

    id: str
    name: str | None
    vpc_id: str | None
    owner_id: str | None
    ingress: tuple[GroupRule, ...] | None
    egress: tuple[GroupRule, ...] | None

    def rules(self, direction: Direction) -> tuple[GroupRule, ...] | None:
        return self.ingress if direction == "ingress" else self.egress


def security_group(item: Json) -> SecurityGroup | None:
    id_ = text(item, "GroupId")
    if id_ is None:
        return None
    return SecurityGroup(
        id_,
        text(item, "GroupName"),
        text(item, "VpcId"),
        text(item, "OwnerId"),
        _rules(item, "IpPermissions"),
        _rules(item, "IpPermissionsEgress"),
    )


def _rules(item: Json, name: str) -> tuple[GroupRule, ...] | None:
    listed = item.get(name)
    if not isinstance(listed, list):
        return None
    rules: list[GroupRule] = []
    for permission in listed:
        if isinstance(permission, dict):
            rules.extend(_permission(permission))
        else:
            rules.append(GroupRule(None, ""))
    return tuple(rules)


def _permission(item: Json) -> Iterator[GroupRule]:
    try:
        protocol = protocol_of(item.get("IpProtocol"))
        service = service_of(protocol, item.get("FromPort"), item.get("ToPort"))
    except ValueError:
        yield GroupRule(None, "")
        return
    for list_name, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")):
        for entry in _entries(item, list_name):
            found = block(entry.get(name))
            yield GroupRule(service, found.text, found) if found else GroupRule(None, "")
    for entry in _entries(item, "PrefixListIds"):
        listed = text(entry, "PrefixListId")
        yield GroupRule(service, listed) if listed else GroupRule(None, "")
    for entry in _entries(item, "UserIdGroupPairs"):
        group = text(entry, "GroupId")
        if group is None:
            yield GroupRule(None, "")
        else:
            peering = text(entry, "PeeringStatus")
            yield GroupRule(service, group, None, text(entry, "VpcId"), peering)


def _entries(item: Json, name: str) -> Iterator[Json]:
    """The objects of a list; anything else in it is an object that says nothing."""
    value = item.get(name)
    if isinstance(value, list) and not all(isinstance(entry, dict) for entry in value):
        yield {}
    yield from parts(item, name)
