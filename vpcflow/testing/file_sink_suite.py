"""The suite for sinks made with `vpcflow.file_sink`: a format, tried at local directories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vpcflow.errors import PluginError, UsageError
from vpcflow.sinks import Sink
from vpcflow.testing.promise import broken, keeping, must_raise, require
from vpcflow.testing.samples import sample_batch
from vpcflow.testing.sink_suite import SinkSuite

_BELOW = "a value from a log becomes one folder below the target, and nothing else"
_WHOLE = "files are there as a whole or not at all, and nothing else stays in the directory"


class FileSinkSuite(SinkSuite):
    """Subclass it in your tests, name the subclass Test..., set `factory` and `suffix`, and write
    `read_file(path)`: the rows of one file, as `SinkSuite.read_back` gives them.

    factory: what your plugin registers. options: given at each call. appendable: as the format is.
    """

    suffix: str = ""
    target: str = "out/"
    appendable: bool = False

    def read_file(self, path: Path) -> Iterable[Mapping[str, Any]]:
        raise NotImplementedError("write read_file(path)")

    def make_sink(self, folder: Path) -> Sink:
        return self._at(f"{folder}/out/")

    def read_back(self, folder: Path) -> Iterable[Mapping[str, Any]]:
        return [row for path in _visible(folder) for row in self.read_file(path)]

    # ---- files -----------------------------------------------------------------------------------

    def test_nothing_but_whole_files_stays(self, tmp_path: Path) -> None:
        batch = sample_batch()
        sink = self._opened(tmp_path, batch.schema)
        self._write(sink, batch)
        self._checkpoint(sink)
        self._write(sink, batch)
        sink.abort()
        left = [path for path in tmp_path.rglob("*") if path.is_file()]
        for path in left:
            named = path.suffix == self.suffix and not path.name.startswith(".")
            require(named, _WHOLE, f"after commit() and abort() there is {path.name}")
        require(len(left) == 1, _WHOLE, f"one checkpoint left the files {left}")

    def test_a_single_file(self, tmp_path: Path) -> None:
        batch = sample_batch()
        path = tmp_path / f"single{self.suffix}"
        sink = self._open(self._at(str(path)), batch.schema)
        promise = "a target that ends with the format's suffix is a single file"
        seen = f"whole is {sink.whole} for a format that is appendable: {self.appendable}"
        require(sink.whole is not self.appendable, promise, seen)
        self._write(sink, batch)
        require(not path.exists(), promise, "write() made the file visible before commit")
        self._checkpoint(sink)
        require(path.is_file(), promise, f"the checkpoint made {sorted(tmp_path.iterdir())}")
        self._holds(tmp_path, [batch], "a single file")
        again = self._at(str(path))
        if self.appendable:
            self._write(self._open(again, batch.schema), batch)
            self._checkpoint(again)
            self._holds(tmp_path, [batch, batch], "a single file that was appended to")
        else:
            with must_raise("a file that is there is not replaced", "writing to it", UsageError):
                self._open(again, batch.schema).write(batch)

    def test_size_asks_for_a_checkpoint(self, tmp_path: Path) -> None:
        batch = sample_batch()
        promise = "due() asks for a checkpoint when a file has the size that was asked for"
        sink = self._open(self._at(f"{tmp_path}/out/", size="2kB"), batch.schema)
        for _ in range(10_000):
            self._write(sink, batch)
            if sink.due():
                break
        else:
            sink.abort()
            broken(promise, "due() never asked for a checkpoint, for 40,000 records and size=2kB")
        self._checkpoint(sink)
        require(not sink.due(), promise, "due() still asks for a checkpoint after one")

    def test_partitions_stay_below_the_target(self, tmp_path: Path) -> None:
        batch = sample_batch("tags")
        sink = self._open(self._at(f"{tmp_path}/out/", partition="interface-tag-2"), batch.schema)
        self._write(sink, batch)
        self._checkpoint(sink)
        for path in _visible(tmp_path):
            parts = path.relative_to(tmp_path).parts
            seen = f"the file {path.relative_to(tmp_path)} was made"
            one = len(parts) == 3 and parts[0] == "out" and parts[1].startswith("interface_tag_2=")
            require(one, _BELOW, seen)
        rest = batch.drop_columns(["interface_tag_2"])
        self._holds(tmp_path, [rest], "a partitioned target")

    # ---- settings and errors ---------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("option", "value"),
        [("size", "lots"), ("age", "-1"), ("times", "sometimes"), ("partition", "no_such_column")],
    )
    def test_a_wrong_value(self, tmp_path: Path, option: str, value: str) -> None:
        promise = "a value that does not fit is a UsageError"
        with must_raise(promise, f"the option {option}={value}", UsageError):
            self._open(self._at(f"{tmp_path}/out/", **{option: value}), sample_batch().schema)

    def test_a_target_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        promise = "errors of writing are PluginErrors that say what would mend them"
        try:
            with keeping(promise, "writing below a file", PluginError):
                sink = self._open(self._at(f"{tmp_path}/file/out/"), sample_batch().schema)
                sink.write(sample_batch())
        except PluginError as error:
            require(bool(error.hint), promise, f"the error has no hint: {error}")
        else:
            broken(promise, "writing below a file raised nothing")

    # ---- helpers ---------------------------------------------------------------------------------

    def _at(self, target: str, **options: str) -> Sink:
        factory = type(self).factory
        if factory is None:
            raise NotImplementedError("set factory: what your plugin registers")
        made: Sink = factory(target, {**self.options, **options})
        return made


def _visible(folder: Path) -> list[Path]:
    """Files as readers of a directory of logs see them."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith((".", "_"))
    )
