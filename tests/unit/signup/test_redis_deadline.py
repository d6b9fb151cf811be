"""The time that a visitor waits for Redis."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from shared.domain.errors import KeyReused, LedgerUnavailable
from tests.support.hand_set_clock import HandSetClock
from web.signup.redis_deadline import FAILS_AT_ONCE, VISITOR_WAITS, DeadlinePool

pytestmark = pytest.mark.impatient


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def pool(clock: HandSetClock) -> DeadlinePool:
    return DeadlinePool(threads=2, clock=clock)


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Work that waits for this hangs until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_work_in_time_is_answered(pool: DeadlinePool) -> None:
    assert pool.start().ask(lambda: 42) == 42


def test_work_that_hangs_is_given_up(pool: DeadlinePool, hanging: threading.Event) -> None:
    began = time.monotonic()
    with pytest.raises(LedgerUnavailable):
        pool.start().ask(hanging.wait)
    assert time.monotonic() - began < VISITOR_WAITS.total_seconds() + 0.2


def test_all_questions_of_a_request_share_its_time(pool: DeadlinePool, clock: HandSetClock) -> None:
    deadline = pool.start()

    def slow() -> None:
        clock.now += 0.5

    deadline.ask(slow)
    deadline.ask(slow)
    with pytest.raises(LedgerUnavailable):
        deadline.ask(lambda: threading.Event().wait(0.05))


def test_after_a_timeout_all_fail_at_once_for_a_second_and_then_none(
    pool: DeadlinePool, clock: HandSetClock, hanging: threading.Event
) -> None:
    with pytest.raises(LedgerUnavailable):
        pool.run(hanging.wait, 0.01)
    asked: list[int] = []
    clock.now += FAILS_AT_ONCE.total_seconds() - 0.01
    with pytest.raises(LedgerUnavailable):
        pool.start().ask(lambda: asked.append(1))
    assert asked == []
    clock.now += 0.02
    pool.start().ask(lambda: asked.append(2))
    assert asked == [2]


@pytest.mark.parametrize("direct", [True, False], ids=["of redis-py", "wrapped by the ledger"])
def test_a_socket_timeout_counts_as_one(pool: DeadlinePool, direct: bool) -> None:
    def fail() -> None:
        if direct:
            raise redis.TimeoutError
        raise LedgerUnavailable from redis.TimeoutError()

    with pytest.raises(LedgerUnavailable):
        pool.start().ask(fail)
    with pytest.raises(LedgerUnavailable, match="moment ago"):
        pool.start().ask(lambda: 1)


def test_a_refused_connection_does_not_stop_the_next_visitor(pool: DeadlinePool) -> None:
    def fail() -> None:
        raise redis.ConnectionError("refused")

    with pytest.raises(LedgerUnavailable):
        pool.start().ask(fail)
    assert pool.start().ask(lambda: 1) == 1


def test_work_that_never_began_is_not_done_later(
    hanging: threading.Event, clock: HandSetClock
) -> None:
    pool = DeadlinePool(threads=1, clock=clock)
    done: list[int] = []
    with pytest.raises(LedgerUnavailable):
        pool.run(hanging.wait, 0.01)
    clock.now += 2
    with pytest.raises(LedgerUnavailable):
        pool.run(lambda: done.append(1), 0.01)
    clock.now += 2
    hanging.set()
    pool.run(lambda: None, 5)
    assert done == []


def test_errors_that_mean_something_pass_through(pool: DeadlinePool) -> None:
    def fail() -> None:
        raise KeyReused

    with pytest.raises(KeyReused):
        pool.start().ask(fail)
