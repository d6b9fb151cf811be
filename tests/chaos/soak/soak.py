"""`make chaos`: an hour of random faults over the whole product under load, and then the table.

Each round breaks a few things at once while visitors sign up, mends them, waits until all is at
rest, and counts to the last sign-up. The seed that is printed deals the same faults again.
"""

import argparse
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from tests.chaos.soak.soak_faults import ERASED, Deck, Drawn
from tests.chaos.soak.soak_rig import Rig, Visitors, wait
from tests.support.person import everything_stored
from tests.support.stack import eventually
from web.signup import spool_file

ACCOUNT = "acme"
# Before the faults of a round, and after them.
CALM_SECONDS = 0.5
# All that may have to come after each other: leases of the killed, three for poison; backoff;
# growing intervals of probes.
REST_SECONDS = 240
# A process or server that keeps growing grows by more than this in an hour.
MOST_GROWTH = 1.6
# Fewer rounds than this say nothing about growth.
ROUNDS_THAT_TELL = 24


class SoakFailed(AssertionError):
    """A promise was broken; the message has all that it takes to look into it."""


@dataclass(slots=True)
class Row:
    """What came of the rounds in which a fault took part."""

    rounds: int = 0
    accepted: int = 0
    delivered: int = 0
    dead: int = 0
    erased: int = 0
    twice: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {self.delivered} delivered, {self.dead} dead,"
            f" {self.erased} erased, {self.twice} sent twice, {self.lost} lost"
        )

    def add(self, other: "Row") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Memory:
    """What each process needed after each round, in KiB, and Redis for each sign-up, in bytes."""

    after: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, of: Mapping[str, float]) -> None:
        for name, amount in of.items():
            self.after[name].append(amount)

    def growth(self) -> dict[str, float]:
        """Return how much more was needed in the last quarter of the rounds than in the first."""
        return {
            name: round(statistics.median(_last(found)) / statistics.median(_first(found)), 2)
            for name, found in self.after.items()
        }


