"""Operators of a soak: they erase people all the time, in every way, and discard robots."""

import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random

from relay.runtime import CommandRuntime
from shared.domain.errors import LedgerUnavailable, Refused
from shared.ledger.redis_server.rewriting import rewrite_append_only_file
from tests.chaos.soak.soak_rig import GIVES_AGAIN_AFTER, Crowd, Ended, Rig, Visitors
from tests.support.person import NAME

# What tells who any visitor was, in Redis, files and logs.
ANYBODY = re.compile(rf"{NAME}|[a-z]+-\d+(@|%40)example\.com", re.IGNORECASE)
OPERATORS, PAUSE = 3, 0.3  # each with so many seconds between two erasures
# One person in so many comes back, and one time in so many robots are discarded.
RETURNS = 4
DISCARDS = 30


class Operators(Crowd):
    """Erase recent visitors while they are `out`: some of them are being sent, wait, are on web's
    disk, or have yet to get an answer. A command that fails is given again until it is done.

    `erased` has when the command returned, for each visit that was over before. None of them may be
    sent later.
    """

    def __init__(self, rig: Rig, visitors: Visitors, chance: Random) -> None:
        super().__init__(threads=OPERATORS, pause=PAUSE)
        self._rig = rig
        self._visitors = visitors
        self._chance = chance
        self._once_more: set[str] = set()
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
        self.done: list[str] = []

    def come_home(self) -> None:
        super().come_home()
        while self._once_more:  # now that no visit is under way
            self._forget(self._once_more.pop(), self._erase)

    def _act(self, place: int) -> None:
        if self._chance.randrange(DISCARDS) == 0:
            self._until_done("quarantine", "discard", "--all", "--yes")
        if self._visitors.recent:
            self._have_somebody_erased(self._chance.choice(list(self._visitors.recent)))

    def _have_somebody_erased(self, email: str) -> None:
        weights = [weight for weight, _ in self._ways.values()]
        [(way, (_, erase))] = self._chance.choices(list(self._ways.items()), weights)
        self.done.append(way)
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
            with closing(runtime):
                runtime.personal_data.erase(email)
                rewrite_append_only_file(runtime.client)
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
        self.done.append("failed, and repeated")
        self._ended.wait(GIVES_AGAIN_AFTER)
