"""What the security groups of an interface say to a packet.

Groups only allow, and all groups of an interface count together (VPC User Guide, "Security group
rules").
"""

from __future__ import annotations

from vpcflow_diagnose.network.addresses import number
from vpcflow_diagnose.network.group_members import Answer, member
from vpcflow_diagnose.network.group_rules import GroupRule
from vpcflow_diagnose.network.nearest_rule import nearest_rule, rules_at
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict, towards
from vpcflow_diagnose.network.service import asked
from vpcflow_diagnose.network.tracking import tracked

__all__ = ["evaluate", "tracked"]


def evaluate(
    network: Network, interface: Interface, packet: Packet, direction: Direction
) -> Verdict | None:
    """All groups of the interface together, stateless: whether a rule allows this packet as the
    first of a flow. None: the interface has no security groups by nature."""
    if interface.groupless:
        return None
    if not interface.groups:
        why = f"the inventory does not say the security groups of {interface.id}"
        return Verdict(None, interface.id, "", "", why)
    doubt: Verdict | None = None
    for group_id in interface.groups:
        group = network.groups.get(group_id)
        rules = group.rules(direction) if group is not None else None
        if rules is None:
            why = f"the rules of {group_id} are not in the inventory"
            doubt = doubt or Verdict(None, group_id, "", "", why)
            continue
        for rule in rules:
            allows, why = _allows(network, interface, packet, direction, rule)
            if allows:
                return _allowed(group_id, rule, direction)
            if allows is None:
                doubt = doubt or Verdict(None, group_id, "", "", f"{group_id}: {why}")
    return doubt or _denied(network, interface, packet, direction)


def _allows(
    network: Network, interface: Interface, packet: Packet, direction: Direction, rule: GroupRule
) -> Answer:
    """Whether one rule allows the packet; None and why, if that cannot be told."""
    if rule.service is None:
        return None, "one of its rules cannot be read"
    about = rule.service.matches(packet)
    if about is False:
        return False, ""
    reached, why = _reaches(network, interface, packet, direction, rule)
    if reached and about is None:
        text = rule.text(direction)
        return None, f"it allows {text}, and flow logs do not say the ICMP type"
    return reached, why


def _reaches(
    network: Network, interface: Interface, packet: Packet, direction: Direction, rule: GroupRule
) -> Answer:
    """Whether the rule's peer is the packet's other end."""
    address = number(packet.src if direction == "ingress" else packet.dst)
    if address is None:
        return None, "the packet's other end is no address"
    if rule.block is not None:
        return rule.block.holds(address), ""
    if rule.peer.startswith("pl-"):
        entries = network.prefix_lists.get(rule.peer)
        if entries is None:
            return None, f"the entries of {rule.peer}, which it allows, are not in the inventory"
        return entries.longest(address) is not None, ""
    return member(network, interface, packet, direction, rule, address)


def _allowed(group_id: str, rule: GroupRule, direction: Direction) -> Verdict:
    text = rule.text(direction)
    one = rule.service is not None and rule.service.width == 1
    return Verdict(
        True, group_id, text, f"{group_id} allows {text}", by_name=not rule.everybody or one
    )


def _denied(
    network: Network, interface: Interface, packet: Packet, direction: Direction
) -> Verdict:
    missing = f"{asked(packet)} {towards(direction)} {_host(packet, direction)}"
    found = nearest_rule(network, interface, packet, direction)
    if found is not None:
        group_id, rule = found
        words = f"{group_id} allows {rule.text(direction)}"
        return Verdict(False, group_id, missing, words)
    first = interface.groups[0]
    if any(rules_at(network, interface, direction)):
        other = f"{towards(direction)} {_host(packet, direction).partition('/')[0]}"
        words = f"{first} allows neither {asked(packet)} nor anything {other}"
    else:
        words = f"{first} has no {'inbound' if direction == 'ingress' else 'outbound'} rule"
    return Verdict(False, first, missing, words)


def _host(packet: Packet, direction: Direction) -> str:
    address = packet.src if direction == "ingress" else packet.dst
    return f"{address}/{128 if ':' in address else 32}"
