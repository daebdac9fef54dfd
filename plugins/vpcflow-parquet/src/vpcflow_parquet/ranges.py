"""A source file as the seekable stream that pyarrow reads from: each read is one range of it."""

from __future__ import annotations

import os

from attrs import define, field

from vpcflow.errors import InputError, UsageError
from vpcflow.source_files import SourceFile


@define(eq=False)
class RangeReader:
    """Reads where it stands. size: of the file, in bytes. Raises UsageError for a file whose size
    is not known, such as a pipe, and InputError for a read that the system refuses."""

    file: SourceFile
    size: int = field(init=False)
    closed: bool = field(default=False, init=False)
    _at: int = field(default=0, init=False)
    _bytes_read: int = field(default=0, init=False)

    @size.default
    def _known_size(self) -> int:
        if self.file.size is None:
            raise UsageError(
                f"{self.file.name}: Parquet is read from its end, and this stream has to be read "
                "from its beginning",
                hint="save it to a file, and read that",
            )
        return self.file.size

    def read(self, n: int | None = -1) -> bytes:
        left = max(0, self.size - self._at)
        wanted = left if n is None or n < 0 else min(n, left)
        if not wanted:
            return b""
        try:
            data = self.file.read_range(self._at, wanted)
        except OSError as error:
            raise InputError(
                f"cannot be read: {error.strerror or error}", source=self.file.name
            ) from error
        self._at += len(data)
        self._bytes_read += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, (0, self._at, self.size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def bytes_read(self) -> int:
        """How many bytes were read since the last call."""
        count, self._bytes_read = self._bytes_read, 0
        return count
