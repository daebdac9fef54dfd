"""`make demo`: reads the sample logs that the repository ships, and prints what was found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

import vpcflow

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "samples"
DELIVERED = SAMPLES / "AWSLogs"


def what_the_files_hold(console: Console) -> None:
    """One line a file: how it is wrapped, its format and how that was known, and the counts."""
    table = Table(
        "file", "wrapped in", "format", "known by", "records", "rejected", "NODATA", box=None
    )
    problems = []
    for path in sorted(p for p in SAMPLES.rglob("*") if p.suffix in {".gz", ".log", ".jsonl"}):
        containers = wrapping(path)
        stream = vpcflow.scan(path)
        try:
            for _ in stream:
                pass
        except vpcflow.ContainerError as error:
            problems.insert(0, f"{path.name}: {error.message}")
        problems += [f"{path.name}: {line.verdict}" for line in stream.rejected]
        fmt, known_by = stream.formats[0]
        table.add_row(
            short(path.name),
            ", ".join(containers),
            f"{len(fmt)} fields, v{fmt.version}",
            known_by,
            str(stream.counts["records"]),
            str(stream.counts["rejected"]),
            str(stream.counts["nodata"]),
        )
    console.print(table)
    console.print("\nSet aside, with place and reason; everything else was read:")
    for problem in problems[:8]:
        console.print(f"  {problem}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"  ... {len(problems)} in all")


def wrapping(path: Path) -> tuple[str, ...]:
    from vpcflow.containers import unwrap

    with path.open("rb") as stream, unwrap(stream, source=str(path)) as lines:
        return lines.containers


def short(name: str) -> str:
    return name if len(name) <= 32 else f"...{name[-29:]}"


def who_is_refused(console: Console) -> None:
    """A question that flow logs are opened for, in a few lines of Python."""
    columns = ["srcaddr", "dstaddr", "dstport"]
    refused = vpcflow.scan(DELIVERED, columns=columns, where={"action": "REJECT"})
    pairs = Counter((r.srcaddr, r.dstaddr, r.dstport) for r in refused.records())
    sources = Counter(source for source, _, _ in pairs.elements())
    console.print("\nWho is refused most, in the default-format files (where action is REJECT):")
    for source, count in sources.most_common(3):
        ports = {port for s, _, port in pairs if s == source}
        console.print(f"  {source}: {count} records, {len(ports)} ports", highlight=False)
    counts = refused.counts
    console.print(f"  ({counts['lines']} lines, {counts['filtered']} filtered before decoding)")


def main() -> None:
    console = Console(width=100)
    console.print(f"vpcflow {vpcflow.__version__}, kernel {vpcflow._native.kernel()}\n")
    what_the_files_hold(console)
    who_is_refused(console)
    console.print("\nNext: build/venv/bin/vpcflow read tests/data/samples/custom-v5.log")


if __name__ == "__main__":
    main()
