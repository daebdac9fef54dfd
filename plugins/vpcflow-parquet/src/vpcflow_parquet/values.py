"""Columns of a file as the columns of records: types, missing values, times, tags.

AWS's files have int32, int64 and strings; what tools make of them also holds other integers,
numbers as floats or as text, timestamps, dictionaries and binary text. Missing is null, `-` or the
word `None` (readers of AWS's files have met all three; AWS does not publish which). In files of
this package (`exact`) missing is null alone, and tags are decoded already.

Nothing is rounded, cut or taken for null: a value that its field cannot hold is a BadValueError.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import frozen

from vpcflow.errors import REASON_MEANINGS, printable
from vpcflow.fields import Field
from vpcflow_parquet.opened import Column

_TIMES = pa.timestamp("ms", "UTC")
_INT64_MAX = 2**63 - 1
_EXACT_FLOAT = 2.0**53
_SECONDS = (10**9, 10**10 - 1)  # numbers of 10 digits
_MILLISECONDS = (10**12, 10**13 - 1)  # numbers of 13 digits
_PLAIN_INTEGER = r"^(?:0|[1-9][0-9]{0,18})$"
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@frozen(auto_exc=False)
class BadValueError(Exception):
    """A value that its field cannot hold, the first of its column. row: its number in the batch.
    value: as it can be shown. reason: in words."""

    field: str
    row: int
    value: str
    reason: str


def arrow_type(field: Field) -> Any:
    """The type of a record's column, with text as plain utf8."""
    if field.type == "timestamp[ms, tz=UTC]":
        return _TIMES
    return {"int32": pa.int32(), "int64": pa.int64()}.get(field.type, pa.utf8())


def misfit(column: Column) -> str | None:
    """Why no value of a column's type could be one of its field, in words; None if it may be."""
    held, field = _value_type(column.type), column.field
    if pa.types.is_null(held) or _is_text(held):
        return None
    if field.type == "utf8":
        simple = pa.types.is_primitive(held) or pa.types.is_decimal(held)
        fits, wanted = field.version == 0 and simple, "text"
    elif field.kind == "time":
        fits, wanted = _is_number(held) or pa.types.is_timestamp(held), "a time"
    else:
        fits, wanted = _is_number(held), "an integer"
    return None if fits else f"has the type {held}, where {wanted} belongs"


def to_field(array: Any, field: Field, exact: bool) -> Any:
    """An array of the type of `field`. Raises BadValueError."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), arrow_type(field))
    if field.type == "utf8":
        return _texts(array, field, exact)
    if field.kind == "time":
        return _times(array, field, exact)
    return _cast(_integers(array, field, field.maximum or _INT64_MAX, exact), arrow_type(field))


def _value_type(held: Any) -> Any:
    return held.value_type if pa.types.is_dictionary(held) else held


def _is_text(held: Any) -> bool:
    return bool(
        pa.types.is_string(held)
        or pa.types.is_large_string(held)
        or pa.types.is_string_view(held)
        or pa.types.is_binary(held)
        or pa.types.is_large_binary(held)
        or pa.types.is_binary_view(held)
    )


def _is_number(held: Any) -> bool:
    return bool(pa.types.is_integer(held) or pa.types.is_float32(held) or pa.types.is_float64(held))


def _cast(array: Any, type_: Any) -> Any:
    return array if array.type == type_ else array.cast(type_)


# ---- text ----------------------------------------------------------------------------------------


def _texts(array: Any, field: Field, exact: bool) -> Any:
    if not _is_text(array.type):
        return array.cast(pa.utf8())
    texts = _utf8(array, field)
    if exact:
        return texts
    texts = _without_words_for_null(texts)
    if field.kind == "tag" and pc.any(pc.match_substring(texts, "%")).as_py():
        return _percent_decoded(texts, field)
    return texts


def _utf8(array: Any, field: Field) -> Any:
    """Parquet's strings are what the writer says they are; here they are looked at."""
    binary = _cast(array, pa.binary())
    try:
        return binary.cast(pa.utf8())
    except pa.ArrowInvalid:
        for row, value in enumerate(binary.to_pylist()):
            try:
                value is None or value.decode()
            except UnicodeDecodeError:
                raise _bad(field, row, value, "not-utf8") from None
        raise


def _without_words_for_null(texts: Any) -> Any:
    missing = pc.or_(pc.equal(texts, "-"), pc.equal(texts, "None"))
    if not pc.any(missing).as_py():
        return texts
    return pc.if_else(missing, pa.scalar(None, texts.type), texts)


