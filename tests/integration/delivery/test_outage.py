"""Outages: when the API fails for three different sign-ups in a row, the account waits."""

from datetime import timedelta

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.outcome import ApiAnswer
from shared.domain.signup import State
from tests.support.builders import accept
from tests.support.holds import let_probe_come
from tests.support.lane_rig import CREATED, UNAVAILABLE, LaneRig

NO_ANSWER = ApiAnswer(status=None, message="timed out")
CONFLICT = ApiAnswer(status=409)
REJECTED = ApiAnswer(status=400, message="no")


def accept_some(rig: LaneRig, count: int, start: int = 0) -> list[str]:
    return [accept(rig.ledger, f"{n}@example.com").id for n in range(start, start + count)]


def outage(rig: LaneRig) -> Hold:
    [hold] = rig.ledger.figures("acme").holds
    assert hold.reason == HoldReason.OUTAGE
    return hold


def until_probe(hold: Hold) -> timedelta:
    """How long after its last failure an outage is to be probed."""
    assert hold.probe_at is not None and hold.refused_at is not None
    return hold.probe_at - hold.refused_at


@pytest.mark.parametrize("failure", [UNAVAILABLE, NO_ANSWER, ApiAnswer(status=302)])
def test_the_third_signup_in_a_row_that_fails_begins_an_outage(
    rig: LaneRig, failure: ApiAnswer
) -> None:
    ids = accept_some(rig, 5)
    assert rig.run(failure) == {"retried": 3, "stopped": "on hold: outage"}
    hold = outage(rig)
    assert until_probe(hold) == timedelta(seconds=15)
    assert hold.note == failure.cause
    assert [rig.signup(id).attempts for id in ids] == [1, 1, 1, 0, 0]


def test_one_signup_that_fails_again_and_again_stops_nobody(rig: LaneRig) -> None:
    [bad] = accept_some(rig, 1)
    for _ in range(2):
        rig.run(UNAVAILABLE)
        rig.make_due(bad)
    assert rig.run(UNAVAILABLE)["dead"] == 1
    assert rig.holds() == []


@pytest.mark.parametrize("between", [CREATED, REJECTED])
def test_whatever_the_api_takes_in_between_ends_the_row(rig: LaneRig, between: ApiAnswer) -> None:
    accept_some(rig, 5)
    answers = [UNAVAILABLE, UNAVAILABLE, between, UNAVAILABLE, UNAVAILABLE]
    assert rig.run(*answers)["stopped"] == "nothing due"
    assert rig.holds() == []


def test_conflicts_are_no_outage(rig: LaneRig) -> None:
    accept_some(rig, 4)
    assert rig.run(CONFLICT) == {"retried": 4, "stopped": "nothing due"}


def test_giving_up_is_a_failure_of_the_api_too(rig: LaneRig) -> None:
    [first] = accept_some(rig, 1)
    for _ in range(2):
        rig.run(UNAVAILABLE)
        rig.make_due(first)
    accept_some(rig, 3, start=1)
    assert rig.run(CREATED, UNAVAILABLE) == {
        "delivered": 1,
        "dead": 1,
        "retried": 2,
        "stopped": "on hold: outage",
    }


def test_each_probe_is_another_signup_and_the_next_comes_later(rig: LaneRig) -> None:
    ids = accept_some(rig, 6)
    rig.run(UNAVAILABLE)
    waits = []
    for _ in range(2):
        let_probe_come(rig.client)
        assert rig.run(UNAVAILABLE) == {"retried": 1, "stopped": "on hold: outage"}
        waits.append(until_probe(outage(rig)))
    assert [rig.signup(id).attempts for id in ids] == [1, 1, 1, 1, 1, 0]
    assert waits == [timedelta(seconds=30), timedelta(seconds=60)]


def test_a_probe_that_an_operator_asked_for_leaves_the_next_one_as_it_was(rig: LaneRig) -> None:
    accept_some(rig, 5)
    rig.run(UNAVAILABLE)
    planned = outage(rig).probe_at
    rig.ledger.release("acme")
    assert rig.run(UNAVAILABLE) == {"retried": 1, "stopped": "on hold: outage"}
    assert outage(rig).probe_at == planned


def test_a_probe_that_gets_through_ends_the_outage_and_all_flow(rig: LaneRig) -> None:
    ids = accept_some(rig, 6)
    rig.run(UNAVAILABLE)
    rig.ledger.release("acme")
    assert rig.run(CREATED) == {"delivered": 3, "stopped": "nothing due"}
    assert rig.holds() == []
    for id in ids[:3]:
        rig.make_due(id)
    assert rig.run(CREATED)["delivered"] == 3


def test_no_signup_dies_of_probing(rig: LaneRig) -> None:
    ids = accept_some(rig, 3)
    rig.run(UNAVAILABLE)
    for _ in range(9):
        for id in ids:
            rig.make_due(id)
        rig.ledger.release("acme")
        assert rig.run(UNAVAILABLE)["retried"] == 1
    assert {rig.signup(id).state for id in ids} == {State.RETRYING}
    assert max(rig.signup(id).attempts for id in ids) == 2  # of the three that it has


def test_other_holds_stand_beside_an_outage(rig: LaneRig) -> None:
    accept_some(rig, 4)
    rig.run(UNAVAILABLE)
    rig.ledger.hold("acme", HoldReason.PAUSED, by="operator")
    assert rig.run(CREATED)["stopped"] == "on hold: paused"
    assert rig.holds() == [HoldReason.PAUSED, HoldReason.OUTAGE]
    rig.ledger.release("acme")
    assert rig.run(CREATED)["delivered"] == 1
    assert rig.holds() == []
