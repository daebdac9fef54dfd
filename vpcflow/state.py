"""What has been delivered: one SQLite file, so that a run that was killed goes on where it was.

A checkpoint is one transaction: how far each source has been read, what was counted, and the
receipts of files that are durable and not yet visible. After it the sinks make these visible, and
the checkpoint is marked. Whoever opens the state next sees what was stored and not marked, and
finishes it before anything is read. The file is locked while a run uses it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen

from vpcflow.errors import InputError, UsageError, printable

_VERSION = "1"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sources (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, line INTEGER NOT NULL, format TEXT NOT NULL,
    known_by TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
    id INTEGER PRIMARY KEY, receipts TEXT NOT NULL, before TEXT NOT NULL);
"""
OPEN, DONE, DAMAGED = "open", "done", "damaged"


@frozen
class Covered:
    """How far a source has been delivered.

    version: of its content, see `version_of`. line: the next one. format, known_by: of the lines
    before, "" if there were none. status: OPEN (there is more), DONE, or DAMAGED (it was delivered
    up to the damage, which `reason` describes). bytes: of the source, as stored, that were read for
    it.
    """

    version: str
    line: int = 1
    format: str = ""
    known_by: str = ""
    status: str = OPEN
    reason: str = ""
    bytes: int = 0


@frozen
class Pending:
    """A checkpoint whose files may not be visible yet. receipts: by sink."""

    id: int
    receipts: Mapping[str, Sequence[Any]]


