"""Which nodes and lines of a topology are drawn: the weightiest, the rest summed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, field, frozen

from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.data import NONE, Amount, Edge, Node, Topology

MOST_TEXT = 80
MOST_NODES = 36
MOST_OUTSIDE = 8
MOST_ACCEPTED = 24
MOST_REJECTED = 12
OUTSIDE = frozenset({"internet", "peering", "transit", "aws", "elsewhere"})


@frozen
class Line:
    """A line of the map. Accepted: both directions together. Rejected: from source to target."""

    source: str
    target: str
    rejected: bool
    amount: Amount
    back: Amount = NONE

    @property
    def weight(self) -> int:
        total = self.amount + self.back
        return total.flows if self.rejected else total.bytes or total.flows


@frozen
class Drawn:
    """What the map shows. totals: all traffic of each node, by key. inside: accepted traffic that
    stays within a node, by key. left_out: how many lines would not fit, and what they carry.
    merged: nodes that became one of "others"."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    totals: Mapping[str, Amount] = field(factory=dict)
    inside: Mapping[str, Amount] = field(factory=dict)
    left_out: int = 0
    left_accepted: Amount = NONE
    left_rejected: Amount = NONE
    merged: int = 0


def drawn(topology: Topology) -> Drawn:
    """Bounded, whatever the topology: at most `MOST_NODES` + `MOST_OUTSIDE` nodes and three of
    "others", and as many lines as the limits above say."""
    nodes, names = _kept(topology)
    edges = [
        evolve(e, source=names[e.source], target=names[e.target])
        for e in topology.edges
        if e.source in names and e.target in names
    ]
    inside: dict[str, Amount] = defaultdict(Amount)
    for edge in edges:
        if edge.source == edge.target:
            inside[edge.source] += edge.accepted
    accepted = sorted(_accepted(edges), key=_order)
    rejected = sorted(_rejected(edges), key=_order)
    left = accepted[MOST_ACCEPTED:], rejected[MOST_REJECTED:]
    return Drawn(
        tuple(nodes),
        (*accepted[:MOST_ACCEPTED], *rejected[:MOST_REJECTED]),
        traffic(edges),
        dict(inside),
        left_out=sum(map(len, left)),
        left_accepted=_total(left[0]),
        left_rejected=_total(left[1]),
        merged=len(topology.nodes) - sum(node.key in names for node in nodes),
    )


def traffic(edges: Iterable[Edge]) -> dict[str, Amount]:
    """All traffic of each node, both ways, both actions."""
    found: dict[str, Amount] = defaultdict(Amount)
    for edge in edges:
        for key in {edge.source, edge.target}:
            found[key] += edge.accepted + edge.rejected
    return found


def _kept(topology: Topology) -> tuple[list[Node], dict[str, str]]:
    """The nodes to draw, and for each key of the topology the node that stands for it."""
    weights = traffic(topology.edges)
    by_weight = sorted(
        topology.nodes, key=lambda n: (-weights.get(n.key, NONE).bytes, n.name, n.key)
    )
    nodes: list[Node] = []
    names: dict[str, str] = {}
    others: dict[str, list[Node]] = defaultdict(list)
    room = {True: MOST_OUTSIDE, False: MOST_NODES}
    for node in by_weight:
        outside = node.kind in OUTSIDE
        if room[outside] > 0 or node.kind == "internet":
            room[outside] -= 1
            name, detail = words.cut(node.name, MOST_TEXT), words.cut(node.detail, MOST_TEXT)
            nodes.append(evolve(node, name=name, detail=detail))
            names[node.key] = node.key
        else:
            others["elsewhere" if outside else node.kind].append(node)
    order = {node.key: i for i, node in enumerate(topology.nodes)}
    nodes.sort(key=lambda node: order[node.key])
    for kind, merged in others.items():
        rest = _others(kind, merged)
        nodes.append(rest)
        names |= dict.fromkeys((node.key for node in merged), rest.key)
    return nodes, names


def _others(kind: str, merged: Sequence[Node]) -> Node:
    what = {"subnet": "subnets", "block": "blocks", "nat": "NAT gateways"}.get(kind, "places")
    name = f"{len(merged):,} other {what}"
    return Node(f"others-{kind}", "elsewhere", name, "those with less traffic")


def _accepted(edges: Iterable[Edge]) -> Iterable[Line]:
    pairs: dict[tuple[str, str], dict[bool, Amount]] = {}
    for edge in edges:
        if edge.source != edge.target and edge.accepted.flows:
            low, high = sorted((edge.source, edge.target))
            both = pairs.setdefault((low, high), {True: NONE, False: NONE})
            both[edge.source == low] += edge.accepted
    for (low, high), both in pairs.items():
        yield Line(low, high, False, both[True], both[False])


def _rejected(edges: Iterable[Edge]) -> Iterable[Line]:
    pairs: dict[tuple[str, str], Amount] = defaultdict(Amount)
    for edge in edges:
        if edge.source != edge.target and edge.rejected.flows:
            pairs[edge.source, edge.target] += edge.rejected
    for (source, target), amount in pairs.items():
        yield Line(source, target, True, amount)


def _order(line: Line) -> tuple[int, str, str]:
    return (-line.weight, line.source, line.target)


def _total(lines: Iterable[Line]) -> Amount:
    return sum((line.amount + line.back for line in lines), NONE)
