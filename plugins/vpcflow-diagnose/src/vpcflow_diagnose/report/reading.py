"""Reading logs for a report: what passes by is measured for its cost, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field
from vpcflow_query.reading import Reading

import vpcflow

if TYPE_CHECKING:
    from vpcflow_query.cost.meter import Meter


@define
class MeteredReading(Reading):
    """A `Reading` whose batches a meter sees, too. rejected: lines by reason; files, bytes_read: of
    all sources, as stored; None if a source cannot tell."""

    meter: Meter | None = None
    rejected: Mapping[str, int] = field(factory=dict)
    files: int | None = None
    bytes_read: int | None = None

    @classmethod
    def over(cls, reading: Reading, meter: Meter) -> MeteredReading:
        made = cls(reading.sources, reading.format, reading.where, reading.threads)
        made.meter = meter
        return made

    def batches(
        self, stream: vpcflow.FlowStream, *args: Any, **options: Any
    ) -> Iterator[vpcflow.FlowBatch]:
        for batch in super().batches(stream, *args, **options):
            if self.meter is not None:
                self.meter.add(batch)
            yield batch
        self.rejected = dict(stream.rejected_by_reason)
        self.files, self.bytes_read = stream.progress.files, stream.progress.bytes
