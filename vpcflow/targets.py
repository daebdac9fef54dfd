"""From the text of a target to the place that it names: `out/`, `out.jsonl`, `s3://bucket/logs`."""

from __future__ import annotations

import os
from pathlib import Path

from vpcflow.errors import UsageError, printable
from vpcflow.places import Place


def place_of(kind: str, target: str, suffix: str, *, appendable: bool) -> tuple[Place, str | None]:
    """The place, and the file's name if the target is a single file.

    kind: of the sink, for errors. suffix: of the format, ".parquet"; "": any will do. appendable:
    whether files of it may grow. What has no scheme is local: one file if it ends with the suffix,
    does not end in / and is no directory, else a directory. Raises UsageError for a target that
    cannot be.
    """
    if not target or "\0" in target:
        raise UsageError(
            f"{kind}:{printable(target)} has no target",
            hint=f"such as {kind}:out/ or {kind}:s3://bucket/logs",
        )
    scheme, mark, _ = target.partition("://")
    if mark:
        from vpcflow.plugins import plugins

        place: Place = plugins().places.find(scheme.lower()).thing(target)
        return place, None
    return _local(kind, target, suffix, appendable)


def _local(kind: str, target: str, suffix: str, appendable: bool) -> tuple[Place, str | None]:
    from vpcflow.append_place import AppendPlace
    from vpcflow.local_place import LocalPlace, NewFilePlace

    path = Path(target)
    if path.exists() and not path.is_dir() and not path.is_file():
        raise UsageError(
            f"{kind}:{printable(target)} is a device or pipe",
            hint="name a file or directory: what is written gets its name when it is whole",
        )
    if not target.endswith(("/", os.sep)) and not path.is_dir() and suffix in ("", path.suffix):
        single: Place = AppendPlace(path.parent) if appendable else NewFilePlace(path.parent)
        return single, path.name
    if path.exists() and not path.is_dir():
        raise UsageError(
            f"{kind}:{printable(target)} is a file, and not one that ends in {suffix}",
            hint=f"name a directory, or a file such as {path.stem}{suffix}",
        )
    return LocalPlace(path), None
