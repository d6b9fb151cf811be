"""What was counted, by slots of time: for the console's charts, and for what an account did today.

The steps of sign-ups count in each minute of an account. Workers and beat add whole minutes to
slots, so that a page reads a few hashes, however many accounts there are.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

import redis

from shared.domain.counts import COUNTED, ChartSlot, Counts
from shared.domain.signup import DeathReason
from shared.domain.totals import COUNTS, Totals
from shared.infrastructure.stored_records import RecordKind, read_all
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import duration, from_milliseconds, in_milliseconds, to_milliseconds

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)

_SLOTS = {
    "of_minutes": keys.OF_MINUTES,
    "of_quarters": keys.OF_QUARTERS,
    "of_days": keys.OF_DAYS,
}
# One step takes Redis a millisecond at most: 10 µs for each minute in which an account counted
# something, and 25 µs for a glance at an account.
_MINUTES_AT_ONCE = 100
_ACCOUNTS_AT_ONCE = 40
# So many minutes of an account are read in one round trip, which takes Redis a millisecond.
_MINUTES_READ_AT_ONCE = 500
_MINUTES_OF_A_QUARTER = QUARTER // MINUTE


@dataclass(frozen=True, slots=True)
class Round:
    """A round of rolling up the whole minutes from `rolled_to` to `this_minute`, which are numbers
    of minutes since 1970. `mine`: the caller is to do it."""

    mine: bool
    rolled_to: int
    this_minute: int

    @property
    def accounts_at_once(self) -> int:
        """Of how many accounts one step may look at the minutes that are not rolled up."""
        minutes = max(1, self.this_minute - self.rolled_to)
        return max(1, min(_ACCOUNTS_AT_ONCE, _MINUTES_AT_ONCE // minutes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one look at many accounts tells of each. `api_key` is the same for accounts of one key.
    `dead` are the dead letters that are kept, by reason, of which `in_jobs` wait in jobs.
    `holds` has the reasons of its holds, `today` what was counted on this UTC day."""

    account: str
    api_key: str
    totals: Totals
    oldest_due: timedelta | None
    dead: Mapping[DeathReason, int]
    in_jobs: int
    quarantined: int
    holds: Collection[str]
    tokens_in_trouble: bool
    today: Counts

    @property
    def due(self) -> int:
        return self.totals.due

    @property
    def undecided(self) -> int:
        """How many dead letters wait for somebody's decision."""
        return max(0, sum(self.dead.values()) - self.in_jobs)


