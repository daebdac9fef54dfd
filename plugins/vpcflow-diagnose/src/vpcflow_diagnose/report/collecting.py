"""From what was read, judged and measured to what the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from vpcflow_diagnose.finding import Diagnosis
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.data import (
    NONE,
    Amount,
    Cost,
    CostRow,
    Edge,
    Making,
    Node,
    ReportData,
    Slot,
    Talker,
    Timeline,
    Topology,
)
from vpcflow_diagnose.report.places import Places

if TYPE_CHECKING:
    from vpcflow_query.cost.estimate import Estimate

    from vpcflow_diagnose.network.network import Network
    from vpcflow_diagnose.traffic.directions import Directed, Total
    from vpcflow_diagnose.traffic.timeline import Bucket
    from vpcflow_diagnose.traffic.traffic import Traffic

MOST_ADDRESSES = 400
MOST_BUCKETS = 120
MOST_GAPS = 500


def collected(
    traffic: Traffic,
    networks: Sequence[Network],
    diagnosis: Diagnosis,
    making: Making,
    cost: Cost | None = None,
) -> ReportData:
    """networks: the snapshots that the map and the names are taken from; none without an
    inventory."""
    facts = traffic.facts
    places = Places(networks)
    buckets = traffic.timeline(MOST_BUCKETS)
    return ReportData(
        making,
        diagnosis,
        first=facts.first,
        last=facts.last,
        records=facts.records,
        accepted=evolve(_total(buckets, "accepted"), flows=facts.accepted),
        rejected=evolve(_total(buckets, "rejected"), flows=facts.rejected),
        nodata=facts.nodata,
        skipdata=facts.skipdata,
        interfaces=len(facts.interfaces),
        timeline=_timeline(buckets, [(g.first, g.last) for g in traffic.gaps()[:MOST_GAPS]]),
        talkers=_talkers(traffic.totals(MOST_ADDRESSES), places),
        by_resource=bool(networks),
        topology=_topology(traffic.directions(), places),
        cost=cost,
    )


def cost_of(estimate: Estimate) -> Cost | None:
    """The table of the destinations and what pays most, of an estimate."""
    if not estimate.month.records:
        return None
    rows = []
    for one in sorted(estimate.costs, key=lambda cost: cost.usd):
        parts = ", ".join(f"{a.charge} {words.dollars(a.usd)}" for a in one.amounts)
        known = one.destination == estimate.destination and not estimate.assumed
        here = " (these logs)" if known else ""
        rows.append(CostRow(f"{one.title}{here}", one.usd, parts, one.confirmed))
    basis = [
        f"Measured: {estimate.month.basis}; {words.size(estimate.month.text_bytes)} of text and "
        f"{words.count(round(estimate.month.records))} records a month."
    ]
    basis += [note for note in estimate.notes if not note.startswith("*")]  # we have our own
    best = estimate.best
    if best is not None and best.usd > 0:
        basis.append(
            f"The largest saving: {best.title}, {words.dollars(best.usd)} a month less. "
            "vpcflow cost shows all of them."
        )
    if any(" --" in note for note in basis):
        basis.append("The options that are named here are those of vpcflow cost.")
    return Cost(tuple(rows), tuple(basis))


def _total(buckets: Iterable[Bucket], action: str) -> Amount:
    return sum((_amount(bucket, action) for bucket in buckets), NONE)


def _amount(bucket: Bucket, action: str) -> Amount:
    return Amount(*(getattr(bucket, f"{action}_{part}") for part in ("flows", "packets", "bytes")))


def _timeline(buckets: Sequence[Bucket], gaps: Sequence[tuple[int, int]]) -> Timeline:
    if not buckets:
        return Timeline(60_000)
    step = buckets[0].end - buckets[0].start
    slots = (Slot(b.start, _amount(b, "accepted"), _amount(b, "rejected")) for b in buckets)
    return Timeline(step, tuple(slots), tuple(gaps))


def _talkers(found: Sequence[Total], places: Places) -> tuple[Talker, ...]:
    """Addresses of one resource are one."""
    by_name: dict[str, Talker] = {}
    for one in found:
        owner = places.owner(one.address)
        name, detail = one.address, ""
        if owner is not None:
            name, detail = owner.label, f"{one.address}, {owner.id}"
        accepted = Amount(one.accepted, bytes=one.size)
        before = by_name.get(name, Talker(name))
        by_name[name] = Talker(
            name,
            "; ".join(filter(None, (before.detail, detail)))[:200],
            before.accepted + accepted,
            before.rejected + Amount(one.rejected),
        )
    return tuple(sorted(by_name.values(), key=lambda t: (-t.accepted.bytes, -t.accepted.flows)))


def _topology(directions: Sequence[Directed], places: Places) -> Topology:
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    translated: dict[tuple[str, str], Edge] = {}
    for one in directions:
        ends = places.nodes(one.client, one.server, one.client_interface, one.server_interface)
        nodes |= {node.key: node for node in ends}
        found = edges if _as_addressed(one, ends, places) else translated
        client, server = ends[0].key, ends[1].key
        _add(found, client, server, one.sent, one.rejected)
        _add(found, server, client, one.answered, one.rejected_answers)
    for key, edge in translated.items():
        # logs without pkt-* fields have the same packets once more, addressed to the gateway
        if key not in edges or edges[key].accepted.bytes < edge.accepted.bytes:
            edges[key] = edge
    vpcs = {
        vpc.id: f"{vpc.name} {vpc.id}" if vpc.name else vpc.id
        for network in places.networks
        for vpc in network.vpcs.values()
    }
    return Topology(_tiered(nodes.values(), edges.values()), tuple(edges.values()), vpcs,
                    by_block=not places.networks)  # fmt: skip


def _as_addressed(one: Directed, ends: tuple[Node, Node], places: Places) -> bool:
    """Whether the packets were not merely addressed to a NAT gateway on their way to others."""
    kinds = {node.kind for node in ends}
    if kinds != {"nat", "subnet"}:
        return True
    address = one.client if ends[0].kind == "nat" else one.server
    return address is None or places.owner(address) is None


def _add(
    edges: dict[tuple[str, str], Edge],
    source: str,
    target: str,
    amount: tuple[int, int],
    rejected: int,
) -> None:
    size, flows = amount
    if not flows and not rejected:
        return
    before = edges.get((source, target), Edge(source, target))
    edges[source, target] = evolve(
        before,
        accepted=before.accepted + Amount(flows, bytes=size),
        rejected=before.rejected + Amount(rejected),
    )


def _tiered(nodes: Iterable[Node], edges: Iterable[Edge]) -> tuple[Node, ...]:
    """Nodes in the order in which traffic comes in: NAT gateways, what talks with the internet,
    what talks with those, and so on; in each tier by name."""
    nodes = list(nodes)
    way = {node.key for node in nodes if node.vpc is not None or node.kind == "internet"}
    neighbours: dict[str, set[str]] = {}
    for edge in edges:
        if not edge.accepted.flows or not {edge.source, edge.target} <= way:
            continue
        neighbours.setdefault(edge.source, set()).add(edge.target)
        neighbours.setdefault(edge.target, set()).add(edge.source)
    tiers: dict[str, int] = {}
    front, tier = {"internet"}, 0
    while front:
        tiers |= dict.fromkeys(front, tier)
        front = {n for key in front for n in neighbours.get(key, ())} - tiers.keys()
        tier += 1
    tiers |= {node.key: 0 for node in nodes if node.kind == "nat"}
    placed = (evolve(node, tier=tiers.get(node.key, tier)) for node in nodes)
    return tuple(sorted(placed, key=lambda node: (node.tier, node.name, node.key)))
