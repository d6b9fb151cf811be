"""The pace of calls that are not deliveries: lists, privileges, account data.

A delivery gets its slot with its claim (shared/ledger/scripts/claim.lua); these
calls take theirs here, from the same pacer and the same day's count. A twentieth
of the day is kept free for them.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import redis

from shared.domain.errors import Refused
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.values import PaceRules

RESERVED_SHARE = 0.05
# After a 429 the API counts more than we do, so go slower for a while.
SLOWER_AFTER_429 = timedelta(minutes=1)


def pace_rules(settings: Settings) -> PaceRules:
    """Return what the settings allow for deliveries."""
    reserved = int(settings.requests_per_day * RESERVED_SHARE)
    return PaceRules(
        requests_per_second=settings.requests_per_second,
        deliveries_per_day=settings.requests_per_day - reserved,
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
        self._scripts = Scripts(client)
        self._key = keys.api_key(client_id)
        self._per_second = settings.requests_per_second
        self._per_day = settings.requests_per_day
        self._sleep = sleep

    def grant(self) -> None:
        """Wait for the next slot. Raises `Refused` when there is none for now."""
        with redis_errors_translated():
            answer = self._scripts.run(
                "pace/grant",
                api_key=self._key,
                requests_per_second=self._per_second,
                requests_per_day=self._per_day,
            )
        match answer:
            case ["slot", wait_us]:
                self._sleep(timedelta(microseconds=wait_us).total_seconds())
            case ["resting", wait_ms]:
                seconds = round(wait_ms / 1000)
                raise Refused(f"Constant Contact is to be left alone for {seconds} s; try then")
            case _:
                raise Refused(
                    f"all {self._per_day:,} requests of this day are spent; the next day begins"
                    " at 00:00 UTC"
                )

    def rest(self, duration: timedelta) -> None:
        """Let the API key rest after a 429, then go slower for a while."""
        with redis_errors_translated():
            self._scripts.run(
                "pace/rest", owner=self._key, duration=duration, slower_for=SLOWER_AFTER_429
            )

    def refund_slot(self) -> None:
        """Say that a granted slot went by unused, so that it is not counted as a request."""
        with redis_errors_translated():
            self._scripts.run("pace/refund_slot", api_key=self._key)
