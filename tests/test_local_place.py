"""Local directories as a place: crashes between any two steps, full disks, missing rights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from killing import OWNER, Killed, killed_at, prepared, tree
from unprivileged import nobody, readable_directory

from vpcflow import local_place
from vpcflow.append_place import AppendPlace, PendingAppend
from vpcflow.errors import PluginError, UsageError
from vpcflow.local_place import LocalPlace, NewFilePlace, PendingLocalFile
from vpcflow.places import LostFile, Receipt, checked_name
from vpcflow.targets import place_of

# ---- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(3))
def test_a_crash_while_publishing_is_mended_by_publishing_again(tmp_path: Path, step: int) -> None:
    receipt = prepared(LocalPlace(tmp_path), b"content", "a/b/flows.jsonl")
    with killed_at(step) as done, pytest.raises(Killed) if step < 2 else _nothing():
        LocalPlace(tmp_path).publish(receipt)
    assert done == ["replace", "fsync"][:step]
    LocalPlace(tmp_path).publish(receipt)
    assert tree(tmp_path) == {"a/b/flows.jsonl": b"content"}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def test_a_prepared_file_that_is_gone(tmp_path: Path) -> None:
    for place in (LocalPlace(tmp_path), AppendPlace(tmp_path)):
        receipt = prepared(place, b"content")
        for path in tmp_path.iterdir():
            path.unlink()
        with pytest.raises(LostFile, match="its records are delivered again"):
            place.publish(receipt)


def test_a_published_file_that_was_changed_is_not_taken_for_done(tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    receipt = prepared(place, b"content")
    place.publish(receipt)
    (tmp_path / "flows.jsonl").write_bytes(b"CONTENT")
    os.utime(tmp_path / "flows.jsonl", ns=(1, 1))
    with pytest.raises(LostFile):
        place.publish(receipt)
    place.abort(receipt)
    assert tree(tmp_path) == {"flows.jsonl": b"CONTENT"}


# ---- leftovers -----------------------------------------------------------------------------------


def test_single_files_leave_the_directories_below_alone(tmp_path: Path) -> None:
    """Their directory may be somebody's home."""
    below = tmp_path / "below"
    prepared(LocalPlace(below), b"x")
    for place in (AppendPlace(tmp_path), NewFilePlace(tmp_path)):
        assert list(place.unfinished(OWNER)) == []
    (found,) = LocalPlace(tmp_path).unfinished(OWNER)
    assert found.name == "below/flows.jsonl"


def test_names_that_lead_out(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "a//b", "a/./b", "", "a/", "a\0b", ".."):
        with pytest.raises(PluginError, match="is not the name of a file below"):
            LocalPlace(tmp_path / "in").create(name, OWNER)
        receipt = Receipt("flows.jsonl", 1, "1-1", {"temporary": name})
        with pytest.raises(PluginError):
            LocalPlace(tmp_path / "in").publish(receipt)
        with pytest.raises(PluginError):
            LocalPlace(tmp_path / "in").abort(receipt)
    assert tree(tmp_path) == {}
    assert checked_name("a=..%2F/b", "x") == "a=..%2F/b"


# ---- errors --------------------------------------------------------------------------------------


@contextmanager
def refused(said: str, hint: str) -> Iterator[None]:
    with pytest.raises(PluginError) as error:
        yield
    assert said in error.value.message
    assert hint in (error.value.hint or "")
    assert error.value.plugin == "local files"


@pytest.mark.parametrize("kind", [LocalPlace, AppendPlace, NewFilePlace])
def test_a_directory_that_may_not_be_written(kind: type[LocalPlace]) -> None:
    with readable_directory() as root:
        receipt = prepared(kind(root), b"content")
        root.chmod(0o555)
        with nobody():
            with refused("cannot create", "it takes the right to write there"):
                kind(root).create("other.jsonl", OWNER)
            with refused("cannot create", "it takes the right to write there"):
                kind(root / "new").create("other.jsonl", OWNER)
            with refused("cannot", "it takes the right to write there"):
                kind(root).publish(receipt)
            with refused("cannot remove", "it takes the right to write there"):
                kind(root).abort(receipt)
        root.chmod(0o755)


def test_a_file_that_may_not_be_appended_to() -> None:
    with readable_directory() as root:
        (root / "flows.jsonl").write_bytes(b"former\n")
        root.chmod(0o777)
        (root / "flows.jsonl").chmod(0o444)
        with nobody(), refused("cannot append to", "it takes the right to write there"):
            AppendPlace(root).create("flows.jsonl", OWNER)
        (root / "folder.jsonl").mkdir()
        with refused("cannot append to", "it is a directory"):
            AppendPlace(root).create("folder.jsonl", OWNER)


