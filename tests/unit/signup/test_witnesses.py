"""Of a network, one refusal a minute speaks for a form; an origin needs several networks."""

import pytest

from tests.support.hand_set_clock import HandSetClock
from web.signup.witnesses import _MOST_ORIGINS, Witnesses

STRANGER, NEIGHBOUR, ELSEWHERE = "203.0.113.7", "203.0.113.8", "198.51.100.1"
SITE = "https://www.example.org"


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def witnesses(clock: HandSetClock) -> Witnesses:
    return Witnesses(clock=clock)


@pytest.mark.parametrize("by_itself", [True, False])
@pytest.mark.parametrize(
    ("first", "again", "speaks"),
    [
        pytest.param(STRANGER, STRANGER, False, id="the same"),
        pytest.param(STRANGER, NEIGHBOUR, False, id="one of its network"),
        pytest.param("2001:db8:0:1::1", "2001:db8:0:2::1", False, id="another /64 of a /56"),
        pytest.param(STRANGER, ELSEWHERE, True, id="another network"),
        pytest.param("2001:db8:0:1::1", "2001:db8:1::1", True, id="another /56"),
    ],
)
def test_of_a_network_one_speaks(
    witnesses: Witnesses, first: str, again: str, speaks: bool, by_itself: bool
) -> None:
    assert witnesses.hear("news", first, by_itself=by_itself)
    assert witnesses.hear("news", again, by_itself=by_itself) == speaks
    assert witnesses.hear("shop", again, by_itself=by_itself)


def test_a_minute_later_it_speaks_again(witnesses: Witnesses, clock: HandSetClock) -> None:
    said = []
    for clock.now in (0.0, 59.9, 60.0, 119.9, 120.0):
        said.append(witnesses.hear("news", STRANGER, by_itself=False))
    assert said == [True, False, True, False, True]


@pytest.mark.parametrize("address", ["127.0.0.1", "172.18.0.1", "192.168.1.5", "fd00::1", ""])
def test_a_proxy_that_nobody_has_named_speaks_for_many(witnesses: Witnesses, address: str) -> None:
    posts = {witnesses.hear("news", address, by_itself=False) for _ in range(9)}
    assert posts == {True}
    asked = [witnesses.hear("news", address, by_itself=True) for _ in range(250)]
    assert asked == [True] + [False] * 249


def test_an_origin_counts_when_a_second_network_has_sent_it(witnesses: Witnesses) -> None:
    sent = [
        witnesses.from_several("news", SITE, address)
        for address in (STRANGER, STRANGER, NEIGHBOUR, ELSEWHERE, STRANGER)
    ]
    assert sent == [False, False, False, True, True]
    assert not witnesses.from_several("shop", SITE, STRANGER)
    assert not witnesses.from_several("news", "https://other.example", ELSEWHERE)


def test_made_up_origins_do_not_grow_without_end(witnesses: Witnesses) -> None:
    for number in range(3 * _MOST_ORIGINS):
        witnesses.from_several("news", f"https://{number}.example", STRANGER)
    assert len(witnesses._senders) == _MOST_ORIGINS
