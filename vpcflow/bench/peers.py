"""The readers that are compared: vpcflow and its peers, each in the fastest way found to get the
same typed columns from the same text.

Same columns means: integers as integers, `start` and `end` as timestamps, the rest as text, `-` as
null. No peer knows the format of flow logs, so each is told all there is to tell: separator,
types, no quotes, the null text. Nothing is imported before it is used, so any peer may be missing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import vpcflow
from vpcflow.bench import digest
from vpcflow.bench.digest import Digest
from vpcflow.bench.text import Text
from vpcflow.fields import Field


class Reader(ABC):
    """One way to read a flow log on one thread. `run` is what is timed."""

    name: ClassVar[str]
    package: ClassVar[str]
    how: ClassVar[str]
    slow: ClassVar[bool] = False
    """Measured on the first part of the text only: it works line by line in Python."""
    gzip: ClassVar[bool] = True
    """Whether it reads gzipped files."""

    def available(self) -> bool:
        return find_spec(self.package) is not None

    @abstractmethod
    def run(self, text: Text) -> Any:
        """Read it; returns whatever holds the columns."""

    @abstractmethod
    def digest(self, text: Text, result: Any) -> Digest:
        """What `run` returned, to be compared."""


class Vpcflow(Reader):
    """This package."""

    name = "vpcflow"
    package = "vpcflow"
    how = "parse(bytes), text='view'"

    def run(self, text: Text) -> Any:
        if text.data is not None:
            return [vpcflow.parse(text.data, format=text.format, columns=text.columns)]
        return list(vpcflow.scan(text.path, format=text.format, columns=text.columns, threads=1))

    def digest(self, text: Text, result: Any) -> Digest:
        if find_spec("pyarrow"):
            pa = import_module("pyarrow")
            return digest.of_arrow(text.fields, pa.concat_tables([pa.table(b) for b in result]))
        columns: dict[str, list[Any]] = {f.name: [] for f in text.fields}
        for batch in result:
            for record in batch:
                for name, values in columns.items():
                    values.append(getattr(record, name))
        return digest.of_columns(text.fields, columns)


class Polars(Reader):
    """Polars' CSV reader.

    read_csv, scan_csv, its engines, low_memory and per-column nulls were all measured within 3 %
    of each other; Categorical columns are slower than String. POLARS_MAX_THREADS=1 is set by
    whoever starts the process.
    """

    name = "polars"
    package = "polars"
    how = "scan_csv(bytes, schema, quote_char=None).collect()"

    def run(self, text: Text) -> Any:
        pl = import_module("polars")
        types = {"int32": pl.Int32, "int64": pl.Int64, "utf8": pl.String}
        lazy = pl.scan_csv(
            text.path if text.data is None else text.data,
            has_header=False,
            skip_lines=int(text.header),
            separator=" ",
            quote_char=None,
            null_values="-",
            schema={f.name: types.get(f.type, pl.Int64) for f in text.format.fields},
        )
        if text.columns is not None:
            lazy = lazy.select(text.columns)
        times = [
            (pl.col(f.name) * 1_000).cast(pl.Datetime("ms", "UTC"))
            for f in text.fields
            if f.kind == "time"
        ]
        return lazy.with_columns(times).collect()

    def digest(self, text: Text, result: Any) -> Digest:
        pl = import_module("polars")
        columns: dict[str, tuple[object, ...]] = {}
        for f in text.fields:
            series = result[f.name]
            if f.type == "utf8":
                columns[f.name] = digest.of_texts(f, series.value_counts().iter_rows())
            else:
                total = series.cast(pl.Int64).sum()
                columns[f.name] = digest.of_integers(series.null_count(), total)
        if {"action", "bytes"} <= set(result.columns):
            sums = result.group_by("action").agg(pl.col("bytes").sum())
            columns[digest.BY_ACTION] = digest.of_actions(sums.iter_rows())
        return Digest(result.height, columns)


class PyArrow(Reader):
    """pyarrow.csv. Blocks of 1 MiB were the fastest of 128 KiB to 16 MiB; dictionary columns are
    slower than strings. Turning the seconds into timestamp[s] costs it nothing."""

    name = "pyarrow"
    package = "pyarrow"
    how = "csv.read_csv(use_threads=False, block_size=1 MiB, column_types)"

    def run(self, text: Text) -> Any:
        pa, csv = import_module("pyarrow"), import_module("pyarrow.csv")
        types = {"int32": pa.int32(), "int64": pa.int64(), "utf8": pa.string()}
        table = csv.read_csv(
            str(text.path) if text.data is None else pa.BufferReader(text.data),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=1 << 20,
                skip_rows=int(text.header),
                column_names=text.format.names,
            ),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False),
            convert_options=csv.ConvertOptions(
                column_types={f.name: types.get(f.type, pa.int64()) for f in text.format.fields},
                include_columns=text.columns,
                null_values=["-"],
                strings_can_be_null=True,
            ),
        )
        for number, name in enumerate(table.column_names):
            if name in ("start", "end"):
                seconds = table.column(number).cast(pa.timestamp("s", "UTC"))
                table = table.set_column(number, name, seconds)
        return table

    def digest(self, text: Text, result: Any) -> Digest:
        return digest.of_arrow(text.fields, result)


class DuckDB(Reader):
    """DuckDB, into a temporary table. It reads files, not bytes; the file is in the page cache.
    Buffer sizes, insertion order and the tolerant mode made no difference above 3 %."""

    name = "duckdb"
    package = "duckdb"
    how = "create temp table as select from read_csv(path, columns, auto_detect=false), threads=1"

    def __init__(self) -> None:
        self._connection: Any = None

    def run(self, text: Text) -> Any:
        if self._connection is None:
            self._connection = import_module("duckdb").connect(config={"threads": 1})
        wanted = ", ".join(
            f'make_timestamp_ms("{f.name}" * 1000) as "{f.name}"'
            if f.kind == "time"
            else f'"{f.name}"'
            for f in text.fields
        )
        sql = f"create or replace temp table flows as select {wanted} from {self.source(text)}"
        self._connection.execute(sql, [str(text.path)])
        return self._connection

    @staticmethod
    def source(text: Text) -> str:
        """The read_csv call, all options given; the path is its one parameter."""
        types = {"int32": "INTEGER", "int64": "BIGINT", "utf8": "VARCHAR"}
        columns = ", ".join(
            f"'{f.name}': '{types.get(f.type, 'BIGINT')}'" for f in text.format.fields
        )
        return (
            f"read_csv(?, auto_detect=false, header={str(text.header).lower()}, delim=' ', "
            f"quote='', escape='', nullstr='-', columns={{{columns}}})"
        )

    def digest(self, text: Text, result: Any) -> Digest:
        def rows(sql: str) -> Any:
            return result.execute(sql).fetchall()

        columns: dict[str, tuple[object, ...]] = {}
        count = rows("select count(*) from flows")[0][0]
        for f in text.fields:
            if f.type == "utf8":
                counted = rows(f'select "{f.name}", count(*) from flows group by 1')
                columns[f.name] = digest.of_texts(f, counted)
            else:
                value = f'epoch_ms("{f.name}")' if f.kind == "time" else f'"{f.name}"'
                found, total = rows(f"select count({value}), sum({value}) from flows")[0]
                columns[f.name] = digest.of_integers(count - found, total or 0)
        if {"action", "bytes"} <= {f.name for f in text.fields}:
            sums = rows("select action, sum(bytes) from flows group by 1")
            columns[digest.BY_ACTION] = digest.of_actions(sums)
        return Digest(count, columns)


class FlowlogsReader(Reader):
    """flowlogs-reader's FlowRecord, made from each line: one object a line instead of columns,
    which spares it the columns."""

    name = "flowlogs-reader"
    package = "flowlogs_reader"
    how = "FlowRecord(dict(zip(names, line.split()))) for each line"
    slow = True
    gzip = False

    def run(self, text: Text) -> Any:
        record = import_module("flowlogs_reader").FlowRecord
        names = text.format.names
        return [record(dict(zip(names, line.split(), strict=True))) for line in _lines(text)]

    def digest(self, text: Text, result: Any) -> Digest:
        columns = {f.name: [getattr(record, f.name) for record in result] for f in text.fields}
        return digest.of_columns(text.fields, columns)


class Split(Reader):
    """str.split and int, nothing installed. Times stay integers (milliseconds): datetime objects
    would cost it more."""

    name = "split"
    package = "sys"
    how = "zip(*(line.split() for line in text)), int() for each integer column"
    slow = True
    gzip = False

    def run(self, text: Text) -> Any:
        columns = zip(*[line.split() for line in _lines(text)], strict=True)
        return {
            f.name: _converted(f, values)
            for f, values in zip(text.format.fields, columns, strict=True)
            if text.columns is None or f.name in text.columns
        }

    def digest(self, text: Text, result: Any) -> Digest:
        return digest.of_columns(text.fields, result)


def _lines(text: Text) -> list[str]:
    data = text.path.read_bytes() if text.data is None else text.data
    lines = data.decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines[1:] if text.header else lines


def _converted(f: Field, values: tuple[str, ...]) -> list[Any]:
    if f.type == "utf8":
        return [None if value == "-" else value for value in values]
    scale = 1_000 if f.kind == "time" else 1
    return [None if value == "-" else scale * int(value) for value in values]


PEERS: dict[str, type[Reader]] = {
    reader.name: reader for reader in (Polars, PyArrow, DuckDB, FlowlogsReader, Split)
}
"""All peers by name, the fast ones first."""


def reading(kind: str) -> list[str]:
    """Names of the installed peers that can read a generated log of that kind: none puts damaged
    lines aside, and flowlogs-reader knows no field after version 6."""
    if kind == "bad":
        return []
    return [name for name in installed() if (kind, name) != ("wide-v11", "flowlogs-reader")]


def installed() -> list[str]:
    """Names of the peers that can be run here."""
    return [name for name, reader in PEERS.items() if reader().available()]
