"""The figures of the calls that the sandbox saw, for tests and for the contacts page."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Delivery:
    """A sign-up that the sandbox carried out, even if the answer was lost."""

    at: float
    monotonic: float
    account: str
    contact_id: str
    action: str
    payload: dict[str, Any]
    answer_lost: bool = False


@dataclass(slots=True)
class Counts:
    """The calls of one application, or of all together."""

    api_calls: int = 0
    max_in_a_second: int = 0
    token_calls: int = 0
    refresh_calls: int = 0
    refreshes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    _last_second: deque[float] = field(default_factory=deque)

    def count_call(self, at: float) -> None:
        """Count an API call at ``at`` (monotonic seconds), refused or not."""
        self.api_calls += 1
        while self._last_second and self._last_second[0] <= at - 1:
            self._last_second.popleft()
        self._last_second.append(at)
        self.max_in_a_second = max(self.max_in_a_second, len(self._last_second))

    def as_json(self) -> dict[str, Any]:
        return {
            "api_calls": self.api_calls,
            "max_calls_in_any_rolling_second": self.max_in_a_second,
            "throttled": self.refusals["throttled"],
            "quota_exceeded": self.refusals["quota_exceeded"],
            "token_throttled": self.refusals["token_throttled"],
            "token_calls": self.token_calls,
            "refresh_calls": self.refresh_calls,
            "refreshes": self.refreshes,
        }


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset. Guarded by the state's lock."""

    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    total: Counts = field(default_factory=Counts)
    applications: dict[str, Counts] = field(default_factory=dict)
    spent_refresh_tokens_seen: int = 0
    overlapping_same_email: int = 0
    faults_used: int = 0
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    confirmation_mails: list[str] = field(default_factory=list)

    def counts(self, client_id: str | None) -> tuple[Counts, ...]:
        """Return the counts that a call of this application adds to: its own and the total.

        None stands for a call without a registered application.
        """
        if client_id is None:
            return (self.total,)
        return self.total, self.applications.setdefault(client_id, Counts())

    def answered(self, endpoint: str, status: int) -> None:
        self.calls[endpoint, status] += 1

    def delivered(self, email: str, delivery: Delivery) -> None:
        self.deliveries.setdefault(email.casefold(), []).append(delivery)

    def as_json(self, *, with_deliveries: bool) -> dict[str, Any]:
        calls: dict[str, dict[str, int]] = {}
        by_status: Counter[str] = Counter()
        for (endpoint, status), count in sorted(self.calls.items()):
            calls.setdefault(endpoint, {})[str(status)] = count
            by_status[str(status)] += count
        figures = {
            "calls": calls,
            "statuses": by_status,
            **self.total.as_json(),
            "spent_refresh_tokens_seen": self.spent_refresh_tokens_seen,
            "overlapping_same_email": self.overlapping_same_email,
            "faults_used": self.faults_used,
            "delivered": sum(map(len, self.deliveries.values())),
            "delivered_emails": len(self.deliveries),
            "confirmation_mails": len(self.confirmation_mails),
        }
        if with_deliveries:
            figures["deliveries"] = {
                email: [asdict(each) for each in each_email]
                for email, each_email in self.deliveries.items()
            }
        return figures
