"""A scenario as files: flow logs in gzip, snapshots of the inventory."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

from .inventory_files import write_inventory
from .model import ACCOUNT, REGION
from .scenario import START, Scenario


def write(made: Scenario, directory: Path) -> tuple[Path, Path]:
    """Returns the directories of the logs and of the inventory."""
    logs, snapshots = directory / "logs", directory / "inventory"
    logs.mkdir(parents=True, exist_ok=True)
    snapshots.mkdir(parents=True, exist_ok=True)
    for number, lines in made.lines.items():
        moment = datetime.fromtimestamp(START + number * 300, UTC).strftime("%Y%m%dT%H%MZ")
        name = f"{ACCOUNT}_vpcflowlogs_{REGION}_fl-00000000000000001_{moment}_{number:08x}.log.gz"
        content = ("\n".join(lines) + "\n").encode()
        (logs / name).write_bytes(gzip.compress(content, compresslevel=1, mtime=0))
    for name, files in made.inventories.items():
        write_inventory(files, snapshots / name if name else snapshots)
    return logs, snapshots
