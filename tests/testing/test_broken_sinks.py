"""Every promise of sinks has one here that breaks it, and the suites say which."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from suite_failures import fails, failures

from vpcflow.batch import FlowBatch
from vpcflow.errors import UsageError
from vpcflow.file_sink import FileOptions, FileSink, file_sink, options_of
from vpcflow.jsonl import JsonLines
from vpcflow.places import Receipt
from vpcflow.sinks import Sink
from vpcflow.testing import FORMATS, FileSinkSuite, SinkSuite, sample_batch, sample_lines

# what breaks in the middle leaves files open
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Simple(Sink):
    """Keeps all promises: one file for each checkpoint, hidden until it is renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = b""

    def open(self, schema: pa.Schema, run: Any) -> None:
        self.run = run
        self.checkpoints = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.text += FlowBatch.from_arrow(batch).to_jsonl()

    def prepare(self) -> Sequence[Any]:
        if not self.text:
            return []
        self.checkpoints += 1
        name = f"{self.run.owner}-{self.run.number}-{self.checkpoints}"
        (self.folder / f".{name}").write_bytes(self.text)
        self.text = b""
        return [name]

    def commit(self, receipts: Sequence[Any]) -> None:
        for name in receipts:
            if not (self.folder / name).exists():
                os.replace(self.folder / f".{name}", self.folder / name)

    def withdraw(self, receipts: Sequence[Any]) -> None:
        for name in receipts:
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f".{name}").unlink(missing_ok=True)

    def discard_leftovers(self) -> None:
        for path in self.folder.glob(f".{self.run.owner}-*"):
            path.unlink()

    def abort(self) -> None:
        self.text = b""


class Suite(SinkSuite):
    times = "epoch"
    kind: Callable[[Path], Sink] = Simple

    def make_sink(self, folder: Path) -> Sink:
        return type(self).kind(folder)

    def read_back(self, folder: Path) -> list[dict[str, Any]]:
        rows = []
        for path in folder.iterdir():
            if path.is_file() and path.name[0] != ".":
                rows += [json.loads(line) for line in path.read_text().splitlines()]
        return [row | {n: seconds(row[n]) for n in ("start", "end") if n in row} for row in rows]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class LosesNulls(Simple):
    def write(self, batch: pa.RecordBatch) -> None:
        super().write(batch.drop_columns(["action"]) if "action" in batch.schema.names else batch)


class WritesTwice(Simple):
    def write(self, batch: pa.RecordBatch) -> None:
        super().write(batch)
        super().write(batch.slice(0, 1))


class NoDictionaries(Simple):
    def write(self, batch: pa.RecordBatch) -> None:
        if any(pa.types.is_dictionary(column.type) for column in batch.schema):
            raise TypeError("dictionary")
        super().write(batch)


class NoEmptyBatches(Simple):
    def write(self, batch: pa.RecordBatch) -> None:
        batch.to_pylist()[0]
        super().write(batch)


class NothingIsTooLittle(Simple):
    def prepare(self) -> Sequence[Any]:
        if not self.text:
            raise ValueError("nothing to prepare")
        return super().prepare()


class AlwaysDue(Simple):
    def due(self) -> bool:
        return True


class ShowsAtOnce(Simple):
    def prepare(self) -> Sequence[Any]:
        receipts = super().prepare()
        super().commit(receipts)
        return receipts


class PathReceipts(Simple):
    def prepare(self) -> Sequence[Any]:
        return [Path(name) for name in super().prepare()]


class LargeReceipts(Simple):
    def prepare(self) -> Sequence[Any]:
        super().prepare()
        return ["x" * 100_000]

    def commit(self, receipts: Sequence[Any]) -> None:
        pass


class CommitsOnce(Simple):
    def commit(self, receipts: Sequence[Any]) -> None:
        for name in receipts:
            os.replace(self.folder / f".{name}", self.folder / name)


class CommitsFromMemory(Simple):
    """The receipt does not say all that it takes: a new process knows nothing."""

    def prepare(self) -> Sequence[Any]:
        self.known = [*getattr(self, "known", []), *super().prepare()]
        return [len(self.known) - 1] if self.known else []

    def commit(self, receipts: Sequence[Any]) -> None:
        super().commit([self.known[number] for number in receipts])


class CommitNeedsOpen(Simple):
    def commit(self, receipts: Sequence[Any]) -> None:
        _ = self.run
        super().commit(receipts)


class KeepsLeftovers(Simple):
    """And shows what it finds with the next checkpoint."""

    def discard_leftovers(self) -> None:
        pass

    def commit(self, receipts: Sequence[Any]) -> None:
        names = [path.name[1:] for path in self.folder.glob(".*")] if receipts else []
        super().commit([*receipts, *names])


class DiscardsEverything(Simple):
    def discard_leftovers(self) -> None:
        for path in self.folder.glob(".*"):
            path.unlink()


class CannotWithdraw(Simple):
    def withdraw(self, receipts: Sequence[Any]) -> None:
        pass


class AbortDelivers(Simple):
    def abort(self) -> None:
        super().commit(self.prepare())


