"""Look at a scenario: show.py SEED DIR [KIND] writes its logs and inventory, prints its key."""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from simulator.scenario import scenario
    from simulator.write import write

    if len(arguments) not in (2, 3):
        print(__doc__)
        return 2
    made = scenario(int(arguments[0]), arguments[2] if len(arguments) == 3 else None)
    logs, snapshots = write(made, Path(arguments[1]))
    print("\n".join(made.story))
    print(f"logs: {logs}\ninventory: {snapshots}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
