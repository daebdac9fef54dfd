"""Traffic over time, added up while records are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from vpcflow_diagnose.traffic.codes import ACCEPTED, KIND, REJECTED

if TYPE_CHECKING:
    import pyarrow as pa

_SECOND = 1000
WIDTHS = tuple(
    _SECOND * seconds
    for seconds in (1, 10, 60, 600, 3_600, 21_600, 86_400, 30 * 86_400, 3_600 * 86_400)
)
"""Milliseconds; each divides the next."""
_MOST = 10_000
_SHOWN = tuple(
    _SECOND * seconds
    for seconds in (
        *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600),
        *(43_200, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 360 * 86_400, 3_600 * 86_400),
    )
)


@frozen
class Bucket:
    """What began in one stretch of time: milliseconds since 1970, `end` exclusive."""

    start: int
    end: int
    accepted_flows: int = 0
    accepted_packets: int = 0
    accepted_bytes: int = 0
    rejected_flows: int = 0
    rejected_packets: int = 0
    rejected_bytes: int = 0


_Sums = list[int]


@define
class Timeline:
    """Sums by stretches that are as short as `_MOST` of them allow. Records without a `start` or
    without an action, NODATA and SKIPDATA are not in it."""

    _width: int = 0
    _sums: dict[int, _Sums] = field(factory=dict)

    def add(self, records: pa.Table) -> None:
        """Records with mark (marks.py), start, packets and bytes, as far as the log has them."""
        if "start" not in records.schema.names:
            return
        for kind, number, sums in _grouped(records, WIDTHS[self._width]):
            offset = 0 if kind == ACCEPTED else 3
            total = self._sums.setdefault(number, [0] * 6)
            for place, value in enumerate(sums):
                total[offset + place] += value
        while len(self._sums) > _MOST and self._width + 1 < len(WIDTHS):
            self._sums = _fold(self._sums, WIDTHS[self._width + 1] // WIDTHS[self._width])
            self._width += 1

    def buckets(self, most: int) -> list[Bucket]:
        """At most so many stretches of one length, from the first record to the last, without
        gaps."""
        if not self._sums:
            return []
        step = WIDTHS[self._width]
        first, last = min(self._sums) * step, max(self._sums) * step
        width = next(
            (w for w in _SHOWN if w % step == 0 and last // w - first // w < most), _SHOWN[-1]
        )
        folded = _fold(self._sums, width // step)
        return [
            Bucket(number * width, (number + 1) * width, *folded.get(number, [0] * 6))
            for number in range(first // width, last // width + 1)
        ]


def _fold(sums: dict[int, _Sums], times: int) -> dict[int, _Sums]:
    folded: dict[int, _Sums] = {}
    for number, values in sums.items():
        total = folded.setdefault(number // times, [0] * 6)
        for place, value in enumerate(values):
            total[place] += value
    return folded


def _grouped(records: pa.Table, width: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Kind, number of the stretch, and flows, packets, bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sums = [name for name in ("packets", "bytes") if name in records.schema.names]
    stretches = pc.divide(records["start"].cast(pa.int64()), width)
    kinds = pc.bit_wise_and(records["mark"], pa.scalar(7 << KIND, pa.int32()))
    columns = [kinds, stretches, *(records[name] for name in sums)]
    groups = (
        pa.table(columns, names=["kind", "stretch", *sums])
        .group_by(["kind", "stretch"], use_threads=False)
        .aggregate([([], "count_all"), *((name, "sum") for name in sums)])
    )
    return [
        (
            row["kind"] >> KIND,
            row["stretch"],
            (row["count_all"], row.get("packets_sum") or 0, row.get("bytes_sum") or 0),
        )
        for row in groups.to_pylist()
        if row["kind"] >> KIND in (ACCEPTED, REJECTED) and row["stretch"] is not None
    ]
