"""Limits of visitors in web's own memory: by address, and ten times as many by network."""

from datetime import timedelta

import pytest

from shared.infrastructure.settings import RateLimit
from web.signup.visitor_counts import VisitorCounts

LIMIT = RateLimit(2, timedelta(minutes=1))


@pytest.fixture
def counts() -> VisitorCounts:
    return VisitorCounts(LIMIT, clock=lambda: 0.0)


def test_an_address_has_the_limit(counts: VisitorCounts) -> None:
    assert [counts.count("203.0.113.7") for _ in range(3)] == [None, None, LIMIT.window]
    assert counts.count("203.0.113.8") is None


@pytest.mark.parametrize(
    ("addresses", "beside"),
    [
        pytest.param([f"203.0.113.{n}" for n in range(30)], "203.0.112.1", id="an IPv4 /24"),
        pytest.param(
            [f"2001:db8:0:{n:x}::1" for n in range(30)], "2001:db8:0:100::1", id="an IPv6 /56"
        ),
    ],
)
def test_a_network_has_ten_times_the_limit(
    counts: VisitorCounts, addresses: list[str], beside: str
) -> None:
    taken = [address for address in addresses if counts.count(address) is None]
    assert taken == addresses[:20]
    assert counts.wait(addresses[0]) == LIMIT.window
    assert counts.wait(beside) is None


def test_to_ask_counts_nothing(counts: VisitorCounts) -> None:
    assert {counts.wait("203.0.113.7") for _ in range(5)} == {None}
    assert counts.count("203.0.113.7") is None
