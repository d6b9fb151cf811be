"""What people read of states and reasons."""

import pytest

from shared.domain.signup import QUARANTINE_FILTERS, DeathReason, State
from shared.domain.state_words import REASON_WORDS, count_words, reason_words, state_words


def test_each_state_has_words_of_its_own() -> None:
    words = [state_words(state) for state in (*State, "spooled", "cleared")]
    assert len(set(words)) == len(words)
    assert (state_words("retrying"), state_words("spooled")) == ("waiting for a retry", "on disk")


def test_a_count_is_called_as_its_states_are() -> None:
    assert [count_words(count) for count in ("due", "dead", "delivered")] == [
        *("waiting", "failed", "delivered"),
    ]


@pytest.mark.parametrize("reason", [*DeathReason, *QUARANTINE_FILTERS])
def test_each_reason_has_words_and_no_code(reason: str) -> None:
    assert REASON_WORDS[reason]
    assert "_" not in reason_words(reason)


def test_a_reason_of_a_later_version_keeps_its_name() -> None:
    assert reason_words("of_tomorrow") == "of_tomorrow"
