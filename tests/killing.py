"""A process that is killed between any two steps that change or secure files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vpcflow import append_place
from vpcflow.places import Receipt

OWNER = "abcdef012345"


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """The process ends before step number `step`: of all that changes or secures files."""
    done: list[str] = []

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if len(done) == step:
                raise Killed
            done.append(name)
            return real(*arguments, **keywords)

        return call

    steps = [(os, "replace"), (os, "fsync"), (os, "truncate"), (append_place.shutil, "copyfileobj")]
    patches = [
        patch.object(owner, name, dying(name, getattr(owner, name))) for owner, name in steps
    ]
    patches += [patch.object(Path, "unlink", dying("unlink", Path.unlink))]
    for each in patches:
        each.start()
    try:
        yield done
    finally:
        for each in patches:
            each.stop()


def prepared(place: Any, content: bytes, name: str = "flows.jsonl") -> Receipt:
    pending = place.create(name, OWNER)
    pending.write(content)
    receipt: Receipt = pending.prepare()
    return receipt


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
