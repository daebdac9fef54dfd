"""The URLs of the source `cloudwatch`, and their options."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from attrs import field, frozen

from vpcflow.errors import UsageError, printable
from vpcflow.options import Age, settings, split_target
from vpcflow_aws.cloudwatch_target import GROUP_NAME

SCHEME = "cloudwatch://"


def _moment(text: str | datetime | None) -> datetime | None:
    if text is None or isinstance(text, datetime):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: 2026-09-14T10:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _names(text: str | Sequence[str]) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(part.strip() for part in parts if part.strip())


@frozen(kw_only=True)
class CloudWatchSourceOptions:
    """interface: only streams of these interfaces. stream: only streams of these names. flow_log:
    only these flow logs are asked for the format. since, until: as those of the pipeline. slice:
    how long a span is; it has to divide a day. settle: how long after its end a span is closed.
    open: read spans that are not closed, too."""

    interface: tuple[str, ...] = field(default=(), converter=_names)
    stream: tuple[str, ...] = field(default=(), converter=_names)
    flow_log: tuple[str, ...] = field(default=(), converter=_names)
    since: datetime | None = field(default=None, converter=_moment)
    until: datetime | None = field(default=None, converter=_moment)
    slice: Age = Age(3600)  # noqa: RUF009 - an Age is a float
    settle: Age = Age(1800)  # noqa: RUF009
    open: bool = False

    def __attrs_post_init__(self) -> None:
        if self.slice % 60 or 86_400 % self.slice:
            raise ValueError("option slice has to be whole minutes and divide a day: 5m, 1h, 1d")


def parsed(url: str) -> tuple[str, CloudWatchSourceOptions]:
    """The name of the log group, and the options. Raises UsageError."""
    target, given = split_target(url)
    group = unquote(target.removeprefix(SCHEME))
    if not target.startswith(SCHEME) or not GROUP_NAME.fullmatch(group):
        raise UsageError(
            f"{printable(group)!r} is no name of a log group",
            hint="cloudwatch://GROUP, with three slashes where its name begins with one: "
            "cloudwatch:///aws/vpc/flow",
        )
    return group, settings(CloudWatchSourceOptions, given, owner="source cloudwatch")
