"""What is done with each batch on its way to DuckDB: interfaces become numbers, and traffic over
time and the interfaces' places are noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from attrs import define, field

from vpcflow_diagnose.traffic.codes import WORDS, codes_of
from vpcflow_diagnose.traffic.ports import PORTS, orders
from vpcflow_diagnose.traffic.timeline import Timeline

if TYPE_CHECKING:
    import pyarrow as pa

NOWHERE = "-"
"""Stands for the interface of records that name none; its number is 0."""
_NAMES = ("interface_id", "resource_id")
_PORTS = ("srcport", "dstport")
_REPLACED = (*_NAMES, *_PORTS, *WORDS)
_ADDED = ("interface", "code", "src_order", "dst_order")
_PLACES = ("vpc_id", "subnet_id")
_TIMES = ("start", "code", "packets", "bytes")
_ROWS = 1 << 17  # noted together: what that costs each time is little then


@define
class Intake:
    """For the batches of one run. timeline and places are complete when `batches` has ended.

    places: VPC and subnet by the interface's number.
    """

    timeline: Timeline = field(factory=Timeline)
    places: dict[int, tuple[str | None, str | None]] = field(factory=dict)
    _numbers: dict[str, int] = field(factory=lambda: {NOWHERE: 0})

    @property
    def interfaces(self) -> list[str]:
        """In the order of their numbers."""
        return list(self._numbers)

    def number(self, interface: str) -> int | None:
        return self._numbers.get(interface)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Of what `batches` gives."""
        import pyarrow as pa

        kept = [column for column in schema if column.name not in _REPLACED]
        return pa.schema([*((name, pa.int32()) for name in _ADDED), *kept])

    def batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches with other columns in place of some: `interface`, the number of the network
        interface, else of the regional NAT gateway; `code` of the words (codes.py); `src_order` and
        `dst_order` of the ports (`ports.orders`)."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            numbered = self._numbered(batch)
            waiting.append(_selected(numbered, ("interface", *_PLACES, *_TIMES)))
            rows += batch.num_rows
            if rows >= _ROWS:
                self._note(waiting)
                waiting, rows = [], 0
            yield numbered
        if waiting:
            self._note(waiting)

    def _numbered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        present = [name for name in _NAMES if name in batch.schema.names]
        numbers = [self._numbers_of(batch.column(name)) for name in present]
        nowhere = pa.scalar(self._numbers[NOWHERE], pa.int32())
        interface = (
            pc.coalesce(*numbers, nowhere) if numbers else pa.repeat(nowhere, batch.num_rows)
        )
        orders = [self._order_of(batch, name) for name in _PORTS]
        columns = [batch.column(c.name) for c in batch.schema if c.name not in _REPLACED]
        return pa.RecordBatch.from_arrays(
            [interface, codes_of(batch), *orders, *columns], schema=self.schema(batch.schema)
        )

    def _order_of(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if name not in batch.schema.names:
            return pa.repeat(pa.scalar(0, pa.int32()), batch.num_rows)
        # columns from elsewhere (Parquet) may hold what is no port
        ports = pc.bit_wise_and(batch.column(name), pa.scalar(PORTS - 1, pa.int32()))
        return _orders().take(ports.fill_null(0) if ports.null_count else ports)

    def _numbers_of(self, names: pa.Array) -> pa.Array:
        import pyarrow as pa

        coded = names if pa.types.is_dictionary(names.type) else names.dictionary_encode()
        known = self._numbers
        numbers = [
            None if name is None else known.setdefault(name, len(known))
            for name in coded.dictionary.to_pylist()
        ]
        return pa.array(numbers, pa.int32()).take(coded.indices)

    def _note(self, batches: list[pa.RecordBatch]) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(batches).unify_dictionaries()
        self.timeline.add(table)
        keys = [name for name in _PLACES if name in table.schema.names]
        if not keys:
            return
        for row in (
            table.group_by(["interface", *keys], use_threads=False).aggregate([]).to_pylist()
        ):
            vpc, subnet = self.places.get(row["interface"], (None, None))
            self.places[row["interface"]] = (
                vpc or row.get("vpc_id"),
                subnet or row.get("subnet_id"),
            )


@cache
def _orders() -> pa.Array:
    import pyarrow as pa

    return pa.array(orders(), pa.int32())


def _selected(batch: pa.RecordBatch, names: Iterable[str]) -> pa.RecordBatch:
    return batch.select([name for name in names if name in batch.schema.names])
