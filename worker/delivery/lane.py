"""Deliver sign-ups: claim one, send it, settle it. Knows nothing of Celery.

A lane is one worker thread that does this for one account until nothing is due, the
account is on hold, or its slice of time is over. What an answer means is decided in
shared/domain/outcome.py; worker/delivery/settling.py writes it into the ledger.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.constant_contact.client import ApiError, signup_body
from shared.constant_contact.connection import ConnectionFailed
from shared.domain.account import HoldReason
from shared.domain.errors import (
    LedgerUnavailable,
    NotConnected,
    Refused,
    Revoked,
    TokenError,
    TokenUnavailable,
)
from shared.domain.outcome import (
    Answer,
    AskPrivileges,
    DeadLetter,
    Decision,
    Delivered,
    LacksPermission,
    RenewToken,
    decide,
    decide_forbidden,
    decide_unsent,
)
from shared.domain.retry import RetryPolicy
from shared.domain.subscription_status import Ask, LookUp, asked_before
from shared.ledger.ledger import Ledger
from shared.ledger.values import Attempt, Claim, Dry, OnHold, PaceRules, Wait
from worker.delivery.in_flight import InFlight
from worker.delivery.settling import Settler
from worker.delivery.unsubscribe_check import NextCall, People, UnsubscribeCheck, needed_privilege

# A request that starts later than this after its slot could make five in one second, as the
# slots lie only 2.5 % further apart than the rate allows.
SLOT_LIFE = timedelta(milliseconds=10)
# Between two tries to reach a ledger that does not answer.
LEDGER_PAUSE = timedelta(milliseconds=500)


@dataclass(slots=True)
class RoundTrip:
    """How long the ledger takes to answer, in seconds; one for all lanes of a process."""

    latest: float = 0.0
    shortest: float = 0.0

    @property
    def expected(self) -> float:
        """How long the next one may well take; one that stalled is no measure."""
        return min(self.latest, 2 * self.shortest + SLOT_LIFE.total_seconds())

    def note(self, seconds: float) -> None:
        """Note one more; what was shortest is forgotten slowly, should the way have grown."""
        self.latest = seconds
        self.shortest = min(seconds, self.shortest * 1.05) if self.shortest else seconds


@dataclass(frozen=True, slots=True)
class Slot:
    """When a request may start, by this process' monotonic clock: somewhere in this span, as
    nobody knows how long the ledger's answer was under way."""

    earliest: float
    latest: float


_NO_SLOT = Slot(0.0, 0.0)


class Token(Protocol):
    """An access token, and the version by which a newer one is told from it."""

    @property
    def access(self) -> str: ...

    @property
    def version(self) -> int: ...


class Tokens(Protocol):
    """Where lanes get tokens from. `fresh` and `renew` raise `TokenError`."""

    def fresh(self, account: str) -> Token:
        """Return a token with enough of its life left."""

    def renew(self, account: str, refused_version: int) -> Token:
        """Return a newer token than the one that was refused."""

    def worked(self, account: str, version: int) -> None:
        """Note that the API took this token, so that the one before it can go."""


class Contacts(People, Protocol):
    """Constant Contact, over the lane's own connection."""

    def prepare(self) -> None:
        """Open the connection; raises `ConnectionFailed`."""

    def privileges(self, access_token: str) -> frozenset[str]:
        """Return what the login may do; raises `ApiError`."""