def _first(amounts: Sequence[float]) -> Sequence[float]:
    return amounts[: max(1, len(amounts) // 4)]


def _last(amounts: Sequence[float]) -> Sequence[float]:
    return amounts[-max(1, len(amounts) // 4) :]


class Soak:
    """Periodic over one rig; `rows` says by fault what came of them."""

    def __init__(self, rig: Rig, visitors: Visitors, seed: int, *, slow: bool) -> None:
        """With `slow`, faults take part that need a minute to be over."""
        self._rig = rig
        self._visitors = visitors
        self._seed = seed
        self._deck = Deck(Random(seed), slow=slow)
        self._ledger = rig.ledger()
        self._arrived: Counter[str] = Counter()
        self._dead = 0
        self._before = rig.redis_memory()
        self.dealt: list[list[Drawn]] = []
        self.rows: defaultdict[str, Row] = defaultdict(Row)
        self.total = Row()
        self.memory = Memory()

    def round(self) -> str:
        """Break, mend, wait for rest and count; return what was done. Raises `SoakFailed`."""
        faults = self._deck.deal()
        self.dealt.append(faults)
        with self._notified():
            self._break(faults)
            self._visitors.come_home()
            eventually(self._at_rest, within=REST_SECONDS, what="rest")
            row = self._count(faults)
        for fault in faults:
            self.rows[fault.fault.name].add(row)
        self.total.add(row)
        self._note_memory()
        return f"{', '.join(map(str, faults))}: {row}"

    def _break(self, faults: Sequence[Drawn]) -> None:
        self._visitors.go_out()
        wait(CALM_SECONDS)
        with ThreadPoolExecutor(len(faults)) as threads:
            under_way = [threads.submit(each.act, self._rig, self._visitors) for each in faults]
        for each in under_way:
            each.result()
        wait(CALM_SECONDS)

    def _at_rest(self) -> bool:
        """Whether nothing is due or waits on the disk, and no hold stands."""
        # First, since what has just left the disk is in the figures by then.
        here = spool_file.peek(self._rig.folder / "data", utc_now())
        try:
            figures = self._ledger.figures(ACCOUNT)
        except LedgerUnavailable:
            return False
        if any(hold.reason == HoldReason.QUOTA for hold in figures.holds):
            self._ledger.release(ACCOUNT)  # by an operator, as midnight is too far off
        spooled = here[1].count if here else 0
        return not (figures.due or spooled or figures.holds)

    # --- counting

    def _count(self, faults: Sequence[Drawn]) -> Row:
        """Return what came of this round's sign-ups, having checked every promise about them."""
        status = self._rig.json("status")
        account = status["accounts"][0]
        arrived = Counter({k: len(v) for k, v in self._rig.deliveries().items()})
        dead = {each["email"]: each["reason"] for each in self._rig.json("failed", "list")}
        new = arrived.keys() - self._arrived.keys()
        again = arrived - self._arrived - Counter(new)
        row = Row(
            rounds=1,
            accepted=account["accepted"] - self.total.accepted,
            delivered=account["delivered"] - self.total.delivered,
            dead=account["dead"] - self.total.dead,
            erased=account["discarded"] - self.total.erased,
            twice=again.total(),
            lost=len(self._visitors.acknowledged - arrived.keys() - dead.keys()),
        )
        self._arrived = arrived
        _check_figures(status, account, arrived, dead)
        assert row.lost == 0, f"{row.lost} acknowledged sign-ups are nowhere"
        _check_repeats(faults, again, new)
        _check_dead(faults, row, dead)
        self._check_nothing_stuck()
        self._check_erased()
        return row

    def _check_nothing_stuck(self) -> None:
        """Nothing in the ledger may still stand for work, whatever the counts say."""
        prefix = keys.account(ACCOUNT)
        with self._rig.valkey.client() as client:
            sets = ("due:fresh", "due:retry", "due:replay", "unsettled")
            left = {name: client.zcard(prefix + name) for name in sets}
            people = list(client.scan_iter(f"{prefix}person:*", count=1000))
            with client.pipeline(transaction=False) as reads:
                for person in people:
                    reads.zcount(person, "(0", "+inf")
                lines = sum(map(bool, reads.execute()))
        assert not any(left.values()), f"left behind: {left}"
        assert not lines, f"{lines} people wait in line, with nothing due"

    def _check_erased(self) -> None:
        """Nothing tells any more who wanted to be forgotten."""
        with self._rig.valkey.client() as client:
            left = [key for key, value in everything_stored(client) if ERASED in value]
        assert not left, f"erased people are still in {left}"

    def check_cleared(self) -> None:
        """Fail when something is left a minute after its time was over."""
        prefix = keys.account(ACCOUNT)
        with self._notified(), self._rig.valkey.client() as client:
            eventually(
                lambda: not client.exists(f"{prefix}delivered"), within=90, what="clearing all"
            )

    def _note_memory(self) -> None:
        used = (self._rig.redis_memory() - self._before) / max(1, self.total.accepted)
        self.memory.note({**self._rig.memory(), "Redis, by sign-up": used})

    def check_memory(self) -> None:
        """Fail when something keeps growing; too few rounds tell nothing."""
        if len(self.dealt) < ROUNDS_THAT_TELL:
            return
        growth = self.memory.growth()
        with self._notified():
            assert max(growth.values()) <= MOST_GROWTH, f"memory grew: {growth}"

    @contextmanager
    def _notified(self) -> Iterator[None]:
        """Tell, with what failed, how to get there again and what the processes said last."""
        try:
            yield
        except Exception as error:
            log = "\n".join(
                f"  {number}. {', '.join(map(str, faults))}"
                for number, faults in enumerate(self.dealt, 1)
            )
            raise SoakFailed(
                f"{error or type(error).__name__}\nseed {self._seed}, round {len(self.dealt)}\n"
                f"faults so far:\n{log}\nlast lines:\n{self._rig.last_lines()}"
            ) from error


def _check_figures(
    status: Mapping[str, Any],
    account: Mapping[str, Any],
    arrived: Counter[str],
    dead: Mapping[str, str],
) -> None:
    """Invariant 2 to the last sign-up, and each of them once."""
    ended = sum(account[state] for state in ("delivered", "dead", "discarded", "quarantined"))
    assert (account["due"], status["spooled"]) == (0, 0), account
    assert account["accepted"] == ended, account
    # One that was erased while it was under way may have arrived, and is not counted as delivered.
    erased = sum(email.startswith(ERASED) for email in arrived)
    counted = account["delivered"] - (len(arrived) - erased)
    assert 0 <= counted <= erased, "a sign-up is counted twice, or not at all"
    assert account["dead"] == len(dead), account


def _check_repeats(faults: Sequence[Drawn], again: Counter[str], new: set[str]) -> None:
    """Only what faults left in flight may have been sent once more, each once for each kill."""
    assert again.keys() <= new, "what had arrived in an earlier round was sent again"
    allowed = sum(each.fault.repeats for each in faults)
    assert again.total() <= allowed, f"{again.total()} were sent again, {allowed} might have been"
    each_allowed = sum(each.fault.times for each in faults)
    assert max(again.values(), default=0) <= each_allowed, f"one was sent again too often: {again}"


def _check_dead(faults: Sequence[Drawn], row: Row, dead: Mapping[str, str]) -> None:
    """Poison dies as such, and nothing else does."""
    assert row.dead == sum(each.fault.poisons for each in faults), dead
    assert set(dead.values()) <= {"poison"}, dead
    assert not any(email.startswith("visitor-") for email in dead), dead


# --- telling


def table(soak: Soak) -> str:
    """Return the table of faults survived, as Markdown."""
    lines = [
        "| fault | rounds | accepted | delivered | dead | erased | sent twice | lost |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows = [*sorted(soak.rows.items()), ("**all rounds**", soak.total)]
    for name, row in rows:
        figures = (
            row.rounds,
            row.accepted,
            row.delivered,
            row.dead,
            row.erased,
            row.twice,
            row.lost,
        )
        lines.append(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    return "\n".join(lines)


def run(
    folder: Path,
    seed: int,
    goes_on: Callable[[int], bool],
    *,
    slow: bool,
    say: Callable[[str], None],
) -> Soak:
    """Go through rounds while `goes_on`, told how many there were, says so."""
    with Rig(folder) as rig, Visitors(rig.url) as visitors:
        soak = Soak(rig, visitors, seed, slow=slow)
        while goes_on(len(soak.dealt)):
            say(f"round {len(soak.dealt) + 1}: {soak.round()}")
        soak.check_cleared()
        soak.check_memory()
        return soak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    wanted = parser.parse_args()
    _say(f"seed {wanted.seed}, {wanted.minutes:g} minutes")
    ends_at = time.monotonic() + 60 * wanted.minutes
    with tempfile.TemporaryDirectory() as folder:
        soak = run(
            Path(folder) / "soak",
            wanted.seed,
            lambda rounds: time.monotonic() < ends_at,
            slow=True,
            say=_say,
        )
    _say(f"\n{table(soak)}\n\nMemory, last quarter to first: {soak.memory.growth()}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
