"""What the network ACL of a subnet says to a packet."""

from __future__ import annotations

from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict


def evaluate(network: Network, subnet_id: str, packet: Packet, direction: Direction) -> Verdict:
    """ingress: into the subnet. `allowed` is None if the subnet's ACL is not known."""
    raise NotImplementedError


def by_port(
    network: Network, subnet_id: str, packet: Packet, direction: Direction, low: int, high: int
) -> list[tuple[int, int, Verdict]]:
    """The verdicts on destination ports low..high, as ranges in order that share one: a reply's
    destination port is the client's. packet.dstport does not count."""
    raise NotImplementedError
