"""A lane at work: a real ledger, and a Constant Contact that answers as each test wants."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.constant_contact.errors import Forbidden
from shared.constant_contact.token_vault import Token
from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable, NotConnected, Revoked, TokenUnavailable
from shared.domain.outcome import ApiAnswer, Settlement
from shared.domain.signup import State
from shared.ledger import keys
from shared.ledger.busy_accounts import AccountWork, BusyAccounts
from shared.ledger.ledger import Ledger
from shared.ledger.values import Attempt, Claim, NothingDue, OnHold, Wait
from tests.support.builders import accept
from tests.support.lane_rig import (
    CREATED,
    FORBIDDEN,
    UNAUTHORIZED,
    UNAVAILABLE,
    FakeContacts,
    FakeTokens,
    LaneRig,
    SimulatedClock,
)
from tests.support.records import receive_earlier
from worker.delivery.holds import AccountHolds


def test_a_lane_delivers_all_that_is_due_and_says_so(rig: LaneRig) -> None:
    ids = [accept(rig.ledger, f"{n}@example.com").id for n in range(3)]
    assert rig.run() == {"delivered": 3, "stopped": "nothing due"}
    assert {rig.signup(id).state for id in ids} == {State.DELIVERED}
    assert rig.tokens.worked_versions == [1, 1, 1]


def test_a_lane_with_more_to_do_has_one_more_started(rig: LaneRig) -> None:
    for n in range(5):
        accept(rig.ledger, f"{n}@example.com")
    rig.run()
    assert rig.another == 1


def test_a_refused_token_is_renewed_and_the_signup_sent_again_uncounted(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    assert rig.run(UNAUTHORIZED, CREATED)["delivered"] == 1
    assert rig.contacts.sent == [
        ("token-1", "ada@example.com"),
        ("token-2", "ada@example.com"),
    ]
    assert rig.signup(id).attempts == 1


def test_a_newer_token_that_is_refused_too_holds_the_account(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    assert rig.run(UNAUTHORIZED)["stopped"] == "on hold: reconnect"
    assert len(rig.contacts.sent) == 2
    assert rig.holds() == [HoldReason.RECONNECT]
    assert (rig.signup(id).state, rig.signup(id).attempts) == (State.QUEUED, 0)


def test_every_signup_may_have_its_token_renewed(rig: LaneRig) -> None:
    for n in range(2):
        accept(rig.ledger, f"{n}@example.com")
    assert rig.run(UNAUTHORIZED, CREATED, UNAUTHORIZED, CREATED)["delivered"] == 2
    assert rig.holds() == []


def test_a_token_that_cannot_be_renewed_now_holds_the_account_probed(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.tokens.renewal_error = TokenUnavailable("the token endpoint is down")
    rig.run(UNAUTHORIZED)
    assert len(rig.contacts.sent) == 1
    (hold,) = rig.ledger.figures("acme").holds
    assert hold.reason == HoldReason.RECONNECT
    assert hold.probe_at is not None


@pytest.mark.parametrize("error", [Revoked("revoked"), NotConnected("no tokens")])
def test_without_tokens_the_account_is_held_and_not_probed(rig: LaneRig, error: Exception) -> None:
    accept(rig.ledger)
    rig.tokens.error = error
    assert rig.run()["stopped"] == f"no token: {error}"
    (hold,) = rig.ledger.figures("acme").holds
    assert (hold.reason, hold.probe_at) == (HoldReason.RECONNECT, None)
    assert rig.contacts.sent == []


def test_an_expired_token_that_cannot_be_refreshed_now_holds_the_account_probed(
    rig: LaneRig,
) -> None:
    accept(rig.ledger)
    rig.tokens.error = TokenUnavailable("the token endpoint is down")
    rig.run()
    (hold,) = rig.ledger.figures("acme").holds
    assert hold.reason == HoldReason.RECONNECT
    assert hold.probe_at is not None


def test_a_ledger_that_fails_while_the_account_is_held_is_asked_again(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.tokens.error = Revoked("revoked")
    rig.contacts = FakeContacts([CREATED])
    flaky = UnholdingLedger(rig.client)
    assert rig.lane(holds=AccountHolds(flaky)).run()["stopped"] == "no token: revoked"
    assert rig.holds() == [HoldReason.RECONNECT]


class UnholdingLedger(Ledger):
    """Does not answer the first time that an account is to be held."""

    failed = False

    def hold(self, *args: Any, **kwargs: Any) -> bool:
        if not self.failed:
            self.failed = True
            raise LedgerUnavailable("no answer")
        return super().hold(*args, **kwargs)


def test_a_revocation_found_out_by_a_401_gives_the_signup_back(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.tokens.renewal_error = Revoked("revoked")
    rig.run(UNAUTHORIZED)
    assert rig.holds() == [HoldReason.RECONNECT]
    assert (rig.signup(id).state, rig.signup(id).attempts) == (State.QUEUED, 0)


def test_a_forbidden_signup_is_rejected_when_the_login_may_write(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    assert rig.run(FORBIDDEN)["dead"] == 1
    assert rig.signup(id).reason == "rejected"
    assert len(rig.contacts.sent) == 2


def test_a_privilege_that_comes_back_while_it_is_asked_for_costs_nothing(rig: LaneRig) -> None:
    ids = [accept(rig.ledger, f"{n}@example.com").id for n in range(2)]
    assert rig.run(FORBIDDEN, CREATED, FORBIDDEN, CREATED)["delivered"] == 2
    assert [rig.signup(id).attempts for id in ids] == [1, 1]


@pytest.mark.parametrize(
    "may",
    [
        pytest.param(frozenset({"campaigns:write"}), id="the privilege is missing"),
        pytest.param(Forbidden("the privileges", FORBIDDEN), id="the application is off"),
    ],
)
def test_a_login_that_may_not_write_holds_the_account(
    rig: LaneRig, may: frozenset[str] | Exception
) -> None:
    id = accept(rig.ledger).id
    assert rig.run(FORBIDDEN, may=may)["stopped"] == "on hold: forbidden"
    assert rig.holds() == [HoldReason.FORBIDDEN]
    assert rig.signup(id).attempts == 0


def test_a_probe_that_is_refused_for_its_own_sake_ends_the_hold_too(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    rig.ledger.release("acme")
    assert rig.run(ApiAnswer(status=400, message="no"))["dead"] == 1
    assert rig.holds() == []


def test_a_probe_that_finds_the_api_failing_proves_nothing(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    rig.ledger.release("acme")
    assert rig.run(UNAVAILABLE)["retried"] == 1
    assert rig.holds() == [HoldReason.FORBIDDEN]


def test_a_spent_quota_holds_the_key_and_counts_nothing(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    spent = ApiAnswer(status=429, error_key="quota_exceeded")
    assert rig.run(spent)["stopped"] == "on hold: quota"
    assert rig.signup(id).attempts == 0


def test_a_throttled_second_rests_all_lanes_and_counts_nothing(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    stopping = threading.Event()
    throttled = ApiAnswer(status=429, error_key="throttled")
    rig.contacts = StoppingContacts([throttled], stop=stopping.set)
    assert rig.lane(stopping=stopping).run() == {"released": 1, "stopped": "worker stops"}
    assert rig.signup(id).attempts == 0
    rest_until = float(rig.client.hget(keys.api_key("test-key") + "pace", "rest_until") or 0)
    seconds, _ = rig.client.time()
    assert rest_until / 1_000_000 > seconds


def test_a_failure_is_retried_later_and_counted(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    assert rig.run(UNAVAILABLE) == {"retried": 1, "stopped": "nothing due"}
    signup = rig.signup(id)
    assert (signup.state, signup.attempts, signup.message) == (
        State.RETRYING,
        1,
        "HTTP 503: try later",
    )


def test_an_api_that_cannot_be_reached_counts_like_any_failure(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.run(ApiAnswer(status=None, message="could not connect"), connects=False)
    assert rig.signup(id).attempts == 1


def test_the_last_attempt_makes_a_dead_letter_with_its_cause(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    for _ in range(3):
        rig.make_due(id)
        rig.run(UNAVAILABLE)
    signup = rig.signup(id)
    assert (signup.state, signup.reason) == (State.DEAD, "gave_up")
    assert signup.message == "gave up after 3 attempts: HTTP 503: try later"


def test_a_signup_that_was_tried_and_grew_too_old_is_not_sent(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.run(UNAVAILABLE)
    rig.make_due(id)
    receive_earlier(rig.client, f"{keys.account('acme')}signup:{id}", timedelta(days=8))
    assert rig.run()["dead"] == 1
    assert rig.contacts.sent == []
    assert rig.signup(id).reason == "gave_up"


def test_a_signup_that_was_never_tried_is_sent_however_old(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    receive_earlier(rig.client, f"{keys.account('acme')}signup:{id}", timedelta(days=8))
    assert rig.run()["delivered"] == 1


def test_a_missed_slot_is_given_back_and_the_same_signup_gets_another(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.contacts = FakeContacts([CREATED])
    rig.ledger = SlowLedger(rig.client, rig.clock, delays=[0.0, 0.5])
    assert rig.lane().run() == {
        "slots_missed": 1,
        "delivered": 1,
        "stopped": "nothing due",
    }
    assert rig.slots_back == 1
    assert len(rig.contacts.sent) == 1


@pytest.mark.parametrize("one_way", [0.02, 0.1, 0.3])
def test_a_ledger_far_away_misses_one_slot_at_most(rig: LaneRig, one_way: float) -> None:
    for n in range(4):
        accept(rig.ledger, f"{n}@example.com")
    rig.contacts = FakeContacts([CREATED])
    rig.ledger = SlowLedger(rig.client, rig.clock, delays=[one_way] * 100)
    assert rig.lane().run()["delivered"] == 4
    assert rig.slots_back <= 1


class SlowLedger(Ledger):
    """Answers claims after a while; the delays are for the ways there and back, in turn."""

    def __init__(self, client: "redis.Redis", clock: SimulatedClock, delays: list[float]) -> None:
        super().__init__(client)
        self.clock = clock
        self.delays = delays

    def claim(self, *args: Any, **kwargs: Any) -> Claim | Wait | OnHold | NothingDue:
        self._pass()
        answer = super().claim(*args, **kwargs)
        self._pass()
        return answer

    def _pass(self) -> None:
        self.clock.seconds += self.delays.pop(0) if self.delays else 0.0


def test_the_api_taking_a_token_is_noted_only_after_the_signup_is_settled(rig: LaneRig) -> None:
    ids = [accept(rig.ledger, f"{n}@example.com").id for n in range(2)]
    rig.tokens = ForgetfulTokens(LedgerUnavailable("no answer"))
    assert rig.run()["delivered"] == 2
    assert {rig.signup(id).state for id in ids} == {State.DELIVERED}
    assert len(rig.contacts.sent) == 2
    assert rig.another == 1  # it goes on as after any delivery


def test_a_fault_after_a_signup_is_settled_is_not_its_own(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.tokens = ForgetfulTokens(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        rig.run()
    assert (rig.signup(id).state, rig.signup(id).lost) == (State.DELIVERED, 0)


class ForgetfulTokens(FakeTokens):
    """Cannot note that a token worked."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self._fault = fault

    def worked(self, account: str, version: int) -> None:
        raise self._fault


