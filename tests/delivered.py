"""What the tests of the pipeline read back: the records in JSON-lines files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import vpcflow

HEADER = " ".join(field.aws_name for field in vpcflow.FlowFormat.default().fields).encode()
Rows = list[dict[str, Any]]


def rows_of(path: Path) -> Rows:
    """The records of a file, or of all files below a directory, in the order of their names."""
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
