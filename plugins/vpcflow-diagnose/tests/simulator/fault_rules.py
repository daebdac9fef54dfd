"""Faults of security groups and network ACLs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attrs import evolve

from .addresses import single
from .faults import (
    Choice,
    Fault,
    both,
    from_internet,
    inside,
    kind,
    same_vpc,
    tcp,
    through_nat,
    two_subnets,
)
from .ground import Wish
from .model import EPHEMERAL, ICMP, AclRule, Group, GroupRule, Interface, Link, Subnet, World
from .recorded import Need, acl_for, needs_of, strip_groups
from .rules import Asked, acl_rule_matches


def _group_needs(world: World, link: Link, end: Interface | str, egress: bool) -> list[Need]:
    return [n for n in needs_of(world, link) if n.interface is end and n.asked.egress == egress]


def _strip(world: World, name: str, link: Link, end: Interface | str, egress: bool) -> Fault | None:
    needs = _group_needs(world, link, end, egress)
    if not needs or needs[0].interface is None:
        return None
    strip_groups(world, needs[0].interface, needs[0].asked)
    return Fault(name, link)


def _client_is_ours(world: World, link: Link) -> bool:
    return isinstance(link.client, Interface) and bool(link.client.groups)


def _server_is_ours(world: World, link: Link) -> bool:
    server = link.answering
    return isinstance(server, Interface) and bool(server.groups) and link.target is None


@kind("sg-egress-client", "security-group", _client_is_ours)
def sg_egress(world: World, rng: Random, link: Link) -> Fault | None:
    return _strip(world, "sg-egress-client", link, link.client, True)


@kind("sg-ingress-server", "security-group", both(_server_is_ours, inside))
def sg_ingress(world: World, rng: Random, link: Link) -> Fault | None:
    return _strip(world, "sg-ingress-server", link, link.server, False)


@kind("sg-ingress-from-internet", "security-group", both(_server_is_ours, from_internet))
def sg_from_internet(world: World, rng: Random, link: Link) -> Fault | None:
    return _strip(world, "sg-ingress-from-internet", link, link.server, False)


def _server_kind(*kinds: str) -> Choice:
    def chosen(world: World, link: Link) -> bool:
        return isinstance(link.server, Interface) and link.server.kind in kinds

    return chosen


def _named_server(name: str, *kinds: str) -> None:
    @kind(name, "security-group", both(_server_kind(*kinds), inside))
    def strip(world: World, rng: Random, link: Link) -> Fault | None:
        return _strip(world, name, link, link.server, False)


_named_server("sg-rds", "rds")
_named_server("sg-cache", "cache")
_named_server("sg-endpoint", "endpoint")


def _from_alb(world: World, link: Link) -> bool:
    return isinstance(link.client, Interface) and link.client.kind == "alb"


@kind("alb-target-refused", "security-group", _from_alb)
def alb_target(world: World, rng: Random, link: Link) -> Fault | None:
    return _strip(world, "alb-target-refused", link, link.server, False)


@kind("sg-wrong-reference", "security-group", both(same_vpc, _server_is_ours, _client_is_ours))
def wrong_reference(world: World, rng: Random, link: Link) -> Fault | None:
    """The rule is there, for a group that the client is not in."""
    server, client = link.server, link.client
    assert isinstance(server, Interface)
    assert isinstance(client, Interface)
    needs = _group_needs(world, link, server, False)
    if not needs:
        return None
    strip_groups(world, server, needs[0].asked)
    others: list[Group] = [
        g for g in world.groups.values() if g.vpc is server.vpc and g not in client.groups
    ]
    port = needs[0].asked.icmp or (link.port, link.port)
    server.groups[0].ingress.append(GroupRule(link.protocol, rng.choice(others).id, port))
    return Fault("sg-wrong-reference", link)


def _behind_nlb(world: World, link: Link) -> bool:
    return link.target is not None


@kind("nlb-target-refuses-clients", "security-group", _behind_nlb)
def nlb_target(world: World, rng: Random, link: Link) -> Fault | None:
    """The target's group allows the load balancer's subnet; but the clients' addresses arrive."""
    target, balancer = link.target, link.server
    assert target is not None
    assert isinstance(balancer, Interface)
    needs = _group_needs(world, link, target, False)
    strip_groups(world, target, needs[0].asked)
    rule = GroupRule(link.protocol, balancer.subnet.cidr, (link.port, link.port))
    target.groups[0].ingress.append(rule)
    return Fault("nlb-target-refuses-clients", link)


