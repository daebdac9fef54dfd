"""The suite for sources: what `vpcflow.source_files` asks of a source and of its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from vpcflow.errors import InputError, UsageError
from vpcflow.selection import EVERYTHING, SLOT, Selection, facts_of
from vpcflow.source_files import Source, SourceFile
from vpcflow.testing.promise import broken, first_difference, keeping, must_raise, require

_GIVES = "files() gives what lies at a URL"
_ORDER = "files() gives the files in an order that does not change"
_BYTES = "open() gives a new stream at the first byte; read_range gives the same bytes"
_FACTS = "size, etag and modified are what the store says; None is what is not known"
_CHOICE = "files() leaves out what the selection does not want, and nothing else"


class SourceSuite:
    """Subclass it in your tests, name the subclass Test..., and write `make_source` and set `url`.

    make_source(): what your plugin registers, called. url: where some files lie, those that AWS
    names among them, if your source has such. expected: their names and bytes, if you know them.
    missing_url: of nothing that is there. wrong_url: not one of this scheme's, "" if it takes all.
    ranges: False if read_range is never needed, because files cannot be read but from the start.
    """

    url: str = ""
    missing_url: str = ""
    wrong_url: str = ""
    expected: ClassVar[Mapping[str, bytes] | None] = None
    ranges: bool = True

    def make_source(self) -> Source:
        raise NotImplementedError("write make_source()")

    def files(self, selection: Selection = EVERYTHING) -> list[SourceFile]:
        with keeping(_GIVES, f"files({self.url!r})"):
            return list(self.make_source().files(self.url, selection))

    # ---- listing ---------------------------------------------------------------------------------

    def test_files_are_named(self) -> None:
        files = self.files()
        require(bool(files), _GIVES, f"files({self.url!r}) gave nothing")
        for file in files:
            kind = type(file).__name__
            require(isinstance(file, SourceFile), "files are SourceFiles", f"{kind} is none")
        names = [file.name for file in files]
        twice = sorted({name for name in names if names.count(name) > 1})
        require(not twice, "names are unique and stable", f"files() gave twice: {twice}")
        if self.expected is not None:
            different = first_difference(sorted(self.expected), sorted(names), "names")
            require(different is None, _GIVES, str(different))

    def test_the_order_stays(self) -> None:
        first = [file.name for file in self.files()]
        second = [file.name for file in self.files()]
        different = first_difference(first, second, "names")
        require(not different, _ORDER, f"files() gave another order the second time: {different}")

    def test_facts(self) -> None:
        for file in self.files():
            with file.open() as stream:
                length = len(stream.read())
            known = file.size is None or file.size == length
            require(known, _FACTS, f"{file.name} has size {file.size}, and {length} bytes")
            text = file.etag is None or (isinstance(file.etag, str) and bool(file.etag))
            require(text, _FACTS, f"{file.name} has the etag {file.etag!r}, not a text")
            modified = file.modified
            aware = modified is None or modified.utcoffset() == timedelta(0)
            require(aware, _FACTS, f"{file.name} has modified {modified!r}, not an aware UTC")

    # ---- reading ---------------------------------------------------------------------------------

    def test_every_open_begins_anew(self) -> None:
        for file in self.files():
            with file.open() as one, file.open() as other:
                head = one.read(7)
                content = other.read()
                rest = one.read()
            same = head + rest == content
            require(same, _BYTES, f"two streams of {file.name}, read in turns, gave other bytes")
            if self.expected is not None:
                known = content == self.expected[file.name]
                require(known, _BYTES, f"open() of {file.name} gave other bytes than expected")

    def test_ranges(self) -> None:
        if not self.ranges:
            return
        for file in self.files():
            with file.open() as stream:
                content = stream.read()
            end = len(content)
            last = max(0, end - 3)
            for offset, n in ((0, 5), (5, 10), (0, end), (last, 3), (last, 9), (end, 4), (0, 0)):
                with keeping(_BYTES, f"read_range({offset}, {n}) of {file.name} ({end} bytes)"):
                    part = file.read_range(offset, n)
                wanted = content[offset : offset + n]
                seen = f"read_range({offset}, {n}) gave other bytes than open(): {part!r}"
                require(part == wanted, _BYTES, f"{seen}, not {wanted!r}, of {file.name}")

    # ---- choosing --------------------------------------------------------------------------------

    def test_the_selection(self) -> None:
        names = [file.name for file in self.files()]
        known = [facts for name in names if (facts := facts_of(name)) is not None]
        if not known:
            return
        facts = known[0]
        choices = {
            "accounts": Selection(accounts=[facts.account]),
            "regions": Selection(regions=[facts.region]),
            "flow_logs": Selection(flow_logs=[facts.flow_log]),
            "another account": Selection(accounts=["999999999999"]),
            "since": Selection(since=facts.slot + SLOT),
            "until": Selection(until=facts.slot),
            "an hour": Selection(since=facts.slot, until=facts.slot + timedelta(hours=1)),
        }
        for what, selection in choices.items():
            wanted = [name for name in names if selection.wants(name)]
            seen = [file.name for file in self.files(selection)]
            different = first_difference(wanted, seen, "names")
            require(not different, _CHOICE, f"selected by {what}: {different}")

    # ---- errors ----------------------------------------------------------------------------------

    def test_nothing_there(self) -> None:
        if self.missing_url:
            promise = "files() raises InputError for what is not there"
            with must_raise(promise, f"files({self.missing_url!r})", InputError):
                list(self.make_source().files(self.missing_url, EVERYTHING))

    def test_a_wrong_url(self) -> None:
        if self.wrong_url:
            promise = "files() raises UsageError for a URL that is not one of this scheme's"
            with must_raise(promise, f"files({self.wrong_url!r})", UsageError):
                list(self.make_source().files(self.wrong_url, EVERYTHING))

    def test_listing_is_lazy(self) -> None:
        """A bucket may hold millions of files: the first must not wait for the last."""
        found = self.make_source().files(self.url, EVERYTHING)
        if not hasattr(found, "__next__"):
            kind = type(found).__name__
            broken("files() gives an iterator", f"files({self.url!r}) gave a {kind}")
