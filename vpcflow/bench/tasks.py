"""The measurements themselves, each a function that a worker process runs by name.

Every task takes plain values and gives back plain values: rows as dictionaries (see Row), for the
process that asked to put into a figure.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

import vpcflow
from vpcflow.bench import answers
from vpcflow.bench.digest import Digest
from vpcflow.bench.measure import alternate, installed_version, peak_memory
from vpcflow.bench.peers import PEERS, FlowlogsReader, Reader, Vpcflow
from vpcflow.bench.results import Row
from vpcflow.bench.text import Text
from vpcflow.flow_format import FlowFormat

PIECE = 1 << 20
RECORD_FIELDS = ("srcaddr", "dstaddr", "dstport", "bytes", "action")

Rows = list[dict[str, Any]]
Runs = dict[str, Callable[[], object]]


def kernel() -> str:
    """The name of the kernel that this process uses."""
    return str(import_module("vpcflow._native").kernel())


def parse(path: str, *, peers: Sequence[str], rounds: int, fmt: str | None = None) -> Rows:
    """Text in memory to typed columns: vpcflow and the peers, each checked before it is timed."""
    text = Text.load(path, fmt)
    rows, runs = _contenders(text, [PEERS[name]() for name in peers])
    return _timed(rows, runs, rounds)


def projection(path: str, *, columns: Sequence[str], peers: Sequence[str], rounds: int) -> Rows:
    """Some columns against all columns, by vpcflow; and some columns by the peers."""
    text = Text.load(path)
    some = attrs.evolve(text, columns=tuple(columns))
    rows, runs = _contenders(some, [PEERS[name]() for name in peers])
    rows.insert(1, _row("vpcflow, all columns", text, "parse(bytes)"))
    runs["vpcflow, all columns"] = _parsing(text)
    return _timed(rows, runs, rounds)


def gzip(
    path: str, *, plain: str, peers: Sequence[str], rounds: int, fmt: str | None = None
) -> Rows:
    """A gzipped file to columns, against reading it to its end with isal in pieces of 1 MiB."""
    igzip = import_module("isal.igzip")
    text = Text.load(plain, fmt)
    packed = attrs.evolve(text, path=Path(path), data=None)

    def inflate() -> None:
        with igzip.open(path, "rb") as file:
            while file.read(PIECE):
                pass

    readers = [PEERS[name]() for name in peers if PEERS[name].gzip]
    rows, runs = _contenders(packed, readers, holding=text)
    rows[0] = attrs.evolve(rows[0], how="for batch in scan(path, threads=1)")
    runs["vpcflow"] = lambda: _drain([path], threads=1, fmt=text.format)
    rows.append(_row("isal igzip", text, "igzip.open(path), read(1 MiB) to the end", "isal"))
    runs["isal igzip"] = inflate
    return _timed(rows, runs, rounds)


def rows(path: str, *, peers: Sequence[str], rounds: int, fmt: str | None = None) -> Rows:
    """Records one by one as Python objects, five fields of each read."""
    text = Text.load(path, fmt).head()
    five = attrs.evolve(text, columns=RECORD_FIELDS)

    def read(records: Any) -> None:
        for r in records:
            _ = r.srcaddr, r.dstaddr, r.dstport, r.bytes, r.action

    made = [
        _row("vpcflow", text, "for r in parse(bytes)"),
        _row("vpcflow, five columns", text, "for r in parse(bytes, columns=...)"),
    ]
    runs: Runs = {
        "vpcflow": lambda: read(vpcflow.parse(text.content, format=text.format)),
        "vpcflow, five columns": lambda: read(
            vpcflow.parse(text.content, format=text.format, columns=RECORD_FIELDS)
        ),
    }
    peer = FlowlogsReader()
    if peer.name in peers:
        check = _check(peer, five, Vpcflow().digest(five, Vpcflow().run(five)))
        made.append(_row(peer.name, text, peer.how, peer.package, check))
        if check == "equal":
            runs[peer.name] = lambda: read(peer.run(text))
    return _timed(made, runs, rounds)


def by_action(path: str, *, rounds: int, fmt: str | None = None) -> Rows:
    """Bytes by action over a plain-text file, read from the file in every round."""
    whole = Text.load(path, fmt)
    head = whole.head()
    expected = {False: answers.reference(whole), True: answers.reference(head)}
    made, runs = [], {}
    for way in answers.WAYS:
        if not way.available():
            continue
        text = head if way.slow else whole
        found = way.answer(text)
        check = "equal" if found == expected[way.slow] else f"differs: {found}"
        made.append(_row(way.name, text, way.how, way.package, check))
        runs[way.name] = _answering(way, text)
    return _timed(made, runs, rounds)


def scaling(paths: Mapping[str, str], *, rounds: int) -> Rows:
    """Several texts in memory to columns by vpcflow, in turns."""
    texts = {name: Text.load(path) for name, path in paths.items()}
    made = [_row(name, text, "parse(bytes)") for name, text in texts.items()]
    return _timed(made, {name: _parsing(text) for name, text in texts.items()}, rounds)


def threads(paths: Sequence[str], *, size: int, lines: int, rounds: int) -> Rows:
    """Several files by one thread and by as many as there are files: with a scan each, and with
    one scan, which hands the batches over in order and so has to keep what it reads ahead."""
    version = installed_version("vpcflow")
    count = len(paths)
    runs: Runs = {
        f"{count} threads": lambda: _drain_each(paths),
        f"{count} threads, in order": _draining(paths, count),
        "one thread": _draining(paths, 1),
    }
    calls = (
        "scan(path) in each thread",
        f"scan(*paths, threads={count})",
        "scan(*paths, threads=1)",
    )
    made = [Row(name, version, how, size, lines) for name, how in zip(runs, calls, strict=True)]
    return _timed(made, runs, rounds)


def _drain_each(paths: Sequence[str]) -> None:
    workers = [threading.Thread(target=_drain, args=([p],), kwargs={"threads": 1}) for p in paths]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def memory(path: str) -> dict[str, int]:
    """Peak memory in bytes: after the import, and after scanning a file to its end."""
    base = peak_memory()
    records = _drain([path], threads=1)
    return {"base": base, "peak": peak_memory(), "records": records}


def _row(
    name: str, text: Text, how: str, package: str = "vpcflow", check: str = "not compared"
) -> Row:
    size, lines = text.extent
    return Row(name, installed_version(package), how, size, lines, (), check)


def _contenders(
    text: Text, peers: Sequence[Reader], *, holding: Text | None = None
) -> tuple[list[Row], Runs]:
    """A row for vpcflow and one for each peer, which says whether the peer reads the same; and how
    to run those that do. Slow peers get the head of the text. `holding`: the plain text, where
    `text` is only a gzipped file."""
    ours = Vpcflow()
    made = [_row(ours.name, holding or text, ours.how, check="reference")]
    runs: Runs = {ours.name: _reading(ours, text)}
    expected: dict[bool, Digest] = {}
    for peer in peers:
        given = text.head() if peer.slow else text
        if peer.slow not in expected:
            expected[peer.slow] = ours.digest(given, ours.run(given))
        check = _check(peer, given, expected[peer.slow])
        made.append(_row(peer.name, holding or given, peer.how, peer.package, check))
        if check == "equal":
            runs[peer.name] = _reading(peer, given)
    return made, runs


def _check(reader: Reader, text: Text, expected: Digest) -> str:
    try:
        return reader.digest(text, reader.run(text)).difference(expected) or "equal"
    except Exception as error:  # whatever a peer does not manage is a result, too
        said = str(error).strip().split("\n")[0]
        return f"refuses: {type(error).__name__}: {said[:120]}"


def _timed(made: Sequence[Row], runs: Runs, rounds: int) -> Rows:
    laps = alternate(runs, rounds=rounds)
    timed = (
        attrs.evolve(row, seconds=laps[row.name].seconds, cores=laps[row.name].cores)
        if row.name in laps
        else row
        for row in made
    )
    return [attrs.asdict(row) for row in timed]


def _reading(reader: Reader, text: Text) -> Callable[[], object]:
    return lambda: reader.run(text)


def _parsing(text: Text) -> Callable[[], object]:
    return lambda: vpcflow.parse(text.content, format=text.format)


def _answering(way: answers.Way, text: Text) -> Callable[[], object]:
    return lambda: way.answer(text)


def _draining(paths: Sequence[str], count: int) -> Callable[[], object]:
    return lambda: _drain(paths, threads=count)


def _drain(paths: Sequence[str], *, threads: int, fmt: FlowFormat | None = None) -> int:
    stream = vpcflow.scan(*paths, format=fmt, threads=threads)
    return sum(len(batch) for batch in stream)


TASKS: Mapping[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (kernel, parse, projection, gzip, rows, by_action, scaling, threads, memory)
}
