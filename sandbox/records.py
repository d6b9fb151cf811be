"""Data that survives a restart, in one SQLite table: kind, key, JSON.

Every change is written at once, so a killed process loses nothing that it answered. Only a
power cut can, because of ``synchronous=OFF``; a sandbox may take that risk.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class Records(Protocol):
    """Stores the state's data. The caller holds the state's lock."""

    def put(self, kind: str, key: str, body: dict[str, Any]) -> None: ...

    def drop(self, kind: str, key: str) -> None: ...

    def all(self, kind: str) -> Iterator[dict[str, Any]]: ...

    def clear(self) -> None: ...


class NoRecords:
    """Stores nothing: the sandbox lives in memory alone."""

    def put(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Do nothing."""

    def drop(self, kind: str, key: str) -> None:
        """Do nothing."""

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        return iter(())

    def clear(self) -> None:
        """Do nothing."""


class SqliteRecords:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o600)  # SQLite's other files get the same mode
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(_SCHEMA)

    def put(self, kind: str, key: str, body: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, json.dumps(body))
        )

    def drop(self, kind: str, key: str) -> None:
        self._db.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        for (body,) in self._db.execute("SELECT body FROM records WHERE kind = ?", (kind,)):
            yield json.loads(body)

    def clear(self) -> None:
        self._db.execute("DELETE FROM records")


def open_records(path: Path | None) -> Records:
    return NoRecords() if path is None else SqliteRecords(path)
