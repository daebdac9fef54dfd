"""What was measured of flow logs, and what it makes in a month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from vpcflow_query.tiers import GB

MONTH = 30 * 86_400
"""Seconds of the month that everything is told for."""
SLOT = 300
"""Seconds; AWS delivers files of five minutes."""
_HALF = 0.5
COMPRESSION = 6.0
"""Bytes of text for one of gzip, where it cannot be measured: 5 to 7 for generated traffic."""


@frozen
class Share:
    """A part of the records. text_bytes: of their lines."""

    records: int = 0
    text_bytes: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.records + other.records, self.text_bytes + other.text_bytes)


@frozen
class FieldVolume:
    """text_bytes: what a field takes in all lines, with the blank or newline behind each value.
    values: in how many records it is not `-`. measured: False where the column was not read and
    its length is the usual one."""

    text_bytes: int
    values: int
    measured: bool = True


@frozen
class InterfaceVolume:
    """all: its records. nodata: those that say that there was no traffic. reject: those refused.
    nat: its records show that it is a NAT gateway's (or one that translates alike)."""

    all: Share = Share()
    nodata: Share = Share()
    reject: Share = Share()
    nat: bool = False


@frozen
class Distincts:
    """How many records there would be, were some of them one. A record is told by its interface,
    addresses, ports, protocol, action, start, end, packets and bytes.

    records: that these are told of, all unless the meter samples. flows: were those alike in all of
    that one. tracked, tracked_flows: records whose file name
    tells the flow log, and of them those that differ, or are of another flow log. connections:
    pairs of ends at an interface, both directions together. views: one-way flows at an interface;
    one_way: the same whichever interface they were seen at. merged: were those of ten minutes of
    a flow one. reused: were those of a minute between two hosts, at one port of the server, one.
    exact: False where there were too many to keep and they are counted within about 2 %.
    """

    records: int = 0
    flows: int = 0
    tracked: int = 0
    tracked_flows: int = 0
    connections: int = 0
    views: int = 0
    one_way: int = 0
    merged: int = 0
    reused: int = 0
    exact: bool = True


@frozen
class Monthly:
    """A month's records and text. basis: how that is known, in words. weak: known from too little
    to rely on."""

    records: float
    text_bytes: float
    basis: str = "given"
    weak: bool = False

    @property
    def gb(self) -> float:
        return self.text_bytes / GB

    @property
    def bytes_per_record(self) -> float:
        return self.text_bytes / self.records if self.records else 0.0

    def without(self, share: float) -> Monthly:
        """What is left when a share (0 to 1) goes."""
        kept = 1.0 - share
        return evolve(self, records=self.records * kept, text_bytes=self.text_bytes * kept)


@frozen
class Volume:
    """What a `Meter` saw. Lines that were rejected are in none of these numbers.

    all, ok, nodata, skipdata, reject: records (ok: with traffic). noise: REJECT from public
    addresses. few: records of at most `FEW` packets. fields: by column name, in the format's order.
    interfaces: by id. first, last: the earliest start and the latest end. slots: periods of five
    minutes in which records end. longest_window: seconds from start to end, the most. long_windows:
    records with more than a minute. stored_bytes: of the sources as stored, 0 if not known.
    filtered: records that `where` left out. rejected: lines that are no records. region: that most
    records name. flow_logs: their ids, where file names tell. destination: where the logs seem to
    come from, None if nothing tells. partial_interfaces: there were too many to list all.
    """

    all: Share = Share()
    ok: Share = Share()
    nodata: Share = Share()
    skipdata: Share = Share()
    reject: Share = Share()
    noise: Share = Share()
    few: Share = Share()
    fields: Mapping[str, FieldVolume] = field(factory=dict)
    interfaces: Mapping[str, InterfaceVolume] = field(factory=dict, repr=False)
    distinct: Distincts = Distincts()
    first: datetime | None = None
    last: datetime | None = None
    slots: int = 0
    longest_window: float = 0.0
    long_windows: int = 0
    stored_bytes: int = 0
    filtered: int = 0
    rejected: int = 0
    region: str | None = None
    flow_logs: tuple[str, ...] = ()
    destination: str | None = None
    partial_interfaces: bool = False

    @property
    def transit_gateway(self) -> bool:
        """Whether these are a transit gateway's logs: `interfaces` are then its attachments."""
        return "tgw_id" in self.fields

    @property
    def span(self) -> float:
        """Seconds from the first start to the last end."""
        if self.first is None or self.last is None:
            return 0.0
        return max((self.last - self.first).total_seconds(), 0.0)

    @property
    def gaps(self) -> bool:
        """Whether less than half of the span has records, so that it says little."""
        return self.slots * SLOT < self.span * _HALF

    @property
    def observed(self) -> float:
        """Seconds that the logs cover: the span, or where it has gaps the slots with records."""
        seconds = float(self.slots * SLOT) if self.gaps else self.span
        return max(seconds, 60.0) if self.all.records else 0.0  # AWS's shortest window

    @property
    def compression(self) -> float:
        """Bytes of text for one of gzip: measured where the sources are compressed, else usual."""
        if self.stored_bytes and not self.filtered:
            measured = self.all.text_bytes / self.stored_bytes
            if measured > 2:
                return measured
        return COMPRESSION

    def per_month(self, covers: float | None = None) -> Monthly:
        """Thirty days at the rate seen. covers: seconds that the logs are of, where that is known;
        otherwise `observed`."""
        seconds = covers or self.observed
        factor = MONTH / seconds if seconds else 0.0
        return Monthly(
            self.all.records * factor,
            self.all.text_bytes * factor,
            self._basis(covers),
            weak=seconds < 3600,
        )

    def _basis(self, covers: float | None) -> str:
        if covers is not None:
            return f"{duration(covers)} as given, times {MONTH / covers:,.4g}"
        if not self.observed:
            return "no records"
        times = f"times {MONTH / self.observed:,.4g}"
        if self.gaps:
            return (
                f"{duration(self.observed)} with records ({self.slots:,} slots of 5 min) in a span "
                f"of {duration(self.span)}, {times}"
            )
        return f"{duration(self.span)} of records, {times}"


FEW = 10
"""Packets: a short request and its answer take about so many in each direction."""


def duration(seconds: float) -> str:
    """ "10 min", "2.5 h", "3 days"."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size * (2 if unit == "days" else 1):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
