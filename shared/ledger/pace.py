"""The pace of API keys: slots for calls that are not deliveries, rests, and the day's count.

A delivery gets its slot with its claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import redis

from shared.domain.account import Hold, HoldReason
from shared.domain.requests_today import RequestsToday, requests_today
from shared.ledger import keys
from shared.ledger.reading import read_holds
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.script_library import Scripts


@dataclass(frozen=True, slots=True)
class Resting:
    """The next slot is too far away; it begins after `wait`."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class DaySpent:
    """All requests of this UTC day are spent."""


class Pace:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def grant(
        self, client_id: str, *, requests_per_second: float, requests_per_day: int
    ) -> timedelta | Resting | DaySpent:
        """Reserve the API key's next slot; return how far away it is, or why there is none."""
        answer = self._scripts.run(
            "pace/grant",
            api_key=keys.api_key(client_id),
            requests_per_second=requests_per_second,
            requests_per_day=requests_per_day,
        )
        match answer:
            case ["slot", wait_us]:
                return timedelta(microseconds=wait_us)
            case ["resting", wait_ms]:
                return Resting(timedelta(milliseconds=wait_ms))
        return DaySpent()

    def uncount_request(self, client_id: str) -> None:
        """Do not count a slot that was not used."""
        self._scripts.run("pace/uncount_request", api_key=keys.api_key(client_id))

    def rest(self, account: str, duration: timedelta, *, slower_for: timedelta) -> None:
        """Let the account's API key rest for `duration`, then go slower for a while."""
        self._rest(keys.account(account), duration, slower_for)

    def rest_key(self, client_id: str, duration: timedelta, *, slower_for: timedelta) -> None:
        """Let the API key rest likewise."""
        self._rest(keys.api_key(client_id), duration, slower_for)

    def _rest(self, owner: str, duration: timedelta, slower_for: timedelta) -> None:
        self._scripts.run("pace/rest", owner=owner, duration=duration, slower_for=slower_for)

    def resting(self, client_id: str) -> timedelta:
        """Return for how long the API key still rests, as an answer of the API asked for."""
        with redis_errors_translated():
            seconds, microseconds = self._client.time()
            stored = self._client.hget(f"{keys.api_key(client_id)}pace", "rest_until")
        left = int(stored or 0) - int(seconds) * 1_000_000 - int(microseconds)
        return timedelta(microseconds=max(0, left))

    def used_today(self, client_id: str) -> int:
        """Return how many requests the API key has been granted this UTC day."""
        return self.today(client_id).made

    def today(self, client_id: str) -> RequestsToday:
        """Return what is known of the API key's requests of this UTC day."""
        (found,) = self.today_by([self.key_of(client_id)])
        return found

    def key_of(self, client_id: str) -> str:
        """Return what `Glance.api_key` calls this API key."""
        return keys.api_key(client_id)

    def today_by(self, api_keys: Sequence[str]) -> list[RequestsToday]:
        """Return the same of each of these API keys, which are as `Glance.api_key`."""
        today = redis_time(self._client).date()
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for each in api_keys:
                reads.get(f"{each}quota:{today.isoformat()}")
                reads.hget(f"{each}holds", HoldReason.QUOTA)
            found = reads.execute()
        return [
            requests_today(int(made or 0), _quota_hold(hold), today)
            for made, hold in zip(found[::2], found[1::2], strict=True)
        ]


def _quota_hold(stored: str | None) -> Hold | None:
    holds = read_holds("an API key", [(HoldReason.QUOTA, stored)] if stored else [])
    return holds[0] if holds else None
