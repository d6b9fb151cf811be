"""Draining: handing the spool's sign-ups over to the ledger once Redis is back.

In the order received, at a pace that leaves visitors their share. A sign-up leaves the disk only
when the ledger has it. If the process is killed in between, the sign-up is handed over again, and
`accept` recognises it.
"""

import contextlib
import fcntl
import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import redis

from shared.domain.errors import KeyReused, LedgerUnavailable, Refused
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import RateLimit, Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.durability import reached_disk
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.redis_problems import concerns_everything
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from shared.ledger.values import Accepted
from web.signup.spool import Spool, SpoolRow

log = logging.getLogger(__name__)

LOCK_NAME = "spool.lock"
# With `appendfsync everysec`, each wait for Redis' disk takes up to a second, so about 200 a
# second are drained: a full spool of 64 MiB takes minutes.
BATCH = 200
PAUSE = timedelta(seconds=0.05)
# How long to wait while Redis is away, while another process drains, and while only refused
# entries are left.
POLL_EVERY = timedelta(seconds=1)
# How long to wait before offering a refused sign-up again; it does not block the others.
REFUSED_WAIT = timedelta(minutes=1)


class Drainer:
    """Drains `spool` on a thread of its own while it holds any sign-up.

    `client` may have long timeouts, as no visitor waits. `fingerprints` reads and writes Redis,
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
        person_limit: RateLimit | None,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        """The process that drains locks a file in `folder`."""
        self._spool = spool
        self._client = client
        self._lock_path = folder / LOCK_NAME
        self._host = host
        self._fingerprints = fingerprints
        self._notify_workers = notify_workers
        self._person_limit = person_limit
        self._now = now
        self._sleep = sleep
        self._waking = threading.Lock()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self._logged_cause = ""

    def wake(self) -> None:
        """Have the spool drained. Returns at once."""
        with self._waking:
            self._wanted = True
            if self._thread is None:
                # Not made before, so that it is made in the process that serves visitors.
                self._thread = threading.Thread(target=self._run, name="drainer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._goes_on():
            pause = self.drain_some()
            while pause is not None:
                self._sleep(pause.total_seconds())
                pause = self.drain_some()

    def _goes_on(self) -> bool:
        """Whether the drainer was woken since the last call. If not, its thread ends."""
        with self._waking:
            goes_on, self._wanted = self._wanted, False
            if not goes_on:
                self._thread = None
            return goes_on

    def drain_some(self) -> timedelta | None:
        """Hand over the next batch. Return when to go on; None if nothing is left. Never fails."""
        try:
            with self._locked() as locked:
                pause = self._hand_over_batch() if locked else POLL_EVERY
        except (LedgerUnavailable, Refused) as error:
            self._log_once(str(error))
            return POLL_EVERY
        except Exception as error:  # noqa: BLE001 - any error: the sign-ups stay on the disk
            self._log_once(type(error).__name__)
            return POLL_EVERY
        self._logged_cause = ""
        return pause

    def _log_once(self, cause: str) -> None:
        """Log why nothing is drained, once for each cause and not every second."""
        if cause != self._logged_cause:
            self._logged_cause = cause
            log.warning("sign-ups wait on the disk", extra={"cause": cause})

    @contextlib.contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether this process may drain now. Two at once would mix up the order."""
        handle = os.open(self._lock_path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            yield _lock(handle)
        finally:
            os.close(handle)

    def _hand_over_batch(self) -> timedelta | None:
        rows = self._spool.first(BATCH)
        # WAITAOF waits for the writes of its own connection, so all use this one.
        with redis_errors_translated(), self._client.client() as one:  # type: ignore[no-untyped-call]
            try:
                if rows:
                    self._hand_over(rows, one)
            finally:  # `relay status` must show above all what cannot be handed over
                left = self._note_figures(Ledger(one))
        if not left:
            return None
        return PAUSE if rows else POLL_EVERY

    def _note_figures(self, ledger: Ledger) -> int:
        """Tell `relay status` what the spool has now. Return how many sign-ups that are."""
        figures = self._spool.figures()
        ledger.spools.note(self._spool.identity(), self._host, figures)
        return figures.count

    def _hand_over(self, rows: list[SpoolRow], client: "redis.Redis") -> None:
        """Have the ledger accept the sign-ups, then delete them here.

        Raises `LedgerUnavailable` or `Refused` when the ledger accepts none.
        """
        ledger, fingerprints = Ledger(client), self._fingerprints(client)
        handed_over = []
        for row in rows:
            try:
                accepted = self._accept(row, ledger, fingerprints)
            except Exception as error:  # noqa: BLE001 - one sign-up must not block the others
                self._postpone(row, error, client)
                continue
            handed_over.append(row)
            if accepted.notify_workers:
                self._notify_workers(row.account)
        if not reached_disk(client):
            raise LedgerUnavailable("drained sign-ups did not reach Redis' disk in time")
        self._spool.remove(handed_over)

    def erase(self, compared: Sequence[str]) -> int:
        """Erase what this host still has of people, by their addresses in the form for comparing.

        The ledger must know already that they were erased; it counts these sign-ups as discarded.
        Returns how many there were, without those that the ledger had already. Raises
        `LedgerUnavailable` and `SpoolRefused`.
        """
        while True:
            with self._locked() as locked:
                if locked:
                    return self._erase(self._spool.of_people(compared))
            self._sleep(PAUSE.total_seconds())  # another process drains

    def _erase(self, rows: list[SpoolRow]) -> int:
        ledger, fingerprints = Ledger(self._client), self._fingerprints(self._client)
        known = sum(self._ledger_has(row, ledger, fingerprints) for row in rows)
        self._spool.erase(rows)
        if rows:  # web may not run
            self._note_figures(ledger)
        return len(rows) - known

    def _ledger_has(self, row: SpoolRow, ledger: Ledger, fingerprints: Fingerprints) -> bool:
        """Have a sign-up that is to be erased counted. Return whether it was already."""
        try:
            return self._accept(row, ledger, fingerprints).duplicate
        except LedgerUnavailable as error:
            if concerns_everything(error.__cause__ or error):
                raise
        except Exception as error:  # noqa: BLE001 - what the ledger cannot count goes, too
            log.warning("erased without being counted", extra={"cause": type(error).__name__})
        return False

    def _accept(self, row: SpoolRow, ledger: Ledger, fingerprints: Fingerprints) -> Accepted:
        signup = row.checked()
        accept = functools.partial(
            ledger.accept,
            signup.submission,
            person=signup.person(fingerprints),
            digest=signup.content(fingerprints),
            visitor=None,
            limit=None,
            person_limit=self._person_limit,
            waited=max(timedelta(), self._now() - row.received_at),
        )
        try:
            return accept(idempotency_key=signup.key(fingerprints))
        except KeyReused:
            # Other content came with this key meanwhile. This visitor was told "received", so
            # accept the sign-up without its key.
            return accept(idempotency_key=None)

    def _postpone(self, row: SpoolRow, error: Exception, client: "redis.Redis") -> None:
        """Offer the sign-up again later. Raise instead if Redis accepts no sign-up at all."""
        cause = error.__cause__ or error
        if isinstance(error, LedgerUnavailable) and concerns_everything(cause):
            raise error
        self._fingerprints(client)
        why = str(error) if isinstance(error, LedgerUnavailable) else type(cause).__name__
        self._spool.postpone(row, error=why, wait=REFUSED_WAIT)
        log.error(
            "spooled sign-up refused",
            extra={"signup": row.id, "account": row.account, "cause": why},
        )


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_drainer(
    settings: Settings,
    spool: Spool,
    client: "redis.Redis",
    notify_workers: Callable[[str], None],
) -> Drainer:
    """Return the drainer of this host's spool."""
    sealer = Sealer(settings.secret_keys)
    return Drainer(
        spool,
        client,
        folder=settings.data_dir,
        host=socket.gethostname(),
        fingerprints=lambda client: load_fingerprints(client, sealer),
        notify_workers=notify_workers,
        person_limit=settings.person_limit,
        now=utc_now,
        sleep=time.sleep,
    )
