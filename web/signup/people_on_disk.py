"""What this host's spool still has of people who ask for their data, or to be forgotten."""

from collections.abc import Sequence

import redis

from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.operations.people import SPOOLED, FoundSignup
from web.signup.draining import Drainer, make_drainer
from web.signup.spool import Spool, SpoolRow


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


def make_spooled_people(settings: Settings, client: "redis.Redis") -> SpooledPeople:
    """Return those of this host, whether or not its web runs."""
    spool = Spool(settings.spool_folder, limit=0, now=utc_now)
    return SpooledPeople(spool, make_drainer(settings, spool, client, lambda account: None))


def _found(row: SpoolRow) -> FoundSignup:
    return FoundSignup(row.id, row.account, row.checked().submission.form, SPOOLED, row.received_at)
