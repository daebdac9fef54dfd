"""Route tables, as DescribeRouteTables gives them, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field, frozen
from vpcflow_aws.inventory_items import Json, parts, text

from vpcflow_diagnose.network.addresses import Block, PrefixTable, block

Blocks = Mapping[str, Sequence[Block]]
"""The blocks of managed prefix lists by id."""

TARGETS = (
    ("EgressOnlyInternetGatewayId", "egress-only"),
    ("NatGatewayId", "nat-gateway"),
    ("TransitGatewayId", "transit-gateway"),
    ("VpcPeeringConnectionId", "peering"),
    ("NetworkInterfaceId", "interface"),
    ("InstanceId", "interface"),
    ("CarrierGatewayId", "carrier-gateway"),
    ("CoreNetworkArn", "core-network"),
    ("VpcEndpointId", "endpoint"),
    ("LocalGatewayId", "other"),
    ("OdbNetworkArn", "other"),
)
"""Fields of a route that name its target, and our words; an instance's route has its interface as
well, which says more. GatewayId comes first: see `_GATEWAYS`."""
_GATEWAYS = {
    "igw": "internet-gateway",
    "eigw": "egress-only",
    "vgw": "vpn-gateway",
    "vpce": "endpoint",
    "nat": "nat-gateway",
    "tgw": "transit-gateway",
    "pcx": "peering",
    "eni": "interface",
    "cagw": "carrier-gateway",
}
"""What GatewayId can hold besides "local", by the beginning of the id."""
_PROPAGATED = ("EnableVgwRoutePropagation", "Advertisement")
STATIC, LISTED, PROPAGATED = range(3)
"""Which route wins among those with equal prefixes (VPC User Guide, "How route priority works")."""


@frozen
class Route:
    """destination: a CIDR or a prefix list's id. state: as AWS writes it."""

    destination: str
    target: str | None
    target_id: str | None
    state: str
    rank: int

    @property
    def local(self) -> bool:
        return self.target == "local"


@define(eq=False)
class RouteTable:
    """subnets, gateways: what it is associated with. main: it is its VPC's. unknown_lists: prefix
    lists that its routes name and whose entries are not known. filtered: destinations of routes in
    the state "filtered", whose meaning AWS does not document: they are not used. broken: how many
    routes cannot be read."""

    id: str
    vpc_id: str | None
    main: bool
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    routes: tuple[Route, ...]
    lists: frozenset[str]
    unknown_lists: tuple[str, ...] = ()
    broken: int = 0
    filtered: PrefixTable[str] = field(factory=PrefixTable, repr=False)
    by_prefix: PrefixTable[list[Route]] = field(factory=PrefixTable, repr=False)

    def matching(self, address: int) -> list[Route]:
        """All routes that match, the one that is used first.

        The local route wins over propagated ones that are more specific (Site-to-Site VPN User
        Guide, "route priority").
        """
        found = [route for routes in self.by_prefix.matches(address) for route in routes]
        if any(route.local for route in found):
            found = [route for route in found if route.rank != PROPAGATED]
        return found


def route_table(item: Json, lists: Blocks) -> RouteTable | None:
    """lists: the prefix lists whose entries are known."""
    id_ = text(item, "RouteTableId")
    if id_ is None:
        return None
    listed = item.get("Routes")
    entries = listed if isinstance(listed, list) else [None]
    routes = tuple(r for entry in entries if (r := _route(entry)) is not None)
    used = [a for a in parts(item, "Associations") if _state(a) not in ("disassociated", "failed")]
    named = frozenset(r.destination for r in routes if r.rank == LISTED)
    table = RouteTable(
        id_,
        text(item, "VpcId"),
        any(association.get("Main") is True for association in used),
        tuple(subnet for a in used if (subnet := text(a, "SubnetId"))),
        tuple(gateway for a in used if (gateway := text(a, "GatewayId"))),
        routes,
        named,
        tuple(sorted(named - lists.keys())),
        len(entries) - len(routes),
    )
    for route in sorted(routes, key=lambda route: route.rank):
        for of in _blocks(route, lists):
            _put(table, of, route)
    return table


def _put(table: RouteTable, of: Block, route: Route) -> None:
    if route.state == "filtered":
        table.filtered.setdefault(of, route.destination)
    else:
        table.by_prefix.setdefault(of, []).append(route)


def _blocks(route: Route, lists: Blocks) -> Sequence[Block]:
    if route.rank == LISTED:
        return lists.get(route.destination, ())
    found = block(route.destination)
    return () if found is None else (found,)


def _state(association: Json) -> str | None:
    state = association.get("AssociationState")
    return text(state, "State") if isinstance(state, dict) else None


def _route(entry: object) -> Route | None:
    """None for what does not say where it holds."""
    if not isinstance(entry, dict):
        return None
    cidr = text(entry, "DestinationCidrBlock") or text(entry, "DestinationIpv6CidrBlock")
    listed = text(entry, "DestinationPrefixListId")
    if block(cidr) is None and listed is None:
        return None
    rank = PROPAGATED if entry.get("Origin") in _PROPAGATED else STATIC
    target, target_id = _target(entry)
    return Route(
        cidr or listed or "",
        target,
        target_id,
        text(entry, "State") or "active",
        LISTED if cidr is None else rank,
    )


def _target(entry: Json) -> tuple[str | None, str | None]:
    gateway = text(entry, "GatewayId")
    if gateway == "local":
        return "local", "local"
    if gateway is not None:
        return _GATEWAYS.get(gateway.partition("-")[0], "other"), gateway
    for name, target in TARGETS:
        found = text(entry, name)
        if found is not None:
            return target, found
    return "other", None
