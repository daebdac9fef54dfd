"""A file that grows: every text is appended once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from killing import OWNER, Killed, killed_at, prepared, tree

from vpcflow.append_place import AppendPlace

APPEND_STEPS = ["replace", "fsync", "copyfileobj", "fsync", "fsync", "unlink"]


@pytest.mark.parametrize("before", [None, b"", b"former\n"])
@pytest.mark.parametrize("step", range(len(APPEND_STEPS) + 1))
@pytest.mark.parametrize("again", [None, *range(len(APPEND_STEPS))])
def test_a_crash_while_appending_is_mended(
    tmp_path: Path, before: bytes | None, step: int, again: int | None
) -> None:
    """Also if the second attempt is killed, too."""
    final = tmp_path / "flows.jsonl"
    if before is not None:
        final.write_bytes(before)
    receipt = prepared(AppendPlace(tmp_path), b"new\n" * 1000)
    for attempt in (step, again):
        if attempt is not None:
            with killed_at(attempt), _killed_perhaps():
                AppendPlace(tmp_path).publish(receipt)
    for _ in range(2):
        AppendPlace(tmp_path).publish(receipt)
        assert tree(tmp_path) == {"flows.jsonl": (before or b"") + b"new\n" * 1000}


@contextmanager
def _killed_perhaps() -> Iterator[None]:
    with suppress(Killed):
        yield


def test_the_steps_of_appending(tmp_path: Path) -> None:
    receipt = prepared(AppendPlace(tmp_path), b"new\n")
    with killed_at(99) as done:
        AppendPlace(tmp_path).publish(receipt)
    assert done == APPEND_STEPS


@pytest.mark.parametrize("copied", [0, 1, 4, 7, 8])
def test_a_copy_that_broke_off_anywhere_is_completed(tmp_path: Path, copied: int) -> None:
    final = tmp_path / "flows.jsonl"
    final.write_bytes(b"former\n")
    receipt = prepared(AppendPlace(tmp_path), b"one\ntwo\n")
    with killed_at(2), pytest.raises(Killed):
        AppendPlace(tmp_path).publish(receipt)
    with final.open("ab") as stream:
        stream.write(b"one\ntwo\n"[:copied])
    AppendPlace(tmp_path).publish(receipt)
    assert final.read_bytes() == b"former\none\ntwo\n"


@pytest.mark.parametrize("killed", [None, 0, 1, 2, 3])
def test_what_somebody_else_appended_meanwhile_stays(tmp_path: Path, killed: int | None) -> None:
    final = tmp_path / "flows.jsonl"
    final.write_bytes(b"former\n")
    receipt = prepared(AppendPlace(tmp_path), b"ours\n" * 10)
    with final.open("ab") as stream:
        stream.write(b"theirs\n")
    if killed is not None:
        with killed_at(killed), pytest.raises(Killed):
            AppendPlace(tmp_path).publish(receipt)
    AppendPlace(tmp_path).publish(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"former\ntheirs\n" + b"ours\n" * 10}


def test_theirs_between_a_crash_and_the_next_attempt_stays(tmp_path: Path) -> None:
    final = tmp_path / "flows.jsonl"
    receipt = prepared(AppendPlace(tmp_path), b"ours\n")
    with killed_at(2), pytest.raises(Killed):
        AppendPlace(tmp_path).publish(receipt)
    final.write_bytes(b"them\n")
    AppendPlace(tmp_path).publish(receipt)
    AppendPlace(tmp_path).publish(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"them\nours\n"}


@pytest.mark.parametrize("killed", [None, 1, 2, 3])
def test_a_file_that_was_rotated_away_begins_anew(tmp_path: Path, killed: int | None) -> None:
    final = tmp_path / "flows.jsonl"
    final.write_bytes(b"former\n" * 100)
    receipt = prepared(AppendPlace(tmp_path), b"new\n")
    final.unlink()
    if killed is not None:
        with killed_at(killed), pytest.raises(Killed):
            AppendPlace(tmp_path).publish(receipt)
    AppendPlace(tmp_path).publish(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"new\n"}


def test_withdrawing_cuts_off_what_was_appended_if_it_is_the_last(tmp_path: Path) -> None:
    place, final = AppendPlace(tmp_path), tmp_path / "flows.jsonl"
    final.write_bytes(b"former\n")
    receipt = prepared(place, b"new\n")
    place.publish(receipt)
    place.abort(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"former\n"}
    place.abort(receipt)
    final.write_bytes(b"former\nold\n")  # of the same length, and not ours
    place.abort(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"former\nold\n"}
    receipt = prepared(place, b"next\n")
    with killed_at(3), pytest.raises(Killed):
        place.publish(receipt)
    place.abort(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"former\nold\n"}


def test_leftovers_of_a_crash_while_appending_are_found(tmp_path: Path) -> None:
    (tmp_path / "flows.jsonl").write_bytes(b"former\n")
    receipt = prepared(AppendPlace(tmp_path), b"new\n")
    with killed_at(3), pytest.raises(Killed):
        AppendPlace(tmp_path).publish(receipt)
    (found,) = AppendPlace(tmp_path).unfinished(OWNER)
    AppendPlace(tmp_path).abort(found)
    assert tree(tmp_path) == {"flows.jsonl": b"former\n"}
