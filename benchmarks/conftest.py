"""What the benchmarks share: generated logs, one core, and the readers that are installed."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # Polars counts its threads when it is imported

import pytest

from vpcflow.bench.inputs import Logs


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Generated logs, each made once in a session."""
    return Logs(tmp_path_factory.mktemp("logs"))


@pytest.fixture
def one_core() -> Iterator[None]:
    """This process on one core, as all contenders of a single-thread benchmark are."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    yield
    os.sched_setaffinity(0, allowed)
