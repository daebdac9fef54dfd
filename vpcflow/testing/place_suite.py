"""The suite for places: what `vpcflow.places` promises to file sinks, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vpcflow.errors import PluginError
from vpcflow.places import LostFile, PendingFile, Place, Receipt
from vpcflow.testing.promise import broken, keeping, must_raise, require

OWNER = "abcdef012345"
OTHER = "0123456789ab"
_HIDDEN = "a file is not visible under its name before publish"
_AGAIN = "publish(receipt) may be repeated, also by another process after a crash"
_FORGET = "what was aborted is gone, and aborting what is not there is no error"
_FOUND = "unfinished(owner) finds that owner's files that are neither published nor aborted"
_BYTES = "a published file has the bytes that were written"


class PlaceSuite:
    """Subclass it in your tests, name the subclass Test..., and write the three methods.

    make_place(): the place, at each call a new object for the same (at first empty) directory or
    prefix; `setup_method` or a fixture with autouse=True may prepare it. read(name): the bytes that
    a user sees under a name, None if there is nothing. names(): all names that a user sees.
    unwritable_place(): one that may not be written, if that can be had. large: bytes, for more than
    one part of a place that uploads in parts. appends: whether files of one name grow. folders:
    whether names may have folders; name: the one that most tests use, with all that may be in one.
    """

    large: int = 11 << 20
    appends: bool = False
    folders: bool = True
    name: str = "date=2024-05-01/vpc=a%2Fb %25+c/abcdef012345-0001-000001.jsonl"

    def make_place(self) -> Place:
        raise NotImplementedError("write make_place()")

    def read(self, name: str) -> bytes | None:
        raise NotImplementedError("write read(name)")

    def names(self) -> Sequence[str]:
        raise NotImplementedError("write names()")

    def unwritable_place(self) -> Place | None:
        return None

    # ---- writing and publishing ------------------------------------------------------------------

    def test_a_file_appears_when_it_is_published(self) -> None:
        place = self.make_place()
        pending = place.create(self.name, OWNER)
        require(pending.name == self.name, "a pending file has its final name", pending.name)
        self._shows_nothing("create()")
        self._write(pending, b"some bytes\n")
        pending.flush()
        self._shows_nothing("write() and flush()")
        receipt = pending.prepare()
        self._shows_nothing("prepare()")
        place.publish(receipt)
        self._shows(b"some bytes\n")

    def test_sizes(self) -> None:
        pending = self.make_place().create(self.name, OWNER)
        pieces: list[Any] = [b"abc", bytearray(b"de"), memoryview(b"xfghx")[1:4], b""]
        for number, piece in enumerate(pieces):
            taken = pending.write(piece)
            promise = "write() takes all of a bytes-like object, and gives its length"
            require(taken == len(piece), promise, f"write() of {len(piece)} bytes gave {taken}")
            told, wanted = pending.tell(), sum(len(p) for p in pieces[: number + 1])
            require(told == wanted, "tell() counts the bytes written", f"{told} after {wanted}")
        receipt = pending.prepare()
        require(receipt.size == 8, "a receipt has the file's size", f"{receipt.size} of 8 bytes")
        require(receipt.name == self.name, "a receipt has the final name", receipt.name)
        self.make_place().publish(receipt)
        self._shows(b"abcdefgh")

    def test_empty_and_large_files(self) -> None:
        place = self.make_place()
        large = bytes(range(256)) * (self.large // 256)
        for content in (b"", large):
            name = f"{len(content)}.bin"
            pending = place.create(name, OWNER)
            for at in range(0, len(content), 1 << 20):
                self._write(pending, content[at : at + (1 << 20)])
            with keeping(_BYTES, f"a file of {len(content)} bytes"):
                place.publish(_stored(pending.prepare()))
            same = self.read(name) == content
            require(same, _BYTES, f"a file of {len(content)} bytes has other bytes")

    def test_two_files_at_once(self) -> None:
        place = self.make_place()
        names = [f"{'folder/' if self.folders else ''}{number}.bin" for number in range(2)]
        files = [place.create(name, OWNER) for name in names]
        for piece in (b"a", b"b"):
            for number, pending in enumerate(files):
                self._write(pending, piece * (number + 1))
        for pending in files:
            place.publish(pending.prepare())
        for number, name in enumerate(names):
            wanted = b"a" * (number + 1) + b"b" * (number + 1)
            seen = self.read(name)
            require(seen == wanted, _BYTES, f"of two files at once, one has {seen!r}")

    # ---- crashes ---------------------------------------------------------------------------------

    def test_publish_may_be_repeated(self) -> None:
        place = self.make_place()
        receipt = self._prepared(place, b"once")
        place.publish(receipt)
        for other, who in ((place, "the same place"), (self.make_place(), "a new object")):
            with keeping(_AGAIN, f"publish(receipt) is not idempotent: the second call, of {who},"):
                other.publish(_stored(receipt))
            self._shows(b"once", _AGAIN)

    def test_a_new_object_publishes_what_another_prepared(self) -> None:
        receipt = _stored(self._prepared(self.make_place(), b"before the crash"))
        with keeping(_AGAIN, "publish(receipt) of a new object"):
            self.make_place().publish(receipt)
        self._shows(b"before the crash")

    def test_a_lost_file(self) -> None:
        place = self.make_place()
        receipt = self._prepared(place, b"lost")
        place.abort(receipt)
        promise = "publish() raises LostFile where neither prepared nor published file is left"
        with must_raise(promise, "publish() of a file that is gone", LostFile):
            place.publish(receipt)
        self._shows_nothing("publish() of a file that is gone")

    def test_another_file_of_that_name_does_not_count_as_done(self) -> None:
        if self.appends:
            return
        place = self.make_place()
        place.publish(self._prepared(place, b"the first"))
        receipt = self._prepared(place, b"the other")
        place.publish(receipt)
        self._shows(b"the other", "a file counts as published by its size and etag, not its name")

    # ---- forgetting ------------------------------------------------------------------------------

    def test_abort_while_writing(self) -> None:
        place = self.make_place()
        pending = place.create(self.name, OWNER)
        self._write(pending, b"never mind")
        with keeping(_FORGET, "abort() of a pending file, twice,"):
            pending.abort()
            pending.abort()
        self._shows_nothing("abort()")
        self._nothing_unfinished(place, "abort() of a pending file")

    def test_abort_of_a_prepared_file(self) -> None:
        place = self.make_place()
        receipt = self._prepared(place, b"never mind")
        with keeping(_FORGET, "abort(receipt), by two objects,"):
            place.abort(receipt)
            self.make_place().abort(_stored(receipt))
        self._shows_nothing("abort()")
        self._nothing_unfinished(place, "abort(receipt)")

    def test_abort_of_a_published_file(self) -> None:
        place = self.make_place()
        receipt = self._prepared(place, b"published too early")
        place.publish(receipt)
        self.make_place().abort(_stored(receipt))
        seen = self.read(self.name)
        promise = "abort(receipt) removes a file that was published, if it is the receipt's"
        require(not seen, promise, f"after abort() {self.name} still has {seen!r}")

    def test_abort_leaves_the_files_of_others(self) -> None:
        place = self.make_place()
        first = self._prepared(place, b"the first")
        place.publish(first)
        second = self._prepared(place, b", and the second")
        place.publish(second)
        wanted = b"the first, and the second" if self.appends else b", and the second"
        place.abort(first)
        promise = "abort(receipt) removes nothing but the receipt's own file"
        self._shows(wanted, promise)

    # ---- leftovers -------------------------------------------------------------------------------

    def test_unfinished_files_are_found(self) -> None:
        place = self.make_place()
        began = f"{'folder/' if self.folders else ''}{OWNER}-began.bin"
        writing = [place.create(began, OWNER), place.create(f"{OTHER}-other.bin", OTHER)]
        self._write(writing[0], b"x")
        self._prepared(place, b"prepared")
        published = self._prepared(place, b"published", "published.bin")
        place.publish(published)
        found = list(self.make_place().unfinished(OWNER))
        names = sorted(receipt.name for receipt in found)
        seen = f"it gave {names}; the place has {sorted([began, self.name])}"
        require(names == sorted([began, self.name]), _FOUND, seen)
        with keeping(_FOUND, "abort() of what unfinished() gave"):
            for receipt in found:
                self.make_place().abort(_stored(receipt))
        self._nothing_unfinished(place, "abort() of what unfinished() gave")
        require(
            [receipt.name for receipt in place.unfinished(OTHER)] == [f"{OTHER}-other.bin"],
            "leftovers of other owners stay",
            "aborting the leftovers of one owner removed another's",
        )
        for pending in writing:
            pending.abort()  # only now: it frees what the killed ones held
        kept = self.read("published.bin")
        require(kept == b"published", "published files are no leftovers", f"it has {kept!r}")

    def test_a_place_without_anything(self) -> None:
        self._nothing_unfinished(self.make_place(), "nothing at all")
        self._shows_nothing("making the place")

    # ---- errors ----------------------------------------------------------------------------------

    def test_a_place_that_may_not_be_written(self) -> None:
        place = self.unwritable_place()
        if place is None:
            return
        promise = "errors are PluginErrors that say what was seen and what would mend it"
        try:
            with keeping(promise, "writing where it is not allowed", PluginError):
                pending = place.create(self.name, OWNER)
                pending.write(b"x")
                place.publish(pending.prepare())
        except PluginError as error:
            require(bool(error.hint), promise, f"the error has no hint: {error}")
        else:
            broken(promise, "writing where it is not allowed raised nothing")

    # ---- helpers ---------------------------------------------------------------------------------

    def _write(self, pending: PendingFile, data: bytes) -> None:
        with keeping("write() takes all of it", "write()"):
            pending.write(data)

    def _prepared(self, place: Place, content: bytes, name: str = "") -> Receipt:
        pending = place.create(name or self.name, OWNER)
        self._write(pending, content)
        return pending.prepare()

    def _shows_nothing(self, after: str) -> None:
        seen = list(self.names())
        require(not seen, _HIDDEN, f"{after} made {', '.join(seen)} visible before publish")

    def _shows(self, content: bytes, promise: str = _BYTES) -> None:
        seen = self.read(self.name)
        require(seen == content, promise, f"{self.name} has {seen!r}, not {content!r}")

    def _nothing_unfinished(self, place: Place, after: str) -> None:
        with keeping(_FOUND, "unfinished()"):
            names = [receipt.name for receipt in place.unfinished(OWNER)]
        require(not names, _FOUND, f"after {after} it still gave {names}")


def _stored(receipt: Receipt) -> Receipt:
    """A receipt as it comes back from where the pipeline stores it."""
    try:
        return Receipt.from_json(json.loads(json.dumps(receipt.as_json(), allow_nan=False)))
    except (TypeError, ValueError) as error:
        broken("receipts are JSON values", f"the receipt {receipt!r} is not one: {error}")
