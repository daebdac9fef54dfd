"""The two ends of a conversation, as one snapshot knows them."""

from __future__ import annotations

from attrs import frozen

from vpcflow.errors import printable
from vpcflow_diagnose.network.network import Interface, Network, Place
from vpcflow_diagnose.reasoning.exchange import GATEWAYS
from vpcflow_diagnose.traffic.conversation import Conversation


@frozen
class End:
    """An address, whose it is, and where it lies. interface: None if no interface has it."""

    address: str
    interface: Interface | None
    place: Place

    @property
    def inside(self) -> bool:
        """Whether it lies in one of our VPCs."""
        return self.place in ("interface", "vpc")

    @property
    def passes_on(self) -> bool:
        """Whether it is a gateway, which is the end of no conversation of its own."""
        return self.interface is not None and self.interface.type in GATEWAYS

    @property
    def routes(self) -> bool:
        """Whether it may be a router or NAT instance: it takes what is not for its own address."""
        return self.interface is not None and not self.interface.source_dest_check

    @property
    def vpc_id(self) -> str | None:
        return self.interface.vpc_id if self.interface is not None else None

    @property
    def label(self) -> str:
        """For sentences: "10.0.2.9 (db-1)", or the address alone."""
        shown = printable(self.address, 60)
        if self.interface is None:
            return shown
        return f"{shown} ({printable(self.interface.label, 80)})"


def same_host(one: Interface, other: Interface) -> bool:
    """Whether both are interfaces of one instance."""
    return one.id != other.id and one.owner_id is not None and one.owner_id == other.owner_id


def end_of(network: Network, address: str, vpc_id: str | None) -> End:
    place = network.place(address, vpc_id)
    return End(address, network.owner(address, vpc_id), place)


def ends_of(network: Network, conversation: Conversation) -> tuple[End, End]:
    """Client and server. The recorded interface settles the VPC, and with it whose an address is
    that several VPCs use."""
    at = network.interfaces.get(conversation.interface_id)
    vpc_id = at.vpc_id if at is not None else conversation.vpc_id
    return (
        end_of(network, conversation.client, vpc_id),
        end_of(network, conversation.server, vpc_id),
    )


def direction_of(network: Network | None, conversation: Conversation) -> str | None:
    """Which way the client's packets go at the recorded interface: what the record says, else what
    the interface's addresses say."""
    if conversation.direction is not None or network is None:
        return conversation.direction
    at = network.interfaces.get(conversation.interface_id)
    if at is None:
        return None
    if network.owner(conversation.client, at.vpc_id) is at:
        return "egress"
    if network.owner(conversation.server, at.vpc_id) is at:
        return "ingress"
    return None
