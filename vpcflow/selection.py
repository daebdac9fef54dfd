"""Which files are worth opening: what AWS's names say of account, Region, flow log and time.

AWS writes `[prefix/]AWSLogs/[organisation/]<account>/vpcflowlogs/<region>/YYYY/MM/DD/[HH/]<name>`,
or with Hive-compatible folders `.../AWSLogs/aws-account-id=<a>/aws-service=vpcflowlogs/
aws-region=<r>/year=YYYY/month=MM/day=DD/[hour=HH/]<name>`, and the file name repeats account,
Region and flow log: `<account>_vpcflowlogs_<region>_<fl-id>_YYYYMMDDTHHmmZ_<hash>.log.gz`. The time
is the start of a slot of 5 minutes; the file holds records whose `end` lies in that slot.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from attrs import Attribute, field, frozen

from vpcflow.errors import UsageError

_NAME = re.compile(
    r"(?P<account>\d{12})_(?P<service>[A-Za-z0-9-]+)_(?P<region>[a-z0-9-]+)_"
    r"(?P<flow_log>fl-[0-9a-f]+)_(?P<slot>\d{8}T\d{4})Z_[0-9A-Za-z]+\.log(?:\.gz|\.parquet)?",
    re.ASCII,
)
SLOT = timedelta(minutes=5)
LATE = timedelta(minutes=15)
"""How much earlier than its file's slot a record may start: the longest aggregation interval (10
minutes), and packets that are seen up to a minute late, with room to spare."""


@frozen
class FileFacts:
    """What AWS's name of a file says. slot: when its 5 minutes begin, UTC."""

    account: str
    service: str
    region: str
    flow_log: str
    slot: datetime


def facts_of(name: str) -> FileFacts | None:
    """The facts in the last part of a path or URL; None for a name that AWS does not give."""
    found = _NAME.fullmatch(name.rpartition("/")[2])
    if found is None:
        return None
    facts = found.groupdict()
    try:
        slot = datetime.strptime(facts.pop("slot"), "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return FileFacts(slot=slot, **facts)


def _names(values: str | Iterable[str] | None) -> frozenset[str]:
    return frozenset([values] if isinstance(values, str) else values or ())


def _aware(_: Selection, attribute: Attribute[datetime | None], moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise UsageError(
            f"{attribute.name} is {moment.isoformat()}, a time without a zone",
            hint=f"in UTC it is {moment.isoformat()}Z",
        )


@frozen
class Selection:
    """What is wanted of a source; empty means all.

    accounts, regions, flow_logs: AWS's ids. since, until: aware; records that start at `since` or
    later and before `until`. Files are judged by their names alone; a name that AWS does not give
    says nothing, and such a file is always wanted. Raises UsageError for a time without a zone.
    """

    accounts: frozenset[str] = field(default=frozenset(), converter=_names)
    regions: frozenset[str] = field(default=frozenset(), converter=_names)
    flow_logs: frozenset[str] = field(default=frozenset(), converter=_names)
    since: datetime | None = field(default=None, validator=_aware)
    until: datetime | None = field(default=None, validator=_aware)

    def wants(self, name: str) -> bool:
        """Whether a file of that path or URL may hold records that are wanted."""
        facts = facts_of(name)
        if facts is None:
            return True
        return (
            (not self.accounts or facts.account in self.accounts)
            and (not self.regions or facts.region in self.regions)
            and (not self.flow_logs or facts.flow_log in self.flow_logs)
            and self._wants(facts.slot, SLOT)
        )

    def wants_slots(self, begin: datetime, end: datetime) -> bool:
        """Whether files whose slots lie from `begin` to `end` (an hour's or a day's folder) may
        hold records that are wanted."""
        return self._wants(begin, end - begin)

    def _wants(self, begin: datetime, length: timedelta) -> bool:
        # differences of times cannot overflow, as sums can at the ends of the calendar
        if self.since is not None and self.since - begin >= length:
            return False
        return self.until is None or begin - self.until < LATE


EVERYTHING = Selection()
