"""Draining: handing over to the ledger what the spool kept, once Redis is back.

In the order received, at a pace that leaves visitors their share. A sign-up leaves the disk only
when the ledger has it: whoever is killed in between hands it over again, which `accept` takes as
the same one.
"""

import contextlib
import fcntl
import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import redis

from shared.domain.errors import KeyReused, LedgerUnavailable, Refused
from shared.ledger.durability import reached_disk
from shared.ledger.fingerprints import Fingerprints
from shared.ledger.ledger import Ledger
from shared.ledger.redis_errors import redis_errors_translated
from shared.ledger.values import Accepted
from web.signup.spool import Spool
from web.signup.spool_entry import Row

log = logging.getLogger(__name__)

TURN_NAME = "spool.lock"
# With `appendfsync everysec` waiting for Redis' disk takes up to a second each time, so some 200
# a second: a full spool of 64 MiB is empty within minutes.
BATCH = 200
PAUSE = timedelta(seconds=0.05)
# While Redis is away, while another process has the turn, and while only refused ones are left.
LOOKS_EVERY = timedelta(seconds=1)
# What the ledger refuses, though it takes others, lets them pass and is tried again so often.
REFUSED_WAITS = timedelta(minutes=1)


class Drainer:
    """Drains `spool` on a thread of its own while there is anything in it.

    `client` may be slow to give up, as no visitor waits. `fingerprints` reads and writes Redis,
    and raises `Refused` when the secret key is wrong. `sleep` takes seconds.
    """

    def __init__(
        self,
        spool: Spool,
        client: "redis.Redis",
        *,
        folder: Path,
        host: str,
        fingerprints: Callable[["redis.Redis"], Fingerprints],
        notify_workers: Callable[[str], None],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        """A file in `folder` is locked by the one process that drains just now."""
        self._spool = spool
        self._client = client
        self._turn = folder / TURN_NAME
        self._host = host
        self._fingerprints = fingerprints
        self._notify_workers = notify_workers
        self._now = now
        self._sleep = sleep
        self._waking = threading.Lock()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self._complaint = ""

    def wake(self) -> None:
        """Have the spool drained; returns at once."""
        with self._waking:
            self._wanted = True
            if self._thread is None:
                # Made when there is something to do, so in the process that serves.
                self._thread = threading.Thread(target=self._run, name="drainer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._goes_on():
            pause = self.drain_some()
            while pause is not None:
                self._sleep(pause.total_seconds())
                pause = self.drain_some()

    def _goes_on(self) -> bool:
        """Whether anybody woke the drainer since it last looked; if not, its thread ends."""
        with self._waking:
            goes_on, self._wanted = self._wanted, False
            if not goes_on:
                self._thread = None
            return goes_on

    def drain_some(self) -> timedelta | None:
        """Hand over the next few; return when to go on, None when nothing is left. Never fails."""
        try:
            with self._own_turn() as mine:
                pause = self._hand_over_some() if mine else LOOKS_EVERY
        except (LedgerUnavailable, Refused) as error:
            self._complain(str(error))
            return LOOKS_EVERY
        except Exception as error:  # noqa: BLE001 - whatever it is, sign-ups wait on the disk
            self._complain(type(error).__name__)
            return LOOKS_EVERY
        self._complaint = ""
        return pause

    def _complain(self, cause: str) -> None:
        """Log why nothing is drained, once for each cause and not every second."""
        if cause != self._complaint:
            self._complaint = cause
            log.warning("sign-ups wait on the disk", extra={"cause": cause})

    @contextlib.contextmanager
    def _own_turn(self) -> Iterator[bool]:
        """Whether this process may drain now: two at once would mix up the order."""
        handle = os.open(self._turn, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            yield _lock(handle)
        finally:
            os.close(handle)

    def _hand_over_some(self) -> timedelta | None:
        rows = self._spool.first(BATCH)
        # One connection, as that is what waiting for Redis' disk goes by.
        with redis_errors_translated(), self._client.client() as one:  # type: ignore[no-untyped-call]
            try:
                if rows:
                    self._hand_over(rows, one)
            finally:  # what cannot be handed over shows all the more
                figures = self._spool.figures()
                Ledger(one).note_spool(self._spool.identity(), self._host, figures)
        if not figures.count:
            return None
        return PAUSE if rows else LOOKS_EVERY

    def _hand_over(self, rows: list[Row], client: "redis.Redis") -> None:
        """Have the ledger take the sign-ups, then forget them.

        Raises `LedgerUnavailable` or `Refused` when it takes none.
        """
        ledger, fingerprints = Ledger(client), self._fingerprints(client)
        taken = []
        for row in rows:
            try:
                accepted = self._accept(row, ledger, fingerprints)
            except Exception as error:  # noqa: BLE001 - one must not keep the others waiting
                self._postpone(row, error, client)
                continue
            taken.append(row)
            if accepted.notify_workers:
                self._notify_workers(row.account)
        if not reached_disk(client):
            raise LedgerUnavailable("what was drained did not reach Redis' disk in time")
        self._spool.remove(taken)

    def _accept(self, row: Row, ledger: Ledger, fingerprints: Fingerprints) -> Accepted:
        entry = row.entry()
        accept = functools.partial(
            ledger.accept,
            entry.submission,
            person=entry.person(fingerprints),
            digest=entry.content(fingerprints),
            visitor=None,
            limit=None,
            waited=max(timedelta(), self._now() - row.received_at),
        )
        try:
            return accept(idempotency_key=entry.key(fingerprints))
        except KeyReused:
            # Other content has the key by now; this visitor was told that all is well.
            return accept(idempotency_key=None)

    def _postpone(self, row: Row, error: Exception, client: "redis.Redis") -> None:
        """Let the others pass the sign-up, unless Redis takes none of them, which raises."""
        cause = error.__cause__ or error
        if isinstance(error, LedgerUnavailable) and not isinstance(cause, redis.ResponseError):
            raise error
        self._fingerprints(client)
        name = type(cause).__name__
        self._spool.postpone(row, error=name, wait=REFUSED_WAITS)
        log.error("spooled sign-up refused", extra={"signup_id": row.id, "cause": name})


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
