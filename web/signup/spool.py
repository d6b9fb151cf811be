"""The spool: sign-ups on this host's disk, for as long as Redis cannot take them.

What `Spool.add` returned for is on the disk, in one SQLite file that all web processes with the
same RELAY_DATA_DIR share. `draining.py` hands it over to the ledger. The file holds personal
data, so only its owner can read it, and what left it is overwritten. A damaged one is set aside
with all that is in it, never deleted.
"""

import contextlib
import fcntl
import json
import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.domain.errors import KeyReused, SpoolRefused
from shared.domain.signup import Consent, Contact, Submission
from shared.ledger.fingerprints import Fingerprints
from shared.ledger.spools import SpoolFigures, damaged_name
from shared.ledger.time_units import from_milliseconds, to_milliseconds
from shared.ledger.values import Accepted

log = logging.getLogger(__name__)

FILE_NAME = "sign-ups.sqlite3"
# What SQLite says of a file that is damaged, or is none of its own.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# What makes two sign-ups the same one is the ledger's rule (accept.lua), as are its times.
SAME_CONTENT = timedelta(minutes=10)
SAME_KEY = timedelta(days=1)
# How long a visitor waits while another process writes; a write takes milliseconds.
LOCK_SECONDS = 0.5
# More than a usual sign-up takes; with less to spare the spool counts as full.
USUAL_ROOM = 2048

