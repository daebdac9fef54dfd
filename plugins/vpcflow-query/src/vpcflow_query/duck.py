"""A DuckDB that can read flow-log batches and its own spill folder, and nothing else."""

from __future__ import annotations

import re
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vpcflow.errors import UsageError

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT])(I?)B", re.IGNORECASE)
_LEAST_MEMORY = 32 << 20  # below, DuckDB cannot even hold a block for each thread
_TERMINATED = 128 + signal.SIGTERM


@contextmanager
def connect(
    *,
    memory: str = MEMORY,
    threads: int | None = None,
    external: bool = False,
    ordered: bool = False,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory, for this block.

    memory: what DuckDB may use (DuckDB's notation) before it spills into a temporary folder, which
    is removed at the end, after SIGTERM too. threads: by default the processors there are.
    external: whether SQL may touch files, the network and extensions; otherwise it cannot, nor
    change that. ordered: whether rows without ORDER BY come in the order of the records.
    DuckDB's errors carry JSON, which `sql_errors` reads.

    Raises UsageError for a `memory` that is no amount.
    """
    import duckdb

    check_memory(memory)
    with _ended_by_sigterm(), tempfile.TemporaryDirectory(prefix="vpcflow-") as spill:
        settings: dict[str, Any] = {"memory_limit": memory, "temp_directory": spill}
        if threads is not None:
            settings["threads"] = str(threads)
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET python_enable_replacements = false")
            connection.execute(f"SET preserve_insertion_order = {ordered}")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET errors_as_json = true")
            if not external:  # not among the settings: DuckDB takes those in any order
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
            yield connection


def spill_folder(connection: duckdb.DuckDBPyConnection) -> str:
    """The connection's temporary folder."""
    rows = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    return str(rows[0][0])


def check_memory(text: str) -> None:
    """Raises UsageError for what is no amount of memory, or too little to begin with."""
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--memory {text!r} is no amount of memory", hint="write it as 500MB, 1.5GB or 2GiB"
        )
    number, unit, binary = found.groups()
    size = float(number) * (1024 if binary else 1000) ** (1 + "KMGT".index(unit.upper()))
    if size < _LEAST_MEMORY:
        raise UsageError(f"--memory {text} is too little for DuckDB", hint="32MiB is the least")


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends this block as an exit does, so that what it has made is removed. (Only a
    program's main thread hears signals; elsewhere nothing changes.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
