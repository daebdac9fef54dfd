"""`vpcflow ...`: the commands. They need the extra `cli`; without it `main` says how to get it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

MISSING = 2


def main() -> int:
    """The `vpcflow` program. Gives back its exit code: 0, 1 (input), 2 (usage) or 130 (Ctrl-C)."""
    absent = [name for name in ("click", "rich") if find_spec(name) is None]
    if absent:
        print(
            f"vpcflow's commands need {' and '.join(absent)}: pip install 'vpcflow[cli]'",
            file=sys.stderr,
        )
        return MISSING
    from vpcflow.cli.app import run

    return run()
