"""How many refused requests of one address a process takes before it refuses them unread."""

from datetime import timedelta

import pytest

from shared.infrastructure.settings import RateLimit
from web.signup.refused_requests import RefusedRequests, refused_limit

HERE, BESIDE = "203.0.113.7", "203.0.113.8"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("visitors", "processes", "most"),
    [
        pytest.param(RateLimit(30, MINUTE), 1, 120, id="usual, one process"),
        pytest.param(RateLimit(30, MINUTE), 2, 60, id="processes share it"),
        pytest.param(RateLimit(30, MINUTE), 8, 30, id="but each has enough for an office"),
        pytest.param(RateLimit(5, DAY), 1, 120, id="a strict limit of sign-ups"),
        pytest.param(RateLimit(600, MINUTE), 2, 1200, id="many visitors share an address"),
        pytest.param(RateLimit(7200, HOUR), 1, 480, id="by the hour"),
        pytest.param(RateLimit(10, timedelta(seconds=1)), 1, 2400, id="by the second"),
    ],
)
def test_the_limit(visitors: RateLimit, processes: int, most: int) -> None:
    assert refused_limit(visitors, processes) == RateLimit(most, MINUTE)


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        *((status, True) for status in (400, 413, 415, 422)),
        *((status, False) for status in (202, 303, 403, 404, 405, 410, 429, 500, 503)),
    ],
)
def test_which_answers_count(status: int, counts: bool) -> None:
    refused = RefusedRequests(RateLimit(1, MINUTE), clock=lambda: 0.0)
    refused.note("news", HERE, status)
    assert (refused.wait("news", HERE) is not None) == counts
    assert refused.wait("news", BESIDE) is None
    assert refused.wait("shop", HERE) is None


def test_spaces_around_a_forms_name_make_no_other_form() -> None:
    refused = RefusedRequests(RateLimit(1, MINUTE), clock=lambda: 0.0)
    refused.note(" news", HERE, 422)
    assert refused.wait("news ", HERE) is not None


def test_no_limit() -> None:
    refused = RefusedRequests(None, clock=lambda: 0.0)
    refused.note("news", HERE, 422)
    assert refused.wait("news", HERE) is None
