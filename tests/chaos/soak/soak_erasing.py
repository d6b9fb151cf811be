"""Operators of a soak: they erase people all the time, in every way, and discard robots."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Self

from relay.runtime import CommandRuntime
from shared.domain.errors import LedgerUnavailable, Refused
from tests.chaos.soak.soak_rig import GIVES_AGAIN_AFTER, Ended, Rig, Visitors
from tests.support.person import NAME
from tests.support.stack import eventually

# What tells who any visitor was, in Redis, files and logs.
ANYBODY = re.compile(rf"{NAME}|[a-z]+-\d+(@|%40)example\.com", re.IGNORECASE)
PAUSE = 0.2  # seconds between two of them
# One person in so many comes back, and one time in so many robots are discarded.
RETURNS = 4
DISCARDS = 20


class Operators:
    """Erase recent visitors while they are `out`: some of them are being sent, wait, are on web's
    disk, or have yet to get an answer. A command that fails is given again until it is done.

    `erased` has when the command returned, for each visit that was over before. None of them may be
    sent later.
    """

    def __init__(self, rig: Rig, visitors: Visitors, chance: Random) -> None:
        self._rig = rig
        self._visitors = visitors
        self._chance = chance
        self._out = threading.Event()
        self._idle = threading.Event()
        self._ended = threading.Event()
        self._once_more: set[str] = set()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        # Commands take long to start, so they are fewer.
        self._ways: dict[str, tuple[int, Callable[[str], None]]] = {
            "on web's host": (6, self._erase),
            "on another host": (6, self._erase_elsewhere),
            "twice at once": (3, self._erase_twice),
            "by a command": (1, self._erase_by_command),
            "by a command, killed and repeated": (1, self._erase_at_second_try),
            "by a command, with find and consent": (1, self._find_and_erase),
        }
        self.erased: dict[str, float] = {}
        self.people: set[str] = set()
        self.done: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=120)

    def go_out(self) -> None:
        self._idle.clear()
        self._out.set()

    def come_home(self) -> None:
        """Return when all who were to be erased are, now that no visit is under way."""
        self._out.clear()
        eventually(self._is_idle, within=180, what="the end of erasing")
        while self._once_more:
            self._forget(self._once_more.pop(), self._erase)

    def _is_idle(self) -> bool:
        if self._error is not None:
            raise self._error
        return self._idle.is_set()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE):
            if not self._out.is_set() or self._error:
                self._idle.set()
            elif self._visitors.recent:
                try:
                    self._act(self._chance.choice(list(self._visitors.recent)))
                except BaseException as error:  # noqa: BLE001 - raised on the soak's own thread
                    self._error = error

    def _act(self, email: str) -> None:
        if self._chance.randrange(DISCARDS) == 0:
            self._until_done("quarantine", "discard", "--all", "--yes")
        weights = [weight for weight, _ in self._ways.values()]
        [(way, (_, erase))] = self._chance.choices(list(self._ways.items()), weights)
        self.done[way] += 1
        self._forget(email, erase)
        if self._chance.randrange(RETURNS) == 0:
            self._visitors.returning.append(email)

    def _forget(self, email: str, erase: Callable[[str], None]) -> None:
        """Have the person erased. Who just signs up is erased again once that is over."""
        over, _ = self._visitors.visits(email)
        erase(email)
        now, under_way = self._visitors.visits(email)
        if under_way or now - over:
            self._once_more.add(email)
        at = time.time()
        self.erased |= {visit: self.erased.get(visit, at) for visit in over}
        self.people.add(email)

    # --- the ways

    def _erase(self, email: str, **settings: str) -> None:
        """As the command does, but in this process, which takes a tenth of its time."""
        while not self._tried(email, settings):
            self._note_failure()

    def _tried(self, email: str, settings: Mapping[str, str]) -> bool:
        runtime = CommandRuntime(as_json=True, environ={**self._rig.environ, **settings})
        try:
            runtime.personal_data.erase(email)
            runtime.client.close()
        except (LedgerUnavailable, Refused):
            return False
        return True

    def _erase_elsewhere(self, email: str) -> None:
        """On a host that has no access to the disk of web's."""
        self._erase(email, RELAY_DATA_DIR=str(self._rig.folder / "elsewhere"))

    def _erase_by_command(self, email: str) -> None:
        self._until_done("erase", email, "--yes")

    def _erase_at_second_try(self, email: str) -> None:
        self._rig.command("erase", email, "--yes", ends_after=self._chance.uniform(0.4, 1.2))
        self._erase_by_command(email)

    def _erase_twice(self, email: str) -> None:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(self._erase, [email, email]))

    def _find_and_erase(self, email: str) -> None:
        """Look for the person before and after. Afterwards only a new visit may be found."""
        for command in ("find", "consent"):
            self._rig.command(command, email, "--json")
        known, under_way = self._visitors.visits(email)
        self._erase_by_command(email)
        for command in ("find", "consent"):
            found = json.loads(self._until_done(command, email, "--json").out)
            still = self._visitors.visits(email)
            if not under_way and still == (known, under_way):
                assert found == [], f"{command} after erasing: {found}"

    def _until_done(self, *command: str) -> Ended:
        while (ended := self._rig.command(*command)).status != 0:
            assert ended.status == 1, f"relay {command[0]} ended with {ended.status}"
            self._note_failure()
        return ended

    def _note_failure(self) -> None:
        self.done["failed, and repeated"] += 1
        self._ended.wait(GIVES_AGAIN_AFTER)
