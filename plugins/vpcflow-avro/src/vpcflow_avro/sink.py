"""The sink `avro`: its options, and files in Avro's format below a place."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from vpcflow.file_sink import FileOptions, file_sink, options_of
from vpcflow.options import Size
from vpcflow.sinks import Sink
from vpcflow_avro.codecs import LEVELS, Codec, compressor
from vpcflow_avro.writer import AvroFormat

SMALLEST_BLOCK = 1 << 10
LARGEST_BLOCK = 1 << 20  # a sink may have 64 files open, each with a block in memory


@frozen(kw_only=True)
class AvroOptions(FileOptions):
    """Options of every file sink (`FileOptions`), and these.

    codec: how blocks are compressed; "deflate" is what every reader must know. level: how hard the
    codec tries: deflate 1 to 9, zstandard 1 to 22. Without it deflate is ISA-L's, the fastest by
    far, and zstandard uses level 3. block: bytes of a block before compression, 1 KiB to 1 MiB; a
    reader holds one block in memory, and can begin to read at each.
    """

    codec: Codec = "deflate"
    level: int | None = None
    block: Size = field(default=Size(256 << 10))

    def __attrs_post_init__(self) -> None:
        levels = LEVELS[self.codec]
        if self.level is not None and self.level not in levels:
            allowed = f"takes level {levels[0]} to {levels[-1]}" if levels else "has no levels"
            raise ValueError(f"level={self.level}: codec {self.codec} {allowed}")
        if not SMALLEST_BLOCK <= self.block <= LARGEST_BLOCK:
            raise ValueError(f"block={self.block}: a block has 1KiB to 1MiB")


def sink(target: str, options: Mapping[str, str]) -> Sink:
    """`avro:DIRECTORY/`, `avro:FILE.avro` or a URL such as `avro:s3://bucket/prefix`.

    Raises UsageError for a target or option that cannot be.
    """
    chosen = options_of(AvroOptions, options, "avro")
    compress = compressor(chosen.codec, chosen.level)
    return file_sink("avro", AvroFormat(chosen.codec, compress, chosen.block), target, chosen)
