"""What to read: the options that commands over flow logs share, and reading on after damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import define, evolve, field

import vpcflow
from vpcflow.cli.options import (
    format_option,
    given_format,
    since_option,
    sources_argument,
    until_option,
    where_option,
)
from vpcflow.cli.reading import check_columns, read_on
from vpcflow.cli.summary import Summary
from vpcflow.cli.where import conditions
from vpcflow.errors import InputError
from vpcflow_query.ahead import Ahead

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.columns import Text
    from vpcflow.flow_format import FlowFormat

F = TypeVar("F", bound=Callable[..., Any])

_threads = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Files to read at the same time."
)


def reading_options(function: F) -> F:
    """--format --where --since --until --threads; with the sources they are the arguments of
    `Reading.of`."""
    for option in (_threads, until_option, since_option, where_option, format_option):
        function = option(function)
    return function


def source_options(function: F) -> F:
    """SOURCE... and `reading_options`."""
    return sources_argument(reading_options(function))


@define
class Reading:
    """Flow logs to be read, as the command line says.

    where: what `vpcflow.scan` takes. errors: of sources that are damaged; their readable records
    were given all the same. counts: of what was read so far, by `FlowBatch.counts`'s names.
    """

    sources: Sequence[object]
    format: FlowFormat | str | None = None
    where: Mapping[str, object] = field(factory=dict)
    threads: int | None = None
    errors: list[InputError] = field(factory=list)
    counts: Mapping[str, int] = field(factory=dict)

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        format_: str | None,
        wheres: Sequence[str],
        since: str | None,
        until: str | None,
        threads: int | None,
    ) -> Reading:
        """Raises UsageError for options that cannot be understood."""
        where = conditions(wheres, since=since, until=until) or {}
        return cls(sources, given_format(format_), where, threads)

    def narrowed(self, **where: object) -> Reading:
        """The same with more conditions (a condition on the same column is replaced)."""
        return evolve(self, where={**self.where, **where})

    def scan(self, columns: Sequence[str] | None = None, text: Text = "view") -> vpcflow.FlowStream:
        return vpcflow.scan(
            *self.sources,
            format=self.format,
            columns=columns,
            where=self.where or None,
            text=text,
            threads=self.threads,
        )

    def check(self, present: Sequence[str]) -> None:
        """Raises UsageError for a condition on a column that no log here has: nothing could ever
        match."""
        check_columns(self.where, present)

    def batches(
        self,
        stream: vpcflow.FlowStream,
        summary: Summary | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[vpcflow.FlowBatch]:
        """All batches that can be read; what is wrong with a source goes to `errors`.

        They are read ahead in a thread, so that reading and what is done with them overlap, and a
        source that says nothing (a pipe) does not keep the caller from hearing Ctrl-C. summary:
        told of every batch, and at the end that all was read. stopped: asked while nothing comes;
        if so, the batches end there.
        """
        for batch in Ahead(read_on(stream, self.errors), stopped):
            if summary is not None:
                summary.saw(batch)
            yield batch
        if summary is not None:
            summary.complete = not stopped()
        self.counts = dict(stream.counts)

    def arrow(self, stream: vpcflow.FlowStream) -> pa.RecordBatchReader:
        """The same as a reader for DuckDB."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(
            pa.schema(stream.schema), (pa.record_batch(b) for b in self.batches(stream))
        )
