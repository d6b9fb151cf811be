"""The alert that Redis does not answer, for which there is no ledger."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.domain.durations import in_words
from shared.domain.redis_problem import RedisProblem
from shared.infrastructure.alert_services import MessageKind, Service

_AWAY = "{problem.what}; nothing is delivered"
_AWAY_BODY = (
    "Beat cannot use Redis: {problem.what}.\n\n"
    "{problem.means} When web's disk is full, web turns visitors away.\n\n"
    "What to do: {problem.fix}"
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

    def away(self, problem: RedisProblem) -> None:
        """Note that Redis does not answer just now, or refuses: `problem`."""
        if self._away_since is None:
            self._away_since = self._monotonic()
        self._lasted = timedelta(seconds=self._monotonic() - self._away_since)
        if self._lasted < self._after:
            return
        subject, body = (text.format(problem=problem) for text in (_AWAY, _AWAY_BODY))
        for service in self._services:
            if service.name not in self._notified and service.send(
                subject, body, MessageKind.PROBLEM
            ):
                self._notified.add(service.name)

    def answers(self) -> None:
        """Note that Redis answers."""
        self._away_since = None
        body = f"It failed for {in_words(self._lasted)}. Deliveries go on by themselves."
        for service in self._services:
            if service.name in self._notified and service.send(
                "Redis works again", body, MessageKind.OVER
            ):
                self._notified.discard(service.name)
