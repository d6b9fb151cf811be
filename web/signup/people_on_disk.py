"""What this host's spool still has of people who ask for their data, or to be forgotten."""

import socket
import time
from collections.abc import Callable, Sequence

import redis

from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.operations.people import SPOOLED, FoundSignup
from web.signup.draining import Drainer
from web.signup.spool import Spool
from web.signup.spool_entry import Row


class SpooledPeople:
    """Finds and erases. Raises `LedgerUnavailable`, of which `SpoolRefused` is one kind."""

    def __init__(self, spool: Spool, drainer: Drainer) -> None:
        self._spool = spool
        self._drainer = drainer

    def find(self, compared: Sequence[str]) -> list[FoundSignup]:
        rows = self._spool.of_people(compared) if self._spool.exists() else []
        return [_found(row) for row in rows]

    def find_id(self, id: str) -> FoundSignup | None:
        row = self._spool.of_id(id) if self._spool.exists() else None
        return _found(row) if row else None

    def erase(self, compared: Sequence[str]) -> int:
        return self._drainer.erase(compared) if self._spool.exists() else 0


def make_drainer(
    settings: Settings,
    spool: Spool,
    client: "redis.Redis",
    notify_workers: Callable[[str], None],
) -> Drainer:
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


def make_spooled_people(settings: Settings, client: "redis.Redis") -> SpooledPeople:
    """Return those of this host, whether or not its web runs."""
    spool = Spool(settings.spool_folder, limit=0, now=utc_now)
    return SpooledPeople(spool, make_drainer(settings, spool, client, lambda account: None))


def _found(row: Row) -> FoundSignup:
    return FoundSignup(row.id, row.account, row.entry().submission.form, SPOOLED, row.received_at)
