"""How long a sign-up waits between attempts."""

from datetime import timedelta

import pytest

from shared.domain.retry import RetryPolicy

POLICY = RetryPolicy(base=timedelta(seconds=10), cap=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("attempt", "jitter", "seconds"),
    [
        pytest.param(1, 0.0, 5, id="first wait, least jitter: half the base"),
        pytest.param(1, 0.8, 9, id="first wait, more jitter"),
        pytest.param(2, 0.0, 10, id="doubles"),
        pytest.param(3, 0.0, 20, id="doubles again"),
        pytest.param(4, 0.0, 30, id="capped: half of a minute"),
        pytest.param(4, 0.5, 45, id="capped, with jitter"),
        pytest.param(10_000, 0.0, 30, id="never overflows"),
    ],
)
def test_delay(attempt: int, jitter: float, seconds: float) -> None:
    assert POLICY.delay(attempt, jitter) == timedelta(seconds=seconds)


def test_the_default_attempts_spread_over_four_to_nine_hours() -> None:
    policy = RetryPolicy()

    def spread(jitter: float) -> timedelta:
        waits = (policy.delay(attempt, jitter) for attempt in range(1, policy.max_attempts))
        return sum(waits, timedelta())

    assert timedelta(hours=4) < spread(0.0) < spread(0.999) < timedelta(hours=9)


def test_the_published_defaults() -> None:
    assert RetryPolicy() == RetryPolicy(
        max_attempts=12,
        base=timedelta(seconds=15),
        cap=timedelta(hours=6),
        max_age=timedelta(days=7),
    )


def test_a_wait_is_doubled_32_times_at_most() -> None:
    endless = RetryPolicy(base=timedelta(seconds=2), cap=timedelta.max)
    assert endless.delay(33, 0.0) == endless.delay(34, 0.0) == timedelta(seconds=2**32)
