"""The worked examples of docs/diagnosis.md: `python diagnosis_page.py` writes them anew, and
`test_diagnosis_page.py` holds them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from vpcflow_diagnose.diagnosing import diagnose
from vpcflow_diagnose.finding import Diagnosis
from vpcflow_diagnose.findings_text import finding_lines
from vpcflow_diagnose.why import answer
from vpcflow_query.reading import Reading
from worked_cases import WorkedCase
from worked_list import CASES

from vpcflow.cli.screen import Screen, wrap

PAGE = Path(__file__).parents[3] / "docs" / "diagnosis.md"
SCREEN = Screen(False, 100, None, lambda text, style: text)
_FLAGS = {0: "", 2: "SYN", 3: "SYN FIN", 4: "RST", 18: "SYN-ACK", 19: "SYN-ACK FIN"}
_BLOCK = re.compile(r"(<!-- case: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def example(case: WorkedCase) -> str:
    """One case, as it stands in the page."""
    with tempfile.TemporaryDirectory() as directory:
        log, inventory = case.write(Path(directory))
        by_both = _asked(case, log, inventory)
        by_logs = answer(Reading([str(log)]), *case.why)
    command = "vpcflow diagnose" if _all_traffic(case) else f"vpcflow why {' '.join(case.why)}"
    lines = ["```console", *map(_record, case.records), ""]
    lines += [f"$ {command} --inventory inventory/ flows.log"]
    lines += finding_lines(1, by_both.findings[0], SCREEN)
    lines += ["```", ""]
    first = by_logs.findings[0]
    said = f"Without the inventory: `{first.cause}`, {first.confidence}. {first.explanation}"
    return "\n".join([*lines, *wrap(said, 100), ""])


def _all_traffic(case: WorkedCase) -> bool:
    return case.asked is not None


def _asked(case: WorkedCase, log: Path, inventory: Path) -> Diagnosis:
    if _all_traffic(case):
        return diagnose(Reading([str(log)]), inventory)
    return answer(Reading([str(log)]), *case.why, inventory)


def _record(line: str) -> str:
    """A record, shortened: where, between whom, how much, and what became of it."""
    f = line.split(" ")
    flags = _FLAGS[int(f[15])] if f[15] != "-" else ""
    reason = f" {f[19]}" if f[19] != "-" else ""
    size = f"{f[7]} packets {f[8]} bytes"
    return f"{f[1]} {f[2]}:{f[4]} > {f[3]}:{f[5]}  {size}  {f[11]}{reason} {flags}".rstrip()


def rendered(page: str) -> str:
    """The page with its examples made anew. Raises KeyError for a case that does not exist."""
    cases = {case.cause: case for case in CASES}
    return _BLOCK.sub(lambda m: f"{m[1]}{example(cases[m[2]])}{m[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
