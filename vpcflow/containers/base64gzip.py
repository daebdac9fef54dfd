"""Base64 text of a gzip stream: what Kinesis, Lambda and the AWS CLI show of a compressed payload.

Whitespace anywhere is passed over. Several payloads, each with its padding, may follow each other.
"""

from __future__ import annotations

import binascii
import re
import string
from collections.abc import Iterator

from vpcflow.containers.feed import Feed
from vpcflow.errors import ContainerError, InputError

NAME = "base64"
BLANKS = b" \t\r\n"
_MAGIC = b"H4sI"  # 1f 8b 08: gzip with its only compression method
_ALPHABET = string.ascii_letters.encode() + string.digits.encode() + b"+/=" + BLANKS
_NOT_BASE64 = re.compile(b"[^" + re.escape(_ALPHABET) + b"]")
_PAYLOAD = re.compile(rb"[^=]+={0,2}|=+")


def sniff(head: bytes) -> bool:
    return head[:1024].translate(None, BLANKS).startswith(_MAGIC)


def blocks(feed: Feed, *, source: str) -> Iterator[bytes]:
    """The decoded bytes. Raises ContainerError at the first character that is not Base64."""
    digits = b""
    try:
        for chunk in feed:
            bad = _NOT_BASE64.search(chunk) if chunk.translate(None, _ALPHABET) else None
            digits += (chunk[: bad.start()] if bad else chunk).translate(None, BLANKS)
            whole = len(digits) // 4 * 4
            quads, digits = digits[:whole], digits[whole:]
            yield from _decoded(quads, feed, source)
            if bad:
                offset = feed.taken - len(chunk) + bad.start()
                raise _damage(f"{bad.group()!r} is not Base64", offset, source)
    except InputError:
        yield _rest(digits)
        raise
    if len(digits) == 1 or digits.startswith(b"="):
        raise _damage("truncated: a single digit is left over", feed.taken, source)
    yield _rest(digits)


def _decoded(digits: bytes, feed: Feed, source: str) -> Iterator[bytes]:
    for payload in _PAYLOAD.findall(digits):
        sound = len(payload.rstrip(b"=")) // 4 * 4
        yield binascii.a2b_base64(payload[:sound])
        try:
            yield binascii.a2b_base64(payload[sound:], strict_mode=True)
        except binascii.Error as error:
            raise _damage(f"bad padding ({error})", feed.taken, source) from None


def _rest(digits: bytes) -> bytes:
    """What the last one to three digits hold, if their padding is missing or was lost."""
    digits = digits.partition(b"=")[0]
    return binascii.a2b_base64(digits + b"=" * (4 - len(digits))) if len(digits) > 1 else b""


def _damage(what: str, offset: int, source: str) -> ContainerError:
    return ContainerError(what, source=source, container=NAME, offset=offset)