# Rows are only compared with each other, and hold all of this readably anyway.
_MARKS = Fingerprints("spool")

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
class Row:
    """One spooled sign-up, at its `place` in the order received; `received_at` is by the clock of
    this host."""

    place: int
    id: str
    account: str
    received_at: datetime
    document: str = field(repr=False)

    def entry(self) -> "Entry":
        """Return what was spooled; some error when it was written by nothing like this code."""
        return _read(json.loads(self.document))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A checked sign-up, with what its fingerprints are made of."""

    submission: Submission
    compared_email: str = field(repr=False)
    idempotency_key: str | None = field(repr=False)

    def person(self, marks: Fingerprints) -> str:
        return marks.person(self.compared_email)

    def content(self, marks: Fingerprints) -> str:
        return marks.content(self.submission, self.compared_email)

    def key(self, marks: Fingerprints) -> str | None:
        if not self.idempotency_key:
            return None
        return marks.idempotency_key(self.submission.form, self.idempotency_key)


class Spool:
    """The file in a `folder` of its own, made with the first sign-up, of at most `limit` bytes of
    sign-ups.

    With a limit of 0 nothing is added; what is there from before can be handed over still.
    """

    def __init__(self, folder: Path, *, limit: int, now: Callable[[], datetime]) -> None:
        self._path = folder / FILE_NAME
        self._limit = limit
        self._now = now
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    def exists(self) -> bool:
        return self._path.exists()

    # --- while a visitor waits

    def add(self, entry: Entry) -> Accepted:
        """Keep the sign-up on the disk, once: the same one again gets the id of the first.

        Raises `KeyReused`, and `SpoolRefused` when the spool is off or full, or the disk fails.
        """
        self._check_on()
        with self._transaction() as step:
            return self._add(step, entry)

    def add_behind(self, entry: Entry) -> Accepted | None:
        """Keep the sign-up behind what waits here and must reach the ledger first: another one of
        the same person, or with the same Idempotency-Key. None when nothing of that kind does.

        Raises as `add` does.
        """
        if not self._finds(*_earlier(entry)):
            return None
        self._check_on()
        with self._transaction() as step:
            # Once more: what was handed over meanwhile is for the ledger to recognise.
            if step.execute(*_earlier(entry)).fetchone() is None:
                return None
            return self._add(step, entry)

    def _check_on(self) -> None:
        if not self._limit:
            raise SpoolRefused("the spool is off")

    def _add(self, step: sqlite3.Connection, entry: Entry) -> Accepted:
        first = self._first(step, entry)
        if first is not None:
            self._remember_key(step, entry, first)
            return Accepted(first, duplicate=True, nudge=False)
        document = json.dumps(_document(entry), separators=(",", ":"))
        if _used(step) + len(document) > self._limit:
            raise SpoolRefused("the spool is full")
        self._insert(step, entry, document)
        return Accepted(entry.submission.id, duplicate=False, nudge=False)

    def in_use(self) -> bool:
        """Whether anything waits here, of whichever process. Never fails."""
        return self.exists() and self._finds("SELECT 1 FROM spooled LIMIT 1", ())

    def _finds(self, query: str, values: Sequence[str | None]) -> bool:
        try:
            with self._connected() as connection:
                return connection.execute(query, values).fetchone() is not None
        except SpoolRefused as error:
            log.warning("spool not looked at", extra={"cause": str(error)})
            return False

    def has_room(self) -> bool:
        """Whether a usual sign-up could be kept now; writes to the disk to find out."""
        if not self._limit:
            return False
        try:
            with self._transaction() as step:
                step.execute("UPDATE spool SET written = ?", (to_milliseconds(self._now()),))
                return _used(step) + USUAL_ROOM <= self._limit
        except SpoolRefused as error:
            log.warning("spool cannot be written", extra={"cause": str(error)})
            return False

    def _first(self, step: sqlite3.Connection, entry: Entry) -> str | None:
        """Return the id of the one that `entry` is again, None for a new one."""
        content, key = entry.content(_MARKS), entry.key(_MARKS)
        since = (self._before(SAME_KEY), self._before(SAME_CONTENT))
        under_key = step.execute(
            "SELECT id, content FROM spooled WHERE key = ? AND received_at >= ?", (key, since[0])
        ).fetchone()
        if under_key and under_key[1] != content:
            raise KeyReused
        found = (
            under_key
            or step.execute(
                "SELECT id FROM spooled WHERE content = ? AND received_at >= ?", (content, since[1])
            ).fetchone()
        )
        return str(found[0]) if found else None

    def _remember_key(self, step: sqlite3.Connection, entry: Entry, first: str) -> None:
        """Let a key that comes with known content stand for it from now on."""
        if entry.idempotency_key is not None:
            step.execute(
                "UPDATE spooled SET key = ?, document = json_set(document, '$.idempotency_key', ?)"
                " WHERE id = ? AND key IS NULL",
                (entry.key(_MARKS), entry.idempotency_key, first),
            )

    def _before(self, span: timedelta) -> int:
        return to_milliseconds(self._now() - span)

    def _insert(self, step: sqlite3.Connection, entry: Entry, document: str) -> None:
        submission = entry.submission
        # What is quarantined leaves no marks, so that a clean second try passes.
        clean = submission.quarantine is None
        step.execute(
            "INSERT INTO spooled (id, account, person, content, key, received_at, bytes, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                submission.id,
                submission.account,
                entry.person(_MARKS),
                entry.content(_MARKS) if clean else None,
                entry.key(_MARKS) if clean else None,
                to_milliseconds(self._now()),
                len(document),
                document,
            ),
        )

    # --- handing over

    def first(self, count: int) -> list[Row]:
        """Return the first `count` that may be handed over now, in the order received."""
        with self._connected() as connection:
            found = connection.execute(
                "SELECT place, id, account, received_at, document FROM spooled WHERE due_at <= ?"
                " ORDER BY place LIMIT ?",
                (to_milliseconds(self._now()), count),
            ).fetchall()
        return [
            Row(place, id, account, from_milliseconds(received_at), document)
            for place, id, account, received_at, document in found
        ]

    def remove(self, rows: Sequence[Row]) -> None:
        """Forget what the ledger has now."""
        with self._transaction() as step:
            step.executemany("DELETE FROM spooled WHERE place = ?", [(row.place,) for row in rows])
        with self._connected() as connection:
            if not _figures(connection, self._now()).count:
                # The log beside the file still has what was deleted from the file.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def set_aside(self, row: Row, *, trouble: str, wait: timedelta) -> None:
        """Let the others pass a sign-up that cannot be handed over, and try it again later."""
        due_at = to_milliseconds(self._now() + wait)
        with self._transaction() as step:
            step.execute(
                "UPDATE spooled SET due_at = ?, trouble = ? WHERE place = ?",
                (due_at, trouble, row.place),
            )

    def identity(self) -> str:
        """Return the name that this file keeps wherever its host's name changes."""
        with self._connected() as connection:
            return _identity(connection)

    def figures(self) -> SpoolFigures:
        with self._connected() as connection:
            return _figures(connection, self._now())

    # --- the file

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Change the file in one step: on the disk once the block has ended well, not at all
        if not."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Have the file to oneself among this process's threads; raises `SpoolRefused`."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise SpoolRefused("disk: too slow")
        try:
            yield self._open()
        except (sqlite3.Error, OSError) as error:
            self._close()
            if _is_damage(error):
                self._put_away()
            raise SpoolRefused(f"disk: {_name(error)}") from error
        finally:
            self._roll_back()
            self._lock.release()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and _inode(self._path) != self._inode:
            self._close()  # somebody took the file away: what goes to this one would be lost
        if self._connection is None:
            _make(self._path)
            self._inode = _inode(self._path)
            self._connection = _connect(self._path)
        return self._connection

    def _put_away(self) -> None:
        """Rename the folder of a damaged file, so that the next sign-up makes a new one."""
        folder = self._path.parent
        aside = damaged_name(folder, self._now())
        try:
            with _alone_in(folder.parent):
                if _inode(self._path) == self._inode:  # else another process was quicker
                    folder.rename(aside)
                    _sync(folder.parent)
                    log.critical(
                        "the spool is damaged and was set aside: sign-ups in it are not handed"
                        " over, save them from there",
                        extra={"folder": str(aside)},
                    )
        except OSError as error:
            log.critical(
                "the spool is damaged and cannot be set aside", extra={"cause": _name(error)}
            )

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def look(folder: Path, now: datetime) -> tuple[str, SpoolFigures] | None:
    """Return the identity and figures of the spool in `folder`, changing nothing; None when there
    is none or it cannot be read."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            return _identity(connection), _figures(connection, now)
    except sqlite3.Error:
        return None


def _make(path: Path) -> None:
    """Make the file if it is not there yet, so that it survives a power cut from here on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT, 0o600))
    path.chmod(0o600)
    for folder in list(path.parents)[:3]:
        with contextlib.suppress(PermissionError):
            _sync(folder)


