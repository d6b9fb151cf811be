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
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import redis

from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.values import Figures
from tests.chaos.soak.soak_erasing import ANYBODY, Operators
from tests.chaos.soak.soak_faults import Deck, Drawn
from tests.chaos.soak.soak_rig import ACCOUNT, Rig, Visitors, wait
from tests.support.beside import Beside
from tests.support.key_kinds import kind_of, sizes_by_kind
from tests.support.person import traces_in_files, traces_in_redis
from tests.support.stack import eventually
from web.signup import spool_file

LOOK_EVERY = 0.1
# Before the faults of a round, and after them.
CALM_SECONDS = 0.5
# All that may have to come after each other: leases of the killed, three for poison; backoff;
# growing intervals of probes.
REST_SECONDS = 240
# A process that keeps growing grows by more than this in an hour. Redis needs the same after each
# round, but for keyed digests of the erased, and some counts of each minute.
MOST_GROWTH = 1.6
MOST_GROWTH_OF_REDIS = 1.2
REDIS, REDIS_KEYS = "Redis", "keys of Redis"
# Kinds of keys that stand for a sign-up or a person. None is left once all is cleared.
OF_SIGNUPS = {
    *("signup", "attempts", "email", "person", "due", "unsettled", "lane", "failing"),
    *("delivered", "dead", "quarantined", "discarded", "cleared", "replaying"),
}
WAITING_JOB = ":waiting"
# What Redis forgets after a day or a month; and a key for each minute of two days.
OF_DAYS = ("seen", "replay")
OF_MINUTES = "stats"
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
    discarded: int = 0
    quarantined: int = 0
    erased: int = 0
    twice: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {self.delivered} delivered, {self.dead} dead,"
            f" {self.discarded} discarded, {self.quarantined} quarantined, {self.erased} erased,"
            f" {self.twice} sent twice, {self.lost} lost"
        )

    def add(self, other: "Row") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Memory:
    """What each process needed after each round, in KiB, and Redis, in KiB and in keys."""

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

    def grew(self) -> dict[str, float]:
        """Return the growth of what keeps growing."""
        return {name: by for name, by in self.growth().items() if by > most_growth(name)}


def most_growth(name: str) -> float:
    return MOST_GROWTH_OF_REDIS if name in (REDIS, REDIS_KEYS) else MOST_GROWTH


