"""Redis is ended, frozen, cut off, full or a replica while people sign up; afterwards everything
goes on by itself, and every sign-up that was accepted arrives once."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis

from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.stack import Stack, eventually
from tests.support.traffic import Traffic

# Longer than any timeout of ours, that of a worker for its broker included.
LONGEST_TIMEOUT = 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One product for all faults: what one does to it is there for the next."""
    with Stack(tmp_path_factory.mktemp("faults") / "stack", rate=100) as stack:
        stack.open()
        yield stack


@pytest.fixture(scope="module")
def processes(stack: Stack) -> list["subprocess.Popen[bytes]"]:
    """The processes that must outlive every fault."""
    return [stack.start("beat"), *stack.start_workers(2)]


@contextmanager
def killed(stack: Stack) -> Iterator[None]:
    """The server's process ends at once; its append-only file brings everything back."""
    stack.valkey.kill()
    yield
    stack.valkey.start()


@contextmanager
def frozen(stack: Stack) -> Iterator[None]:
    """Connections stay open and nothing answers, for longer than anybody's patience lasts."""
    stack.valkey.freeze()
    yield
    time.sleep(LONGEST_TIMEOUT)
    stack.valkey.thaw()


@contextmanager
def cut_off(stack: Stack) -> Iterator[None]:
    """All connections end, again and again, whatever was under way on them."""
    for _ in range(20):
        with stack.valkey.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    yield


@contextmanager
def full(stack: Stack) -> Iterator[None]:
    """The server takes nothing that needs memory."""
    with stack.valkey.client() as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@contextmanager
def read_only(stack: Stack) -> Iterator[None]:
    """The server was made a replica, as by a failover that the address does not follow."""
    with stack.valkey.client() as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    "fault",
    [
        *(killed, full),
        *(pytest.param(fault, marks=pytest.mark.slow) for fault in (frozen, cut_off, read_only)),
    ],
)
def test_nothing_is_lost_nor_sent_twice_and_nothing_needs_a_restart(
    stack: Stack,
    processes: list["subprocess.Popen[bytes]"],
    fault: Callable[[Stack], AbstractContextManager[None]],
) -> None:
    with Traffic(stack, name=fault.__name__) as visitors:
        more(visitors)
        with fault(stack):
            more(visitors)
        more(visitors)
    assert visitors.refused == []  # while Redis took nothing, the disk of web did

    eventually(
        lambda: set(visitors.accepted) <= set(stack.deliveries()) and is_settled(stack),
        within=90,
        what="delivery",
    )
    arrived = stack.deliveries()
    assert {len(arrived[email]) for email in visitors.accepted} == {1}
    stack.assert_accounted_for()
    assert [process.poll() for process in processes] == [None] * 3


@pytest.mark.slow
def test_a_way_to_redis_that_loses_requests_and_answers_doubles_nothing(
    tmp_path: Path,
) -> None:
    stack = Stack(tmp_path / "stack", rate=100)
    with FaultProxy(stack.valkey) as proxy, stack:
        stack.set(REDIS_URL=proxy.url(), RELAY_BROKER_URL=stack.valkey.url(1))
        stack.open()
        stack.start_workers(2)
        losing = [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.ANSWER_CUT] * 6
        with Traffic(stack) as visitors:
            more(visitors)
            proxy.arm_every(losing, apart=7)
            eventually(lambda: proxy.struck == len(losing), what="the faults")
        assert visitors.refused == []

        eventually(
            lambda: set(visitors.accepted) <= set(stack.deliveries()) and stack.settled(),
            within=90,
            what="delivery",
        )
        assert {len(found) for found in stack.deliveries().values()} == {1}
        stack.assert_accounted_for()
        assert stack.account()["accepted"] == len(visitors.accepted)


def more(visitors: Traffic) -> None:
    count = len(visitors.accepted) + 25
    eventually(lambda: len(visitors.accepted) >= count, what="more sign-ups")


def is_settled(stack: Stack) -> bool:
    try:
        return stack.settled()
    except redis.ConnectionError:  # it is loading its file
        return False