@kind(
    "six-missing",
    "security-group",
    lambda world, link: ":" in link.dest,
    Wish(six=True),
)
def six_missing(world: World, rng: Random, link: Link) -> Fault | None:
    """The rule for IPv4 is there, the one for IPv6 is not."""
    needs = [n for n in needs_of(world, link) if n.interface is not None]
    need = rng.choice(needs)
    assert need.interface is not None
    strip_groups(world, need.interface, need.asked)
    return Fault("six-missing", link)


@kind("six-acl-missing", "network-acl", lambda world, link: ":" in link.dest, Wish(six=True))
def six_acl(world: World, rng: Random, link: Link) -> Fault | None:
    return _acl_fault(world, rng, "six-acl-missing", link, lambda n: True)


# -- network ACLs


def _acl_fault(
    world: World, rng: Random, name: str, link: Link, wanted: Callable[[Need], bool]
) -> Fault | None:
    needs = [n for n in needs_of(world, link) if n.subnet is not None and wanted(n)]
    if not needs:
        return None
    need = rng.choice(needs)
    assert need.subnet is not None
    use_acl(world, need.subnet, need.asked)
    return Fault(name, link)


def use_acl(world: World, subnet: Subnet, without: Asked) -> None:
    """Give the subnet an ACL that allows all that is needed but one thing."""
    subnet.acl = acl_for(world, subnet, without)
    world.acls.append(subnet.acl)


def _subnet_of(end: Interface | str) -> Subnet | None:
    return end.subnet if isinstance(end, Interface) else None


def _acl_kind(name: str, end: str, egress: bool, reply: bool) -> None:
    def usable(world: World, link: Link) -> bool:
        whose = link.client if end == "client" else link.server
        crossing = not isinstance(link.client, Interface) or not isinstance(link.server, Interface)
        crossing = crossing or two_subnets(world, link)
        return isinstance(whose, Interface) and crossing and link.style != "oneway"

    @kind(name, "network-acl", usable)
    def break_acl(world: World, rng: Random, link: Link) -> Fault | None:
        subnet = _subnet_of(link.client if end == "client" else link.server)
        return _acl_fault(
            world,
            rng,
            name,
            link,
            lambda n: n.subnet is subnet and n.asked.egress == egress and n.reply == reply,
        )


_acl_kind("acl-out-client", "client", True, False)
_acl_kind("acl-in-server", "server", False, False)
_acl_kind("acl-ephemeral-server", "server", True, True)
_acl_kind("acl-ephemeral-client", "client", False, True)


def _reply_rules(world: World, link: Link, end: Interface, egress: bool) -> list[AclRule]:
    """Rules of the end's ACL that let the answer pass; the ACL becomes the subnet's own."""
    needs = [
        n
        for n in needs_of(world, link)
        if n.subnet is end.subnet and n.reply and n.asked.egress == egress
    ]
    if not needs:
        return []
    end.subnet.acl = acl_for(world, end.subnet)
    world.acls.append(end.subnet.acl)
    asked = evolve(needs[0].asked, port=2000)
    return [r for r in end.subnet.acl.rules if r.allow and acl_rule_matches(r, asked)]


def _any_port_client(world: World, link: Link) -> bool:
    """A client that uses ports from 1024: load balancer, function."""
    return isinstance(link.client, Interface) and link.client.clients == EPHEMERAL


