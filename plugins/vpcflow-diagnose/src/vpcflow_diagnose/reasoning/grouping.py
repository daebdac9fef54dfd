"""The same fault of many exchanges and of both ends is one finding; findings in the order in which
somebody should look at them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen
from vpcflow_query.public import is_public

from vpcflow_diagnose.finding import CONFIDENCES, KINDS, Finding
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.steps import next_steps

EXAMPLES = 3
SEVERAL = 8
"""Destinations without an answer that are a fault each; more of them at one place are one."""


@frozen
class Ranked:
    """tier: 0 faults between known resources, or with a peer that was answered before; 1 other
    connections; 2 unsolicited probes from the internet; 3 warnings; 4 notes; 5 notes
    on what the logs lack."""

    tier: int
    finding: Finding

    @property
    def order(self) -> tuple[int, int, int, int]:
        f = self.finding
        return (self.tier, CONFIDENCES.index(f.confidence), -f.flows, -f.packets)


def findings(judgements: Iterable[Judgement]) -> list[Ranked]:
    """One finding for each fault."""
    grouped: dict[tuple[object, ...], list[Judgement]] = {}
    for judgement in judgements:
        grouped.setdefault(judgement.key, []).append(judgement)
    return [_ranked(same) for same in _by_place(grouped.values())]


def _by_place(groups: Iterable[list[Judgement]]) -> Iterable[list[Judgement]]:
    """Where nothing comes back to one subnet from many destinations, and none of them is known to
    be at fault, that is one fault of the subnet (its way out, or a sweep)."""
    lost: dict[tuple[object, ...], list[list[Judgement]]] = {}
    for same in groups:
        j = same[0]
        if j.cause in ("no-answer", "unknown-destination") and j.resource is None:
            place = j.seen.subnet_id or j.seen.interface_id
            lost.setdefault((j.cause, j.confidence, j.direction, place), []).append(same)
        else:
            yield same
    for alike in lost.values():
        if len(alike) > SEVERAL:
            yield [j for same in alike for j in same]
        else:
            yield from alike


def in_order(ranked: Iterable[Ranked]) -> tuple[Finding, ...]:
    """Tier, then what is surer, then traffic."""
    return tuple(r.finding for r in sorted(ranked, key=lambda r: r.order))


def _ranked(same: list[Judgement]) -> Ranked:
    """Of several, the surest speaks, and of those the one with most traffic."""
    same.sort(key=lambda j: (CONFIDENCES.index(j.confidence), -j.tally.flows))
    chosen = same[0]
    e = chosen.exchange
    clients = {j.exchange.client for j in same}
    services = {(j.exchange.server, j.exchange.port) for j in same}
    tallies = list({id(j.tally): j.tally for j in same}.values())
    others = _others(len(clients), len(services))
    explanation = chosen.explanation.removesuffix(".") + others + "."
    finding = Finding(
        chosen.cause,
        chosen.confidence,
        explanation,
        chosen.seen.interface_id,
        e.client,
        e.server,
        e.port,
        e.protocol,
        chosen.direction,
        sum(t.flows for t in tallies),
        sum(t.packets for t in tallies),
        _when(min(t.first for t in tallies)),
        _when(max(t.last for t in tallies)),
        chosen.resource,
        chosen.rule,
        chosen.also,
        next_steps(chosen),
        _evidence(same),
    )
    return Ranked(min(_tier(j) for j in same), finding)


def _others(clients: int, services: int) -> str:
    parts = []
    if clients > 1:
        parts.append(say.plural(clients - 1, "other client"))
    if services > 1:
        parts.append(say.plural(services - 1, "other service"))
    return f" (and {' and '.join(parts)})" if parts else ""


def _evidence(same: list[Judgement]) -> tuple[str, ...]:
    lines = list(same[0].evidence)
    for j in same[:EXAMPLES]:
        t, e = j.tally, j.exchange
        span = f", {moment(t.first):%H:%M:%S}-{moment(t.last):%H:%M:%S}Z" if t.first else ""
        ports = f", client port {say.ports(t.low_port, t.high_port)}" if t.high_port else ""
        lines.append(
            f"{say.safe(j.seen.interface_id)}: {say.question(e)}, "
            f"{say.plural(t.flows, 'record')}, {say.plural(t.packets, 'packet')}{ports}{span}"
        )
    if len(same) > EXAMPLES:
        lines.append(f"and {say.plural(len(same) - EXAMPLES, 'more conversation')}")
    return tuple(dict.fromkeys(lines))


def _tier(j: Judgement) -> int:
    kind = KINDS[j.cause]
    if kind != "fault":
        return 3 if kind == "warning" else 4
    c = j.seen
    if not is_public(j.exchange.client) and not is_public(j.exchange.server):
        return 0
    unsolicited = is_public(j.exchange.client) and not is_public(j.exchange.server)
    return 0 if c.known_peer or (c.known_service and not unsolicited) or not unsolicited else 1


def _when(milliseconds: int) -> datetime | None:
    """None where the log does not say it."""
    return moment(milliseconds) if milliseconds else None


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
