"""What holds mean for sign-ups that an operator sends, before and after."""

from collections import Counter
from datetime import timedelta

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.holds_in_words import (
    after_connecting,
    may_act_now,
    waits_now,
    what_follows,
    would_wait,
)
from tests.support.builders import NOON

MIDNIGHT = NOON + timedelta(hours=12)
QUOTA = Hold(reason=HoldReason.QUOTA, since=NOON, until=MIDNIGHT)
OUTAGE = Hold(reason=HoldReason.OUTAGE, since=NOON, probe_at=NOON + timedelta(minutes=5))
ON_OUTAGE = "acme is on hold (outage). 9 sign-ups wait."
PAUSED = Hold(reason=HoldReason.PAUSED, since=NOON)


@pytest.mark.parametrize(
    ("holds", "told", "until"),
    [
        ((QUOTA,), "(quota)", "that ends: 2026-03-02 00:00 UTC"),
        ((OUTAGE,), "(outage)", "that ends"),
        ((OUTAGE, QUOTA), "(outage and quota)", "that ends"),
        ((PAUSED,), "(paused)", "an operator releases the account"),
        (
            (PAUSED, QUOTA),
            "(paused and quota)",
            "an operator releases the account, and its other holds end",
        ),
    ],
)
def test_a_hold_is_told_before_and_after(holds: tuple[Hold, ...], told: str, until: str) -> None:
    assert (
        would_wait("acme", holds, NOON, "retry")
        == f"acme is on hold {told}. What you retry there waits until {until}."
    )
    assert (
        waits_now("acme", holds, NOON)
        == f"It waits now, as acme is on hold {told}. It is sent when {until}."
    )


@pytest.mark.parametrize(
    ("holds", "when"),
    [
        ((QUOTA,), "after 2026-03-02 00:00 UTC"),
        ((QUOTA, OUTAGE), "when that ends"),
        ((PAUSED,), "when an operator releases the account"),
    ],
)
def test_nobody_waits_with_what_can_be_mended_now(holds: tuple[Hold, ...], when: str) -> None:
    told = may_act_now("acme", holds, NOON, "mend it")
    assert told.endswith(f"). You can mend it now: it is sent by itself {when}.")


@pytest.mark.parametrize(
    ("due", "held", "told"),
    [
        ({"acme": 2}, {}, ["2 sign-ups can be retried now."]),
        ({}, {}, ["0 sign-ups can be retried now."]),
        (
            {"acme": 2},
            {"acme": (OUTAGE,)},
            ["2 sign-ups wait now, as acme is on hold (outage). They are sent when that ends."],
        ),
        (
            {"acme": 1, "books": 3},
            {"acme": (OUTAGE,)},
            [
                "3 sign-ups can be retried now.",
                "1 sign-up waits now, as acme is on hold (outage). It is sent when that ends.",
            ],
        ),
    ],
)
def test_many_are_told_by_what_keeps_them(
    due: dict[str, int], held: dict[str, tuple[Hold, ...]], told: list[str]
) -> None:
    assert what_follows(Counter(due), held, NOON, "retried") == told


@pytest.mark.parametrize(
    ("holds", "due", "told"),
    [
        ((), 0, None),
        ((), 1, "1 sign-up waits. It is sent now."),
        ((), 9, "9 sign-ups wait. They are sent now, oldest first."),
        (
            (OUTAGE,),
            9,
            f"{ON_OUTAGE} They are sent, oldest first, when that ends. The next probe: 12:05 UTC.",
        ),
        (
            (QUOTA,),
            0,
            "acme is on hold (quota). New sign-ups are sent when that ends: 2026-03-02 00:00 UTC.",
        ),
    ],
)
def test_connecting_tells_what_becomes_of_those_that_wait(
    holds: tuple[Hold, ...], due: int, told: str | None
) -> None:
    assert after_connecting("acme", holds, due, NOON) == told
