"""When a connection that works now will end."""

from datetime import timedelta

import pytest

from shared.domain.connection_end import (
    UNUSED_LIFE,
    WARN_BEFORE,
    ConnectionEnd,
    EndCause,
    end_after_refusal,
    end_of_secret,
    end_without_use,
)
from tests.support.builders import NOON

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "access_refused", "works"),
    [
        pytest.param(HOUR, False, True, id="the access token still works"),
        pytest.param(HOUR, True, False, id="the API refuses it"),
        pytest.param(timedelta(0), False, False, id="it has expired"),
    ],
)
def test_a_refused_refresh_token(left: timedelta, access_refused: bool, works: bool) -> None:
    end = end_after_refusal(now=NOON, expires_at=NOON + left, access_refused=access_refused)
    assert end == (ConnectionEnd(cause=EndCause.REFUSED, at=NOON + left) if works else None)


@pytest.mark.parametrize(("left", "works"), [(HOUR, True), (timedelta(0), False)])
def test_a_refused_secret(left: timedelta, works: bool) -> None:
    end = end_of_secret(now=NOON, expires_at=NOON + left)
    assert end == (ConnectionEnd(cause=EndCause.CLIENT, at=NOON + left) if works else None)


@pytest.mark.parametrize(
    ("unused_for", "told"),
    [
        pytest.param(4 * HOUR, False, id="refreshed as always"),
        pytest.param(UNUSED_LIFE - WARN_BEFORE - SECOND, False, id="more than three weeks left"),
        pytest.param(UNUSED_LIFE - WARN_BEFORE, True, id="three weeks left"),
        pytest.param(UNUSED_LIFE + HOUR, True, id="over, as far as anybody knows"),
    ],
)
def test_a_refresh_token_that_is_not_used(unused_for: timedelta, told: bool) -> None:
    end = end_without_use(now=NOON, used_at=NOON - unused_for)
    at = NOON - unused_for + UNUSED_LIFE
    assert end == (ConnectionEnd(cause=EndCause.UNUSED, at=at) if told else None)
