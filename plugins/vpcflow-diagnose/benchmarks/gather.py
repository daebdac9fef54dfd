"""Gathering conversations against reading alone: the same files, both processors, one process each.

    python plugins/vpcflow-diagnose/benchmarks/gather.py [--files 8] [--lines 1250000] [--times 1]
        [--kind custom-v5] [--scanners 25000] [--memory 1GB] [--folder DIR] [--diagnose]

Makes N gzip files of realistic logs (different seeds), each with so many one-off scanners that
come one by one from all over the internet, and reads them TIMES times over. Reading alone iterates
over `vpcflow.scan`, all columns; gathering ends when the conversations can be asked, the suspicious
ones have been made and the probes counted; --diagnose adds the reasoning, without an inventory.
Prints seconds of both (the better of two), of processors' time, the ratio, and the most memory.
"""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from vpcflow.bench.generate import FIRST_MINUTE, KINDS, blocks

TURNS = 2
SCANNED = (22, 23, 80, 443, 445, 1433, 3389, 5900, 6379, 8080)


@frozen
class Cost:
    seconds: float
    processors: float
    peak: int
    said: str


def write(path: Path, kind: str, lines: int, seed: int, scanners: int) -> None:
    """A log, with a scanner's line after every so many others."""
    rng = random.Random(f"scanners/{seed}")
    per_block = scanners * 120_000 // max(lines, 1) + 1
    left = scanners
    with gzip.open(path, "wb", 6) as out:
        for number, block in enumerate(blocks(kind, lines=lines, seed=seed)):
            out.write(block)
            if number:  # the first one is the header
                made = min(per_block, left)
                out.writelines(probe(rng, KINDS[kind].fields, number - 1) for _ in range(made))
                left -= made


def probe(rng: random.Random, fields: tuple[str, ...], minute: int) -> bytes:
    """A refused SYN from an address that comes but once."""
    host = rng.randrange(4, 250)
    source = f"{rng.choice((80, 91, 104, 185, 193))}.{rng.getrandbits(8)}.{rng.getrandbits(8)}.7"
    start = FIRST_MINUTE + 60 * minute + rng.randrange(50)
    values = {
        "version": "5",
        "account-id": "123456789012",
        "interface-id": f"eni-0{host:016x}",
        "srcaddr": source,
        "dstaddr": f"10.99.0.{host}",
        "pkt-srcaddr": source,
        "pkt-dstaddr": f"10.99.0.{host}",
        "srcport": str(rng.randrange(1024, 65536)),
        "dstport": str(rng.choice(SCANNED)),
        "protocol": "6",
        "packets": "1",
        "bytes": "44",
        "start": str(start),
        "end": str(start + 5),
        "action": "REJECT",
        "log-status": "OK",
        "tcp-flags": "2",
        "type": "IPv4",
        "flow-direction": "ingress",
    }
    return " ".join(values.get(name, "-") for name in fields).encode() + b"\n"


def read(files: list[str]) -> str:
    import vpcflow

    return f"{sum(len(batch) for batch in vpcflow.scan(*files)):,} records"


def gather(files: list[str], memory: str) -> str:
    from vpcflow_diagnose.traffic.traffic import gather as gathering
    from vpcflow_query.reading import Reading

    with gathering(Reading(files), memory=memory) as traffic:
        suspicious = sum(1 for _ in traffic.suspicious())
        probes = sum(p.sources for p in traffic.probes())
        return f"{traffic.facts.records:,} records, {suspicious:,} suspicious, {probes:,} scanners"


def diagnose(files: list[str]) -> str:
    from vpcflow_diagnose.diagnosing import diagnose as diagnosing
    from vpcflow_query.reading import Reading

    return f"{len(diagnosing(Reading(files), None).findings):,} findings"


def cost(job: str, files: list[str], memory: str) -> Cost:
    """Of a job in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--memory", memory]
    result = subprocess.run(
        command, input="\n".join(files), text=True, stdout=subprocess.PIPE, check=True
    )
    seconds, processors, peak, said = result.stdout.strip().split(" ", 3)
    return Cost(float(seconds), float(processors), int(peak), said)


def work(job: str, memory: str) -> None:
    """In that process: what stands on stdin."""
    files = sys.stdin.read().split("\n")
    start, used = time.perf_counter(), time.process_time()
    said = {"read": read, "diagnose": diagnose}[job](files) if job != "gather" else ""
    said = said or gather(files, memory)
    taken, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{taken:.2f} {used:.2f} {peak} {said}")


def measured(jobs: list[str], files: list[str], memory: str) -> Iterator[tuple[str, Cost]]:
    """The better of two for each job, in turns."""
    runs = [{job: cost(job, files, memory) for job in jobs} for _ in range(TURNS)]
    for job in jobs:
        yield job, min((run[job] for run in runs), key=lambda c: c.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--lines", type=int, default=1_250_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, default="custom-v5")
    parser.add_argument("--scanners", type=int, default=25_000, help="in each file")
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--folder", type=Path, help="for files to keep, or kept")
    parser.add_argument("--diagnose", action="store_true")
    parser.add_argument("--job", choices=("read", "gather", "diagnose"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job:
        work(chosen.job, chosen.memory)
        return
    with tempfile.TemporaryDirectory(prefix="vpcflow-gather-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{chosen.kind}-{number}.log.gz" for number in range(chosen.files)]
        for number, path in enumerate(paths):
            if not path.exists():
                write(path, chosen.kind, chosen.lines, number, chosen.scanners)
        files = [str(path) for path in paths] * chosen.times
        jobs = ["read", "gather", *(["diagnose"] if chosen.diagnose else [])]
        reading = None
        print("| | seconds | processors' seconds | times reading | most memory | |")
        print("|---|---|---|---|---|---|")
        for job, found in measured(jobs, files, chosen.memory):
            reading = reading or found.seconds
            print(
                f"| {job} | {found.seconds:.1f} | {found.processors:.1f} "
                f"| {found.seconds / reading:.2f} | {found.peak} MiB | {found.said} |"
            )


if __name__ == "__main__":
    main()