def test_a_token_that_ended_while_the_claim_was_waited_for_costs_no_slot(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.tokens = EndingTokens()
    assert rig.run()["stopped"] == "no token: revoked"
    assert rig.slots_back == 1
    assert (rig.signup(id).state, rig.signup(id).lost) == (State.QUEUED, 0)


class EndingTokens(FakeTokens):
    """Has a token for the first who asks, and for nobody after."""

    def at_hand(self, account: str, version: int | None = None) -> Token:
        token = super().at_hand(account, version)
        self.error = Revoked("revoked")
        return token


def test_what_was_sent_and_could_not_be_settled_is_left_to_its_lease(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    stopping = threading.Event()
    rig.contacts = StoppingContacts([CREATED], stop=stopping.set)
    settler = rig.settler(DeafLedger(rig.client), patience=timedelta(0))
    lane = rig.lane(tools=rig.tools(settler=settler), stopping=stopping)
    assert lane.run() == {"stopped": "worker stops"}
    assert lane.in_flight.longer_than(-1) == []
    assert rig.signup(id).state == State.DELIVERING


class DeafLedger(Ledger):
    """Cannot be reached when something is to be settled as delivered."""

    def deliver(self, *args: Any, **kwargs: Any) -> bool:
        raise LedgerUnavailable("no answer")


def test_a_probe_whose_token_is_renewed_goes_on_probing(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    rig.ledger.release("acme")
    assert rig.run(UNAUTHORIZED, CREATED)["delivered"] == 1
    assert rig.holds() == []


def test_what_was_sent_is_settled_however_long_the_ledger_is_away(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    rig.contacts = FakeContacts([CREATED])
    flaky = FlakyLedger(rig.client, failures=5)
    assert rig.lane(tools=rig.tools(settler=rig.settler(flaky))).run()["delivered"] == 1
    assert rig.signup(id).state == State.DELIVERED
    assert len(rig.contacts.sent) == 1


class FlakyLedger(Ledger):
    """Does not answer the first so many times that something is settled as delivered."""

    def __init__(self, client: "redis.Redis", failures: int) -> None:
        super().__init__(client)
        self.failures = failures

    def deliver(self, claim: Claim, attempt: Attempt, *, contact_id: str, action: str) -> bool:
        settled = super().deliver(claim, attempt, contact_id=contact_id, action=action)
        self.failures -= 1
        if self.failures >= 0:
            raise LedgerUnavailable("the answer was lost")  # after the work was done
        return settled


def test_a_lane_whose_claim_was_not_answered_asks_again_however_long_it_takes(
    rig: LaneRig,
) -> None:
    id = accept(rig.ledger).id
    frozen = FreezingLedger(rig.client, rig.clock)
    assert rig.lane(ledger=frozen).run() == {"delivered": 1, "stopped": "slice over"}
    assert rig.signup(id).lost == 0


class FreezingLedger(Ledger):
    """Makes the first claim, and does not answer for longer than a lane's slice."""

    def __init__(self, client: "redis.Redis", clock: SimulatedClock) -> None:
        super().__init__(client)
        self._clock = clock
        self._thawed = False

    def claim(self, *args: Any, **kwargs: Any) -> Claim | Wait | OnHold | NothingDue:
        answer = super().claim(*args, **kwargs)
        if not self._thawed:
            self._thawed = True
            self._clock.sleep(25)
            raise LedgerUnavailable("frozen")
        return answer


def test_a_stopping_worker_ends_its_lanes_after_the_signup_in_hand(rig: LaneRig) -> None:
    for n in range(3):
        accept(rig.ledger, f"{n}@example.com")
    stopping = threading.Event()
    rig.contacts = StoppingContacts([CREATED], stop=stopping.set)
    assert rig.lane(stopping=stopping).run() == {"delivered": 1, "stopped": "worker stops"}


@dataclass
class StoppingContacts(FakeContacts):
    stop: Callable[[], None] = lambda: None

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        self.stop()
        return super().sign_up(access_token, body)


def test_a_claim_that_was_not_used_is_given_back_at_once(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    stopping = threading.Event()
    rig.contacts = StoppingContacts([UNAUTHORIZED], stop=stopping.set)
    assert rig.lane(stopping=stopping).run() == {"stopped": "worker stops"}
    assert rig.signup(id).state == State.QUEUED
    assert BusyAccounts(rig.client).find_work() == [AccountWork("acme", due=True, feeding=False)]


def test_a_lane_whose_slice_is_over_hands_on(rig: LaneRig) -> None:
    for n in range(3):
        accept(rig.ledger, f"{n}@example.com")
    rig.contacts = SlowContacts([CREATED], sleep=rig.clock.sleep)
    assert rig.lane().run() == {"delivered": 2, "stopped": "slice over"}
    assert rig.another == 2  # one beside it, one to go on


@dataclass
class SlowContacts(FakeContacts):
    """Takes eleven seconds for each answer, so that two make more than a slice."""

    sleep: Callable[[float], None] = lambda seconds: None

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        self.sleep(11)
        return super().sign_up(access_token, body)


class Listener:
    """Hears of every sign-up as it is sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def started(self, claim: Claim) -> None:
        self.heard.append("started")

    def ended(self, claim: Claim, decision: Settlement, seconds: float) -> None:
        self.heard.append(type(decision).__name__)


def test_a_reporter_hears_of_every_signup(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.contacts = FakeContacts([CREATED])
    listener = Listener()
    rig.lane(tools=rig.tools(reporter=listener)).run()
    assert listener.heard == ["started", "Delivered"]


def test_a_signup_that_needs_several_slots_is_heard_of_once(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.contacts = FakeContacts([UNAUTHORIZED, CREATED])
    rig.ledger = SlowLedger(rig.client, rig.clock, delays=[0.0, 0.5])
    listener = Listener()
    assert rig.lane(tools=rig.tools(reporter=listener)).run()["slots_missed"] == 1
    assert listener.heard == ["started", "Delivered"]
