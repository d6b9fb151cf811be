"""The spool: sign-ups on this host's disk while Redis cannot take them.

When `Spool.add` returns, the sign-up is on the disk (`spool_file.py`). `draining.py` hands it over
to the ledger.
"""

import logging
import os.path
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shared.domain.errors import KeyReused, SpoolRefused
from shared.infrastructure.addresses import client_network
from shared.ledger.spools import SpoolFigures
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.time_units import from_milliseconds, to_milliseconds
from shared.ledger.values import Accepted
from web.signup import spool_file
from web.signup.checked_signup import CheckedSignup
from web.signup.spool_file import SpoolFile, Stamps

log = logging.getLogger(__name__)

# accept.lua decides in the same way, with the same times, which sign-up is a duplicate.
SAME_CONTENT = timedelta(minutes=10)
SAME_KEY = timedelta(days=1)
# More than a usual sign-up needs. With less room, the spool counts as full.
USUAL_ROOM = 2048

# Two changes of a file in one tick of the system's clock may have the same time.
_CLOCK_TICK = timedelta(seconds=0.1)

# These fingerprints need no secret: the file holds what they are made from.
_FINGERPRINTS = Fingerprints("spool")


# Stands before the content of a quarantined one. Only its key makes it the first of others, so that
# a clean second try passes.
_QUARANTINED = "quarantined "

_FIRST = "SELECT id, content, json_extract(document, '$.consent.address'), ? FROM spooled"


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """A row of the spool: a sign-up at its `place` in the order received.

    `received_at` is by this host's clock. `document` is the sign-up as JSON.
    """

    place: int
    id: str
    account: str
    received_at: datetime
    document: str = field(repr=False)

    def checked(self) -> CheckedSignup:
        """Return the spooled sign-up. Raises any error if something else wrote the row."""
        return CheckedSignup.from_json(self.document)


@dataclass(frozen=True, slots=True)
class _First:
    """An earlier sign-up of which another may be a repeat, its visitor's address, and whether the
    other has its key."""

    id: str
    content: str
    address: str
    has_key: bool

    def comes_from(self, signup: CheckedSignup) -> bool:
        """Whether its visitor has sent `signup`, too."""
        return client_network(self.address) == client_network(signup.submission.consent.address)

    def differs_from(self, signup: CheckedSignup) -> bool:
        return self.content.removeprefix(_QUARANTINED) != signup.content(_FINGERPRINTS)


def _all() -> None:
    """Admit every sign-up."""


