"""The engine against the simulator: `VPCFLOW_SCENARIOS` seeds (60), each a random network with at
most one known fault, diagnosed with its inventory and without.

What must hold: with the inventory the first fault is the right one, with the resource to repair, in
99 % of the scenarios, and no finding is "proven" and wrong; without it no wrong fault is more than
"possible". `simulator/show.py SEED DIR` writes one down to look at.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from attrs import frozen
from simulator.model import ICMP, UDP, Interface
from simulator.scenario import Scenario, scenario
from simulator.write import write
from vpcflow_diagnose.diagnosing import diagnose
from vpcflow_diagnose.finding import Diagnosis, Finding
from vpcflow_diagnose.why import answer
from vpcflow_query.reading import Reading

COUNT = int(os.environ.get("VPCFLOW_SCENARIOS", "60"))
CHUNK = 10
FIRST = int(os.environ.get("VPCFLOW_FIRST_SCENARIO", "0"))
CHUNKS = range(FIRST, FIRST + COUNT, CHUNK)
SAMPLE = 7  # every seventh scenario is asked `why`


@frozen
class Verdict:
    """right: the first fault is the right one. wrong_proven: with the inventory. wrong_loud:
    without it, more than "possible". answered: what `why` said was right; None: not asked."""

    kind: str
    story: str
    right: bool
    wrong_proven: tuple[str, ...]
    wrong_loud: tuple[str, ...]
    answered: bool | None


def is_right(made: Scenario, finding: Finding) -> bool:
    """With the inventory. A probe of a scanner is refused by what the simulator says."""
    if finding.srcaddr in made.scan.sources:
        return (finding.cause, finding.resource) in made.scan.right
    return made.expected.accepts(finding.cause, finding.resource)


def is_sayable(made: Scenario, finding: Finding) -> bool:
    """Without the inventory: it is the cause, or the part of it that the records show."""
    if finding.srcaddr in made.scan.sources:
        causes = {cause for cause, _ in made.scan.right}
        return finding.cause in causes | {"security-group-or-network-acl"}
    return finding.cause in made.expected.nameable


def faults(diagnosis: Diagnosis) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.kind == "fault"]


def first_is_right(made: Scenario, found: list[Finding]) -> bool:
    """The first fault is the injected one; with none, none but of the scan is above possible."""
    if made.expected.cause is None or (made.expected.hard and not found):
        own = [f for f in found if f.srcaddr not in made.scan.sources]
        return all(f.confidence == "possible" or is_right(made, f) for f in own)
    return bool(found) and made.expected.accepts(found[0].cause, found[0].resource)


def said(finding: Finding) -> str:
    return (
        f"{finding.confidence} {finding.cause} {finding.resource}: {finding.srcaddr} -> "
        f"{finding.dstaddr}:{finding.dstport}: {finding.explanation}"
    )


def question(made: Scenario) -> tuple[str, str]:
    """The link of the fault as `why` is asked for it."""
    link = made.fault.link
    only_refused = made.capture.traffic == "REJECT"  # then no record names the load balancer
    server = link.answering if only_refused else link.server
    target = server.address if isinstance(server, Interface) else link.dest
    if isinstance(server, Interface) and link.dest in (server.address6, server.secondary):
        target = link.dest
    if link.protocol == ICMP:
        return link.source, f"{target}/icmp"
    target = f"[{target}]" if ":" in target else target
    return link.source, f"{target}:{link.port}" + ("/udp" if link.protocol == UDP else "")


def why_is_right(made: Scenario, reading: Reading, inventory: Path) -> bool:
    found = answer(reading, *question(made), inventory)
    wrong = [f for f in faults(found) if f.confidence != "possible" and not is_right(made, f)]
    if made.expected.cause is None or made.expected.hard:
        return not wrong
    return first_is_right(made, faults(found))


def judge(seed: int) -> Verdict:
    made = scenario(seed)
    with tempfile.TemporaryDirectory() as directory:
        logs, inventory = write(made, Path(directory))
        known = diagnose(Reading([str(logs)]), inventory)
        unknown = diagnose(Reading([str(logs)]))
        asked = seed % SAMPLE == 0 and made.expected.visible and made.capture.format != "transit"
        answered = why_is_right(made, Reading([str(logs)]), inventory) if asked else None
    found = faults(known)
    proven = [f for f in found if f.confidence == "proven" and not is_right(made, f)]
    loud = [f for f in faults(unknown) if f.confidence != "possible" and not is_sayable(made, f)]
    shown = [f"with: {said(f)}" for f in known.findings[:4]]
    return Verdict(
        made.fault.kind,
        "\n".join([*made.story, *shown]),
        first_is_right(made, found),
        tuple(map(said, proven)),
        tuple(map(said, loud)),
        answered,
    )


@cache
def verdicts(first: int) -> tuple[Verdict, ...]:
    return tuple(judge(seed) for seed in range(first, min(first + CHUNK, FIRST + COUNT)))


@pytest.mark.parametrize("first", CHUNKS)
def test_nothing_wrong_is_proven(first: int) -> None:
    wrong = [f"{v.story}\n  wrong: {w}" for v in verdicts(first) for w in v.wrong_proven]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("first", CHUNKS)
def test_without_an_inventory_nothing_wrong_is_more_than_possible(first: int) -> None:
    wrong = [f"{v.story}\n  wrong: {w}" for v in verdicts(first) for w in v.wrong_loud]
    assert not wrong, "\n\n".join(wrong)


def test_the_first_fault_is_the_right_one() -> None:
    """In 99 % of all; the table says of which kinds."""
    every = [verdict for first in CHUNKS for verdict in verdicts(first)]
    total = Counter(v.kind for v in every)
    right = Counter(v.kind for v in every if v.right)
    for kind in sorted(total):
        print(f"{kind:32} {right[kind]:5} of {total[kind]:5}")
    print(f"{'all':32} {right.total():5} of {total.total():5}")
    missed = [v.story for v in every if not v.right]
    assert len(missed) <= len(every) // 100, "\n\n".join(missed)


def test_why_gives_the_cause_or_says_that_it_is_connected() -> None:
    every = [v for first in CHUNKS for v in verdicts(first) if v.answered is not None]
    missed = [v.story for v in every if not v.answered]
    assert len(missed) <= len(every) // 50, "\n\n".join(missed)


def test_why_says_that_dns_is_not_logged(tmp_path: Path) -> None:
    """AWS answers DNS itself, at the second address of the VPC's block, and writes no record."""
    made = scenario(1, "healthy")
    logs, inventory = write(made, tmp_path)
    vpc = made.world.vpcs[0]
    host = next(i for i in made.world.interfaces if i.name == "app-1")
    resolver = vpc.cidr.replace(".0.0/16", ".0.2")
    found = answer(Reading([str(logs)]), host.address, f"{resolver}:53/udp", inventory)
    assert not [f for f in faults(found) if f.confidence != "possible"]
    assert "not-logged" in {f.cause for f in found.findings}


def test_a_healthy_network_has_no_fault() -> None:
    healthy = [v for first in CHUNKS for v in verdicts(first) if v.kind == "healthy"]
    assert healthy
    ill = [v.story for v in healthy if not v.right]
    assert not ill, "\n\n".join(ill)