class Reporter(Protocol):
    """Who wants to hear of every sign-up as it is sent, such as Flower."""

    def started(self, claim: Claim) -> None: ...

    def ended(self, claim: Claim, decision: Decision, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance of this process, so that tests can bring their own."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRules:
    """How all lanes work: pace, retries, how long a claim stands and a lane runs."""

    pace: PaceRules
    policy: RetryPolicy
    lease: timedelta
    slice: timedelta


@dataclass(slots=True, kw_only=True)
class Lane:
    """One lane of one account.

    `name` is unique. `turnstile` is shared by the account's lanes in this process, so that one
    at a time asks for a claim, and `in_flight` by all lanes of it. `stopping` ends the lane after
    the sign-up it is sending.
    `start_another` asks for one more lane; `refund_slot` un-counts a slot that was missed.
    """

    name: str
    account: str
    rules: LaneRules
    ledger: Ledger
    tokens: Tokens
    contacts: Contacts
    settler: Settler
    reporter: Reporter
    refund_slot: Callable[[], None]
    start_another: Callable[[], None]
    turnstile: threading.Lock
    in_flight: InFlight
    stopping: threading.Event
    clock: Clock
    round_trip: RoundTrip
    guard: UnsubscribeCheck = field(default_factory=UnsubscribeCheck)
    _ends_at: float = 0.0
    _has_company: bool = False
    _unanswered: bool = False  # a claim was asked for, and nobody knows whether it is ours
    _open: Claim | None = None  # claimed and not settled
    _sent: bool = False  # and nobody knows yet that it was
    _refused: tuple[str, int] | None = None  # claim number, token version
    _forbidden: str | None = None  # claim number

    def run(self) -> dict[str, int | str]:
        """Deliver until there is a reason to stop; return what was done, and that reason."""
        self._ends_at = self.clock.monotonic() + self.rules.slice.total_seconds()
        stopped = None
        while stopped is None:
            try:
                stopped = self._over() or self._deliver_one_or_hold()
            except LedgerUnavailable:
                # Stays this lane, beyond its slice if need be: when the answer to a claim was
                # lost, only this lane gets the claim again before its lease is over.
                self._forget_what_was_sent()
                self.stopping.wait(LEDGER_PAUSE.total_seconds())
            except Exception as error:
                if self._open is None:
                    raise
                self._lose(self._open, error)
        self._release_open_claim()
        return {**self.settler.tally, "stopped": stopped}

    def _deliver_one_or_hold(self) -> str | None:
        """Deliver one; stop and hold the account when no token is to be had: no sign-up is to be
        tried without."""
        try:
            return self.deliver_one()
        except (TokenError, Refused) as error:
            self._release_open_claim()
            probed = not isinstance(error, NotConnected | Revoked)  # those only a person can mend
            self.settler.hold_without_token(self.account, str(error), probed=probed)
            return f"no token: {error}"

    def deliver_one(self) -> str | None:
        """Claim one sign-up, send it, settle it; return why the lane should stop, or None.

        Token and connection come before the claim, so that nothing delays the request past the
        slot that comes with it. A slot that was missed, one that a look at the person took, or
        a token that was refused leaves the claim open: the next round gets the same one again,
        with a new slot.
        """
        self.tokens.fresh(self.account)
        with suppress(ConnectionFailed):  # then sending fails too, and is judged as any failure
            self.contacts.prepare()
        claim, slot = self._next_claim()
        if not isinstance(claim, Claim):
            return claim
        self._open = claim
        if not self._enter_flight(claim):
            self._make_room()
            return None
        # Again, as waiting for the claim may have taken a while: nothing is to be sent with a
        # token that others have found refused meanwhile.
        token = self._token_for_open_claim()
        next_call = self._next_call(claim)
        if isinstance(next_call, DeadLetter):
            self.refund_slot()
            self.settler.bury_unsent(claim, next_call)
            return self._settled(None)
        return self._make_call(next_call, claim, slot, token)

    def _next_call(self, claim: Claim) -> NextCall | DeadLetter:
        """Return what is to be done with the claimed sign-up, or why it is not to be sent."""
        too_old = decide_unsent(claim.attempts, claim.age, self.rules.policy)
        return too_old or self.guard.next_call(claim)

    def _make_call(self, next_call: NextCall, claim: Claim, slot: Slot, token: Token) -> str | None:
        """Make the next_call's request in its slot, and do what the answer means."""
        self.reporter.started(claim)
        body = signup_body(claim.contact, claim.lists)
        if not self._in_time_for(slot):
            self._miss_slot()
            return None

        answer, attempt = self._send(next_call, claim, body, token)
        if isinstance(next_call, LookUp) and self.guard.next_call(claim) != next_call:
            self.settler.tally["looked_up"] += 1
            return None
        decision = self._decide(answer, claim, token, next_call)
        if isinstance(decision, RenewToken):
            return self._renew_token(claim, attempt, token)
        if answer.status == 403 and isinstance(decision, DeadLetter) and self._first_403(claim):
            return None
        return self._settle(decision, claim, attempt, token)

    def _settle(
        self, decision: Decision, claim: Claim, attempt: Attempt, token: Token
    ) -> str | None:
        self._sent = True
        stop = self.settler.carry_out(decision, claim, attempt)
        self._settled(stop)
        self.reporter.ended(claim, decision, attempt.seconds)
        if isinstance(decision, Delivered):
            self._note_that_it_worked(token)
        self._keep_company(claim)
        return stop

    def _settled(self, stop: str | None) -> str | None:
        """Note that the claim is settled; pass on why the lane should stop, if it should."""
        self._open = None
        self._sent = False
        self.in_flight.leave(self.name)
        return stop

    def _release_open_claim(self) -> None:
        """Leave nothing claimed behind: others would wait for the lease to run out."""
        if self._open is not None:
            with suppress(LedgerUnavailable):  # then the lease has to do it
                self.ledger.release_claim(self._open, None)
        self._settled(None)

    def _forget_what_was_sent(self) -> None:
        """What was sent could not be settled for as long as its lease: it may be sent again."""
        if self._sent:
            self._settled(None)

    def _lose(self, claim: Claim, error: Exception) -> None:
        """Go on without the sign-up with which something unforeseen happened."""
        with suppress(LedgerUnavailable):  # then the lease has to do it
            self.settler.lose(claim, error)
        self._settled(None)

    # --- alone or in company

    def _enter_flight(self, claim: Claim) -> bool:
        """Whether the claim may be sent now: not beside one that may end the whole process."""
        patience = min(self._left(), self.rules.lease.total_seconds() / 2)
        return self.in_flight.take(self.name, claim.id, alone=claim.suspect, patience=patience)

    def _make_room(self) -> None:
        """Give the claim back, nothing having been sent, and wait until company is allowed."""
        self.refund_slot()
        self._release_open_claim()
        self.in_flight.wait_for_company(self._left())

    # --- before sending

    def _over(self) -> str | None:
        if self.stopping.is_set():
            return "worker stops"
        if self.clock.monotonic() >= self._ends_at and not self._unanswered:
            self.start_another()
            return "slice over"
        return None

    def _next_claim(self) -> tuple[Claim | str | None, Slot]:
        """Wait for a claim; return it and its slot, or why there is none, if the lane is over."""
        if not self.turnstile.acquire(timeout=self._left()):
            return self._over(), _NO_SLOT
        try:
            return self._ask_for_claim()
        finally:
            self.turnstile.release()

    def _ask_for_claim(self) -> tuple[Claim | str, Slot]:
        while not (over := self._over()):
            asked_at = self.clock.monotonic()
            self._unanswered = True
            answer = self._claim()
            self._unanswered = False
            match answer:
                case Claim(start_in=start_in):
                    return answer, self._slot(asked_at, start_in.total_seconds())
                case OnHold(reason):
                    return f"on hold: {reason}", _NO_SLOT
                case Dry():
                    return "nothing due", _NO_SLOT
                case Wait(delay):
                    self.stopping.wait(min(delay.total_seconds(), self._left()))
        return over, _NO_SLOT

    def _claim(self) -> Claim | Wait | OnHold | Dry:
        return self.ledger.claim(
            self.account,
            lane=self.name,
            lease=self.rules.lease,
            pace=self.rules.pace,
            jitter=self.clock.jitter(),
            lead=timedelta(seconds=self.round_trip.expected),
        )

    def _slot(self, asked_at: float, start_in: float) -> Slot:
        """Return the slot that begins `start_in` after the ledger answered, which was at least
        half a round trip after we asked and before its answer was here."""
        answered_at = self.clock.monotonic()
        self.round_trip.note(answered_at - asked_at)
        one_way = self.round_trip.shortest / 2
        return Slot(asked_at + one_way + start_in, answered_at - one_way + start_in)

    def _left(self) -> float:
        """Return the seconds that are left of this lane's slice, or that it waits once more."""
        least = LEDGER_PAUSE.total_seconds() if self._unanswered else 0.0
        return max(least, self._ends_at - self.clock.monotonic())

    def _token_for_open_claim(self) -> Token:
        try:
            return self.tokens.fresh(self.account)
        except TokenError:
            self.refund_slot()
            raise

    def _keep_company(self, claim: Claim) -> None:
        """Have one more lane started when something else is due, which may start the next."""
        if claim.more and not self._has_company:
            self._has_company = True
            self.start_another()

    def _in_time_for(self, slot: Slot) -> bool:
        """Wait until the slot has begun for certain; False when it may be over by then."""
        early = slot.latest - self.clock.monotonic()
        if early > 0:
            self.clock.sleep(early)
        return self.clock.monotonic() - slot.earliest <= SLOT_LIFE.total_seconds()

    def _miss_slot(self) -> None:
        """Nothing was sent: the claim stays open, and the next round asks for another slot."""
        self.settler.tally["slots_missed"] += 1
        self.refund_slot()

    # --- sending

    def _send(
        self, next_call: NextCall, claim: Claim, body: Mapping[str, Any], token: Token
    ) -> tuple[Answer, Attempt]:
        at, started = self.clock.now(), self.clock.monotonic()
        answer = self.guard.send(next_call, claim, body, self.contacts, token.access)
        return answer, Attempt.of(answer, at=at, seconds=self.clock.monotonic() - started)

    def _decide(self, answer: Answer, claim: Claim, token: Token, next_call: NextCall) -> Decision:
        if isinstance(next_call, Ask) and (letter := asked_before(answer, claim.attempts + 1)):
            return letter
        decision = decide(
            answer,
            attempt=claim.attempts + 1,
            policy=self.rules.policy,
            jitter=self.clock.jitter(),
            probes_outage=HoldReason.OUTAGE in claim.probes,
        )
        if isinstance(decision, AskPrivileges):
            return self._decide_forbidden(answer, token, needed_privilege(next_call))
        return decision

    def _decide_forbidden(self, answer: Answer, token: Token, needed: str) -> Decision:
        try:
            return decide_forbidden(answer, self.contacts.privileges(token.access), needed)
        except (ApiError, Refused) as error:
            # Nothing is known, so it is not held against the sign-up; a probe will ask again.
            return LacksPermission(f"{answer.cause}; {error}")

    def _first_403(self, claim: Claim) -> bool:
        """Whether this is the claim's first 403: it is sent once more then, as the privilege may
        have come back between the refusal and the question for it."""
        first = self._forbidden != claim.number
        self._forbidden = claim.number
        return first

    # --- tokens

    def _note_that_it_worked(self, token: Token) -> None:
        with suppress(LedgerUnavailable):  # a later sign-up will note it
            self.tokens.worked(self.account, token.version)

    def _renew_token(self, claim: Claim, attempt: Attempt, token: Token) -> str | None:
        """Get a newer token for the open claim; a newer one that is refused too ends it."""
        if self._refused and self._refused[0] == claim.number and self._refused[1] < token.version:
            note = "a newly issued token was refused"
            return self._settled(self.settler.hold_reconnect(claim, attempt, note))
        self._refused = (claim.number, token.version)
        try:
            self.tokens.renew(self.account, token.version)
        except TokenUnavailable as error:
            # Sending on with a refused token would only spend the day's requests.
            note = f"token refused; {error}"
            return self._settled(self.settler.hold_reconnect(claim, attempt, note))
        return None
