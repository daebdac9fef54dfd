"""What a REJECT means: which of security group, network ACL and the rest dropped it.

The record says that one of them did, not which (VPC User Guide, "Flow log record examples"). With
a snapshot both are evaluated; without one, direction and statefulness say what can be said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from attrs import evolve, frozen

from vpcflow_diagnose.finding import Confidence
from vpcflow_diagnose.network.history import View
from vpcflow_diagnose.network.packet import Direction, Packet
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import End, direction_of, ends_of, same_host
from vpcflow_diagnose.reasoning.exchange import IDLE_MS, TCP, Exchange, late
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.routes import way, way_back
from vpcflow_diagnose.reasoning.rules import Denial, Ruling, other_way, ruling
from vpcflow_diagnose.traffic.conversation import Conversation, Tally

REASONS = {"BPA": "block-public-access", "EC": "encryption-control"}
UNDECIDED = "security-group-or-network-acl"


@frozen
class Refusal:
    """One tally of rejected packets. reply: they are the server's answers. way: of the packets, at
    the recorded interface; None if it is not known."""

    exchange: Exchange
    seen: Conversation
    tally: Tally
    reply: bool
    way: Direction | None

    @property
    def packet(self) -> Packet:
        """The refused packet, with the lowest client port that was seen."""
        there = self.opening
        return there.reversed() if self.reply else there

    @property
    def opening(self) -> Packet:
        e = self.exchange
        return Packet(e.client, e.server, e.protocol, self.tally.low_port, e.port)

    @property
    def ports(self) -> tuple[int, int]:
        return (self.tally.low_port, self.tally.high_port)

    @property
    def passed(self) -> Tally:
        """Packets of the same direction that were accepted."""
        return self.seen.reply if self.reply else self.seen.forward

    @property
    def late(self) -> bool:
        """Whether these packets came after the end of their connection. One of which no packet of
        this direction ever passed was not open, unless the log began in the middle of it."""
        there = self.seen.forward if self.reply else self.seen.reply
        if self.passed:
            return late(self.tally, self.passed, there)
        inside = self.exchange.protocol == TCP and self.tally.flagged == self.tally.flows
        return inside and not there.syn and late(self.tally, there, there)

    @property
    def unasked(self) -> bool:
        """Whether it passes for a reply by its ports alone: no request was seen, and no flag says
        so. A scanner may send from the port of a service."""
        return self.reply and not self.seen.forward and not self.tally.syn_ack

    @property
    def opens(self) -> bool:
        """Whether the records show that these packets open a connection, or answer that."""
        return self.tally.syn > 0 or self.tally.syn_ack > 0


def refusals(case: Case, exchange: Exchange) -> Iterator[Refusal]:
    """Every tally of rejected packets in an exchange."""
    for seen in exchange.seen:
        views = case.views(seen)
        toward = direction_of(views[0].network if views else None, seen)
        for tally, reply in ((seen.forward_rejected, False), (seen.reply_rejected, True)):
            if not tally:
                continue
            way = None if toward is None else other_way(toward) if reply else toward
            yield Refusal(exchange, seen, tally, reply, cast("Direction | None", way))


def judge(case: Case, refusal: Refusal) -> Judgement:
    """The one cause of a refusal."""
    reason = REASONS.get(refusal.tally.reject_reason or "")
    if reason is not None:
        return _by_reason(refusal, reason)
    views = case.views(refusal.seen, refusal.tally)
    rulings = [(v, r) for v in views if (r := _ruling(v, refusal)) is not None]
    if not rulings:
        return _logs_alone(case, refusal)
    for view, found in rulings:
        if found.denials:
            return _denied(refusal, view, found, _sure(case, refusal, view, rulings))
    if any(found.undecided for _, found in rulings):
        return _as_ping(refusal, rulings) or _unknown(case, refusal, rulings)
    return _allowed(case, refusal, rulings[0][0])


def _ruling(view: View, refusal: Refusal) -> Ruling | None:
    """What a snapshot's rules say to refused packets; None if it does not know the interface."""
    at = view.network.interfaces.get(refusal.seen.interface_id)
    if at is None or refusal.way is None or not refusal.exchange.told:
        return None
    return rule_on(view, refusal, refusal.tally)


def rule_on(view: View, refusal: Refusal, tally: Tally) -> Ruling:
    at = view.network.interfaces[refusal.seen.interface_id]
    assert refusal.way is not None
    opening = refusal.opening if refusal.reply else None
    ports = (tally.low_port, tally.high_port)
    return ruling(view.network, at, refusal.packet, refusal.way, opening=opening, ports=ports)


def _by_reason(refusal: Refusal, cause: str) -> Judgement:
    """AWS itself says why (reject-reason, record version 8)."""
    return Judgement(
        cause,
        "proven",
        say.by_reason(refusal.exchange, refusal.seen, cause),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        refusal.seen.interface_id,
        evidence=(f"reject-reason {refusal.tally.reject_reason}",),
    )


