"""A flow log as the readers are given it."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve, field, frozen

from vpcflow.fields import Field
from vpcflow.flow_format import FlowFormat, is_header

SLOW_BYTES = 8_000_000
"""How much of a text is given to readers that work line by line in Python."""


@frozen
class Text:
    """What is read: a flow log in a file and, for readers that take it from there, in memory.

    path: of the plain or gzipped text. data: the plain text; None to read from `path` only.
    header: whether the first line names the fields. columns: the only ones wanted; None for all.
    """

    path: Path
    format: FlowFormat
    data: bytes | None = field(default=None, repr=False)
    header: bool = True
    columns: tuple[str, ...] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields wanted, in line order."""
        wanted = self.columns
        return tuple(f for f in self.format.fields if wanted is None or f.name in wanted)

    @property
    def content(self) -> bytes:
        """The text in memory. Raises ValueError if there is only the file."""
        if self.data is None:
            raise ValueError(f"{self.path} is not in memory")
        return self.data

    @property
    def extent(self) -> tuple[int, int]:
        """Bytes and lines of the text in memory."""
        return len(self.content), self.content.count(b"\n")

    @classmethod
    def load(cls, path: str | Path, fmt: str | None = None) -> Text:
        """A plain-text log in memory. `fmt` is needed if it has no header line."""
        data = Path(path).read_bytes()
        first = data[: data.find(b"\n") + 1]
        header = is_header(first)
        known = FlowFormat.from_header(first) if header else FlowFormat.parse(fmt or "")
        return cls(Path(path), known, data, header)

    def head(self) -> Text:
        """The first lines of the text in memory, about SLOW_BYTES of them."""
        end = self.content.find(b"\n", SLOW_BYTES)
        return evolve(self, data=self.content[: end + 1]) if end >= 0 else self
