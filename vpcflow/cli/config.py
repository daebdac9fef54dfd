"""`vpcflow run --config FILE`: the same settings from TOML."""

from __future__ import annotations

import tomllib
from typing import Any

from vpcflow.errors import UsageError, nearest, printable

_LISTS = {"sources", "to", "enrich", "where", "account", "region", "flow-log-id", "columns"}
_TEXTS = {
    *("format", "since", "until", "state", "rejects", "dead-letter"),
    *("on-enricher-error", "max-rejects"),
}
_NUMBERS = {"threads"}
_NAMES = {"where": "wheres", "format": "format_"}  # as click calls them


def configured(path: str) -> dict[str, Any]:
    """The settings in a file, under the names of `run`'s parameters.

    Raises UsageError for a file that cannot be read, is no TOML, has a key that is no setting (with
    the nearest), or a value of the wrong type.
    """
    try:
        with open(path, "rb") as stream:
            found = tomllib.load(stream)
    except OSError as error:
        raise UsageError(f"--config {printable(path)}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {printable(path)} is not TOML: {error}") from error
    values = {}
    for key, value in found.items():
        name = key.replace("_", "-")
        _check(name, key, value, path)
        parameter = _NAMES.get(name, name.replace("-", "_"))
        if name in _LISTS and isinstance(value, str):
            value = value if name == "columns" else [value]
        values[parameter] = _text(value) if name in _TEXTS else value
    return values


def _check(name: str, key: str, value: object, path: str) -> None:
    where = f"{printable(path)}: {printable(key)}"
    if name not in _LISTS | _TEXTS | _NUMBERS:
        close = nearest(name, _LISTS | _TEXTS | _NUMBERS)
        hint = f"did you mean {close!r}?" if close else None
        raise UsageError(f"{where} is no setting of vpcflow run", hint=hint)
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if name in _LISTS and not (texts or isinstance(value, str)):
        raise UsageError(f"{where} is {value!r}, and takes a list of texts")
    if name in _TEXTS and isinstance(value, bool | list | dict):
        raise UsageError(f"{where} is {value!r}, and takes a text")
    if name in _NUMBERS and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise UsageError(f"{where} is {value!r}, and takes a number from 1 on")
    if name == "on-enricher-error" and value not in ("fail", "null"):
        raise UsageError(f"{where} is {value!r}, and takes 'fail' or 'null'")


def _text(value: Any) -> str:
    """TOML has dates and times of its own."""
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
