"""Poison: a sign-up that ends, hangs or breaks its worker dies alone, and soon."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import ApiAnswer
from shared.domain.signup import Signup, State
from shared.ledger.ledger import Ledger
from shared.ledger.values import Claim, NothingDue, OnHold, Wait
from tests.support.builders import accept, claim
from tests.support.lane_rig import CREATED, UNAUTHORIZED, UNAVAILABLE, FakeContacts, LaneRig
from tests.support.stack import eventually
from worker.delivery.in_flight import InFlight

BAD = "bad@example.com"
THREE_WORKERS = "3 workers ended, hung or failed while they had it; the last"


@dataclass
class BreakingContacts(FakeContacts):
    """Raises something unforeseen, which quotes an address, for one of them."""

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        if body["email_address"] == BAD:
            raise ValueError(f"cannot stomach {BAD}")
        return super().sign_up(access_token, body)


def lose_claim(rig: LaneRig, id: str) -> Claim | NothingDue:
    """Have one more worker end with the sign-up in its hands."""
    lost = claim(rig.ledger)
    rig.make_due(id, "fresh")
    assert isinstance(lost, Claim | NothingDue)
    return lost


def poisoned(rig: LaneRig) -> Signup:
    [dead] = rig.ledger.dead_letters("acme")
    assert (dead.state, dead.reason) == (State.DEAD, "poison")
    return dead


def test_what_breaks_a_lane_is_left_alone_for_a_while_and_the_others_flow(rig: LaneRig) -> None:
    bad = accept(rig.ledger, BAD).id
    accept(rig.ledger, "good@example.com")
    rig.contacts = BreakingContacts([CREATED])
    assert rig.lane().run() == {"lost": 1, "delivered": 1, "stopped": "nothing due"}
    signup = rig.signup(bad)
    assert (signup.state, signup.attempts, signup.lost) == (State.QUEUED, 0, 1)


def test_what_breaks_three_lanes_is_poison_and_says_where_without_quoting(rig: LaneRig) -> None:
    bad = accept(rig.ledger, BAD).id
    rig.contacts = BreakingContacts([CREATED])
    for _ in range(3):
        rig.make_due(bad, "fresh")
        rig.lane().run()
    dead = poisoned(rig)
    assert dead.message is not None
    assert dead.message.startswith(f"{THREE_WORKERS}: ValueError at test_poison.py:")
    history = rig.ledger.history(dead)
    assert BAD not in dead.message + str(history)
    assert [event["counted"] for event in history] == [False, False, False]
    figures = rig.ledger.figures("acme")
    assert (figures.accepted, figures.due, figures.dead) == (1, 0, 1)


def test_what_ends_three_workers_is_poison_and_the_others_flow(rig: LaneRig) -> None:
    bad = accept(rig.ledger, BAD).id
    for _ in range(3):
        assert isinstance(lose_claim(rig, bad), Claim)
    accept(rig.ledger, "good@example.com")
    assert rig.run(CREATED) == {"delivered": 1, "stopped": "nothing due"}
    dead = poisoned(rig)
    assert dead.message == f"{THREE_WORKERS}: it ended or hung while it sent the sign-up"
    assert (dead.lost, dead.attempts) == (3, 0)


def test_the_persons_next_signup_flows_when_the_first_is_poison(rig: LaneRig) -> None:
    bad = accept(rig.ledger, BAD).id
    accept(rig.ledger, BAD)
    for _ in range(3):
        lose_claim(rig, bad)
    assert rig.run(CREATED)["delivered"] == 1
    assert poisoned(rig).id == bad


def test_two_lost_claims_do_not_stop_an_innocent(rig: LaneRig) -> None:
    innocent = accept(rig.ledger).id
    for _ in range(2):
        lose_claim(rig, innocent)
    assert rig.run(CREATED)["delivered"] == 1
    assert rig.signup(innocent).lost == 2


def test_a_retried_dead_letter_may_lose_three_claims_again(rig: LaneRig) -> None:
    bad = accept(rig.ledger, BAD).id
    for _ in range(3):
        lose_claim(rig, bad)
    assert lose_claim(rig, bad) == NothingDue()
    assert rig.ledger.requeue("acme", bad)
    assert rig.run(CREATED)["delivered"] == 1


def test_a_probe_that_breaks_lets_another_probe_at_once(rig: LaneRig) -> None:
    accept(rig.ledger, BAD)
    accept(rig.ledger, "good@example.com")
    rig.ledger.hold("acme", HoldReason.FORBIDDEN, by="answer")
    rig.ledger.release("acme")
    rig.contacts = BreakingContacts([CREATED])
    assert rig.lane().run()["delivered"] == 1
    assert rig.holds() == []


def test_a_fault_that_has_no_signup_is_not_hidden(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.tokens.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        rig.run(CREATED)


def test_after_an_unsettled_request_the_lane_goes_on(rig: LaneRig) -> None:
    accept(rig.ledger)
    assert rig.run(UNAVAILABLE)["retried"] == 1
    assert rig.lane().in_flight.longer_than(-1) == []


# --- alone


@dataclass
class WatchingContacts(FakeContacts):
    """Looks around while it sends."""

    look: Callable[[], None] = lambda: None

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        self.look()
        return super().sign_up(access_token, body)


def test_a_suspect_is_sent_with_the_process_to_itself(rig: LaneRig) -> None:
    suspect = accept(rig.ledger, BAD).id
    for _ in range(2):
        lose_claim(rig, suspect)
    in_flight = InFlight(lambda: 0.0)
    let_in: list[bool] = []

    def look() -> None:
        let_in.append(in_flight.take("another", "s2", alone=False, patience=0))

    rig.contacts = WatchingContacts([CREATED], look=look)
    assert rig.lane(in_flight=in_flight).run()["delivered"] == 1
    assert let_in == [False]
    assert in_flight.take("another", "s2", alone=False, patience=0)


def test_a_lane_has_nothing_in_flight_while_it_asks_for_a_claim(rig: LaneRig) -> None:
    for n in range(2):
        accept(rig.ledger, f"{n}@example.com")
    in_flight = InFlight(lambda: 0.0)
    found: list[list[str]] = []

    class WatchingLedger(Ledger):
        def claim(self, *args: Any, **kwargs: Any) -> Claim | Wait | OnHold | NothingDue:
            found.append(in_flight.longer_than(-1))
            return super().claim(*args, **kwargs)

    lane = rig.lane(ledger=WatchingLedger(rig.client), in_flight=in_flight)
    assert lane.run()["delivered"] == 2
    assert found == [[], [], []]


def test_a_lane_that_waits_for_redis_has_nothing_in_flight(rig: LaneRig) -> None:
    accept(rig.ledger)
    rig.contacts = FakeContacts([UNAUTHORIZED, CREATED])  # the claim stays open for a newer token
    in_flight = InFlight(lambda: 0.0)
    found: list[list[str]] = []

    class LedgerThatIsAwayOnce(Ledger):
        def claim(self, *args: Any, **kwargs: Any) -> Claim | Wait | OnHold | NothingDue:
            found.append(in_flight.longer_than(-1))
            if len(found) == 2:
                raise LedgerUnavailable("Redis is away")
            return super().claim(*args, **kwargs)

    lane = rig.lane(ledger=LedgerThatIsAwayOnce(rig.client), in_flight=in_flight)
    assert lane.run()["delivered"] == 1
    assert [len(signups) for signups in found] == [0, 1, 0, 0]


def test_what_was_claimed_beside_a_suspect_is_given_back_until_it_is_over(rig: LaneRig) -> None:
    innocent = accept(rig.ledger).id
    in_flight = InFlight(lambda: 0.0)
    assert in_flight.take("suspect's", "s0", alone=True, patience=0)
    stopping = threading.Event()
    lane = rig.lane(in_flight=in_flight, stopping=stopping)
    thread = threading.Thread(target=lane.run)
    thread.start()
    try:
        eventually(lambda: rig.slots_back > 0)
        eventually(lambda: rig.signup(innocent).state == State.QUEUED)
        assert rig.contacts.sent == []
    finally:
        in_flight.leave("suspect's")
        thread.join(timeout=30)
    assert rig.signup(innocent).state == State.DELIVERED
    assert rig.signup(innocent).lost == 0


def test_a_suspect_waits_until_the_others_have_ended(rig: LaneRig) -> None:
    suspect = accept(rig.ledger, BAD).id
    for _ in range(2):
        lose_claim(rig, suspect)
    in_flight = InFlight(lambda: 0.0)
    assert in_flight.take("another", "s2", alone=False, patience=0)

    def nobody_else_is_let_in() -> bool:
        let_in = in_flight.take("third", "s3", alone=False, patience=0)
        in_flight.leave("third")
        return not let_in

    thread = threading.Thread(target=rig.lane(in_flight=in_flight).run)
    thread.start()
    try:
        eventually(nobody_else_is_let_in)
        assert rig.contacts.sent == []
    finally:
        in_flight.leave("another")
        thread.join(timeout=30)
    assert rig.signup(suspect).state == State.DELIVERED
