"""What all commands over flow logs do alike: read on after damage, and refuse conditions that can
never hold."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import vpcflow
from vpcflow.errors import InputError, UsageError


def read_on(
    stream: vpcflow.FlowStream, errors: list[InputError]
) -> Generator[vpcflow.FlowBatch, None, None]:
    """The batches of all that can be read; what is wrong with a source goes to `errors`."""
    while True:
        try:
            batch = next(stream)
        except StopIteration:
            return
        except InputError as error:
            if error in errors:
                return  # the stream has nothing but this to say
            errors.append(error)
            continue
        yield batch


def check_columns(where: Mapping[str, object], present: Sequence[str]) -> None:
    """UsageError for a condition on a column that no log here has: nothing could ever match."""
    for name, value in where.items():
        if name not in present and value is not None:
            raise UsageError(
                f"these logs do not have the column {name}, so no record can match",
                hint="leave that condition out (or --since and --until, which look at start)",
            )
