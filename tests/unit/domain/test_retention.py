"""How long records are kept, and when the next is cleared."""

from datetime import datetime, timedelta

import pytest

from shared.domain.retention import KeptRecords, beginning
from tests.support.builders import NOON
from tests.support.retention import FOR_EVER, retention

DAY = timedelta(days=1)


def kept(
    since: datetime | None = NOON - 100 * DAY,
    oldest: datetime | None = NOON - DAY,
    kept_for: timedelta | None = 30 * DAY,
    name: str = "delivered",
) -> KeptRecords:
    return KeptRecords(name=name, kept_for=kept_for, since=since, count=1, oldest=oldest)


@pytest.mark.parametrize(
    ("records", "next_at"),
    [
        pytest.param(kept(), NOON + 29 * DAY, id="by the oldest"),
        pytest.param(kept(since=NOON), NOON + 30 * DAY, id="by when it was switched on"),
        pytest.param(kept(oldest=None), None, id="nothing is kept"),
        pytest.param(kept(kept_for=None), None, id="kept for ever"),
        pytest.param(kept(since=None), None, id="no worker has begun"),
    ],
)
def test_the_next_is_cleared_when_both_times_are_over(
    records: KeptRecords, next_at: datetime | None
) -> None:
    assert records.next_at == next_at


def test_the_beginning_is_told_until_the_first_is_cleared() -> None:
    records = [
        kept(since=NOON - 5 * DAY, name="dead", kept_for=90 * DAY),
        kept(since=NOON - 2 * DAY),
        kept(since=NOON, name="addresses", kept_for=DAY),
        kept(since=None),
    ]
    assert beginning(records, NOON) == (
        "Retention counts from 2026-02-27 12:00 UTC: the first records are cleared on"
        " 2026-03-29 12:00 UTC."
    )
    assert beginning(records, NOON + 28 * DAY) is None
    assert beginning([kept(kept_for=None)], NOON) is None


def test_what_is_kept_for_ever_is_switched_off() -> None:
    some = retention(dead=DAY, addresses=2 * DAY)
    assert some.switched_on == {"dead": DAY, "addresses": 2 * DAY}
    assert some.switched_off == ["delivered", "discarded", "quarantined", "consent"]
    assert retention().switched_off == list(FOR_EVER)
