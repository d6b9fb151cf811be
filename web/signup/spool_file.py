"""The spool's SQLite file: its tables, its transactions, and what happens when it is damaged.

All web processes with the same RELAY_DATA_DIR share the file. It holds personal data, so only its
owner can read it, and deleted rows are overwritten. A damaged file is moved aside, never deleted.
"""

import contextlib
import fcntl
import logging
import os
import socket
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.domain.errors import SpoolRefused
from shared.infrastructure.timestamps import utc_now
from shared.ledger.spools import SpoolFigures, SpoolReport, damaged_name, not_empty
from shared.ledger.time_units import from_milliseconds
from web.signup import spool_format

log = logging.getLogger(__name__)

FILE_NAME = "sign-ups.sqlite3"
# How long a visitor waits while another process writes. A write takes milliseconds.
LOCK_SECONDS = 0.5
# SQLite's errors for a damaged file, and for a file of another kind.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spooled (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  person TEXT NOT NULL,
  content TEXT,
  key TEXT,
  received_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL DEFAULT 0,
  trouble TEXT,
  bytes INTEGER NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS people ON spooled (account, person);
CREATE INDEX IF NOT EXISTS contents ON spooled (content);
CREATE INDEX IF NOT EXISTS keys ON spooled (key);
CREATE INDEX IF NOT EXISTS troubles ON spooled (trouble) WHERE trouble IS NOT NULL;
CREATE TABLE IF NOT EXISTS spool (
  id TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, written INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON spooled
  BEGIN UPDATE spool SET count = count + 1, bytes = bytes + NEW.bytes; END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON spooled
  BEGIN UPDATE spool SET count = count - 1, bytes = bytes - OLD.bytes; END;
"""


@dataclass(frozen=True, slots=True)
class Stamps:
    """When the file and its log were changed, in nanoseconds, and their sizes."""

    times: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def latest(self) -> datetime:
        return datetime.fromtimestamp(max(self.times, default=0) / 1e9, UTC)


class SpoolFile:
    """The file in a `folder` of its own, made at first use. Threads use it one at a time."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self.path = folder / FILE_NAME
        self._log_path = folder / f"{FILE_NAME}-wal"  # SQLite's write-ahead log
        self._now = now
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change the file in one step. Once the block has ended well, the change is on the disk.

        Otherwise nothing has changed. Raises `SpoolRefused`.
        """
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Lock the file against this process's other threads. Raises `SpoolRefused`."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise SpoolRefused("disk: too slow")
        try:
            yield self._open()
        except (sqlite3.Error, OSError) as error:
            self._close()
            if _is_damage(error):
                self.move_aside()
            raise SpoolRefused(f"disk: {_name(error)}") from error
        finally:
            self._roll_back()
            self._lock.release()

    def stamps(self) -> Stamps:
        """Return the stamps that every change of the file changes."""
        found = []
        for path in (self.path, self._log_path):
            with contextlib.suppress(OSError):
                found.append(path.stat())
        return Stamps(
            tuple(each.st_mtime_ns for each in found), tuple(each.st_size for each in found)
        )

    def move_aside(self) -> None:
        """Rename the folder of a damaged file, so that the next sign-up makes a new one."""
        folder = self.path.parent
        aside = damaged_name(folder, self._now())
        try:
            with locked(folder.parent):
                if _inode(self.path) == self._inode:  # else another process has moved it already
                    folder.rename(aside)
                    _sync(folder.parent)
                    log.critical(
                        "the spool is damaged and was set aside: its sign-ups are not delivered,"
                        " recover them from there",
                        extra={"folder": str(aside)},
                    )
        except OSError as error:
            log.critical(
                "the spool is damaged and cannot be set aside", extra={"cause": _name(error)}
            )

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and _inode(self.path) != self._inode:
            self._close()  # the file was removed or replaced: what goes to this one would be lost
        if self._connection is None:
            _make(self.path)
            self._inode = _inode(self.path)
            self._connection = _connect(self.path)
        return self._connection

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def peek(folder: Path, now: datetime) -> tuple[str, SpoolFigures] | None:
    """Return the identity and figures of the spool in `folder`, and change nothing.

    None if there is no spool, or it cannot be read. Raises `Refused` if a newer version made it.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            spool_format.check(connection, folder)
            return identity(connection), figures(connection, now)
    except sqlite3.Error:
        return None


def look_here(folder: Path) -> list[SpoolReport]:
    """Return a report of the spool in `folder`, if there is one, as it is now. No web need run."""
    here = peek(folder, utc_now())
    return [SpoolReport(here[0], socket.gethostname(), here[1], timedelta())] if here else []


def spools_here(folder: Path) -> tuple[SpoolReport, ...]:
    """Return the same, unless it is empty."""
    return not_empty((), look_here(folder))


def identity(connection: sqlite3.Connection) -> str:
    """Return the name that the file keeps even if its host's name changes."""
    return str(connection.execute("SELECT id FROM spool").fetchone()[0])


def bytes_used(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT bytes FROM spool").fetchone()[0])


def figures(connection: sqlite3.Connection, now: datetime) -> SpoolFigures:
    count, used = connection.execute("SELECT count, bytes FROM spool").fetchone()
    oldest = connection.execute("SELECT received_at FROM spooled ORDER BY place LIMIT 1").fetchone()
    refused = connection.execute(
        "SELECT count(*) FROM spooled WHERE trouble IS NOT NULL"
    ).fetchone()
    return SpoolFigures(
        count=count,
        bytes=used,
        oldest=max(timedelta(), now - from_milliseconds(oldest[0])) if oldest else None,
        refused=refused[0],
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # With a write-ahead log and full sync, a commit costs one fsync and survives a power cut.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        spool_format.upgrade(connection, path.parent)
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        connection.execute(
            "INSERT INTO spool SELECT ?, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spool)",
            (str(uuid.uuid4()),),
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    """Make the file if it is missing, in such a way that it survives a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT, 0o600))
    path.chmod(0o600)
    for folder in list(path.parents)[:3]:
        with contextlib.suppress(PermissionError):
            _sync(folder)


def _sync(folder: Path) -> None:
    """Write the names of the files in `folder` to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock `folder` against other processes. Raises `OSError` while one of them has the lock."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _is_damage(error: Exception) -> bool:
    # The lowest byte is the kind of error; the higher bytes are details.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _name(error: sqlite3.Error | OSError) -> str:
    """Return the error's name. Its message may quote personal data."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return getattr(error, "sqlite_errorname", type(error).__name__)
