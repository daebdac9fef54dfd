"""What stands in an inventory besides interfaces, as typed values. All tolerant: what a file does
not say is None or empty."""

from __future__ import annotations

from attrs import frozen


@frozen
class Vpc:
    """blocks: IPv4 and IPv6 CIDRs."""

    id: str
    blocks: tuple[str, ...]
    name: str | None = None


@frozen
class Subnet:
    """acl_id, table_id: of the network ACL and route table that hold for it (the VPC's main ones
    where none is associated); None if the files do not say. block_public_access: "off",
    "block-bidirectional", "block-ingress" or None."""

    id: str
    vpc_id: str | None
    zone: str | None
    blocks: tuple[str, ...]
    acl_id: str | None
    table_id: str | None
    block_public_access: str | None = None
    name: str | None = None


@frozen
class NatGateway:
    """state: "available", "failed", "deleting", ... public: else it is a private one. failure: in
    AWS's words. regional: it has no subnet, and table_id is its own route table. addresses: its
    private ones; public_addresses: what the internet sees."""

    id: str
    state: str
    vpc_id: str | None
    subnet_id: str | None
    public: bool
    regional: bool
    table_id: str | None
    interfaces: tuple[str, ...]
    addresses: tuple[str, ...]
    failure: str | None = None
    public_addresses: tuple[str, ...] = ()
    name: str | None = None


@frozen
class InternetGateway:
    """Internet gateways and egress-only ones. vpc_id: what it is attached to, None if nothing.
    attached: the attachment is available."""

    id: str
    vpc_id: str | None
    attached: bool


@frozen
class Peering:
    """state: "active", ... Each end: VPC id and blocks."""

    id: str
    state: str
    requester_vpc: str | None
    accepter_vpc: str | None
    requester_blocks: tuple[str, ...]
    accepter_blocks: tuple[str, ...]


@frozen
class TransitAttachment:
    """A transit gateway attachment. resource_id: the VPC, VPN, ... that it attaches.
    route_table_id: the transit gateway's route table that is asked for what comes from it."""

    id: str
    tgw_id: str | None
    state: str
    resource_type: str | None
    resource_id: str | None
    route_table_id: str | None
    name: str | None = None


@frozen
class TransitTable:
    """A transit gateway's route table. Its routes are in no file of an inventory. associated,
    propagated: new attachments use it, and write their blocks into it."""

    id: str
    tgw_id: str | None
    state: str | None
    associated: bool
    propagated: bool


@frozen
class Endpoint:
    """A VPC endpoint. type: "Interface", "Gateway", "GatewayLoadBalancer". service: its name.
    hosts: its DNS names."""

    id: str
    type: str
    service: str | None
    vpc_id: str | None
    state: str | None
    interfaces: tuple[str, ...]
    tables: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    name: str | None = None


@frozen
class LoadBalancer:
    """arn: or the name of a classic one. type: "application", "network", "gateway", "classic".
    host: its DNS name."""

    arn: str
    name: str
    type: str
    vpc_id: str | None
    groups: tuple[str, ...]
    host: str | None = None


@frozen
class Target:
    """One target of a target group, as target-health has it. id: instance, address or function.
    reason: "Target.Timeout", ... preserve_client_ip: of the group, None if not known."""

    group: str
    load_balancers: tuple[str, ...]
    id: str
    port: int | None
    state: str | None
    reason: str | None
    protocol: str | None
    health_port: int | None
    preserve_client_ip: bool | None = None
