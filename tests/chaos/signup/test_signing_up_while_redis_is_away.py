"""Redis goes away under a running product: visitors notice nothing, and nothing gets lost."""

import subprocess
from collections.abc import Callable

import pytest
import requests

from tests.support.ports import free_port
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
RAISED_RATE = 100


def open_with_workers(stack: Stack) -> "subprocess.Popen[bytes]":
    """Return web, with a form that it has on its disk, as it was posted to."""
    web = stack.start_web()
    stack.connect()
    stack.add_form()
    stack.start_workers()
    sign_up(stack, "before")
    return web


def start_second_web(stack: Stack) -> str:
    """Start a web beside the first, with the same folder; return its address."""
    first = stack.address
    stack.address = second = f"127.0.0.1:{free_port()}"
    stack.url = f"http://{second}"
    stack.start_web()
    stack.address, stack.url = first, f"http://{first}"
    return f"http://{second}"


def sign_up(stack: Stack, name: str, count: int = 1, *, at: str | None = None) -> list[str]:
    """Sign up `count` people and return their ids; each is answered as always."""
    answers = [
        requests.post(
            f"{at or stack.url}/f/news",
            data={"email": f"{name}-{number}@example.com"},
            headers={"Accept": "application/json"},
            timeout=10,
        )
        for number in range(count)
    ]
    assert {answer.status_code for answer in answers} == {202}, answers[-1].text
    return [str(answer.json()["id"]) for answer in answers]


def readiness(stack: Stack) -> tuple[int, object]:
    answer = requests.get(f"{stack.url}/readyz", timeout=10)
    return answer.status_code, answer.json().get("spooling")


def accepted(stack: Stack) -> int:
    with stack.valkey.client() as client:
        return int(client.hget("relay:{acme}:totals", "accepted") or 0)


def assert_all_delivered_once(stack: Stack, count: int) -> None:
    """Wait until all that was acknowledged is delivered: `count` sign-ups, nobody's twice."""
    eventually(lambda: accepted(stack) >= count, within=150, what="draining")
    eventually(stack.settled, within=150, what="delivery")
    eventually(lambda: stack.json("status")["spooled"] == 0, what="an empty spool")
    stack.assert_accounted_for()
    account = stack.account()
    assert (account["accepted"], account["delivered"]) == (count, count)
    assert [len(times) for times in stack.deliveries().values()] == [1] * count


@pytest.mark.slow
def test_web_killed_while_redis_is_away_and_while_it_drains_loses_and_doubles_nothing(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=RAISED_RATE)
    web = open_with_workers(stack)
    stack.valkey.stop()

    ids = sign_up(stack, "early", 100)
    stack.kill(web)
    assert "100 sign-ups on this host's disk" in stack.relay("status", status=1)
    web = stack.start_web()
    ids += sign_up(stack, "late", 100)
    assert sign_up(stack, "early") == ids[:1]  # pressed once more: the same sign-up still
    assert len(set(ids)) == 200
    assert readiness(stack) == (200, True)

    stack.valkey.start()
    eventually(lambda: accepted(stack) > 1, what="the first to be drained")
    stack.kill(web)
    stack.assert_accounted_for()
    stack.start_web()

    assert_all_delivered_once(stack, 201)
    eventually(lambda: readiness(stack) == (200, None), what="being ready")
    assert "@example.com" not in stack.log


def test_a_frozen_redis_thaws_to_one_copy_of_each_also_of_what_it_had_taken(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=RAISED_RATE)
    open_with_workers(stack)
    stack.valkey.freeze()
    sign_up(stack, "frozen", 30)
    assert readiness(stack) == (200, True)
    stack.valkey.thaw()
    sign_up(stack, "frozen")  # pressed once more, while it may be on either side
    assert_all_delivered_once(stack, 31)


@pytest.mark.slow
def test_two_webs_share_a_folder_and_one_finishes_what_the_other_began(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=RAISED_RATE)
    web = open_with_workers(stack)
    second = start_second_web(stack)
    sign_up(stack, "also-before", at=second)
    stack.valkey.stop()
    ids = sign_up(stack, "one", 60)
    sign_up(stack, "two", 60, at=second)
    assert sign_up(stack, "one", 5, at=second) == ids[:5]  # a double click, at another door
    stack.valkey.start()
    eventually(lambda: accepted(stack) > 2, what="the first to be drained")
    stack.kill(web)
    assert_all_delivered_once(stack, 122)


@pytest.mark.slow
def test_a_full_spool_is_503_until_it_has_drained(make_stack: MakeStack) -> None:
    stack = make_stack(RELAY_SPOOL_BYTES="4000")
    stack.open()
    stack.post(email="before@example.com")
    stack.valkey.stop()
    codes = [stack.post(email=f"{number}@example.com").status_code for number in range(12)]
    taken = codes.count(202)
    assert codes == [202] * taken + [503] * (12 - taken)
    assert 0 < taken < 12
    assert readiness(stack) == (503, None)
    stack.valkey.start()
    eventually(lambda: accepted(stack) == 1 + taken, what="draining")
    eventually(lambda: stack.post(email="late@example.com").status_code == 202, what="room")
    eventually(lambda: readiness(stack) == (200, None), what="being ready")
    assert stack.json("status")["accounts"][0]["accepted"] == 2 + taken
