"""Jobs: what they do with many sign-ups, and at what pace they send dead letters again, or deliver
quarantined sign-ups anyway.

Pure: how much of its API key's rate and day a job may use, and how long it takes. Stored keys,
routes and some commands call a job that retries a replay.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.quota_forecast import next_midnight

# From this many dead letters on, a retry is a job. Fewer become due at once.
LARGE = 100
# The share of an API key's rate that all its sending jobs use, and the share of its day that they
# leave for fresh sign-ups.
SHARE_OF_RATE = 0.5
LEFT_OF_DAY = 0.2
# A job makes this many seconds' worth of sign-ups due at a time, and at least LARGE. If the
# cause is not fixed, no more than these fail again.
SECONDS_UNDER_WAY = 10


class JobAction(StrEnum):
    """What a job does with each of its sign-ups."""

    RETRY = "retry"
    RETRY_FORM_LISTS = "retry_form_lists"  #: to the lists that their forms have now
    RETRY_EDITED = "retry_edited"  #: with fields left out, or set to one value
    DELIVER = "deliver"  #: quarantined ones, anyway
    DISCARD = "discard"
    UNDO = "undo"  #: of a job that discarded

    @property
    def sends(self) -> bool:
        return self.retries or self == JobAction.DELIVER

    @property
    def retries(self) -> bool:
        """Whether it sends dead letters again."""
        return self in (JobAction.RETRY, JobAction.RETRY_FORM_LISTS, JobAction.RETRY_EDITED)


class JobState(StrEnum):
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


class Obstacle(StrEnum):
    """Why a job makes no more sign-ups due now."""

    STEPPING = "stepping"
    HOLD = "hold"
    BEHIND = "behind"
    QUOTA = "quota"
    UNDER_WAY = "under way"

    @property
    def in_words(self) -> str:
        return _IN_WORDS[self]


_IN_WORDS = {
    Obstacle.STEPPING: "its sign-ups are being collected",
    Obstacle.HOLD: "its account is on hold",
    Obstacle.BEHIND: "an earlier job of its account comes first",
    Obstacle.QUOTA: "the rest of today's quota is for fresh sign-ups; it continues at 00:00 UTC",
    Obstacle.UNDER_WAY: "for the sign-ups that are being sent now",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPace:
    """What all jobs of one API key may use together. `per_day` is for all deliveries."""

    per_second: float
    per_day: int

    @classmethod
    def of(cls, *, requests_per_second: float, deliveries_per_day: int) -> "JobPace":
        return cls(per_second=requests_per_second * SHARE_OF_RATE, per_day=deliveries_per_day)

    @property
    def most_under_way(self) -> int:
        return max(LARGE, math.ceil(self.per_second * SECONDS_UNDER_WAY))


def for_jobs(left: int) -> int:
    """Return how many of the `left` requests of a day jobs may use."""
    return max(0, left - math.ceil(left * LEFT_OF_DAY))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToSend:
    """How long a job takes if nothing else is sent. It waits for `begins_at`, if that is given,
    and takes `sending` after that."""

    sending: timedelta = timedelta()
    begins_at: datetime | None = None

    def total(self, now: datetime) -> timedelta:
        return self.sending + (self.begins_at - now if self.begins_at else timedelta())


def plan_sending(count: int, pace: JobPace, *, today: int, now: datetime) -> TimeToSend:
    """Return the same as `time_to_send`, and until when nothing is sent."""
    total = time_to_send(count, pace, today=today, now=now)
    if not count or today > 0:
        return TimeToSend(sending=total)
    begins_at = next_midnight(now)
    return TimeToSend(sending=total - (begins_at - now), begins_at=begins_at)


def time_to_send(count: int, pace: JobPace, *, today: int, now: datetime) -> timedelta:
    """Return how long `count` dead letters take if nothing else is sent.

    `today` is the number of requests that may be used for them until 00:00 UTC.
    """
    here = min(count, today)
    if count <= here:
        return timedelta(seconds=count / pace.per_second)
    a_day = max(1, for_jobs(pace.per_day))
    whole_days, last_day = divmod(count - here - 1, a_day)
    rest = timedelta(seconds=(last_day + 1) / pace.per_second)
    return next_midnight(now) - now + timedelta(days=whole_days) + rest
