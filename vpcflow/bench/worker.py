"""`python -m vpcflow.bench.worker JSON`: one measurement in a process of its own.

The cores are chosen before anything else is imported, since thread pools count them when they
start. What the task returns is printed as one line of JSON.
"""

from __future__ import annotations

import json
import sys

from vpcflow.bench.measure import pin


def main(request: str) -> None:
    """Run the task that the request names, on as many cores as it says."""
    wanted = json.loads(request)
    pin(wanted["cores"])
    from vpcflow.bench import tasks

    print(json.dumps(tasks.TASKS[wanted["task"]](**wanted["arguments"])))


if __name__ == "__main__":
    main(sys.argv[1])
