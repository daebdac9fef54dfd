"""All snapshots of an inventory, and which of them may speak about a flow.

Rules change. A snapshot is believed about a flow if it is near, or if those on both sides of the
flow agree; this module finds the neighbours, and the reasoning compares what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from attrs import define, field, frozen
from vpcflow_aws.inventory import Inventory, Snapshot

from vpcflow_diagnose.network.network import Network

NEAR_MS = 3_600_000
"""DESIGN section 8: proven needs a snapshot within an hour of the flow, or the same on both
sides."""


@frozen
class View:
    """A snapshot that may speak about a flow. distance: milliseconds between the two, 0 for one
    taken while the flow lasted, None where the snapshot has no time."""

    network: Network
    distance: int | None

    @property
    def near(self) -> bool:
        return self.distance is not None and self.distance <= NEAR_MS


@define
class _Series:
    """The snapshots of one account and Region, the earliest first. Read when they are needed."""

    snapshots: Sequence[Snapshot]
    read: dict[int, Network] = field(factory=dict)

    def network(self, number: int) -> Network:
        if number not in self.read:
            self.read[number] = Network.of(self.snapshots[number])
        return self.read[number]

    @cached_property
    def times(self) -> list[int | None]:
        return [None if s.time is None else _milliseconds(s.time) for s in self.snapshots]

    def neighbours(self, first: int, last: int) -> Iterator[View]:
        """The last snapshot before the flow's end and the first after its beginning, the nearest
        first; those in the middle of a long flow as well."""
        timed = [(n, t) for n, t in enumerate(self.times) if t is not None]
        if not timed:
            yield View(self.network(len(self.snapshots) - 1), None)
            return
        before = max((t for _, t in timed if t < first), default=None)
        after = min((t for _, t in timed if t > last), default=None)
        chosen = [
            (_distance(t, first, last), n)
            for n, t in timed
            if first <= t <= last or t in (before, after)
        ]
        for distance, number in sorted(chosen):
            yield View(self.network(number), distance)


@define(eq=False)
class History:
    """Ask it for the views on an interface and a time."""

    series: list[_Series]

    @classmethod
    def read(cls, directory: str | Path) -> History:
        """Raises UsageError for a directory that holds no inventory. Files that are missing or
        broken are in `lacks` once they have been asked for."""
        found: dict[tuple[str, ...], list[Snapshot]] = {}
        for snapshot in Inventory.read(directory).snapshots:
            found.setdefault(snapshot.scope, []).append(snapshot)
        return cls([_Series(snapshots) for snapshots in found.values()])

    def views(self, first: int, last: int, interface_id: str, *addresses: str) -> list[View]:
        """The snapshots that may speak about a flow of `interface_id` from `first` to `last`
        (milliseconds since 1970), the nearest first. Among several accounts and Regions: those that
        know the interface, else those that know an address."""
        all_ = [list(series.neighbours(first, last)) for series in self.series]
        if len(all_) == 1:
            return all_[0]
        for views in all_:
            if any(interface_id in view.network.interfaces for view in views):
                return views
        for views in all_:
            if any(view.network.owner(a) for view in views for a in addresses):
                return views
        return []

    def latest(self) -> list[Network]:
        """The last snapshot of each account and Region."""
        return [series.network(len(series.snapshots) - 1) for series in self.series]

    @property
    def lacks(self) -> list[str]:
        """What the snapshots that were read do not give, each said once."""
        said = (lack for series in self.series for n in series.read.values() for lack in n.lacks)
        return list(dict.fromkeys(said))


def _milliseconds(time: datetime) -> int:
    return int(time.astimezone(UTC).timestamp() * 1000)


def _distance(time: int, first: int, last: int) -> int:
    return max(first - time, time - last, 0)