def _first(amounts: Sequence[float]) -> Sequence[float]:
    return amounts[: max(1, len(amounts) // 4)]


def _last(amounts: Sequence[float]) -> Sequence[float]:
    return amounts[-max(1, len(amounts) // 4) :]


class InvariantWatch(Beside):
    """Looks all the time whether all that was accepted is in one state."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger
        self.looks = 0
        self.broken: list[Figures] = []

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            with suppress(LedgerUnavailable):
                self._look_at(self._ledger.figures(ACCOUNT))

    def _look_at(self, found: Figures) -> None:
        self.looks += 1
        states = (found.due, found.delivered, found.dead, found.discarded, found.quarantined)
        if found.accepted != sum(states):
            self.broken.append(found)


class Soak:
    """Periodic over one rig; `rows` says by fault what came of them."""

    def __init__(
        self,
        rig: Rig,
        visitors: Visitors,
        operators: Operators,
        watch: InvariantWatch,
        deck: Deck,
        *,
        seed: int,
    ) -> None:
        self._rig = rig
        self._visitors = visitors
        self.operators = operators
        self.watch = watch
        self._seed = seed
        self._deck = deck
        self._ledger = rig.ledger()
        self._arrived: Counter[str] = Counter()
        self._missing: set[str] = set()  # visits that died
        self.dealt: list[list[Drawn]] = []
        self.rows: defaultdict[str, Row] = defaultdict(Row)
        self.total = Row()
        self.memory = Memory()
        self.kept: Mapping[str, Sequence[int]] = {}

    def round(self) -> str:
        """Break, mend, wait for rest and count; return what was done. Raises `SoakFailed`."""
        faults = self._deck.deal()
        self.dealt.append(faults)
        with self._notified():
            self._break(faults)
            self._visitors.come_home()
            self.operators.come_home()
            eventually(self._at_rest, within=REST_SECONDS, what="rest")
            row = self._count(faults)
            self._check_nobody_is_left()
            self._note_memory()
        for fault in faults:
            self.rows[fault.fault.name].add(row)
        self.total.add(row)
        return f"{', '.join(map(str, faults))}: {row}"

    def _break(self, faults: Sequence[Drawn]) -> None:
        self._visitors.go_out()
        self.operators.go_out()
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
        sent = self._sent()
        arrived = Counter({visit: len(times) for visit, times in sent.items()})
        new = arrived.keys() - self._arrived.keys()
        again = arrived - self._arrived - Counter(new)
        erased = self.operators.erased
        missing = self._visitors.acknowledged - arrived.keys() - erased.keys()
        counts = ("accepted", "delivered", "dead", "discarded", "quarantined")
        row = Row(
            rounds=1,
            **{each: account[each] - getattr(self.total, each) for each in counts},
            erased=len(self.operators.people) - self.total.erased,
            twice=again.total(),
            lost=max(0, len(missing - self._missing) - account["dead"] + self.total.dead),
        )
        self._arrived, self._missing = arrived, missing
        assert not self.watch.broken, f"counts did not add up: {self.watch.broken}"
        _check_figures(status, account, self._visitors)
        _check_delivered(account["delivered"], arrived.keys(), erased.keys())
        late = {visit for visit, at in erased.items() if max(sent.get(visit, [0])) > at}
        assert not late, f"sent after the person was erased: {late}"
        assert row.lost == 0, f"{row.lost} acknowledged sign-ups are nowhere"
        _check_repeats(faults, again, new)
        _check_dead(faults, row)
        return row

    def _sent(self) -> dict[str, list[float]]:
        """Return when the sandbox got each visit."""
        sent: defaultdict[str, list[float]] = defaultdict(list)
        for deliveries in self._rig.deliveries().values():
            for each in deliveries:
                sent[each["payload"]["first_name"]].append(each["at"])
        return sent

    def _check_nobody_is_left(self) -> None:
        """Once all is cleared, nothing in the ledger stands for a sign-up or a person, whatever the
        counts say; and nothing in Redis, in the files and in the logs tells who was here."""
        with self._rig.valkey.client() as client:
            eventually(
                lambda: not self._of_signups(client),
                within=REST_SECONDS,
                what=f"clearing of {self._of_signups(client)}",
            )
            self._rig.relay("erase", "nobody@example.org", "--yes")  # has the file rewritten
            eventually(lambda: _rewritten(client), what="the new append-only file")
            for database in (client, self._rig.valkey.client(1)):
                assert not (left := traces_in_redis(database, ANYBODY)), left
        eventually(
            # Redis deletes the old file in the background.
            lambda: not traces_in_files(self._rig.folder, ANYBODY),
            what=f"the end of people in {traces_in_files(self._rig.folder, ANYBODY)}",
        )

    def _of_signups(self, client: "redis.Redis") -> list[str]:
        return [
            key
            for key in client.scan_iter("relay:*", count=1000)
            if kind_of(key) in OF_SIGNUPS or key.endswith(WAITING_JOB)
        ]

    # --- memory

    def _note_memory(self) -> None:
        """A month passes first: Idempotency-Keys and jobs that have ended are forgotten."""
        with self._rig.valkey.client() as client:
            for key in client.scan_iter("relay:*", count=1000):
                if kind_of(key) in OF_DAYS and client.ttl(key) > 0:
                    client.delete(key)
            self.kept = sizes_by_kind(client)
        keys_kept = sum(len(sizes) for kind, sizes in self.kept.items() if kind != OF_MINUTES)
        redis_kib = self._rig.redis_memory() / 1024
        self.memory.note({**self._rig.memory(), REDIS: redis_kib, REDIS_KEYS: keys_kept})

    def check_memory(self) -> None:
        """Fail when something keeps growing; too few rounds tell nothing."""
        if len(self.dealt) < ROUNDS_THAT_TELL:
            return
        with self._notified():
            assert not (grew := self.memory.grew()), f"memory grew: {grew}"

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
    status: Mapping[str, Any], account: Mapping[str, Any], visitors: Visitors
) -> None:
    """Invariant 2 to the last sign-up, and each of them once, erased or not."""
    ended = sum(account[state] for state in ("delivered", "dead", "discarded", "quarantined"))
    assert (account["due"], status["spooled"]) == (0, 0), account
    assert account["accepted"] == ended, account
    robots = account["accepted"] - len(visitors.acknowledged)
    assert visitors.robots <= robots <= visitors.robots_tries, (
        f"{account}: {len(visitors.acknowledged)} acknowledged and {visitors.robots} of robots"
    )


def _check_delivered(delivered: int, arrived: Set[str], erased: Set[str]) -> None:
    """What was erased counts as discarded, though it may have arrived just before."""
    assert len(arrived - erased) <= delivered <= len(arrived), (
        f"{delivered} delivered, {len(arrived)} arrived, {len(arrived & erased)} of them erased"
    )


def _rewritten(client: "redis.Redis") -> bool:
    found = client.info("persistence")
    return not found["aof_rewrite_in_progress"] and not found.get("aof_rewrite_scheduled")


def _check_repeats(faults: Sequence[Drawn], again: Counter[str], new: set[str]) -> None:
    """Only what faults left in flight may have been sent once more, each once for each kill."""
    assert again.keys() <= new, "what had arrived in an earlier round was sent again"
    allowed = sum(each.fault.repeats for each in faults)
    assert again.total() <= allowed, f"{again.total()} were sent again, {allowed} might have been"
    each_allowed = sum(each.fault.times for each in faults)
    assert max(again.values(), default=0) <= each_allowed, f"one was sent again too often: {again}"


def _check_dead(faults: Sequence[Drawn], row: Row) -> None:
    """Poison dies, and else only what the API refused and retention cleared before its job."""
    poisons = sum(each.fault.poisons for each in faults)
    assert row.dead >= poisons, f"{poisons} are poison, {row.dead} died"
    assert row.dead == poisons or any(each.fault.refuses for each in faults), (
        f"{poisons} are poison, {row.dead} died"
    )


# --- telling


COLUMNS = (
    *("rounds", "accepted", "delivered", "dead", "discarded", "quarantined", "erased"),
    *("sent twice", "lost"),
)


def table(soak: Soak) -> str:
    """Return the table of faults survived, as Markdown."""
    rows = [*sorted(soak.rows.items()), ("**all rounds**", soak.total)]
    return _markdown(("fault", *COLUMNS), [(name, *astuple(row)) for name, row in rows])


def kept_table(soak: Soak) -> str:
    """Return what Redis still keeps, by kind of key, as Markdown."""
    rows = [(f"`{kind}`", len(sizes), sum(sizes)) for kind, sizes in sorted(soak.kept.items())]
    return _markdown(("key", "keys", "bytes"), rows)


def _markdown(heads: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    lines = [
        f"| {' | '.join(heads)} |",
        f"|---|{'--:|' * (len(heads) - 1)}",
        *(f"| {name} | " + " | ".join(f"{each:,}" for each in rest) + " |" for name, *rest in rows),
    ]
    return "\n".join(lines)


def outcome(soak: Soak) -> str:
    """Return all that there is to tell of a soak."""
    of_redis = soak.memory.after[REDIS]
    erasing = "".join(
        f"\n  {way}: {times}" for way, times in Counter(soak.operators.done).most_common()
    )
    return (
        f"{table(soak)}\n\n{kept_table(soak)}\n\n"
        f"Looks at the counts: {soak.watch.looks:,}\nErasing:{erasing}\n"
        f"Redis' memory in KiB, after the first round and the last:"
        f" {of_redis[0]:,.0f}, {of_redis[-1]:,.0f}\n"
        f"Memory, last quarter to first: {soak.memory.growth()}"
    )


def run(
    folder: Path,
    seed: int,
    goes_on: Callable[[int], bool],
    *,
    slow: bool,
    say: Callable[[str], None],
) -> Soak:
    """Go through rounds while `goes_on`, told how many there were, says so. With `slow`, faults
    take part that need a minute to be over."""
    with (
        Rig(folder) as rig,
        Visitors(rig.url) as visitors,
        Operators(rig, visitors, Random(seed)) as operators,
        InvariantWatch(rig.ledger()) as watch,
    ):
        soak = Soak(rig, visitors, operators, watch, Deck(Random(seed), slow=slow), seed=seed)
        while goes_on(len(soak.dealt)):
            say(f"round {len(soak.dealt) + 1}: {soak.round()}")
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
    _say(f"\n{outcome(soak)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
