"""What the README shows is true: its example runs, and its numbers are those of a committed run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})


def test_every_row_of_the_benchmark_table_stands_in_a_committed_result() -> None:
    rows = re.findall(r"^\| .* \|$", README.split("## How fast")[1], re.MULTILINE)
    figures = [row for row in rows if re.search(r"\d", row)]
    results = "\n".join(p.read_text() for p in (ROOT / "benchmarks" / "results").glob("*.md"))
    assert figures
    for row in figures:
        assert row in results, f"not in benchmarks/results: {row}"


def test_files_that_the_readme_links_to_exist() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
