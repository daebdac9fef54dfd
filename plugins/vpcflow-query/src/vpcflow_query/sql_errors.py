"""DuckDB's errors in the words of this program: where in the statement, and what would mend it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vpcflow.errors import UsageError, nearest, printable
from vpcflow.fields import FIELDS, Field
from vpcflow_query.flows import TABLE

_AROUND = 30  # characters of a long line that are shown on both sides of the place
_LINES = 6  # of DuckDB's message
_NO_COLUMN = re.compile(r'does not have a column named "(.*)"')
_SYNTAX = re.compile(r'syntax error at or near "(.*)"')
_KEYWORDS = {"end"}  # fields whose names are words of SQL
_OUTSIDE = ("Permission", "Extension Autoloading", "Missing Extension")
_FILES_HINT = "SQL sees the table flows and nothing else; --allow-files lets it use files and URLs"


def usage_error(
    error: Exception, statement: str, before: int, present: Sequence[str]
) -> UsageError:
    """What DuckDB raised, as a UsageError.

    before: how many bytes DuckDB was given before the statement. present: the columns of `flows`.
    """
    facts = _facts(error)
    message = str(facts.get("exception_message", error))
    kind = str(facts.get("exception_type", type(error).__name__))
    place = _place(statement, facts.get("position"), before)
    name = _missing_column(facts, message)
    if name is not None:
        message, hint = _about_column(name, present)
    else:
        message, hint = _about(facts, message, kind)
    where = f", line {place[0]}, column {place[1]}" if place else ""
    excerpt = _excerpt(statement, *place) if place else ""
    return UsageError(f"SQL{where}: {message}{excerpt}", hint=hint)


def _facts(error: Exception) -> Mapping[str, Any]:
    """The JSON of an error; nothing for one that has none."""
    text = str(error)
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _missing_column(facts: Mapping[str, Any], message: str) -> str | None:
    if facts.get("error_subtype") == "COLUMN_NOT_FOUND":
        return str(facts.get("name", ""))
    found = _NO_COLUMN.search(message)
    return found[1] if found else None


def _about_column(name: str, present: Sequence[str]) -> tuple[str, str | None]:
    column = name.lower().replace("-", "_")
    absent = {known: field for known, field in FIELDS.items() if known not in present}
    if column in absent:
        return f"these logs do not have the field {column}", _would_have(absent[column])
    said = f"there is no column {printable(name)!r}"
    close = nearest(column, [*present, *absent])
    if close is None:
        return said, "`describe flows` lists the columns of these logs"
    if close in absent:
        return f"{said}, and these logs do not have {close} either", _would_have(absent[close])
    return said, f"did you mean {quoted(close)}?"


def _would_have(field: Field) -> str:
    return f"a flow log has it if its format holds ${{{field.aws_name}}} (version {field.version})"


def _about(facts: Mapping[str, Any], message: str, kind: str) -> tuple[str, str | None]:
    lines = [line.replace("\t", "  ") for line in message.split("\n")]
    said = "\n  ".join(lines[:_LINES] + (["..."] if len(lines) > _LINES else []))
    if facts.get("error_subtype") == "MISSING_ENTRY" and facts.get("type") == "Table":
        name = str(facts.get("name", ""))
        hint = _FILES_HINT if re.search(r"[/.*:]", name) else f"the logs are the table {TABLE}"
        return f"there is no table {printable(name)!r}", hint
    if kind in _OUTSIDE:
        return lines[0].rstrip(":"), _FILES_HINT
    if kind == "Out of Memory":
        return lines[0], "give it more: --memory 4GB"
    syntax = _SYNTAX.search(message)
    if syntax is not None and syntax[1].lower() in _KEYWORDS:
        word = syntax[1].lower()
        return lines[0], f'{word} is a word of SQL: for the field write "{word}", in double quotes'
    return said, None


def quoted(name: str) -> str:
    """A column's name as it stands in SQL."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _KEYWORDS
    return name if plain else '"' + name.replace('"', '""') + '"'


def _place(statement: str, position: object, skipped: int) -> tuple[int, int] | None:
    """Line and column, both from 1, of DuckDB's position: a number of bytes from the beginning."""
    try:
        before = statement.encode()[: max(0, int(str(position)) - skipped)].decode(
            "utf-8", "ignore"
        )
    except ValueError:
        return None
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _excerpt(statement: str, line: int, column: int) -> str:
    """The part of the line around the place, and a mark below."""
    text = statement.split("\n")[line - 1]
    before, after = text[: column - 1], text[column - 1 :]
    if len(before) > _AROUND:
        before = "..." + before[-_AROUND:]
    if len(after) > _AROUND:
        after = after[:_AROUND] + "..."
    shown = printable(before.lstrip())
    return f"\n  {shown}{printable(after)}\n  {' ' * len(shown)}^"
