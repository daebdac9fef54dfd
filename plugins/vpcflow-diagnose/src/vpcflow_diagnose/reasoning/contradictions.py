"""ACCEPTs that a snapshot would deny: nothing about those rules is more than possible then.

Rules may have been changed between the records and the snapshot; a tracked connection may outlive
its rule. Either way the snapshot does not speak for these records (DESIGN section 8).
"""

from __future__ import annotations

from collections.abc import Iterator

from vpcflow_diagnose.network.history import View
from vpcflow_diagnose.network.packet import Packet
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import direction_of, ends_of
from vpcflow_diagnose.reasoning.exchange import TCP
from vpcflow_diagnose.reasoning.routes import way
from vpcflow_diagnose.reasoning.rules import other_way, ruling
from vpcflow_diagnose.traffic.conversation import Conversation


def contradicted(case: Case, accepted: Iterator[Conversation]) -> set[str]:
    """Ids of the rule sets and route tables that denied what passed, by every snapshot that may
    speak about it."""
    found: set[str] = set()
    for c in accepted:
        views = [v for v in case.views(c) if c.interface_id in v.network.interfaces]
        denied = [_denying(view, c) for view in views]
        if denied and all(denied):
            found |= set.union(*denied)
    return found


def _denying(view: View, c: Conversation) -> set[str]:
    """What would have stopped the accepted packets of a conversation."""
    toward = direction_of(view.network, c)
    if toward is None:
        return set()
    found = _rules(view, c, toward, turned=False)
    if found and not (c.protocol == TCP and c.forward.syn):
        # who opened it is not certain: the other way round the rules may allow it
        found = found if _rules(view, c, toward, turned=True) else set()
    return found | _routes(view, c, toward)


def _rules(view: View, c: Conversation, toward: str, *, turned: bool) -> set[str]:
    """turned: as if the server had opened the conversation."""
    at = view.network.interfaces[c.interface_id]
    found: set[str] = set()
    for tally, reply in ((c.forward, False), (c.reply, True)):
        if not tally:
            continue
        there = Packet(c.client, c.server, c.protocol, tally.low_port, c.port)
        packet = there.reversed() if reply else there
        direction = other_way(toward) if reply else other_way(other_way(toward))
        is_answer = reply is not turned
        opening = packet.reversed() if is_answer else None
        ports = (tally.low_port, tally.high_port) if reply else (c.port, c.port)
        rules = ruling(view.network, at, packet, direction, opening=opening, ports=ports)
        for denial in rules.denials:
            whole = not denial.ports or any(
                low <= ports[0] and ports[1] <= high for low, high in denial.ports
            )
            if whole:
                found.add(denial.resource)
    return found


def _routes(view: View, c: Conversation, toward: str) -> set[str]:
    """A conversation that was answered at the client came through, whatever the routes say."""
    if toward != "egress" or not (c.forward and c.reply):
        return set()
    client, server = ends_of(view.network, c)
    if client.interface is None or client.interface.id != c.interface_id:
        return set()
    obstacle = way(view.network, client, server, c.protocol).obstacle
    return {obstacle.resource} if obstacle is not None and obstacle.resource else set()
