"""The alert that Redis does not answer, for which there is no ledger."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.domain.durations import in_words
from shared.infrastructure.alert_services import MessageKind, Service

_AWAY = "Redis does not answer, so nothing is delivered"
_AWAY_BODY = (
    "Beat cannot reach Redis.\n\n"
    "Accepted sign-ups are in Redis, and deliveries go on when it answers. Web keeps new sign-ups"
    " on its own disk while there is room, and then turns them away.\n\n"
    "What to do: check that Redis runs, and that this host reaches it."
)


class RedisOutageAlert:
    """Says that Redis does not answer, and that it does again.

    While Redis is away, nothing can record who was notified. So each beat sends this alert by
    itself.
    """

    def __init__(
        self, services: Sequence[Service], after: timedelta, monotonic: Callable[[], float]
    ) -> None:
        self._services = services
        self._after = after
        self._monotonic = monotonic
        self._away_since: float | None = None
        self._lasted = timedelta()
        self._notified: set[str] = set()

    def away(self) -> None:
        """Note that Redis does not answer just now."""
        if self._away_since is None:
            self._away_since = self._monotonic()
        self._lasted = timedelta(seconds=self._monotonic() - self._away_since)
        if self._lasted < self._after:
            return
        for service in self._services:
            if service.name not in self._notified and service.send(
                _AWAY, _AWAY_BODY, MessageKind.PROBLEM
            ):
                self._notified.add(service.name)

    def answers(self) -> None:
        """Note that Redis answers."""
        self._away_since = None
        body = f"It did not answer for {in_words(self._lasted)}. Deliveries go on by themselves."
        for service in self._services:
            if service.name in self._notified and service.send(
                "Redis answers again", body, MessageKind.OVER
            ):
                self._notified.discard(service.name)
