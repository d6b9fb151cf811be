"""Celery carries wake-ups: whatever becomes of its messages, no sign-up is lost or sent twice."""

import base64
import json
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from shared.infrastructure import queues
from tests.support.records import all_records
from tests.support.stack import Stack, eventually
from tests.support.valkey_server import ValkeyServer

MakeStack = Callable[..., Stack]
RAISED_RATE = 100
SKEWED = Path(__file__).parents[2] / "support" / "skewed"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A broker on a server of its own, which can go away while the ledger stays."""
    with ValkeyServer(tmp_path / "broker") as server:
        yield server


class Traffic:
    """Sign-ups of different people, all the time, until the block ends."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sign_up)
        self.statuses: list[int] = []

    @property
    def people(self) -> set[str]:
        return {f"person-{number}@example.com" for number in range(len(self.statuses))}

    def _sign_up(self) -> None:
        while not self._over.wait(0.05):
            email = f"person-{len(self.statuses)}@example.com"
            self.statuses.append(self._stack.post(email=email, first_name="Ada").status_code)

    def flows(self) -> None:
        """Wait until sign-ups that were made from now on have been delivered."""
        number = len(self.statuses) + 5
        wanted = f"person-{number}@example.com"
        eventually(lambda: wanted in self._stack.deliveries(), what="delivery in this state")

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def assert_each_once(stack: Stack, traffic: Traffic) -> None:
    """Every sign-up was accepted at once, and was delivered, once."""
    eventually(stack.settled, within=150, what="delivery")
    assert set(traffic.statuses) == {202}
    deliveries = stack.deliveries()
    assert {email: len(found) for email, found in deliveries.items()} == dict.fromkeys(
        traffic.people, 1
    )
    stack.assert_accounted_for()


def raw(body: bytes, task: str = queues.DELIVER, kind: str = "application/json") -> str:
    """Return a message as it lies in the broker's list."""
    id = str(uuid.uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": {"task": task, "id": id, "lang": "py", "root_id": id, "argsrepr": "()"},
            "properties": {
                "body_encoding": "base64",
                "delivery_info": {"exchange": "", "routing_key": queues.DELIVER_QUEUE},
                "delivery_tag": id,
                "reply_to": None,
                "correlation_id": id,
            },
        }
    )


# What no version of ours has ever sent, from nearly right to no message at all.
STRANGE = [
    raw(b"[[], {}, {}]"),
    raw(b'[["acme", "acme", "acme"], {}, {}]'),
    raw(b'[[{"name": "acme"}], {}, {}]'),
    raw(b'[["nobody"], {}, {}]'),
    raw(b'[["}:*{"], {}, {}]'),
    raw(b'[["acme"], {}, {}]', task="relay.of_another_version"),
    raw(b"[1, 2"),
    raw(b"1").replace('"lang"', '"tongue"'),  # as an older protocol has it
    raw(b"no JSON"),
    raw(b"\x80\x04K\x01.", kind="application/x-python-serialize"),
    raw(b"[[], {}, {}]").replace("base64", "rot13"),
    json.dumps({"body": "acme", "headers": {"task": queues.DELIVER}, "properties": {}}),
    "{}",
    "null",
    "[1]",
    "no JSON",
    "",
]


@pytest.mark.slow
def test_doubled_old_unknown_and_malformed_messages_change_nothing(make_stack: MakeStack) -> None:
    stack = make_stack(rate=RAISED_RATE)
    stack.open()
    (worker,) = stack.start_workers()
    acme = raw(b'[["acme"], {}, {}]')
    with Traffic(stack) as traffic, stack.valkey.client(1) as broker:
        for strange in [*[acme] * 20, *STRANGE, *[acme] * 20]:
            broker.lpush(queues.DELIVER_QUEUE, strange)
        traffic.flows()
        broker.lpush(queues.UPKEEP_QUEUE, *STRANGE)
        broker.lpush(queues.TOKENS_QUEUE, *STRANGE)
        traffic.flows()
        eventually(lambda: not any(map(broker.llen, queues.ALL_QUEUES)), what="taking them all")
        # What stays there would be put back when the worker ends.
        eventually(lambda: not broker.hlen("unacked"), what="being done with them")
    assert_each_once(stack, traffic)
    assert worker.poll() is None
    with stack.valkey.client() as ledger:
        assert {key.split(":")[1] for key in ledger.scan_iter("relay:{*")} <= known(ledger)


