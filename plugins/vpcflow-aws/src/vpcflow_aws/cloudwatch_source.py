"""The source `cloudwatch://GROUP[?option=value&...]`: flow logs in a log group.

    cloudwatch://flow-logs              cloudwatch:///aws/vpc/flow?interface=eni-0a1b2c3d4e5f60718

A group is read as one file for each stream and span of time (`slice`, an hour unless told
otherwise), aligned to UTC. Events arrive late: a record covers up to 10 minutes, and AWS publishes
it about 5 minutes after. So a span is only read when it has been over for `settle`; then what it
holds does not change any more, which is what a pipeline with a state relies on. `open=yes` also
reads the spans that are not closed yet; a pipeline with a state reads those again, whole.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from attrs import define, field

from vpcflow.errors import InputError, nearest, printable
from vpcflow.selection import EVERYTHING, Selection
from vpcflow_aws.asking import FAILURES, Failure, ask, asker, pages
from vpcflow_aws.cloudwatch_url import SCHEME, CloudWatchSourceOptions, parsed
from vpcflow_aws.flow_log_formats import (
    FlowLog,
    FlowLogFormatWarning,
    described,
    flow_logs_of,
    format_of,
    why_not,
)
from vpcflow_aws.log_stream_file import LogStreamFile, milliseconds
from vpcflow_aws.session import code_of, explained

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTUAL = timedelta(days=1)
"""How far behind the time of a stream's last event may be in DescribeLogStreams. AWS: "typically
updates in less than an hour from ingestion, but in rare situations might take longer"."""
_LOOKING = 8  # requests at a time while it is found out what there is
_AHEAD = 4 * _LOOKING  # streams that are looked at before the first of them is given


def _now() -> datetime:
    return datetime.now(UTC)


@define(eq=False)
class CloudWatchSource:
    """now: the time, for tests."""

    now: Callable[[], datetime] = _now

    def files(self, url: str, selection: Selection = EVERYTHING) -> Iterator[LogStreamFile]:
        """The spans of every stream that hold events, streams by name, spans in order of time.

        Raises UsageError for a URL that is none of this scheme's, InputError for a group that is
        not there or may not be read, FormatError where flow logs of different formats write to one
        stream. Warns (FlowLogFormatWarning) where the format is not known.
        """
        group, options = parsed(url)
        return _Looking(group, options, selection, self.now()).files()


