"""The checks of what runs and of the settings: workers, beat, alerts, keys, waiting sign-ups.

Pure: what was seen in, a `Check` out. shared/doctor/installation.py and accounts.py look.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path

from shared.domain.account import Hold
from shared.domain.check import Check, advice, ok, problem, unknown
from shared.domain.durations import in_words
from shared.ledger.server_inspection import Overdue
from shared.ledger.spools import SpoolReport
from shared.operations.operations import LIVE_WITHIN
from shared.operations.secret_rotation import Survey

# Workers look every three seconds; a retry of someone else's, or a turn, takes less than this.
MAY_WAIT = timedelta(minutes=5)


def settings(sentences: Sequence[str]) -> Check:
    """Judge the settings by what `Settings.advice` says of them."""
    name, title = "settings", "The settings"
    if not sentences:
        return ok(name, title, "All are in order.")
    return advice(name, title, "They work.", " ".join(f"{sentence}." for sentence in sentences))


def secret_key(survey: Survey, *, several: bool) -> Check:
    """Judge whether RELAY_SECRET_KEY opens what is stored; `several` says that it has more than
    one key, as while one is being changed."""
    name, title = "secret_key", "RELAY_SECRET_KEY opens what is stored"
    if survey.unopened:
        return problem(
            name,
            title,
            f"It does not open: {', '.join(survey.unopened)}.",
            "Put the key back that was used before, after a comma where a new one comes first; then"
            " restart every process.",
        )
    if survey.with_later:
        return advice(
            name,
            title,
            f"{survey.with_later} of {survey.with_first + survey.with_later} secrets are still"
            " sealed with an older key.",
            "Once all processes run with the new one first: relay rotate-secrets",
        )
    if several:
        return advice(
            name,
            title,
            "All is sealed with its first key.",
            "Once all processes run with that one first, take the others out.",
        )
    return ok(name, title, "It does." if survey.with_first else "Nothing is sealed yet.")


def workers(ages: Collection[timedelta]) -> Check:
    """Judge the workers by how long ago each was last seen."""
    name, title = "workers", "Workers are alive"
    live = sum(age <= LIVE_WITHIN for age in ages)
    if live:
        return ok(name, title, f"{live} seen in the last seconds.")
    last = f" The last was seen {in_words(min(ages))} ago." if ages else ""
    return problem(
        name, title, f"None is, so nothing is delivered.{last}", "Start one with: relay worker"
    )


def beat(ages: Collection[timedelta]) -> Check:
    """Judge beat by how long ago each of its processes last ticked."""
    name, title = "beat", "Beat is alive"
    age = min(ages, default=None)
    if age is not None and age <= LIVE_WITHIN:
        return ok(name, title, f"It ticked {in_words(age)} ago.")
    last = "It never ticked" if age is None else f"It last ticked {in_words(age)} ago"
    return problem(
        name,
        title,
        f"{last}, so nothing keeps the tokens of quiet accounts fresh.",
        "Start it with: relay beat",
    )


def alerts(services: int) -> Check:
    name, title = "alerts", "Alerts"
    if services:
        return ok(
            name, title, f"{services} service{'' if services == 1 else 's'} to tell of troubles."
        )
    return advice(
        name,
        title,
        "Nobody is told of troubles: a connection that ends is seen only by whoever looks.",
        "Set RELAY_ALERTS, as docs/settings.md says, and try it with: relay alerts test",
    )


def spool(folder: Path, *, wanted: bool, writable: bool, damaged: Sequence[Path]) -> Check:
    """Judge where web of this host keeps sign-ups while Redis is away; `wanted` unless turned off,
    `damaged` what was set aside."""
    name, title = "spool", "Web's disk stands in for Redis"
    if damaged:
        return problem(
            name,
            title,
            f"Sign-ups were in a file that is damaged: {', '.join(map(str, damaged))}.",
            "Save them with sqlite3 sign-ups.sqlite3 .recover, then move the folder elsewhere.",
        )
    if not wanted:
        return ok(name, title, "Turned off: while Redis is away, visitors get 503.")
    if not writable:
        return advice(
            name,
            title,
            f"This process cannot write to {folder}; if web cannot either, visitors get 503 while"
            " Redis is away.",
            "Where web runs, let its user write to RELAY_DATA_DIR.",
        )
    return ok(name, title, f"In {folder}.")


def spooled(reports: Sequence[SpoolReport]) -> Check:
    """Judge what waits on the disks of web hosts, which empty themselves once Redis is there."""
    name, title = "spooled", "Nothing waits on web's disks"
    if not reports:
        return ok(name, title, "Nothing does.")
    waits = "; ".join(
        f"{report.figures.count} sign-ups on {report.host}, seen {in_words(report.seen)} ago"
        for report in reports
    )
    if all(report.seen < MAY_WAIT and not report.figures.refused for report in reports):
        return ok(name, title, f"Being handed over: {waits}.")
    return problem(
        name,
        title,
        f"Not handed over: {waits}.",
        "Start web on that host, with its RELAY_DATA_DIR, and look what it logs.",
    )


def waiting(overdue: Overdue, holds: Sequence[Hold], *, account: str) -> Check:
    """Judge whether a sign-up waits that nothing explains."""
    name, title = "waiting", "Sign-ups flow"
    since = overdue.since
    if since is None:
        return ok(name, title, "None waits that could be sent now.", account=account)
    waits = f"One has been due for {in_words(since)}"
    if holds:
        reasons = ", ".join(hold.reason for hold in holds)
        return ok(
            name, title, f"{waits}, and goes when the hold ({reasons}) ends.", account=account
        )
    if overdue.rest > timedelta():
        rest = in_words(overdue.rest)
        found = f"{waits}; Constant Contact asked to be left alone for {rest} more."
        return ok(name, title, found, account=account)
    if since < MAY_WAIT or (overdue.delivered is not None and overdue.delivered < MAY_WAIT):
        return ok(name, title, f"{waits}; others are being sent.", account=account)
    return problem(
        name,
        title,
        f"{waits}, no hold explains it, and nothing has been sent meanwhile.",
        "Look whether a worker runs, and what it logs. Nothing is lost: it is sent when one does.",
        account=account,
    )


def accounts(count: int) -> Check:
    name, title = "accounts", "Accounts"
    if count:
        return ok(name, title, f"{count} known.")
    return unknown(
        name, title, "None is connected yet.", "Begin at /console/connect, or: relay connect NAME"
    )
