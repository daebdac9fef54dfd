"""How things are measured: in turns, in a process of their own, on as many cores as allowed."""

from __future__ import annotations

import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from attrs import frozen

ENOUGH_SECONDS = 0.02


@frozen
class Laps:
    """What one contender took in each round, in seconds: by the clock, and of processor time."""

    seconds: tuple[float, ...]
    processor: tuple[float, ...]

    @property
    def cores(self) -> float:
        """How many cores it had in its fastest round. On one core, less than 1 means that others
        had the core meanwhile: then a short contender finds an undisturbed moment more easily than
        a long one, and their ratio is not to be trusted."""
        best = min(range(len(self.seconds)), key=self.seconds.__getitem__)
        return self.processor[best] / self.seconds[best]


def alternate(contenders: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Laps]:
    """The laps of each contender, one for each round, after a round that is not counted.

    All take their turn in every round, forwards and backwards by turns, so that a disturbance of
    the machine meets them all. Results are freed outside of the time taken. A round shorter than
    20 ms is repeated within the time taken, and divided.
    """
    names = list(contenders)
    repeats = {name: _repeats(contenders[name]) for name in names}
    laps: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                run, times = contenders[name], repeats[name]
                begin, worked = time.perf_counter(), time.process_time()
                for _ in range(times - 1):
                    run()
                result = run()
                taken, working = time.perf_counter() - begin, time.process_time() - worked
                laps[name].append((taken / times, working / times))
                del result
                gc.collect()
    finally:
        if collecting:
            gc.enable()
    return {name: Laps(*zip(*taken, strict=True)) for name, taken in laps.items()}


def _repeats(run: Callable[[], object]) -> int:
    begin = time.perf_counter()
    run()
    return max(1, round(ENOUGH_SECONDS / max(time.perf_counter() - begin, 1e-6)))


def in_worker(task: str, *, cores: int = 1, kernel: str | None = None, **arguments: Any) -> Any:
    """Run `vpcflow.bench.tasks.<task>(**arguments)` in a new process and return what it returned.

    The process may use `cores` cores and no other; Polars' pool gets as many threads. `kernel`
    forces one of vpcflow's kernels. Raises RuntimeError with what the process wrote to stderr.
    """
    environment = dict(os.environ, POLARS_MAX_THREADS=str(cores))
    if kernel is not None:
        environment["VPCFLOW_KERNEL"] = kernel
    request = json.dumps({"task": task, "cores": cores, "arguments": arguments}, default=str)
    done = subprocess.run(
        [sys.executable, "-m", "vpcflow.bench.worker", request],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"measuring {task} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def pin(cores: int) -> bool:
    """Keep this process on the last `cores` cores that it may use; False where that cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(allowed[-cores:]))
    return len(allowed) >= cores


def peak_memory() -> int:
    """The most memory in bytes that this process has had resident, since it began or was last
    reset.

    Linux's own ru_maxrss survives exec: a child starts with its parent's peak. So the kernel's
    count for this address space is asked, and ru_maxrss only where there is none.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@frozen
class Machine:
    """Where a figure was measured. `kernel` is the one of vpcflow that this CPU gets."""

    cpu: str
    cores: int
    kernel: str
    system: str
    python: str
    vpcflow: str

    @property
    def slug(self) -> str:
        """The CPU's name for a file name."""
        words = "".join(c if c.isalnum() else " " for c in self.cpu.lower()).split()
        return "-".join(words)


def machine() -> Machine:
    """This machine and this build."""
    allowed = getattr(os, "sched_getaffinity", None)
    return Machine(
        cpu=cpu_model(),
        cores=len(allowed(0)) if allowed else os.cpu_count() or 1,
        kernel=in_worker("kernel"),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        vpcflow=installed_version("vpcflow"),
    )


def installed_version(package: str) -> str:
    """The version of an installed package, by the name that it is imported under; of Python for
    `sys`; "?" if it does not say."""
    if package == "sys":
        return f"Python {platform.python_version()}"
    try:
        return version(package.replace("_", "-"))
    except PackageNotFoundError:
        return "?"


def cpu_model() -> str:
    """The processor's name, with its family and model: names such as EPYC span many."""
    info = Path("/proc/cpuinfo")
    known: dict[str, str] = {}
    for line in info.read_text().splitlines() if info.exists() else ():
        key, _, value = line.partition(":")
        known.setdefault(key.strip(), value.strip())
    if model := known.get("model name"):
        family = known.get("cpu family", "?"), known.get("model", "?")
        return f"{model} (family {family[0]}, model {family[1]})"
    return platform.processor() or platform.machine()
