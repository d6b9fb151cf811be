"""`relay doctor` and `relay rotate-secrets` with the whole product running."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
OLD, NEW = "the key of last year", "the key of this year"


@pytest.mark.slow
def test_with_everything_running_all_is_green(make_stack: MakeStack) -> None:
    stack = make_stack(rate=50)
    stack.open()
    stack.start_workers()
    stack.start("beat")
    await_beat(stack)
    document = stack.json("doctor", "--refresh")
    assert document["ok"] is True
    assert {check["verdict"] for check in document["checks"]} == {"ok"}
    assert "No problem in" in stack.relay("doctor", "acme")


def test_a_problem_is_an_exit_status_of_1(make_stack: MakeStack) -> None:
    stack = make_stack(rate=50)
    stack.relay("doctor", status=1)
    stack.valkey.stop()
    stack.relay("doctor", status=1)
    stack.valkey.start()


@pytest.mark.slow
def test_a_new_secret_key_takes_over_while_sign_ups_come_in(make_stack: MakeStack) -> None:
    stack = make_stack(rate=50)
    with_old = start_anew_with(stack, OLD, [])
    stack.connect()
    stack.add_form()
    first = sign_up(stack, "first@example.com")
    eventually(stack.settled, what="the first delivery")

    # Every process is started anew with both keys; then everything is sealed anew.
    with_both = start_anew_with(stack, f"{NEW},{OLD}", with_old)
    with ThreadPoolExecutor() as visitors:
        coming = [visitors.submit(sign_up, stack, f"{n}@example.com") for n in range(20)]
        resealed = stack.json("rotate-secrets")["resealed"]
    assert {kind for kind, count in resealed.items() if count} == {"tokens", "fingerprint_key"}
    assert len({each.result() for each in coming}) == 20
    assert not any(stack.json("rotate-secrets")["resealed"].values())

    # And anew without the old one.
    start_anew_with(stack, NEW, with_both)
    assert sign_up(stack, "first@example.com") == first, "it is not recognised as a duplicate"
    sign_up(stack, "last@example.com")
    eventually(lambda: stack.account()["delivered"] == 22, what="every delivery")
    await_beat(stack)
    found = {each["name"]: each["verdict"] for each in stack.json("doctor", "--refresh")["checks"]}
    assert found["secret_key"] == found["refresh"] == "ok"
    stack.assert_accounted_for()


def await_beat(stack: Stack) -> None:
    """Wait until beat ticks. One that was killed is remembered for a while."""

    def ticks() -> bool:
        age = stack.json("status")["beat_age_seconds"]
        return age is not None and age < 5

    eventually(ticks, what="beat's tick")


def sign_up(stack: Stack, email: str) -> str:
    """Sign up and return the id that was given."""
    response = stack.post(email=email)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def start_anew_with(
    stack: Stack, secret_key: str, running: "list[subprocess.Popen[bytes]]"
) -> "list[subprocess.Popen[bytes]]":
    """Have all processes run with `secret_key`, in place of those that are `running`."""
    for child in running:
        stack.kill(child)
    stack.set(RELAY_SECRET_KEY=secret_key)
    return [stack.start_web(), *stack.start_workers(), stack.start("beat")]