class Spool:
    """The file in a `folder` of its own, made with the first sign-up, of at most `limit` bytes of
    sign-ups.

    With a limit of 0 nothing is added; earlier sign-ups can still be handed over.
    """

    def __init__(self, folder: Path, *, limit: int, now: Callable[[], datetime]) -> None:
        self._file = SpoolFile(folder, now=now)
        self._limit = limit
        self._now = now
        self._empty_at: Stamps | None = None
        self._place = str(self._file.path)

    def exists(self) -> bool:
        return self._file.path.exists()

    # --- while a visitor waits

    def add(self, signup: CheckedSignup, *, admit: Callable[[], None] = _all) -> Accepted:
        """Store the sign-up on the disk, once. A duplicate gets the id of the first.

        `admit` is called for all but a visitor's own repeats. What it raises passes through. Raises
        `KeyReused`, and `SpoolRefused` when the spool is off or full, or the disk fails.
        """
        self._check_on()
        with self._file.transaction() as step:
            return self._add(step, signup, admit)

    def add_behind(
        self, signup: CheckedSignup, *, admit: Callable[[], None] = _all
    ) -> Accepted | None:
        """Store the sign-up if an earlier one in the spool must reach the ledger first.

        That is one of the same person or with the same Idempotency-Key. Return None, and store
        nothing, if there is none. Raises as `add` does.
        """
        if not self._finds(*_earlier(signup)):
            return None
        self._check_on()
        with self._file.transaction() as step:
            # Ask again: if the earlier one was handed over meanwhile, the ledger must decide.
            if step.execute(*_earlier(signup)).fetchone() is None:
                return None
            return self._add(step, signup, admit)

    def in_use(self) -> bool:
        """Whether any process has left a sign-up here. Never fails."""
        if not self.exists():
            return False
        stamps = self._file.stamps()
        found = self._finds("SELECT 1 FROM spooled LIMIT 1", ())
        if found is False and self._now() - stamps.latest > _CLOCK_TICK:
            self._empty_at = stamps
        return bool(found)

    def surely_empty(self) -> bool:
        """Whether no process has left a sign-up here, as far as the file's times tell.

        It looks at no content, so it never waits. After a change it says no until `in_use` has
        looked.
        """
        if os.path.exists(self._place):  # noqa: PTH110 - a Path takes three times as long
            return self._file.stamps() == self._empty_at
        return True

    def has_room(self) -> bool:
        """Whether a usual sign-up could be stored now; writes to the disk to find out."""
        if not self._limit:
            return False
        try:
            with self._file.transaction() as step:
                step.execute("UPDATE spool SET written = ?", (to_milliseconds(self._now()),))
                return spool_file.bytes_used(step) + USUAL_ROOM <= self._limit
        except SpoolRefused as error:
            log.warning("spool cannot be written", extra={"cause": str(error)})
            return False

    def _check_on(self) -> None:
        if not self._limit:
            raise SpoolRefused("the spool is off")

    def _add(
        self, step: sqlite3.Connection, signup: CheckedSignup, admit: Callable[[], None]
    ) -> Accepted:
        first = self._first_of(step, signup)
        is_own = first is not None and first.comes_from(signup)
        if not is_own:
            admit()  # a stranger may have guessed what was sent
        if first is not None and (is_own or first.has_key or not signup.submission.quarantine):
            if first.differs_from(signup):
                raise KeyReused
            _remember_key(step, signup, first.id)
            return Accepted(first.id, duplicate=True, notify_workers=False)
        document = signup.to_json()
        size = len(document.encode())
        if spool_file.bytes_used(step) + size > self._limit:
            raise SpoolRefused("the spool is full")
        _insert(step, signup, document, size, self._now())
        return Accepted(signup.submission.id, duplicate=False, notify_workers=False)

    def _finds(self, query: str, values: Sequence[str | None]) -> bool | None:
        """Whether the query finds anything; None if the file cannot be read now."""
        try:
            with self._file.connected() as connection:
                return connection.execute(query, values).fetchone() is not None
        except SpoolRefused as error:
            log.warning("spool cannot be read", extra={"cause": str(error)})
            return None

    def _first_of(self, step: sqlite3.Connection, signup: CheckedSignup) -> "_First | None":
        """Return the sign-up with this one's key, else one with its content."""
        found = step.execute(
            f"{_FIRST} WHERE key = ? AND received_at >= ?",
            (True, signup.key(_FINGERPRINTS), self._before(SAME_KEY)),
        ).fetchone()
        found = (
            found
            or step.execute(
                f"{_FIRST} WHERE content = ? AND received_at >= ?",
                (False, signup.content(_FINGERPRINTS), self._before(SAME_CONTENT)),
            ).fetchone()
        )
        return _First(*found) if found else None

    def _before(self, span: timedelta) -> int:
        return to_milliseconds(self._now() - span)

    # --- handing over

    def first(self, count: int) -> list[SpoolRow]:
        """Return the first `count` that may be handed over now, in the order received."""
        with self._file.connected() as connection:
            found = connection.execute(
                "SELECT place, id, account, received_at, document FROM spooled WHERE due_at <= ?"
                " ORDER BY place LIMIT ?",
                (to_milliseconds(self._now()), count),
            ).fetchall()
        return [_row(*each) for each in found]

    def remove(self, rows: Sequence[SpoolRow]) -> None:
        """Delete sign-ups that the ledger has now."""
        with self._file.transaction() as step:
            step.executemany("DELETE FROM spooled WHERE place = ?", [(row.place,) for row in rows])
        with self._file.connected() as connection:
            if not spool_file.figures(connection, self._now()).count:
                # The log beside the file still has what was deleted from the file.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def of_people(self, compared: Sequence[str]) -> list[SpoolRow]:
        """Return the sign-ups of people, by their addresses in the form for comparing."""
        with self._file.connected() as connection:
            found = [
                connection.execute(
                    "SELECT place, id, account, received_at, document FROM spooled WHERE person = ?"
                    " ORDER BY place",
                    (_FINGERPRINTS.person(email),),
                ).fetchall()
                for email in compared
            ]
        return [_row(*each) for rows in found for each in rows]

    def of_id(self, id: str) -> SpoolRow | None:
        """Return the sign-up with this id."""
        with self._file.connected() as connection:
            found = connection.execute(
                "SELECT place, id, account, received_at, document FROM spooled WHERE id = ?", (id,)
            ).fetchone()
        return _row(*found) if found else None

    def erase(self, rows: Sequence[SpoolRow]) -> None:
        """Delete sign-ups whose people want to be forgotten, from the log beside the file, too."""
        self.remove(rows)
        with self._file.connected() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def postpone(self, row: SpoolRow, *, error: str, wait: timedelta) -> None:
        """Offer a sign-up that the ledger refused again after `wait`; others are not held up."""
        due_at = to_milliseconds(self._now() + wait)
        with self._file.transaction() as step:
            step.execute(
                "UPDATE spooled SET due_at = ?, trouble = ? WHERE place = ?",
                (due_at, error, row.place),
            )

    def identity(self) -> str:
        """Return the name that this spool keeps even if its host's name changes."""
        with self._file.connected() as connection:
            return spool_file.identity(connection)

    def figures(self) -> SpoolFigures:
        with self._file.connected() as connection:
            return spool_file.figures(connection, self._now())


def _row(place: int, id: str, account: str, received_at: int, document: str) -> SpoolRow:
    return SpoolRow(place, id, account, from_milliseconds(received_at), document)


def _earlier(signup: CheckedSignup) -> tuple[str, Sequence[str | None]]:
    """Return the query for sign-ups that must reach the ledger before `signup`, and its values."""
    return (
        "SELECT 1 FROM spooled WHERE (account = ? AND person = ?) OR key = ? LIMIT 1",
        (signup.submission.account, signup.person(_FINGERPRINTS), signup.key(_FINGERPRINTS)),
    )


def _remember_key(step: sqlite3.Connection, signup: CheckedSignup, first: str) -> None:
    """Store the key that came with known content, so that it means that content from now on."""
    if signup.idempotency_key is not None:
        step.execute(
            "UPDATE spooled SET key = ?, document = json_set(document, '$.idempotency_key', ?)"
            " WHERE id = ? AND key IS NULL",
            (signup.key(_FINGERPRINTS), signup.idempotency_key, first),
        )


def _insert(
    step: sqlite3.Connection, signup: CheckedSignup, document: str, size: int, now: datetime
) -> None:
    submission = signup.submission
    content = signup.content(_FINGERPRINTS)
    step.execute(
        "INSERT INTO spooled (id, account, person, content, key, received_at, bytes, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            submission.id,
            submission.account,
            signup.person(_FINGERPRINTS),
            _QUARANTINED + content if submission.quarantine else content,
            signup.key(_FINGERPRINTS),
            to_milliseconds(now),
            size,
            document,
        ),
    )
