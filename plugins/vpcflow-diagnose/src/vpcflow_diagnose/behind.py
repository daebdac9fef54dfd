"""What a question about a load balancer is about as well: the load balancer's own connections to
its targets, and clients whose addresses reach the targets."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from attrs import evolve
from vpcflow_query.public import Block

from vpcflow_diagnose.network.items import Target
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.question import Asked, Question

BALANCERS = ("application-load-balancer", "network-load-balancer", "classic-load-balancer")


def behind(networks: Sequence[Network], asked: Question) -> Iterator[Question]:
    """One question for each target of the load balancers that the question's target names.

    Which listener leads to which target group is in no file: of several groups only those whose
    targets listen on the asked port are meant.
    """
    for network in networks:
        for balancer in _balancers(network, asked.target):
            own = [i for i in network.interfaces.values() if i.owner_id == balancer]
            addresses = tuple(_blocks(a for i in own for a in i.addresses))
            for target in _targets(network, balancer, asked.port):
                clients = addresses
                if any(i.owner_type == "network-load-balancer" for i in own):
                    clients += asked.source.blocks or ()
                yield Question(
                    evolve(asked.source, blocks=clients, interfaces=()),
                    Asked(asked.target.text, tuple(_blocks(_addresses(network, target)))),
                    target.port,
                    asked.protocol,
                )


def _balancers(network: Network, end: Asked) -> list[str]:
    """Ids of the load balancers of an end."""
    named = [network.interfaces[i] for i in end.interfaces if i in network.interfaces]
    owner = network.owner(end.one_address) if end.one_address is not None else None
    found = named or ([owner] if owner is not None else [])
    ids = (i.owner_id for i in found if i.owner_type in BALANCERS)
    return [id_ for id_ in dict.fromkeys(ids) if id_ is not None]


def _targets(network: Network, balancer: str, port: int | None) -> list[Target]:
    found = [
        target
        for target in network.targets
        if any(arn.partition(":loadbalancer/")[2] == balancer for arn in target.load_balancers)
    ]
    if port is None or len({target.group for target in found}) == 1:
        return found
    return [target for target in found if target.port == port]


def _addresses(network: Network, target: Target) -> Iterator[str]:
    if not target.id.startswith("i-"):
        yield target.id
        return
    for interface in network.interfaces.values():
        if interface.owner_id == target.id:
            yield from interface.addresses


def _blocks(addresses: Iterator[str]) -> Iterator[Block]:
    for address in addresses:
        try:
            yield ipaddress.ip_network(address)
        except ValueError:
            continue  # a function is a target without an address
