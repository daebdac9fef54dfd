"""From `GROUP[/STREAM]` to a log group and a stream in it that exists.

Names of groups may hold slashes, and so may those of streams. No name holds a colon. So:

- `cloudwatch:GROUP?stream=STREAM` and `cloudwatch:GROUP:STREAM` are what they say;
- `cloudwatch:A/B/C` is the group `A/B/C` if there is one, else the group `A/B` with the stream `C`,
  else the group `A` with the stream `B/C`: the longest name that is a group's.

Where no stream is named it is `vpcflow`. The stream is made if it is not there; that is also how
the group is found, so nothing has to be listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError

from vpcflow.errors import PluginError, UsageError, printable
from vpcflow_aws.session import code_of, explained

DEFAULT_STREAM = "vpcflow"
GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_STREAM_NAME = re.compile(r"[^:*]{1,512}")


@frozen
class LogTarget:
    """A log group and a stream."""

    group: str
    stream: str


def candidates(target: str, stream: str | None) -> list[LogTarget]:
    """What a target may mean, in the order in which it is tried. Raises UsageError for names that
    cannot be."""
    group, colon, named = target.partition(":")
    if colon and stream is not None:
        raise UsageError(f"the stream is given twice: {named!r} and stream={stream!r}")
    if colon or stream is not None:
        return [_checked(group, named if colon else stream or "", target)]
    return [_checked(*pair, target) for pair in _splits(target)]


def find(logs: Any, choices: list[LogTarget], *, create: bool, plugin: str) -> LogTarget:
    """The first whose group exists, with its stream made if need be. create: make the group of the
    first if none does. Raises PluginError, naming what was tried or the permission that lacks."""
    denied: PluginError | None = None
    for choice in choices:
        try:
            if _has_stream(logs, choice):
                return choice
        except (BotoCoreError, ClientError) as error:
            # a policy for one group denies what concerns the others, whether they exist or not
            doing = f"create the stream {choice.stream} in the log group {choice.group}"
            failed = explained(error, doing, action="logs:CreateLogStream", plugin=plugin)
            if failed.hint is None or len(choices) == 1:
                raise failed from error
            denied = denied or failed
    if create and denied is None:
        return _created(logs, choices[0], plugin)
    if denied is not None:
        raise denied
    tried = " or ".join(printable(choice.group) for choice in choices[:5])
    raise PluginError(
        f"there is no log group {tried}",
        plugin=plugin,
        hint="?create=true makes it; or is it in another Region? (AWS_REGION)",
    )


def _splits(target: str) -> Iterator[tuple[str, str]]:
    """The whole, then at each slash from the last to the first."""
    yield target, DEFAULT_STREAM
    at = target.rfind("/")
    while at > 0:
        if at < len(target) - 1:
            yield target[:at], target[at + 1 :]
        at = target.rfind("/", 0, at)


def _checked(group: str, stream: str, target: str) -> LogTarget:
    shown = printable("cloudwatch:" + target)
    if not GROUP_NAME.fullmatch(group):
        raise UsageError(
            f"{printable(group)!r} in {shown} is no name of a log group",
            hint="up to 512 letters, digits and . - _ / #",
        )
    if not _STREAM_NAME.fullmatch(stream):
        raise UsageError(
            f"{printable(stream)!r} in {shown} is no name of a stream",
            hint="up to 512 characters, without : and *",
        )
    return LogTarget(group, stream)


def _has_stream(logs: Any, choice: LogTarget) -> bool:
    """Make the stream, or find it; False if there is no such group."""
    try:
        logs.create_log_stream(logGroupName=choice.group, logStreamName=choice.stream)
    except ClientError as error:
        if code_of(error) == "ResourceAlreadyExistsException":
            return True
        if code_of(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def _created(logs: Any, choice: LogTarget, plugin: str) -> LogTarget:
    doing = f"create the log group {choice.group}"
    try:
        logs.create_log_group(logGroupName=choice.group)
    except (BotoCoreError, ClientError) as error:
        if code_of(error) != "ResourceAlreadyExistsException":
            raise explained(error, doing, action="logs:CreateLogGroup", plugin=plugin) from error
    return find(logs, [choice], create=False, plugin=plugin)
