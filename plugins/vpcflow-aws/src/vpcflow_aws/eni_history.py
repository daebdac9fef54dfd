"""Several snapshots as one thing to ask: what was true at a time.

An epoch is the position of a snapshot's time among all snapshots' times; -1 is before the first.
For each account and Region the last usable snapshot that is not after the epoch's time counts, and
the first one if all are later.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from attrs import define, field

from vpcflow.errors import InputError, UsageError, printable
from vpcflow_aws.eni_names import Names
from vpcflow_aws.eni_table import ABOUT, NO_ROW, OF_ADDRESS, Rows, Table
from vpcflow_aws.inventory import INTERFACES, Inventory, Snapshot


class InventoryWarning(UserWarning):
    """Something of an inventory cannot be used; the enricher works without it."""


@define(eq=False)
class History:
    """The interfaces of all snapshots. A snapshot is read when it is first asked.

    times: when answers change; empty if there is one time alone, which changes nothing.
    about, of_address: the rows that answers are numbers of.
    """

    snapshots: tuple[Snapshot, ...]
    times: tuple[datetime, ...]
    about: Rows = field(factory=lambda: Rows(len(ABOUT)))
    of_address: Rows = field(factory=lambda: Rows(len(OF_ADDRESS)))
    _made: dict[int, Table | None] = field(factory=dict)
    _at: dict[int, tuple[Table, ...]] = field(factory=dict)

    @classmethod
    def of(cls, inventory: Inventory) -> History:
        """Raises UsageError for an inventory without interfaces, InputError if they are broken."""
        usable = tuple(s for s in inventory.snapshots if (s.directory / INTERFACES).is_file())
        where = printable(str(inventory.directory))
        if not usable:
            raise UsageError(
                f"the inventory {where} has no {INTERFACES}",
                hint=f"vpcflow inventory snapshot {where}, or "
                f"aws ec2 describe-network-interfaces --output json > {where}/{INTERFACES}",
            )
        times = sorted({s.time for s in usable if s.time is not None})
        history = cls(usable, tuple(times) if len(times) > 1 else ())
        if not history.times:
            history._prepare(where)
        return history

    def _prepare(self, where: str) -> None:
        """Read what is certain to be asked before a run begins, not in its first batch."""
        if not self._tables(0):
            reason = next(k.reason for s in self.snapshots for k in s.lacks if k.file == INTERFACES)
            raise InputError(f"{INTERFACES} {reason}", source=where)
        for snapshot in self.snapshots:
            _say_what_is_broken(snapshot)
        self.about.columns()
        self.of_address.columns()

    def interfaces(self, keys: Sequence[str], epoch: int = 0) -> list[int]:
        """Row numbers in `about` for ids of interfaces and regional NAT gateways, or NO_ROW.

        An id that the epoch does not have is asked of the epoch nearest to it that does.
        """
        tables = self._tables(epoch)
        if len(tables) == 1:
            get = tables[0].by_id.get
            found = [get(key, NO_ROW) for key in keys]
        else:
            found = [NO_ROW] * len(keys)
        if NO_ROW not in found:
            return found
        return [
            self._interface(key, epoch) if row == NO_ROW else row
            for key, row in zip(keys, found, strict=True)
        ]

    def addresses(self, keys: Sequence[tuple[str, str]], epoch: int = 0) -> list[int]:
        """Row numbers in `of_address` for addresses as seen in a VPC, or NO_ROW.

        First the VPC's own addresses. Then public IPv4 addresses of any interface: no two
        interfaces in the world have the same at one time.
        """
        tables = self._tables(epoch)
        if len(tables) != 1:
            return [_address(tables, key) for key in keys]
        get = tables[0].by_address.get
        found = [get(key, NO_ROW) for key in keys]
        other_ways = bool(tables[0].prefixes or tables[0].by_public)
        for place, row in enumerate(found):
            if row == NO_ROW and (other_ways or ":" in keys[place][1]):
                found[place] = _address(tables, keys[place])
        return found

    def _interface(self, key: str, epoch: int) -> int:
        for near in self._nearest(epoch):
            for table in self._tables(near):
                found = table.by_id.get(key)
                if found is not None:
                    return found
        return NO_ROW

    def _nearest(self, epoch: int) -> Iterator[int]:
        """Epochs from the nearest to the farthest; of two that are equally near the later one: an
        interface that is not there yet was made since."""
        first, count = max(epoch, 0), max(len(self.times), 1)
        yield first
        for after, before in zip_longest(range(first + 1, count), range(first - 1, -1, -1)):
            yield from (near for near in (after, before) if near is not None)

    def _tables(self, epoch: int) -> tuple[Table, ...]:
        """What counts at an epoch: one table for each account and Region."""
        epoch = max(epoch, 0)
        if epoch not in self._at:
            moment = self.times[epoch] if self.times else None
            scopes = dict.fromkeys(snapshot.scope for snapshot in self.snapshots)
            found = (self._valid(scope, moment) for scope in scopes)
            self._at[epoch] = tuple(table for table in found if table is not None)
        return self._at[epoch]

    def _valid(self, scope: tuple[str, ...], moment: datetime | None) -> Table | None:
        numbers = [n for n, s in enumerate(self.snapshots) if s.scope == scope]
        by_then = [
            n
            for n in numbers
            if moment is None or (taken := self.snapshots[n].time) is None or taken <= moment
        ]
        later = numbers[len(by_then) :]
        for number in (*reversed(by_then), *later):
            table = self._table(number)
            if table is not None:
                return table
        return None

    def _table(self, number: int) -> Table | None:
        """The table of one snapshot; None, and a warning, if its interfaces cannot be read."""
        if number not in self._made:
            snapshot = self.snapshots[number]
            interfaces = snapshot.interfaces()
            self._made[number] = (
                Table.of(interfaces, Names.of(snapshot), self.about, self.of_address)
                if snapshot.usable(INTERFACES)
                else None
            )
            if self.times:  # else `_prepare` says it
                _say_what_is_broken(snapshot)
        return self._made[number]


def _address(tables: tuple[Table, ...], key: tuple[str, str]) -> int:
    for table in tables:
        found = table.address(key)
        if found != NO_ROW:
            return found
    public = {table.by_public[key[1]] for table in tables if key[1] in table.by_public}
    return public.pop() if len(public) == 1 else NO_ROW


def _say_what_is_broken(snapshot: Snapshot) -> None:
    """Warn of files that are there and cannot be used; files that are not there are no news."""
    broken = [lack for lack in snapshot.lacks if not lack.missing]
    if broken:
        said = "; ".join(f"{lack.file} {lack.reason}" for lack in broken)
        where = printable(str(snapshot.directory))
        warnings.warn(f"inventory {where}: {said}", InventoryWarning, stacklevel=2)
