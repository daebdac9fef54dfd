"""Containers: gzip, envelopes, exported lines -> blocks of lines.

What a stream holds is recognised by its content, never by a name, and everything nests. One module
is one container: `NAME`, `sniff(head)`, and `blocks(feed, source=)`, which yields the content.
Plugins bring more (`contract.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from vpcflow.containers.lines import Lines

if TYPE_CHECKING:
    from vpcflow.containers.recognise import Columns, Others

__all__ = ["Lines", "open_container", "unwrap"]


def unwrap(stream: BinaryIO, *, source: str) -> Lines:
    """The lines in `stream`, from where it stands; `source` names it in errors.

    If the stream can seek, damaged gzip is read again from the member's start; until then, and
    otherwise, it is only read forward. `Lines.close` closes it. Errors in the data are raised by
    the iteration, after everything before them. Raises UsageError if the stream gives text.
    Containers of plugins are not asked.
    """
    lines = open_container(stream, source=source, others=tuple)
    assert isinstance(lines, Lines)  # files of columns come with plugins only
    return lines


def open_container(stream: BinaryIO, *, source: str, others: Others) -> Lines | Columns:
    """As `unwrap`, with the containers that `others` gives; a file of columns closes the stream,
    and is read in ranges."""
    from vpcflow.containers import recognise  # late: it takes json, zlib and others along

    return recognise.unwrap(stream, source, others)
