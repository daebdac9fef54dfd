"""Where AWS puts flow logs in a bucket, for Athena: locations, and what file names say.

    s3://bucket/[prefix/]AWSLogs/[organisation/]<account>/vpcflowlogs/<region>/YYYY/MM/DD/[HH/]
    s3://bucket/[prefix/]AWSLogs/[organisation/]aws-account-id=<account>/
        aws-service=vpcflowlogs/aws-region=<region>/year=YYYY/month=MM/day=DD/[hour=HH/]

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from attrs import evolve, frozen

from vpcflow.errors import UsageError, printable
from vpcflow.selection import facts_of
from vpcflow_query.setup import patterns

ROOT = "AWSLogs"
SERVICE = "vpcflowlogs"

_LOCATION = re.compile(r"s3://(?P<bucket>[^/]*)(?:/(?P<rest>.*))?", re.DOTALL)
_BELOW = re.compile(
    r"(?:(?P<organisation>o-[a-z0-9]{10,32})/)?"
    r"(?P<hive>aws-account-id=)?(?P<account>[0-9]{12})/"
    rf"(?:aws-service=)?{SERVICE}/"
    r"(?:aws-region=)?(?P<region>[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2})"
    r"(?P<day>/(?:year=)?[0-9]{4}/(?:month=)?[0-9]{2}/(?:day=)?[0-9]{2})?"
    r"(?P<hour>/(?:hour=)?[0-9]{2})?(?:/.*)?",
    re.ASCII,
)
_ORGANISATION = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_HINT = "give the bucket and prefix that the flow log was created with, as in s3://bucket/prefix/"


@frozen
class Layout:
    """A bucket's flow logs. prefix, organisation: "" for none. accounts, regions: whose; empty for
    not known. hive: folders named `year=2026`. per_hour: a folder for each hour. first_day: the
    oldest that is known of."""

    bucket: str
    prefix: str = ""
    organisation: str = ""
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    hive: bool = False
    per_hour: bool = False
    first_day: date | None = None

    @property
    def root(self) -> str:
        """The folder above the accounts' folders."""
        parts = (self.bucket, self.prefix, ROOT, self.organisation)
        return "s3://" + "/".join(part for part in parts if part) + "/"

    def account_step(self, account: str) -> str:
        return f"aws-account-id={account}" if self.hive else account

    @property
    def service_step(self) -> str:
        return f"aws-service={SERVICE}" if self.hive else SERVICE

    def region_step(self, region: str) -> str:
        return f"aws-region={region}" if self.hive else region

    def date_steps(self, year: str, month: str, day: str, hour: str) -> tuple[str, ...]:
        """The folders of a day, or of an hour, from their digits."""
        steps = [f"year={year}", f"month={month}", f"day={day}", f"hour={hour}"]
        if not self.hive:
            steps = [step.partition("=")[2] for step in steps]
        return tuple(steps if self.per_hour else steps[:-1])


def parse_location(text: str, option: str = "--location") -> Layout:
    """A bucket and what the location says of the folders in it: it may end anywhere at or below
    the flow log's own prefix. Raises UsageError for what cannot be such a place."""
    found = _LOCATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} {printable(text, 100)!r} is no s3:// location", hint=_HINT)
    patterns.bucket(found["bucket"], f"the bucket of {option}")
    rest = (found["rest"] or "").strip("/")
    parts = rest.split("/") if rest else []
    if ROOT not in parts:
        return Layout(found["bucket"], _prefix(rest, option))
    at = parts.index(ROOT)
    layout = Layout(found["bucket"], _prefix("/".join(parts[:at]), option))
    below = "/".join(parts[at + 1 :])
    if not below:
        return layout
    if _ORGANISATION.fullmatch(below):
        return evolve(layout, organisation=below)
    told = _below(below)
    if told is None:
        raise UsageError(
            f"{option} {printable(text, 100)!r} is not in AWS's layout below {ROOT}", hint=_HINT
        )
    return evolve(told, bucket=layout.bucket, prefix=layout.prefix)


def _prefix(text: str, option: str) -> str:
    return patterns.prefix(text, f"the prefix of {option}") if text else ""


def _below(path: str) -> Layout | None:
    """What the folders below AWSLogs say."""
    found = _BELOW.fullmatch(path)
    if found is None:
        return None
    return Layout(
        "",
        organisation=found["organisation"] or "",
        accounts=(found["account"],),
        regions=(found["region"],),
        hive=found["hive"] is not None,
        per_hour=found["hour"] is not None,
    )


def seen_in(names: Iterable[str]) -> Layout | None:
    """What the names of the sources say, local paths or s3:// URLs: None if nothing.

    The bucket is "" unless all are in one bucket and prefix.
    """
    told: list[Layout] = []
    for name in names:
        folders, _, file = name.rpartition("/")
        before, root, below = folders.rpartition(f"{ROOT}/")
        layout = (_below(below) if root else None) or Layout("")
        if (facts := facts_of(file)) is not None:
            layout = evolve(
                layout,
                accounts=(facts.account,),
                regions=(facts.region,),
                first_day=facts.slot.date(),
            )
        if root and name.startswith("s3://") and layout.accounts:
            place = parse_location(before, "the source")
            layout = evolve(layout, bucket=place.bucket, prefix=place.prefix)
        if layout != Layout(""):
            told.append(layout)
    return _together(told) if told else None


def _together(told: list[Layout]) -> Layout:
    places = {(one.bucket, one.prefix, one.organisation) for one in told}
    bucket, prefix, organisation = places.pop() if len(places) == 1 else ("", "", "")
    days = [one.first_day for one in told if one.first_day is not None]
    return Layout(
        bucket,
        prefix,
        organisation,
        accounts=tuple(sorted({account for one in told for account in one.accounts})),
        regions=tuple(sorted({region for one in told for region in one.regions})),
        hive=any(one.hive for one in told),
        per_hour=any(one.per_hour for one in told),
        first_day=min(days, default=None),
    )
