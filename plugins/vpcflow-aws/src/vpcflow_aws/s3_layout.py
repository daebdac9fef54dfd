"""What the folders of a key say: account, service, Region and time, in every layout of AWS.

    [prefix/]AWSLogs/[organisation/]<account>/<service>/<region>/YYYY/MM/DD/[HH/]
    [prefix/]AWSLogs/[organisation/]aws-account-id=<account>/aws-service=<service>/
        aws-region=<region>/year=YYYY/month=MM/day=DD/[hour=HH/]

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html. The service of VPC flow
logs is `vpcflowlogs`; other flow logs have their own. What lies outside of AWSLogs, or deeper, or
is named otherwise, says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from attrs import frozen

from vpcflow.selection import LATE, SLOT, Selection

ROOT = "AWSLogs"
_ORGANISATION = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_STEPS = {
    "account": re.compile(r"(?:aws-account-id=)?(\d{12})", re.ASCII),
    "service": re.compile(r"(?:aws-service=)?([A-Za-z0-9-]+)", re.ASCII),
    "region": re.compile(r"(?:aws-region=)?([a-z]+(?:-[a-z0-9]+)+)", re.ASCII),
    "year": re.compile(r"(?:year=)?(\d{4})", re.ASCII),
    "month": re.compile(r"(?:month=)?(\d\d)", re.ASCII),
    "day": re.compile(r"(?:day=)?(\d\d)", re.ASCII),
    "hour": re.compile(r"(?:hour=)?(\d\d)", re.ASCII),
}
# Services that write other logs than flow logs below AWSLogs; those that begin with CloudTrail too.
_OTHERS = {
    *("config", "elasticloadbalancing", "waflogs", "vpcdnsquerylogs", "guardduty"),
    *("network-firewall", "redshift", "inspector", "macie", "globalaccelerator"),
}
_TEST_OBJECT = "aws-logs-write-test"  # CloudWatch Logs tries with it whether it may export
MOST_DAYS = 40
"""So many days' folders are listed unseen; for a longer time, years and months are listed first."""


@frozen
class Spot:
    """What the folders up to one of them say.

    step: the last that is known: "", "account", ... "hour". exact: it is the last folder there is,
    so that the next step's folders lie in it. service_at: which folder of the key it is.
    begin, end: the slots of the files in it, UTC.
    """

    step: str = ""
    exact: bool = True
    account: str | None = None
    service: str | None = None
    service_at: int = 0
    region: str | None = None
    begin: datetime | None = None
    end: datetime | None = None


def spot_of(folders: Sequence[str]) -> Spot | None:
    """Where in the layout a folder is. folders: from the bucket down, without slashes. None: not at
    or below AWSLogs."""
    if ROOT not in folders:
        return None
    at = folders.index(ROOT) + 1
    if at < len(folders) and _ORGANISATION.fullmatch(folders[at]):
        at += 1
    facts: dict[str, str] = {}
    start = at
    for step, shape in _STEPS.items():
        found = shape.fullmatch(folders[at]) if at < len(folders) else None
        if found is None:
            break
        facts[step] = found[1]
        at += 1
    times = [int(facts[name]) for name in ("year", "month", "day", "hour") if name in facts]
    step, exact = next(reversed(facts), ""), at == len(folders)
    begin = end = None
    try:
        if times:
            begin, end = _slots(times)
    except ValueError:  # folders such as 2024/99/
        step, exact = "region", False
    return Spot(
        step=step,
        exact=exact,
        account=facts.get("account"),
        service=facts.get("service"),
        service_at=start + 1,
        region=facts.get("region"),
        begin=begin,
        end=end,
    )


def _slots(times: Sequence[int]) -> tuple[datetime, datetime]:
    year, month, day, hour = [*times, *(1, 1, 0)[len(times) - 1 :]]
    begin = datetime(year, month, day, hour, tzinfo=UTC)
    if len(times) == 1:
        return begin, datetime(year + 1, 1, 1, tzinfo=UTC)
    if len(times) == 2:
        return begin, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return begin, begin + timedelta(days=1) if len(times) == 3 else begin + timedelta(hours=1)


def wants(folders: Sequence[str], named: int, selection: Selection) -> bool:
    """Whether files below a folder may be wanted. named: so many of the folders the user named:
    what is hidden or another service's is wanted where it is named."""
    if any(is_hidden(name) for name in folders[named:]):
        return False
    spot = spot_of(folders)
    if spot is None:
        return True
    if spot.service and spot.service_at >= named and _is_another(spot.service):
        return False
    return (
        (not selection.accounts or spot.account is None or spot.account in selection.accounts)
        and (not selection.regions or spot.region is None or spot.region in selection.regions)
        and (spot.begin is None or spot.end is None or selection.wants_slots(spot.begin, spot.end))
    )


def is_hidden(name: str) -> bool:
    return name.startswith((".", "_")) or name == _TEST_OBJECT


def _is_another(service: str) -> bool:
    return service.lower() in _OTHERS or service.lower().startswith("cloudtrail")


def divides(spot: Spot, selection: Selection) -> bool:
    """Whether a folder is listed folder by folder, since some of those in it may not be wanted;
    else all below it is listed in one go."""
    if not spot.exact or spot.step == "hour":
        return False
    if spot.step in ("", "account"):
        return True  # other services may lie there
    timed = selection.since is not None or selection.until is not None
    if spot.step == "service":
        return timed or bool(selection.regions)
    if spot.begin is None or spot.end is None:
        return timed
    since, until = selection.since, selection.until
    whole = (since is None or since <= spot.begin) and (until is None or spot.end <= until)
    return not whole


def days_of(spot: Spot, folder: str, selection: Selection) -> Iterator[str] | None:
    """The folders of all days in a Region's folder that may hold what is wanted, whether they are
    there or not; None where they would be too many."""
    since, until = selection.since, selection.until
    if not (spot.exact and spot.step == "region") or since is None or until is None:
        return None
    if not timedelta(0) <= until - since <= timedelta(days=MOST_DAYS):
        return None
    try:
        first, end = since.astimezone(UTC) - SLOT, until.astimezone(UTC) + LATE
    except OverflowError:  # at the ends of the calendar
        return None
    hive = folder.rstrip("/").rpartition("/")[2].startswith("aws-region=")
    return _days(folder, first.date(), end.date(), hive)


def _days(folder: str, day: date, last: date, hive: bool) -> Iterator[str]:
    for number in range((last - day).days + 1):
        it = day + timedelta(days=number)
        if hive:
            yield f"{folder}year={it.year:04}/month={it.month:02}/day={it.day:02}/"
        else:
            yield f"{folder}{it.year:04}/{it.month:02}/{it.day:02}/"
