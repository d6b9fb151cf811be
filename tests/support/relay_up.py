"""`relay up` as a process of its own, and what a newcomer does with it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import requests

from tests.support.ports import free_port
from tests.support.relay_here import relay_here
from tests.support.stack import eventually

OUR_OWN = (sys.executable, "-m", "relay")


class RelayUp:
    """A `relay up` in a folder of its own, stopped at the end of a `with` block."""

    def __init__(self, folder: Path, command: Sequence[str] = OUR_OWN) -> None:
        """`command`: how to run `relay`."""
        self.folder = folder
        self.command = command
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
                [*self.command, "up"],
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
            [*self.command, "status", "--json"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
            timeout=30,
        )
        account: dict[str, int] = json.loads(found.stdout)["accounts"][0]
        return account

    def relay(self, *arguments: str, typed: str = "") -> str:
        """Run a command of our own with the same settings, in this process; return what it
        printed."""
        return relay_here(arguments, self.environ, stdin=typed, folder=self.folder)

    def delivered(self, count: int) -> bool:
        """Whether so many sign-ups of the first account are delivered; cheaper than `status`."""
        accounts = json.loads(self.relay("status", "--json"))["accounts"]
        return bool(accounts[0]["delivered"] == count)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
