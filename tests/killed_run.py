"""`killed_run.py STEP COUNT run ...`: the program, dying by SIGKILL at the COUNT-th time of a step.

The steps are put around the pipeline's own functions here; the package knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from vpcflow.delivery import Delivery
from vpcflow.file_sink import FileSink
from vpcflow.plugins import plugins
from vpcflow.state import State

STEP, COUNT = sys.argv[1], int(sys.argv[2])
reached = 0


def strike(step: str) -> None:
    global reached
    if step == STEP:
        reached += 1
        if reached == COUNT:
            os.kill(os.getpid(), signal.SIGKILL)


def around(owner: Any, name: str, *, before: str = "", after: str = "") -> None:
    """Die before or after each call of owner.name."""
    former: Callable[..., Any] = getattr(owner, name)

    def struck(*arguments: Any, **named: Any) -> Any:
        strike(before)
        result = former(*arguments, **named)
        strike(after)
        return result

    setattr(owner, name, struck)


def main() -> int:
    from vpcflow.cli.app import run
    from vpcflow.local_place import LocalPlace

    around(FileSink, "write", before="before-write")
    around(FileSink, "prepare", before="before-prepare", after="after-prepare")
    around(FileSink, "_finish", after="after-first-prepared-file")
    around(FileSink, "discard_leftovers", before="before-leftovers")
    around(State, "store", before="before-store", after="after-store")
    around(State, "finish", before="before-finish", after="after-finish")
    around(Delivery, "recover", before="before-recovery")
    places: list[Any] = [LocalPlace]
    if "s3" in plugins().places:
        from vpcflow_aws.s3_place import S3Place

        places.append(S3Place)
    for place in places:
        around(place, "publish", before="before-publish", after="after-publish")
    sys.argv = ["vpcflow", *sys.argv[3:]]
    return run()


if __name__ == "__main__":
    sys.exit(main())
