"""Conditions on columns, with the meaning that they have for lines of text.

Integers compare as numbers, times as milliseconds, texts as texts, addresses as addresses; a text
that is no address is in no network. Null passes where the condition says so, and nowhere else.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import define, field

from vpcflow.where import Condition

Test = Callable[[Any, int], Any]
"""(array as the field has it, or None for a column that is not there; rows) -> a boolean array
without nulls."""

_REMEMBERED = 1 << 16
_LONGEST_ADDRESS = 45


def make_test(condition: Condition) -> Test:
    """What decides whether rows pass."""
    if condition.kind == "address":
        compare: Callable[[Any], Any] = _Networks(
            tuple(cast("tuple[tuple[bytes, bytes], ...]", condition.alternatives))
        )
    elif condition.kind == "text":
        compare = functools.partial(_is_one_of, _texts(condition.alternatives))
    else:
        ranges = cast("Sequence[tuple[int, int]]", condition.alternatives)
        compare = functools.partial(_in_ranges, ranges)

    def test(array: Any, rows: int) -> Any:
        if array is None:
            return pa.repeat(condition.null, rows)
        return pc.if_else(pc.is_null(array), condition.null, compare(array))

    return test


def _texts(alternatives: Sequence[object]) -> Any:
    return pa.array([cast(bytes, text).decode() for text in alternatives], pa.utf8())


def _is_one_of(values: Any, array: Any) -> Any:
    return pc.is_in(array, values)


def _in_ranges(ranges: Sequence[tuple[int, int]], array: Any) -> Any:
    """Inclusive ranges; times are compared by their milliseconds."""
    numbers = array.cast(pa.int64())
    exact = [low for low, high in ranges if low == high]
    found = pc.is_in(numbers, pa.array(exact, pa.int64()))
    for low, high in ranges:
        if low != high:
            between = pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))
            found = pc.or_(found, between)
    return found


@define(eq=False)
class _Networks:
    """Whether addresses lie in networks, each (first, last) address in network order. Traffic has
    the same addresses again and again: answers are remembered."""

    networks: tuple[tuple[bytes, bytes], ...]
    _known: dict[str, bool] = field(factory=dict, init=False)

    def __call__(self, array: Any) -> Any:
        encoded = array.dictionary_encode()
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        answers = [self._holds(text) for text in encoded.dictionary.to_pylist()]
        return pa.array(answers, pa.bool_()).take(encoded.indices)

    def _holds(self, text: str) -> bool:
        answer = self._known.get(text)
        if answer is None:
            packed = packed_address(text)
            answer = packed is not None and any(
                len(packed) == len(first) and first <= packed <= last
                for first, last in self.networks
            )
            self._known[text] = answer
        return answer


def packed_address(text: str) -> bytes | None:
    """4 or 16 bytes of an address; None for anything else: a zone, leading zeros, a network."""
    if len(text) > _LONGEST_ADDRESS or "\0" in text or "%" in text or not text.isascii():
        return None
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except OSError:
        return None