def _percent_decoded(texts: Any, field: Field) -> Any:
    """Tags are percent-encoded in version 11."""
    encoded = texts.dictionary_encode()
    decoded = []
    for text in encoded.dictionary.to_pylist():
        raw = text.encode()
        try:
            if _BAD_ESCAPE.search(raw):
                raise ValueError
            decoded.append(unquote_to_bytes(raw).decode())
        except ValueError as error:
            utf8 = isinstance(error, UnicodeDecodeError)
            row = pc.index(texts, text).as_py()
            raise _bad(field, row, raw, "not-utf8" if utf8 else "bad-percent-encoding") from None
    return pa.array(decoded, pa.utf8()).take(encoded.indices)


# ---- numbers -------------------------------------------------------------------------------------


def _integers(array: Any, field: Field, maximum: int, exact: bool) -> Any:
    """Integers of any width, from 0 to `maximum`."""
    held = array.type
    if _is_text(held):
        array = _integers_of_text(array, field, exact)
    elif pa.types.is_floating(held):
        array = _integers_of_floats(array, field)
    elif held == pa.uint64():
        _refuse(pc.greater(array, pa.scalar(_INT64_MAX, pa.uint64())), array, field, "out-of-range")
    least, most = _least_and_most(array)
    if least < 0 or most > maximum:
        array = array.cast(pa.int64())
        outside = pc.or_(pc.less(array, 0), pc.greater(array, maximum))
        _refuse(outside, array, field, "out-of-range")
    return array


def _integers_of_floats(array: Any, field: Field) -> Any:
    """pandas makes floats of integers with missing ones among them, NaN."""
    array = array.cast(pa.float64())
    array = pc.if_else(pc.is_nan(array), pa.scalar(None, pa.float64()), array)
    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less_equal(pc.abs(array), _EXACT_FLOAT))
    _refuse(pc.invert(whole), array, field, "not-an-integer")
    return array.cast(pa.int64())


def _integers_of_text(array: Any, field: Field, exact: bool) -> Any:
    texts = _utf8(array, field)
    texts = texts if exact else _without_words_for_null(texts)
    _refuse(
        pc.invert(pc.match_substring_regex(texts, _PLAIN_INTEGER)), texts, field, "not-an-integer"
    )
    longest = pc.and_(
        pc.equal(pc.binary_length(texts), 19), pc.greater(texts, pa.scalar(str(_INT64_MAX)))
    )
    _refuse(longest, texts, field, "out-of-range")
    return texts.cast(pa.int64())


# ---- times ---------------------------------------------------------------------------------------


def _times(array: Any, field: Field, exact: bool) -> Any:
    """Milliseconds, UTC. Numbers of 10 digits are seconds, of 13 milliseconds; timestamps without
    a zone are UTC; what is finer than a millisecond is left off."""
    if pa.types.is_timestamp(array.type):
        return array.cast(
            options=pc.CastOptions(pa.timestamp("ms", array.type.tz), allow_time_truncate=True)
        ).cast(_TIMES)
    numbers = _integers(array, field, _INT64_MAX, exact)
    least, most = _least_and_most(numbers)
    if least >= _SECONDS[0] and most <= _SECONDS[1]:  # as AWS writes them
        return pc.multiply(numbers.cast(pa.int64()), 1000).cast(_TIMES)
    seconds = _between(numbers, _SECONDS)
    _refuse(
        pc.invert(pc.or_(seconds, _between(numbers, _MILLISECONDS))), numbers, field, "out-of-range"
    )
    factor = pc.if_else(seconds, pa.scalar(1000, pa.int64()), pa.scalar(1, pa.int64()))
    return pc.multiply(numbers.cast(pa.int64()), factor).cast(_TIMES)


def _least_and_most(numbers: Any) -> tuple[int, int]:
    """(0, 0) where there is none."""
    found = pc.min_max(numbers)
    least, most = found["min"].as_py(), found["max"].as_py()
    return (0, 0) if least is None else (least, most)


def _between(numbers: Any, bounds: tuple[int, int]) -> Any:
    return pc.and_(pc.greater_equal(numbers, bounds[0]), pc.less_equal(numbers, bounds[1]))


# ---- what cannot be ------------------------------------------------------------------------------


def _refuse(bad: Any, array: Any, field: Field, reason: str) -> None:
    """Raises BadValueError for the first row that is bad; null is not."""
    row = pc.index(bad, True).as_py()
    if row >= 0:
        raise _bad(field, row, array[row].as_py(), reason)


def _bad(field: Field, row: int, value: object, reason: str) -> BadValueError:
    shown = printable(value, 100) if isinstance(value, bytes) else printable(str(value), 100)
    meaning = REASON_MEANINGS[reason]
    if reason == "out-of-range" and field.maximum is not None:
        meaning += f", 0 to {field.maximum}"
    return BadValueError(field.name, row, shown, f"{reason} ({meaning})")