@define(eq=False, slots=False)
class _Looking:
    """Finds out what a log group holds."""

    group: str
    options: CloudWatchSourceOptions
    selection: Selection
    now: datetime
    _logs: Any = field(init=False, factory=partial(asker, "logs"))

    def files(self) -> Iterator[LogStreamFile]:
        flow_logs = self._flow_logs()
        if flow_logs and self.selection.flow_logs:
            flow_logs = [log for log in flow_logs if log.id in self.selection.flow_logs]
            if not flow_logs:
                return
        since = max(filter(None, (self.selection.since, self.options.since)), default=None)
        until = min(filter(None, (self.selection.until, self.options.until)), default=self.now)
        # a name may begin with several of the prefixes that are asked for
        names = sorted({s["logStreamName"] for s in self._streams() if not _over(s, since)})
        unknown = False
        for name, pair in self._with_events(names, since, until):
            for begin, end in self._spans(*pair, since, until):
                file = self._file(name, begin, end, flow_logs)
                unknown = unknown or (file.format is None and flow_logs is not None)
                yield file
        if unknown:
            _warn(
                f"EC2 knows no flow log that can have written all of {self.group}: where it does "
                "not say which format the lines are in, they have to tell, or format="
            )

    # ---- streams ---------------------------------------------------------------------------------

    def _streams(self) -> Iterator[Mapping[str, Any]]:
        prefixes = self.options.interface or self.options.stream or ("",)
        for prefix in prefixes:
            asked = {"logStreamNamePrefix": prefix} if prefix else {}
            for stream in self._described(**asked):
                if self._wants(stream["logStreamName"]):
                    yield stream

    def _wants(self, name: str) -> bool:
        options = self.options
        of_interface = any(name == i or name.startswith(f"{i}-") for i in options.interface)
        return (not options.interface or of_interface) and (
            not options.stream or name in options.stream
        )

    def _described(self, **asked: Any) -> Iterator[Mapping[str, Any]]:
        call = self._logs.describe_log_streams
        try:
            for answer in pages(call, logGroupName=self.group, **asked):
                yield from answer["logStreams"]
        except FAILURES as error:
            raise self._failed(error, "logs:DescribeLogStreams") from error

    # ---- spans -----------------------------------------------------------------------------------

    def _with_events(
        self, names: Sequence[str], since: datetime | None, until: datetime
    ) -> Iterator[tuple[str, tuple[datetime, datetime]]]:
        """The streams that hold events, with `_ends`. Some streams at a time: a group may have
        thousands, and the first file must not wait for the last."""
        for at in range(0, len(names), _AHEAD):
            some = names[at : at + _AHEAD]
            with ThreadPoolExecutor(_LOOKING) as pool:
                ends = list(pool.map(lambda name: self._ends(name, since, until), some))
            yield from ((name, pair) for name, pair in zip(some, ends, strict=True) if pair)

    def _ends(
        self, stream: str, since: datetime | None, until: datetime
    ) -> tuple[datetime, datetime] | None:
        """The times of the first and the last event between `since` and `until`."""
        first = self._end(stream, since, until, from_head=True)
        last = None if first is None else self._end(stream, since, until, from_head=False)
        return None if first is None or last is None else (first, last)

    def _end(
        self, stream: str, since: datetime | None, until: datetime, *, from_head: bool
    ) -> datetime | None:
        """Pages of GetLogEvents may be empty; there are no more when it gives the token back that
        it was given."""
        asked: dict[str, Any] = {
            "logGroupName": self.group,
            "logStreamName": stream,
            "startTime": 0 if since is None else max(0, milliseconds(since)),
            "endTime": max(0, milliseconds(until)),
            "startFromHead": from_head,
            "limit": 1,
        }
        token = "nextForwardToken" if from_head else "nextBackwardToken"
        while True:
            try:
                answer = ask(self._logs.get_log_events, **asked)
            except FAILURES as error:
                raise self._failed(error, "logs:GetLogEvents") from error
            if answer["events"]:
                return _EPOCH + timedelta(milliseconds=answer["events"][0]["timestamp"])
            if answer.get(token) in (None, asked.get("nextToken")):
                return None
            asked["nextToken"] = answer[token]

    def _spans(
        self, first: datetime, last: datetime, since: datetime | None, until: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """Aligned spans from the one of the first event to the one of the last. Cut by `since` and
        `until`; those that are not closed are left out."""
        length = timedelta(seconds=self.options.slice)
        begin = _EPOCH + (first - _EPOCH) // length * length
        while begin <= last:
            end = begin + length
            cut = (begin if since is None else max(begin, since), min(end, self._bound(until, end)))
            if cut[0] < cut[1] and (self.options.open or cut[1] <= self._closed()):
                yield cut
            begin = end

    def _bound(self, until: datetime, end: datetime) -> datetime:
        """`until` cuts a span if somebody gave it: now is another time with every run."""
        return end if until == self.now else until

    def _file(
        self, stream: str, begin: datetime, end: datetime, flow_logs: Sequence[FlowLog] | None
    ) -> LogStreamFile:
        fmt = format_of(stream, end, flow_logs, self.group) if flow_logs else None
        name = f"{SCHEME}{quote(self.group, safe='/')}?stream={quote(stream, safe='')}"
        name += f"&since={_iso(begin)}&until={_iso(end)}"
        etag = None if end <= self._closed() else f"open at {_iso(self.now)}"
        return LogStreamFile(name, self.group, stream, begin, end, fmt, etag, logs=self._logs)

    def _closed(self) -> datetime:
        """What is before this does not change any more."""
        return self.now - timedelta(seconds=self.options.settle)

    # ---- formats ---------------------------------------------------------------------------------

    def _flow_logs(self) -> list[FlowLog] | None:
        """None, with a warning, if EC2 does not say."""
        wanted = set(self.options.flow_log)
        try:
            found = flow_logs_of(self.group, described(asker("ec2")))
        except FAILURES as error:
            _warn(why_not(error))
            return None
        if wanted:
            self._check_flow_logs(found, wanted)
            found = [log for log in found if log.id in wanted]
        return found

    def _check_flow_logs(self, found: Sequence[FlowLog], wanted: set[str]) -> None:
        missing = sorted(wanted - {log.id for log in found})
        if missing:
            have = ", ".join(log.id for log in found) or "none"
            raise InputError(
                f"no flow log {printable(missing[0])} writes to this log group",
                source=self.group,
                hint=f"there are: {have}",
            )

    # ---- errors ----------------------------------------------------------------------------------

    def _failed(self, error: Failure, action: str) -> InputError:
        if code_of(error) == "ResourceNotFoundException":
            return InputError(
                "there is no such log group", source=self.group, hint=self._near_group()
            )
        failed = explained(error, f"read the log group {self.group}", action=action, plugin="aws")
        return InputError(failed.message, source=self.group, hint=failed.hint)

    def _near_group(self) -> str:
        elsewhere = "is it in another Region? (AWS_REGION)"
        try:
            groups = ask(self._logs.describe_log_groups)["logGroups"]
        except FAILURES:
            return elsewhere
        near = nearest(self.group, [group["logGroupName"] for group in groups])
        return f"did you mean {near!r}?" if near else elsewhere


def _over(stream: Mapping[str, Any], since: datetime | None) -> bool:
    """Whether a stream's last event was long before `since`."""
    last = stream.get("lastEventTimestamp")
    if since is None or last is None:
        return False
    return _EPOCH + timedelta(milliseconds=last) + _EVENTUAL < since


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _warn(text: str) -> None:
    warnings.warn(text, FlowLogFormatWarning, stacklevel=2)
