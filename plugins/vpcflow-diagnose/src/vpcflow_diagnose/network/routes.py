"""Where a subnet's route table sends a packet."""

from __future__ import annotations

from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Hop


def next_hop(network: Network, subnet_id: str, address: str) -> Hop:
    """Longest prefix, static before propagated, CIDR before prefix list."""
    raise NotImplementedError


def table_hop(network: Network, table_id: str, address: str) -> Hop:
    """The same, asked of a table: a gateway's edge table, a regional NAT gateway's own."""
    raise NotImplementedError
