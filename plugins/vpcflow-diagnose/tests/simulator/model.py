"""What a VPC consists of. All of it can be changed: a fault is a change."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import Factory, define, field

from .addresses import is_six

ACCOUNT, REGION = "123456789012", "eu-west-1"
ANY_PROTOCOL, ICMP, TCP, UDP, ICMP6 = -1, 1, 6, 17, 58
DEFAULT_RULE = 32767  # the console's `*`
EPHEMERAL = (1024, 65535)  # AWS VPC guide "Ephemeral ports": covers every kind of client


class Named:
    """Shown as what it is, not with all that it holds."""

    def __repr__(self) -> str:
        shown = getattr(self, "id", None) or getattr(self, "name", "")
        return f"{type(self).__name__}({shown})"


@define(eq=False, repr=False)
class Vpc(Named):
    id: str
    name: str
    cidr: str
    cidr6: str | None = None
    igw: str | None = None
    eigw: str | None = None
    encryption: bool = False  # VPC encryption controls are in enforce mode


@define(eq=False)
class Route:
    """target: "local", or the id of a gateway, an interface, an endpoint. dest: a block or pl-."""

    dest: str
    target: str
    state: str = "active"


@define(eq=False, repr=False)
class Table(Named):
    id: str
    vpc: Vpc
    name: str
    main: bool = False
    routes: list[Route] = Factory(list)


@define(eq=False)
class AclRule:
    """icmp: type and code, -1 for all. ports: of the destination."""

    number: int
    egress: bool
    allow: bool
    protocol: int
    cidr: str
    ports: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None


@define(eq=False, repr=False)
class Acl(Named):
    id: str
    vpc: Vpc
    name: str
    default: bool = False
    rules: list[AclRule] = Factory(list)


@define(eq=False, repr=False)
class Subnet(Named):
    id: str
    vpc: Vpc
    name: str
    cidr: str
    zone: str  # the letter of the availability zone
    table: Table
    acl: Acl
    explicit: bool = True  # associated with its table, not only by the VPC's main one
    cidr6: str | None = None
    blocked: str = "off"  # InternetGatewayBlockMode of VPC Block Public Access


@define(eq=False)
class GroupRule:
    """source: a block, or the id of a group (sg-) or a prefix list (pl-). ports: None for all; for
    ICMP type and code."""

    protocol: int
    source: str
    ports: tuple[int, int] | None = None


@define(eq=False, repr=False)
class Group(Named):
    id: str
    vpc: Vpc
    name: str
    ingress: list[GroupRule] = Factory(list)
    egress: list[GroupRule] = Factory(list)


@define(eq=False, repr=False)
class Interface(Named):
    """kind: ec2, alb, nlb, rds, cache, endpoint, lambda, ecs, nat, tgw, middlebox. details: what
    the inventory writes beside. clients: the range that its ports as a client are from."""

    id: str
    subnet: Subnet
    address: str
    kind: str
    name: str
    groups: list[Group] = Factory(list)
    address6: str | None = None
    secondary: str | None = None
    public: str | None = None
    check: bool = True  # source/destination check
    instance: str | None = None
    details: dict[str, Any] = Factory(dict)
    clients: tuple[int, int] = (32768, 60999)

    @property
    def vpc(self) -> Vpc:
        return self.subnet.vpc

    def owns(self, address: str) -> bool:
        return address in (self.address, self.address6, self.secondary)

    def shown(self, address: str) -> str:
        """What `srcaddr` or `dstaddr` shows for this interface: IPv4 is the primary address."""
        return address if is_six(address) else self.address


@define(eq=False, repr=False)
class Nat(Named):
    """subnet, interface: None for a regional one, which has a table. public: has an address."""

    id: str
    vpc: Vpc
    subnet: Subnet | None
    interface: Interface | None
    public: bool = True
    state: str = "available"
    listed: bool = True
    table: Table | None = None
    eip: str | None = None


@define(eq=False, repr=False)
class Peering(Named):
    id: str
    one: Vpc
    other: Vpc

    def across(self, vpc: Vpc) -> Vpc | None:
        return self.other if vpc is self.one else self.one if vpc is self.other else None


@define(eq=False, repr=False)
class Attachment(Named):
    """Of a VPC to a transit gateway. interfaces: one for each zone."""

    id: str
    vpc: Vpc
    interfaces: dict[str, Interface] = Factory(dict)


@define(eq=False, repr=False)
class TransitGateway(Named):
    id: str
    table_id: str
    attachments: list[Attachment] = Factory(list)
    losses: dict[str, str] = Factory(dict)  # id of the VPC that packets are for: what loses them


@define(eq=False, repr=False)
class Link(Named):
    """Traffic that the network is made for. client, server: an interface or an internet address.
    source, dest: the addresses used (dest is what the client sends to). target: behind an NLB."""

    name: str
    client: Interface | str
    server: Interface | str
    source: str
    dest: str
    protocol: int
    port: int
    target: Interface | None = None
    style: str = "tcp"  # tcp, udp, oneway, ping

    @property
    def answering(self) -> Interface | str:
        """Who answers in the end."""
        return self.target or self.server

    def __str__(self) -> str:
        return f"{self.name}: {self.source} -> {self.dest}:{self.port}/{self.protocol}"


@define(eq=False, repr=False)
class World:
    rng: Random
    vpcs: list[Vpc] = Factory(list)
    subnets: list[Subnet] = Factory(list)
    tables: list[Table] = Factory(list)
    acls: list[Acl] = Factory(list)
    groups: dict[str, Group] = Factory(dict)
    interfaces: list[Interface] = Factory(list)
    nats: dict[str, Nat] = Factory(dict)
    peerings: dict[str, Peering] = Factory(dict)
    transit: TransitGateway | None = None
    lists: dict[str, list[str]] = Factory(dict)  # prefix lists of the customer: pl- to blocks
    aws_lists: dict[str, list[str]] = Factory(dict)  # of AWS: S3
    gateway_endpoints: dict[str, Vpc] = Factory(dict)
    detached: set[str] = Factory(set)  # internet gateways without a VPC
    links: list[Link] = Factory(list)
    needs: list[Any] = Factory(list)  # what rules must allow: see `recorded.py`
    by_address: dict[tuple[str, str], Interface] = field(factory=dict)  # VPC id, address
    counter: int = 0

    def new_id(self, kind: str) -> str:
        """An id like AWS's: kind and 17 hexadecimal digits."""
        self.counter += 1
        return f"{kind}-0{self.rng.getrandbits(48):012x}{self.counter:04x}"

    def add(self, interface: Interface) -> Interface:
        self.interfaces.append(interface)
        for address in (interface.address, interface.address6, interface.secondary):
            if address:
                self.by_address[interface.vpc.id, address] = interface
        return interface

    def remove(self, interface: Interface) -> None:
        self.interfaces.remove(interface)
        self.by_address = {k: v for k, v in self.by_address.items() if v is not interface}

    def at(self, vpc: Vpc, address: str) -> Interface | None:
        return self.by_address.get((vpc.id, address))

    def public_at(self, address: str) -> Interface | None:
        """Whose public address (or IPv6 address) it is."""
        for interface in self.interfaces:
            if address in (interface.public, interface.address6):
                return interface
        return None
