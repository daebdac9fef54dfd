"""The pipeline, whole: what is delivered is what was read, whatever else happens."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pytest
from delivered import HEADER, Rows, rows_of

import vpcflow
from vpcflow import InputError, PluginError, UsageError
from vpcflow.bench.generate import write
from vpcflow.enrich import KeyedEnricher
from vpcflow.pipeline import Pipeline
from vpcflow.report import Run, RunReport
from vpcflow.sinks import Sink
from vpcflow.source_files import LocalFile


def expected(*sources: object, **options: Any) -> Rows:
    with vpcflow.scan(*sources, **options) as stream:
        return [json.loads(line) for b in stream for line in b.to_jsonl().splitlines()]


def in_order(rows: Rows) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


class Kept(Sink):
    """A sink that keeps what it is given; it may be slow, or fail at a certain batch."""

    def __init__(self, name: str = "kept", *, delay: float = 0, fail_at: int = -1) -> None:
        self.name = name
        self.rows: Rows = []
        self.calls: list[str] = []
        self.delay, self.fail_at = delay, fail_at
        self.batches = 0

    def open(self, schema: pa.Schema, run: Run) -> None:
        self.schema = schema
        self.calls.append("open")

    def write(self, batch: pa.RecordBatch) -> None:
        time.sleep(self.delay)
        if self.batches == self.fail_at:
            raise PluginError("no more", plugin=self.name)
        self.batches += 1
        assert batch.schema.equals(self.schema)
        self.rows += batch.to_pylist()

    def prepare(self) -> Sequence[Any]:
        self.calls.append("prepare")
        return [len(self.rows)]

    def commit(self, receipts: Sequence[Any]) -> None:
        self.calls.append(f"commit {list(receipts)}")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    for number in range(3):
        write(directory / f"{number}.log.gz", lines=20_000, seed=number)
    return directory


@pytest.fixture
def logs(made_once: Path, tmp_path: Path) -> Path:
    """Three files of 20,000 records each, for this test alone."""
    shutil.copytree(made_once, tmp_path / "logs")
    return tmp_path / "logs"


# ---- what is delivered ---------------------------------------------------------------------------


def test_every_sink_gets_every_record_in_order(logs: Path, tmp_path: Path) -> None:
    kept = Kept()
    report = Pipeline(sources=[logs], to=[kept, f"jsonl:{tmp_path}/out/"]).run()
    assert rows_of(tmp_path / "out") == expected(logs)
    assert len(kept.rows) == 60_000
    assert kept.rows[::5000] == [r.asdict() for r in list(vpcflow.scan(logs).records())[::5000]]
    assert kept.calls == ["open", "prepare", "commit [60000]", "close"]
    assert report.delivered == {"kept": 60_000, f"jsonl:{tmp_path}/out/": 60_000}
    assert report.counts == vpcflow_counts(logs)
    assert (report.files, report.files_done, report.exit_code) == (3, 3, 0)
    assert report.bytes_in == sum(p.stat().st_size for p in logs.iterdir())


def vpcflow_counts(*sources: object) -> dict[str, int]:
    with vpcflow.scan(*sources) as stream:
        for _ in stream:
            pass
        return dict(stream.counts)


def test_columns_where_and_time_are_those_of_scan(logs: Path, tmp_path: Path) -> None:
    first = min(r.start for r in vpcflow.scan(logs).records() if r.start)
    until = datetime.fromtimestamp(first.timestamp() + 120, UTC)
    columns, where = ["srcaddr", "bytes"], {"action": "REJECT"}
    Pipeline(
        sources=[logs], to=[f"jsonl:{tmp_path}/out/"], columns=columns, where=where, until=until
    ).run()
    wanted = expected(logs, columns=columns, where=where | {"start": (None, until)})
    assert rows_of(tmp_path / "out") == wanted
    assert 0 < len(wanted) < 10_000


def test_files_outside_of_account_region_and_time_are_not_opened(tmp_path: Path) -> None:
    def aws_name(account: str, region: str, log: str, slot: str) -> Path:
        return tmp_path / "logs" / f"{account}_vpcflowlogs_{region}_{log}_{slot}Z_abcdef01.log"

    (tmp_path / "logs").mkdir()
    wanted = ("111111111111", "eu-west-1", "fl-0a", "20260914T1000")
    for position, other in enumerate(("222222222222", "us-east-1", "fl-0b", "20260914T1100")):
        name = aws_name(*wanted[:position], other, *wanted[position + 1 :])
        name.write_bytes(b"\x00 no flow log: opening it would fail\n" * 3)
    aws_name(*wanted).write_bytes(HEADER + b"\n" + lines.DEFAULT_LINE + b"\n")
    kept = Kept()
    report = Pipeline(
        sources=[tmp_path / "logs"],
        to=[kept],
        accounts="111111111111",
        regions=["eu-west-1"],
        flow_logs=["fl-0a"],
        since=datetime(2014, 9, 14, 9, 50, tzinfo=UTC),
        until=datetime(2026, 9, 14, 10, 20, tzinfo=UTC),
    ).run()
    assert (report.files, len(kept.rows), report.damaged) == (1, 1, {})


def test_all_rejected_lines_are_set_aside_and_counted(tmp_path: Path) -> None:
    bad = [b"bad %d" % number for number in range(20_000)]
    good = lines.records(1, vpcflow.FlowFormat.default(), 20_000)
    mixed = [line for pair in zip(good, bad, strict=True) for line in pair]
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *mixed, *bad]))
    kept = Kept()
    report = Pipeline(
        sources=[tmp_path / "a.log"], to=[kept], rejects=tmp_path / "rejects.jsonl"
    ).run()
    rejects = rows_of(tmp_path / "rejects.jsonl")
    assert report.counts["rejected"] == len(rejects)
    assert report.counts["lines"] == 60_001
    assert report.counts["records"] == len(kept.rows)
    assert [r["text"] for r in rejects if r["reason"] == "too-few-fields"][-20_000:] == [
        line.decode() for line in bad
    ]
    assert [r["line_number"] for r in rejects] == sorted(r["line_number"] for r in rejects)
    assert sum(report.rejected_by_reason.values()) == len(rejects)


@pytest.mark.parametrize(
    ("limit", "code"), [(9, 3), (10, 0), ("9%", 3), ("10%", 0), ("50.5%", 0), (None, 0), (0, 3)]
)
def test_more_rejected_than_allowed_is_exit_code_3(
    tmp_path: Path, limit: int | str | None, code: int
) -> None:
    text = [HEADER, *[lines.DEFAULT_LINE] * 89, *[b"bad"] * 10]
    (tmp_path / "a.log").write_bytes(lines.text(text))
    report = Pipeline(sources=[tmp_path / "a.log"], to=[Kept()], max_rejects=limit).run()
    assert report.exit_code == code


@pytest.mark.parametrize("limit", ["x", "-1", "101%", "1.5", ""])
def test_a_limit_that_is_none_is_refused_before_anything_is_opened(logs: Path, limit: str) -> None:
    kept = Kept()
    with pytest.raises(UsageError, match="not a number of lines or a percentage"):
        Pipeline(sources=[logs], to=[kept], max_rejects=limit).run()
    assert kept.calls == []


# ---- hostile text --------------------------------------------------------------------------------


HOSTILE = [
    "../../escape",
    "..",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "%2e%2e",
    "\x1b[2J",
    "C:",
    ".hidden",
    "~",
]


def test_a_hostile_log_stays_in_the_target_and_in_its_line(tmp_path: Path) -> None:
    text = [f'{value} {{"x":1}}\\u0022 {number}' for number, value in enumerate(HOSTILE)]
    (tmp_path / "a.log").write_text("\n".join(text))
    before = set(tmp_path.rglob("*"))
    Pipeline(
        sources=[tmp_path / "a.log"],
        to=[f"jsonl:{tmp_path}/out/?partition=region"],
        format="region instance-id bytes",
    ).run()
    made = set(tmp_path.rglob("*")) - before
    folders = [p for p in made if p.is_dir() and p.name != "out"]
    assert all(p.parent == tmp_path / "out" for p in folders)
    assert all("region=" in p.name and p.name.isprintable() for p in folders)
    assert len(folders) == len(HOSTILE)
    rows = rows_of(tmp_path / "out")
    assert {row["instance_id"] for row in rows} == {'{"x":1}\\u0022'}
    assert sorted(row["bytes"] for row in rows) == list(range(len(HOSTILE)))


# ---- with a state --------------------------------------------------------------------------------


def delivering(sources: object, tmp_path: Path, **settings: Any) -> Pipeline:
    return Pipeline(
        sources=[sources],
        to=[f"jsonl:{tmp_path}/out/?size=300kB"],
        state=tmp_path / "state.db",
        **settings,
    )


def test_a_second_run_delivers_what_is_new(logs: Path, tmp_path: Path) -> None:
    assert delivering(logs, tmp_path).run().counts["records"] == 60_000
    again = delivering(logs, tmp_path).run()
    assert (again.counts["records"], again.files, again.files_done) == (0, 3, 3)
    write(logs / "3.log.gz", lines=1000, seed=9)
    report = delivering(logs, tmp_path).run()
    assert (report.counts["records"], report.exit_code) == (1000, 0)
    assert in_order(rows_of(tmp_path / "out")) == in_order(expected(logs))


def test_a_file_that_was_replaced_is_delivered_anew(logs: Path, tmp_path: Path) -> None:
    delivering(logs, tmp_path).run()
    write(logs / "1.log.gz", lines=500, seed=77)
    assert delivering(logs, tmp_path).run().counts["records"] == 500


class Stopping(Kept):
    """Stops its pipeline at a certain batch."""

    def __init__(self, pipeline: Pipeline, stop_at: int) -> None:
        super().__init__()
        self.pipeline, self.stop_at = pipeline, stop_at

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches += 1
        if self.batches == self.stop_at:
            self.pipeline.stop()


@pytest.mark.parametrize("stop_at", [1, 2, 5])
def test_a_run_that_was_stopped_goes_on_at_the_next_line(
    logs: Path, tmp_path: Path, stop_at: int
) -> None:
    """Stopped and begun again until it is through; checkpoints fall into the middle of files."""
    runs, report = 0, RunReport(interrupted=True)
    while report.interrupted:
        pipeline = delivering(logs, tmp_path)
        pipeline.to = [*pipeline.to, Stopping(pipeline, stop_at)]
        report = pipeline.run()
        runs += 1
        assert report.exit_code == (130 if report.interrupted else 0)
    assert runs >= 2
    assert report.counts == vpcflow_counts(logs)
    assert report.bytes_in == sum(path.stat().st_size for path in logs.iterdir())
    assert report.delivered[f"jsonl:{tmp_path}/out/"] == 60_000
    assert in_order(rows_of(tmp_path / "out")) == in_order(expected(logs))


def test_a_format_that_changes_within_a_file_is_known_again(tmp_path: Path) -> None:
    short = b"interface-id srcaddr bytes"
    text = [HEADER, *[lines.DEFAULT_LINE] * 30_000, short, *[b"eni-1 10.0.0.1 5"] * 60_000]
    (tmp_path / "a.log").write_bytes(lines.text(text))
    whole = expected(tmp_path / "a.log")
    columns = list(vpcflow.FlowFormat.default().names)
    runs, interrupted = 0, True
    while interrupted:
        pipeline = delivering(tmp_path / "a.log", tmp_path, columns=columns)
        pipeline.to = [*pipeline.to, Stopping(pipeline, 1)]
        interrupted = pipeline.run().interrupted
        runs += 1
    assert runs > 4
    assert in_order(rows_of(tmp_path / "out")) == in_order(whole)


def test_a_damaged_file_is_delivered_up_to_the_damage_and_not_again(tmp_path: Path) -> None:
    write(tmp_path / "a.log.gz", lines=30_000, seed=1)
    whole = (tmp_path / "a.log.gz").read_bytes()
    (tmp_path / "a.log.gz").write_bytes(whole[: len(whole) // 2])
    first = delivering(tmp_path / "a.log.gz", tmp_path).run()
    assert (first.exit_code, first.files_done) == (1, 0)
    assert "truncated" in first.damaged[str(tmp_path / "a.log.gz")]
    assert 0 < first.counts["records"] < 30_000
    again = delivering(tmp_path / "a.log.gz", tmp_path).run()
    assert (again.exit_code, again.counts["lines"]) == (1, 0)
    (tmp_path / "a.log.gz").write_bytes(whole)
    mended = delivering(tmp_path / "a.log.gz", tmp_path).run()
    assert mended.exit_code == 0
    assert in_order(rows_of(tmp_path / "out")) == in_order(expected(tmp_path / "a.log.gz"))


class Failing(LocalFile):
    """A file whose store breaks off after so many bytes."""

    broken_at = 40_000

    def open(self) -> Any:
        stream = super().open()
        read = stream.read
        left = [self.broken_at]

        class Broken:
            def read(self, size: int = -1) -> bytes:
                if left[0] <= 0:
                    raise OSError("connection reset")
                data: bytes = read(min(size, left[0]))
                left[0] -= len(data)
                return data

            def seekable(self) -> bool:
                return False

            def close(self) -> None:
                stream.close()

        return Broken()


def test_a_source_that_breaks_off_is_tried_again_by_the_next_run(
    logs: Path, tmp_path: Path
) -> None:
    broken = delivering(Failing(logs / "1.log.gz"), tmp_path)
    broken.sources = [logs / "0.log.gz", *broken.sources, logs / "2.log.gz"]
    report = broken.run()
    assert (report.exit_code, report.files_done) == (1, 2)
    assert "connection reset" in report.damaged[str(logs / "1.log.gz")]
    mended = delivering(logs, tmp_path).run()
    assert (mended.exit_code, mended.files_done) == (0, 3)
    both = {name: report.counts[name] + mended.counts[name] for name in report.counts}
    assert both == vpcflow_counts(logs)  # the line where it broke off is no rejected one
    assert in_order(rows_of(tmp_path / "out")) == in_order(expected(logs))


def test_one_unreadable_file_among_others_is_reported_and_the_rest_delivered(
    logs: Path, tmp_path: Path
) -> None:
    (logs / "README").write_text("these are\nno flow logs at all, but words\n")
    report = delivering(logs, tmp_path).run()
    assert (report.exit_code, report.counts["records"]) == (1, 60_000)
    assert "the format is not known" in report.damaged[str(logs / "README")]
    with pytest.raises(InputError, match="the format is not known"):
        Pipeline(sources=[logs / "README"], to=[Kept()]).run()


def test_a_new_field_in_a_new_file_becomes_a_column(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"srcaddr bytes\n10.0.0.1 5\n")
    delivering(tmp_path / "logs", tmp_path).run()
    (tmp_path / "logs" / "b.log").write_bytes(b"srcaddr bytes vpc-id\n10.0.0.2 6 vpc-1\n")
    delivering(tmp_path / "logs", tmp_path).run()
    assert in_order(rows_of(tmp_path / "out")) == in_order(
        [
            {"srcaddr": "10.0.0.1", "bytes": 5},
            {"srcaddr": "10.0.0.2", "bytes": 6, "vpc_id": "vpc-1"},
        ]
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": ["jsonl:-"]}, "jsonl:- cannot go with a state"),
        ({"sources": ["-"]}, "<stdin> cannot go with a state"),
        ({"sources": [b"x"]}, "<bytes> cannot go with a state"),
        ({"to": []}, "no target was given"),
        ({"to": ["out/"]}, "'out/' is no target"),
        ({"to": ["jsonl:"]}, "jsonl: has no target"),
        ({"to": ["jsonl:a/", "jsonl:a/"]}, "jsonl:a/ is given twice"),
        ({"to": ["json:a/"]}, "(?s)no sink 'json'.*did you mean 'jsonl'"),
        ({"enrich": ["goip"]}, "(?s)no enricher 'goip'.*did you mean 'geoip'"),
        ({"to": ["jsonl:a/?sise=3"]}, "(?s)no option 'sise'.*did you mean 'size'"),
        ({"to": ["jsonl:a/?size=big"]}, "'big' is not a size such as"),
        ({"sources": []}, "no source was given"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, change: Mapping[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"sources": ["a.log"], "to": ["jsonl:out/"]}
    with pytest.raises(UsageError, match=said):
        Pipeline(**(settings | change), state=tmp_path / "state.db").run()


# ---- what fails ----------------------------------------------------------------------------------


def test_a_sink_that_fails_leaves_nothing_half_done_and_the_next_run_goes_on(
    logs: Path, tmp_path: Path
) -> None:
    pipeline = delivering(logs, tmp_path)
    failing = Kept(fail_at=2)
    pipeline.to = [*pipeline.to, failing]
    with pytest.raises(PluginError, match="no more"):
        pipeline.run()
    assert failing.calls[-1] == "abort"
    assert pipeline.report.error is not None
    pipeline = delivering(logs, tmp_path)
    pipeline.to = [*pipeline.to, Kept()]
    pipeline.run()
    assert in_order(rows_of(tmp_path / "out")) == in_order(expected(logs))
    assert not [p for p in (tmp_path / "out").rglob("*") if p.name.startswith(".")]


class Country(KeyedEnricher):
    name = "country"
    on = {"src": ("srcaddr",)}
    adds = {"{role}_country": "dictionary<int32, utf8>"}

    def lookup(self, key: str, epoch: int = 0) -> tuple[str | None]:
        if key.startswith("10.20.30."):
            raise LookupError(key)
        return ("CH",)


def test_an_enricher_that_raises_is_named_with_the_batchs_source(logs: Path) -> None:
    with pytest.raises(
        PluginError, match=rf"plugin country: failed, in a batch of {logs}/0.log.gz"
    ):
        Pipeline(sources=[logs], to=[Kept()], enrich=[Country()]).run()
    kept = Kept()
    report = Pipeline(sources=[logs], to=[kept], enrich=[Country()], on_enricher_error="null").run()
    assert 0 < report.enricher_errors["country"] <= kept.batches
    assert len(kept.rows) == 60_000


def test_a_slow_sink_slows_the_reader_down(logs: Path) -> None:
    write(logs / "large.log.gz", lines=1_500_000, seed=5)  # 150 MB of columns
    kept = Kept(delay=0.02)
    pipeline = Pipeline(sources=[logs / "large.log.gz"], to=[kept])
    most = 0

    def write_and_look(batch: pa.RecordBatch) -> None:
        nonlocal most
        time.sleep(0.01)
        kept.batches += 1
        read = pipeline.progress.bytes_done / (logs / "large.log.gz").stat().st_size
        most = max(most, int(read * 1_500_000) - kept.batches * 16_384)

    kept.write = write_and_look  # type: ignore[method-assign]
    pipeline.run()
    assert most < 900_000  # of records that were read and not written


def test_hooks_are_told_of_a_run(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vpcflow import plugins
    from vpcflow.hookspecs import hookimpl

    told: list[Any] = []

    class Listener:
        @hookimpl
        def vpcflow_run_started(self, run: Run) -> None:
            told.append(run.settings["to"])

        @hookimpl
        def vpcflow_run_finished(self, report: RunReport) -> None:
            told.append((report.counts["records"], report.error))

    fresh = plugins.load((), {})
    fresh.register(Listener(), "listener")
    monkeypatch.setattr("vpcflow.pipeline.plugins", lambda: fresh)
    Pipeline(sources=[logs], to=[Kept()]).run()
    with pytest.raises(PluginError):
        Pipeline(sources=[logs], to=[Kept(fail_at=0)]).run()
    assert told[:3] == [["kept"], (60_000, None), ["kept"]]
    assert "no more" in told[3][1]


# ---- at least once -------------------------------------------------------------------------------


class Service(Kept):
    """Acknowledges when it is asked to commit; what came before a crash may come again."""

    delivery = "at-least-once"

    def __init__(self, received: Rows, *, crash_at: int = -1) -> None:
        super().__init__("service")
        self.received, self.crash_at = received, crash_at

    def write(self, batch: pa.RecordBatch) -> None:
        super().write(batch)
        if self.batches == self.crash_at:
            raise KeyboardInterrupt

    def due(self) -> bool:
        return len(self.rows) >= 20_000

    def prepare(self) -> Sequence[Any]:
        return []

    def commit(self, receipts: Sequence[Any]) -> None:
        self.received += self.rows
        self.rows = []


def test_a_service_has_everything_before_the_state_says_so(logs: Path, tmp_path: Path) -> None:
    received: Rows = []

    def run(crash_at: int) -> None:
        service = Service(received, crash_at=crash_at)
        Pipeline(sources=[logs], to=[service], state=tmp_path / "state.db").run()

    with pytest.raises(KeyboardInterrupt):
        run(3)
    assert 0 < len(received) < 60_000
    run(-1)
    assert len(received) == 60_000  # here nothing was sent that was not acknowledged
    assert len({id(row) for row in received}) == 60_000


def test_what_a_service_refuses_is_set_aside_or_ends_the_run(logs: Path, tmp_path: Path) -> None:
    class Refusing(Service):
        def open(self, schema: pa.Schema, run: Run) -> None:
            super().open(schema, run)
            self.run = run

        def commit(self, receipts: Sequence[Any]) -> None:
            for row in self.rows[:2]:
                self.run.dead_letter(self.name, row["srcaddr"].encode(), "too old")
            super().commit(receipts)

    def pipeline(**settings: Any) -> Pipeline:
        return Pipeline(
            sources=[logs / "0.log.gz"],
            to=[Refusing([])],
            where={"log_status": "OK"},
            **settings,
        )

    with pytest.raises(PluginError, match=r"(?s)refused for good: too old.*--dead-letter FILE"):
        pipeline().run()
    report = pipeline(dead_letter=tmp_path / "dead.jsonl").run()
    letters = rows_of(tmp_path / "dead.jsonl")
    assert report.dead_letters == {"service": len(letters)}
    assert report.delivered["service"] == report.counts["records"] - len(letters)
    assert {(row["sink"], row["reason"]) for row in letters} == {("service", "too old")}