def _sure(
    case: Case, refusal: Refusal, view: View, rulings: list[tuple[View, Ruling]]
) -> Confidence:
    """How sure a denial by `view` is."""
    denying = [found for _, found in rulings if found.denials]
    denial = denying[0].denials[0]
    same = all(found.denials[0] == denial for found in denying)
    settled = same and (view.near or (len(rulings) > 1 and len(denying) == len(rulings)))
    if denial.resource in case.contradicted or refusal.unasked or contradicted(case, refusal):
        return "possible"
    if refusal.late:
        return "likely" if refusal.tally.flagged == 0 else "possible"
    return "proven" if settled and not denying[0].undecided else "likely"


def _denied(
    refusal: Refusal,
    view: View,
    found: Ruling,
    confidence: Confidence,
    doubts: tuple[str, ...] = (),
) -> Judgement:
    denial, *others = found.denials
    client, server = ends_of(view.network, refusal.seen)
    return Judgement(
        denial.cause,
        confidence,
        say.denied(refusal.exchange, client, server, denial, refusal.reply, refusal.ports),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        denial.resource,
        denial.rule,
        also=tuple(str(other) for other in others),
        evidence=(say.snapshot(view), *doubts, *found.unknown),
        scope=_scope(refusal, denial),
    )


def _scope(refusal: Refusal, denial: Denial) -> tuple[object, ...]:
    """Replies that an ACL drops are one fault whatever the service; requests are one for each
    service."""
    if refusal.reply:
        return ()
    return (refusal.exchange.port, refusal.exchange.protocol)


def contradicted(case: Case, refusal: Refusal) -> bool:
    """Whether packets of the same conversation passed that every snapshot would deny."""
    if not refusal.passed:
        return False
    views = case.views(refusal.seen, refusal.passed)
    known = [v for v in views if refusal.seen.interface_id in v.network.interfaces]
    if not known or refusal.way is None:
        return False
    return all(_denies_all(rule_on(v, refusal, refusal.passed), refusal) for v in known)


def _denies_all(found: Ruling, refusal: Refusal) -> bool:
    """Of replies, whether no client port that passed would be let through."""
    if not found.denials:
        return False
    spans = found.denials[0].ports
    low, high = refusal.passed.low_port, refusal.passed.high_port
    return not spans or any(a <= low and high <= b for a, b in spans)


def _as_ping(refusal: Refusal, rulings: list[tuple[View, Ruling]]) -> Judgement | None:
    """Flow logs do not say the ICMP type. Most is ping: if that is denied, it is that rule."""
    types = {1: (8, 0), 58: (128, 129)}.get(refusal.exchange.protocol)
    if types is None or refusal.way is None:
        return None
    packet = evolve(refusal.packet, icmp_type=types[refusal.reply], icmp_code=0)
    opening = refusal.opening if refusal.reply else None
    for view, _ in rulings:
        at = view.network.interfaces[refusal.seen.interface_id]
        found = ruling(view.network, at, packet, refusal.way, opening=opening)
        if found.denials:
            return _denied(refusal, view, found, "possible", ("judged as a ping: " + NO_TYPE,))
    return None


NO_TYPE = "flow logs do not say the ICMP type"


def _unknown(case: Case, refusal: Refusal, rulings: list[tuple[View, Ruling]]) -> Judgement:
    """A rule set cannot be judged. Where the other one allows, it is this one, if it is a rule."""
    lacks = tuple(dict.fromkeys(text for _, found in rulings for text in found.unknown))
    for text in lacks:
        case.note(text)
    if refusal.late:
        return _late(refusal)
    open_ = list(dict.fromkeys((u.cause, u.resource) for _, r in rulings for u in r.undecided))
    causes = {cause for cause, _ in open_}
    resource = open_[0][1] if len(open_) == 1 else None
    return Judgement(
        causes.pop() if len(causes) == 1 else UNDECIDED,
        "possible",
        say.undecided(
            refusal.exchange, refusal.seen, refusal.way, refusal.reply, [c for c, _ in open_]
        ),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        resource,
        evidence=lacks,
        scope=(refusal.seen.interface_id, refusal.exchange.port, refusal.exchange.protocol),
    )


