"""ACCEPT and still no connection: nothing came back, or what came back was lost.

How far the packets came is what the interfaces say; what is in the way from there on is what the
snapshot says. Where nothing is in the way, it is the host (operating system, dead process).
"""

from __future__ import annotations

from attrs import frozen

from vpcflow_diagnose.finding import Confidence
from vpcflow_diagnose.network.history import View
from vpcflow_diagnose.network.packet import Packet
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import End, direction_of, ends_of, same_host
from vpcflow_diagnose.reasoning.exchange import (
    TCP,
    Exchange,
    half_open,
    lifeless,
    some_unanswered,
    unanswered,
)
from vpcflow_diagnose.reasoning.judgement import Judgement, weakest
from vpcflow_diagnose.reasoning.obstacles import Stop, Way, follow
from vpcflow_diagnose.reasoning.rules import Denial
from vpcflow_diagnose.traffic.conversation import Conversation

USUAL_PORTS = (32768, 60999)
"""What Linux takes for the client's port by default; used where no log shows the client's."""


@frozen
class Silence:
    """What the interfaces of an exchange saw of a request without an answer.

    at_client, at_server: the conversations recorded there. answered: the server's answer was seen
    to leave. partly: other attempts of the same exchange were answered.
    """

    exchange: Exchange
    seen: Conversation
    at_client: Conversation | None
    at_server: Conversation | None
    answered: bool
    partly: bool

    @property
    def ports(self) -> tuple[int, int]:
        tallies = [c.forward for c in self.exchange.seen if c.forward]
        low = min((t.low_port for t in tallies), default=0)
        return (low, max((t.high_port for t in tallies), default=0)) if low else USUAL_PORTS


def silence(case: Case, exchange: Exchange) -> Silence | None:
    """None if somebody saw an answer arrive at the client."""
    at: dict[str, Conversation] = {}
    for c in exchange.seen:
        views = case.views(c)
        toward = direction_of(views[0].network if views else None, c)
        if views and not _is_end(views[0], c):
            continue  # a gateway or an appliance in between
        if toward is not None:
            at.setdefault(toward, c)
    at_client, at_server = at.get("egress"), at.get("ingress")
    if at_client is not None and not any(kind(at_client) for kind in (unanswered, some_unanswered)):
        return None
    if _one_leg(case, exchange):
        return None
    kinds = (unanswered, half_open, some_unanswered, lifeless)
    silent = [c for c in exchange.seen if any(kind(c) for kind in kinds)]
    if not silent:
        return None
    seen = at_server if at_server in silent else at_client if at_client in silent else silent[0]
    assert seen is not None
    answered = at_server is not None and bool(at_server.reply)
    return Silence(exchange, seen, at_client, at_server, answered, some_unanswered(seen))


def _one_leg(case: Case, exchange: Exchange) -> bool:
    """Whether this is one leg through a gateway, and the whole is judged elsewhere: an end is a
    gateway's own address (logs without pkt-* fields), or a NAT gateway asks for others, who ask the
    same service. A Network Load Balancer is what its clients talk to."""
    askers = case.askers.get((exchange.server, exchange.port, exchange.protocol), set())
    for c in exchange.seen:
        for view in case.views(c)[:1]:
            client, server = ends_of(view.network, c)
            if server.passes_on and not _balances(server):
                return True
            nat = view.network.nat_gateway_of(client.address, client.vpc_id) is not None
            if (client.passes_on and not nat) or (nat and len(askers) > 1):
                return True
    return False


def _balances(end: End) -> bool:
    return end.interface is not None and end.interface.type == "network_load_balancer"


def _is_end(view: View, c: Conversation) -> bool:
    """Whether the recorded interface is the client's or the server's. One that the snapshot does
    not know is taken for one."""
    if c.interface_id not in view.network.interfaces:
        return True
    client, server = ends_of(view.network, c)
    return c.interface_id in {e.interface.id for e in (client, server) if e.interface is not None}


def judge(case: Case, silent: Silence) -> Judgement | None:
    """The one cause of a silence; None where silence is normal."""
    views = case.views(silent.seen)
    found = _other_door(case, silent, views[0] if views else None)
    if found is not None:
        return found
    unknown: dict[str, None] = {}
    for view in views:
        found = _with(case, silent, view, unknown)
        if found is not None:
            return found
    return _no_answer(case, silent, views[0] if views else None, tuple(unknown))


def _other_door(case: Case, silent: Silence, view: View | None) -> Judgement | None:
    """A host with several interfaces: the answers leave by one that did not get the request. Its
    source/destination check drops them, or whatever keeps the connection's state does."""
    e = silent.exchange
    asked = {c.interface_id for c in e.seen if c.forward and c.direction == "ingress"}
    for c in e.seen:
        if not c.reply or c.forward or c.direction != "ingress" or not asked:
            continue
        confidence: Confidence = "possible"
        if view is not None:
            leaves = view.network.interfaces.get(c.interface_id)
            server = ends_of(view.network, c)[1].interface
            if leaves is None or server is None or not same_host(leaves, server):
                continue
            confidence = "proven" if leaves.source_dest_check and view.near else "likely"
        return Judgement(
            "asymmetric-return",
            confidence,
            say.other_door(e, c.interface_id, sorted(asked)[0]),
            e,
            c,
            c.reply,
            "return",
            c.interface_id,
            evidence=say.reached(silent),
        )
    return None