@kind("acl-range-too-narrow", "network-acl", both(two_subnets, tcp, _any_port_client))
def narrow_range(world: World, rng: Random, link: Link) -> Fault | None:
    """The ACL lets answers pass to the ports of Linux only."""
    server = link.server
    assert isinstance(server, Interface)
    rules = _reply_rules(world, link, server, True)
    for rule in rules:
        rule.ports = rng.choice(((32768, 60999), (32768, 65535), (49152, 65535)))
    low = rng.sample(range(1024, 32768), rng.randint(2, 4))
    return Fault("acl-range-too-narrow", link, ports=low) if rules else None


@kind("acl-range-nat", "network-acl", both(through_nat, tcp), Wish(nat="zonal"))
def narrow_nat(world: World, rng: Random, link: Link) -> Fault | None:
    """Answers from the internet to the NAT gateway are let in to no port that it uses."""
    return _acl_fault(
        world,
        rng,
        "acl-range-nat",
        link,
        lambda n: (
            n.subnet is not None
            and n.subnet.name.startswith("public")
            and not n.asked.egress
            and n.reply
        ),
    )


@kind("acl-deny-one", "network-acl", two_subnets)
def deny_one(world: World, rng: Random, link: Link) -> Fault | None:
    """A rule with a low number denies one address."""
    needs = [n for n in needs_of(world, link) if n.subnet is not None]
    need = rng.choice(needs)
    subnet = need.subnet
    assert subnet is not None
    if subnet.acl.default:
        subnet.acl = acl_for(world, subnet)
        world.acls.append(subnet.acl)
    number = rng.choice((1, 10, 50, 99))
    rule = AclRule(number, need.asked.egress, False, -1, single(need.asked.peer))
    subnet.acl.rules.append(rule)
    return Fault("acl-deny-one", link)


def _order_usable(world: World, link: Link) -> bool:
    return (
        two_subnets(world, link) and _server_is_ours(world, link) and _client_is_ours(world, link)
    )


@kind("both-deny-in", "network-acl", _order_usable)
def both_in(world: World, rng: Random, link: Link) -> Fault | None:
    return _both(world, link, "both-deny-in", link.server, False)


@kind("both-deny-out", "security-group", _order_usable)
def both_out(world: World, rng: Random, link: Link) -> Fault | None:
    return _both(world, link, "both-deny-out", link.client, True)


def _both(world: World, link: Link, name: str, end: Interface | str, egress: bool) -> Fault | None:
    needs = _group_needs(world, link, end, egress)
    if not needs or not isinstance(end, Interface):
        return None
    strip_groups(world, end, needs[0].asked)
    use_acl(world, end.subnet, needs[0].asked)
    return Fault(name, link)


@kind(
    "icmp-acl",
    "network-acl",
    lambda world, link: link.protocol == ICMP,
)
def icmp_acl(world: World, rng: Random, link: Link) -> Fault | None:
    return _acl_fault(world, rng, "icmp-acl", link, lambda n: True)


# -- the snapshot and the records differ


@kind("rule-removed-while-tracked", None, both(same_vpc, _server_is_ours, tcp))
def removed_while_tracked(world: World, rng: Random, link: Link) -> Fault | None:
    """A tracked connection goes on after its rule is gone; the snapshot has no rule."""
    needs = _group_needs(world, link, link.server, False)
    server = link.server
    assert isinstance(server, Interface)

    def remove() -> None:
        strip_groups(world, server, needs[0].asked)

    return Fault("rule-removed-while-tracked", link, mend=remove, healthy=True) if needs else None


@kind("repaired-before-snapshot", "security-group", both(inside, _server_is_ours))
def repaired(world: World, rng: Random, link: Link) -> Fault | None:
    """What the inventory says allows it: the rule was put back before the snapshot."""
    server = link.server
    assert isinstance(server, Interface)
    before = [(g, list(g.ingress), list(g.egress)) for g in server.groups]
    fault = _strip(world, "repaired-before-snapshot", link, server, False)

    def restore() -> None:
        for group, ingress, egress in before:
            group.ingress, group.egress = ingress, egress

    if fault:
        fault.mend, fault.unexplained = restore, True
    return fault
