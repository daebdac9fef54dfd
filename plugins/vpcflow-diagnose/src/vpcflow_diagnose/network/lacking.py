"""What a snapshot does not give, in sentences: only what matters to a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vpcflow_aws.inventory import INTERFACES, Lack, Snapshot

if TYPE_CHECKING:
    from vpcflow_diagnose.network.network import Network

_ALWAYS = {
    INTERFACES: "whose an address is and which rules hold for it cannot be told",
    "security-groups.json": "security groups cannot be judged",
    "network-acls.json": "network ACLs cannot be judged",
    "route-tables.json": "routes cannot be judged",
    "subnets.json": "the blocks of subnets are not known",
    "nat-gateways.json": "the state of NAT gateways is not known",
    "internet-gateways.json": "whether internet gateways are attached is not known",
}
"""Files that every network has something in, and what follows if they are not there."""
_IF_USED = {
    "vpc-peering-connections.json": ("peering", "the other ends of peerings are not known"),
    "transit-gateway-attachments.json": (
        "transit-gateway",
        "what is behind transit gateways is not known",
    ),
    "egress-only-internet-gateways.json": (
        "egress-only",
        "whether egress-only internet gateways are attached is not known",
    ),
    "vpc-endpoints.json": ("endpoint", "the kinds and services of endpoints are not known"),
}
"""Files that matter if a route leads to such a target."""


def unread(snapshot: Snapshot) -> frozenset[str]:
    """Files whose list could not be read at all."""
    return frozenset(lack.file for lack in snapshot.lacks if not lack.part)


def lacks(snapshot: Snapshot, network: Network) -> list[str]:
    """One sentence for each file; `network` is what could be read."""
    targets = {route.target for table in network.tables.values() for route in table.routes}
    said = list(_always(snapshot))
    for file, (target, consequence) in _IF_USED.items():
        if target in targets:
            said.extend(_sentences(snapshot, file, consequence))
    said.extend(_prefix_lists(snapshot, network))
    return said


def _always(snapshot: Snapshot) -> Iterator[str]:
    for file, consequence in _ALWAYS.items():
        yield from _sentences(snapshot, file, consequence)


def _sentences(snapshot: Snapshot, file: str, consequence: str) -> Iterator[str]:
    for lack in snapshot.lacks:
        if lack.file == file:
            yield _sentence(lack, consequence)


def _sentence(lack: Lack, consequence: str) -> str:
    if lack.part:
        return f"{lack.file}: {lack.reason}"
    return f"{lack.file} {lack.reason}: {consequence}"


def _prefix_lists(snapshot: Snapshot, network: Network) -> Iterator[str]:
    """Lists that a rule or a route names and whose entries could not be read."""
    named = {
        rule.peer
        for group in network.groups.values()
        for rules in (group.ingress, group.egress)
        for rule in rules or ()
        if rule.peer.startswith("pl-")
    }
    named.update(id_ for table in network.tables.values() for id_ in table.lists)
    reasons = {lack.file: lack.reason for lack in snapshot.lacks}
    for id_ in sorted(named - network.prefix_lists.keys()):
        file = f"managed-prefix-list-entries/{id_}.json"
        reason = reasons.get(file, "is not there")
        yield f"{file} {reason}: what the prefix list holds is not known"