def _sync(folder: Path) -> None:
    """Have the disk keep the names in `folder`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from doing the same in `folder`; raises `OSError` while one does."""
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


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # With a write-ahead log and full sync, what is committed costs one fsync and stays.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        connection.execute(
            "INSERT INTO spool SELECT ?, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spool)",
            (str(uuid.uuid4()),),
        )
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _earlier(entry: Entry) -> tuple[str, Sequence[str | None]]:
    """Return the question, and its values, whether something must reach the ledger before
    `entry`."""
    return (
        "SELECT 1 FROM spooled WHERE (account = ? AND person = ?) OR key = ? LIMIT 1",
        (entry.submission.account, entry.person(_MARKS), entry.key(_MARKS)),
    )


def _used(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT bytes FROM spool").fetchone()[0])


def _identity(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT id FROM spool").fetchone()[0])


def _figures(connection: sqlite3.Connection, now: datetime) -> SpoolFigures:
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


def _is_damage(error: Exception) -> bool:
    # The lowest byte is the kind of error, what is above it the detail.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _name(error: sqlite3.Error | OSError) -> str:
    """Return the error's name; its message may quote what was to be written."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return getattr(error, "sqlite_errorname", type(error).__name__)


# --- what a row holds


def _document(entry: Entry) -> dict[str, Any]:
    submission = entry.submission
    return {
        "id": submission.id,
        "form": submission.form,
        "account": submission.account,
        "contact": submission.contact.to_json(),
        "lists": submission.lists,
        "consent": asdict(submission.consent),
        "quarantine": submission.quarantine,
        "unsubscribed": submission.unsubscribed,
        "compared_email": entry.compared_email,
        "idempotency_key": entry.idempotency_key,
    }


def _read(document: dict[str, Any]) -> Entry:
    submission = Submission(
        id=document["id"],
        form=document["form"],
        account=document["account"],
        contact=Contact.from_json(document["contact"]),
        lists=tuple(document["lists"]),
        consent=Consent(**document["consent"]),
        quarantine=document["quarantine"],
        unsubscribed=document["unsubscribed"],
    )
    return Entry(
        submission=submission,
        compared_email=document["compared_email"],
        idempotency_key=document["idempotency_key"],
    )
