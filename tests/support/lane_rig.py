"""A rig for lanes: a real ledger, tokens and a Constant Contact that do as a test says, and a
clock that stands still.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis

from shared.constant_contact.errors import ConnectionFailed
from shared.constant_contact.token_vault import Token
from shared.domain.account import HoldReason
from shared.domain.outcome import ApiAnswer
from shared.domain.retry import RetryPolicy
from shared.domain.signup import Signup
from shared.domain.subscription_status import SubscriptionStatus
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from tests.support.builders import NO_PACE, NOON
from worker.delivery.delivery import DeliveryTools
from worker.delivery.holds import AccountHolds
from worker.delivery.in_flight import InFlight
from worker.delivery.lane import Lane, LaneRules
from worker.delivery.settler import Settler
from worker.delivery.timing import Clock, RoundTrip
from worker.task_events import Silent

CREATED = ApiAnswer(status=201, contact_id="c-1", action="created")
LOOKED = ApiAnswer(status=200)
UNAUTHORIZED = ApiAnswer(status=401, error_key="unauthorized")
FORBIDDEN = ApiAnswer(status=403, error_key="access_denied")
UNAVAILABLE = ApiAnswer(status=503, message="try later")
POLICY = RetryPolicy(max_attempts=3)


@dataclass
class FakeTokens:
    """Version 1 until it is renewed; `error` is raised instead of any token."""

    version: int = 1
    error: Exception | None = None
    renewal_error: Exception | None = None
    worked_versions: list[int] = field(default_factory=list)

    def at_hand(self, account: str, version: int | None = None) -> Token:
        if self.error:
            raise self.error
        return Token(
            access=f"token-{self.version}",
            version=self.version,
            received_at=NOON,
            expires_at=NOON + timedelta(days=1),
            scopes=None,
        )

    def renew(self, account: str, refused_version: int) -> Token:
        if self.renewal_error:
            raise self.renewal_error
        self.version = max(self.version, refused_version + 1)
        return self.at_hand(account)

    def worked(self, account: str, version: int) -> None:
        self.worked_versions.append(version)


@dataclass
class FakeContacts:
    """Gives the answers, and those to look-ups, in turn, the last one again and again; notes what
    was sent."""

    answers: list[ApiAnswer]
    may: frozenset[str] | Exception = frozenset({"contacts:write"})
    connects: bool = True
    standings: list[SubscriptionStatus | ApiAnswer] = field(
        default_factory=lambda: [SubscriptionStatus()]
    )
    sent: list[tuple[str, str]] = field(default_factory=list)
    looked: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def prepare(self) -> None:
        if not self.connects:
            raise ConnectionFailed("could not connect")

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        self.sent.append((access_token, body["email_address"]))
        return self._next_answer()

    def look_up(self, access_token: str, email: str) -> tuple[ApiAnswer, SubscriptionStatus | None]:
        self.looked.append((access_token, email))
        found = self.standings.pop(0) if len(self.standings) > 1 else self.standings[0]
        return (LOOKED, found) if isinstance(found, SubscriptionStatus) else (found, None)

    def ask(self, access_token: str, contact_id: str, lists: Sequence[str]) -> ApiAnswer:
        self.asked.append((contact_id, tuple(lists)))
        return self._next_answer()

    def _next_answer(self) -> ApiAnswer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def privileges(self, access_token: str) -> frozenset[str]:
        if isinstance(self.may, Exception):
            raise self.may
        return self.may


class SimulatedClock:
    """Stands still but for what is slept."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def for_lanes(self) -> Clock:
        return Clock(
            now=lambda: NOON, monotonic=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 0.0
        )


@dataclass
class LaneRig:
    """A ledger with the account `acme`, and lanes for it."""

    client: "redis.Redis"
    ledger: Ledger
    contacts: FakeContacts = field(default_factory=lambda: FakeContacts([CREATED]))
    tokens: FakeTokens = field(default_factory=FakeTokens)
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    another: int = 0
    slots_back: int = 0

    def run(self, *answers: ApiAnswer, **contacts: Any) -> dict[str, int | str]:
        self.contacts = FakeContacts(list(answers) or [CREATED], **contacts)
        return self.lane().run()

    def lane(self, **changed: Any) -> Lane:
        parts: dict[str, Any] = {
            "name": "lane",
            "account": "acme",
            "rules": LaneRules(
                pace=NO_PACE,
                lease=timedelta(seconds=60),
                slice=timedelta(seconds=20),
            ),
            "ledger": self.ledger,
            "holds": AccountHolds(self.ledger),
            "tools": self.tools(),
            "claim_lock": threading.Lock(),
            "in_flight": InFlight(self.clock.for_lanes().monotonic),
            "stopping": threading.Event(),
            "round_trip": RoundTrip(),
            "start_another": self.count_another,
        }
        return Lane(**{**parts, **changed})

    def tools(self, **changed: Any) -> DeliveryTools:
        parts: dict[str, Any] = {
            "tokens": self.tokens,
            "contacts": self.contacts,
            "settler": self.settler(self.ledger),
            "reporter": Silent(),
            "policy": POLICY,
            "uncount_request": self.count_slot_back,
            "clock": self.clock.for_lanes(),
        }
        return DeliveryTools(**{**parts, **changed})

    def settler(self, ledger: Ledger, patience: timedelta = timedelta(seconds=60)) -> Settler:
        return Settler(
            ledger,
            AccountHolds(ledger),
            patience=patience,
            jitter=lambda: 0.0,
            sleep=self.clock.sleep,
        )

    def count_another(self) -> None:
        self.another += 1

    def count_slot_back(self) -> None:
        self.slots_back += 1

    def signup(self, id: str) -> Signup:
        found = self.ledger.find(id, ["acme"])
        assert found is not None
        return found

    def make_due(self, id: str, queue: str = "retry") -> None:
        """Have the sign-up due now, or its claim run out."""
        self.client.zadd(f"{keys.account('acme')}due:{queue}", {id: 1}, xx=True)

    def holds(self) -> list[HoldReason]:
        return [hold.reason for hold in self.ledger.figures("acme").holds]
