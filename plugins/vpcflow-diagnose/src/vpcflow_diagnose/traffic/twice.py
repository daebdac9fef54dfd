"""Sources are read twice: for their columns, and for their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vpcflow_query.once import Once, repeatable

if TYPE_CHECKING:
    from vpcflow_query.reading import Reading


@contextmanager
def two_readers(reading: Reading) -> Iterator[Callable[[], None]]:
    """Standard input, pipes and open files give the second reader what the first one has had.

    What is given is to be called between the two.
    """
    given = reading.sources
    sources: list[Any] = [_again(source) for source in given]
    places = [(source, source.tell()) for source in sources if _seekable(source)]

    def second() -> None:
        for source in sources:
            if isinstance(source, Once):
                source.settle()
        for source, place in places:
            source.seek(place)

    reading.sources = sources
    try:
        yield second
    finally:
        reading.sources = given


def _again(source: object) -> object:
    if hasattr(source, "read") and not isinstance(source, Once) and not _seekable(source):
        return Once(str(getattr(source, "name", "<stream>")), source)
    return repeatable(source)


def _seekable(source: Any) -> bool:
    return hasattr(source, "seekable") and bool(source.seekable())
