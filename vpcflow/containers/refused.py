"""Kinds of files that are recognised, and not read: what the error says about them."""

from __future__ import annotations

import re

from attrs import frozen

from vpcflow.errors import ContainerError

_UNPACK = "unpack it first: flow logs come as plain text or gzip"
_UTF8 = "flow logs are UTF-8 or ASCII; a redirect in PowerShell writes UTF-16: convert the file"
_KNOWN_JSON = (
    "JSON is read from CloudWatch Logs subscriptions (messageType, logEvents), Lambda events "
    "(awslogs) and Firehose (message)"
)
_FIRST_MEMBER = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"([^"]{0,80})"\s*:')


@frozen
class Kind:
    """A kind of file: its name, how it begins, what it is in words, what would mend it."""

    name: str
    magic: bytes
    is_a: str
    hint: str


_KINDS = (
    Kind(
        "parquet",
        b"PAR1",
        "an Apache Parquet file",
        "the plugin vpcflow-parquet reads it: pip install vpcflow-parquet",
    ),
    Kind("avro", b"Obj\x01", "an Apache Avro file", "AWS writes flow logs as text or Parquet"),
    Kind("zip", b"PK\x03\x04", "a zip archive", _UNPACK),
    Kind("zstd", b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
    Kind("bzip2", b"BZh", "a bzip2 file", _UNPACK),
    Kind("lz4", b"\x04\x22\x4d\x18", "an LZ4 file", _UNPACK),
    Kind("xz", b"\xfd7zXZ\x00", "an xz file", _UNPACK),
    Kind("snappy", b"\xff\x06\x00\x00sNaPpY", "a framed Snappy file", _UNPACK),
    Kind("utf-32", b"\xff\xfe\x00\x00", "UTF-32 text", _UTF8),
    Kind("utf-32", b"\x00\x00\xfe\xff", "UTF-32 text", _UTF8),
    Kind("utf-16", b"\xff\xfe", "UTF-16 text", _UTF8),
    Kind("utf-16", b"\xfe\xff", "UTF-16 text", _UTF8),
)


def recognise(head: bytes) -> Kind | None:
    """The kind of file that begins so, None if it is not one of these."""
    return next((kind for kind in _KINDS if head.startswith(kind.magic)), None)


def other_json(head: bytes) -> Kind | None:
    """JSON that no container takes; None if `head` does not begin like JSON."""
    found = _FIRST_MEMBER.match(head)
    if not found:
        return None
    member = found.group(1).decode("utf-8", "replace")
    return Kind("json", head[:1], f"JSON whose first member is {member!r}", _KNOWN_JSON)


def refusal(kind: Kind, source: str) -> ContainerError:
    return ContainerError(
        f"this is {kind.is_a}, and is not read as lines",
        source=source,
        container=kind.name,
        hint=kind.hint,
    )
