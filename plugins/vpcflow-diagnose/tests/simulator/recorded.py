"""Rules made from what the links need: a packet of each link and its answer go through a network
that lets everything pass, and what its rules were asked is what they must allow."""

from __future__ import annotations

from random import Random

from attrs import frozen

from .addresses import everywhere_of, single
from .model import (
    EPHEMERAL,
    ICMP,
    ICMP6,
    Acl,
    AclRule,
    Group,
    GroupRule,
    Interface,
    Link,
    Subnet,
    World,
)
from .network import Network
from .packet import Packet
from .rules import Asked, acl_rule_matches, group_rule_matches, groups_allow


@frozen(eq=False)
class Need:
    """One question to an ACL (interface None) or to groups (subnet None)."""

    asked: Asked
    subnet: Subnet | None = None
    interface: Interface | None = None
    reply: bool = False
    direct: bool = False


def request_of(link: Link, sport: int) -> Packet:
    icmp = {ICMP: (8, 0), ICMP6: (128, 0)}.get(link.protocol)
    ports = (0, 0) if icmp else (sport, link.port)
    return Packet(link.source, link.dest, *ports, link.protocol, icmp)


def answer_to(seen: Packet, via: object) -> Packet:
    """The answer to a packet as its receiver saw it."""
    icmp = {(8, 0): (0, 0), (128, 0): (129, 0)}.get(seen.icmp) if seen.icmp else None
    return Packet(
        seen.dst, seen.src, seen.dport, seen.sport, seen.protocol, icmp, reply=True, via=via
    )


def needs_of(world: World, link: Link) -> list[Need]:
    """In the order in which they are asked: the request, then the answer."""
    network = Network(world, Random(1), permissive=True)
    fate = network.send(request_of(link, 40000), link.client)
    if fate.packet is not None and fate.delivered is not None and link.style != "oneway":
        network.send(
            answer_to(fate.packet, fate.via),
            fate.delivered if fate.delivered != "internet" else link.dest,
        )
    return [_need(found) for found in network.needs]


def _need(found: tuple[object, ...]) -> Need:
    kind, where, asked, flag = found
    if kind == "acl":
        return Need(asked, subnet=where, reply=bool(flag))  # type: ignore[arg-type]
    return Need(asked, interface=where, direct=bool(flag))  # type: ignore[arg-type]


def make_rules(world: World) -> None:
    """Groups allow what is needed; some subnets get an ACL of their own that does."""
    world.needs = [need for link in world.links for need in needs_of(world, link)]
    for need in world.needs:
        if need.interface is not None:
            allow_in_group(world, need)
    for subnet in world.subnets:
        if not subnet.name.startswith("transit") and world.rng.random() < 0.4:
            subnet.acl = acl_for(world, subnet)
            world.acls.append(subnet.acl)


def allow_in_group(world: World, need: Need) -> None:
    interface, asked = need.interface, need.asked
    assert interface is not None
    if groups_allow(world, interface.groups, asked):
        return
    group = world.rng.choice(interface.groups)
    ports = asked.icmp or (asked.port, asked.port)
    rule = GroupRule(asked.protocol, _source(world, group, need), ports)
    (group.egress if asked.egress else group.ingress).append(rule)


def _source(world: World, group: Group, need: Need) -> str:
    """A reference, a prefix list, a subnet's block or an address: all ways to say who."""
    peer = owner_of(world, need.asked.peer)
    if peer is None:
        return everywhere_of(need.asked.peer)
    chance = world.rng.random()
    if need.direct and peer.groups and chance < 0.5:
        return world.rng.choice(peer.groups).id if chance < 0.1 else peer.groups[0].id
    block = block_of(peer, need.asked.peer)
    if chance < 0.65 and ":" not in block:
        listed = next((k for k, v in world.lists.items() if block in v), None)
        if listed is None:
            listed = world.new_id("pl")
            world.lists[listed] = [block, "192.0.2.240/28"]
        return listed
    return single(need.asked.peer) if chance < 0.75 else block


def owner_of(world: World, address: str) -> Interface | None:
    return next((i for i in world.interfaces if i.owns(address)), None)


def block_of(peer: Interface, address: str) -> str:
    return (peer.subnet.cidr6 or "") if ":" in address else peer.subnet.cidr


def acl_for(world: World, subnet: Subnet, without: Asked | None = None) -> Acl:
    """An ACL that allows what the subnet's links need; `without`: except what would allow that."""
    acl = Acl(world.new_id("acl"), subnet.vpc, subnet.name)
    lines: dict[tuple[object, ...], AclRule] = {}
    for need in world.needs:
        if need.subnet is not subnet:
            continue
        rule = _acl_rule(world, need)
        key = rule.egress, rule.protocol, rule.cidr, rule.ports, rule.icmp
        if without is None or not acl_rule_matches(rule, without):
            lines.setdefault(key, rule)
    numbers = {False: 100, True: 100}
    for rule in lines.values():
        rule.number = numbers[rule.egress]
        numbers[rule.egress] += 10
        acl.rules.append(rule)
    if world.rng.random() < 0.5:
        acl.rules.append(AclRule(90, False, False, -1, "198.18.0.0/15"))
    return acl


def _acl_rule(world: World, need: Need) -> AclRule:
    asked = need.asked
    peer = owner_of(world, asked.peer)
    cidr = block_of(peer, asked.peer) if peer else everywhere_of(asked.peer)
    if asked.icmp:
        return AclRule(0, asked.egress, True, asked.protocol, cidr, icmp=(asked.icmp[0], -1))
    ports = EPHEMERAL if need.reply else (asked.port, asked.port)
    return AclRule(0, asked.egress, True, asked.protocol, cidr, ports)


def strip_groups(world: World, interface: Interface, asked: Asked) -> None:
    """Take away what allows it; where that was "everything", the rest is allowed one by one."""
    for group in interface.groups:
        rules = group.egress if asked.egress else group.ingress
        gone = [rule for rule in rules if group_rule_matches(world, rule, asked)]
        for rule in gone:
            rules.remove(rule)
        if any(rule.protocol == -1 for rule in gone):
            _narrowed(world, group, asked)


def _narrowed(world: World, group: Group, asked: Asked) -> None:
    rules = group.egress if asked.egress else group.ingress
    for need in world.needs:
        if need.interface is None or group not in need.interface.groups:
            continue
        if need.asked.egress != asked.egress or need.asked == asked:
            continue
        ports = need.asked.icmp or (need.asked.port, need.asked.port)
        peer = owner_of(world, need.asked.peer)
        source = single(need.asked.peer) if peer else everywhere_of(need.asked.peer)
        rule = GroupRule(need.asked.protocol, source, ports)
        if not group_rule_matches(world, rule, asked):
            rules.append(rule)
