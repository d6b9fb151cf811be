"""A person is erased while web takes their sign-ups and workers send them: nothing is left of them
in Redis, in any file or in any log, and what was erased while it was due is never sent."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.support.person import EMAIL, NAME, traces_in_files, traces_in_redis
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
OTHERS = 40


def sign_up(stack: Stack, email: str, number: int, **fields: str) -> str:
    answer = stack.post(
        email=email, first_name=NAME if email == EMAIL else "Bob", phone=f"+1555000{number:04}"
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def rewritten(client: "redis.Redis") -> bool:
    found = client.info("persistence")
    return not found["aof_rewrite_in_progress"] and not found.get("aof_rewrite_scheduled")


def assert_no_traces(stack: Stack) -> None:
    with stack.valkey.client() as client:
        assert traces_in_redis(client) == []
        eventually(lambda: rewritten(client), what="the new append-only file")
    assert traces_in_files(stack.folder) == []


@pytest.mark.slow
def test_what_is_being_sent_and_what_waits_behind_it_is_erased(make_stack: MakeStack) -> None:
    stack = make_stack(rate=50)
    stack.open()
    stack.sandbox.control(latency_ms=1500)
    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(lambda n: sign_up(stack, f"bob-{n}@example.com", n), range(OTHERS)))
    mine = [sign_up(stack, EMAIL, number) for number in range(3)]
    stack.start_workers(2)
    eventually(
        lambda: any(e["state"] == "delivering" for e in stack.json("find", EMAIL)),
        what="that a worker sends one",
    )
    assert stack.json("erase", EMAIL, "--yes") == {"erased": len(mine)}
    sent = len(stack.deliveries().get(EMAIL.lower(), []))
    stack.sandbox.control(latency_ms=0)
    eventually(stack.settled, what="that all others are delivered")
    assert len(stack.deliveries().get(EMAIL.lower(), [])) == sent <= 1
    stack.assert_accounted_for()
    account = stack.account()
    assert (account["accepted"], account["due"]) == (OTHERS + len(mine), 0)
    assert account["delivered"] + account["discarded"] == OTHERS + len(mine)
    assert_no_traces(stack)


@pytest.mark.slow
def test_erasing_again_and_again_while_the_person_signs_up_and_workers_die(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=50, RELAY_LEASE_SECONDS="5", RELAY_SEND_DEADLINE_SECONDS="3")
    stack.open()
    stack.sandbox.control(latency_ms=300)
    [first, _] = stack.start_workers(2)
    ended, ids = threading.Event(), []

    def visit() -> None:
        number = 0
        while not ended.wait(0.02):
            number += 1
            email = EMAIL if number % 2 else f"bob-{number}@example.com"
            ids.append(sign_up(stack, email, number % 10_000))

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        for round_number in range(6):
            stack.relay("erase", EMAIL, "--yes")
            stack.assert_accounted_for()
            if round_number == 2:
                stack.kill(first)
                stack.start_workers(1)
            time.sleep(0.5)  # visitors go on meanwhile
    finally:
        ended.set()
        visitor.join()
    stack.relay("erase", EMAIL, "--yes")
    assert stack.json("find", EMAIL) == []
    eventually(stack.settled, what="that all others are delivered")
    stack.assert_accounted_for()
    assert stack.account()["accepted"] == len(ids)
    assert_no_traces(stack)
