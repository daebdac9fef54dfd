"""Runs of `vpcflow run` that are killed, and what must be true after the last one went to its end.

The program runs in a process of its own and dies by SIGKILL: at any moment (`kill_after`), or just
before or after a step of the commit protocol (`kill_at`, by way of `killed_run.py`). Whatever
happened, the target then holds every record exactly once, the report counts each once, and nothing
is left behind.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import polars
import servers
from attrs import define, field

import vpcflow
from vpcflow.bench.generate import write

TESTS = Path(__file__).parent
SINKS = ("jsonl", "parquet", "avro")
STORES = ("disk", "moto", "rclone")
# Where a run can be struck, in the order of a checkpoint; `killed_run.py` knows what they mean.
STEPS = (
    *("before-write", "before-prepare", "after-prepare", "after-first-prepared-file"),
    *("before-store", "after-store", "before-publish", "after-publish", "before-finish"),
    *("after-finish", "before-recovery", "before-leftovers"),
)
_BUCKET = "lake"
_PATIENCE = 180


@define
class Target:
    """One sink at one store. sources: what is read; expected: all its records, sorted."""

    sink: str
    store: str
    sources: Path
    expected: polars.DataFrame
    work: Path
    url: str | None
    environment: Mapping[str, str]
    name: str = field(init=False, default="")
    state: Path = field(init=False)

    def begin(self, name: str) -> None:
        """A new delivery, to a place of its own."""
        self.name = name
        self.state = self.work / f"{name}.db"

    @property
    def to(self) -> str:
        where = f"{self.work}/{self.name}/" if self.url is None else f"s3://{_BUCKET}/{self.name}"
        return f"{self.sink}:{where}?size=60kB&partition=action"

    def command(self, *program: str) -> list[str]:
        return [
            *(sys.executable, *program, "run", str(self.sources), "--to", self.to),
            *("--state", str(self.state), "--threads", "2", "--json"),
        ]

    # ---- running ---------------------------------------------------------------------------------

    def kill_after(self, seconds: float) -> bool:
        """Run, and kill after so many seconds; False if it had ended before."""
        process = self._started("-m", "vpcflow")
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        assert process.returncode == 0, self._said(process)
        return False

    def kill_at(self, step: str, count: int) -> bool:
        """Run, and die at the count-th time that a step is reached; False if it is not so often."""
        process = self._started(str(TESTS / "killed_run.py"), step, str(count))
        process.wait(_PATIENCE)
        if process.returncode == -signal.SIGKILL:
            return True
        assert process.returncode == 0, self._said(process)
        return False

    def to_the_end(self) -> dict[str, Any]:
        """Run without disturbance; gives the report."""
        process = self._started("-m", "vpcflow")
        process.wait(_PATIENCE)
        assert process.returncode == 0, self._said(process)
        report: dict[str, Any] = json.loads((self.work / "stdout").read_text())
        return report

    def _started(self, *program: str) -> subprocess.Popen[bytes]:
        with (self.work / "stdout").open("wb") as out, (self.work / "stderr").open("wb") as err:
            return subprocess.Popen(
                self.command(*program), stdout=out, stderr=err, env=os.environ | self.environment
            )

    def _said(self, process: subprocess.Popen[bytes]) -> str:
        return f"exit {process.returncode}: {(self.work / 'stderr').read_text()}"

    # ---- what must be true -----------------------------------------------------------------------

    def check(self, report: Mapping[str, Any] | None) -> None:
        """Every record is there once, none twice, nothing else. report: of the run that went to the
        end; None if it is not to be looked at."""
        found = self._records()
        assert len(found) == len(self.expected), (len(found), len(self.expected))
        assert found.equals(self.expected, null_equal=True)
        if report is not None:
            assert report["counts"]["records"] == len(self.expected), report
            assert list(report["delivered"].values()) == [len(self.expected)], report
        self._check_nothing_is_left()

    def _records(self) -> polars.DataFrame:
        with tempfile.TemporaryDirectory(dir=self.work) as directory:
            files = list(self._files(Path(directory)))
            frames = [_read(path, self.sink, self.expected.columns) for path in files]
        return _sorted(polars.concat(frames), self.expected.columns)

    def _files(self, directory: Path) -> Iterator[Path]:
        """The visible files of the target, as local ones in their partitions."""
        if self.url is None:
            yield from sorted(
                p for p in (self.work / self.name).rglob("*") if p.is_file() and p.name[0] != "."
            )
            return
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET, Prefix=self.name)
        for page in pages:
            for found in page.get("Contents", ()):
                path = directory / found["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                client.download_file(_BUCKET, found["Key"], str(path))
                yield path

    def _check_nothing_is_left(self) -> None:
        if self.url is None:
            hidden = [p for p in (self.work / self.name).rglob(".*") if p.is_file()]
            assert not hidden, hidden
            return
        uploads = self.client().list_multipart_uploads(Bucket=_BUCKET).get("Uploads", [])
        assert not [u["Key"] for u in uploads if u["Key"].startswith(self.name)]

    def client(self) -> Any:
        session = boto3.session.Session(
            self.environment["AWS_ACCESS_KEY_ID"],
            self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )
        return session.client("s3", endpoint_url=self.url)


@contextmanager
def target(sink: str, store: str, work: Path) -> Iterator[Target]:
    """A target with its store running and its sources made."""
    sources = work / "sources"
    sources.mkdir()
    for number in range(4):
        write(sources / f"{number}.log.gz", lines=6_000, seed=number)
    names = vpcflow.FlowFormat.default().names
    expected = _sorted(polars.DataFrame(vpcflow.scan(sources, text="utf8")), names)
    with _serving(store, work) as url:
        environment = servers.environment(url) if url else {}
        made = Target(sink, store, sources, expected, work, url, environment)
        if store == "moto":
            made.client().create_bucket(
                Bucket=_BUCKET,
                CreateBucketConfiguration={"LocationConstraint": environment["AWS_REGION"]},
            )
        yield made


@contextmanager
def _serving(store: str, work: Path) -> Iterator[str | None]:
    if store == "disk":
        yield None
    elif store == "moto":
        with servers.moto() as url:
            yield url
    else:
        (work / "rclone" / _BUCKET).mkdir(parents=True)
        with servers.rclone_s3(work / "rclone") as url:
            yield url


def _read(path: Path, sink: str, columns: list[str]) -> polars.DataFrame:
    """A written file as the records that it was made of: the partition's value put back."""
    if sink == "jsonl":
        schema = dict.fromkeys(columns, polars.String)
        frame = polars.read_ndjson(path, infer_schema_length=None)
        times = [name for name in ("start", "end") if frame.schema.get(name) == polars.String]
        frame = frame.with_columns(
            polars.col(times).str.to_datetime(time_zone="UTC", time_unit="ms")
        )
        frame = frame.with_columns(
            [
                polars.lit(None, schema[name]).alias(name)
                for name in columns
                if name not in frame.columns
            ]
        )
    elif sink == "parquet":
        frame = polars.read_parquet(path, hive_partitioning=False)
    else:
        import fastavro

        with path.open("rb") as stream:
            frame = polars.DataFrame(list(fastavro.reader(stream)), infer_schema_length=None)
    value = path.parent.name.removeprefix("action=")
    action = None if value.startswith("__HIVE") else value
    frame = frame.with_columns(polars.lit(action, polars.String).alias("action"))
    return frame.select(
        [
            polars.from_epoch(name, "s").dt.cast_time_unit("ms").dt.replace_time_zone("UTC")
            if frame.schema[name].is_integer() and name in ("start", "end")
            else polars.col(name).dt.cast_time_unit("ms").dt.convert_time_zone("UTC")
            if name in ("start", "end")
            else polars.col(name).cast(_TYPES.get(name, polars.String))
            for name in columns
        ]
    )


_TYPES = {
    **dict.fromkeys(("version", "srcport", "dstport", "protocol"), polars.Int32),
    **dict.fromkeys(("packets", "bytes"), polars.Int64),
}


def _sorted(frame: polars.DataFrame, columns: Any) -> polars.DataFrame:
    return frame.select(columns).sort(list(columns), nulls_last=True)


def kill_at_random(made: Target, seed: int, seconds: float) -> int:
    """One delivery that is killed at one to three random moments of its `seconds`; how many of
    these came before its end."""
    drawn = random.Random(f"{made.sink} {made.store} {seed}")
    made.begin(f"random-{seed}")
    killed = 0
    for _ in range(drawn.randint(1, 3)):
        killed += made.kill_after(drawn.uniform(0.0, seconds))
    report = made.to_the_end()
    made.check(report if report["counts"]["records"] else None)
    return killed


def duration(made: Target) -> float:
    """How long an undisturbed delivery takes."""
    made.begin("undisturbed")
    began = time.monotonic()
    report = made.to_the_end()
    took = time.monotonic() - began
    made.check(report)
    assert report["checkpoints"] > 3, report  # or there would be little to strike between
    return took
