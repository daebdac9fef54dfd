"""One question answered: why does SRC not reach DST, or does it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from vpcflow_diagnose.behind import behind
from vpcflow_diagnose.diagnosing import finish, judge_all, new_case
from vpcflow_diagnose.finding import KINDS, Confidence, Diagnosis
from vpcflow_diagnose.network.history import History
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.question import Asked, Question, question
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.besides import with_losses
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import ends_of
from vpcflow_diagnose.reasoning.exchange import TCP, UDP, Exchange, exchanges, got_through, talked
from vpcflow_diagnose.reasoning.grouping import findings
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.rules import other_way
from vpcflow_diagnose.traffic.conversation import Conversation, TransitLoss
from vpcflow_diagnose.traffic.traffic import Traffic, gather
from vpcflow_diagnose.unseen import nothing

MOST = 10_000
"""Conversations of one question that are looked at."""

if TYPE_CHECKING:
    from vpcflow_query.reading import Reading


def answer(
    reading: Reading,
    source: str,
    target: str,
    inventory: str | Path | None = None,
    *,
    memory: str = "1200MB",
) -> Diagnosis:
    """source: an end; target: an end with a port and a protocol perhaps (see `question`).

    Findings of this question only; `connected` where all is well, `no-traffic` where nothing was
    recorded. Raises UsageError for ends that are not understood.
    """
    history = None if inventory is None else History.read(inventory)
    asked = question(source, target, history.latest() if history is not None else [])
    with gather(reading, memory=memory) as traffic:
        return _answered(traffic, history, asked)


def _answered(traffic: Traffic, history: History | None, asked: Question) -> Diagnosis:
    case = new_case(traffic, history)
    for end in (asked.source, asked.target):
        _note_candidates(case, end)
    seen = list(_seen(traffic, asked))
    if len(seen) == MOST:
        case.note(f"only the {MOST:,} weightiest conversations of the question were looked at")
    if not seen and (wider := _by_interface(case, asked)) is not None:
        seen = list(_seen(traffic, wider))
    beyond = _behind(case, traffic, asked)
    seen, beyond = seen or beyond, beyond if seen else []
    judgements = judge_all(case, traffic, seen)
    explained = {(j.exchange.client, j.exchange.server, j.exchange.port) for j in judgements
                 if j.cause not in ("late-packet", "idle-timeout")}  # fmt: skip
    for exchange in exchanges(seen):
        if (exchange.client, exchange.server, exchange.port) not in explained:
            judgements.append(_rest(case, exchange))
    judgements += [j for j in judge_all(case, traffic, beyond) if KINDS[j.cause] == "fault"]
    lost = [loss for loss in traffic.losses() if _concerns(asked, loss)]
    ranked = findings(with_losses(case, judgements, lost))
    if not seen and not lost:
        _note_reverse(case, traffic, asked)
        ranked += findings(_strays(case, traffic, asked))
        ranked.append(nothing(case, asked))
    concerned = {c.interface_id for c in (*seen, *beyond)}
    named = {*asked.source.interfaces, *asked.target.interfaces}
    return finish(case, ranked, concerned | named if seen else None)


def _note_candidates(case: Case, end: Asked) -> None:
    """A name of which the inventory does not tell the interface for certain."""
    for network in case.history.latest() if case.history is not None else ():
        if end.interfaces and end.interfaces == network.candidates.get(end.text):
            case.note(
                f"which interface is that of {say.safe(end.text)} is not in the inventory; it is "
                f"one of {', '.join(map(say.safe, end.interfaces))}"
            )


def _seen(traffic: Traffic, asked: Question) -> Iterator[Conversation]:
    """What was recorded of the question. An interface without known addresses is found by what was
    recorded at it."""
    only = [
        id_ for end in (asked.source, asked.target) if end.blocks is None for id_ in end.interfaces
    ]
    yield from traffic.between(
        asked.source.blocks,
        asked.target.blocks,
        port=asked.port,
        protocol=asked.protocol,
        interfaces=only,
        most=MOST,
    )
    if asked.port or asked.protocol in (TCP, UDP):
        return
    for c in traffic.between(
        asked.target.blocks, asked.source.blocks, port=0, protocol=asked.protocol, interfaces=only
    ):
        both = asked.source.holds(c.client) and asked.target.holds(c.server)
        if c.forward and c.reply and not (c.forward_rejected or c.reply_rejected or both):
            yield _turned(c)


def _turned(c: Conversation) -> Conversation:
    """A conversation without ports as if the other end had begun it: the records do not say."""
    return evolve(
        c,
        client=c.server,
        server=c.client,
        direction=c.direction and other_way(c.direction),
        forward=c.reply,
        reply=c.forward,
    )


def _strays(case: Case, traffic: Traffic, asked: Question) -> list[Judgement]:
    """What the source sends to addresses that nobody has, for the same service: a client that keeps
    the address of before a failover."""
    if not asked.port or asked.source.blocks is None:
        return []
    sent = traffic.between(asked.source.blocks, None, port=asked.port, protocol=asked.protocol)
    return [j for j in judge_all(case, traffic, sent) if j.cause == "unknown-destination"]


def _note_reverse(case: Case, traffic: Traffic, asked: Question) -> None:
    """Who asks of the service of whom is easily confused."""
    if asked.source.blocks is None or asked.target.blocks is None:
        return
    for c in traffic.between(asked.target.blocks, asked.source.blocks, most=1):
        service = Exchange(c.client, c.server, c.port, c.protocol, (c,)).service
        case.note(
            f"there is traffic that the other end began: from {say.safe(c.client)} to "
            f"{say.safe(service)}; ask for that with the ends exchanged"
        )


def _behind(case: Case, traffic: Traffic, asked: Question) -> list[Conversation]:
    """What was recorded between a load balancer that was asked about and its targets."""
    networks = case.history.latest() if case.history is not None else []
    found: dict[tuple[object, ...], Conversation] = {}
    for other in behind(networks, asked):
        for c in _seen(traffic, other) if other.target.blocks else ():
            found[c.interface_id, c.client, c.server, c.port, c.protocol] = c
    return list(found.values())


def _concerns(asked: Question, loss: TransitLoss) -> bool:
    """Whether a transit gateway dropped packets of the question, on their way there or back."""
    ends = (asked.source, asked.target)
    there = ends[0].holds(loss.srcaddr) and ends[1].holds(loss.dstaddr)
    back = ends[1].holds(loss.srcaddr) and ends[0].holds(loss.dstaddr)
    port = asked.port is None or back or asked.port == loss.dstport
    return (there or back) and port and asked.protocol in (None, loss.protocol)


def _by_interface(case: Case, asked: Question) -> Question | None:
    """The same question about all addresses of the interfaces that have the asked ones: logs
    without pkt-* fields show the primary address only (VPC User Guide, "Flow log limitations")."""
    networks = case.history.latest() if case.history is not None else []
    ends = [_all_addresses(networks, end) for end in (asked.source, asked.target)]
    if ends == [asked.source, asked.target]:
        return None
    return evolve(asked, source=ends[0], target=ends[1])


def _all_addresses(networks: Sequence[Network], end: Asked) -> Asked:
    address = end.one_address
    owners = [o for n in networks if address and (o := n.owner(address)) is not None]
    blocks = (ip_network(a) for o in owners for a in o.addresses)
    return (
        evolve(end, blocks=tuple(dict.fromkeys([*(end.blocks or ()), *blocks]))) if owners else end
    )


def _rest(case: Case, e: Exchange) -> Judgement:
    """An exchange that nothing is wrong with, or in which a missing answer proves nothing."""
    c = next((c for kind in (talked, got_through) for c in e.seen if kind(c)), None)
    if c is None:
        return Judgement(
            "no-answer",
            "possible",
            f"Packets {say.question(e)} were accepted and nothing came back, which is normal for "
            "traffic that goes one way (syslog, metrics, streams)",
            e,
            e.seen[0],
            e.seen[0].forward or e.seen[0].reply,
            scope=(e.server, e.port, e.protocol),
        )
    views = case.views(c)
    client, server = ends_of(views[0].network, c) if views else (None, None)
    return Judgement(
        "connected",
        _certainty(c),
        say.connected(e, client, server),
        e,
        c,
        c.forward,
        evidence=(
            f"{say.safe(c.interface_id)}: {c.forward.packets:,} packets there, "
            f"{c.reply.packets:,} back, all accepted",
        ),
        scope=(e.server, e.port, e.protocol),
    )


def _certainty(c: Conversation) -> Confidence:
    if c.protocol == TCP and c.reply.flagged:
        return "proven" if c.reply.syn_ack and c.forward.syn else "likely"
    return "likely"
