"""Which flows a security group remembers, so that replies pass whatever the rules say.

EC2 User Guide, "Security group connection tracking": a TCP or UDP flow is not tracked if a rule
allows it for everybody and a rule of the other direction allows all ports to everybody; and even
then it is, where the connection goes through one of the things in `_TYPES` and `_TARGETS`. Lambda's
interfaces and DynamoDB's gateway endpoints are believed to belong to these.
"""

from __future__ import annotations

from vpcflow_diagnose.network import routes
from vpcflow_diagnose.network.addresses import number
from vpcflow_diagnose.network.group_rules import GroupRule
from vpcflow_diagnose.network.nearest_rule import rules_at
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet
from vpcflow_diagnose.network.service import LAST_PORT, PORTS

_TYPES = frozenset(
    {
        *("network_load_balancer", "gateway_load_balancer", "gateway_load_balancer_endpoint"),
        *("vpc_endpoint", "nat_gateway", "natGateway", "transit_gateway", "lambda"),
        "global_accelerator_managed",
    }
)
_TARGETS = frozenset({"egress-only", "nat-gateway", "gateway-load-balancer", "transit-gateway"})


def tracked(network: Network, interface: Interface, packet: Packet, direction: Direction) -> bool:
    """Whether a flow that this packet opens is tracked, so that its replies pass whatever the rules
    say."""
    if packet.protocol not in PORTS or interface.groupless:
        return True
    back: Direction = "egress" if direction == "ingress" else "ingress"
    address = number(packet.src if direction == "ingress" else packet.dst)
    if address is None:
        return True
    opens = any(
        _for_everybody(rule, address) and rule.service and rule.service.matches(packet)
        for _, rule in rules_at(network, interface, direction)
    )
    answers = opens and any(
        _for_everybody(rule, address) and _all_ports(rule, packet.protocol)
        for _, rule in rules_at(network, interface, back)
    )
    return not answers or _automatically(network, interface, packet, direction)


def _for_everybody(rule: GroupRule, address: int) -> bool:
    return rule.block is not None and rule.everybody and rule.block.holds(address)


def _all_ports(rule: GroupRule, protocol: int) -> bool:
    service = rule.service
    if service is None or service.protocol not in (None, protocol):
        return False
    return service.low == 0 and service.high == LAST_PORT


def _automatically(
    network: Network, interface: Interface, packet: Packet, direction: Direction
) -> bool:
    """Whether the connection goes through what is always tracked."""
    if interface.type in _TYPES:
        return True
    other = packet.src if direction == "ingress" else packet.dst
    peer = network.owner(other, interface.vpc_id)
    if peer is not None and peer.type in _TYPES:
        return True
    if interface.subnet_id is None:
        return False
    hop = routes.next_hop(network, interface.subnet_id, other)
    if hop.target == "endpoint":
        known = network.endpoints.get(hop.target_id or "")
        return known is not None and (known.service or "").endswith(".dynamodb")
    return hop.target in _TARGETS
