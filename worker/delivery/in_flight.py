"""What a worker process has in flight: which lane sends what, since when, and whether alone.

A sign-up that may have ended its workers gets the process to itself, so that no other
sign-up loses its claim with it. A process in which a sign-up hangs must end, as nothing else frees
its thread.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from shared.ledger.processes import SentSignup


class _Sending(NamedTuple):
    since: float
    account: str
    signup: str


class InFlight:
    """The sign-ups in flight in one process, by lane. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._by_lane: dict[str, _Sending] = {}
        self._alone: str | None = None
        self._changed = threading.Condition()

    def take(
        self, lane: str, signup: str, *, account: str = "", alone: bool, patience: float
    ) -> bool:
        """Let `lane` send `signup` of `account`; a second call for the same one starts its time
        anew.

        `alone`: wait up to `patience` seconds until all other lanes have left, and let nobody
        else in. False while another lane is alone, or when the others did not leave in time.
        """
        with self._changed:
            if self._alone not in (None, lane):
                return False
            if alone:
                self._alone = lane
                if not self._changed.wait_for(lambda: not self._others(lane), patience):
                    self._end_alone(lane)
                    return False
            self._by_lane[lane] = _Sending(self._monotonic(), account, signup)
            return True

    def leave(self, lane: str) -> None:
        """Say that `lane` sends nothing any more."""
        with self._changed:
            self._by_lane.pop(lane, None)
            self._end_alone(lane)

    def wait_until_nobody_is_alone(self, timeout: float) -> None:
        """Wait until no lane is alone, or for `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._alone is None, timeout)

    def wait_for_the_others(self, signups: list[str], timeout: float) -> None:
        """Wait until nothing but `signups` is in flight, or for `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: all(each.signup in signups for each in self._by_lane.values()), timeout
            )

    def longer_than(self, seconds: float) -> list[str]:
        """Return the sign-ups that have been in flight for longer than that."""
        with self._changed:
            now = self._monotonic()
            return [each.signup for each in self._by_lane.values() if now - each.since > seconds]

    def sent(self) -> list[SentSignup]:
        """Return what is in flight, the longest first."""
        with self._changed:
            now = self._monotonic()
            found = [
                SentSignup(each.account, each.signup, timedelta(seconds=now - each.since))
                for each in self._by_lane.values()
            ]
        return sorted(found, key=lambda each: each.age, reverse=True)

    def _others(self, lane: str) -> bool:
        return any(other != lane for other in self._by_lane)

    def _end_alone(self, lane: str) -> None:
        if self._alone == lane:
            self._alone = None
        self._changed.notify_all()
