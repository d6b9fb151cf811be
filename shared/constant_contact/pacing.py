"""The rate limit for calls that are not deliveries: lists, privileges, account data.

A delivery gets its slot with its claim (shared/ledger/scripts/signups/claim.lua); these
calls take theirs here, from the same pacer and the same day's count. A twentieth
of the day is kept free for them.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import redis

from shared.domain.errors import Refused
from shared.domain.job import JobPace
from shared.infrastructure.settings import Settings
from shared.ledger.pace import DaySpent, Pace, Resting
from shared.ledger.values import PaceRules

RESERVED_SHARE = 0.05
# After a 429, the API has counted more requests than we have, so we go slower for a while.
SLOWER_AFTER_429 = timedelta(minutes=1)


def pace_rules(settings: Settings) -> PaceRules:
    """Return what the settings allow for deliveries."""
    reserved = int(settings.requests_per_day * RESERVED_SHARE)
    return PaceRules(
        requests_per_second=settings.requests_per_second,
        deliveries_per_day=settings.requests_per_day - reserved,
    )


def job_pace(settings: Settings) -> JobPace:
    """Return what the settings allow for jobs that send."""
    rules = pace_rules(settings)
    return JobPace.of(
        requests_per_second=rules.requests_per_second, deliveries_per_day=rules.deliveries_per_day
    )


class Pacer:
    """Grants slots of one API key."""

    def __init__(
        self,
        client: "redis.Redis",
        settings: Settings,
        client_id: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace = Pace(client)
        self._client_id = client_id
        self._per_second = settings.requests_per_second
        self._per_day = settings.requests_per_day
        self._sleep = sleep

    def grant(self) -> None:
        """Wait for the next slot. Raises `Refused` when there is none for now."""
        granted = self._pace.grant(
            self._client_id,
            requests_per_second=self._per_second,
            requests_per_day=self._per_day,
        )
        match granted:
            case Resting(wait):
                seconds = round(wait.total_seconds())
                raise Refused(f"Rate limited by Constant Contact. Retry in {seconds} s.")
            case DaySpent():
                raise Refused(
                    f"All {self._per_day:,} requests of this day are used. The next day begins at"
                    " 00:00 UTC."
                )
            case wait:
                self._sleep(wait.total_seconds())

    def rest(self, duration: timedelta) -> None:
        """Let the API key rest after a 429, then go slower for a while."""
        self._pace.rest_key(self._client_id, duration, slower_for=SLOWER_AFTER_429)

    def uncount_request(self) -> None:
        """Do not count a granted slot that was not used."""
        self._pace.uncount_request(self._client_id)
