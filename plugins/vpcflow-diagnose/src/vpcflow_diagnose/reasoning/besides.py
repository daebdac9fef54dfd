"""What is found besides exchanges: scans, lost windows, transit gateway losses, NAT gateways in
another zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vpcflow_query.prices import built_in
from vpcflow_query.public import is_public

from vpcflow_diagnose.finding import Confidence, Finding
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.routes import next_hop
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.exchange import Exchange
from vpcflow_diagnose.reasoning.grouping import Ranked, moment
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.steps import nat_steps
from vpcflow_diagnose.traffic.conversation import (
    Conversation,
    Gap,
    Probes,
    Tally,
    TransitLoss,
)
from vpcflow_diagnose.traffic.traffic import Traffic

ANYWHERE = "192.0.2.1"
"""An address of the internet that is nobody's (RFC 5737), to ask default routes about."""


def probes(found: Probes) -> Ranked:
    """One line for each interface."""
    ports = ", ".join(map(str, found.top_ports[:8]))
    sources = ", ".join(map(say.safe, found.examples[:3]))
    finding = Finding(
        "security-group-or-network-acl",
        "possible",
        say.probes(say.safe(found.interface_id), found.flows, found.sources, found.ports),
        found.interface_id,
        srcaddr=found.examples[0] if found.examples else None,
        dstport=found.top_ports[0] if found.top_ports else None,
        protocol=6,
        direction="ingress",
        flows=found.flows,
        packets=found.packets,
        first_seen=moment(found.first),
        last_seen=moment(found.last),
        next_steps=("nothing to mend; vpcflow query scan-detection shows who scans",),
        evidence=(f"ports tried most: {ports}", f"sources that tried most: {sources}"),
        unsolicited=True,
    )
    return Ranked(2, finding)


def gap(found: Gap) -> Ranked:
    finding = Finding(
        "capture-gap",
        "proven",
        f"AWS lost records of {say.safe(found.interface_id)} ({say.plural(found.windows, 'window')}"
        " with SKIPDATA): what is missing there proves nothing.",
        found.interface_id,
        flows=found.windows,
        first_seen=moment(found.first),
        last_seen=moment(found.last),
    )
    return Ranked(5, finding)


def with_losses(
    case: Case, found: Iterable[Judgement], lost: Iterable[TransitLoss]
) -> list[Judgement]:
    """What was found, and what transit gateways dropped; answers that are missing for that are no
    finding of their own."""
    dropped = [judgement for loss in lost for judgement in losses(case, loss)]
    ways = {(j.exchange.client, j.exchange.server) for j in dropped}
    ways |= {(server, client) for client, server in ways}
    rest = [
        j
        for j in found
        if j.cause != "no-answer" or (j.exchange.client, j.exchange.server) not in ways
    ]
    return rest + dropped


def losses(case: Case, found: TransitLoss) -> Iterator[Judgement]:
    """A transit gateway counts what it drops, by reason (record version 6)."""
    gateway = found.tgw_id or found.attachment_id
    kinds = (
        ("no-route", found.no_route, "its route table has no route to the destination"),
        ("blackhole-route", found.blackhole, "the route to the destination is a blackhole"),
        (
            "mtu-exceeded",
            found.mtu_exceeded,
            "they are larger than its MTU (8500 bytes; 1500 for VPN)",
        ),
        ("ttl-expired", found.ttl_expired, "their time to live ended: a routing loop"),
    )
    tally = Tally(found.flows, found.packets, 0, found.first, found.last)
    where = found.attachment_id or gateway or "-"
    seen = Conversation(
        where, found.srcaddr, found.dstaddr, found.dstport, found.protocol, "ingress", tally
    )
    e = Exchange(found.srcaddr, found.dstaddr, found.dstport, found.protocol, (seen,))
    confidence: Confidence = "proven" if case.history is not None else "likely"
    for cause, packets, why in kinds:
        if packets:
            yield Judgement(
                cause,
                confidence,
                f"Transit gateway {say.safe(gateway)} dropped {say.plural(packets, 'packet')} "
                f"{say.question(e)}: {why}",
                e,
                seen,
                tally,
                None,
                gateway,
                evidence=(f"packets-lost counters of {say.safe(where)}: {packets}",),
            )


def other_zone_nat(case: Case, traffic: Traffic) -> Iterator[Ranked]:
    """Internet traffic through a NAT gateway of another Availability Zone: it works, costs transfer
    between zones, and fails with that zone."""
    if case.history is None:
        return
    for network in case.history.latest():
        crossing = {
            id_: nat
            for id_ in case.facts.interfaces
            if (at := network.interfaces.get(id_)) and (nat := _other_zone(network, at))
        }
        if not crossing:
            continue
        sums: dict[tuple[str, str | None, str], list[Conversation]] = {}
        for c in traffic.accepted(list(crossing)):
            at = network.interfaces[c.interface_id]
            there = c.direction != "ingress" and is_public(c.server)
            # a gateway endpoint takes some public addresses (S3, DynamoDB) before the NAT gateway
            if there and next_hop(network, at.subnet_id or "", c.server).target == "nat-gateway":
                key = (crossing[c.interface_id], at.zone, at.subnet_id or "")
                sums.setdefault(key, []).append(c)
        for (nat, zone, subnet), seen in sums.items():
            yield Ranked(3, _crossing(network, nat, zone, subnet, seen))


def _other_zone(network: Network, at: Interface) -> str | None:
    if at.subnet_id is None or at.zone is None or at.public:
        return None
    hop = next_hop(network, at.subnet_id, ANYWHERE)
    gateway = network.nat_gateways.get(hop.target_id or "") if hop.target else None
    if gateway is None or gateway.subnet_id is None or gateway.state != "available":
        return None
    if hop.state != "active":
        return None
    subnet = network.subnets.get(gateway.subnet_id)
    return gateway.id if subnet and subnet.zone and subnet.zone != at.zone else None


def _price_of_crossing() -> str:
    """From the dated price table; there both ways stand in one price."""
    (tier,) = built_in().network("between-zones").tiers
    doubt = "" if tier.confirmed else ", not confirmed"
    return f"about ${tier.usd / 2:.2f} per GB each{doubt}"


def _crossing(
    network: Network, nat: str, zone: str | None, subnet: str, seen: list[Conversation]
) -> Finding:
    heaviest = max(seen, key=lambda c: c.forward.bytes + c.reply.bytes)
    size = sum(c.forward.bytes + c.reply.bytes for c in seen)
    gateway = network.nat_gateways[nat]
    its = network.subnets[gateway.subnet_id or ""].zone
    return Finding(
        "cross-az-nat",
        "proven",
        f"{say.safe(subnet)} ({say.safe(zone)}) reaches the internet through {say.safe(nat)} in "
        f"{say.safe(its)}: {size:,} bytes crossed zones, which is charged both ways "
        f"({_price_of_crossing()}), and the subnet loses the internet when that zone fails. It "
        "is not a fault.",
        heaviest.interface_id,
        heaviest.client,
        heaviest.server,
        heaviest.port,
        heaviest.protocol,
        "egress",
        sum(c.forward.flows + c.reply.flows for c in seen),
        sum(c.forward.packets + c.reply.packets for c in seen),
        moment(min(c.first for c in seen)),
        moment(max(c.last for c in seen)),
        nat,
        next_steps=(
            *nat_steps(nat),
            "a NAT gateway in each zone, or a regional one, keeps traffic in its zone",
        ),
    )