def test_a_part_of_the_path_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with refused("cannot create", "a part of the path is a file"):
        LocalPlace(tmp_path / "file").create("flows.jsonl", OWNER)
    with refused("cannot create", "a part of the path is a file"):
        LocalPlace(tmp_path).create("file/below/flows.jsonl", OWNER)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with refused("cannot create", "use a shorter name"):
        LocalPlace(tmp_path).create("x" * 300, OWNER)


@pytest.mark.parametrize("kind", [PendingLocalFile, PendingAppend])
def test_a_full_disk(kind: type[PendingLocalFile]) -> None:
    """/dev/full takes nothing: what is buffered fails when it is written out."""
    full = Path("/dev/full")
    pending = kind("full", full, full.open("wb"), {"crc32": 0})
    pending.write(b"a little")
    assert pending.tell() == 8
    with refused("cannot write /dev/full", "free some space and run again"):
        pending.flush()
    with refused("cannot write /dev/full", "free some space"):
        pending.write(bytes(1 << 20))
    with refused("cannot write /dev/full", "free some space"):
        pending.prepare()
    with patch.object(Path, "unlink"):
        pending.abort()


LIMITED = """
import resource, sys
from pathlib import Path
from vpcflow.append_place import AppendPlace
from vpcflow.errors import PluginError
from vpcflow.local_place import LocalPlace
kind, root = (LocalPlace, AppendPlace)[int(sys.argv[1])], Path(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
if kind is AppendPlace:
    (root / "flows.jsonl").write_bytes(bytes(99_000))
    pending = kind(root).create("flows.jsonl", "abc")
    pending.write(bytes(2_000))
    receipt = pending.prepare()
    step = lambda: kind(root).publish(receipt)
else:
    pending = kind(root).create("flows.jsonl", "abc")
    step = lambda: pending.write(bytes(200_000))
try:
    step()
except PluginError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", [0, 1])
def test_a_file_that_grows_too_large(tmp_path: Path, kind: int) -> None:
    arguments = [sys.executable, "-c", LIMITED, str(kind), str(tmp_path)]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert "File too large" in ran.stdout, ran.stderr
    assert "to mend it: files may not grow so large here" in ran.stdout


def test_directories_that_cannot_be_synchronised_are_none_of_our_business(tmp_path: Path) -> None:
    def unsupported(_: int) -> None:
        raise OSError(22, "Invalid argument")

    with patch.object(os, "fsync", unsupported):
        local_place.sync_directory(tmp_path)


# ---- targets -------------------------------------------------------------------------------------


def test_targets(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder.jsonl", tmp_path / "file.txt"
    folder.mkdir()
    file.write_bytes(b"")
    cases = {
        f"{tmp_path}/new/": (LocalPlace, None),
        f"{tmp_path}/new.jsonl/": (LocalPlace, None),
        f"{tmp_path}/new": (LocalPlace, None),
        f"{folder}": (LocalPlace, None),
        f"{tmp_path}/new.jsonl": (AppendPlace, "new.jsonl"),
    }
    for target, (kind, name) in cases.items():
        place, file_name = place_of("jsonl", target, ".jsonl", appendable=True)
        assert (type(place), file_name) == (kind, name), target
    place, _ = place_of("parquet", f"{tmp_path}/new.parquet", ".parquet", appendable=False)
    assert type(place) is NewFilePlace
    with pytest.raises(UsageError, match="is a file, and not one that ends in"):
        place_of("jsonl", str(file), ".jsonl", appendable=True)
    for target in ("", "a\0b"):
        with pytest.raises(UsageError, match="has no target"):
            place_of("jsonl", target, ".jsonl", appendable=True)
    with pytest.raises(UsageError, match="there is no place 'gopher'"):
        place_of("jsonl", "gopher://x/y", ".jsonl", appendable=True)
    assert tree(tmp_path) == {"file.txt": b""}


def test_a_single_file_that_cannot_grow_is_not_replaced(tmp_path: Path) -> None:
    place, name = place_of("parquet", f"{tmp_path}/a.parquet", ".parquet", appendable=False)
    assert name is not None
    receipt = prepared(place, b"whole", name)
    place.publish(receipt)
    place.publish(receipt)  # a restart may commit it again
    with pytest.raises(UsageError) as error:
        place.create(name, OWNER)
    assert "exists, and a parquet file cannot be appended to" in error.value.message
