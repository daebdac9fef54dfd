"""docs/diagnosis.md says what the program says."""

from __future__ import annotations

import re

from diagnosis_page import PAGE, rendered
from vpcflow_diagnose.finding import FAULTS, NOTES, WARNINGS
from worked_list import CASES


def test_every_example_is_what_the_program_prints() -> None:
    page = PAGE.read_text()
    assert rendered(page) == page, "run plugins/vpcflow-diagnose/tests/diagnosis_page.py"


def test_every_case_is_shown_and_every_cause_explained() -> None:
    page = PAGE.read_text()
    shown = re.findall(r"<!-- case: (\S+) -->", page)
    assert sorted(shown) == sorted(case.cause for case in CASES)
    headings = set(re.findall(r"^#### `(\S+)`", page, re.MULTILINE))
    assert headings == {*FAULTS, *WARNINGS, *NOTES}
