"""The report, and how scripts read it: what `relay status --json` prints. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.accounts.account_summary import AccountSummary
from shared.domain.account import Hold
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.quota_forecast import next_midnight
from shared.domain.redis_problem import RedisProblem
from shared.domain.requests_today import RequestsToday
from shared.domain.retention import KeptRecords
from shared.domain.totals import COUNTS
from shared.infrastructure.timestamps import timestamp
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.token_store import StoredTokens
from shared.ledger.values import Figures
from shared.operations.balance import Balance, balance_of
from shared.operations.system_status import Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What is known of all accounts and of what they share.

    `rests_until` is until when the API key is paused by a 429 or 503; None if it is not, or only
    for a moment. `organizations` has the accounts that are connected. `in_jobs` is how many dead
    letters wait in jobs. `redis_problem` is why Redis accepts no writes; None when it does.
    `memory` is None if Redis does not tell.
    """

    at: datetime
    accounts: Mapping[str, Figures]
    organizations: Mapping[str, str | None]
    forms: Sequence[FormFigures]
    spools: tuple[SpoolReport, ...]
    requests_today: RequestsToday
    requests_per_day: int
    rests_until: datetime | None
    pulse: Pulse
    in_jobs: int
    redis_problem: RedisProblem | None
    memory: MemoryForecast | None
    records: Sequence[KeptRecords]

    @property
    def balance(self) -> Balance:
        return balance_of(self.accounts, sum(report.figures.count for report in self.spools))


def document(
    report: StatusReport,
    tokens: Mapping[str, StoredTokens | None],
    summaries: Iterable[AccountSummary],
) -> dict[str, Any]:
    by_name = {summary.account.name: summary for summary in summaries}
    return {
        "balance": _balance_document(report.balance),
        "accounts": [
            {
                "name": name,
                "organization": report.organizations.get(name),
                **_figures_document(figures),
                "token": _token_document(tokens[name]),
                **_connection_document(by_name.get(name)),
            }
            for name, figures in report.accounts.items()
        ],
        "forms": [_form_document(figures) for figures in report.forms],
        "quota": {
            "used": report.requests_today.made,
            "limit": report.requests_per_day,
            "resets_at": timestamp(next_midnight(report.at)),
            "rests_until": timestamp(report.rests_until),
        },
        **spools_document(report.spools),
        "workers": report.pulse.workers,
        "beat_age_seconds": _seconds(report.pulse.beat_age),
        "redis_problem": str(report.redis_problem) if report.redis_problem else None,
        "memory": _memory_document(report.memory),
        "retention": {each.name: _records_document(each) for each in report.records},
    }


def _balance_document(balance: Balance) -> dict[str, Any]:
    """Return the sums over all accounts; `uneven` names those whose counts do not add up."""
    return {**asdict(balance.totals), "uneven": list(balance.uneven)}


def _figures_document(figures: Figures) -> dict[str, Any]:
    return {
        **{name: getattr(figures, name) for name in COUNTS},
        "oldest_due_seconds": _seconds(figures.oldest_due),
        **holds_document(figures.holds),
    }


def holds_document(holds: Sequence[Hold]) -> dict[str, Any]:
    """Return an account's holds, the gravest first and once more alone."""
    documents = [_hold_document(hold) for hold in holds]
    return {"hold": documents[0] if documents else None, "holds": documents}


def _form_document(figures: FormFigures) -> dict[str, Any]:
    return {
        "name": figures.form.name,
        "account": figures.form.account,
        "accepted": figures.accepted,
        "quarantined": figures.quarantined,
        "refused": figures.refused,
    }


def _connection_document(summary: AccountSummary | None) -> dict[str, Any]:
    """Return the state of the connection; `works_until` is when it will end, if that is known.
    `sandbox` says that its sign-ups go to a stand-in for Constant Contact."""
    end = summary.end if summary else None
    return {
        "connection": str(summary.status) if summary else None,
        "works_until": timestamp(end.at) if end else None,
        "sandbox": summary.is_sandbox if summary else None,
    }


def _hold_document(hold: Hold) -> dict[str, str | None]:
    return {
        "reason": hold.reason,
        "since": timestamp(hold.since),
        "until": timestamp(hold.until),
        "probe_at": timestamp(hold.probe_at),
        "by": hold.by or None,
        "note": hold.note or None,
    }


def _token_document(token: StoredTokens | None) -> dict[str, Any] | None:
    if token is None:
        return None
    return {
        "expires_at": timestamp(token.expires_at),
        "refreshed_at": timestamp(token.received_at),
        "scopes": None if token.scopes is None else sorted(token.scopes),
    }


def _memory_document(memory: MemoryForecast | None) -> dict[str, Any] | None:
    """Return bytes. `limit` is maxmemory, or the machine's memory if Redis has no limit."""
    if memory is None:
        return None
    return {
        "used": memory.used,
        "limit": memory.limit,
        "limited": memory.limited,
        "growth_per_day": None if memory.growth is None else round(memory.growth),
        "full_in_seconds": _seconds(memory.full_in),
    }


def _records_document(records: KeptRecords) -> dict[str, Any]:
    """Return what is kept; `since` is from when its retention counts."""
    return {
        "kept_seconds": _seconds(records.kept_for),
        "since": timestamp(records.since),
        "records": records.count,
        "next_at": timestamp(records.next_at),
        "within_a_day": records.within_a_day,
    }


def spools_document(spools: Sequence[SpoolReport]) -> dict[str, Any]:
    """Return the two keys for sign-ups that are on the disks of web hosts."""
    return {
        "spooled": sum(report.figures.count for report in spools),
        "spools": [_spool_document(report) for report in spools],
    }


def _spool_document(report: SpoolReport) -> dict[str, Any]:
    return {
        "host": report.host,
        "count": report.figures.count,
        "bytes": report.figures.bytes,
        "refused": report.figures.refused,
        "oldest_seconds": _seconds(report.figures.oldest),
        "seen_seconds": _seconds(report.seen),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)
