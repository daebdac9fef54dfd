"""What docs/plugins.md shows is true: its examples run, and its suites pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from vpcflow.testing import sample_lines

PAGE = Path(__file__).parent.parent / "docs" / "plugins.md"
EXAMPLE = re.compile(r"<!-- example: run by tests -->\n```python\n(.*?)```", re.DOTALL)


def test_every_python_example_is_run() -> None:
    text = PAGE.read_text()
    assert len(EXAMPLE.findall(text)) == text.count("```python") >= 6


def test_the_examples_run_and_their_suites_pass(tmp_path: Path) -> None:
    """As one test module of an author, in a directory of its own."""
    (tmp_path / "flows.log").write_bytes(sample_lines(header=True))
    (tmp_path / "test_page.py").write_text("\n".join(EXAMPLE.findall(PAGE.read_text())))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) >= 50
