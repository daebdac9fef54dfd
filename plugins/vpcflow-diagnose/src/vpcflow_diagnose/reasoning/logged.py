"""What the flow logs do not cover: records of one action only, interfaces without any flow log, and
logs that hold nothing. Whatever rests on something missing is worth less there."""

from __future__ import annotations

from collections.abc import Iterator

from vpcflow_diagnose.finding import Confidence, Finding
from vpcflow_diagnose.network.flow_logs import FlowLog
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.grouping import Ranked, moment
from vpcflow_diagnose.reasoning.steps import flow_log_steps

EXAMPLES = 5
_OTHER = {"ACCEPT": "REJECT", "REJECT": "ACCEPT"}
_LACKING = {
    "ACCEPT": "refused packets are not in it, and a missing answer may have been refused",
    "REJECT": "accepted packets are not in it, and whether a connection was answered cannot be "
    "told",
}


def not_logged(case: Case) -> Iterator[Ranked]:
    """Notes on what is not in these logs."""
    facts = case.facts
    transit = "tgw_id" in facts.columns  # its records have no action
    if not facts.accepted + facts.rejected and not transit:
        yield _finding(case, "proven", _nothing(case))
    elif case.one_sided is not None and not _all_of_all(case):
        yield _one_action(case, case.one_sided)
    for network in case.history.latest() if case.history is not None else ():
        bare = [i for i in network.interfaces.values() if _uncovered(case, network, i)]
        if bare:
            yield _without(case, network, bare)
        failing = {log.id: log for logs in network.coverage.by_resource.values() for log in logs
                   if log.failure is not None}  # fmt: skip
        for log in failing.values():
            yield _failing(case, log)


def _nothing(case: Case) -> str:
    facts = case.facts
    if not facts.records:
        return "These logs hold no records: nothing can be told from them"
    told = [
        f"{say.plural(count, 'record')} with {name}"
        for name, count in (("NODATA", facts.nodata), ("SKIPDATA", facts.skipdata))
        if count
    ]
    what = " and ".join(told) or "no record is of packets"
    of = f" of {say.plural(len(facts.interfaces), 'interface')}" if facts.interfaces else ""
    return f"These logs hold no traffic ({what}{of})"


def _one_action(case: Case, only: str) -> Ranked:
    facts = case.facts
    count = facts.accepted + facts.rejected
    of = _logs_of_one_action(case, only)
    if of:
        ids = ", ".join(say.safe(log.id) for log in of[:EXAMPLES])
        said = f"The flow log ({ids}) is of {only} only: {_LACKING[only]}"
    else:
        said = (
            f"All {count:,} records are {only}, none is {_OTHER[only]}: if the flow log is of "
            f"{only} only, {_LACKING[only]}"
        )
    return _finding(case, "proven" if of else "possible", said, flows=count)


def _logs_of_one_action(case: Case, only: str) -> list[FlowLog]:
    """Those that cover the interfaces that were seen, if all of them are of one action."""
    found: dict[str, FlowLog] = {}
    for network in case.history.latest() if case.history is not None else ():
        for id_ in sorted(case.facts.interfaces):
            at = network.interfaces.get(id_)
            if at is None:
                continue
            if network.coverage.traffic_of(at) != only:
                return []
            found.update((log.id, log) for log in network.coverage.logs_of(at))
    return list(found.values())


def _all_of_all(case: Case) -> bool:
    """Whether every flow log of the inventory is of all traffic: then nothing else happened."""
    networks = case.history.latest() if case.history is not None else []
    logs = [log for n in networks for one in n.coverage.by_resource.values() for log in one]
    return bool(logs) and all(log.traffic == "ALL" for log in logs)


def _uncovered(case: Case, network: Network, at: Interface) -> bool:
    none = network.coverage.traffic_of(at) == "NONE"
    return none and at.id not in case.facts.interfaces


def _without(case: Case, network: Network, bare: list[Interface]) -> Ranked:
    shown = ", ".join(
        f"{say.safe(i.id)} ({say.safe(i.addresses[0] if i.addresses else i.label)})"
        for i in bare[:EXAMPLES]
    )
    more = f" and {len(bare) - EXAMPLES:,} more" if len(bare) > EXAMPLES else ""
    are = "is" if len(bare) == 1 else "are"
    return _finding(
        case,
        "likely",
        f"{len(bare):,} of {say.plural(len(network.interfaces), 'interface')} {are} covered by no "
        f"flow log of this inventory: {shown}{more}. What happens there is not recorded, and that "
        "nothing is seen of it proves nothing",
        interface=bare[0].id if len(bare) == 1 else None,
    )


def _failing(case: Case, log: FlowLog) -> Ranked:
    said = (
        f"The flow log {say.safe(log.id)} of {say.safe(log.resource)} does not deliver its "
        f"records: {say.safe(log.failure)}"
    )
    return _finding(case, "likely", said)


def _finding(
    case: Case, confidence: Confidence, text: str, *, flows: int = 0, interface: str | None = None
) -> Ranked:
    facts = case.facts
    finding = Finding(
        "not-logged",
        confidence,
        f"{text}.",
        interface,
        flows=flows,
        first_seen=moment(facts.first) if facts.first else None,
        last_seen=moment(facts.last) if facts.last else None,
        next_steps=tuple(flow_log_steps()),
    )
    return Ranked(5, finding)
