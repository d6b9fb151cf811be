"""The checks of the processes: workers, beat, and the sign-ups that web hosts keep on disk."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from shared.domain.check import Check, CheckSubject
from shared.domain.durations import in_words
from shared.domain.phrases import counted
from shared.ledger.spools import SpoolReport
from shared.operations.system_status import LIVE_WITHIN

# A web host reports its spool every few seconds, and empties it as soon as Redis answers.
REPORT_MAY_BE_LATE = timedelta(minutes=5)

WORKERS = CheckSubject("workers", "Workers are alive")
BEAT = CheckSubject("beat", "Beat is alive")
SPOOLED = CheckSubject("spooled", "No sign-ups wait on web's disks")


def workers(last_seen: Callable[[], Mapping[str, timedelta]]) -> Check:
    """Check that a worker lives, by how long ago each one was last seen."""
    ages = last_seen().values()
    live = sum(age <= LIVE_WITHIN for age in ages)
    if live:
        return WORKERS.ok(f"{live} reported in the last seconds.")
    last = f" The last one was seen {in_words(min(ages))} ago." if ages else ""
    return WORKERS.problem(
        f"No worker is alive, so nothing is delivered.{last}", "Start one with: relay worker"
    )


def beat(last_seen: Callable[[], Mapping[str, timedelta]]) -> Check:
    """Check that beat lives, by how long ago each of its processes last ticked."""
    age = min(last_seen().values(), default=None)
    if age is not None and age <= LIVE_WITHIN:
        return BEAT.ok(f"It ticked {in_words(age)} ago.")
    last = "Beat never ticked" if age is None else f"Beat last ticked {in_words(age)} ago"
    return BEAT.problem(
        f"{last}, so nothing refreshes the tokens of quiet accounts.", "Start it with: relay beat"
    )


def spooled(read: Callable[[], Sequence[SpoolReport]]) -> Check:
    """Check the spools of all web hosts, which empty themselves while Redis answers."""
    reports = read()
    if not reports:
        return SPOOLED.ok("No sign-up waits there.")
    waiting = "; ".join(
        f"{counted(report.figures.count, 'sign-up')} on {report.host},"
        f" seen {in_words(report.seen)} ago"
        for report in reports
    )
    if all(report.seen < REPORT_MAY_BE_LATE and not report.figures.refused for report in reports):
        return SPOOLED.ok(f"Web is moving them to Redis: {waiting}.")
    return SPOOLED.problem(
        f"They do not reach Redis: {waiting}.",
        "Start web on that host with its RELAY_DATA_DIR, and read its log.",
    )
