"""Outages: when the API fails for three different sign-ups in a row, the account waits."""

from datetime import timedelta

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.outcome import Answer
from shared.domain.signup import State
from tests.builders import accept
from tests.lane_bench import CREATED, UNAVAILABLE, Bench

NO_ANSWER = Answer(status=None, message="timed out")
CONFLICT = Answer(status=409)
REJECTED = Answer(status=400, message="no")


def accept_some(bench: Bench, count: int, start: int = 0) -> list[str]:
    return [accept(bench.ledger, f"{n}@example.com").id for n in range(start, start + count)]


def outage(bench: Bench) -> Hold:
    [hold] = bench.ledger.figures("acme").holds
    assert hold.reason == HoldReason.OUTAGE
    return hold


def until_probe(hold: Hold) -> timedelta:
    """How long after it began an outage that nobody has probed yet is to be probed."""
    assert hold.probe_at is not None
    return hold.probe_at - hold.since


@pytest.mark.parametrize("failure", [UNAVAILABLE, NO_ANSWER, Answer(status=302)])
def test_the_third_signup_in_a_row_that_fails_begins_an_outage(
    bench: Bench, failure: Answer
) -> None:
    ids = accept_some(bench, 5)
    assert bench.run(failure) == {"retried": 3, "stopped": "on hold: outage"}
    hold = outage(bench)
    assert until_probe(hold) == timedelta(seconds=15)
    assert hold.note == failure.cause
    assert [bench.signup(id).attempts for id in ids] == [1, 1, 1, 0, 0]


def test_one_signup_that_fails_again_and_again_stops_nobody(bench: Bench) -> None:
    [bad] = accept_some(bench, 1)
    for _ in range(2):
        bench.run(UNAVAILABLE)
        bench.make_due(bad)
    assert bench.run(UNAVAILABLE)["dead"] == 1
    assert bench.holds() == []


@pytest.mark.parametrize("between", [CREATED, REJECTED])
def test_whatever_the_api_takes_in_between_ends_the_row(bench: Bench, between: Answer) -> None:
    accept_some(bench, 5)
    answers = [UNAVAILABLE, UNAVAILABLE, between, UNAVAILABLE, UNAVAILABLE]
    assert bench.run(*answers)["stopped"] == "nothing due"
    assert bench.holds() == []


def test_conflicts_are_no_outage(bench: Bench) -> None:
    accept_some(bench, 4)
    assert bench.run(CONFLICT) == {"retried": 4, "stopped": "nothing due"}


def test_giving_up_is_a_failure_of_the_api_too(bench: Bench) -> None:
    [first] = accept_some(bench, 1)
    for _ in range(2):
        bench.run(UNAVAILABLE)
        bench.make_due(first)
    accept_some(bench, 3, start=1)
    assert bench.run(CREATED, UNAVAILABLE) == {
        "delivered": 1,
        "dead": 1,
        "retried": 2,
        "stopped": "on hold: outage",
    }


def test_each_probe_is_another_signup_and_the_next_comes_later(bench: Bench) -> None:
    ids = accept_some(bench, 6)
    bench.run(UNAVAILABLE)
    bench.ledger.release("acme")
    assert bench.run(UNAVAILABLE) == {"retried": 1, "stopped": "on hold: outage"}
    first = outage(bench)
    bench.ledger.release("acme")
    assert bench.run(UNAVAILABLE) == {"retried": 1, "stopped": "on hold: outage"}
    second = outage(bench)
    assert [bench.signup(id).attempts for id in ids] == [1, 1, 1, 1, 1, 0]
    assert first.probe_at is not None and second.probe_at is not None
    assert second.probe_at - first.probe_at >= timedelta(seconds=30)


def test_a_probe_that_gets_through_ends_the_outage_and_all_flow(bench: Bench) -> None:
    ids = accept_some(bench, 6)
    bench.run(UNAVAILABLE)
    bench.ledger.release("acme")
    assert bench.run(CREATED) == {"delivered": 3, "stopped": "nothing due"}
    assert bench.holds() == []
    for id in ids[:3]:
        bench.make_due(id)
    assert bench.run(CREATED)["delivered"] == 3


def test_no_signup_dies_of_probing(bench: Bench) -> None:
    ids = accept_some(bench, 3)
    bench.run(UNAVAILABLE)
    for _ in range(9):
        for id in ids:
            bench.make_due(id)
        bench.ledger.release("acme")
        assert bench.run(UNAVAILABLE)["retried"] == 1
    assert {bench.signup(id).state for id in ids} == {State.RETRYING}
    assert max(bench.signup(id).attempts for id in ids) == 2  # of the three that it has


def test_other_holds_stand_beside_an_outage(bench: Bench) -> None:
    accept_some(bench, 4)
    bench.run(UNAVAILABLE)
    bench.ledger.hold("acme", HoldReason.PAUSED, by="operator")
    assert bench.run(CREATED)["stopped"] == "on hold: paused"
    assert bench.holds() == [HoldReason.PAUSED, HoldReason.OUTAGE]
    bench.ledger.release("acme")
    assert bench.run(CREATED)["delivered"] == 1
    assert bench.holds() == []
