"""`relay up`: one command, everything running, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from shared.infrastructure.addresses import free_port
from tests.support.stack import eventually


class Up:
    """A `relay up` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environ = {
            "PATH": os.environ["PATH"],
            "RELAY_BIND": self.url.removeprefix("http://"),
            "RELAY_SANDBOX_BIND": f"127.0.0.1:{free_port()}",
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def printed(self) -> str:
        return (self.folder / "printed").read_text(encoding="utf-8", errors="replace")

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it and wait until it says that everything runs."""
        with (self.folder / "printed").open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relay", "up"],
                cwd=self.folder,
                env=self.environ,
                stdout=printed,
                stderr=printed,
            )
        eventually(lambda: "signup-relay is running" in self.printed, what="the start")
        return self.process

    def status(self) -> dict[str, int]:
        """Ask `relay status` from the same folder, with nothing else configured."""
        found = subprocess.run(
            [sys.executable, "-m", "relay", "status", "--json"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
            timeout=30,
        )
        account: dict[str, int] = json.loads(found.stdout)["accounts"][0]
        return account

    def sign_up(self, email: str) -> None:
        answer = requests.post(f"{self.url}/f/demo", data={"email": email}, timeout=10)
        assert answer.status_code == 200  # the thanks page, after the redirect

    def processes(self) -> list[int]:
        """Return the ids of all processes that were started for this folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_ours(entry):
                found.append(int(entry.name))
        return found

    def _is_ours(self, entry: Path) -> bool:
        try:
            return entry.joinpath("cwd").resolve().is_relative_to(self.folder)
        except OSError:
            return False

    def process_id(self, command: str) -> int:
        """Return the id of the process that runs `relay <command>`."""
        for pid in self.processes():
            if f"relay\0{command}" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                return pid
        raise AssertionError(f"no process runs relay {command}")

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=40)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


def test_the_first_signup_is_one_command_away_and_survives_a_restart(up: Up) -> None:
    up.start()
    assert f"{up.url}/f/demo" in up.printed
    sandbox = re.search(r"See it arrive here:\s+(\S+)", up.printed)
    assert sandbox

    up.sign_up("ada@example.com")
    eventually(lambda: up.status()["delivered"] == 1, what="delivery")
    assert "ada@example.com" in requests.get(sandbox[1], timeout=10).text

    assert up.stop() == 0
    assert up.processes() == []

    up.start()
    assert up.status()["accepted"] == 1
    up.sign_up("bob@example.com")
    eventually(lambda: up.status()["delivered"] == 2, what="delivery after the restart")


@pytest.mark.parametrize("victim", ["worker", "beat", "web", "sandbox"])
def test_what_dies_is_started_again(up: Up, victim: str) -> None:
    up.start()
    before = up.process_id(victim)

    os.kill(before, signal.SIGKILL)

    eventually(lambda: f"{victim} ended (signal SIGKILL)" in up.printed, what="the clear line")

    def delivers_again() -> bool:
        try:
            up.sign_up(f"{victim}@example.com")
        except requests.RequestException:
            return False
        return up.status()["delivered"] == 1

    eventually(delivers_again, what="delivery after the restart")
    assert up.stop() == 0
    assert up.processes() == []


def test_nothing_is_left_running_when_up_itself_is_killed(up: Up) -> None:
    process = up.start()
    process.kill()
    process.wait(timeout=10)
    eventually(lambda: up.processes() == [], what="the end of all processes")


def test_a_second_one_in_the_same_folder_is_told_so(up: Up) -> None:
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
