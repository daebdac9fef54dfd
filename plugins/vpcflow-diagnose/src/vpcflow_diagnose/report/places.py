"""Where on the map an address stands: its subnet, a gateway, the internet, or a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from ipaddress import IPv6Address

from attrs import define, field, frozen

from vpcflow_diagnose.network.address_index import private
from vpcflow_diagnose.network.addresses import SIX, PrefixTable, block, number
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.routes import next_hop
from vpcflow_diagnose.report.data import Node

INTERNET = Node("internet", "internet", "Internet")
AWS = Node("aws", "aws", "AWS's own addresses", "DNS, time, metadata")
NO_ADDRESS = Node("none", "elsewhere", "no address")
_GATEWAYS = {
    "peering": ("peering", "peering connection"),
    "transit-gateway": ("transit", "transit gateway"),
    "vpn-gateway": ("transit", "virtual private gateway"),
    "core-network": ("transit", "core network"),
    "endpoint": ("aws", "gateway endpoint"),
    "gateway-load-balancer": ("elsewhere", "gateway load balancer endpoint"),
    "carrier-gateway": ("internet", "carrier gateway"),
    "interface": ("elsewhere", "interface as a route's target"),
}


@frozen
class End:
    """One end of a conversation that is in the inventory. direct: an interface has the address."""

    node: Node
    network: Network
    subnet_id: str | None
    vpc_id: str | None


@define(eq=False)
class Places:
    """networks: the snapshots to look in; none: everything is a block of addresses."""

    networks: Sequence[Network]
    _known: dict[tuple[str, str | None], End | None] = field(factory=dict)

    def nodes(
        self,
        client: str | None,
        server: str | None,
        client_interface: str | None,
        server_interface: str | None,
    ) -> tuple[Node, Node]:
        """The nodes of both ends. None: some public address."""
        if not self.networks:
            return block_node(client), block_node(server)
        ends = (self._end(client, client_interface), self._end(server, server_interface))
        # an address that several VPCs use belongs to the one at the other end, if to any
        if ends[0] is None and ends[1] is not None:
            ends = (self._end(client, None, ends[1].vpc_id), ends[1])
        if ends[1] is None and ends[0] is not None:
            ends = (ends[0], self._end(server, None, ends[0].vpc_id))
        return self._node(ends[0], client, ends[1]), self._node(ends[1], server, ends[0])

    def owner(self, address: str, interface_id: str | None = None) -> Interface | None:
        for network in self.networks:
            seen = network.interfaces.get(interface_id or "")
            found = network.owner(address, seen.vpc_id if seen else None)
            if found is not None:
                return found
        return None

    def _node(self, end: End | None, address: str | None, other: End | None) -> Node:
        if end is not None:
            return end.node
        if other is None or other.subnet_id is None:
            return INTERNET if _public(address) else block_node(address)
        return _outside(other, address)

    def _end(
        self, address: str | None, interface_id: str | None, vpc_id: str | None = None
    ) -> End | None:
        if address is None:
            return None
        key = (address, interface_id or vpc_id)
        if key not in self._known:
            self._known[key] = self._found(address, interface_id, vpc_id)
        return self._known[key]

    def _found(self, address: str, interface_id: str | None, vpc_id: str | None) -> End | None:
        for network in self.networks:
            seen = network.interfaces.get(interface_id or "")
            vpc = vpc_id or (seen.vpc_id if seen is not None else None)
            owner = network.owner(address, vpc)
            if owner is not None and address in owner.public.values():
                return None  # on its way through the internet gateway
            if owner is not None:
                return _owned(network, owner)
            gateway = network.nat_gateway_of(address)
            if gateway is not None and address in gateway.addresses:
                return End(nat_node(network, gateway.id), network, None, gateway.vpc_id)
            subnet_id = self._subnets[id(network)].get(address, vpc)
            if subnet_id is not None:
                node = subnet_node(network, subnet_id)
                return End(node, network, subnet_id, node.vpc)
        return None

    @cached_property
    def _subnets(self) -> Mapping[int, _SubnetIndex]:
        return {id(network): _SubnetIndex.of(network) for network in self.networks}


@frozen
class _SubnetIndex:
    """Subnets by block: for addresses that no interface has."""

    table: PrefixTable[list[tuple[str | None, str]]]

    @classmethod
    def of(cls, network: Network) -> _SubnetIndex:
        table: PrefixTable[list[tuple[str | None, str]]] = PrefixTable()
        for subnet in network.subnets.values():
            for found in filter(None, map(block, subnet.blocks)):
                table.setdefault(found, []).append((subnet.vpc_id, subnet.id))
        return cls(table)

    def get(self, address: str, vpc_id: str | None) -> str | None:
        """The subnet of an address, in this VPC if one is said; None if several have it."""
        value = number(address)
        found = self.table.longest(value) if value is not None else None
        fits = [subnet for vpc, subnet in found or () if vpc_id in (None, vpc)]
        return fits[0] if len(fits) == 1 else None


def _owned(network: Network, owner: Interface) -> End:
    if owner.owner_type == "nat-gateway" and owner.owner_id:
        node = nat_node(network, owner.owner_id)
        return End(node, network, owner.subnet_id, owner.vpc_id)
    if owner.subnet_id is None:
        node = Node(f"interface {owner.id}", "elsewhere", owner.label)
        return End(node, network, None, owner.vpc_id)
    return End(subnet_node(network, owner.subnet_id), network, owner.subnet_id, owner.vpc_id)


def subnet_node(network: Network, subnet_id: str) -> Node:
    subnet = network.subnets.get(subnet_id)
    if subnet is None:
        return Node(f"subnet {subnet_id}", "subnet", subnet_id, vpc="", zone=None)
    blocks = ", ".join(subnet.blocks[:1])
    return Node(
        f"subnet {subnet_id}",
        "subnet",
        subnet.name or subnet_id,
        blocks or (subnet_id if subnet.name else ""),
        subnet.vpc_id or "",
        subnet.zone,
    )


def nat_node(network: Network, gateway_id: str) -> Node:
    gateway = network.nat_gateways.get(gateway_id)
    subnet = network.subnets.get(gateway.subnet_id or "") if gateway else None
    vpc = gateway.vpc_id if gateway else None
    where = subnet.name or subnet.id if subnet else "regional" if gateway else ""
    name = (gateway.name if gateway else None) or gateway_id
    detail = f"NAT gateway in {where}" if subnet else f"NAT gateway {where}".strip()
    zone = subnet.zone if subnet else None
    return Node(f"nat {gateway_id}", "nat", name, detail, vpc or "", zone)


def _outside(end: End, address: str | None) -> Node:
    """What stands for an address outside, by where the subnet's route table sends it."""
    assert end.subnet_id is not None
    if address is not None and end.network.place(address, end.vpc_id) == "aws":
        return AWS
    hop = next_hop(end.network, end.subnet_id, address or "198.51.100.1")
    if hop.target == "nat-gateway" and hop.target_id and end.node.kind != "nat":
        return nat_node(end.network, hop.target_id)
    if hop.target in _GATEWAYS and hop.target_id:
        kind, words = _GATEWAYS[hop.target]
        service = end.network.endpoints.get(hop.target_id)
        if service is not None and service.service:
            name = f"AWS {service.service.rpartition('.')[2]}"
            return Node(f"service {service.service}", "aws", name, words)
        return Node(f"gateway {hop.target_id}", kind, hop.target_id, words)  # type: ignore[arg-type]
    return INTERNET if _public(address) else block_node(address)


def _public(address: str | None) -> bool:
    if address is None:
        return True
    value = number(address)
    return value is not None and not private(value)


def block_node(address: str | None) -> Node:
    """The block of an address, /24 or /64; public IPv4 addresses are the internet."""
    if address is None:
        return INTERNET
    value = number(address)
    if value is None:
        return NO_ADDRESS
    if value >= SIX:
        text = f"{IPv6Address((value - SIX) >> 64 << 64)}/64"
        return Node(f"block {text}", "block", text)
    if not private(value):
        return INTERNET
    text = ".".join(str(value >> shift & 255) for shift in (24, 16, 8)) + ".0/24"
    return Node(f"block {text}", "block", text)
