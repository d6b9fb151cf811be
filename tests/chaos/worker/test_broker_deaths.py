"""Redis dies again and again while a worker takes messages; the worker outlives it every time.

Each message is between its task's begin and its acknowledgement at some moment. With so many of
them, Redis dies at such a moment every few times.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from shared.infrastructure import queues
from tests.chaos.worker.test_broker import raw
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
DEATHS = 12
WAKE_UP = raw(b"[[], {}, {}]", task=queues.WAKE)


@contextmanager
def many_messages(stack: Stack) -> Iterator[None]:
    """Have some wake-ups in the broker at every moment at which it lives."""
    over = threading.Event()

    def fill() -> None:
        while not over.wait(0.005):
            with suppress(redis.RedisError), stack.valkey.client(1) as broker:
                while not over.wait(0.005):
                    if broker.llen(queues.UPKEEP_QUEUE) < 20:
                        broker.lpush(queues.UPKEEP_QUEUE, *[WAKE_UP] * 20)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def takes_messages(stack: Stack) -> bool:
    """Whether the worker has taken what was put into the broker just now."""
    with suppress(redis.RedisError), stack.valkey.client(1) as broker:
        broker.lpush(queues.TOKENS_QUEUE, raw(b"[[], {}, {}]", task=queues.REFRESH_TOKENS))
        eventually(lambda: not broker.llen(queues.TOKENS_QUEUE), within=30, what="taking it")
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("events", ["0", "1"])
def test_a_worker_outlives_every_death_of_redis(make_stack: MakeStack, events: str) -> None:
    stack = make_stack(rate=100, RELAY_TASK_EVENTS=events)
    stack.open()
    [worker] = stack.start_workers()
    assert stack.post(email="first@example.com").status_code == 202  # so web knows the form
    people = [f"person-{number}@example.com" for number in range(DEATHS)]
    with many_messages(stack):
        for email in people:
            eventually(lambda: takes_messages(stack), what="messages")
            stack.valkey.kill()
            assert stack.post(email=email).status_code == 202  # web's disk takes it
            stack.valkey.start()
            assert worker.poll() is None, "the worker ended"
    eventually(lambda: set(people) <= set(stack.deliveries()), what="delivery")
    eventually(stack.settled, what="settling")
    stack.assert_accounted_for()
    assert stack.account()["accepted"] == len(people) + 1
    assert worker.poll() is None
    assert "Unrecoverable" not in stack.log and "DUMP" not in stack.log


UNFORESEEN = """
import celery.worker.loops

def asynloop(*_, **__):
    raise RuntimeError("unforeseen")

celery.worker.loops.asynloop = asynloop
"""


@pytest.mark.slow
def test_a_worker_that_cannot_go_on_says_so_and_ends(make_stack: MakeStack, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(UNFORESEEN, encoding="utf-8")
    stack = make_stack(PYTHONPATH=str(tmp_path))
    worker = stack.start("worker")
    assert worker.wait(timeout=60) == 1
    last = stack.log.splitlines()[-1]
    assert "the worker cannot go on; its supervisor has to start a new one" in last
