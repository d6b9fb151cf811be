"""What a soak breaks: the whole product, supervised as a service manager would, and visitors."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

import requests

from shared.domain.job import JobPace
from shared.domain.signup import DeathReason
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from tests.support.person import NAME
from tests.support.stack import Stack, eventually

ACCOUNT = "acme"
REQUESTS_PER_DAY = 10_000_000
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
ROBOT_EVERY = 17
RECENT = 30  # visitors
SETTINGS = {
    "CTCT_REQUESTS_PER_DAY": str(REQUESTS_PER_DAY),
    "RELAY_LEASE_SECONDS": str(LEASE_SECONDS),
    "RELAY_SEND_DEADLINE_SECONDS": "4",
    "RELAY_RETRY_BASE_SECONDS": "0.5",
    "RELAY_MAX_ATTEMPTS": "100",
    # So that records are cleared while everything breaks, and nothing is left after each round.
    "RELAY_RETAIN_DELIVERED": "1s",
    "RELAY_RETAIN_DISCARDED": "1s",
    "RELAY_RETAIN_QUARANTINED": "2s",
    "RELAY_RETAIN_DEAD": "2s",
    "RELAY_RETAIN_CONSENT": "4s",
    "RELAY_ANONYMIZE_ADDRESSES": "1s",
    "RELAY_RETAIN_AUDIT": "1s",
}
# What an operator waits for a command, and until they give it again.
OPERATOR_PATIENCE = 90
GIVES_AGAIN_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    status: int
    out: str


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
        self.configure_redis()
        # A refresh token that works once can be lost with the process that spent it, and then
        # somebody must log in again; tests/chaos/tokens/test_token_processes.py is about that.
        self.sandbox.control(rotating=False, rates={"requests_per_day": REQUESTS_PER_DAY})
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

    def retry_refused(self) -> None:
        """Have all dead letters that the API refused sent again, as one job."""
        with self.valkey.client() as client:
            refused = Ledger(client).dead_letters(ACCOUNT, reason=DeathReason.REJECTED)
            ids = [each.id for each in refused]
            pace = JobPace(per_second=RATE, per_day=REQUESTS_PER_DAY)
            JobLedger(client, pace).add(ACCOUNT, str(uuid.uuid4()), ids, by="soak", chosen="{}")

    def configure_redis(self) -> None:
        """With `everysec` a kill may take what the server has not yet written, as the internals
        say; a soak that counts to the last sign-up cannot allow that. Nor can it look for people
        in a compressed file, and all that the slow log could quote is to be in it."""
        with self.valkey.client() as client:
            client.config_set("appendfsync", "always")
            client.config_set("rdbcompression", "no")
            client.config_set("slowlog-log-slower-than", 0)
            client.config_set("slowlog-max-len", 100_000)  # more than the calls of a round

    def command(self, *command: str, ends_after: float | None = None) -> Ended:
        """Run `relay` with `command` in a process of its own, as operators do. It is killed after
        `ends_after` seconds. May be called on any thread."""
        child = subprocess.Popen(
            [sys.executable, "-m", "relay", *command],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with child:
            try:
                out, complaint = child.communicate(timeout=ends_after or OPERATOR_PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                out, complaint = child.communicate()
                assert ends_after, f"relay {command[0]} did not end: {complaint}"
        assert "Traceback" not in complaint, complaint
        return Ended(child.returncode, out)

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


class Crowd(ABC):
    """Some threads that act all the time while they are `out`."""

    def __init__(self, *, threads: int, pause: float) -> None:
        """`pause` is how many seconds each waits between two acts."""
        self._pause = pause
        self._out = threading.Event()
        self._ended = threading.Event()
        self._idle = [threading.Event() for _ in range(threads)]
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=[place], daemon=True)
            for place in range(threads)
        ]

    @abstractmethod
    def _act(self, place: int) -> None:
        """Do one thing, as the thread of this place. What it raises, `come_home` raises."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=OPERATOR_PATIENCE)

    def go_out(self) -> None:
        for idle in self._idle:
            idle.clear()
        self._out.set()

    def come_home(self) -> None:
        """Have nothing new begun; return when all that was begun is done."""
        self._out.clear()
        eventually(self._all_idle, within=180, what=f"the end of what {type(self).__name__} do")

    def _all_idle(self) -> bool:
        if self._error is not None:
            raise self._error
        return all(idle.is_set() for idle in self._idle)

    def _run(self, place: int) -> None:
        while not self._ended.wait(self._pause):
            if not self._out.is_set() or self._error:
                self._idle[place].set()
                continue
            try:
                self._act(place)
            except BaseException as error:  # noqa: BLE001 - raised on the soak's own thread
                self._error = error


