"""The state: transactions, locks, settings, and undoing what was lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from vpcflow import InputError, UsageError
from vpcflow.source_files import BytesFile, LocalFile
from vpcflow.state import DAMAGED, DONE, Covered, State, version_of

SETTINGS = {"to": ["jsonl:out/"], "columns": None, "where": {"dstport": [443]}}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


def reopened(state: State, path: str) -> State:
    state.close()
    return State.open(path, SETTINGS)


def test_what_was_stored_is_there_for_the_next_run(path: str) -> None:
    state = State.open(path, SETTINGS)
    covered = {
        "a": Covered("10 x", 7, "${version}", "header"),
        "b": Covered("5 y", 9, status=DAMAGED, reason="truncated\nat its end"),
    }
    stored = state.store(covered, {"files": 2}, {"to jsonl": [{"name": "x"}]})
    again = reopened(state, path)
    assert (again.owner, again.number) == (state.owner, 2)
    assert again.covered == covered
    assert again.fact("report") == {"files": 2}
    assert again.pending() == [stored]
    again.finish(stored)
    assert reopened(again, path).pending() == []


def test_undoing_a_checkpoint_restores_what_was_before_it(path: str) -> None:
    state = State.open(path, SETTINGS)
    first = {"a": Covered("1 x", 5), "b": Covered("1 y", 3, status=DONE)}
    state.finish(state.store(first, {"files": 1}, {}))
    lost = state.store({"a": Covered("1 x", 9), "c": Covered("1 z", 2)}, {"files": 2}, {"s": [1]})
    state.undo(lost)
    assert (state.covered, state.fact("report"), state.pending()) == (first, {"files": 1}, [])
    again = reopened(state, path)
    assert (again.covered, again.fact("report"), again.pending()) == (first, {"files": 1}, [])


def test_undoing_the_first_checkpoint_leaves_nothing(path: str) -> None:
    state = State.open(path, SETTINGS)
    state.undo(state.store({"a": Covered("1 x", 5)}, {"files": 1}, {"s": [1]}))
    assert state.covered == {}
    assert state.fact("report") is None


def test_a_failed_transaction_changes_nothing(path: str) -> None:
    state = State.open(path, SETTINGS)
    with pytest.raises(TypeError):
        state.store({"a": Covered("1 x", 5)}, {"files": object()}, {})
    assert State.store(state, {}, {"files": 0}, {}).receipts == {}
    again = reopened(state, path)
    assert again.covered == {}


def test_one_run_at_a_time(path: str) -> None:
    state = State.open(path, SETTINGS)
    code = f"from vpcflow.state import State; State.open({path!r}, {{}})"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "in use by another run" in other.stderr
    with pytest.raises(UsageError, match="in use by another run"):
        State.open(path, SETTINGS)
    state.close()
    State.open(path, SETTINGS).close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"to": ["jsonl:other/"]}, r"to was \['jsonl:out/'\] and is \['jsonl:other/'\]"),
        ({"where": None}, r"where was \{'dstport': \[443\]\} and is None"),
        ({"since": "2026"}, "since was None and is '2026'"),
    ],
)
def test_other_settings_are_refused_by_name(
    path: str, changed: dict[str, object], said: str
) -> None:
    State.open(path, SETTINGS).close()
    with pytest.raises(UsageError, match=said):
        State.open(path, SETTINGS | changed)
    State.open(path, SETTINGS).close()


def test_what_is_no_state_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    with pytest.raises(UsageError, match="is no state of vpcflow"):
        State.open(str(text), SETTINGS)
    assert text.read_text() == "no database " * 100
    with pytest.raises(InputError, match="the state cannot be used"):
        State.open(str(tmp_path / "missing" / "state.db"), SETTINGS)


def test_a_state_of_another_layout_is_refused(path: str) -> None:
    State.open(path, SETTINGS).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE facts SET value = '99' WHERE name = 'layout'")
    connection.close()
    with pytest.raises(UsageError, match="another version of vpcflow"):
        State.open(path, SETTINGS)


def test_a_version_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    first = version_of(LocalFile(path))
    os.utime(path, (2, 2))
    second = version_of(LocalFile(path))
    path.write_bytes(b"three")
    os.utime(path, (2, 2))
    third = version_of(LocalFile(path))
    assert len({first, second, third}) == 3
    assert version_of(LocalFile(path)) == third
    assert version_of(BytesFile("x", b"abc")) == "3 None"


def test_without_a_path_it_is_kept_in_memory() -> None:
    state = State.open(None, SETTINGS)
    state.finish(state.store({"a": Covered("1", 2)}, {}, {}))
    assert state.covered["a"].line == 2
    assert State.open(None, {}).covered == {}
