"""A DuckDB that can read flow-log batches and its own spill folder, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"


@contextmanager
def connect(
    *, memory: str = MEMORY, threads: int | None = None, external: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory, for this block.

    memory: what DuckDB may use (DuckDB's notation) before it spills into a temporary folder, which
    is removed at the end. threads: by default the processors there are. external: whether SQL may
    touch files, the network and extensions; otherwise it cannot, nor change that.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="vpcflow-") as spill:
        settings = {"memory_limit": memory, "temp_directory": spill}
        if threads is not None:
            settings["threads"] = str(threads)
        if not external:
            settings["enable_external_access"] = "false"
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET python_enable_replacements = false")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET TimeZone = 'UTC'")
            if not external:
                connection.execute("SET lock_configuration = true")
            yield connection
