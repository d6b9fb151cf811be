"""A broker that refuses commands is asked less and less often, and the log says it once."""

from tests.support.hand_set_clock import HandSetClock
from worker.broker_refusals import BrokerRefusals


def refusals(clock: HandSetClock) -> BrokerRefusals:
    return BrokerRefusals(clock, jitter=lambda: 0.0)


def test_the_wait_grows_up_to_a_bound() -> None:
    clock = HandSetClock()
    broker = refusals(clock)
    waits = []
    for _ in range(8):
        wait = broker.note("MISCONF").wait.total_seconds()
        clock.now += wait
        waits.append(wait)
    assert waits == [1, 2, 4, 8, 15, 15, 15, 15]


def test_the_same_refusal_is_news_once() -> None:
    broker = refusals(HandSetClock())
    assert [broker.note(what).is_news for what in "AABAB"] == [True, False, True, True, True]


def test_after_a_time_without_refusals_all_begins_anew() -> None:
    clock = HandSetClock()
    broker = refusals(clock)
    for _ in range(5):
        broker.note("MISCONF")
    clock.now += 121
    refusal = broker.note("MISCONF")
    assert refusal.is_news
    assert refusal.wait.total_seconds() == 1
