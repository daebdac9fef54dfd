"""For tests of containers: wrapping lines, reading them in awkward pieces, reference answers."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from itertools import cycle
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from vpcflow.containers import unwrap
from vpcflow.errors import ContainerError

LINE = (
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    b"1418530010 1418530070 ACCEPT OK\n"
)
PIECES = st.lists(st.integers(1, 40), min_size=1, max_size=4)
"""Sizes of the pieces that a stream is read in, over and over."""
MESSAGES = st.lists(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30),
    max_size=12,
)


class Drip(io.RawIOBase):
    """A stream that gives its bytes in pieces of the given sizes, and may be unable to seek."""

    def __init__(self, data: bytes, pieces: Sequence[int], seekable: bool = True) -> None:
        self._data = io.BytesIO(data)
        self._sizes = cycle(pieces)
        self._seekable = seekable

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, next(self._sizes)))

    def seekable(self) -> bool:
        return self._seekable

    def tell(self) -> int:
        return self._data.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        assert self._seekable
        return self._data.seek(offset, whence)


class Unwrapped(NamedTuple):
    text: bytes
    containers: tuple[str, ...]
    error: ContainerError | None


def unwrapped(data: bytes, pieces: Sequence[int] = (1 << 20,), seekable: bool = True) -> Unwrapped:
    """Everything that comes out of `data`, and the error after it."""
    lines = unwrap(Drip(data, pieces, seekable), source="test")
    blocks: list[bytes] = []
    try:
        blocks.extend(lines)  # keeps what came before an error
    except ContainerError as error:
        return Unwrapped(b"".join(blocks), lines.containers, error)
    return Unwrapped(b"".join(blocks), lines.containers, None)


def log_text(seed: int, lines: int) -> bytes:
    """Lines as compressible as real ones."""
    rng = Random(seed)
    return b"".join(
        b"2 123456789010 eni-%08x 10.0.%d.%d 10.1.0.%d %d 443 6 %d %d 1418530010 1418530070 "
        b"ACCEPT OK\n"
        % (
            rng.getrandbits(4),
            rng.randrange(4),
            rng.randrange(256),
            rng.randrange(256),
            rng.randrange(1024, 65536),
            rng.randrange(1, 99),
            rng.randrange(40, 99999),
        )
        for _ in range(lines)
    )


def deflated(text: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """`text` as a gzip member."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
    return packer.compress(text) + packer.flush()


def inflated_byte_by_byte(data: bytes) -> tuple[bytes, str]:
    """What zlib decodes of a gzip member before it notices damage, and its verdict ("" = none)."""
    inflater = zlib.decompressobj(31)
    text = bytearray()
    for index in range(len(data)):
        try:
            text += inflater.decompress(data[index : index + 1])
        except zlib.error as error:
            return bytes(text), str(error).rpartition(": ")[2]
        if inflater.eof:
            return bytes(text), "garbage" if data[index + 1 :].strip(b"\0\r\n") else ""
    return bytes(text), "truncated"


def envelope(messages: Sequence[str], kind: str = "DATA_MESSAGE", **more: Any) -> bytes:
    """A CloudWatch Logs subscription message."""
    events = [
        {"id": f"{number:056}", "timestamp": 1418530010000 + number, "message": message}
        for number, message in enumerate(messages)
    ]
    head = {"messageType": kind, "owner": "123456789010", "logGroup": "flow", "logStream": "eni-1"}
    return json.dumps({**head, **more, "logEvents": events}).encode()


def lambda_event(payload: bytes) -> bytes:
    data = base64.b64encode(gzip.compress(payload, mtime=0)).decode()
    return json.dumps({"awslogs": {"data": data}}).encode()


def firehose_record(message: str, **more: Any) -> bytes:
    return json.dumps({"message": message, **more}, separators=(",", ":")).encode()


def as_text(messages: Sequence[str]) -> bytes:
    """The lines that these messages are."""
    return "".join(f"{message}\n" for message in messages).encode()
