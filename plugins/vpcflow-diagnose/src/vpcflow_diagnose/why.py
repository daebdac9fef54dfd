"""One question answered: why does SRC not reach DST, or does it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from vpcflow_diagnose.behind import behind
from vpcflow_diagnose.diagnosing import finish, judge_all, new_case
from vpcflow_diagnose.finding import KINDS, Confidence, Diagnosis, Finding
from vpcflow_diagnose.network.history import History
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Packet
from vpcflow_diagnose.question import INTERNET, Asked, Question, question
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.besides import ANYWHERE, with_losses
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import End, end_of, ends_of
from vpcflow_diagnose.reasoning.exchange import TCP, UDP, Exchange, exchanges, got_through, talked
from vpcflow_diagnose.reasoning.grouping import Ranked, findings, moment
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.obstacles import Stop, follow, has_route_back
from vpcflow_diagnose.reasoning.routes import Obstacle
from vpcflow_diagnose.reasoning.rules import Denial, other_way
from vpcflow_diagnose.reasoning.steps import dns_steps
from vpcflow_diagnose.reasoning.unanswered import USUAL_PORTS
from vpcflow_diagnose.traffic.conversation import Conversation, TransitLoss
from vpcflow_diagnose.traffic.traffic import Traffic, gather

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
    memory: str = "1GB",
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
        ranked.append(_nothing(case, asked))
    return finish(case, ranked)


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
        both = _within(asked.source, c.client) and _within(asked.target, c.server)
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
    there = _within(ends[0], loss.srcaddr) and _within(ends[1], loss.dstaddr)
    back = _within(ends[1], loss.srcaddr) and _within(ends[0], loss.dstaddr)
    port = asked.port is None or back or asked.port == loss.dstport
    return (there or back) and port and asked.protocol in (None, loss.protocol)


def _within(end: Asked, address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return end.blocks is not None and any(found in block for block in end.blocks)


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


def _nothing(case: Case, asked: Question) -> Ranked:
    """Nothing was recorded: what that can mean, and what would stop the traffic if it were sent."""
    stops = list(_stops(case, asked))
    where = _aws(case, asked)
    facts = case.facts
    text = (
        f"No record of traffic from {say.safe(asked.source.text)} to "
        f"{say.safe(asked.target.text)}{f':{asked.port}' if asked.port else ''}: it was not sent, "
        "or went elsewhere (DNS), or neither end is logged"
    )
    if stops:
        what = stops[0].what
        by = f"by {say.dropper(what)}" if isinstance(what, Denial) else say.safe(what.words)
        text += f". If it were sent, it would be stopped: {by}"
    bare = [] if where else _bare(case, asked)
    if bare:
        text += f". No flow log of the inventory covers {', '.join(map(say.safe, bare[:3]))}"
    cause = "not-logged" if where or bare else "no-traffic"
    if where:
        text = (
            f"{say.safe(asked.target.text)} is answered by AWS itself (DNS, metadata, time): such "
            "traffic is not in flow logs, and neither rules nor routes stop it"
        )
    finding = Finding(
        cause,
        "likely" if where else "possible",
        f"{_named(asked, text)}.",
        asked.source.interfaces[0] if asked.source.interfaces else None,
        asked.source.one_address,
        asked.target.one_address,
        asked.port,
        asked.protocol,
        first_seen=moment(facts.first) if facts.first else None,
        last_seen=moment(facts.last) if facts.last else None,
        resource=stops[0].what.resource if stops and not where else None,
        also=tuple(dict.fromkeys(_named(asked, str(stop)) for stop in stops)),
        next_steps=("aws ec2 describe-flow-logs", *dns_steps()),
        evidence=(f"{facts.records:,} records of {len(facts.interfaces):,} interfaces were read",),
    )
    return Ranked(1, finding)


def _named(asked: Question, text: str) -> str:
    """The address that stands for the internet is nobody's."""
    if INTERNET not in (asked.source.text, asked.target.text):
        return text
    return text.replace(f"{ANYWHERE}/32", "the internet").replace(ANYWHERE, "the internet")


def _bare(case: Case, asked: Question) -> list[str]:
    """The interfaces of the two ends, if there are any and no flow log covers one of them."""
    found: list[str] = []
    for network in case.history.latest() if case.history is not None else ():
        for end in (asked.source, asked.target):
            named = [network.interfaces[i] for i in end.interfaces if i in network.interfaces]
            owner = network.owner(end.one_address) if end.one_address else None
            for at in named or ([owner] if owner is not None else []):
                if network.coverage.traffic_of(at) != "NONE":
                    return []
                found.append(at.id)
    return list(dict.fromkeys(found))


def _aws(case: Case, asked: Question) -> bool:
    address = asked.target.one_address
    networks = case.history.latest() if case.history is not None else []
    return address is not None and any(n.place(address) == "aws" for n in networks)


def _stops(case: Case, asked: Question) -> Iterator[Stop]:
    """What the latest snapshots say about packets that nobody has seen."""
    for network in case.history.latest() if case.history is not None else ():
        source, target = (_address_of(network, end) for end in (asked.source, asked.target))
        if source is None or target is None:
            continue
        client, server = _ends(network, source, target)
        if client.interface is None and server.interface is None:
            continue
        protocol = asked.protocol or TCP
        port = asked.port or (443 if protocol == TCP else 0)
        opening = Packet(client.address, server.address, protocol, USUAL_PORTS[0], port)
        if server.interface is not None and not has_route_back(client, server):
            yield Stop("route", _not_public(server.interface))
        way = follow(network, client, server, opening, USUAL_PORTS)
        yield from (stop for stop in way.stops if stop.sure)


def _address_of(network: Network, end: Asked) -> str | None:
    """One address for an end: of a CIDR block that of a host in it."""
    if end.text == INTERNET:
        return ANYWHERE
    if end.one_address is not None or end.blocks is None:
        return end.one_address
    hosts = (a for i in network.interfaces.values() if not i.groupless for a in i.addresses)
    return next((a for a in hosts if _within(end, a)), None)


def _not_public(at: Interface) -> Obstacle:
    words = f"{at.label} has no public IPv4 address: the internet reaches it by load balancers only"
    return Obstacle("no-public-ip", at.id, None, words)


def _ends(network: Network, source: str, target: str) -> tuple[End, End]:
    """An end that one VPC alone has settles the VPC of both."""
    owners = [o for a in (source, target) if (o := network.owner(a)) is not None]
    vpc_id = owners[0].vpc_id if owners else None
    return end_of(network, source, vpc_id), end_of(network, target, vpc_id)
