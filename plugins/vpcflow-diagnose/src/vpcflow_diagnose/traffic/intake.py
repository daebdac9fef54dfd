"""What is done with each batch on its way to DuckDB: interfaces become numbers, and traffic over
time and the interfaces' places are noted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import define, field

from vpcflow_diagnose.traffic.addresses import Addresses
from vpcflow_diagnose.traffic.columns import ADDRESSES, LOST, TGW
from vpcflow_diagnose.traffic.marks import COLUMNS, marked
from vpcflow_diagnose.traffic.timeline import Timeline

if TYPE_CHECKING:
    import pyarrow as pa

NOWHERE = "-"
"""Stands for the interface of records that name none; its number is 0."""
_NAMES = ("interface_id", "resource_id")
_PLACES = ("vpc_id", "subnet_id")
_ENDS = ("srcaddr", "dstaddr")
_KEPT = (*_ENDS, "packets", "bytes", "start", "end", *TGW, *LOST)
_TIMES = ("start", "mark", "packets", "bytes")
_LOOKS = 20
"""So many batches are looked at for the place of an interface: NODATA records do not tell it."""
_ROWS = 1 << 17  # noted together: what that costs each time is little then


@define
class Intake:
    """For the batches of one run. timeline and places are complete when `batches` has ended.

    places: VPC and subnet by the interface's number.
    """

    timeline: Timeline = field(factory=Timeline)
    places: dict[int, tuple[str | None, str | None]] = field(factory=dict)
    addresses: Addresses = field(factory=Addresses)
    _numbers: dict[str, int] = field(factory=lambda: {NOWHERE: 0})
    _unplaced: dict[int, int] = field(factory=dict)

    @property
    def interfaces(self) -> list[str]:
        """In the order of their numbers."""
        return list(self._numbers)

    def number(self, interface: str) -> int | None:
        return self._numbers.get(interface)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Of what `batches` gives."""
        import pyarrow as pa

        kept = [
            pa.field(name, pa.int32()) if name in _ENDS else schema.field(name)
            for name in _KEPT
            if name in schema.names
        ]
        return pa.schema([*((name, pa.int32()) for name in ("interface", *COLUMNS)), *kept])

    def batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches with numbers for texts: `interface`, of the network interface, else of the
        regional NAT gateway; client, server and the rest of marks.py; plain addresses."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            numbered = self._numbered(batch)
            waiting.append(_selected(numbered, _TIMES))
            rows += batch.num_rows
            if rows >= _ROWS:
                self.timeline.add(_table(waiting))
                waiting, rows = [], 0
            yield numbered
        if waiting:
            self.timeline.add(_table(waiting))

    def _numbered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        interface = self._interface(batch)
        self.addresses.begin()
        numbers = {
            name: self.addresses.numbers(batch, name)
            for name in ADDRESSES
            if name in batch.schema.names
        }
        ends = []
        for name in _ENDS:  # the packets' own, if known
            known = [numbers[n] for n in (f"pkt_{name}", name) if n in numbers]
            whole = len(known) == 1 or not known[0].null_count
            ends.append(known[0] if whole else pc.coalesce(*known))
        schema = self.schema(batch.schema)
        kept = [
            numbers[name] if name in _ENDS else batch.column(name)
            for name in schema.names[1 + len(COLUMNS) :]
        ]
        return pa.RecordBatch.from_arrays([interface, *marked(batch, *ends), *kept], schema=schema)

    def _interface(self, batch: pa.RecordBatch) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        nowhere = pa.scalar(self._numbers[NOWHERE], pa.int32())
        present = [name for name in _NAMES if name in batch.schema.names]
        if not present:
            return pa.repeat(nowhere, batch.num_rows)
        numbers = [self._numbers_of(batch.column(name)) for name in present]
        if len(numbers) == 1 and not numbers[0].null_count:
            interface = numbers[0]
        else:
            interface = pc.coalesce(*numbers, nowhere)
        self._place(batch, interface)
        return interface

    def _numbers_of(self, names: pa.Array) -> pa.Array:
        import pyarrow as pa

        coded = names if pa.types.is_dictionary(names.type) else names.dictionary_encode()
        numbers = []
        for name in coded.dictionary.to_pylist():
            number = None if name is None else self._numbers.get(name)
            if number is None and name is not None:
                number = self._numbers[name] = len(self._numbers)
                self._unplaced[number] = _LOOKS
            numbers.append(number)
        return pa.array(numbers, pa.int32()).take(coded.indices)

    def _place(self, batch: pa.RecordBatch, interface: pa.Array) -> None:
        """Look for VPC and subnet of interfaces that are new."""

        if not self._unplaced or not set(_PLACES) & set(batch.schema.names):
            return
        vpc, subnet = (_words(batch, name) for name in _PLACES)
        for number, *place in _distinct(interface, vpc, subnet, self._unplaced):
            vpc_id, subnet_id = (
                None if index < 0 else words.dictionary[index].as_py()
                for index, words in zip(place, (vpc, subnet), strict=True)
            )
            if vpc_id or subnet_id:
                self.places[number] = (vpc_id, subnet_id)
            self._unplaced[number] -= 1
            if vpc_id or subnet_id or not self._unplaced[number]:
                del self._unplaced[number]


def _words(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as dictionary; nulls if the batch does not have it."""
    import pyarrow as pa

    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.utf8()).dictionary_encode()
    column = batch.column(name)
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _distinct(
    interface: pa.Array, vpc: pa.Array, subnet: pa.Array, wanted: Collection[int]
) -> Iterator[tuple[int, int, int]]:
    """Each combination of a wanted interface's number and the places' indices (-1 for null)
    once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    widths = [len(words.dictionary) + 1 for words in (vpc, subnet)]
    joined = interface.cast(pa.int64())
    for words, width in zip((vpc, subnet), widths, strict=True):
        joined = pc.add(pc.multiply(joined, width), pc.add(words.indices.fill_null(-1), 1))
    for value in pc.unique(joined).to_pylist():
        rest, in_subnet = divmod(value, widths[1])
        number, in_vpc = divmod(rest, widths[0])
        if number in wanted:  # asked each time: the consumer changes it
            yield number, in_vpc - 1, in_subnet - 1


def _selected(batch: pa.RecordBatch, names: Iterable[str]) -> pa.RecordBatch:
    return batch.select([name for name in names if name in batch.schema.names])


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches(batches)
