"""One snapshot of the network, indexed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from attrs import define, field, frozen

if TYPE_CHECKING:
    from vpcflow_aws.inventory import Snapshot

    from vpcflow_diagnose.network.items import (
        Endpoint,
        InternetGateway,
        LoadBalancer,
        NatGateway,
        Peering,
        Subnet,
        Target,
        TransitAttachment,
        Vpc,
    )

Place = Literal["interface", "vpc", "private", "internet", "aws"]
"""Of an address: one of our interfaces has it; it is in one of our VPCs' blocks, but no interface
has it; private (RFC 1918, 6598, ULA) elsewhere; public; answered by AWS itself (DNS, IMDS, time)."""


@frozen
class Interface:
    """A network interface. groups: None where it has none by nature (NAT gateway, transit gateway
    attachment, an NLB without groups). owner_type, owner_id, owner_name: as the enricher `eni`
    says. public: public IPv4 by private address."""

    id: str
    vpc_id: str | None
    subnet_id: str | None
    zone: str | None
    type: str
    groups: tuple[str, ...]
    addresses: tuple[str, ...]
    prefixes: tuple[str, ...]
    public: Mapping[str, str]
    source_dest_check: bool
    status: str | None
    owner_type: str
    owner_id: str | None
    owner_name: str | None

    @property
    def label(self) -> str:
        """For sentences: "i-0abc (web-1)", "load balancer shop", else the id."""
        raise NotImplementedError


@define(eq=False)
class Network:
    """All of one snapshot. time: UTC, None if unknown. lacks: files that are missing or broken,
    as sentences ("route-tables.json is not there")."""

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

    @classmethod
    def of(cls, snapshot: Snapshot) -> Network:
        raise NotImplementedError

    def owner(self, address: str, vpc_id: str | None = None) -> Interface | None:
        """Whose private, secondary, prefix, IPv6 or public address this is. vpc_id decides between
        VPCs that use the same blocks; an address that several have is nobody's without it."""
        raise NotImplementedError

    def place(self, address: str, vpc_id: str | None = None) -> Place:
        raise NotImplementedError
