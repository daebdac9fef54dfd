"""How blocks are compressed: Avro's codecs null, deflate and zstandard.

A codec's name and what a compressed block looks like: "Required Codecs" and "Optional Codecs" of
the Avro specification. Deflate there is the raw format (RFC 1951), without a zlib header.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Literal

import zstandard

Codec = Literal["null", "deflate", "zstandard"]
Compress = Callable[[memoryview], bytes | memoryview]
"""Bytes of a block to what stands in the file; that may be the argument itself."""

LEVELS: dict[Codec, range] = {
    "null": range(0),
    "deflate": range(1, 10),
    "zstandard": range(1, 23),
}
_RAW = -15  # a window of 32 KiB, and neither header nor checksum
_ISAL_LEVEL = 2  # of 0 to 3: a fiftieth smaller than 1, and as fast


def compressor(codec: Codec, level: int | None) -> Compress:
    """The function for a codec. level: one of `LEVELS`, or None for what is usual."""
    if codec == "null":
        return lambda block: block
    if codec == "zstandard":
        return zstandard.ZstdCompressor(3 if level is None else level).compress
    if level is None:
        return _fast_deflate()
    return lambda block: zlib.compress(block, level, _RAW)


def _fast_deflate() -> Compress:
    """ISA-L's deflate where there is a wheel of it, else zlib at its fastest."""
    try:
        from isal import isal_zlib
    except ImportError:
        return lambda block: zlib.compress(block, 1, _RAW)
    return lambda block: isal_zlib.compress(block, _ISAL_LEVEL, _RAW)
