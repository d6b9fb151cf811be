"""The faults of a soak: each breaks one thing for a while and mends it again."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import requests

from tests.chaos.soak.soak_rig import ACCOUNT, SIGN_UP, WORKERS, Rig, Visitors, wait

LOST_ANSWERS = 3
# More lanes than that no worker has with this pace, so no more can be in flight when one dies.
IN_FLIGHT = 34


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a fault acts: `seconds` long, on the worker `worker` if it is about one."""

    rig: Rig
    visitors: Visitors
    seconds: float
    worker: str
    number: int


@dataclass(frozen=True, slots=True)
class Fault:
    """`act` breaks, waits and mends.

    `repeats` is how many sign-ups may be sent once more for it, since they were sent while nobody
    could note it any more, and `times` how often that may happen to the same one. `poisons`: one
    becomes a dead letter. `refuses`: any may become one. `slow`: it takes a minute until all is at
    rest again. No other fault of the round is about the same `victim`, nor about one of the
    `enemies`.
    """

    name: str
    victim: str
    act: Callable[[Stage], None]
    repeats: int = 0
    times: int = 0
    poisons: bool = False
    refuses: bool = False
    slow: bool = False
    enemies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fault with what chance decided about it."""

    fault: Fault
    seconds: float
    worker: str
    number: int

    def __str__(self) -> str:
        where = f" ({self.worker})" if self.fault.victim == "worker" else ""
        return f"{self.fault.name}{where} for {self.seconds:.1f} s"

    def act(self, rig: Rig, visitors: Visitors) -> None:
        self.fault.act(Stage(rig, visitors, self.seconds, self.worker, self.number))


# --- processes


def _ended(number: signal.Signals, role: str = "") -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        # At once, while the answers to what was sent before the round's other faults are awaited.
        stage.rig.send(role or stage.worker, number)
        wait(stage.seconds)

    return act


def _frozen(role: str = "") -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        stage.rig.send(role or stage.worker, signal.SIGSTOP)
        wait(stage.seconds)
        stage.rig.send(role or stage.worker, signal.SIGCONT)

    return act


# --- Redis


def _kill_redis(stage: Stage) -> None:
    stage.rig.valkey.kill()
    wait(stage.seconds)
    stage.rig.valkey.start()
    stage.rig.configure_redis()


def _freeze_redis(stage: Stage) -> None:
    stage.rig.valkey.freeze()
    wait(stage.seconds)
    stage.rig.valkey.thaw()


def _cut_connections(stage: Stage) -> None:
    for _ in range(5):
        with stage.rig.valkey.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait(stage.seconds / 5)


def _empty_broker(stage: Stage) -> None:
    for _ in range(5):
        with stage.rig.valkey.client(1) as broker:
            broker.flushdb()
        wait(stage.seconds / 5)


# --- the API


def _api(**fault: Any) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        stage.rig.sandbox.control(path=SIGN_UP, **fault)
        wait(stage.seconds)
        stage.rig.mend_api()

    return act


def _refuse_and_retry(stage: Stage) -> None:
    """An operator has all sent again, but for what retention has cleared meanwhile."""
    _api(status=400)(stage)
    stage.rig.retry_refused()


def _take_privilege(stage: Stage) -> None:
    stage.rig.sandbox.control(privileges={"remove": ["contacts:write"]})
    wait(stage.seconds)
    stage.rig.sandbox.control(privileges="restore")


def _spend_quota(stage: Stage) -> None:
    """That hold lasts until midnight, so an operator ends it when the cause is gone."""
    _api(quota_exceeded=True)(stage)
    wait(1)
    stage.rig.ledger().release(ACCOUNT)


def _invalidate_tokens(stage: Stage) -> None:
    stage.rig.sandbox.control(revoke="access")
    wait(stage.seconds)


def _fail_refreshes(stage: Stage) -> None:
    stage.rig.sandbox.control(revoke="access")
    stage.rig.sandbox.refresh_fault(status=503)
    wait(stage.seconds)
    stage.rig.mend_api()


# --- poison


def _poison(kind: str) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        with requests.Session() as http:
            stage.visitors.sign_up(http, f"{kind}-{stage.number}@example.com")
        wait(stage.seconds)

    return act


_OF_TOKENS = ("worker", "redis", "poison")

FAULTS = (
    Fault("web killed", "web", _ended(signal.SIGKILL, "web")),
    Fault("web stopped", "web", _ended(signal.SIGTERM, "web")),
    Fault("web frozen", "web", _frozen("web")),
    Fault("worker killed", "worker", _ended(signal.SIGKILL), IN_FLIGHT, 1),
    Fault("worker stopped (TERM)", "worker", _ended(signal.SIGTERM)),
    Fault("worker stopped (INT)", "worker", _ended(signal.SIGINT)),
    Fault("worker stopped (QUIT)", "worker", _ended(signal.SIGQUIT)),
    Fault("worker frozen", "worker", _frozen(), IN_FLIGHT, 1),
    Fault("beat killed", "beat", _ended(signal.SIGKILL, "beat")),
    Fault("beat stopped", "beat", _ended(signal.SIGTERM, "beat")),
    Fault("beat frozen", "beat", _frozen("beat")),
    Fault("Redis killed", "redis", _kill_redis, 2 * IN_FLIGHT, 1),
    Fault("Redis frozen", "redis", _freeze_redis, 2 * IN_FLIGHT, 1),
    Fault("Redis drops all connections", "redis", _cut_connections),
    Fault("broker emptied", "redis", _empty_broker),
    Fault("API slow", "api", _api(latency_ms=700)),
    Fault("API hangs", "api", _api(hang_seconds=60)),
    Fault("API's answers drip", "api", _api(status=503, drip_seconds=60)),
    Fault("API unavailable", "api", _api(status=503)),
    Fault("API breaks connections off", "api", _api(reset=True)),
    Fault("API answers with HTML", "api", _api(html=True, status=200)),
    Fault("API throttles", "api", _api(throttle_storm=True)),
    Fault(
        "API's answers get lost",
        "api",
        _api(lost_answer=True, reset=True, count=LOST_ANSWERS),
        LOST_ANSWERS,
        LOST_ANSWERS,
    ),
    Fault("API refuses, then a retry", "api", _refuse_and_retry, refuses=True, enemies=("redis",)),
    Fault("day's quota spent", "api", _spend_quota, enemies=("redis",)),
    Fault("privilege taken away", "api", _take_privilege),
    # A lock that a killed process leaves behind stands for minutes, which no round waits for.
    Fault("tokens invalidated", "api", _invalidate_tokens, enemies=_OF_TOKENS),
    Fault("token endpoint down", "api", _fail_refreshes, enemies=_OF_TOKENS),
    Fault(
        "poison that raises", "poison", _poison("raises"), poisons=True, enemies=("redis", "worker")
    ),
    Fault(
        "poison that kills",
        "poison",
        _poison("kills"),
        3 * IN_FLIGHT,
        3,
        poisons=True,
        slow=True,
        enemies=("redis", "worker"),
    ),
    Fault(
        "poison that hangs",
        "poison",
        _poison("hangs"),
        3 * IN_FLIGHT,
        3,
        poisons=True,
        slow=True,
        enemies=("redis", "worker"),
    ),
)


class Deck:
    """Deals rounds of faults, every fault once before any comes again; by `chance` alone."""

    def __init__(self, chance: Random, *, slow: bool) -> None:
        self._chance = chance
        self._all = [fault for fault in FAULTS if slow or not fault.slow]
        self._left: list[Fault] = []
        self._number = 0

    def deal(self) -> list[Drawn]:
        """Return up to three faults that get on with each other."""
        wanted = self._chance.choice((2, 3, 3))
        dealt: list[Fault] = []
        passed: list[Fault] = []
        while len(dealt) < wanted:
            if not self._left:
                if passed:
                    break
                self._left = self._chance.sample(self._all, len(self._all))
            fault = self._left.pop()
            (dealt if _gets_on(fault, dealt) else passed).append(fault)
        self._left.extend(reversed(passed))
        return [self._draw(fault) for fault in dealt]

    def _draw(self, fault: Fault) -> Drawn:
        self._number += 1
        seconds = self._chance.uniform(1, 3)
        return Drawn(fault, seconds, self._chance.choice(WORKERS), self._number)


def _gets_on(fault: Fault, others: list[Fault]) -> bool:
    return not any(
        fault.victim == other.victim
        or fault.victim in other.enemies
        or other.victim in fault.enemies
        for other in others
    )
