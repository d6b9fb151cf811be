"""`relay up`: one command, everything running, nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.ports import free_port
from tests.support.relay_up import RelayUp
from tests.support.stack import eventually
from tests.support.web_process import serving_processes


@pytest.fixture
def up(tmp_path: Path) -> Iterator[RelayUp]:
    with RelayUp(tmp_path) as running:
        yield running


def test_the_first_signup_is_one_command_away_survives_a_restart_and_nothing_outlives_a_kill(
    up: RelayUp,
) -> None:
    opened = up.folder / ".relay"
    opened.mkdir(mode=0o755)
    up.start()
    assert f"{up.url}/f/demo" in up.printed
    sandbox = re.search(r"See it arrive here:\s+(\S+)", up.printed)
    assert sandbox

    up.sign_up("ada@example.com")
    eventually(lambda: up.delivered(1), what="delivery")
    assert "ada@example.com" in requests.get(sandbox[1], timeout=10).text
    files = [path for path in opened.rglob("*") if path.is_file()]
    assert {"forms.json", "sandbox.sqlite3", "secret_key", "valkey.log"} <= {p.name for p in files}
    assert [path for path in files if path.stat().st_mode & 0o077] == []

    assert up.stop() == 0
    assert up.processes() == []

    half_written = up.folder / ".relay" / "valkey" / "temp-rewriteaof-bg-1.aof"
    half_written.touch()
    # The sandbox's port may be taken the next time. Its accounts follow it.
    up.environ["RELAY_SANDBOX_BIND"] = f"127.0.0.1:{free_port()}"
    process = up.start()
    assert not half_written.exists()
    assert up.status()["accepted"] == 1
    up.sign_up("bob@example.com")
    eventually(lambda: up.delivered(2), what="delivery after the restart")

    assert up.processes() != []
    process.kill()
    process.wait(timeout=10)
    eventually(lambda: up.processes() == [], what="the end of all processes")


@pytest.mark.slow
def test_what_dies_is_started_again(up: RelayUp) -> None:
    up.environ["RELAY_VISITOR_LIMIT"] = "0"
    up.environ["RELAY_PERSON_LIMIT"] = "0"
    up.start()
    for number, victim in enumerate(("worker", "beat", "web", "sandbox"), start=1):
        kill_and_wait(up, victim, number)
    assert up.stop() == 0
    assert up.processes() == []


def kill_and_wait(up: RelayUp, victim: str, number: int) -> None:
    """Kill a process and wait until one more sign-up, the `number`th, is delivered."""
    os.kill(up.process_id(victim), signal.SIGKILL)
    eventually(lambda: f"{victim} ended (signal SIGKILL)" in up.printed, what="the clear line")
    eventually(lambda: delivers(up, victim, number), what="delivery after the restart")


def delivers(up: RelayUp, name: str, number: int) -> bool:
    """Whether web takes `name`'s sign-up, and so many are delivered with it."""
    try:
        up.sign_up(f"{name}@example.com")
    except requests.RequestException:
        return False
    return up.delivered(number)


@pytest.mark.slow
def test_web_is_started_again_when_it_ends_because_a_serving_process_died_twice(
    up: RelayUp,
) -> None:
    up.environ |= {
        "RELAY_VISITOR_LIMIT": "0",
        "RELAY_PERSON_LIMIT": "0",
        "RELAY_WEB_PROCESSES": "1",
    }
    up.start()
    web = up.process_id("web")
    [first] = serving_processes(web)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: bool(serving_processes(web) - {first}), what="the successor")
    os.kill(min(serving_processes(web) - {first}), signal.SIGKILL)
    eventually(lambda: "web ended (exit status 1)" in up.printed, what="the clear line")
    eventually(lambda: delivers(up, "web", 1), what="delivery after the restart")


@pytest.mark.slow
def test_a_second_one_in_the_same_folder_is_told_so(up: RelayUp) -> None:
    up.start()
    second = subprocess.run(
        [sys.executable, "-m", "relay", "up"],
        cwd=up.folder,
        env=up.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "runs in this folder already" in second.stderr
