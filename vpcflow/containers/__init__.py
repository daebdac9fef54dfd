"""Containers: gzip, envelopes, exported lines -> blocks of lines.

What a stream holds is recognised by its content, never by a name, and everything nests. One module
is one container: `NAME`, `sniff(head)`, and `blocks(feed, source=)`, which yields the content.
"""

from __future__ import annotations

from typing import BinaryIO

from vpcflow.containers.lines import Lines

__all__ = ["Lines", "unwrap"]


def unwrap(stream: BinaryIO, *, source: str) -> Lines:
    """The lines in `stream`, from where it stands; `source` names it in errors.

    If the stream can seek, damaged gzip is read again from the member's start; until then, and
    otherwise, it is only read forward. `Lines.close` closes it. Errors in the data are raised by
    the iteration, after everything before them. Raises UsageError if the stream gives text.
    """
    from vpcflow.containers import recognise  # late: it takes json, zlib and others along

    return recognise.unwrap(stream, source)
