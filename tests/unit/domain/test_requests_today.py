"""What is said of a day's requests, as a table: our own count, and Constant Contact's word."""

from datetime import datetime, timedelta

import pytest

from shared.domain.account import COUNTED_BY_API, Hold, HoldReason
from shared.domain.requests_today import left_in_words, requests_today
from tests.support.builders import NOON

LATE_YESTERDAY = NOON - timedelta(hours=13)


def hold(since: datetime, *, by: str = COUNTED_BY_API, refused_at: datetime | None = None) -> Hold:
    return Hold(reason=HoldReason.QUOTA, since=since, by=by, refused_at=refused_at)


@pytest.mark.parametrize(
    ("found", "left", "sentence"),
    [
        pytest.param(
            None, 9439, "Requests today: 61 of 10,000 (reset at 00:00 UTC).", id="no hold"
        ),
        pytest.param(
            hold(NOON, by="count"),
            9439,
            "Requests today: 61 of 10,000 (reset at 00:00 UTC).",
            id="our own count began the hold",
        ),
        pytest.param(
            hold(NOON),
            0,
            "Requests left today: none until 00:00 UTC, as Constant Contact says. signup-relay"
            " itself has made 61.",
            id="Constant Contact began the hold",
        ),
        pytest.param(
            hold(LATE_YESTERDAY),
            9439,
            "Requests today: 61 of 10,000 (reset at 00:00 UTC).",
            id="it outlasts midnight",
        ),
        pytest.param(
            hold(LATE_YESTERDAY, refused_at=NOON),
            0,
            "Requests left today: none until 00:00 UTC, as Constant Contact says. signup-relay"
            " itself has made 61.",
            id="Constant Contact refused one after midnight, too",
        ),
    ],
)
def test_constant_contacts_word_beats_our_own_count(
    found: Hold | None, left: int, sentence: str
) -> None:
    known = requests_today(61, found, NOON.date())
    assert known.left(9500) == left
    assert known.sentence(10_000) == sentence


def test_more_than_all_leaves_none() -> None:
    assert requests_today(9600, None, NOON.date()).left(9500) == 0


def test_the_sentence_says_which_key_it_is() -> None:
    told = requests_today(61, None, NOON.date()).sentence(10_000, " of its own API key")
    assert told == "Requests today of its own API key: 61 of 10,000 (reset at 00:00 UTC)."


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (0, "0. New ones come at 00:00 UTC."),
        (9437, "9,437. A fifth of these is kept for fresh sign-ups."),
    ],
)
def test_a_plan_says_what_is_left(left: int, said: str) -> None:
    assert left_in_words(left) == said