class Statistics:
    """Every method raises `LedgerUnavailable`, and is safe to repeat, in several processes."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    # --- rolling up

    def begin_round(self, every: timedelta) -> Round:
        """Return a round; it is the caller's if nobody has begun one for so long."""
        mine, rolled_to, this_minute = self._scripts.run(
            "stats/begin_round", progress=keys.ROLL_UP, every=every
        )
        return Round(bool(mine), rolled_to, this_minute)

    def roll_up(self, round: Round, accounts: Sequence[str]) -> Iterator[int]:
        """Roll the accounts up, some in each step. Yield after each step how much of theirs was due
        that is known since."""
        for some in batches(accounts, round.accounts_at_once):
            left = True
            while left:
                due, left = self._scripts.run(
                    "stats/roll_up",
                    accounts=[keys.account(each) for each in some],
                    rolled_to=round.rolled_to,
                    most=_MINUTES_AT_ONCE,
                    **_SLOTS,
                )
                yield 0 if left else due

    def end_round(self, round: Round, due: int) -> None:
        """Note that all accounts are rolled up, and how much was `due` of all."""
        self._scripts.run(
            "stats/end_round",
            progress=keys.ROLL_UP,
            rolled_to=round.this_minute,
            due=due,
            **_SLOTS,
        )

    # --- what is shown

    def minutes(self, count: int) -> list[ChartSlot]:
        """Return the last whole minutes of all accounts together, the oldest first."""
        return self._slots(keys.OF_MINUTES, MINUTE, count, until=-1)

    def quarters(self, count: int) -> list[ChartSlot]:
        """Return the last quarter hours, this one included."""
        return self._slots(keys.OF_QUARTERS, QUARTER, count)

    def days(self, count: int) -> list[ChartSlot]:
        """Return the last days in UTC, this one included."""
        return self._slots(keys.OF_DAYS, DAY, count)

    def minutes_of(self, account: str, count: int) -> list[ChartSlot]:
        """Return the last whole minutes of one account, the oldest first. What was due is not
        known of one account."""
        wanted = self._last(MINUTE, count, until=-1)
        return [
            _slot(minute, MINUTE, _counts(figures), None)
            for minute, figures in zip(wanted, self._counted(account, wanted), strict=True)
        ]

    def quarters_of(self, account: str, count: int) -> list[ChartSlot]:
        """Return the last quarter hours of one account, this one included. They are summed up from
        its minutes, which are kept for two days."""
        wanted = self._last(QUARTER, count)
        minutes = range(wanted.start * _MINUTES_OF_A_QUARTER, wanted.stop * _MINUTES_OF_A_QUARTER)
        counted = self._counted(account, minutes)
        return [
            _slot(each, QUARTER, _counts(_sums(islice(counted, _MINUTES_OF_A_QUARTER))), None)
            for each in wanted
        ]

    def days_of(self, account: str, count: int) -> list[ChartSlot]:
        """Return the last days of one account in UTC, this one included up to now."""
        *before, today = self._slots(f"{keys.account(account)}days", DAY, count)
        [glance] = self.glances([account])
        return [*before, replace(today, counts=glance.today)]

    def _counted(self, account: str, minutes: range) -> Iterator[list[int]]:
        """Yield what was counted of the account in each of these minutes, in the order of
        `COUNTED`."""
        prefix = keys.account(account)
        for some in batches(minutes, _MINUTES_READ_AT_ONCE):
            with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
                for minute in some:
                    reads.hmget(f"{prefix}stats:{minute}", COUNTED)
                found = reads.execute()
            yield from (_minute(account, *each) for each in zip(some, found, strict=True))

    def glances(self, accounts: Sequence[str]) -> list[Glance]:
        """Return what one look tells of each account."""
        found: list[Glance] = []
        for some in batches(accounts, self._progress().accounts_at_once):
            answer = self._scripts.run(
                "accounts/glance",
                progress=keys.ROLL_UP,
                accounts=[keys.account(each) for each in some],
                reasons=list(DeathReason),
                counts=COUNTS,
            )
            found += [_glance(*each) for each in zip(some, answer, strict=True)]
        return found

    def _progress(self) -> Round:
        """Return how far all accounts are rolled up, as a round that is nobody's."""
        with redis_errors_translated():
            rolled_to = str(self._client.hget(keys.ROLL_UP, "rolled_to") or "")
        this_minute = to_milliseconds(redis_time(self._client)) // in_milliseconds(MINUTE)
        return Round(False, int(rolled_to) if rolled_to.isdecimal() else 0, this_minute)

    def _last(self, size: timedelta, count: int, until: int = 0) -> range:
        """Return the numbers of the slots up to the current one; `until` -1: up to the one
        before."""
        last = to_milliseconds(redis_time(self._client)) // in_milliseconds(size) + until
        return range(last - count + 1, last + 1)

    def _slots(self, key: str, size: timedelta, count: int, until: int = 0) -> list[ChartSlot]:
        """Return the slots up to the current one; `until` -1: up to the one before."""
        with redis_errors_translated():
            stored = self._client.hgetall(key)
        wanted = self._last(size, count, until)
        known = {name: stored[name] for each in wanted if (name := str(each)) in stored}
        read = read_all(RecordKind.CHART, known, _read_slot)
        none = Counts(), None
        return [_slot(each, size, *read.get(str(each), none)) for each in wanted]


def _slot(number: int, size: timedelta, counts: Counts, due: int | None) -> ChartSlot:
    at = from_milliseconds(number * in_milliseconds(size))
    return ChartSlot(at=at, counts=counts, due=due)


def _minute(account: str, minute: int, stored: Sequence[str | None]) -> list[int]:
    """Return what a minute's hash has, in the order of `COUNTED`. A page reads thousands."""
    try:
        return [int(figure or 0) for figure in stored]
    except ValueError:
        known = {name: figure for name, figure in zip(COUNTED, stored, strict=True) if figure}
        read = read_all(RecordKind.CHART, known, int, of=f"{account}, minute {minute}")
        return [read.get(name, 0) for name in COUNTED]


def _sums(figures: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*figures, strict=True)]


def _read_slot(stored: Any) -> tuple[Counts, int | None]:
    figures = [int(each) for each in json.loads(stored)]
    counts, due = figures[: len(COUNTED)], figures[len(COUNTED) :]
    return _counts(counts), due[0] if due else None


def _counts(figures: Sequence[int]) -> Counts:
    return Counts(**dict(zip(COUNTED, figures, strict=True)))


def _glance(account: str, answer: Sequence[Any]) -> Glance:
    api_key, totals, oldest_ms, dead, by_reason, in_jobs, *rest = answer
    quarantined, held, in_trouble, today = rest
    counts = dict(zip(DeathReason, by_reason, strict=True)) if dead else {}
    return Glance(
        account=account,
        api_key=api_key,
        totals=_totals(account, totals),
        oldest_due=None if oldest_ms < 0 else duration(oldest_ms),
        dead={reason: count for reason, count in counts.items() if count},
        in_jobs=in_jobs,
        quarantined=quarantined,
        holds=frozenset(held),
        tokens_in_trouble=bool(in_trouble),
        today=_counts(today),
    )


def _totals(account: str, counts: Sequence[str | None]) -> Totals:
    known = {name: count for name, count in zip(COUNTS, counts, strict=True) if count is not None}
    return Totals(**read_all(RecordKind.TOTALS, known, int, of=account))