def known(ledger: redis.Redis) -> set[str]:
    """Return the account's part of the keys, and its API key's."""
    return {"{acme}", str(ledger.get("relay:{acme}:key")).split(":")[1]}


@pytest.mark.slow
def test_deliveries_go_on_through_all_that_happens_to_the_broker(
    make_stack: MakeStack, broker: ValkeyServer
) -> None:
    stack = make_stack(rate=RAISED_RATE, RELAY_BROKER_URL=broker.url())
    stack.open()
    stack.start("beat")
    workers = stack.start_workers(2)
    with Traffic(stack) as traffic:
        traffic.flows()
        with broker.client() as client:
            client.flushdb()
            traffic.flows()
            client.client_kill_filter(_type="normal", skipme=True)
            traffic.flows()
        broker.kill()
        for _ in range(5):  # with no broker at all
            traffic.flows()
        broker.start()
        traffic.flows()
        broker.freeze()
        traffic.flows()
        broker.thaw()
        assert_messages_are_taken(broker)
        traffic.flows()
    assert_each_once(stack, traffic)
    assert [worker.poll() for worker in workers] == [None, None]


def assert_messages_are_taken(broker: ValkeyServer) -> None:
    """The workers take messages from the broker again."""
    with broker.client() as client:
        for queue in queues.ALL_QUEUES:
            client.rpush(queue, raw(b"[[], {}, {}]", task="relay.of_another_version"))
        eventually(
            lambda: not any(map(client.llen, queues.ALL_QUEUES)), within=60, what="taking messages"
        )


@pytest.mark.slow
def test_a_worker_whose_clock_is_an_hour_off_works_as_any_other(make_stack: MakeStack) -> None:
    stack = make_stack(rate=RAISED_RATE, RELAY_TOKEN_REFRESH_SECONDS="2")
    stack.open()
    stack.start("beat")
    stack.set(PYTHONPATH=str(SKEWED))
    with Traffic(stack) as traffic:
        for seconds in (3600, -3600):
            stack.set(SKEW_SECONDS=str(seconds))
            [worker] = stack.start_workers()
            traffic.flows()
            # No lane needs a new token for a day: beat's messages alone bring this about.
            before = refreshes(stack)
            eventually(lambda: refreshes(stack) > before, what="refreshing")  # noqa: B023
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=60) == 0
        stack.start_workers()
    assert_each_once(stack, traffic)
    assert stack.account()["hold"] is None
    assert stack.sandbox.stats()["spent_refresh_tokens_seen"] == 0
    with stack.valkey.client() as ledger:  # times in the ledger are Redis' own
        for record in all_records(ledger, "relay:{acme}:signup:*"):
            settled_at = record.get("settled_at", 0) / 1000
            assert abs(settled_at - ledger.time()[0]) < 1800


def refreshes(stack: Stack) -> int:
    return int(stack.sandbox.stats()["refreshes"])


@pytest.mark.slow
def test_workers_replaced_one_after_the_other_leave_no_gap(make_stack: MakeStack) -> None:
    # A lease so long that what waits for one fails the test.
    stack = make_stack(rate=RAISED_RATE, RELAY_LEASE_SECONDS="600")
    stack.open()
    stack.sandbox.control(latency_ms=200)
    workers = stack.start_workers(2)
    with Traffic(stack) as traffic:
        for old in workers:
            traffic.flows()
            stack.start_workers()
            old.send_signal(signal.SIGTERM)
            traffic.flows()
            assert old.wait(timeout=60) == 0
        traffic.flows()
    assert_each_once(stack, traffic)
