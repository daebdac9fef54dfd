"""What the security groups of an interface say to a packet."""

from __future__ import annotations

from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict


def evaluate(
    network: Network, interface: Interface, packet: Packet, direction: Direction
) -> Verdict | None:
    """All groups of the interface together, stateless: whether a rule allows this packet as the
    first of a flow. None: the interface has no security groups by nature."""
    raise NotImplementedError


def tracked(network: Network, interface: Interface, packet: Packet, direction: Direction) -> bool:
    """Whether a flow that this packet opens is tracked, so that its replies pass whatever the rules
    say."""
    raise NotImplementedError
