"""What `relay status` reads: the ledger, this host's spool, and the tokens."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.runtime import CommandRuntime
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.redis_problem import RedisProblem
from shared.domain.retention import KeptRecords
from shared.infrastructure.timestamps import utc_now
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.redis_server.server_inspection import refused_writes
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.token_store import StoredTokens
from shared.ledger.values import Figures
from shared.operations.system_status import Pulse
from web.signup import spool_file

# The key pauses for a moment after any 429. That is not worth a line.
WORTH_SHOWING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What is known of all accounts and of what they share.

    `rests_until` is until when the API key is paused by a 429 or 503; None if it is not, or only
    for a moment. `organizations` has the accounts that are connected. `replaying` is how many dead
    letters wait in replays. `redis_problem` is why Redis accepts no writes; None when it does.
    `memory` is None if Redis does not tell.
    """

    at: datetime
    accounts: Mapping[str, Figures]
    organizations: Mapping[str, str | None]
    forms: Sequence[FormFigures]
    spools: tuple[SpoolReport, ...]
    requests_today: int
    requests_per_day: int
    rests_until: datetime | None
    pulse: Pulse
    replaying: int
    redis_problem: RedisProblem | None
    memory: MemoryForecast | None
    records: Sequence[KeptRecords]


def read_report(runtime: CommandRuntime) -> StatusReport:
    """Return the report; raises `LedgerUnavailable`."""
    settings, now = runtime.settings, utc_now()
    # Spools first: a sign-up that drains in between is then counted twice rather than not at all.
    spools = _spools(runtime)
    rest = runtime.ledger.pace.resting(settings.client_id)
    return StatusReport(
        at=now,
        accounts=runtime.operations.status.figures(),
        organizations={each.name: each.organization for each in runtime.registry.accounts()},
        forms=runtime.operations.status.forms(),
        spools=spools,
        requests_today=runtime.ledger.pace.used_today(settings.client_id),
        requests_per_day=settings.requests_per_day,
        rests_until=now + rest if rest >= WORTH_SHOWING else None,
        pulse=runtime.operations.status.pulse(),
        replaying=sum(replay.waiting for replay in runtime.operations.retries.replays()),
        redis_problem=refused_writes(runtime.client),
        memory=ServerMemory(runtime.client).forecast(),
        records=runtime.operations.status.records(),
    )


def _spools(runtime: CommandRuntime) -> tuple[SpoolReport, ...]:
    """Return every spool that is not empty: this host's as it is now, others as last reported."""
    reports = {report.id: report for report in runtime.operations.status.spools()}
    reports |= {report.id: report for report in _look_here(runtime)}
    return tuple(report for report in reports.values() if report.figures.count)


def spools_here(runtime: CommandRuntime) -> tuple[SpoolReport, ...]:
    """Return this host's spool, if it has one that is not empty."""
    return tuple(report for report in _look_here(runtime) if report.figures.count)


def _look_here(runtime: CommandRuntime) -> list[SpoolReport]:
    here = spool_file.peek(runtime.settings.spool_folder, utc_now())
    return [SpoolReport(here[0], socket.gethostname(), here[1], timedelta())] if here else []


def tokens(runtime: CommandRuntime, report: StatusReport) -> dict[str, StoredTokens | None]:
    """Return each account's tokens; None where there are none that can be used."""
    return dict(zip(report.accounts, runtime.vault.stored_of(report.accounts), strict=True))
