"""`make demo`: the main job end to end on the sample logs that the repository ships.

Logs in ten wrappings and formats -> whose interface it was, and where the peer is -> Parquet and
Avro files -> what was delivered and set aside, who talks most -> what fails, and why. Everything is
made below build/demo; nothing is contacted.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from attrs import evolve
from rich.console import Console
from rich.table import Table
from vpcflow_diagnose.diagnosing import diagnose
from vpcflow_diagnose.findings_text import finding_lines
from vpcflow_query.reading import Reading

import vpcflow
from vpcflow import Pipeline
from vpcflow.cli.screen import Screen
from vpcflow.containers import unwrap
from vpcflow.report import RunReport

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
SAMPLES = sorted(
    path for path in (DATA / "samples").rglob("*") if path.suffix in {".gz", ".log", ".jsonl"}
)
OUT = ROOT / "build" / "demo"
STORY = ["AWSLogs", "transit-gateway.log.gz"]  # the other samples tell the same in other formats


def what_the_files_hold(console: Console) -> None:
    """One line a file: how it is wrapped, its format and how that was known, and the counts."""
    table = Table(
        "file", "wrapped in", "format", "known by", "records", "rejected", "NODATA", box=None
    )
    for path in SAMPLES:
        with path.open("rb") as stream, unwrap(stream, source=str(path)) as lines:
            wrapped = ", ".join(lines.containers)
        stream = vpcflow.scan(path)
        try:
            for _ in stream:
                pass
        except vpcflow.ContainerError:
            pass  # the run below reports it
        fmt, known_by = stream.formats[0]
        counts = [str(stream.counts[name]) for name in ("records", "rejected", "nodata")]
        table.add_row(
            short(path.name), wrapped, f"{len(fmt)} fields, v{fmt.version}", known_by, *counts
        )
    console.print(table)


def short(name: str) -> str:
    return name if len(name) <= 32 else f"...{name[-29:]}"


def deliver() -> RunReport:
    """The main job. The same as

    vpcflow run tests/data/samples --enrich eni=... --enrich geoip=... --to ... --to ... --state ...
    """
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    databases = ",".join(str(DATA / "samples-geoip" / name) for name in ("city.mmdb", "asn.mmdb"))
    return Pipeline(
        sources=SAMPLES,
        enrich=[f"eni={DATA / 'samples-inventory'}", f"geoip={databases}"],
        to=[f"parquet:{OUT}/parquet/?partition=date,action", f"avro:{OUT}/avro/"],
        state=OUT / "state.db",
        rejects=OUT / "rejects.jsonl",
    ).run()


def tell(console: Console, report: RunReport) -> None:
    counts = report.counts
    console.print(
        f"\nRead {counts['lines']:,} lines of {report.files} files: {counts['records']:,} records "
        f"({counts['nodata']} NODATA, {counts['skipdata']} SKIPDATA)."
    )
    for name, records in report.delivered.items():
        where = name.replace(f"{ROOT}/", "")
        console.print(f"Delivered {records:,} records to {where}", highlight=False)
    reasons = ", ".join(f"{reason} {n}" for reason, n in report.rejected_by_reason.items())
    console.print(
        f"Set aside {counts['rejected']} lines, in build/demo/rejects.jsonl: {reasons}",
        highlight=False,
    )
    for name, reason in report.damaged.items():
        said = reason.split(": ", 1)[1]
        console.print(f"Delivered {Path(name).name} up to its damage: {said}", highlight=False)


def top(console: Console, title: str, flows: pa.Table, keys: list[str]) -> None:
    """The five that sent or received most bytes."""
    sums = flows.filter(pc.is_valid(flows[keys[0]])).group_by(keys).aggregate([("bytes", "sum")])
    table = Table(*[key.replace("_", " ") for key in keys], "MB", box=None)
    for row in sums.sort_by([("bytes_sum", "descending")]).slice(0, 5).to_pylist():
        table.add_row(*[str(row[key] or "-") for key in keys], f"{row['bytes_sum'] / 1e6:,.1f}")
    console.print(f"\n{title}")
    console.print(table)


def explain() -> None:
    """The sample network's faults in words. The same as

    vpcflow diagnose --inventory tests/data/samples-inventory tests/data/samples/AWSLogs ...
    """
    sources = [str(DATA / "samples" / name) for name in STORY]
    found = diagnose(Reading(sources), DATA / "samples-inventory")
    print("\nWhat fails in this network, and why:\n")
    screen = evolve(Screen.of(sys.stdout), width=110)
    for number, finding in enumerate(found.findings, 1):
        first = evolve(finding, evidence=finding.evidence[:1], next_steps=finding.next_steps[:1])
        print("\n".join(finding_lines(number, first, screen)), end="\n\n")


def main() -> None:
    console = Console(width=110)
    console.print(f"vpcflow {vpcflow.__version__}, kernel {vpcflow._native.kernel()}\n")
    what_the_files_hold(console)
    tell(console, deliver())
    flows = pyarrow.dataset.dataset(OUT / "parquet", partitioning="hive").to_table()
    top(
        console,
        "Top talkers by resource (bytes at its interface):",
        flows,
        ["interface_resource_type", "interface_resource_name", "interface_resource_id"],
    )
    top(console, "By country of the source:", flows, ["src_country", "src_as_org"])
    explain()
    console.print(
        "Next: build/venv/bin/vpcflow why 10.0.1.5 db-1:5432 --inventory "
        "tests/data/samples-inventory tests/data/samples/AWSLogs\n"
        "      build/venv/bin/vpcflow report -o report.html tests/data/samples/AWSLogs\n"
        "      build/venv/bin/vpcflow run --help",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
