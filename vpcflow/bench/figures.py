"""The questions that the benchmarks ask, each answered by one figure measured in a process of its
own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from vpcflow.bench.inputs import Input, megabytes
from vpcflow.bench.measure import alternate, in_worker
from vpcflow.bench.results import Figure, Row

TWO_COLUMNS = ("srcaddr", "bytes")


@frozen
class Memory:
    """Peak memory of one scan in a process of its own, in bytes.

    base: after the import. peak: after the scan.
    """

    data: str
    base: int
    peak: int

    @property
    def over_import(self) -> float:
        """What the scan added to the process that had imported vpcflow, in MB."""
        return (self.peak - self.base) / 1e6


def parse(
    log: Input, *, peers: Sequence[str], rounds: int = 7, kernel: str | None = None
) -> Figure:
    """Text in memory to all typed columns. `kernel` forces one of vpcflow's."""
    rows = in_worker(
        "parse", kernel=kernel, path=log.path, fmt=log.format, peers=peers, rounds=rounds
    )
    forced = f", kernel {kernel}" if kernel else ""
    return Figure.of(
        rows,
        name=f"parse-{kernel}" if kernel else "parse",
        title=f"Text in memory to {len(log.names)} typed columns, one core{forced}",
        data=log.description,
    )


def projection(log: Input, *, peers: Sequence[str], rounds: int = 7) -> Figure:
    """Text in memory to two of its columns, and to all."""
    rows = in_worker("projection", path=log.path, columns=TWO_COLUMNS, peers=peers, rounds=rounds)
    return Figure.of(
        rows,
        name="projection",
        title=f"Text in memory to 2 of {len(log.names)} columns, one core",
        data=f"{' and '.join(TWO_COLUMNS)} of: {log.description}",
    )


def gzip(log: Input, *, peers: Sequence[str], rounds: int = 7, kernel: str | None = None) -> Figure:
    """A gzipped file to all columns, against inflating it."""
    if log.packed is None:
        raise ValueError(f"{log.title} is not gzipped")
    rows = in_worker(
        "gzip",
        kernel=kernel,
        path=log.packed,
        plain=log.path,
        fmt=log.format,
        peers=peers,
        rounds=rounds,
    )
    forced = f", kernel {kernel}" if kernel else ""
    packed = log.packed.stat().st_size
    return Figure.of(
        rows,
        name=f"gzip-{kernel}" if kernel else "gzip",
        title=f"Gzipped file to {len(log.names)} typed columns, one core{forced}",
        data=f"{log.description}, gzipped {megabytes(packed)} ({log.size / packed:.1f} : 1)",
        notes=("Rates are those of the text, not of the gzipped bytes.",),
    )


def rows(log: Input, *, peers: Sequence[str], rounds: int = 5) -> Figure:
    """Records as Python objects with five attributes read."""
    return Figure.of(
        in_worker("rows", path=log.path, fmt=log.format, peers=peers, rounds=rounds),
        name="rows",
        title="Records as Python objects, one core: read srcaddr, dstaddr, dstport, bytes, action",
        data=f"the first 8 MB of: {log.description}",
    )


def by_action(log: Input, *, rounds: int = 7) -> Figure:
    """A question to a plain-text file: bytes by action."""
    return Figure.of(
        in_worker("by_action", path=log.path, fmt=log.format, rounds=rounds),
        name="by-action",
        title="Bytes by action over a plain-text file, one core",
        data=log.description,
        notes=("flowlogs-reader is given the first 8 MB, in memory.",),
    )


def scaling(logs: Mapping[str, Input], *, rounds: int = 9) -> Figure:
    """What order, width and length of logs cost a byte; vpcflow alone."""
    return Figure.of(
        in_worker("scaling", paths={k: str(v.path) for k, v in logs.items()}, rounds=rounds),
        name="scaling",
        title="What the kind of log costs: text in memory to all columns, one core",
        data="; ".join(f"{name}: {log.title}" for name, log in logs.items()),
    )


def threads(pair: Sequence[Input], *, rounds: int = 5) -> Figure:
    """Several files by one thread and by a thread for each. Gzipped if the inputs are."""
    rows = in_worker(
        "threads",
        cores=len(pair),
        paths=[str(log.packed or log.path) for log in pair],
        size=sum(log.size for log in pair),
        lines=sum(log.lines for log in pair),
        rounds=rounds,
    )
    sort = "plain" if pair[0].packed is None else "gzip"
    return Figure.of(
        rows,
        name=f"threads-{sort}",
        title=f"{len(pair)} files ({sort}) to all typed columns by threads, {len(pair)} cores",
        data=f"{len(pair)} of: {pair[0].description}",
    )


def importing(*, rounds: int = 15) -> Figure:
    """Starting the interpreter, and starting it with `import vpcflow`."""

    # as programs are started: with the bytecode that the first start leaves behind
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def start(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, env=env)

    codes = {"bare interpreter": "pass", "import vpcflow": "import vpcflow"}
    laps = alternate({name: start(code) for name, code in codes.items()}, rounds=rounds)
    rows = (
        Row(name, "", f"python -c '{code}'", 0, 0, laps[name].seconds)
        for name, code in codes.items()
    )
    return Figure(
        name="import",
        title="Start of the interpreter with and without import vpcflow",
        data="a new process each time, both in turns",
        rows=tuple(rows),
    )


def memory(path: Path) -> Memory:
    """Peak memory of scanning a file to its end, batch by batch."""
    measured = in_worker("memory", path=path)
    sort = "gzip" if path.suffix == ".gz" else "plain-text"
    data = f"{sort} file of {megabytes(path.stat().st_size)}, {measured['records']:,} records"
    return Memory(data, measured["base"], measured["peak"])
