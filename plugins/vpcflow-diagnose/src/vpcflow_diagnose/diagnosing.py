"""From flow logs, and perhaps an inventory, to findings: what `vpcflow diagnose` answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vpcflow_diagnose.finding import Diagnosis
from vpcflow_diagnose.network.history import History
from vpcflow_diagnose.reasoning import answered, besides, rejected, unanswered
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.contradictions import contradicted
from vpcflow_diagnose.reasoning.exchange import Exchange, exchanges
from vpcflow_diagnose.reasoning.grouping import Ranked, findings, in_order
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.reasoning.logged import not_logged
from vpcflow_diagnose.traffic.conversation import Conversation
from vpcflow_diagnose.traffic.traffic import MOST, Traffic, gather

if TYPE_CHECKING:
    from vpcflow_query.reading import Reading


def diagnose(
    reading: Reading, inventory: str | Path | None = None, *, memory: str = "1200MB"
) -> Diagnosis:
    """Findings over all traffic, in the order in which somebody should look at them.

    inventory: a directory as `vpcflow inventory snapshot` writes it. Raises UsageError for a
    directory without one, InputError for logs that cannot be read at all.
    """
    history = None if inventory is None else History.read(inventory)
    with gather(reading, memory=memory) as traffic:
        return diagnose_traffic(traffic, history)


def diagnose_traffic(traffic: Traffic, history: History | None) -> Diagnosis:
    """The same for logs that have been read."""
    case = new_case(traffic, history)
    suspicious = list(traffic.suspicious())
    if len(suspicious) == MOST:
        case.note(f"only the {MOST:,} weightiest suspicious conversations were looked at")
    found = judge_all(case, traffic, suspicious)
    found = besides.with_losses(case, found, traffic.losses())
    ranked: list[Ranked] = findings(found)
    ranked += [besides.probes(p) for p in traffic.probes()]
    ranked += besides.other_zone_nat(case, traffic)
    return finish(case, ranked)


def finish(
    case: Case, ranked: list[Ranked], interfaces: Collection[str] | None = None
) -> Diagnosis:
    """The findings in order, with what limits them: lost windows (of these interfaces, or of all),
    logs of one action, missing fields and files."""
    gaps = [g for id_, g in case.gaps.items() if interfaces is None or id_ in interfaces]
    ranked += [besides.gap(g) for g in gaps]
    ranked += not_logged(case)
    _what_was_missing(case)
    return Diagnosis(in_order(ranked), tuple(case.notes))


def new_case(traffic: Traffic, history: History | None) -> Case:
    gaps = {gap.interface_id: gap for gap in traffic.gaps()}
    return Case(traffic.facts, history, gaps)


def judge_all(
    case: Case, traffic: Traffic, conversations: Iterable[Conversation]
) -> list[Judgement]:
    """What every exchange of these conversations shows."""
    asked = exchanges(conversations)
    _learn_subnets(case, asked)
    for e in asked:
        case.askers.setdefault((e.server, e.port, e.protocol), set()).add(e.client)
    if case.history is not None:
        interfaces = list(dict.fromkeys(c.interface_id for e in asked for c in e.seen))
        case.contradicted |= contradicted(case, traffic.accepted(interfaces))
    return [judgement for exchange in asked for judgement in judge(case, exchange)]


def judge(case: Case, exchange: Exchange) -> Iterator[Judgement]:
    """What one exchange shows: refusals first, for they are said; then silence; then answers that
    are not what they should be."""
    refused = [rejected.judge(case, r) for r in rejected.refusals(case, exchange)]
    faults = [j for j in refused if rejected.replaces(j)]
    if faults:
        sure = [j for j in faults if j.cause not in ("unexplained-reject", rejected.UNDECIDED)]
        yield from sure or faults
    yield from (j for j in refused if not rejected.replaces(j))
    if faults:
        return
    silent = unanswered.silence(case, exchange)
    found = unanswered.judge(case, silent) if silent is not None else None
    found = found or answered.judge(case, exchange)
    if found is not None:
        yield found


def _learn_subnets(case: Case, asked: Iterable[Exchange]) -> None:
    """Whose address lies in which subnet, by the records of its own interface."""
    for exchange in asked:
        for c in exchange.seen:
            own = {"egress": c.client, "ingress": c.server}.get(c.direction or "")
            if own is not None and c.subnet_id is not None:
                case.subnet_of.setdefault(own, c.subnet_id)


def _what_was_missing(case: Case) -> None:
    """Notes on what would have told more."""
    if case.history is None:
        case.note(
            "no inventory was given: which rule, route or resource it is cannot be told "
            "(vpcflow inventory snapshot DIR, then --inventory DIR)"
        )
    else:
        for lack in case.history.lacks:
            case.note(lack)
    lacking = {
        "action": "whether packets were accepted",
        "protocol": "which rules are about them",
        "srcport": "the client and its port",
        "dstport": "the service, and which rules are about it",
        "start": "when it was, and which snapshot may speak of it",
        "tcp_flags": "whether TCP connections were opened, refused or closed",
        "flow_direction": "which way packets went, except by the addresses",
        "reject_reason": "whether Block Public Access or Encryption Controls dropped packets",
        "pkt_srcaddr": "who is behind NAT gateways and load balancers",
    }
    absent = [name for name in lacking if name not in case.facts.columns]
    if absent and case.facts.records:
        told = "; ".join(f"{name.replace('_', '-')}: {lacking[name]}" for name in absent)
        case.note(f"these logs lack fields that would tell more: {told}")
