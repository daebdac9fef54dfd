"""One snapshot of the network, indexed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from attrs import define, field, frozen

from vpcflow_diagnose.network.address_index import AddressIndex, private
from vpcflow_diagnose.network.addresses import PrefixTable, number
from vpcflow_diagnose.network.flow_logs import Coverage

if TYPE_CHECKING:
    from vpcflow_aws.inventory import Snapshot

    from vpcflow_diagnose.network.acl_entries import NetworkAcl
    from vpcflow_diagnose.network.group_rules import SecurityGroup
    from vpcflow_diagnose.network.items import (
        Endpoint,
        InternetGateway,
        LoadBalancer,
        NatGateway,
        Peering,
        Subnet,
        Target,
        TransitAttachment,
        TransitTable,
        Vpc,
    )
    from vpcflow_diagnose.network.naming import Naming
    from vpcflow_diagnose.network.route_tables import RouteTable

Place = Literal["interface", "vpc", "private", "internet", "aws"]
"""Of an address: one of our interfaces has it; it is in one of our VPCs' blocks, but no interface
has it; private (RFC 1918, 6598, ULA) elsewhere; public; answered by AWS itself (DNS, IMDS,
time)."""

WITHOUT_GROUPS = frozenset(
    {
        *("nat_gateway", "natGateway", "transit_gateway"),
        *("gateway_load_balancer", "gateway_load_balancer_endpoint"),
    }
)
"""Types of interfaces that never have security groups. Network load balancers may have some."""


@frozen
class Interface:
    """A network interface. groups: empty where it has none by nature (see `groupless`) and where
    the inventory does not say them. addresses: private IPv4, the primary one first, and IPv6.
    owner_type, owner_id, owner_name: as the enricher `eni` says. public: public IPv4 by private
    address. name: its own tag."""

    id: str
    vpc_id: str | None
    subnet_id: str | None
    zone: str | None
    type: str
    groups: tuple[str, ...]
    addresses: tuple[str, ...]
    prefixes: tuple[str, ...]
    public: Mapping[str, str] = field(eq=False)
    source_dest_check: bool
    status: str | None
    owner_type: str
    owner_id: str | None
    owner_name: str | None
    name: str | None = None

    @property
    def label(self) -> str:
        """For sentences: "i-0abc (web-1)", "load balancer shop", else the id."""
        from vpcflow_diagnose.network.naming import label

        return label(self)

    @property
    def groupless(self) -> bool:
        """It has no security groups by nature: NAT gateway, transit gateway attachment, gateway
        load balancer, a network load balancer without groups."""
        return self.type in WITHOUT_GROUPS or (
            self.type == "network_load_balancer" and not self.groups
        )


@define(eq=False, slots=False)
class Network:
    """All of one snapshot. time: UTC, None if unknown. lacks: files that are missing or broken,
    as sentences ("route-tables.json is not there: routes cannot be judged").

    unread: the names of those files. subnets: also those that only interfaces mention, without
    blocks. candidates: ids of the interfaces that may be meant by a name, where it is not certain
    which. vpcs: also those that only other files mention, with the blocks of their local routes or
    subnets. prefix_lists: the blocks of managed prefix lists whose entries are known. acl_of,
    table_of: ids by subnet, and by VPC for subnets without an association.
    """

    time: datetime | None
    lacks: list[str]
    interfaces: Mapping[str, Interface] = field(repr=False)
    vpcs: Mapping[str, Vpc] = field(repr=False)
    subnets: Mapping[str, Subnet] = field(repr=False)
    nat_gateways: Mapping[str, NatGateway] = field(repr=False)
    internet_gateways: Mapping[str, InternetGateway] = field(repr=False)
    peerings: Mapping[str, Peering] = field(repr=False)
    attachments: Mapping[str, TransitAttachment] = field(repr=False)
    endpoints: Mapping[str, Endpoint] = field(repr=False)
    load_balancers: Mapping[str, LoadBalancer] = field(repr=False)
    targets: tuple[Target, ...] = field(repr=False)
    groups: Mapping[str, SecurityGroup] = field(factory=dict, repr=False)
    acls: Mapping[str, NetworkAcl] = field(factory=dict, repr=False)
    tables: Mapping[str, RouteTable] = field(factory=dict, repr=False)
    prefix_lists: Mapping[str, PrefixTable[str]] = field(factory=dict, repr=False)
    transit_tables: Mapping[str, TransitTable] = field(factory=dict, repr=False)
    aliases: Mapping[str, tuple[str, ...]] = field(factory=dict, repr=False)
    candidates: Mapping[str, tuple[str, ...]] = field(factory=dict, repr=False)
    coverage: Coverage = field(factory=Coverage, repr=False)
    unread: frozenset[str] = frozenset()
    index: AddressIndex = field(factory=AddressIndex, repr=False)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Network:
        """Reads the files of a snapshot; what they lack goes to `lacks`. Never raises for them."""
        from vpcflow_diagnose.network.loading import load

        return load(snapshot)

    # Addresses

    def owner(self, address: str, vpc_id: str | None = None) -> Interface | None:
        """Whose private, secondary, prefix, IPv6 or public address this is. vpc_id decides between
        VPCs that use the same blocks; an address that several have is nobody's without it.

        An address in the blocks of vpc_id is never another VPC's. Elsewhere, VPCs that are linked
        with vpc_id come before others.
        """
        value = number(address)
        if value is None:
            return None
        found = self._private_owner(value, vpc_id)
        if found is None and not private(value):
            found = self.index.public(value)
        return found

    def _private_owner(self, value: int, vpc_id: str | None) -> Interface | None:
        if vpc_id is not None:
            found = self.index.in_vpc(vpc_id, value)
            if found is not None or vpc_id in self.index.vpcs(value):
                return found
        others = self.index.anywhere(value)
        if len(others) > 1 and vpc_id is not None:
            others = [one for one in others if self.linked(vpc_id, one.vpc_id)]
        return others[0] if len(others) == 1 else None

    def place(self, address: str, vpc_id: str | None = None) -> Place:
        """Where an address lies. What is no address at all is "private"."""
        value = number(address)
        if value is None:
            return "private"
        if self.owner(address, vpc_id) is not None:
            return "interface"
        if self.index.reserved(value, vpc_id):
            return "aws"
        own = vpc_id is not None and vpc_id in self.index.vpcs(value)
        if not own and self.index.anywhere(value):
            return "interface"  # several VPCs use it
        if self.index.vpcs(value):
            return "vpc"
        return "private" if private(value) else "internet"

    def vpc_of(self, address: str) -> str | None:
        """The one VPC that an address belongs to: its owner's, else the only one whose blocks hold
        it."""
        owner = self.owner(address)
        if owner is not None:
            return owner.vpc_id
        found = self.vpcs_of(address)
        return found[0] if len(found) == 1 else None

    def vpcs_of(self, address: str) -> tuple[str, ...]:
        """All VPCs whose blocks hold an address, those with the longest block first."""
        value = number(address)
        return () if value is None else tuple(self.index.vpcs(value))

    def nat_gateway_of(self, address: str, vpc_id: str | None = None) -> NatGateway | None:
        """The NAT gateway that has a public or private address. A regional one has no interface,
        so its public addresses lie in the internet for `owner` and `place`."""
        owner = self.owner(address, vpc_id)
        if owner is not None:
            return self.nat_gateways.get(owner.owner_id or "")
        return self._nat_addresses.get(address)

    # Names

    def find(self, text: str) -> tuple[Interface, ...]:
        """The interfaces that a name means: an id of an interface or of its owner, the owner's
        name, a tag Name, a load balancer, a database, a DNS name of one of these. As it is written;
        if nothing has this name, in any case. () if nothing does."""
        return self._naming.find(text)

    @cached_property
    def _naming(self) -> Naming:
        from vpcflow_diagnose.network.naming import Naming

        return Naming.of(self)

    # Neighbours

    def interfaces_in(self, subnet_id: str) -> tuple[Interface, ...]:
        return self._by_subnet.get(subnet_id, ())

    def edge_table(self, gateway_id: str) -> RouteTable | None:
        """The route table that an internet or virtual private gateway is associated with."""
        return self._edge_tables.get(gateway_id)

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """The route table of a subnet: the associated one, else its VPC's main one."""
        subnet = self.subnets.get(subnet_id)
        return None if subnet is None else self.tables.get(subnet.table_id or "")

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """The network ACL of a subnet: the associated one, else its VPC's default."""
        subnet = self.subnets.get(subnet_id)
        return None if subnet is None else self.acls.get(subnet.acl_id or "")

    def other_side(self, peering_id: str, vpc_id: str) -> tuple[str | None, tuple[str, ...]]:
        """The VPC at the other end of a peering, and its blocks; (None, ()) if it is not known."""
        found = self.peerings.get(peering_id)
        if found is None:
            return None, ()
        if found.requester_vpc == vpc_id:
            return found.accepter_vpc, found.accepter_blocks
        return found.requester_vpc, found.requester_blocks

    def attachments_of(self, vpc_id: str) -> tuple[TransitAttachment, ...]:
        """The transit gateway attachments of a VPC."""
        return self._attachments.get(vpc_id, ())

    def shared_transit_gateways(self, vpc_id: str, other: str) -> frozenset[str]:
        """The transit gateways to which both VPCs are attached."""
        return self._transit(vpc_id) & self._transit(other)

    def linked(self, vpc_id: str, other: str | None) -> bool:
        """Whether a peering or a transit gateway connects two VPCs. Routes may still be missing."""
        if other is None:
            return False
        peered = other in self.peers.get(vpc_id, ())
        return peered or bool(self.shared_transit_gateways(vpc_id, other))

    def _transit(self, vpc_id: str) -> frozenset[str]:
        used = (a for a in self.attachments_of(vpc_id) if a.state in ("available", "modifying"))
        return frozenset(a.tgw_id for a in used if a.tgw_id)

    @cached_property
    def peers(self) -> Mapping[str, frozenset[str]]:
        """By VPC, those with which it has an active peering."""
        found: dict[str, set[str]] = {}
        for peering in self.peerings.values():
            one, other = peering.requester_vpc, peering.accepter_vpc
            if peering.state == "active" and one and other:
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
        return {vpc: frozenset(others) for vpc, others in found.items()}

    @cached_property
    def _by_subnet(self) -> Mapping[str, tuple[Interface, ...]]:
        found: dict[str, list[Interface]] = {}
        for interface in self.interfaces.values():
            if interface.subnet_id is not None:
                found.setdefault(interface.subnet_id, []).append(interface)
        return {subnet: tuple(all_) for subnet, all_ in found.items()}

    @cached_property
    def transit_interfaces(self) -> Mapping[tuple[str | None, str | None], tuple[Interface, ...]]:
        """The interfaces of transit gateways by VPC and zone."""
        found: dict[tuple[str | None, str | None], list[Interface]] = {}
        for interface in self.interfaces.values():
            if interface.type == "transit_gateway":
                found.setdefault((interface.vpc_id, interface.zone), []).append(interface)
        return {place: tuple(all_) for place, all_ in found.items()}

    @cached_property
    def known_vpcs(self) -> frozenset[str]:
        """The VPCs that have interfaces in this snapshot."""
        return frozenset(i.vpc_id for i in self.interfaces.values() if i.vpc_id is not None)

    @cached_property
    def _edge_tables(self) -> Mapping[str, RouteTable]:
        return {gateway: table for table in self.tables.values() for gateway in table.gateways}

    @cached_property
    def _attachments(self) -> Mapping[str, tuple[TransitAttachment, ...]]:
        found: dict[str, list[TransitAttachment]] = {}
        for attachment in self.attachments.values():
            if attachment.resource_type == "vpc" and attachment.resource_id is not None:
                found.setdefault(attachment.resource_id, []).append(attachment)
        return {vpc: tuple(all_) for vpc, all_ in found.items()}

    @cached_property
    def _nat_addresses(self) -> Mapping[str, NatGateway]:
        return {
            address: gateway
            for gateway in self.nat_gateways.values()
            for address in gateway.public_addresses
        }

    @cached_property
    def balanced(self) -> Mapping[str, frozenset[str]]:
        """By security group of network load balancers: instances and addresses that are targets of
        these and may see their clients' addresses."""
        found: dict[str, set[str]] = {}
        for target in self.targets:
            for arn in target.load_balancers if target.preserve_client_ip is not False else ():
                balancer = self.load_balancers.get(arn)
                if balancer is not None and balancer.type == "network":
                    for group in balancer.groups:
                        found.setdefault(group, set()).add(target.id)
        return {group: frozenset(ids) for group, ids in found.items()}