def _allowed(case: Case, refusal: Refusal, view: View) -> Judgement:
    """Neither rule set denies: what else drops packets, or why the snapshot may not tell."""
    network = view.network
    client, server = ends_of(network, refusal.seen)
    if refusal.late:
        return _late(refusal)
    blocked = _public_access(case, refusal, view, client, server)
    if blocked is not None:
        return blocked
    obstacle = None
    leaves = network.interfaces.get(refusal.seen.interface_id)
    if refusal.reply and leaves and server.interface and same_host(leaves, server.interface):
        return Judgement(
            "asymmetric-return",
            "likely",
            say.other_door(refusal.exchange, leaves.id, server.interface.id),
            refusal.exchange,
            refusal.seen,
            refusal.tally,
            "return",
            leaves.id,
            evidence=(say.snapshot(view),),
        )
    if refusal.way == "egress":
        sender, target = (server, client) if refusal.reply else (client, server)
        if sender.interface is not None and sender.interface.id == refusal.seen.interface_id:
            leg = (
                way_back(network, sender, target, refusal.exchange.protocol, None)
                if refusal.reply
                else way(network, sender, target, refusal.exchange.protocol)
            )
            obstacle = leg.obstacle
    if obstacle is not None:
        return Judgement(
            obstacle.cause,
            "likely" if view.near else "possible",
            say.stopped(refusal.exchange, obstacle.words, refusal.reply),
            refusal.exchange,
            refusal.seen,
            refusal.tally,
            "return" if refusal.reply else refusal.way,
            obstacle.resource,
            obstacle.rule,
            evidence=(say.snapshot(view), "neither security groups nor the network ACL deny it"),
        )
    return Judgement(
        "unexplained-reject",
        "likely" if refusal.opens and view.near else "possible",
        say.unexplained(refusal.exchange, refusal.seen, refusal.way, refusal.reply),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        refusal.seen.interface_id,
        evidence=(say.snapshot(view),),
        scope=(refusal.exchange.port, refusal.exchange.protocol),
        asked=_rule_sets(view, refusal),
    )


def _rule_sets(view: View, refusal: Refusal) -> tuple[str, ...]:
    """The groups and the ACL of the interface, whose changes would explain what they do not."""
    at = view.network.interfaces[refusal.seen.interface_id]
    acl = view.network.acl_of(at.subnet_id or "")
    return at.groups + ((acl.id,) if acl is not None else ())


def _public_access(
    case: Case, refusal: Refusal, view: View, client: End, server: End
) -> Judgement | None:
    """VPC Block Public Access, where the format has no reject-reason and the subnet is blocked."""
    at = view.network.interfaces[refusal.seen.interface_id]
    subnet = view.network.subnets.get(at.subnet_id or "")
    mode = subnet.block_public_access if subnet else None
    if mode not in ("block-bidirectional", "block-ingress") or case.has_reasons:
        return None
    other = client if refusal.way == "ingress" else server
    if "internet" not in (client.place, server.place) and other.place != "internet":
        return None
    return Judgement(
        "block-public-access",
        "likely",
        say.by_reason(refusal.exchange, refusal.seen, "block-public-access"),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        refusal.seen.interface_id,
        evidence=(f"InternetGatewayBlockMode of {at.subnet_id} is {mode}", say.snapshot(view)),
    )


def _late(refusal: Refusal) -> Judgement:
    """Packets of a connection that was over, or that was forgotten while it was silent."""
    passed = refusal.passed or refusal.seen.forward
    idle = refusal.tally.first - passed.last >= IDLE_MS
    cause = "idle-timeout" if idle else "late-packet"
    confidence: Confidence = "likely" if refusal.tally.flagged else "possible"
    return Judgement(
        cause,
        confidence,
        say.late(refusal.exchange, refusal.seen, idle),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        scope=(refusal.seen.interface_id,),
    )


def _logs_alone(case: Case, refusal: Refusal) -> Judgement:
    """What direction and statefulness tell: an answer that is refused after the request was
    accepted is the network ACL's doing, for security groups let answers pass."""
    if refusal.late:
        return _late(refusal)
    answered_to = refusal.seen.forward
    if refusal.reply and (answered_to or refusal.tally.syn_ack):
        certain = refusal.opens or refusal.tally.packets > 3 * refusal.tally.flows
        cause, confidence = "network-acl", "likely" if certain else "possible"
    elif _one_subnet(case, refusal):
        cause, confidence = "security-group", "possible"
    else:
        # With reject-reason in the format, Block Public Access and encryption are ruled out.
        sure = refusal.opens and case.has_reasons and refusal.way == "ingress"
        cause, confidence = UNDECIDED, "likely" if sure else "possible"
    return Judgement(
        cause,
        cast(Confidence, confidence),
        say.alone(cause, refusal.exchange, refusal.seen, refusal.way, refusal.reply, refusal.ports),
        refusal.exchange,
        refusal.seen,
        refusal.tally,
        refusal.way,
        scope=(refusal.seen.interface_id,)
        + (() if refusal.reply else (refusal.exchange.port, refusal.exchange.protocol)),
    )


def _one_subnet(case: Case, refusal: Refusal) -> bool:
    """Both ends lie in one subnet, by what their own interfaces recorded: no ACL is asked there."""
    ends = (refusal.exchange.client, refusal.exchange.server)
    subnets = {case.subnet_of.get(address) for address in ends}
    return len(subnets) == 1 and None not in subnets


def replaces(judgement: Judgement) -> bool:
    """Whether a judgement says enough that nothing needs to be concluded from missing answers."""
    return judgement.cause not in ("late-packet", "idle-timeout")
