"""Realistic flow logs from a seed: the benchmarks' input.

A log is put together from a pool of drawn flows (everything but the times) and, for each minute,
a pool of drawn times. The two are cycled with lengths that have no common divisor, so no line
comes again within reach of a compressor's window, and four million lines take seconds with the
standard library alone.

What is drawn: a few hundred interfaces with skewed traffic, services on well-known ports,
ephemeral client ports, a few thousand frequent peers beside one-off scanners, log-normal packet
and byte counts (a few in a thousand have eight digits or more), one-minute windows.
"""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle, groupby, islice
from pathlib import Path

from attrs import frozen

from vpcflow.bench.network import Network, bad_line
from vpcflow.fields import FIELDS

FIRST_MINUTE = 1_789_380_000
"""Start of the first window in seconds: 2026-09-14T10:00:00Z."""

LINES_PER_MINUTE = 120_000
_POOL = 200_003
_TIMES = 4_099


def _names(*, up_to: int) -> tuple[str, ...]:
    """AWS's names of the VPC fields up to a version (version 6 is the transit gateway's)."""
    return tuple(f.aws_name for f in FIELDS.values() if f.version <= up_to and f.version != 6)


@frozen
class Kind:
    """One sort of log. `version` is what its first field says; the other numbers are shares."""

    name: str
    fields: tuple[str, ...]
    version: str
    description: str
    ipv6: float = 0.02
    nodata: float = 0.005
    skipdata: float = 0.0
    bad: float = 0.0


_DEFAULT, _V5, _V11 = _names(up_to=2), tuple(sorted(_names(up_to=5))), _names(up_to=11)
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("default", _DEFAULT, "2", "AWS's default format, 14 fields"),
        Kind("custom-v5", _V5, "5", "29 fields in alphabetical order, as the console lists them"),
        Kind("wide-v11", _V11, "11", "all 54 fields up to version 11 in AWS's order"),
        Kind("ipv6", _DEFAULT, "2", "default format, nine flows in ten are IPv6", ipv6=0.9),
        Kind("nodata", _DEFAULT, "2", "40 % NODATA, 2 % SKIPDATA", nodata=0.4, skipdata=0.02),
        Kind("bad", _DEFAULT, "2", "default format, one line in twenty is damaged", bad=0.05),
    )
}


@frozen
class Log:
    """A generated log and what a correct reader finds in it.

    `lines` counts the header line too; `records` is all but that and the rejected lines, NODATA
    and SKIPDATA among them; `rejected` counts the damaged lines by the reason to be given.
    """

    kind: Kind
    data: bytes
    lines: int
    records: int
    nodata: int
    skipdata: int
    rejected: Mapping[str, int]


def generate(kind: str = "default", *, lines: int, seed: int = 2) -> Log:
    """A log of `lines` lines after its header line; the same seed gives the same bytes."""
    tally: Counter[str] = Counter()
    data = b"".join(blocks(kind, lines=lines, seed=seed, tally=tally))
    nodata, skipdata = tally.pop("NODATA", 0), tally.pop("SKIPDATA", 0)
    return Log(
        kind=KINDS[kind],
        data=data,
        lines=lines + 1,
        records=lines - tally.total(),
        nodata=nodata,
        skipdata=skipdata,
        rejected=dict(sorted(tally.items())),
    )


def write(path: Path, kind: str = "default", *, lines: int, seed: int = 2, level: int = 6) -> int:
    """Write such a log to a file, as one gzip member if its name ends in `.gz`.

    Returns the text's size in bytes. `level` is gzip's.
    """
    size = 0
    with gzip.open(path, "wb", level) if path.suffix == ".gz" else path.open("wb") as out:
        for block in blocks(kind, lines=lines, seed=seed):
            out.write(block)
            size += len(block)
    return size


def blocks(
    kind: str, *, lines: int, seed: int = 2, tally: Counter[str] | None = None
) -> Iterator[bytes]:
    """The log in pieces: the header line, then one piece for each minute.

    `tally` receives the number of NODATA and SKIPDATA lines and of damaged lines by reason.
    """
    spec = KINDS[kind]
    counted = Counter[str]() if tally is None else tally
    rng = random.Random(f"{spec.name}/{seed}")
    pool = _Pool.draw(rng, spec, Network.draw(rng, ipv6=spec.ipv6), min(lines, _POOL))
    yield " ".join(spec.fields).encode() + b"\n"
    for first in range(0, lines, LINES_PER_MINUTE):
        count = min(LINES_PER_MINUTE, lines - first)
        times = _times(rng, FIRST_MINUTE + 60 * (first // LINES_PER_MINUTE))
        made = pool.lines(times, first, count)
        statuses = pool.statuses(first, count)
        if spec.bad:
            for at in rng.sample(range(count), round(count * spec.bad)):
                made[at], statuses[at] = bad_line(rng, made[at], spec.fields)
        counted.update(s for s in statuses if s != "OK")
        yield b"\n".join(made) + b"\n"


@frozen
class _Pool:
    """Drawn flows as text, cut where a time belongs.

    `columns` holds, in line order, either the name of a time or the flows' text between two of
    them; all lists have the same length.
    """

    columns: tuple[str | list[bytes], ...]
    status: list[str]

    @classmethod
    def draw(cls, rng: random.Random, kind: Kind, network: Network, size: int) -> _Pool:
        flows = [_flow(rng, kind, network) for _ in range(size)]
        columns: list[str | list[bytes]] = []
        last = kind.fields[-1]
        for is_time, names in groupby(kind.fields, lambda name: name in ("start", "end")):
            stretch = tuple(names)
            if is_time:
                columns += [part for name in stretch for part in (name, [b" "] * size)]
            else:
                tail = "" if stretch[-1] == last else " "
                columns.append(
                    [(" ".join([f.get(n, "-") for n in stretch]) + tail).encode() for f in flows]
                )
        if last in ("start", "end"):
            columns.pop()
        return cls(tuple(columns), [flow["log-status"] for flow in flows])

    def statuses(self, first: int, count: int) -> list[str]:
        """Log status of the lines from number `first` on."""
        begin = first % len(self.status)
        return list(islice(cycle(self.status), begin, begin + count))

    def lines(self, times: Mapping[str, list[bytes]], first: int, count: int) -> list[bytes]:
        """The lines from number `first` on, with these times."""
        begin = first % len(self.status)
        parts = [
            cycle(times[column])
            if isinstance(column, str)
            else islice(cycle(column), begin, begin + count)
            for column in self.columns
        ]
        return [b"".join(line) for line in zip(*parts, strict=False)]


def _flow(rng: random.Random, kind: Kind, network: Network) -> dict[str, str]:
    drawn = rng.random()
    if drawn < kind.nodata:
        flow = network.silent(rng, "NODATA")
    elif drawn < kind.nodata + kind.skipdata:
        flow = network.silent(rng, "SKIPDATA")
    else:
        flow = network.flow(rng)
    flow["version"] = kind.version
    return flow


def _times(rng: random.Random, minute: int) -> dict[str, list[bytes]]:
    """First and last packet of flows in the window that starts at `minute`, as seconds."""
    starts = [minute + rng.randrange(0, 58) for _ in range(_TIMES)]
    ends = [start + rng.randrange(1, minute + 61 - start) for start in starts]
    return {
        "start": [b"%d" % start for start in starts],
        "end": [b"%d" % end for end in ends],
    }