class Visitors(Crowd):
    """Sign up all the time while they are `out`, each with an address of their own.

    Who got no answer, or was told to come back, sends the same again with the same key, and every
    fifth does so although all is well. Some are robots, and those of `returning` were here before.
    Each visit has a name of its own, by which the sandbox's deliveries tell it.
    """

    def __init__(self, url: str, *, threads: int = 3) -> None:
        super().__init__(threads=threads, pause=0.12)
        self._url = url
        self._http = [requests.Session() for _ in range(threads)]
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._emails: dict[str, str] = {}  # of every visit
        self._under_way: set[str] = set()
        # Visits that were told "received", without those of robots.
        self.acknowledged: set[str] = set()
        # Nothing tells a robot's second try from another visit.
        self.robots = self.robots_tries = 0
        self.recent: deque[str] = deque(maxlen=RECENT)
        self.returning: deque[str] = deque()

    def go_out(self) -> None:
        self.recent.clear()
        super().go_out()

    def visits(self, email: str) -> tuple[set[str], set[str]]:
        """Return the person's visits that are over, and those that are under way."""
        with self._lock:
            mine = {name for name, each in self._emails.items() if each == email}
            return mine - self._under_way, mine & self._under_way

    def _act(self, place: int) -> None:
        number = next(self._numbers)
        email = self._returning() or f"visitor-{number}@example.com"
        self.recent.append(email)
        robot = number % ROBOT_EVERY == 0
        self.sign_up(self._http[place], email, twice=number % 5 == 0, robot=robot)

    def _returning(self) -> str | None:
        with suppress(IndexError):
            return self.returning.popleft()
        return None

    def sign_up(
        self, http: requests.Session, email: str, *, twice: bool = False, robot: bool = False
    ) -> None:
        visit = self._begin(email)
        fields = {"email": email, "first_name": visit}
        try:
            if robot:
                self._come_as_robot(http, {**fields, "_gotcha": "x"})
            else:
                self._come(http, fields, twice=twice)
        finally:
            with self._lock:
                self._under_way.remove(visit)

    def _begin(self, email: str) -> str:
        with self._lock:
            visit = f"{NAME} {len(self._emails) + 1}"
            self._emails[visit] = email
            self._under_way.add(visit)
        return visit

    def _come(self, http: requests.Session, fields: dict[str, str], *, twice: bool) -> None:
        if 202 in self._tries(http, fields):
            self.acknowledged.add(fields["first_name"])
            if twice:
                self._post(http, fields)

    def _come_as_robot(self, http: requests.Session, fields: dict[str, str]) -> None:
        for outcome in self._tries(http, fields):
            with self._lock:
                self.robots_tries += 1
                self.robots += outcome == 202
            if outcome == 202:
                break

    def _tries(self, http: requests.Session, fields: dict[str, str]) -> Iterator[int | None]:
        """Yield what came of each try, until somebody takes it."""
        while not self._ended.is_set():
            outcome = self._post(http, fields)
            assert outcome in (None, 202, 503), f"web answered {outcome}"
            yield outcome
            self._ended.wait(TRIES_AGAIN_AFTER)

    def _post(self, http: requests.Session, fields: dict[str, str]) -> int | None:
        """Return the status of the answer; None when none came."""
        try:
            return http.post(
                f"{self._url}/f/news",
                data=fields,
                headers={
                    "Accept": "application/json",
                    "Idempotency-Key": f"{fields['first_name']} of {fields['email']}",
                },
                timeout=VISITOR_PATIENCE,
            ).status_code
        except requests.RequestException:
            return None


def wait(seconds: float) -> None:
    """How long a fault lasts."""
    time.sleep(seconds)
