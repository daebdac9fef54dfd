"""What a source's name and first bytes tell: its Region, and where AWS delivered it."""

from __future__ import annotations

from pathlib import Path

from vpcflow.containers import unwrap
from vpcflow.errors import VpcflowError
from vpcflow.selection import facts_of
from vpcflow_query.prices import Destination

_BY_CONTAINER: dict[str, Destination] = {
    "cloudwatch": "cloudwatch",
    "export": "cloudwatch",
    "firehose": "firehose",
}


def region_of(source: str) -> str | None:
    facts = facts_of(source)
    return None if facts is None else facts.region


def destination_of(source: str) -> Destination | None:
    """Where these logs were delivered to, as far as their name or envelope tells; else None."""
    if source.startswith(("cloudwatch:", "logs:")):
        return "cloudwatch"
    if source.endswith(".parquet"):
        return "s3-parquet"
    if facts_of(source) is not None or source.startswith("s3:"):
        return "s3"
    return _by_content(source)


def _by_content(source: str) -> Destination | None:
    """Looks into a local file; plain lines could come from anywhere."""
    try:
        path = Path(source)
        if not path.is_file():
            return None
        lines = unwrap(path.open("rb"), source=source)
    except (OSError, ValueError, VpcflowError):
        return None
    try:
        return next((_BY_CONTAINER[c] for c in lines.containers if c in _BY_CONTAINER), None)
    finally:
        lines.close()
