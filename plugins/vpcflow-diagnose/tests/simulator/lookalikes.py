"""Healthy traffic that looks ill."""

from __future__ import annotations

from random import Random

from attrs import Factory, define

from .conversations import Stage
from .model import TCP, Interface, Link, World
from .packet import Fate, Hop, Packet
from .recorded import request_of
from .tape import FIN, RST, SYN, SYN_ACK

SCANNED = (22, 23, 25, 80, 110, 139, 445, 1433, 2323, 3306, 3389, 5900, 6379, 8080, 8443, 9200)


def open_both_ways(stage: Stage, link: Link) -> tuple[Fate, Fate] | None:
    """The way there and back of a new connection, if it works."""
    there = stage.network.send(request_of(link, stage.port(link)), link.client)
    if there.delivered is None or stage.mood(there, link):
        return None
    back = stage.reply(link, there)
    return (there, back) if back.delivered is not None else None


def long_connection(stage: Stage, link: Link, start: float, end: float, *, joined: bool) -> None:
    """Split over windows. joined: it was open before the capture, so no flag is ever seen."""
    ways = open_both_ways(stage, link)
    if ways is None:
        return
    there, back = ways
    if not joined:
        stage.tape.add(there, start, TCP, 1, 60, SYN)
        stage.tape.add(back, start + 0.01, TCP, 1, 60, SYN_ACK)
        stage.tape.add(there, start + 0.02, TCP, 1, 52)
    time = start + 0.05
    while time < end:
        stage.tape.add(there, time, TCP, 3, 800)
        stage.tape.add(back, time + 0.02, TCP, 6, 6200)
        time += stage.rng.uniform(3, 12)


def late_packets(stage: Stage, link: Link, start: float) -> None:
    """After the end of a connection its tracking is gone: what still comes is rejected."""
    tape, first = stage.tape, len(stage.tape.seen)
    outcome = stage.talk(link, start)
    if outcome.drop is not None or len(outcome.fates) < 2:
        del tape.seen[first:]
        return
    hop = outcome.fates[1].hops[-1] if isinstance(link.client, Interface) else None
    if hop is None or hop.interface is not link.client or link.protocol != TCP:
        return
    refused = Hop(
        hop.interface,
        False,
        False,
        hop.src,
        hop.dst,
        hop.sport,
        hop.dport,
        hop.pkt_src,
        hop.pkt_dst,
    )
    flags = stage.rng.choice((FIN, RST, 0))
    late = Fate(hops=[refused])
    count = stage.rng.randint(1, 3)
    tape.add(late, outcome.end + stage.rng.uniform(1, 8), TCP, count, 52 * count, flags)


def idle_timeout(stage: Stage, link: Link, start: float) -> None:
    """A NAT gateway forgets after 350 s (its guide): it answers with RST, towards the host only."""
    ways = open_both_ways(stage, link)
    if ways is None:
        return
    there, back = ways
    stage.tape.add(there, start, TCP, 1, 60, SYN)
    stage.tape.add(back, start + 0.01, TCP, 1, 60, SYN_ACK)
    stage.tape.add(there, start + 0.02, TCP, 3, 900)
    stage.tape.add(back, start + 0.05, TCP, 4, 4100)
    again = start + 350 + stage.rng.uniform(10, 60)
    stage.tape.add(Fate(hops=there.hops[:2]), again, TCP, 1, 300)
    stage.tape.add(Fate(hops=back.hops[-2:]), again + 0.01, TCP, 1, 40, RST)


@define
class Scan:
    """sources: who scans. right: pairs of cause and resource that refuse the probes."""

    sources: set[str] = Factory(set)
    right: set[tuple[str, str]] = Factory(set)


def probes(stage: Stage, world: World, rng: Random, count: int, length: int) -> Scan:
    """A scan of the public addresses from the internet."""
    scan = Scan()
    targets = [i for i in world.interfaces if i.public and i.kind in ("ec2", "alb", "middlebox")]
    scanners = [f"185.220.{rng.randrange(256)}.{rng.randrange(1, 255)}" for _ in range(25)]
    fates: dict[tuple[str, int], Fate] = {}
    for _ in range(count):
        target, port = rng.choice(targets), rng.choice(SCANNED)
        source, sport = rng.choice(scanners), rng.randint(1024, 65535)
        packet = Packet(source, target.public or "", sport, port, TCP)
        known = fates.get((target.id, port))
        if known is None:
            known = fates[target.id, port] = stage.network.send(packet, source)
        if known.drop is not None:
            scan.right |= {(known.drop.cause, r) for r in known.drop.resources}
        if known.delivered is not None:
            continue  # the port is open: a scanner that finds it is another story
        hops = [
            Hop(h.interface, h.egress, h.accepted, source, h.dst, sport, port, source, h.pkt_dst)
            for h in known.hops
        ]
        stage.tape.add(Fate(hops=hops), rng.uniform(0, length), TCP, 1, 44, SYN)
    scan.sources = set(scanners)
    return scan
