"""Places: where file sinks write. A file is created, made durable, and only then published.

A place promises that a file is not visible under its final name before `publish`, that `publish`
may be repeated, and that what was created and never published can be found and removed. With that,
`state.py` and `pipeline.py` deliver exactly once. This module has the contract and local
directories; vpcflow-aws brings s3://.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from vpcflow.errors import PluginError


@frozen
class Receipt:
    """What is needed to publish a file that was prepared; small, and stored as JSON.

    name: the file's final name in its place, with / between folders. size: in bytes. etag: what
    the published file will be known by, besides its size. token: the place's own facts (temporary
    name; upload id and parts): strings, numbers, lists and mappings.
    """

    name: str
    size: int
    etag: str
    token: Mapping[str, Any] = field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "size": self.size, "etag": self.etag, "token": dict(self.token)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Receipt:
        return cls(facts["name"], facts["size"], facts["etag"], facts["token"])


def checked_name(name: str, place: str) -> str:
    """`name`, if it is one as `Place.create` takes it. Raises PluginError otherwise: then a caller
    would write outside of the place."""
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise PluginError(
            f"{name!r} is not the name of a file below the place",
            plugin=place,
            hint="names are relative, with / between parts that are not empty, . or ..",
        )
    return name


class PendingFile(Protocol):
    """A file being written; binary, forward only."""

    name: str

    def write(self, data: Any) -> int:
        """Takes all of a bytes-like object; gives its length."""
        ...

    def tell(self) -> int:
        """Bytes written so far."""
        ...

    def flush(self) -> None: ...

    def prepare(self) -> Receipt:
        """Everything written is durable from here on, and not visible; nothing more is written."""
        ...

    def abort(self) -> None:
        """Forget the file and remove what there is of it. May be called at any time before
        `prepare`, more than once."""
        ...


class LostFile(PluginError):  # noqa: N818 - it says what happened
    """A prepared file is neither waiting nor published any more: somebody removed it. Its records
    have to be delivered again."""


class Place(Protocol):
    """A directory, a bucket and prefix. Errors (no space, no permission, no such bucket) are
    PluginErrors that name the place, what was seen, and what would mend it."""

    def create(self, name: str, owner: str) -> PendingFile:
        """A new file that will be called `name`: a relative path with / between folders; no part is
        empty, "." or "..". owner: of whose leftovers it is one, should it never be published;
        letters and digits. The last part of a name has it in it (`FileSink` sees to that), and a
        place may find leftovers by it."""
        ...

    def publish(self, receipt: Receipt) -> None:
        """Make the file visible under its name. A file of that name with the receipt's size and
        etag counts as done, so it may be called again after a crash. Raises LostFile when there is
        neither the prepared nor the published file."""
        ...

    def abort(self, receipt: Receipt) -> None:
        """Remove a prepared file; also one that was published, if it is the receipt's (size and
        etag). No error if there is nothing."""
        ...

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        """Files of that owner that are neither published nor aborted, for `abort`. Those that were
        never prepared have size 0 and etag ""."""
        ...
