"""Whether the day's calls of an API key last until midnight, at the pace of now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from shared.domain.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaForecast:
    """`runs_out_at` is when the last call of the day is used; None if some are left at
    midnight. Then `left` is how many; else `waiting` is how many sign-ups wait until then."""

    runs_out_at: datetime | None = None
    waiting: int = 0
    left: int = 0

    @property
    def sentence(self) -> str:
        """Return what the forecast means, for people."""
        if self.runs_out_at is None:
            return f"At this pace about {_about(self.left)} are left at 00:00 UTC."
        return (
            f"At this pace today's requests run out at {self.runs_out_at:%H:%M} UTC; about"
            f" {_about(self.waiting)} will wait until 00:00 UTC."
        )


def next_midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def arriving_per_second(hour: Counts, today: Mapping[str, Counts]) -> dict[str, float]:
    """Return how many sign-ups come in a second for each API key: those of the last `hour`, split
    as those of `today` are."""
    to_send = {key: _to_send(counts) for key, counts in today.items()}
    each = _to_send(hour) / (3600 * max(1, sum(to_send.values())))
    return {key: each * count for key, count in to_send.items()}


def _to_send(counts: Counts) -> int:
    return counts.accepted - counts.quarantined


def forecast_quota(
    *, left: int, due: int, arriving: float, per_second: float, now: datetime
) -> QuotaForecast | None:
    """Return what becomes of the calls that are `left` of the UTC day.

    `due` sign-ups wait for no other reason, `arriving` more come each second, and `per_second` can
    be sent. A sign-up takes one call; the few that are retried do not count. None if nothing is
    due, nothing comes, or no call is left.
    """
    if left <= 0 or (due <= 0 and arriving <= 0):
        return None
    midnight = next_midnight(now)
    seconds = (midnight - now).total_seconds()
    wanted = due + arriving * seconds
    sent = min(wanted, per_second * seconds)
    if sent <= left:
        return QuotaForecast(left=round(left - sent))
    until = timedelta(seconds=_seconds_for(left, due, arriving, per_second))
    return QuotaForecast(runs_out_at=now + until, waiting=round(wanted - left))


def _seconds_for(calls: int, due: int, arriving: float, per_second: float) -> float:
    """Return how long so many calls take: at full pace while anything waits, then as sign-ups
    come."""
    at_full_pace = calls / per_second
    if arriving >= per_second or due + arriving * at_full_pace >= calls:
        return at_full_pace
    return (calls - due) / arriving


def _about(count: int) -> str:
    """Return the number with its first two digits, as nobody knows the others."""
    digits = max(0, len(str(count)) - 2)
    return f"{round(count, -digits):,}"
