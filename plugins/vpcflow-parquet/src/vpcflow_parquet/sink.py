"""The sink `parquet`: its options, and files in Parquet's format below a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from vpcflow.file_sink import FileOptions, file_sink, options_of
from vpcflow.sinks import Sink
from vpcflow_parquet.writer import Compression, ParquetFormat

_LEVELS = {"zstd": range(1, 23), "gzip": range(1, 10)}
_DEFAULT_LEVELS = {"zstd": 1, "gzip": 4}
_LARGEST_ROW_GROUP = 10_000_000


@frozen(kw_only=True)
class ParquetOptions(FileOptions):
    """Options of every file sink (`FileOptions`), and these.

    times: "epoch": `start` and `end` are int64 seconds, as AWS writes them, and existing Athena
    tables read them; "timestamp": timestamps in milliseconds, UTC. compression: of pages. level:
    how hard it tries: zstd 1 to 22 (without it 1), gzip 1 to 9 (without it 4). row_group: rows of a
    row group at most; fewer where rows are wide or many partitions are open.
    """

    times: Literal["epoch", "timestamp"] = "epoch"
    compression: Compression = "zstd"
    level: int | None = None
    row_group: int = 250_000

    def __attrs_post_init__(self) -> None:
        levels = _LEVELS.get(self.compression)
        if self.level is not None and (levels is None or self.level not in levels):
            allowed = f"takes level {levels[0]} to {levels[-1]}" if levels else "has no levels"
            raise ValueError(f"level={self.level}: compression {self.compression} {allowed}")
        if not 1 <= self.row_group <= _LARGEST_ROW_GROUP:
            raise ValueError(
                f"row_group={self.row_group}: a row group has 1 to {_LARGEST_ROW_GROUP:,} rows"
            )


def sink(target: str, options: Mapping[str, str]) -> Sink:
    """`parquet:DIRECTORY/`, `parquet:FILE.parquet` or a URL such as `parquet:s3://bucket/prefix`.

    Raises UsageError for a target or option that cannot be.
    """
    chosen = options_of(ParquetOptions, options, "parquet")
    return file_sink("parquet", parquet_format(chosen), target, chosen)


def parquet_format(options: ParquetOptions) -> ParquetFormat:
    """The format of files that these options ask for."""
    level = options.level or _DEFAULT_LEVELS.get(options.compression)
    return ParquetFormat(options.compression, level, options.row_group)
