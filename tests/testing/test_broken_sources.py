"""Every promise of sources has one here that breaks it, and the suite says which."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from suite_failures import fails, failures

from vpcflow.errors import InputError, UsageError
from vpcflow.selection import Selection
from vpcflow.source_files import BytesFile, SourceFile
from vpcflow.testing import SourceSuite

NAME = "123456789010_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20240501T{}Z_0a1b2c3d.log.gz"
CONTENT = {
    NAME.format("1620"): b"the first file",
    NAME.format("1625"): b"",
    NAME.format("1900"): b"abc" * 100,
    "other.log": b"somebody else's",
}


class Source:
    """Keeps all promises."""

    def named(self) -> Sequence[str]:
        return list(CONTENT)

    def file(self, name: str) -> Any:
        return BytesFile(name, CONTENT[name])

    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        if not url.startswith("mem://"):
            raise UsageError(f"{url} is not mem://")
        if url != "mem://here":
            raise InputError("nothing there", source=url)
        return (self.file(name) for name in self.named() if selection.wants(name))


class Suite(SourceSuite):
    url = "mem://here"
    missing_url = "mem://absent"
    wrong_url = "http://here"
    expected = CONTENT
    kind: type[Source] = Source

    def make_source(self) -> Any:
        return self.kind()


class File:
    """A file that another class changes."""

    def __init__(self, name: str) -> None:
        self.file = BytesFile(name, CONTENT[name])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class Changes(Source):
    """A source whose files are of the class `of`."""

    of: Any = File

    def file(self, name: str) -> Any:
        return type(self).of(name)


class GivesNothing(Source):
    def named(self) -> Sequence[str]:
        return []


class Forgets(Source):
    def named(self) -> Sequence[str]:
        return list(CONTENT)[:-1]


class GivesTwice(Source):
    def named(self) -> Sequence[str]:
        return [*CONTENT, "other.log"]


class GivesAnotherOrder(Source):
    times = 0

    def named(self) -> Sequence[str]:
        GivesAnotherOrder.times += 1
        return list(CONTENT)[:: -1 if self.times % 2 else 1]


class GivesAList(Source):
    def files(self, url: str, selection: Selection) -> Any:
        return list(super().files(url, selection))


class NoFiles(Source):
    def file(self, name: str) -> Any:
        return io.BytesIO(CONTENT[name])


class SizesBadly(Changes):
    class of(File):  # noqa: N801
        size = 7


class NumbersForEtags(Changes):
    class of(File):  # noqa: N801
        etag = 5


class LocalTimes(Changes):
    class of(File):  # noqa: N801
        modified = datetime(2024, 5, 1)


class OneStream(Changes):
    class of(File):  # noqa: N801
        def __init__(self, name: str) -> None:
            super().__init__(name)
            self.stream = _Unclosed(CONTENT[name])

        def open(self) -> BinaryIO:
            self.stream.seek(0)
            return self.stream


class _Unclosed(io.BytesIO):
    def __exit__(self, *_: object) -> None:
        return None


class OtherBytes(Changes):
    class of(File):  # noqa: N801
        def open(self) -> BinaryIO:
            return io.BytesIO(CONTENT[self.name].upper())

        def read_range(self, offset: int, n: int) -> bytes:
            return CONTENT[self.name].upper()[offset : offset + n]


class RangesToTheEnd(Changes):
    class of(File):  # noqa: N801
        def read_range(self, offset: int, n: int) -> bytes:
            return CONTENT[self.name][offset:n]


class NoRangesBehindTheEnd(Changes):
    class of(File):  # noqa: N801
        def read_range(self, offset: int, n: int) -> bytes:
            if offset + n > len(CONTENT[self.name]):
                raise InputError("416 Range Not Satisfiable")
            return CONTENT[self.name][offset : offset + n]


class DoesNotChoose(Source):
    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        return super().files(url, Selection())


class ChoosesTooNarrowly(Source):
    """By the slot, without the records that began before it."""

    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        for file in super().files(url, selection):
            if selection.until is None or f"{selection.until:%Y%m%dT%H%M}" not in file.name:
                yield file


class MissesQuietly(Source):
    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        return iter(()) if url == "mem://absent" else super().files(url, selection)


class TakesAnything(Source):
    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        return super().files(url.replace("http", "mem"), selection)


BROKEN = [
    (GivesNothing, "test_files_are_named", "files('mem://here') gave nothing", ()),
    (Forgets, "test_files_are_named", "3 names instead of 4", ()),
    (GivesTwice, "test_files_are_named", "files() gave twice: ['other.log']", ()),
    (NoFiles, "test_files_are_named", "BytesIO is none", "everything"),
    (GivesAnotherOrder, "test_the_order_stays",
     "files() gave another order the second time: of names, number 0", {"test_the_selection"}),
    (GivesAList, "test_listing_is_lazy", "files('mem://here') gave a list", ()),
    (SizesBadly, "test_facts", "has size 7, and 14 bytes", ()),
    (NumbersForEtags, "test_facts", "has the etag 5, not a text", ()),
    (LocalTimes, "test_facts", "has modified datetime.datetime(2024, 5, 1, 0, 0), not an", ()),
    (OneStream, "test_every_open_begins_anew", "read in turns, gave other bytes", ()),
    (OtherBytes, "test_every_open_begins_anew", "gave other bytes than expected", ()),
    (RangesToTheEnd, "test_ranges", "read_range(5, 10) gave other bytes than open()", ()),
    (NoRangesBehindTheEnd, "test_ranges", "read_range(5, 10) of ", ()),
    (DoesNotChoose, "test_the_selection", "selected by another account: 4 names instead of 1", ()),
    (ChoosesTooNarrowly, "test_the_selection", "selected by until: ", ()),
    (MissesQuietly, "test_nothing_there", "files('mem://absent') did not raise InputError", ()),
    (TakesAnything, "test_a_wrong_url", "files('http://here') did not raise UsageError", ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "test", "message", "also"), BROKEN, ids=[row[0].__name__ for row in BROKEN]
)
def test_the_suite_notices(tmp_path: Path, kind: Any, test: str, message: str, also: Any) -> None:
    class Broken(Suite):
        pass

    Broken.kind = kind
    if also == "everything":
        with pytest.raises(AssertionError, match=message):
            getattr(Broken(), test)()
        return
    fails(Broken, tmp_path, test, message, also)


def test_the_one_that_the_broken_ones_are_made_of_keeps_its_promises(tmp_path: Path) -> None:
    assert failures(Suite, tmp_path) == {}
