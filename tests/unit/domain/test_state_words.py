"""What people read of reasons."""

import pytest

from shared.domain.signup import QUARANTINE_FILTERS, DeathReason
from shared.domain.state_words import REASON_WORDS, reason_words


@pytest.mark.parametrize("reason", [*DeathReason, *QUARANTINE_FILTERS])
def test_each_reason_has_words_and_no_code(reason: str) -> None:
    assert REASON_WORDS[reason]
    assert "_" not in reason_words(reason)


def test_a_reason_of_a_later_version_keeps_its_name() -> None:
    assert reason_words("of_tomorrow") == "of_tomorrow"
