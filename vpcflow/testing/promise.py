"""How the suites report: which promise of the contract was broken, and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from vpcflow.errors import UsageError

T = TypeVar("T")


def broken(promise: str, seen: str) -> NoReturn:
    """promise: what the contract says. seen: what happened instead. Raises AssertionError."""
    __tracebackhide__ = True
    raise AssertionError(f"{seen}\n  the promise: {promise}")


def require(kept: bool, promise: str, seen: str) -> None:
    __tracebackhide__ = True
    if not kept:
        broken(promise, seen)


@contextmanager
def keeping(promise: str, what: str, *allowed: type[BaseException]) -> Iterator[None]:
    """Any error but the `allowed` ones breaks the promise. what: was called, "commit(receipts)"."""
    __tracebackhide__ = True
    try:
        yield
    except AssertionError:
        raise
    except allowed:
        raise
    except Exception as error:
        seen = f"{what} raised {type(error).__name__}: {error}"
        raise AssertionError(f"{seen}\n  the promise: {promise}") from error


@contextmanager
def must_raise(promise: str, what: str, *kinds: type[BaseException]) -> Iterator[None]:
    """One of the `kinds` must be raised."""
    __tracebackhide__ = True
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except kinds:
        return
    except Exception as error:
        seen = f"{what} raised {type(error).__name__}, not {names}: {error}"
        raise AssertionError(f"{seen}\n  the promise: {promise}") from error
    broken(promise, f"{what} did not raise {names}")


def check_options(
    factory: Callable[..., Any] | None, target: str, good: Mapping[str, str], kind: str
) -> None:
    """A registered factory refuses an option that it does not have. Without a factory there is
    nothing to check."""
    __tracebackhide__ = True
    if factory is None:
        return
    promise = f"a factory of {kind}s raises UsageError for an option that it does not have"
    wrong = {**good, "no_such_option": "1"}
    with must_raise(promise, f"the factory with the wrong option {wrong}", UsageError):
        factory(target, wrong)


def same(a: Any, b: Any) -> bool:
    """Equal, or neither is a number."""
    return bool(a == b or (a != a and b != b))


def first_difference(wanted: Sequence[Any], seen: Sequence[Any], what: str) -> str | None:
    """Where two lists part, in words; None if they do not."""
    if len(wanted) != len(seen):
        return f"{len(seen)} {what} instead of {len(wanted)}"
    for number, (a, b) in enumerate(zip(wanted, seen, strict=True)):
        if not same(a, b):
            return f"of {what}, number {number} is\n    {b!r}\n  instead of\n    {a!r}"
    return None
