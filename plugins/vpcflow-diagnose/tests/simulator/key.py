"""The answer key: what an engineer could prove with the inventory, and say without it."""

from __future__ import annotations

from attrs import Factory, define

from .conversations import Outcome
from .faults import Fault
from .model import ICMP
from .packet import Drop
from .tape import Row

UNDECIDED = "security-group-or-network-acl"


@define
class Expected:
    """cause, resource: of the fault; None if there is none, or none that left a record. right:
    pairs that are right; a resource of None stands for any. nameable: causes that may be said with
    more than "possible" without an inventory. visible: some record of the fault's conversation was
    written. hard: it need not be found, since packets pass both ways and nothing in this format
    says that they are only handshakes."""

    cause: str | None
    resource: str | None
    srcaddr: str
    dstaddr: str
    dstport: int
    protocol: int
    right: set[tuple[str, str | None]] = Factory(set)
    nameable: set[str] = Factory(set)
    visible: bool = True
    hard: bool = False

    def accepts(self, cause: str, resource: str | None) -> bool:
        """Whether a finding with this cause and resource is right."""
        return (cause, resource) in self.right or (cause, None) in self.right

    @property
    def also_right(self) -> set[tuple[str, str | None]]:
        return self.right - {(self.cause or "", self.resource)}


def expected_of(
    fault: Fault, outcomes: list[Outcome], logged: list[Row], hops: set[int], format_: str
) -> Expected:
    """outcomes: of all that failed. hops: of the fault's own conversation, as ids."""
    link = fault.link
    key = Expected(None, None, link.source, link.dest, link.port, link.protocol)
    written = {id(row.hop) for row in logged}
    tuples = {_tuple(row) for row in logged}
    key.visible = bool(written & hops)
    for outcome in outcomes:
        if outcome.drop is not None:
            _allow(key, outcome.drop, outcome, tuples, format_)
    first = outcomes[0].drop
    if first is None:
        return key
    if fault.unexplained:
        key.right = {("unexplained-reject", None)}
        if key.protocol == ICMP:  # which message it was is not in the log: rules may deny others
            key.right.add((UNDECIDED, None))
        key.cause = "unexplained-reject" if key.visible else None
        refused = [h for f in outcomes[0].fates for h in f.hops if not h.accepted]
        if key.visible and not written & {id(h) for h in refused}:
            key.cause, key.right = "no-answer", {("no-answer", None)}  # where it is logged
        return key
    if key.visible:
        key.cause = first.cause
        key.resource = first.resources[0] if first.resources else None
        key.hard = format_ == "default" and _both_ways(outcomes[0], written)
    return key


def _both_ways(outcome: Outcome, written: set[int]) -> bool:
    """Whether request and answer were accepted wherever they were recorded."""
    if len(outcome.fates) < 2:
        return False
    ways = [[h for h in fate.hops if id(h) in written] for fate in outcome.fates]
    return all(ways) and all(h.accepted for way in ways for h in way)


def _tuple(row: Row) -> tuple[object, ...]:
    hop = row.hop
    return hop.interface.id, hop.src, hop.dst, hop.sport, hop.dport, row.protocol, hop.accepted


def _allow(
    key: Expected, drop: Drop, outcome: Outcome, tuples: set[tuple[object, ...]], format_: str
) -> None:
    for cause, resources in drop.pairs():
        key.nameable.add(cause)
        key.right |= {(cause, resource) for resource in resources} or {(cause, None)}
    refused = [h for f in outcome.fates for h in f.hops if not h.accepted]
    seen = any(
        (h.interface.id, h.src, h.dst, h.sport, h.dport, key.protocol, False) in tuples
        for h in refused
    )
    if refused and seen:
        key.nameable.add(UNDECIDED)
        if drop.cause == "no-route" and len(outcome.fates) > 1:
            # whether AWS writes REJECT here is not confirmed; by its texts this is the ACL
            key.nameable.add("network-acl")
    if any(h.accepted for f in outcome.fates for h in f.hops) or not seen:
        key.nameable.add("no-answer")  # accepted where it was seen, and nothing came back
