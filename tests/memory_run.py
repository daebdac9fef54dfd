"""Peak memory of a run over that of its imports.

`memory_run.py modules SOURCES TARGET`: run, and print the modules that it imported, as JSON.
`memory_run.py peak SOURCES TARGET MODULES`: import the modules in that file, run, and print how
much more memory the run took at its peak, in MB, as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from pathlib import Path

from vpcflow.bench.measure import peak_memory


def peak() -> float:
    return peak_memory() / 1e6


def main(mode: str, sources: str, target: str, modules: str = "") -> None:
    for name in json.loads(Path(modules).read_text()) if modules else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from vpcflow.pipeline import Pipeline

    before = peak()
    report = Pipeline(sources=[sources], to=[target]).run()
    if mode == "modules":
        print(json.dumps([name for name in sys.modules if name != "__main__"]))
        return
    print(
        json.dumps(
            {
                "over": peak() - before,
                "before": before,
                "records": report.counts["records"],
                "bytes_in": report.bytes_in,
                "seconds": report.seconds,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
