"""Addresses as numbers: DuckDB groups by numbers in half the time and memory that texts take."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from vpcflow.codes import ColumnCodes, values_at

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNKS = 256


class Addresses:
    """For the batches of one run, one after the other.

    vpcflow's kernel gives each text of a column a code. When it has seen very many, it forgets
    half of them and gives codes anew; numbers go on from there, so that a text may have more than
    one number then, but a number never more than one text. The texts of such an epoch go to a
    temporary file, so memory holds those of one epoch.
    """

    def __init__(self, most: int | None = None) -> None:
        """most: so many codes the kernel keeps, about."""
        self._codes = ColumnCodes() if most is None else ColumnCodes(most)
        self._epoch = self._codes.epoch
        self._base = 0  # the number of code 0
        self._known = 0  # codes of this epoch, whose texts follow
        self._texts: list[pa.Array] = []
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Another batch follows."""
        self._codes.begin()
        if self._codes.epoch == self._epoch:
            return
        texts = self._joined()
        self._put_away(texts)
        self._base += self._known
        # those that stay have the codes from 0 on, in the order of `kept`, their former codes
        kept = _int32(self._codes.kept)
        self._texts = [texts.take(kept)]
        self._known = len(kept)
        self._epoch = self._codes.epoch

    def numbers(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """The numbers (int32) of a column of the batch; null for null."""
        import pyarrow as pa
        import pyarrow.compute as pc

        codes = _int32(self._codes.of(batch, name))
        bounds = pc.min_max(codes)
        if (bounds["max"].as_py() or 0) >= self._known:
            self._learn(batch.column(name), codes)
        numbers = pc.add(codes, pa.scalar(self._base, pa.int32())) if self._base else codes
        if bounds["min"].as_py() == -1:
            return pc.if_else(pc.less(codes, 0), pa.scalar(None, pa.int32()), numbers)
        return numbers

    def tables(self) -> Iterator[pa.RecordBatch]:
        """All numbers and their texts: columns `number` and `address`."""
        import pyarrow as pa

        base = 0
        if self._file is not None:
            self._file.seek(0)
            for _ in range(self._epoch):
                with pa.ipc.open_stream(pa.PythonFile(self._file, "r")) as stream:
                    for batch in stream:
                        yield _numbered(base, batch.column(0))
                        base += batch.num_rows
        yield _numbered(self._base, self._joined())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _learn(self, column: pa.Array, codes: pa.Array) -> None:
        """Keep the texts of codes that are new: they come in the order of their codes."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = pc.indices_nonzero(pc.greater_equal(codes, self._known)).cast(pa.int32())
        texts = values_at(column, rows.buffers()[1].to_pybytes()[: 4 * len(rows)])
        new = pa.array(list(dict.fromkeys(texts)), pa.utf8())
        self._known += len(new)
        self._texts.append(new)
        if len(self._texts) > _CHUNKS:
            self._texts = [self._joined()]

    def _joined(self) -> pa.Array:
        import pyarrow as pa

        return pa.concat_arrays(self._texts) if self._texts else pa.array([], pa.utf8())

    def _put_away(self, texts: pa.Array) -> None:
        import pyarrow as pa

        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="vpcflow-")  # noqa: SIM115 (see close)
        batch = pa.record_batch([texts], names=["address"])
        with pa.ipc.new_stream(pa.PythonFile(self._file, "w"), batch.schema) as out:
            out.write_batch(batch)


def _int32(data: bytes) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int32(), len(data) // 4, [None, pa.py_buffer(data)])


def _numbered(base: int, texts: pa.Array) -> pa.RecordBatch:
    import pyarrow as pa

    numbers = pa.array(range(base, base + len(texts)), pa.int32())
    return pa.record_batch([numbers, texts], names=["number", "address"])
