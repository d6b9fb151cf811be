"""The whole product as real processes: Valkey, the sandbox, web, workers and beat.

What a test breaks is real, too: processes are killed and frozen, not pretended to be.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.support.ports import free_port
from tests.support.relay_here import relay_here
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer


def eventually(holds: Callable[[], bool], *, within: float = 60, what: str = "it") -> None:
    """Wait until `holds`; the test fails when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen within {within} s"
        time.sleep(0.05)


class Stack:
    """Starts and ends the processes; `settings` are environment variables for all of them."""

    def __init__(self, folder: Path, *, rate: int = 4, **settings: str) -> None:
        self.folder = folder
        self.valkey = ValkeyServer(folder / "valkey")
        self.sandbox = SandboxServer(rate=rate)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self._rate = rate
        self._settings = settings
        self._children: list[subprocess.Popen[bytes]] = []
        self._log = (folder / "log").open("wb")

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "REDIS_URL": self.valkey.url(),
            "CTCT_CLIENT_ID": self.sandbox.client_id,
            "CTCT_CLIENT_SECRET": self.sandbox.client_secret,
            "CTCT_API_URL": self.sandbox.api_url,
            "CTCT_AUTH_URL": self.sandbox.auth_url,
            "CTCT_REQUESTS_PER_SECOND": str(self._rate),
            "RELAY_SECRET_KEY": "a secret only for tests",
            "RELAY_BIND": self.address,
            "RELAY_DATA_DIR": str(self.folder / "data"),
            "RELAY_VISITOR_LIMIT": "0",
            "RELAY_PERSON_LIMIT": "0",
            "RELAY_WEB_PROCESSES": "2",
            **self._settings,
        }

    @property
    def log(self) -> str:
        """All that the processes printed so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def set(self, **settings: str) -> None:
        """Change settings, for what is started from now on."""
        self._settings |= settings

    # --- processes

    def start(self, *command: str, module: str = "relay") -> "subprocess.Popen[bytes]":
        """Start `relay` with `command`, in a process group of its own."""
        child = subprocess.Popen(
            [sys.executable, "-m", module, *command],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._children.append(child)
        return child

    def start_web(self) -> "subprocess.Popen[bytes]":
        child = self.start("web")
        eventually(self._web_answers, what="web's start")
        return child

    def open(self) -> None:
        """Start web, with an account `acme` connected and a form `news` for it."""
        self.start_web()
        self.connect()
        self.add_form()

    def start_workers(self, count: int = 1) -> list["subprocess.Popen[bytes]"]:
        before = self._workers_seen()
        children = [self.start("worker") for _ in range(count)]
        eventually(lambda: self._workers_seen() >= before + count, what="the workers' start")
        return children

    def kill_workers(self) -> None:
        for child in list(self._children):
            if "worker" in child.args and child.poll() is None:  # type: ignore[operator]
                self.kill(child)

    def kill(self, child: "subprocess.Popen[bytes]") -> None:
        """End the process and all that belongs to it, at once."""
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=10)
        self._children.remove(child)

    def _web_answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def _workers_seen(self) -> int:
        with self.valkey.client() as client:
            return int(client.zcard("relay:workers"))

    # --- using it

    def relay(self, *command: str, stdin: str = "", status: int = 0) -> str:
        """Run a `relay` command to its end and return what it printed.

        In this process. What one of its own would do differently, tests/chaos/cli try.
        """
        return relay_here(command, self.environ, stdin=stdin, status=status)

    def json(self, *command: str) -> Any:
        return json.loads(self.relay(*command, "--json"))

    def connect(self, name: str = "acme", **wanted: Any) -> None:
        """Connect an account of the sandbox as `name`, with tokens of its own."""
        tokens = json.dumps(self.sandbox.connect(**wanted))
        self.relay("connect", name, "--tokens", "-", stdin=tokens)

    def forget_signups(self, account: str = "acme") -> None:
        """Forget the account's sign-ups and tokens, messages to workers, and all of the sandbox."""
        self.sandbox.reset()
        with self.valkey.client() as ledger, self.valkey.client(1) as broker:
            ledger.delete("relay:workers", *ledger.scan_iter(f"relay:{{{account}}}:*"))
            broker.flushdb()

    def add_form(self, name: str = "news", account: str = "acme", *options: str) -> None:
        self.relay("forms", "add", name, "--account", account, "--list", "Newsletter", *options)

    def post(self, form: str = "news", **fields: str) -> requests.Response:
        """Sign up as a script on a page does."""
        return requests.post(
            f"{self.url}/f/{form}",
            data=fields,
            headers={"Accept": "application/json"},
            timeout=10,
        )

    def account(self, name: str = "acme") -> dict[str, Any]:
        """Return the account's part of `relay status --json`."""
        (found,) = [a for a in self.json("status")["accounts"] if a["name"] == name]
        return dict(found)

    def settled(self, name: str = "acme") -> bool:
        """Whether nothing of the account is due any more; cheaper than `account`."""
        with self.valkey.client() as client:
            return bool(client.hget(f"relay:{{{name}}}:totals", "due") == "0")

    def deliveries(self) -> Mapping[str, list[dict[str, Any]]]:
        """Return what the sandbox took, by address."""
        found: Mapping[str, list[dict[str, Any]]] = self.sandbox.stats()["deliveries"]
        return found

    def assert_accounted_for(self, name: str = "acme") -> None:
        """Invariant 2 (docs/invariants.md)."""
        account = self.account(name)
        ended = ("due", "delivered", "dead", "discarded", "quarantined")
        assert account["accepted"] == sum(account[state] for state in ended), account

    # --- the end

    def __enter__(self) -> Self:
        self.valkey.start()
        self.sandbox.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.valkey.thaw()
        for child in self._children:
            child.terminate()
        for child in self._children:
            _wait_or_kill(child)
        self.sandbox.stop()
        self.valkey.stop()
        self._log.close()
        if error is not None:
            sys.stderr.write(self.log[-8000:])


def _wait_or_kill(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=10)
