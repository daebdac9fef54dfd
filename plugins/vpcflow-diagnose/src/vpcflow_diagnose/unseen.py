"""A question of which nothing was recorded: what that can mean, and what would stop the traffic."""

from __future__ import annotations

from collections.abc import Iterator

from vpcflow_diagnose.finding import Finding
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Packet
from vpcflow_diagnose.question import INTERNET, Asked, Question
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.besides import ANYWHERE
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import End, end_of
from vpcflow_diagnose.reasoning.exchange import TCP
from vpcflow_diagnose.reasoning.grouping import Ranked, moment
from vpcflow_diagnose.reasoning.obstacles import Stop, follow, has_route_back
from vpcflow_diagnose.reasoning.routes import Obstacle
from vpcflow_diagnose.reasoning.rules import Denial
from vpcflow_diagnose.reasoning.steps import dns_steps
from vpcflow_diagnose.reasoning.unanswered import USUAL_PORTS


def nothing(case: Case, asked: Question) -> Ranked:
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
    return next((a for a in hosts if end.holds(a)), None)


def _not_public(at: Interface) -> Obstacle:
    words = f"{at.label} has no public IPv4 address: the internet reaches it by load balancers only"
    return Obstacle("no-public-ip", at.id, None, words)


def _ends(network: Network, source: str, target: str) -> tuple[End, End]:
    """An end that one VPC alone has settles the VPC of both."""
    owners = [o for a in (source, target) if (o := network.owner(a)) is not None]
    vpc_id = owners[0].vpc_id if owners else None
    return end_of(network, source, vpc_id), end_of(network, target, vpc_id)
