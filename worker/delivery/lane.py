"""A lane: claims one sign-up after the other and delivers each. Knows nothing of Celery.

It is one worker thread that does this for one account until nothing is due, the account is on
hold, or its slice of time is over. worker/delivery/delivery.py says what becomes of a claim.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.constant_contact.errors import ConnectionFailed
from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable, NotConnected, Refused, Revoked, TokenError
from shared.domain.outcome import HoldAccount, QuotaSpent
from shared.ledger.ledger import Ledger
from shared.ledger.values import Claim, NothingDue, OnHold, PaceRules, Wait
from worker.delivery.delivery import ClaimStage, Delivery, DeliveryTools, Settled, SlotResult
from worker.delivery.holds import AccountHolds
from worker.delivery.in_flight import InFlight
from worker.delivery.timing import PaceSlot, RoundTrip

# Between two tries to reach a ledger that does not answer.
LEDGER_PAUSE = timedelta(milliseconds=500)

# What a lane did, by outcome, and under "stopped" why it ended.
LaneReport = dict[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRules:
    """How all lanes work: the pace, how long a claim is valid, and how long a lane runs."""

    pace: PaceRules
    lease: timedelta
    slice: timedelta


@dataclass(frozen=True, slots=True)
class Stop:
    """The lane ends, for this reason."""

    reason: str


@dataclass(slots=True, kw_only=True)
class Lane:
    """One lane of one account.

    `name` is unique. `claim_lock` is shared by the account's lanes in this process, so that one
    at a time asks for a claim, and `in_flight` by all lanes of it. `stopping` ends the lane after
    the sign-up that it is sending. `start_another` asks for one more lane.
    """

    name: str
    account: str
    rules: LaneRules
    ledger: Ledger
    holds: AccountHolds
    tools: DeliveryTools
    claim_lock: threading.Lock
    in_flight: InFlight
    stopping: threading.Event
    round_trip: RoundTrip
    start_another: Callable[[], None]
    _ends_at: float = 0.0
    _asked_for_another: bool = False
    _unanswered: bool = False  # a claim was asked for, and nobody knows whether it is ours
    _delivery: Delivery | None = None  # of the latest claim

    def run(self) -> LaneReport:
        """Deliver until there is a reason to stop; return what was done, and that reason."""
        self._ends_at = self._now() + self.rules.slice.total_seconds()
        try:
            stop = self._run_until_stop()
        finally:
            self._release_open_claim()
        return {**self.tools.settler.tally, "stopped": stop.reason}

    def _run_until_stop(self) -> Stop:
        while True:
            try:
                if stop := self._over() or self._deliver_one_or_hold():
                    return stop
            except LedgerUnavailable:
                # This lane goes on, even beyond its slice. When the answer to a claim was lost,
                # only this lane gets the claim again before its lease is over.
                self._forget_what_was_sent()
                # Nothing is being sent. A lane in flight for too long would look as if it hung.
                self.in_flight.leave(self.name)
                self.stopping.wait(LEDGER_PAUSE.total_seconds())
            except Exception as error:
                if self._open is None:
                    raise
                self._lose(self._open, error)

    def _deliver_one_or_hold(self) -> Stop | None:
        """Deliver one sign-up. Without a token, hold the account and stop: no sign-up is tried
        without one."""
        try:
            return self._deliver_one()
        except (TokenError, Refused) as error:
            self._release_open_claim()
            probed = not isinstance(error, NotConnected | Revoked)  # those only a person can mend
            self.holds.hold_without_token(self.account, str(error), probed=probed)
            return Stop(f"no token: {error}")

    def _deliver_one(self) -> Stop | None:
        """Claim one sign-up and use its slot; None means that the lane goes on.

        Token and connection come before the claim, so that nothing delays the request past the
        slot that comes with it. A claim that is still open afterwards comes again with the next
        one, and a new slot.
        """
        self.tools.tokens.at_hand(self.account)
        with suppress(ConnectionFailed):  # then sending fails too, and is judged as any failure
            self.tools.contacts.prepare()
        granted = self._next_claim()
        if not isinstance(granted, tuple):
            return granted
        claim, slot = granted
        delivery = self._delivery_of(claim)
        if not self._enter_flight(claim):
            self._make_room()
            return None
        return self._conclude(claim, delivery.send_in(slot))

    def _conclude(self, claim: Claim, result: SlotResult) -> Stop | None:
        if not isinstance(result, Settled):
            return None
        self.in_flight.leave(self.name)
        self._ask_for_another(claim)
        match result.settlement:
            case HoldAccount(reason):
                return _on_hold(reason)
            case QuotaSpent():
                return _on_hold(HoldReason.QUOTA)
        return None

    def _ask_for_another(self, claim: Claim) -> None:
        """Ask for one more lane, once, if something else is due. That one may ask for the next."""
        if claim.more and not self._asked_for_another:
            self._asked_for_another = True
            self.start_another()

    # --- the open claim

    @property
    def _open(self) -> Delivery | None:
        """The latest claim's delivery, unless it is settled or nothing more can be done."""
        if self._delivery is None or self._delivery.stage == ClaimStage.CLOSED:
            return None
        return self._delivery

    def _delivery_of(self, claim: Claim) -> Delivery:
        """Return what is known of this claim: it may be the same one again."""
        if self._delivery and self._delivery.claim.number == claim.number:
            self._delivery.reopen(claim)
        else:
            self._delivery = Delivery(claim, self.tools)
        return self._delivery

    def _close(self) -> None:
        if self._delivery:
            self._delivery.stage = ClaimStage.CLOSED
        self.in_flight.leave(self.name)

    def _release_open_claim(self) -> None:
        """Leave nothing claimed behind: others would wait for the lease to run out."""
        if self._open:
            with suppress(LedgerUnavailable):  # then the lease has to do it
                self.ledger.release_claim(self._open.claim, None)
        self._close()

    def _forget_what_was_sent(self) -> None:
        """Let go of a sign-up that could not be settled within its lease: it may be sent again."""
        if self._delivery and self._delivery.stage == ClaimStage.SETTLING:
            self._close()

    def _lose(self, delivery: Delivery, error: Exception) -> None:
        """Go on without the sign-up that met an unforeseen error."""
        with suppress(LedgerUnavailable):  # then the lease has to do it
            self.tools.settler.lose(delivery.claim, error)
        self._close()

    # --- alone or beside others

    def _enter_flight(self, claim: Claim) -> bool:
        """Whether the claim may be sent now: not beside one that may end the whole process."""
        patience = min(self._left(), self.rules.lease.total_seconds() / 2)
        return self.in_flight.take(
            self.name, claim.id, account=self.account, alone=claim.suspect, patience=patience
        )

    def _make_room(self) -> None:
        """Release the claim, as nothing was sent, and wait until nobody is alone."""
        self.tools.uncount_request()
        self._release_open_claim()
        self.in_flight.wait_until_nobody_is_alone(self._left())

    # --- the next claim

    def _over(self) -> Stop | None:
        if self.stopping.is_set():
            return Stop("worker stops")
        if self._now() >= self._ends_at and not self._unanswered:
            self.start_another()
            return Stop("slice over")
        return None

    def _next_claim(self) -> tuple[Claim, PaceSlot] | Stop | None:
        """Wait for a claim and its slot.

        None when another lane held the lock for the rest of this slice.
        """
        if not self.claim_lock.acquire(timeout=self._left()):
            return self._over()
        try:
            return self._ask_for_claim()
        finally:
            self.claim_lock.release()

    def _ask_for_claim(self) -> tuple[Claim, PaceSlot] | Stop:
        while not (over := self._over()):
            asked_at = self._now()
            self._unanswered = True
            answer = self._claim()
            self._unanswered = False
            match answer:
                case Claim(start_in=start_in):
                    seconds = start_in.total_seconds()
                    return answer, self.round_trip.slot(asked_at, self._now(), seconds)
                case OnHold(reason):
                    return _on_hold(reason)
                case NothingDue():
                    return Stop("nothing due")
                case Wait(delay):
                    self.stopping.wait(min(delay.total_seconds(), self._left()))
        return over

    def _claim(self) -> Claim | Wait | OnHold | NothingDue:
        return self.ledger.claim(
            self.account,
            lane=self.name,
            lease=self.rules.lease,
            pace=self.rules.pace,
            jitter=self.tools.clock.jitter(),
            lead=timedelta(seconds=self.round_trip.expected),
        )

    def _now(self) -> float:
        return self.tools.clock.monotonic()

    def _left(self) -> float:
        """Return the seconds left of this slice; at least one pause while a claim is unanswered."""
        least = LEDGER_PAUSE.total_seconds() if self._unanswered else 0.0
        return max(least, self._ends_at - self._now())


def _on_hold(reason: HoldReason) -> Stop:
    return Stop(f"on hold: {reason}")