class AbortDropsWhatWasPrepared(Simple):
    def abort(self) -> None:
        super().abort()
        for path in self.folder.glob(".*"):
            path.unlink()


class Hasty(Simple):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / ".lock").write_bytes(b"")


class ReceiptsButAtLeastOnce(Simple):
    delivery = "at-least-once"


ALL = {
    *("test_every_kind_of_record_comes_back", "test_columns_of_enrichers_come_back"),
    *("test_several_batches_and_checkpoints", "test_commit_may_be_repeated", "test_withdraw"),
    *("test_nothing_is_visible_before_commit", "test_a_crash_between_prepare_and_commit"),
    *("test_a_crash_before_the_receipts_are_stored", "test_leftovers_of_others_stay", "test_abort"),
}
NEW_SINKS = {
    *("test_commit_may_be_repeated", "test_a_crash_between_prepare_and_commit", "test_abort"),
    "test_withdraw",
}
BROKEN = [
    (LosesNulls, "test_every_kind_of_record_comes_back",
     "the default sample: read_back gave of rows, number 0 is", ALL - {"test_withdraw"}),
    (WritesTwice, "test_several_batches_and_checkpoints", "rows instead of", ALL),
    (NoDictionaries, "test_columns_of_enrichers_come_back",
     "write(batch) raised TypeError: dictionary", ()),
    (NoEmptyBatches, "test_several_batches_and_checkpoints",
     "write(batch) raised IndexError", ()),
    (NothingIsTooLittle, "test_nothing_written",
     "a checkpoint before the first record raised ValueError",
     {"test_several_batches_and_checkpoints"}),
    (AlwaysDue, "test_nothing_written", "due() asks for a checkpoint of nothing", ()),
    (ShowsAtOnce, "test_nothing_is_visible_before_commit",
     "prepare() made 4 records visible before commit",
     {"test_a_crash_before_the_receipts_are_stored", "test_abort"}),
    (PathReceipts, "test_receipts_are_small_json", "PosixPath", {*ALL, "test_nothing_written"}),
    (LargeReceipts, "test_receipts_are_small_json", "a receipt of 100002 bytes",
     {*ALL, "test_nothing_written"}),
    (CommitsOnce, "test_commit_may_be_repeated",
     "commit(receipts) is not idempotent: the second call, of the same sink, raised FileNotFound",
     ()),
    (CommitsFromMemory, "test_a_crash_between_prepare_and_commit",
     "commit(receipts) of a new sink raised AttributeError", NEW_SINKS),
    (CommitNeedsOpen, "test_a_crash_between_prepare_and_commit",
     "commit(receipts) of a new sink raised AttributeError", NEW_SINKS),
    (KeepsLeftovers, "test_a_crash_before_the_receipts_are_stored",
     "what was delivered again after a crash: read_back gave 8 rows instead of 4", ()),
    (DiscardsEverything, "test_leftovers_of_others_stay",
     "commit(receipts), after discard_leftovers() of another owner, raised FileNotFoundError", ()),
    (CannotWithdraw, "test_withdraw", "withdraw() made 4 records visible", ()),
    (AbortDelivers, "test_abort", "abort() made 1 records visible",
     {"test_a_crash_between_prepare_and_commit"}),
    (AbortDropsWhatWasPrepared, "test_abort",
     "commit(receipts) after abort() raised FileNotFoundError", ()),
    (Hasty, "test_nothing_happens_before_open", "making the sink created ['.lock']", ()),
    (ReceiptsButAtLeastOnce, "test_receipts_are_small_json", "prepare(): ['abcdef012345-", ()),
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


class RefusesOldOnes(Simple):
    """As services do that take records of the last days only."""

    def write(self, batch: pa.RecordBatch) -> None:
        for start in batch["start"].to_pylist():
            if start < datetime.now(UTC) - timedelta(days=14):
                raise ValueError(f"{start} is too old")
        super().write(batch)


def test_samples_may_be_recent(tmp_path: Path) -> None:
    class Recent(Suite):
        kind = RefusesOldOnes
        since = datetime.now(UTC) - timedelta(hours=2)

        def sample(self, kind: str = "default") -> pa.RecordBatch:
            return sample_batch(kind, since=self.since)

    class Old(Suite):
        kind = RefusesOldOnes

    assert failures(Recent, tmp_path) == {}
    (tmp_path / "old").mkdir()
    assert "is too old" in failures(Old, tmp_path / "old")["test_abort"]


@pytest.mark.parametrize("kind", FORMATS)
def test_recent_samples_are_the_same_records_at_another_time(kind: str) -> None:
    since = datetime(2026, 2, 28, 23, 59, 58, tzinfo=UTC)
    old, new = sample_batch(kind), sample_batch(kind, since=since)
    by = since - datetime.fromtimestamp(1_700_000_000, UTC)
    for before, after in zip(old.to_pylist(), new.to_pylist(), strict=True):
        assert after == before | {n: before[n] + by for n in ("start", "end")}
        assert since <= after["start"] < after["end"] <= since + timedelta(minutes=62)
    header = sample_lines(kind, header=True, since=since)
    assert header.partition(b"\n")[2] == sample_lines(kind, since=since)


def test_a_factory_that_takes_any_option(tmp_path: Path) -> None:
    class Broken(Suite):
        factory = staticmethod(lambda target, options: Simple(Path(target)))

    message = "the factory with the wrong option {'no_such_option': '1'} did not raise UsageError"
    fails(Broken, tmp_path, "test_a_wrong_option", message)


def test_something_else(tmp_path: Path) -> None:
    class Broken(Suite):
        def make_sink(self, folder: Path) -> Any:
            return {}

    with pytest.raises(AssertionError, match="it is a dict"):
        Broken().test_nothing_happens_before_open(tmp_path)


# ---- sinks of files ------------------------------------------------------------------------------


def sink(target: str, options: Mapping[str, str]) -> FileSink:
    return file_sink("jsonl", JsonLines(), target, options_of(FileOptions, options, "jsonl"))


class Files(FileSinkSuite):
    factory = staticmethod(sink)
    suffix = ".jsonl"
    appendable = True
    times = "epoch"

    def read_file(self, path: Path) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [row | {n: seconds(row[n]) for n in ("start", "end") if n in row} for row in rows]


def changed(**methods: Any) -> Any:
    """A factory of file sinks that are as usual, but for these methods."""

    def factory(target: str, options: Mapping[str, str]) -> FileSink:
        made = sink(target, options)
        made.__class__ = type("Changed", (FileSink,), methods)
        return made

    return staticmethod(factory)


def no_checkpoint(self: FileSink) -> bool:
    return False


def always_due(self: FileSink) -> bool:
    return any(file.pending.tell() > 1000 for file in self._files.values()) or bool(self._paths)


def leaves_open_files(self: FileSink) -> None:
    for file in self._files.values():
        file.pending.prepare()


def commits_with_a_note(self: FileSink, receipts: Sequence[Any]) -> None:
    FileSink.commit(self, receipts)
    for receipt in map(Receipt.from_json, receipts):
        (self.place.root / receipt.name).with_suffix(".done").write_bytes(b"")  # type: ignore[attr-defined]


def raises_os_errors(self: FileSink, batch: pa.RecordBatch) -> None:
    if not self.place.root.parent.is_dir():  # type: ignore[attr-defined]
        raise NotADirectoryError(str(self.place))
    FileSink.write(self, batch)


def careless(target: str, options: Mapping[str, str]) -> FileSink:
    """Takes what does not fit for nothing."""
    try:
        return sink(target, options)
    except UsageError:
        return sink(target, {})


def into_folders_as_they_are(self: FileSink, path: str) -> str:
    from urllib.parse import unquote

    return FileSink._name_in(self, unquote(path.replace("%2E%2E", "x").replace("%00", "")))


BROKEN_FILES = [
    (changed(due=no_checkpoint), "test_size_asks_for_a_checkpoint",
     "due() never asked for a checkpoint", ()),
    (changed(due=always_due), "test_size_asks_for_a_checkpoint",
     "due() still asks for a checkpoint after one", ()),
    (changed(abort=leaves_open_files), "test_nothing_but_whole_files_stays",
     "after commit() and abort() there is .abcdef012345", ()),
    (changed(write=raises_os_errors), "test_a_target_that_cannot_be_written",
     "writing below a file raised NotADirectoryError", ()),
    (staticmethod(careless), "test_a_wrong_value",
     "did not raise UsageError", {"test_a_wrong_option"}),
    (changed(_name_in=into_folders_as_they_are), "test_partitions_stay_below_the_target",
     "the file out/interface_tag_2=", ()),
]  # fmt: skip


@pytest.mark.parametrize(("factory", "test", "message", "also"), BROKEN_FILES)
def test_the_suite_for_files_notices(
    tmp_path: Path, factory: Any, test: str, message: str, also: set[str]
) -> None:
    class Broken(Files):
        pass

    Broken.factory = factory
    fails(Broken, tmp_path, test, message, also)


def test_more_than_the_files_of_the_format(tmp_path: Path) -> None:
    class Broken(Files):
        factory = changed(commit=commits_with_a_note)

        def read_back(self, folder: Path) -> list[dict[str, Any]]:
            return [row for path in folder.rglob("[!.]*.jsonl") for row in self.read_file(path)]

    fails(Broken, tmp_path, "test_nothing_but_whole_files_stays", ".done")


@pytest.mark.parametrize("appendable", [True, False])
def test_a_format_that_is_not_what_it_says(tmp_path: Path, appendable: bool) -> None:
    class Broken(Files):
        pass

    Broken.appendable = not appendable

    def factory(target: str, options: Mapping[str, str]) -> FileSink:
        chosen = options_of(FileOptions, options, "jsonl")
        return file_sink("jsonl", JsonLines(appendable=appendable), target, chosen)

    Broken.factory = staticmethod(factory)
    message = f"for a format that is appendable: {not appendable}"
    fails(Broken, tmp_path, "test_a_single_file", message)
