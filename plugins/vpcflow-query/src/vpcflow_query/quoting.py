"""Names and texts in SQL: quoted so that they can be nothing else."""

from __future__ import annotations

import re

from vpcflow.errors import UsageError
from vpcflow.fields import FIELDS

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_RESERVED = {"end"}  # of AWS's field names, those that are words of Trino's or DuckDB's grammar


def name(text: str) -> str:
    """A column's name in a query, with double quotes where it is not one of AWS's plain ones."""
    if text in FIELDS and text not in _RESERVED:
        return text
    return quoted(text)


def alias(text: str) -> str:
    """A column that a query of ours makes: its name is one of ours, and no word of a grammar."""
    return quoted(text) if text in _RESERVED or not _PLAIN.fullmatch(text) else text


def quoted(text: str) -> str:
    """Any name in double quotes, as DuckDB's and Athena's queries take it."""
    _refuse_control(text)
    return '"' + text.replace('"', '""') + '"'


def backticked(text: str) -> str:
    """A name in Athena's DDL, which is Hive's. Raises UsageError for one with a backtick: Hive's
    escape for it is not known to hold in Athena."""
    _refuse_control(text)
    if "`" in text:
        raise UsageError(f"a name with a backtick cannot stand in a table's definition: {text!r}")
    return f"`{text}`"


def literal(text: str) -> str:
    """A text in single quotes, as DuckDB's and Athena's queries take it."""
    _refuse_control(text)
    return "'" + text.replace("'", "''") + "'"


def ddl_literal(text: str) -> str:
    """A text in Athena's DDL. Raises UsageError for one with a quote or a backslash, which no
    value has that belongs there."""
    _refuse_control(text)
    if "'" in text or "\\" in text:
        raise UsageError(f"a quote or backslash cannot stand in a table's definition: {text!r}")
    return f"'{text}'"


def identifier(text: str, option: str) -> str:
    """A table's or database's name as Athena allows it: small letters, digits and underscores, at
    most 255. Raises UsageError that names the option."""
    if _PLAIN.fullmatch(text) and len(text) <= 255:
        return text
    raise UsageError(
        f"{option} {text!r}: Athena's names are small letters, digits and underscores, and start "
        "with no digit"
    )


def _refuse_control(text: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError(f"control characters cannot stand in SQL: {text!r}")
