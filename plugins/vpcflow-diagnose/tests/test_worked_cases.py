"""Each cause: right with the inventory, and as right as logs can be without."""

from __future__ import annotations

from pathlib import Path

import pytest
from inventory_builder import ANYWHERE, entry
from vpcflow_diagnose.diagnosing import diagnose
from vpcflow_diagnose.finding import FAULTS, NOTES, WARNINGS
from vpcflow_diagnose.why import answer
from vpcflow_query.reading import Reading
from worked_cases import OPEN_ACL, SITE, WEB, WEB_ENI, WorkedCase, in_acl, record
from worked_list import CASES

BY_QUESTION = {"connected", "no-traffic"}  # what only `why` says
ELSEWHERE = {  # shown by other tests
    "security-group-or-network-acl",
    "mtu-exceeded",
    "ttl-expired",
    "capture-gap",
    "not-logged",
}


def test_there_is_a_case_for_each_cause() -> None:
    assert {case.cause for case in CASES} | ELSEWHERE == {*FAULTS, *WARNINGS, *NOTES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_with_the_inventory(case: WorkedCase, tmp_path: Path) -> None:
    log, inventory = case.write(tmp_path)
    if case.cause in BY_QUESTION:
        found = answer(Reading([str(log)]), *case.why, inventory)
    else:
        found = diagnose(Reading([str(log)]), inventory)
    first = found.findings[0]
    assert (first.cause, first.resource, first.confidence) == (
        case.cause,
        case.resource,
        case.confidence,
    )
    assert not [f for f in found.findings[1:] if f.kind == "fault"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_why_says_the_same(case: WorkedCase, tmp_path: Path) -> None:
    log, inventory = case.write(tmp_path)
    found = answer(Reading([str(log)]), *case.why, inventory)
    assert found.findings[0].cause == (case.asked or case.cause)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_by_logs_alone(case: WorkedCase, tmp_path: Path) -> None:
    log, _ = case.write(tmp_path)
    found = answer(Reading([str(log)]), *case.why)
    assert found.findings[0].cause == case.alone
    assert found.findings[0].confidence != "proven" or found.findings[0].cause in {
        "connected",
        "block-public-access",
        "encryption-control",
    }
    assert any("no inventory" in note for note in found.notes)


def test_a_probe_from_the_port_of_a_service_proves_nothing_about_replies(tmp_path: Path) -> None:
    probe = record(WEB_ENI, SITE, WEB, (27017, 2323), (1, 44), "ingress", "REJECT", flags="-")
    only_https = in_acl(OPEN_ACL, entry(100, "allow", "6", ANYWHERE, (443, 443)), drop=True)
    case = WorkedCase("network-acl", "", [probe], (SITE, WEB), change=only_https)
    log, inventory = case.write(tmp_path)
    found = diagnose(Reading([str(log)]), inventory)
    assert {f.confidence for f in found.findings if f.kind == "fault"} == {"possible"}
