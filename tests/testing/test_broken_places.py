"""Every promise of places has one here that breaks it, and the suite says which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve
from suite_failures import fails, failures

from vpcflow.append_place import AppendPlace
from vpcflow.errors import PluginError
from vpcflow.local_place import LocalPlace, PendingLocalFile
from vpcflow.places import LostFile, Receipt
from vpcflow.testing import PlaceSuite

# what breaks in the middle leaves files open
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Suite(PlaceSuite):
    kind: type[LocalPlace] = LocalPlace
    large = 1 << 21

    def prepare(self, folder: Path) -> None:
        self.root = folder / "root"
        (folder / "file").write_bytes(b"")

    def make_place(self) -> Any:
        return self.kind(self.root)

    def unwritable_place(self) -> Any:
        return self.kind(self.root.parent / "file" / "below")

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.exists() else None

    def names(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return [str(path.relative_to(self.root)) for path in files if path.name[0] != "."]


class Pending:
    """A pending file that another class changes."""

    def __init__(self, pending: Any) -> None:
        self.pending = pending
        self.name = pending.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pending, name)


class Changes(LocalPlace):
    """A place whose pending files are of the class `pending`."""

    pending: Any = Pending

    def create(self, name: str, owner: str) -> Any:
        return type(self).pending(super().create(name, owner))


class TakesALittle(Changes):
    class pending(Pending):  # noqa: N801
        def write(self, data: Any) -> int:
            return int(self.pending.write(memoryview(data)[:2]))


class CountsBadly(Changes):
    class pending(Pending):  # noqa: N801
        def tell(self) -> int:
            return 0


class SizesBadly(Changes):
    class pending(Pending):  # noqa: N801
        def prepare(self) -> Receipt:
            receipt: Receipt = self.pending.prepare()
            return evolve(receipt, size=receipt.size + 1)


class NamesBadly(Changes):
    class pending(Pending):  # noqa: N801
        def __init__(self, pending: Any) -> None:
            super().__init__(pending)
            self.name = str(pending.path)


class AbortsOnce(Changes):
    class pending(Pending):  # noqa: N801
        def abort(self) -> None:
            self.pending.path.unlink()
            self.pending.abort()


class ReceiptsOfPaths(Changes):
    class pending(Pending):  # noqa: N801
        def prepare(self) -> Receipt:
            receipt: Receipt = self.pending.prepare()
            return evolve(receipt, token={**receipt.token, "path": self.pending.path})


class SpoilsBytes(Changes):
    class pending(Pending):  # noqa: N801
        def write(self, data: Any) -> int:
            return int(self.pending.write(bytes(data).replace(b"s", b"S")))


class ShowsWhatIsBegun(LocalPlace):
    def create(self, name: str, owner: str) -> Any:
        pending = super().create(name, owner)
        (self.root / name).write_bytes(b"")
        return pending


class ShowsWhatIsPrepared(Changes):
    class pending(Pending):  # noqa: N801
        def prepare(self) -> Receipt:
            receipt: Receipt = self.pending.prepare()
            os.link(self.pending.path, self.pending.path.with_name("prepared"))
            return receipt


class PublishesOnce(LocalPlace):
    def publish(self, receipt: Receipt) -> None:
        if (self.root / receipt.name).exists():
            raise FileExistsError(receipt.name)
        super().publish(receipt)


class PublishesFromMemory(LocalPlace):
    known: ClassVar[list[Any]] = []  # not their ids, which are used again

    def create(self, name: str, owner: str) -> Any:
        self.known.append(self)
        return super().create(name, owner)

    def publish(self, receipt: Receipt) -> None:
        if not any(place is self for place in self.known):
            raise LookupError("no upload is known")
        super().publish(receipt)


class NeverLoses(LocalPlace):
    def publish(self, receipt: Receipt) -> None:
        try:
            super().publish(receipt)
        except LostFile:
            return


class TrustsNames(LocalPlace):
    def publish(self, receipt: Receipt) -> None:
        if not (self.root / receipt.name).exists():
            super().publish(receipt)


class AbortsNothing(LocalPlace):
    def abort(self, receipt: Receipt) -> None:
        pass


class AbortsOnlyWhatIsThere(LocalPlace):
    def abort(self, receipt: Receipt) -> None:
        if not any(path.exists() for path in self.paths(receipt)):
            raise FileNotFoundError(receipt.name)
        super().abort(receipt)


class AbortsNoPublished(LocalPlace):
    def abort(self, receipt: Receipt) -> None:
        self.paths(receipt)[1].unlink(missing_ok=True)


class AbortsByName(LocalPlace):
    def abort(self, receipt: Receipt) -> None:
        super().abort(receipt)
        self.paths(receipt)[0].unlink(missing_ok=True)


class FindsNothing(LocalPlace):
    def unfinished(self, owner: str) -> Iterator[Receipt]:
        return iter(())


class FindsAllOwners(LocalPlace):
    def unfinished(self, owner: str) -> Iterator[Receipt]:
        return super().unfinished("*")


class FindsPublished(LocalPlace):
    def unfinished(self, owner: str) -> Iterator[Receipt]:
        yield from super().unfinished(owner)
        for path in self.root.glob("published*"):
            yield Receipt(path.name, 0, "", {"temporary": path.name})


class NeedsItsDirectory(LocalPlace):
    def unfinished(self, owner: str) -> Iterator[Receipt]:
        list(self.root.iterdir())
        return super().unfinished(owner)


class RaisesOsErrors(LocalPlace):
    def create(self, name: str, owner: str) -> Any:
        try:
            return super().create(name, owner)
        except PluginError as error:
            raise error.__cause__ or error from None


class SaysNothing(LocalPlace):
    def create(self, name: str, owner: str) -> Any:
        try:
            return super().create(name, owner)
        except PluginError as error:
            raise evolve(error, hint=None) from error


class WritesWhatItMayNot(LocalPlace):
    def create(self, name: str, owner: str) -> PendingLocalFile:
        if "file" in self.root.parts:
            return LocalPlace(self.root.parent.parent / "elsewhere")._create(name, owner, {})
        return self._create(name, owner, {})

    def publish(self, receipt: Receipt) -> None:
        if "file" not in self.root.parts:
            super().publish(receipt)


PUBLISHING = {
    *("test_a_file_appears_when_it_is_published", "test_sizes", "test_empty_and_large_files"),
    *("test_two_files_at_once", "test_publish_may_be_repeated", "test_unfinished_files_are_found"),
    *("test_a_new_object_publishes_what_another_prepared", "test_abort_of_a_published_file"),
    *("test_another_file_of_that_name_does_not_count_as_done",),
    *("test_abort_leaves_the_files_of_others", "test_a_lost_file"),
}
SECOND = {
    "test_another_file_of_that_name_does_not_count_as_done",
    "test_abort_leaves_the_files_of_others",
}
UNFINISHED = "test_unfinished_files_are_found"
BROKEN = [
    (TakesALittle, "test_sizes", "write() of 3 bytes gave 2", PUBLISHING),
    (CountsBadly, "test_sizes", "0 after 3", ()),
    (SizesBadly, "test_sizes", "9 of 8 bytes", PUBLISHING),
    (NamesBadly, "test_a_file_appears_when_it_is_published", "a pending file has its final", ()),
    (AbortsOnce, "test_abort_while_writing",
     "abort() of a pending file, twice, raised FileNotFoundError", {UNFINISHED}),
    (ReceiptsOfPaths, "test_publish_may_be_repeated", "is not one: Object of type PosixPath",
     {*PUBLISHING, "test_abort_of_a_prepared_file"}),
    (SpoilsBytes, "test_a_file_appears_when_it_is_published",
     "has b'Some byteS\\n', not b'some bytes\\n'", PUBLISHING),
    (ShowsWhatIsBegun, "test_a_file_appears_when_it_is_published",
     "create() made date=2024-05-01/vpc=a%2Fb %25+c/abcdef012345-0001-000001.jsonl visible before",
     {"test_abort_while_writing", "test_a_lost_file", "test_abort_of_a_prepared_file"}),
    (ShowsWhatIsPrepared, "test_a_file_appears_when_it_is_published",
     "prepare() made date=2024-05-01/vpc=a%2Fb %25+c/prepared visible before publish",
     {"test_abort_of_a_prepared_file", *PUBLISHING}),
    (PublishesOnce, "test_publish_may_be_repeated", "publish(receipt) is not idempotent: the second"
     " call, of the same place, raised FileExistsError",
     SECOND),
    (PublishesFromMemory, "test_a_new_object_publishes_what_another_prepared",
     "publish(receipt) of a new object raised LookupError",
     {"test_publish_may_be_repeated", "test_sizes"}),
    (NeverLoses, "test_a_lost_file", "publish() of a file that is gone did not raise LostFile", ()),
    (TrustsNames, "test_another_file_of_that_name_does_not_count_as_done",
     "has b'the first', not b'the other'", {"test_abort_leaves_the_files_of_others"}),
    (AbortsNothing, "test_abort_of_a_prepared_file", "after abort(receipt) it still gave",
     {"test_a_lost_file", "test_abort_of_a_published_file", UNFINISHED}),
    (AbortsOnlyWhatIsThere, "test_abort_of_a_prepared_file",
     "abort(receipt), by two objects, raised FileNotFoundError", ()),
    (AbortsNoPublished, "test_abort_of_a_published_file", "still has b'published too early'", ()),
    (AbortsByName, "test_abort_leaves_the_files_of_others", "has None, not b', and the", ()),
    (FindsNothing, UNFINISHED, "it gave []", ()),
    (FindsAllOwners, UNFINISHED, "it gave ['", ()),
    (FindsPublished, UNFINISHED, "'published.bin'", ()),
    (NeedsItsDirectory, "test_a_place_without_anything", "unfinished() raised FileNotFoundError",
     ()),
    (RaisesOsErrors, "test_a_place_that_may_not_be_written",
     "writing where it is not allowed raised FileExistsError", ()),
    (SaysNothing, "test_a_place_that_may_not_be_written", "the error has no hint", ()),
    (WritesWhatItMayNot, "test_a_place_that_may_not_be_written",
     "writing where it is not allowed raised nothing", ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "test", "message", "also"), BROKEN, ids=[row[0].__name__ for row in BROKEN]
)
def test_the_suite_notices(
    tmp_path: Path, kind: Any, test: str, message: str, also: set[str]
) -> None:
    class Broken(Suite):
        pass

    Broken.kind = kind
    fails(Broken, tmp_path, test, message, also)


def test_the_one_that_the_broken_ones_are_made_of_keeps_its_promises(tmp_path: Path) -> None:
    assert failures(Suite, tmp_path) == {}


def test_a_place_that_appends_when_it_should_not(tmp_path: Path) -> None:
    class Broken(Suite):
        kind = AppendPlace
        folders = False
        name = "flows.jsonl"

    fails(
        Broken,
        tmp_path,
        "test_another_file_of_that_name_does_not_count_as_done",
        "has b'the firstthe other', not b'the other'",
        {"test_abort_leaves_the_files_of_others"},
    )
