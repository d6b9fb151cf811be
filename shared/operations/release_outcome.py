"""What came of releasing an account: what its probe brought, and what follows. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.accounts.advice import Means, on_hold, why
from shared.domain.account import Hold, HoldReason, Release
from shared.domain.durations import short_minute
from shared.domain.phrases import clause, counted, sign_ups_wait
from shared.ledger.values import Figures


class ReleaseStage(StrEnum):
    """How far it is, by the kind of notice that says so."""

    FLOWS = "ok"
    UNDER_WAY = "waiting"
    HELD = "problem"


@dataclass(frozen=True, slots=True)
class ReleaseOutcome:
    """`is_over`: nothing more will come of it."""

    stage: ReleaseStage
    sentences: tuple[str, ...]
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """How an account is since its `release`. `last_delivery` may be from before."""

    release: Release
    figures: Figures
    last_delivery: datetime | None
    has_workers: bool
    now: datetime

    @property
    def due(self) -> int:
        return self.figures.due

    @property
    def delivered(self) -> int:
        return max(0, self.figures.delivered - self.release.delivered)

    @property
    def failed(self) -> int:
        return max(0, self.figures.dead - self.release.dead)

    @property
    def refused(self) -> list[Hold]:
        """The holds that are active since, or whose probe has failed since."""
        at = self.release.at
        return [
            hold
            for hold in self.figures.holds
            if hold.since > at or (hold.refused_at and hold.refused_at > at)
        ]

    def clock(self, moment: datetime) -> str:
        return short_minute(moment, self.now)


def outcome_of(since: Since, account: str, means: Means) -> ReleaseOutcome:
    """Return what came of the release; `means` says how the reader acts on it."""
    if refused := since.refused:
        return ReleaseOutcome(ReleaseStage.HELD, tuple(_still_held(since, refused, account, means)))
    if since.figures.holds:
        return ReleaseOutcome(ReleaseStage.UNDER_WAY, tuple(_probing(since)))
    return _flowing(since)


def _still_held(since: Since, refused: Sequence[Hold], account: str, means: Means) -> Iterator[str]:
    for hold in refused:
        yield _refusal(since, hold)
        yield on_hold(hold, account, means)
    if since.due:
        yield f"{sign_ups_wait(since.due)}, and none is lost."


def _refusal(since: Since, hold: Hold) -> str:
    """Return which hold stands in the way since the release, and why."""
    begun = since.clock(since.release.at)
    said = f" ({clause(hold.note)})" if hold.note else ""
    if hold.reason == HoldReason.PAUSED:
        by = f" {hold.by}" if hold.by else " an operator"
        return f"Released at {begun}. At {since.clock(hold.since)},{by} paused it again{said}."
    at = since.clock(hold.refused_at or hold.since)
    state = "is back" if hold.since > since.release.at else "stays"
    return (
        f"Released at {begun}, and refused again at {at}: {clause(why(hold))}{said}. The hold"
        f" {hold.reason} {state}."
    )


def _probing(since: Since) -> Iterator[str]:
    reasons = " and ".join(str(hold.reason) for hold in since.figures.holds)
    begun = f"Released at {since.clock(since.release.at)}."
    if not since.due:
        yield f"{begun} No sign-up waits that could show whether the cause of {reasons} is gone."
        yield "The next one that comes will."
    elif not since.has_workers:
        yield f"{begun} {_NO_WORKER}"
    else:
        yield f"{begun} One sign-up is sent now, to see whether the cause of {reasons} is gone."


_NO_WORKER = "No worker is alive, so nothing is sent yet. Start one with: relay worker"


def _flowing(since: Since) -> ReleaseOutcome:
    """Return what is sent since, when no hold is left."""
    begun = f"Released at {since.clock(since.release.at)}, and no hold is left."
    if not since.due:
        told = _sent(since) or ["Nothing waited."]
        return ReleaseOutcome(ReleaseStage.FLOWS, (begun, *told), is_over=True)
    if not since.has_workers:
        return ReleaseOutcome(ReleaseStage.UNDER_WAY, (begun, _NO_WORKER))
    if sent := _sent(since):
        follow = "1 follows." if since.due == 1 else f"{since.due:,} follow, oldest first."
        return ReleaseOutcome(ReleaseStage.FLOWS, (begun, *sent, follow))
    sent_now = f"{'is' if since.due == 1 else 'are'} sent now, oldest first."
    return ReleaseOutcome(
        ReleaseStage.UNDER_WAY, (begun, f"{sign_ups_wait(since.due)} and {sent_now}")
    )


def _sent(since: Since) -> list[str]:
    """Return what became of those that were sent since."""
    told = []
    if since.delivered:
        verb = "was" if since.delivered == 1 else "were"
        told.append(f"{counted(since.delivered, 'sign-up')} {verb} delivered since{_last(since)}.")
    if since.failed:
        told.append(f"{counted(since.failed, 'sign-up')} failed since.")
    return told


def _last(since: Since) -> str:
    if since.last_delivery is None or since.last_delivery < since.release.at:
        return ""
    return f", the last at {since.clock(since.last_delivery)}"
