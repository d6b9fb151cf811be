"""What a soak breaks: the whole product, supervised as a service manager would, and visitors."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Self

import requests

from shared.ledger.ledger import Ledger
from tests.support.stack import Stack, eventually

RATE = 30  # requests a second that the sandbox allows
WORKERS = ("worker 1", "worker 2")
ROLES = ("web", *WORKERS, "beat")
LEASE_SECONDS = 7
SIGN_UP = "/v3/contacts/sign_up_form"
# How long an answer of the API takes, so that sign-ups are in flight when something breaks.
ANSWER_MS = 200
# What a visitor's browser or script waits for, and until it tries again.
VISITOR_PATIENCE = 3
TRIES_AGAIN_AFTER = 0.3
SETTINGS = {
    "CTCT_REQUESTS_PER_DAY": "10000000",
    "RELAY_LEASE_SECONDS": str(LEASE_SECONDS),
    "RELAY_SEND_DEADLINE_SECONDS": "4",
    "RELAY_RETRY_BASE_SECONDS": "0.5",
    "RELAY_MAX_ATTEMPTS": "100",
    # So that workers clear all the time, while they are killed and frozen.
    "RELAY_RETAIN_DELIVERED": "5s",
    "RELAY_RETAIN_CONSENT": "2m",
    "RELAY_ANONYMIZE_ADDRESSES": "20s",
}


class Rig(Stack):
    """Valkey, the sandbox, web, two workers and beat; each process that ends is started anew."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, rate=RATE, **SETTINGS)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        self.make_redis_lose_nothing()
        # A refresh token that works once can be lost with the process that spent it, and then
        # somebody must log in again; tests/chaos/tokens/test_token_processes.py is about that.
        self.sandbox.control(rotating=False, rates={"requests_per_day": 10_000_000})
        self.mend_api()
        self.connect()
        self.add_form()
        self._supervisor.start()
        eventually(self._web_answers, within=60, what="web's start")
        eventually(lambda: self._workers_seen() >= len(WORKERS), within=60, what="the workers")

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._supervisor.ident is not None:
            self._supervisor.join()
        for role in self._running:
            self.send(role, signal.SIGCONT)
        super().__exit__(None, None, None)

    # --- what faults need

    def send(self, role: str, number: signal.Signals) -> None:
        """Send a signal; those that no process can handle go to all that belong to it."""
        with self._lock, suppress(ProcessLookupError):
            child = self._running[role]
            if number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT):
                os.killpg(child.pid, number)
            else:
                child.send_signal(number)

    def mend_api(self) -> None:
        """End what the API was told to do wrong."""
        self.sandbox.control(clear=True, path=SIGN_UP, answer_latency_ms=ANSWER_MS)

    def make_redis_lose_nothing(self) -> None:
        """With `everysec` a kill may take what the server has not yet written, as the internals
        say; a soak that counts to the last sign-up cannot allow that."""
        with self.valkey.client() as client:
            client.config_set("appendfsync", "always")

    def _supervise(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                for role in ROLES:
                    child = self._running.get(role)
                    if child is None or child.poll() is not None:
                        self._running[role] = self._start(role)
            self._closing.wait(0.1)

    def _start(self, role: str) -> "subprocess.Popen[bytes]":
        if role in WORKERS:
            return self.start(module="tests.chaos.soak.soak_worker")
        return self.start(role)

    def erase(self, email: str) -> None:
        """Have an operator erase the person, again if something of the round forbids it."""
        eventually(
            lambda: self.start("erase", email, "--yes").wait(timeout=60) == 0,
            within=120,
            what="erasing a person",
        )

    # --- what is looked at

    def ledger(self) -> Ledger:
        return Ledger(self.valkey.client())

    def memory(self) -> dict[str, int]:
        """Return the memory of each process with all that belongs to it, in KiB."""
        with self._lock:
            return {role: _resident(child.pid) for role, child in self._running.items()}

    def redis_memory(self) -> int:
        with self.valkey.client() as client:
            return int(client.info("memory")["used_memory"])

    def last_lines(self, many: int = 60) -> str:
        """Return the last lines of all logs, but for Celery's word on every lane that ended."""
        notified = (line for line in self.log.splitlines() if "Task relay.deliver" not in line)
        return "\n".join(deque(notified, many))


def _resident(pid: int) -> int:
    """Return the resident memory of a process and its children, in KiB."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        own = next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS")), 0)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return own + sum(_resident(int(child)) for child in children)
    return 0


class Visitors:
    """Sign up all the time while they are `out`, each with an address of their own.

    Who got no answer, or was told to come back, sends the same again with the same key, and every
    fifth does so although all is well. `acknowledged` are those who were told "received".
    """

    def __init__(self, url: str, *, threads: int = 3, pause: float = 0.12) -> None:
        self._url = url
        self._pause = pause
        self._numbers = count(1)
        self._out = threading.Event()
        self._ended = threading.Event()
        self._waiting = threading.Semaphore(0)
        self._idle = [threading.Event() for _ in range(threads)]
        self.acknowledged: set[str] = set()
        self.trouble: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=[idle], daemon=True) for idle in self._idle
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=2 * VISITOR_PATIENCE)

    def go_out(self) -> None:
        for idle in self._idle:
            idle.clear()
        self._out.set()

    def come_home(self) -> None:
        """Have no new ones come; return when all who came were told "received"."""
        self._out.clear()
        eventually(self._all_idle, within=90, what="an answer to every visitor")

    def _all_idle(self) -> bool:
        assert not self.trouble, self.trouble
        return all(idle.is_set() for idle in self._idle)

    def _run(self, idle: threading.Event) -> None:
        with requests.Session() as http:
            while not self._ended.is_set():
                if not self._out.is_set():
                    idle.set()
                    self._ended.wait(0.05)
                    continue
                number = next(self._numbers)
                self.sign_up(http, f"visitor-{number}@example.com", twice=number % 5 == 0)
                self._ended.wait(self._pause)

    def sign_up(self, http: requests.Session, email: str, *, twice: bool = False) -> None:
        for outcome in self._tries(http, email):
            if outcome == 202:
                break
            if outcome not in (None, 503):
                self.trouble.append(f"web answered {outcome}")
                return
            self._ended.wait(TRIES_AGAIN_AFTER)
        if self._ended.is_set():
            return
        self.acknowledged.add(email)
        if twice:
            self._post(http, email)

    def _tries(self, http: requests.Session, email: str) -> Iterator[int | None]:
        while not self._ended.is_set():
            yield self._post(http, email)

    def _post(self, http: requests.Session, email: str) -> int | None:
        """Return the status of the answer; None when none came."""
        try:
            return http.post(
                f"{self._url}/f/news",
                data={"email": email, "first_name": "Ada"},
                headers={"Accept": "application/json", "Idempotency-Key": f"key of {email}"},
                timeout=VISITOR_PATIENCE,
            ).status_code
        except requests.RequestException:
            return None


def wait(seconds: float) -> None:
    """How long a fault lasts."""
    time.sleep(seconds)
