"""Security groups and network ACLs, evaluated as the VPC guide says."""

from __future__ import annotations

from attrs import frozen

from .addresses import within
from .model import (
    ANY_PROTOCOL,
    DEFAULT_RULE,
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Acl,
    AclRule,
    Group,
    GroupRule,
    Interface,
    World,
)


@frozen
class Asked:
    """What a rule is asked: a packet as seen from one interface. peer: the address at the other
    side. icmp: type and code."""

    egress: bool
    peer: str
    protocol: int
    port: int
    icmp: tuple[int, int] | None = None


def acl_verdict(acl: Acl, asked: Asked) -> tuple[bool, int]:
    """Whether the ACL allows it, and the number of the rule: the first that matches counts."""
    for rule in sorted(acl.rules, key=lambda r: r.number):
        if rule.egress == asked.egress and acl_rule_matches(rule, asked):
            return rule.allow, rule.number
    return False, DEFAULT_RULE


def acl_rule_matches(rule: AclRule, asked: Asked) -> bool:
    if rule.protocol not in (ANY_PROTOCOL, asked.protocol) or not within(asked.peer, rule.cidr):
        return False
    if rule.protocol == ANY_PROTOCOL:
        return True  # ports are ignored
    if rule.protocol in (ICMP, ICMP6):
        wanted, has = rule.icmp or (-1, -1), asked.icmp or (-1, -1)
        return wanted[0] in (-1, has[0]) and wanted[1] in (-1, has[1])
    if rule.protocol in (TCP, UDP) and rule.ports:
        return rule.ports[0] <= asked.port <= rule.ports[1]
    return True


def groups_allow(world: World, groups: list[Group], asked: Asked) -> bool:
    """The union of the groups' rules; they only allow. Statefulness is the caller's part."""
    return any(
        group_rule_matches(world, rule, asked)
        for group in groups
        for rule in (group.egress if asked.egress else group.ingress)
    )


def group_rule_matches(world: World, rule: GroupRule, asked: Asked) -> bool:
    if rule.protocol not in (ANY_PROTOCOL, asked.protocol):
        return False
    if rule.protocol != ANY_PROTOCOL and rule.ports and not _ports(rule, asked):
        return False
    return source_matches(world, rule.source, asked.peer)


def _ports(rule: GroupRule, asked: Asked) -> bool:
    assert rule.ports
    if rule.protocol in (ICMP, ICMP6):
        has = asked.icmp or (-1, -1)
        return rule.ports[0] in (-1, has[0]) and rule.ports[1] in (-1, has[1])
    return rule.ports[0] <= asked.port <= rule.ports[1]


def source_matches(world: World, source: str, peer: str) -> bool:
    """A reference to a group means the private addresses of its interfaces."""
    if source.startswith("sg-"):
        return any(member.owns(peer) for member in members(world, source))
    if source.startswith("pl-"):
        blocks = world.lists.get(source) or world.aws_lists.get(source) or []
        return any(within(peer, cidr) for cidr in blocks)
    return within(peer, source)


def members(world: World, group: str) -> list[Interface]:
    return [i for i in world.interfaces if any(g.id == group for g in i.groups)]