def _with(case: Case, silent: Silence, view: View, unknown: dict[str, None]) -> Judgement | None:
    """What a snapshot knows to be in the way; None if nothing. unknown: gets what it cannot
    tell."""
    client, server = ends_of(view.network, silent.seen)
    if client.interface is None and server.interface is None:
        return None
    e = silent.exchange
    opening = Packet(e.client, e.server, e.protocol, silent.ports[0], e.port)
    way = follow(view.network, client, server, opening, silent.ports)
    stops = _left(case, silent, way)
    if not stops:
        for text in way.unknown:
            case.note(text)
            unknown.setdefault(text)
        return None
    first, *others = stops
    what = first.what
    confidence = _confidence(case, silent, view, first, way)
    return Judgement(
        what.cause,
        confidence,
        _words(e, client, server, first, silent),
        e,
        silent.seen,
        silent.seen.forward,
        first.direction,
        what.resource,
        what.rule,
        also=tuple(dict.fromkeys(str(o) for o in others if str(o) != str(first))),
        evidence=(*say.reached(silent), say.snapshot(view)),
        scope=_scope(e, first),
    )


def _left(case: Case, silent: Silence, way: Way) -> list[Stop]:
    """The stops that what was seen does not rule out."""
    passed = {"client"} if silent.at_client is not None else set()
    if silent.at_server is not None:
        passed |= {"client", "route", "gateway", "server"}
        if silent.answered:
            passed.add("answer")
        elif silent.at_server.forward and case.logged(silent.at_server) == "ACCEPT":
            # one that its own rules refused would not
            passed |= {"return", "gateway back", "back"}
        elif silent.at_server.forward:
            # an answer that was sent would have been recorded, whatever became of it
            passed |= {"answer", "return", "gateway back", "back"}
    if not _expects_answer(silent) and silent.exchange.protocol != TCP:
        passed |= {"answer", "return", "gateway back", "back"}
    return [s for s in way.stops if s.stage not in passed and (s.sure or silent.answered)]


def _confidence(case: Case, silent: Silence, view: View, first: Stop, way: Way) -> Confidence:
    what = first.what
    settled = view.near and first.sure and not silent.partly
    confidence: Confidence = "proven" if settled else "likely"
    if isinstance(what, Denial):
        # its own interface would have shown a REJECT
        logged = first.at is not None and first.at.id in case.facts.interfaces
        if first.at is not None and case.covers([view], first.at.id) == "ACCEPT":
            logged = False
        confidence = weakest(confidence, "possible" if logged else "likely")
    if silent.exchange.protocol != TCP or not silent.seen.forward.syn:
        confidence = weakest(confidence, "likely")
    if what.resource in case.contradicted or silent.partly or case.lossy(silent.seen):
        confidence = "possible"
    if way.unknown and first.stage not in ("client", "route"):
        confidence = weakest(confidence, "likely")
    if case.logged(silent.seen) == "ACCEPT":
        confidence = weakest(confidence, "likely")
    if silent.at_client is None and silent.at_server is None:
        confidence = weakest(confidence, "likely")
    return confidence


def _scope(exchange: Exchange, stop: Stop) -> tuple[object, ...]:
    if stop.what.cause == "unknown-destination":
        return (exchange.server,)
    if isinstance(stop.what, Denial) and not stop.returning:
        return (exchange.port, exchange.protocol)
    return ()


def _words(exchange: Exchange, client: End, server: End, stop: Stop, silent: Silence) -> str:
    if isinstance(stop.what, Denial):
        # a gateway asks from ports of its own
        ports = (0, 0) if stop.stage == "gateway back" else silent.ports
        return say.denied(exchange, client, server, stop.what, stop.returning, ports)
    return say.stopped(exchange, stop.what.words, stop.returning)


def _no_answer(
    case: Case, silent: Silence, view: View | None, unknown: tuple[str, ...]
) -> Judgement | None:
    """Nothing in the inventory explains it."""
    e = silent.exchange
    if not _expects_answer(silent):
        return None
    server = ends_of(view.network, silent.seen)[1] if view is not None else None
    at_host = silent.at_server is not None and not silent.answered
    firm = at_host and silent.seen.forward.syn_only > 0 and e.protocol == TCP
    confidence: Confidence = "likely" if firm else "possible"
    forwarded = silent.seen.forward.raw_dst is not None
    doubts = silent.partly or case.lossy(silent.seen) or (view is None and forwarded)
    doubts = doubts or (server is not None and (server.passes_on or server.routes))
    doubts = doubts or case.logged(silent.seen) == "ACCEPT"
    if doubts or (case.one_sided == "ACCEPT" and view is None):
        confidence = "possible"
    host = server.interface.id if server is not None and server.interface is not None else None
    if host is None and at_host:
        host = silent.seen.interface_id
    return Judgement(
        "no-answer",
        confidence,
        say.no_answer(e, server, at_host, silent, unknown),
        e,
        silent.seen,
        silent.seen.forward,
        "return" if silent.answered else None,
        host,
        evidence=(*say.reached(silent), *unknown),
        scope=(e.server, e.port, e.protocol),
    )


def _expects_answer(silent: Silence) -> bool:
    """TCP wants one, unless it is a log without flags that shows packets both ways. UDP and the
    rest may be one-way (syslog, metrics, streams), except where the service answers: DNS, NTP."""
    if silent.exchange.protocol == TCP:
        tally = silent.seen.forward
        return tally.syn > 0 or (not tally.flagged and not lifeless(silent.seen))
    return silent.exchange.protocol == 17 and silent.exchange.port in (53, 123)
