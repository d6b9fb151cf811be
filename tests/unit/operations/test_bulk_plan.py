"""When what is retried begins to be sent, as an operator reads it before."""

from collections import Counter
from datetime import timedelta

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.job import JobAction, TimeToSend
from shared.operations.bulk_choices import BulkPlan
from tests.support.builders import NOON

MIDNIGHT = NOON + timedelta(hours=12)
SIX = timedelta(seconds=6)
QUOTA = Hold(reason=HoldReason.QUOTA, since=NOON, until=MIDNIGHT)
PAUSED = Hold(reason=HoldReason.PAUSED, since=NOON)


@pytest.mark.parametrize(
    ("takes", "holds", "told"),
    [
        pytest.param(TimeToSend(), [], "Retrying begins now, and takes about 1 s.", id="now"),
        pytest.param(
            TimeToSend(sending=SIX, begins_at=MIDNIGHT),
            [],
            "Retrying begins by itself after 2026-03-02 00:00 UTC, and takes about 6 s.",
            id="the next day's requests",
        ),
        pytest.param(
            TimeToSend(sending=SIX, begins_at=MIDNIGHT),
            [QUOTA],
            "acme is on hold (quota). Retrying begins by itself after 2026-03-02 00:00 UTC, and"
            " takes about 6 s.",
            id="a hold with a known end",
        ),
        pytest.param(
            TimeToSend(sending=SIX),
            [PAUSED],
            "acme is on hold (paused). Retrying begins by itself when an operator releases the"
            " account, and takes about 6 s.",
            id="a pause",
        ),
    ],
)
def test_when_it_begins_and_how_long_it_takes(
    takes: TimeToSend, holds: list[Hold], told: str
) -> None:
    plan = BulkPlan(
        action=JobAction.RETRY_FORM_LISTS,
        accounts=Counter(acme=12),
        is_exact=True,
        left_out=0,
        takes=takes,
        quota_left=0,
        held={"acme": holds} if holds else {},
    )
    assert plan.when_in_words(NOON) == told
