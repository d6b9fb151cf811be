"""`relay status`: the numbers of sign-ups in each state, holds, tokens, and live processes."""

import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import counted, duration, for_people, printable
from shared.accounts import advice
from shared.accounts.account_summary import AccountSummary
from shared.constant_contact.token_vault import Token, TokenVault
from shared.domain.account import Hold
from shared.domain.errors import LedgerUnavailable, NotConnected
from shared.infrastructure.timestamps import timestamp, utc_now
from shared.ledger.spools import SpoolReport
from shared.ledger.values import Figures
from web.signup import spool_file

# The key pauses for a moment after any 429. That is not worth a line.
WORTH_SHOWING = timedelta(seconds=5)


@click.command()
@pass_runtime
def status(runtime: CommandRuntime) -> None:
    """Show all sign-ups by state, holds, tokens, quota and workers."""
    try:
        # In this order, a sign-up that drains in between is counted twice rather than not at all.
        spools = _spools(runtime)
        figures = runtime.operations.figures()
    except LedgerUnavailable:
        _show_this_hosts_spool(runtime)
        raise
    if runtime.output.as_json:
        runtime.output.json(_document(runtime, figures, spools))
    else:
        _print(runtime, figures, spools)


def _token(vault: TokenVault, account: str) -> Token | None:
    try:
        return vault.current(account)
    except NotConnected:
        return None


def _document(
    runtime: CommandRuntime, figures: Mapping[str, Figures], spools: Sequence[SpoolReport]
) -> dict[str, Any]:
    vault = runtime.vault
    organizations = {account.name: account.organization for account in runtime.registry.accounts()}
    pulse = runtime.operations.pulse()
    rests_until = _rests_until(runtime)
    return {
        "accounts": [
            {
                "name": name,
                "organization": organizations.get(name),
                **_counts(account),
                "oldest_due_seconds": _seconds(account.oldest_due),
                "hold": _hold(account.holds[0]) if account.holds else None,
                "holds": [_hold(hold) for hold in account.holds],
                "token": _token_document(_token(vault, name)),
            }
            for name, account in figures.items()
        ],
        "quota": {
            "used": runtime.ledger.pace.used_today(runtime.settings.client_id),
            "limit": runtime.settings.requests_per_day,
            "resets_at": timestamp(_next_midnight(utc_now())),
            "rests_until": timestamp(rests_until) if rests_until else None,
        },
        **_spools_document(spools),
        "workers": pulse.workers,
        "beat_age_seconds": _seconds(pulse.beat_age),
    }


def _counts(figures: Figures) -> dict[str, int]:
    names = ("accepted", "due", "delivered", "dead", "discarded", "quarantined")
    return {name: getattr(figures, name) for name in names}


def _hold(hold: Hold) -> dict[str, str | None]:
    return {
        "reason": hold.reason,
        "since": timestamp(hold.since),
        "until": timestamp(hold.until),
        "probe_at": timestamp(hold.probe_at),
        "by": hold.by or None,
        "note": hold.note or None,
    }


def _token_document(token: Token | None) -> dict[str, Any] | None:
    if token is None:
        return None
    return {
        "expires_at": timestamp(token.expires_at),
        "refreshed_at": timestamp(token.received_at),
        "scopes": None if token.scopes is None else sorted(token.scopes),
    }


def _spools(runtime: CommandRuntime) -> list[SpoolReport]:
    """Return every spool that is not empty: this host's as it is now, others as last reported."""
    reports = {report.id: report for report in runtime.operations.spools()}
    reports |= {report.id: report for report in _spool_here(runtime)}
    return [report for report in reports.values() if report.figures.count]


def _spool_here(runtime: CommandRuntime) -> list[SpoolReport]:
    """Return this host's spool, if it has one."""
    here = spool_file.peek(runtime.settings.spool_folder, utc_now())
    return [SpoolReport(here[0], socket.gethostname(), here[1], timedelta())] if here else []


def _spools_document(spools: Sequence[SpoolReport]) -> dict[str, Any]:
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


def _next_midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def _print(
    runtime: CommandRuntime, figures: Mapping[str, Figures], spools: Sequence[SpoolReport]
) -> None:
    out = runtime.output
    summaries = {summary.account.name: summary for summary in runtime.summaries.all()}
    if not figures:
        out.say("No account is connected yet. Begin with: relay connect NAME")
    else:
        out.table(
            ["account", *_counts(Figures()), "oldest due", "hold", "token valid until"],
            [
                [
                    name,
                    *_counts(account).values(),
                    duration(account.oldest_due),
                    ", ".join(hold.reason for hold in account.holds) or None,
                    _token_shown(summaries.get(name)),
                ]
                for name, account in figures.items()
            ],
        )
    for name, account in figures.items():
        for problem in advice.on_account(name, account.holds, summaries.get(name)):
            out.say(printable(f"\n{problem}"))
    _print_engine(runtime, figures, spools)


def _show_this_hosts_spool(runtime: CommandRuntime) -> None:
    """Show what this host's disk has, while Redis does not answer."""
    spools = [report for report in _spool_here(runtime) if report.figures.count]
    runtime.output.json(
        {
            **dict.fromkeys(("accounts", "quota", "workers", "beat_age_seconds")),
            **_spools_document(spools),
        }
    )
    for report in spools:
        count = counted(report.figures.count, "sign-up")
        runtime.output.warn(
            f"{count} on this host's disk. Nothing is lost: web hands it over when Redis is back"
        )


def _rests_until(runtime: CommandRuntime) -> datetime | None:
    """Return until when the API key is paused by a 429 or 503; None if only for a moment."""
    rest = runtime.ledger.pace.resting(runtime.settings.client_id)
    return utc_now() + rest if rest >= WORTH_SHOWING else None


def _print_spools(runtime: CommandRuntime, spools: Sequence[SpoolReport]) -> None:
    for report in spools:
        figures = report.figures
        runtime.output.say(
            printable(
                f"On the disk of {report.host}: {counted(figures.count, 'sign-up')}, not counted"
                f" above yet. The oldest has waited {duration(figures.oldest)}"
                f" (reported {duration(report.seen)} ago)."
            )
        )
        if figures.refused:
            runtime.output.say(
                f"{figures.refused:,} of them could not be handed over. Web retries every minute;"
                " its log has the cause."
            )


def _token_shown(summary: AccountSummary | None) -> str | None:
    """Return until when the token is valid, or why there is none."""
    return (for_people(summary.expires_at) or str(summary.status)) if summary else None


def _print_engine(
    runtime: CommandRuntime, figures: Mapping[str, Figures], spools: Sequence[SpoolReport]
) -> None:
    out, settings = runtime.output, runtime.settings
    pulse = runtime.operations.pulse()
    used = runtime.ledger.pace.used_today(settings.client_id)
    beat = f"{duration(pulse.beat_age)} ago" if pulse.beat_age is not None else "never"
    out.say(f"\nRequests today: {used:,} of {settings.requests_per_day:,} (until 00:00 UTC)")
    if rests_until := _rests_until(runtime):
        out.say(
            f"Rate limited by Constant Contact. Deliveries resume at {for_people(rests_until)}."
        )
    _print_spools(runtime, spools)
    out.say(f"Workers alive: {pulse.workers}. Last beat: {beat}.")
    if not pulse.workers:
        out.say("No worker is alive, so sign-ups wait. Start one with: relay worker")
    if dead := sum(account.dead for account in figures.values()):
        out.say(f"Dead letters: {dead:,}. See them with: relay failed list")
