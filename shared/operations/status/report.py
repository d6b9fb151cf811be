"""What `relay status` and the API report: the ledger, spools, and tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis

from shared.accounts.account_services import make_account_summaries
from shared.accounts.account_summary import AccountSummaries
from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_vault import TokenVault
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.redis_server.server_inspection import refused_writes
from shared.ledger.spools import SpoolReport, not_empty
from shared.ledger.stores.registry import Registry
from shared.operations.operations import Operations
from shared.operations.status.document import StatusReport, document

# The key pauses for a moment after any 429. That is not worth a line.
WORTH_SHOWING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReader:
    """Reads the report. `look_here` looks at this host's disk. Raises `LedgerUnavailable`."""

    settings: Settings
    client: "redis.Redis"
    operations: Operations
    ledger: Ledger
    registry: Registry
    vault: TokenVault
    summaries: AccountSummaries
    look_here: Callable[[], list[SpoolReport]]

    def report(self) -> StatusReport:
        settings, now = self.settings, utc_now()
        # Spools first: a sign-up that drains in between is then counted twice rather than not at
        # all.
        spools = not_empty(self.operations.status.spools(), self.look_here())
        status, pace = self.operations.status, self.ledger.pace
        rest = pace.resting(settings.client_id)
        return StatusReport(
            at=now,
            accounts=status.figures(),
            organizations={each.name: each.organization for each in self.registry.accounts()},
            forms=status.forms(),
            spools=spools,
            requests_today=pace.today(settings.client_id),
            requests_per_day=settings.requests_per_day,
            rests_until=now + rest if rest >= WORTH_SHOWING else None,
            pulse=status.pulse(),
            in_jobs=sum(job.waiting for job in self.operations.retries.retry_jobs()),
            redis_problem=refused_writes(self.client),
            memory=ServerMemory(self.client).forecast(),
            records=status.records(),
        )

    def document(self) -> dict[str, Any]:
        """Return the report as scripts read it."""
        report = self.report()
        tokens = self.vault.stored_of(report.accounts)
        by_name = dict(zip(report.accounts, tokens, strict=True))
        return document(report, by_name, self.summaries.all())


def make_status_reader(
    settings: Settings,
    client: "redis.Redis",
    operations: Operations,
    look_here: Callable[[], list[SpoolReport]],
) -> StatusReader:
    return StatusReader(
        settings=settings,
        client=client,
        operations=operations,
        ledger=Ledger(client),
        registry=Registry(client),
        vault=make_vault(settings, client),
        summaries=make_account_summaries(settings, client),
        look_here=look_here,
    )