@define(eq=False)
class State:
    """An open state. owner: marks what its runs create. number: of runs, this one included.
    covered: sources by name. facts: texts that belong to the delivery as a whole."""

    path: str
    owner: str
    number: int
    covered: dict[str, Covered]
    _connection: sqlite3.Connection
    _facts: dict[str, str] = field(factory=dict)

    @classmethod
    def open(cls, path: str | None, settings: Mapping[str, Any]) -> State:
        """The state in a file, made if there is none; None: in memory, for a run that cannot be
        resumed. settings: of the pipeline, as JSON values.

        Raises UsageError if another run uses it, if it was made with other settings (naming the
        first that differs), or if the file is something else; InputError if it cannot be opened.
        """
        if path in ("", ":memory:"):  # which SQLite would not keep
            raise UsageError(f"state={path!r} names no file", hint="such as --state delivered.db")
        try:
            connection = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise _unusable(path or "", error) from error
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN EXCLUSIVE")
            connection.executescript(_TABLES)
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(path or "", error) from error
        state = cls(path or "", "", 0, {}, connection)
        try:
            state._begin(settings)
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(path or "", error) from error
        except BaseException:
            connection.close()
            raise
        return state

    def _begin(self, settings: Mapping[str, Any]) -> None:
        with self._transaction():
            self._facts = dict(self._connection.execute("SELECT name, value FROM facts"))
            if self._facts.get("layout", _VERSION) != _VERSION:
                raise UsageError(
                    f"{printable(self.path)} was written by another version of vpcflow",
                    hint="finish the delivery with that version, or begin a new state",
                )
            self._check(settings)
            self.owner = self._facts.get("owner") or secrets.token_hex(6)
            self.number = int(self._facts.get("runs", "0")) + 1
            for name, value in (
                ("layout", _VERSION),
                ("owner", self.owner),
                ("runs", str(self.number)),
                ("settings", json.dumps(settings, sort_keys=True)),
            ):
                self._put(name, value)
            rows = self._connection.execute(
                "SELECT name, version, line, format, known_by, status, reason, bytes FROM sources"
            )
            self.covered = {name: Covered(*rest) for name, *rest in rows}

    def _check(self, settings: Mapping[str, Any]) -> None:
        if "settings" not in self._facts:
            return
        before = json.loads(self._facts["settings"])
        now = json.loads(json.dumps(settings))
        for name in [*before, *now]:
            if before.get(name) != now.get(name):
                raise UsageError(
                    f"{printable(self.path)} belongs to a delivery with other settings: {name} was "
                    f"{before.get(name)!r} and is {now.get(name)!r}",
                    hint="give the former settings, or another --state for another delivery",
                )

    # ---- facts -----------------------------------------------------------------------------------

    def fact(self, name: str) -> Any:
        """A stored JSON value; None if there is none."""
        return json.loads(self._facts[name]) if name in self._facts else None

    def keep(self, name: str, value: Any) -> None:
        """Store a JSON value; None removes it."""
        with self._transaction():
            self._put(name, None if value is None else json.dumps(value))

    def _put(self, name: str, value: str | None) -> None:
        if value is None:
            self._connection.execute("DELETE FROM facts WHERE name = ?", (name,))
            self._facts.pop(name, None)
            return
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
        self._facts[name] = value

    # ---- checkpoints -----------------------------------------------------------------------------

    def store(
        self,
        covered: Mapping[str, Covered],
        report: Mapping[str, Any],
        receipts: Mapping[str, Sequence[Any]],
    ) -> Pending:
        """One transaction: the sources that have been read on, what was counted in all, and the
        receipts. Until `finish` says otherwise, the receipts have to be committed."""
        before = {
            "covered": {
                name: None if (old := self.covered.get(name)) is None else _row(old)
                for name in covered
            },
            "report": self.fact("report"),
        }
        with self._transaction():
            for name, now in covered.items():
                self._cover(name, now)
            self._put("report", json.dumps(report))
            row = (json.dumps(receipts), json.dumps(before))
            done = self._connection.execute(
                "INSERT INTO checkpoints (receipts, before) VALUES (?, ?)", row
            )
        return Pending(int(done.lastrowid or 0), receipts)

    def pending(self) -> list[Pending]:
        """Checkpoints that were stored and not finished, the oldest first."""
        rows = self._connection.execute("SELECT id, receipts FROM checkpoints ORDER BY id")
        return [Pending(number, json.loads(receipts)) for number, receipts in rows]

    def finish(self, checkpoint: Pending) -> None:
        """All its receipts have been committed."""
        with self._transaction():
            self._connection.execute("DELETE FROM checkpoints WHERE id = ?", (checkpoint.id,))

    def undo(self, checkpoint: Pending) -> None:
        """As if it had not been stored: what it covered will be delivered again."""
        (text,) = self._connection.execute(
            "SELECT before FROM checkpoints WHERE id = ?", (checkpoint.id,)
        ).fetchone()
        before = json.loads(text)
        with self._transaction():
            for name, row in before["covered"].items():
                self._cover(name, None if row is None else Covered(*row))
            report = before["report"]
            self._put("report", None if report is None else json.dumps(report))
            self._connection.execute("DELETE FROM checkpoints WHERE id = ?", (checkpoint.id,))

    def _cover(self, name: str, now: Covered | None) -> None:
        if now is None:
            self._connection.execute("DELETE FROM sources WHERE name = ?", (name,))
            self.covered.pop(name, None)
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (name, *_row(now))
        )
        self.covered[name] = now

    # ---- life ------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise _unusable(self.path, error) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Give the lock back."""
        self._connection.close()


def _row(covered: Covered) -> tuple[str | int, ...]:
    return (
        covered.version,
        covered.line,
        covered.format,
        covered.known_by,
        covered.status,
        covered.reason,
        covered.bytes,
    )


def version_of(file: Any) -> str:
    """What tells one content of a source from another: its size, and its ETag or, without one, when
    it was modified (a `SourceFile`)."""
    mark = file.etag
    if mark is None and file.modified is not None:
        mark = file.modified.isoformat()
    return f"{file.size} {mark}"


def _unusable(path: str, error: sqlite3.Error) -> UsageError | InputError:
    said = str(error)
    if "locked" in said:
        return UsageError(
            f"{printable(path)} is in use by another run", hint="wait for it, or stop it"
        )
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in said:
        return UsageError(f"{printable(path)} is no state of vpcflow", hint="name another file")
    return InputError(f"the state cannot be used: {said}", source=path)
