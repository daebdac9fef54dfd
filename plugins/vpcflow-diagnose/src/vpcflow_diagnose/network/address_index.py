"""Whose an address is, and where it lies. Every question is a few dictionary look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from attrs import define, field
from vpcflow_query.public import NOT_PUBLIC

from vpcflow_diagnose.network.addresses import Block, PrefixTable, block, number, parse

if TYPE_CHECKING:
    from vpcflow_diagnose.network.items import Subnet, Vpc
    from vpcflow_diagnose.network.network import Interface

_NO_INTERNET = (*NOT_PUBLIC, "198.18.0.0/15")
"""What no router on the internet forwards: also the block for measurements (RFC 2544)."""
_AWS = (
    *("169.254.169.123/32", "169.254.169.249/32", "169.254.169.250/31", "169.254.169.252/31"),
    *("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::/32"),
)
"""What AWS answers inside every VPC: time, Windows licences, DNS, instance metadata, credentials of
tasks and pods (EC2 and EKS User Guides)."""
_RESERVED = (1, 2, 3)
"""Of each subnet block: router, DNS, kept for later (VPC User Guide, "Subnet sizing"). The first
and the last address nobody has either, but nothing answers there."""


def _table(blocks: Iterable[str]) -> PrefixTable[str]:
    table: PrefixTable[str] = PrefixTable()
    for text in blocks:
        found = block(text)
        if found is not None:
            table.setdefault(found, text)
    return table


_PRIVATE = _table(_NO_INTERNET)
_SERVICES = _table(_AWS)


@define(eq=False)
class AddressIndex:
    """All addresses of one snapshot."""

    _in_vpc: dict[tuple[str | None, int], Interface] = field(factory=dict)
    _anywhere: dict[int, list[Interface]] = field(factory=dict)
    _public: dict[int, Interface | None] = field(factory=dict)
    _prefixes: dict[str | None, PrefixTable[Interface]] = field(factory=dict)
    _all_prefixes: PrefixTable[list[Interface]] = field(factory=PrefixTable)
    _vpcs: PrefixTable[list[str]] = field(factory=PrefixTable)
    _reserved: dict[int, set[str | None]] = field(factory=dict)

    @classmethod
    def of(
        cls,
        interfaces: Iterable[Interface],
        vpcs: Mapping[str, Vpc],
        subnets: Mapping[str, Subnet],
    ) -> AddressIndex:
        index = cls()
        for vpc in vpcs.values():
            for place, found in enumerate(filter(None, map(block, vpc.blocks))):
                index._vpcs.setdefault(found, []).append(vpc.id)
                if place == 0 and not found.six:  # the resolver is in the primary block
                    index._reserved.setdefault(found.first + 2, set()).add(vpc.id)
        for subnet in subnets.values():
            for found in filter(None, map(block, subnet.blocks)):
                for place in _RESERVED:
                    index._reserved.setdefault(found.first + place, set()).add(subnet.vpc_id)
        for interface in interfaces:
            index._add(interface)
        return index

    def _add(self, interface: Interface) -> None:
        vpc_id = interface.vpc_id
        for address in interface.addresses:
            value = parse(address)
            if value is not None:
                self._in_vpc.setdefault((vpc_id, value), interface)
                self._anywhere.setdefault(value, []).append(interface)
        for public in interface.public.values():
            value = parse(public)
            if value is not None and self._public.setdefault(value, interface) is not interface:
                self._public[value] = None  # it moved while the snapshot was taken
        for prefix in interface.prefixes:
            found = block(prefix)
            if found is not None:
                self._prefixes.setdefault(vpc_id, PrefixTable()).setdefault(found, interface)
                self._all_prefixes.setdefault(found, []).append(interface)

    def in_vpc(self, vpc_id: str | None, address: int) -> Interface | None:
        """The interface of a VPC that has a private address, by itself or in a prefix."""
        found = self._in_vpc.get((vpc_id, address))
        if found is None and vpc_id in self._prefixes:
            return self._prefixes[vpc_id].longest(address)
        return found

    def anywhere(self, address: int) -> list[Interface]:
        """All interfaces that have a private address, whatever their VPC."""
        return self._anywhere.get(address) or self._all_prefixes.longest(address) or []

    def public(self, address: int) -> Interface | None:
        return self._public.get(address)

    def vpcs(self, address: int) -> list[str]:
        """The VPCs whose blocks hold an address, those with the longest block first."""
        found = [vpc for vpcs in self._vpcs.matches(address) for vpc in vpcs]
        return list(dict.fromkeys(found))

    def reserved(self, address: int, vpc_id: str | None) -> bool:
        """Whether AWS keeps the address for itself: in this VPC, or in any if it is None."""
        if _SERVICES.longest(address) is not None:
            return True
        vpcs = self._reserved.get(address)
        if vpcs is None:
            return False
        return vpc_id is None or vpc_id in vpcs or vpc_id not in self.vpcs(address)


def private(address: int) -> bool:
    """Whether the internet does not route it."""
    return _PRIVATE.longest(address) is not None


def within(address: str, blocks: Iterable[str]) -> bool:
    """Whether one of the blocks holds an address."""
    value = number(address)
    if value is None:
        return False
    return any(found.holds(value) for found in _blocks(tuple(blocks)))


def _blocks(texts: tuple[str, ...]) -> Iterable[Block]:
    return filter(None, map(block, texts))
