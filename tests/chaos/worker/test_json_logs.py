"""With RELAY_LOG_FORMAT=json, all that a process writes to standard error are JSON objects."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]

LEVELS = {"debug", "info", "warning", "error", "critical"}


def logged(stack: Stack) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stack.log.splitlines()]


def messages(stack: Stack, process: str) -> str:
    return "\n".join(each["message"] for each in logged(stack) if each["process"] == process)


@pytest.mark.slow
def test_every_line_of_every_process_is_one_object(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.set(RELAY_LOG_FORMAT="json")
    stack.relay("operator", "add", "ada", "--role", "admin")  # else web prints a first password
    stack.open()
    [worker] = stack.start_workers()
    beat = stack.start("beat")
    stack.sandbox.control(path="/v3/contacts/sign_up_form", count=1, status=400)
    answers = [stack.post(email=f"{person}@example.com") for person in ("ada", "bob")]
    eventually(stack.settled, what="delivering")
    eventually(lambda: "beat wakes" in messages(stack, "beat"), what="beat's start")

    stack.valkey.freeze()  # so that libraries complain, too
    late = stack.post(email="cy@example.com")
    eventually(lambda: "in time" in messages(stack, "web"), what="web's complaint")
    stack.valkey.thaw()
    for child in (worker, beat):
        child.terminate()
        child.wait(timeout=60)

    found = logged(stack)
    assert {each["process"] for each in found} == {"web", "worker", "beat"}
    assert {each["level"] for each in found} <= LEVELS
    assert all(each["time"].endswith("Z") and each["logger"] for each in found)
    assert any(each["logger"].startswith("celery") for each in found)
    calls = [each for each in found if each["message"] == "Constant Contact answered"]
    sent = {answer.headers["X-Request-Id"] for answer in answers}
    # The worker may still send what Redis had taken as it thaws.
    maybe_sent = sent | {late.headers["X-Request-Id"]}
    assert sent <= {each["request_id"] for each in calls} <= maybe_sent
    assert all(each["tracking_id"] and each["status"] in (201, 400) for each in calls)
    dead = next(each for each in found if each["message"] == "dead letter")
    assert (dead["account"], dead["form"], dead["reason"]) == ("acme", "news", "rejected")
    assert "@example.com" not in stack.log


@pytest.mark.slow
def test_granian_says_in_json_that_a_serving_process_died(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.set(RELAY_LOG_FORMAT="json")
    stack.relay("operator", "add", "ada", "--role", "admin")
    web = stack.start_web()
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(web.pid)], check=True, capture_output=True, text=True
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    eventually(lambda: "Unexpected exit" in messages(stack, "web"), what="granian's line")
    line = next(each for each in logged(stack) if "Unexpected exit" in each["message"])
    assert (line["logger"], line["level"]) == ("_granian", "error")


def test_why_a_process_does_not_start_is_an_object(make_stack: MakeStack) -> None:
    stack = make_stack()
    for wrong, status in (({"RELAY_LEASE_SECONDS": "x"}, 2), ({"RELAY_SECRET_KEY": ""}, 2)):
        ran = subprocess.run(
            [sys.executable, "-m", "relay", "worker"],
            env={**stack.environ, "RELAY_LOG_FORMAT": "json", **wrong},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == status
        [line] = ran.stderr.splitlines()
        assert next(iter(wrong)) in json.loads(line)["cause"]
