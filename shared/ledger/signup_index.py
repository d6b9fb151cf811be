"""Finds sign-ups by when they were received, and dead letters by their cause.

A place is where a sign-up stands in the order of a list: when it was received, its account, its id.
Nothing changes it, so a list goes on where its last page ended, whatever happens meanwhile. Each
account answers for one moment, so that a sign-up which changes its state is never missed.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import redis

from shared.domain.failure_group import UNREADABLE_GROUP, FailureGroup
from shared.domain.signup import DeathReason, State
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger import keys, limits
from shared.ledger.format import all_upgraded
from shared.ledger.reading import pairs, read_records
from shared.ledger.records import read_first_line
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import from_milliseconds

# Reading so many places of an account takes half a millisecond of Redis.
_AT_ONCE = 200
_LEAST_AT_ONCE = 10
# One step of the server reads the first places of so many, which takes half a millisecond.
_ACCOUNTS_AT_ONCE = 20

_CLAIMED = frozenset({State.DELIVERING, State.RETRYING})
_DUE = _CLAIMED | {State.QUEUED}
_SETTLED = (State.DEAD, State.QUARANTINED, State.DELIVERED, State.DISCARDED)


class IndexPlace(NamedTuple):
    """`received_at` is in milliseconds. Places compare as their sign-ups stand in a list."""

    received_at: float
    account: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSignups:
    """Which places to read: at least all that are wanted. `reason`, `form` and `group` leave out
    dead letters alone."""

    states: frozenset[State]
    reason: str | None = None
    form: str | None = None
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def indexes(self) -> list[str]:
        """Return the names of the indexes that have them."""
        due = [] if not self.states & _DUE else ["claimed" if self.states <= _CLAIMED else "due"]
        return due + [str(state) for state in _SETTLED if state in self.states]


class SignupIndex:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def places(
        self, accounts: Sequence[str], wanted: WantedSignups, *, below: IndexPlace | None, most: int
    ) -> Iterator[IndexPlace]:
        """Yield the places of these accounts' sign-ups below a place, the last received first.

        `most` is about how many are needed. The first step asks all accounts at once.
        """
        is_upgraded = all_upgraded(self._client)
        # Before that, some stand where they were settled.
        bounds = [below, _beginning(wanted.until) if wanted.until and is_upgraded else None]
        below = min((bound for bound in bounds if bound), default=None)
        index = _IndexReader(self._scripts, wanted, is_upgraded=is_upgraded)
        at_once = min(_AT_ONCE, max(_LEAST_AT_ONCE, 2 * most // max(1, len(accounts))))
        first = index.read(accounts, repr(below.received_at) if below else "+inf", at_once)
        of_each = [
            index.rest(account, *answer) for account, answer in zip(accounts, first, strict=True)
        ]
        found = heapq.merge(*of_each, reverse=True)
        return (place for place in found if below is None or place < below)

    def of_person(self, accounts: Sequence[str], person: str) -> Iterator[IndexPlace]:
        """Yield the places of all sign-ups of the person (a fingerprint), those of cleared ones
        included, in no order."""
        for account, scores in self._scores(accounts, person):
            settled = {id: _received_at(score) for id, score in scores.items() if score < 0}
            in_line = [id for id, score in scores.items() if score >= 0]
            for id, received_at in [*settled.items(), *self._received(account, in_line)]:
                yield IndexPlace(received_at, account, id)

    def _scores(
        self, accounts: Sequence[str], person: str
    ) -> Iterator[tuple[str, dict[str, float]]]:
        """Yield each account with the person's sign-ups, scored as in the person's sorted set."""
        for some in batches(accounts):
            with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
                for account in some:
                    prefix = keys.account(account)
                    reads.smembers(f"{prefix}email:{person}")  # before format 3
                    reads.smembers(f"{prefix}typed:{person}")
                    reads.zrange(f"{prefix}person:{person}", 0, -1, withscores=True)
                found = reads.execute()
            for account, *others, now in zip(
                some, found[::3], found[1::3], found[2::3], strict=True
            ):
                ids = map(str, chain.from_iterable(others))
                yield account, {**dict.fromkeys(ids, 0.0), **dict(now)}

    def _received(self, account: str, ids: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Yield when these sign-ups were received, as their records say."""
        for some in batches(ids):
            answer = self._scripts.run_for(account, "signups/read", ids=some)
            for id, record, _ in read_records(some, answer):
                read = partial(_received_at_of, record)
                if received_at := read_one(RecordKind.SIGNUP, id, read):
                    yield id, received_at

    def has_had_form(self, accounts: Sequence[str], form: str) -> bool:
        """Return whether any of these accounts has accepted a sign-up of the form."""
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in accounts:
                reads.hexists(f"{keys.account(account)}forms", f"accepted:{form}")
            return any(reads.execute())

    def groups(self, accounts: Sequence[str]) -> Iterator[FailureGroup]:
        """Yield the groups of these accounts' dead letters."""
        answers = _answers(self._scripts, "lists/read_groups", accounts)
        for account, (found, unreadable) in zip(accounts, answers, strict=True):
            for id, stored, count, jobs in found:
                read = partial(_read_group, account, id, stored, count, jobs)
                if group := read_one(RecordKind.GROUP, f"{account}: {id}", read):
                    yield group
            if unreadable[0]:
                yield _unreadable_group(account, *unreadable)

    def groups_with(self, account: str, id: str, groups: Sequence[str]) -> list[str]:
        """Return those of the groups, by id, that have this dead letter: one at most."""
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for group in groups:
                reads.zscore(f"{keys.account(account)}dead-group:{group}", id)
            found = reads.execute()
        return [group for group, score in zip(groups, found, strict=True) if score is not None]

    def dead_by_reason(self, accounts: Sequence[str]) -> dict[DeathReason, int]:
        """Return how many dead letters these accounts have of each reason."""
        reasons = list(DeathReason)
        script = "lists/count_dead_letters"
        found = list(self._scripts.run_for_all(accounts, script, reasons=reasons))
        return {reason: sum(each[place] for each in found) for place, reason in enumerate(reasons)}


class _IndexReader:
    """Reads the places of one list, some at a time."""

    def __init__(self, scripts: Scripts, wanted: WantedSignups, *, is_upgraded: bool) -> None:
        self._scripts = scripts
        self._values = {
            "states": wanted.indexes,
            "reason": wanted.reason,
            "form": wanted.form,
            "group": wanted.group,
            "is_upgraded": is_upgraded,
            "least": math.floor(wanted.since.timestamp() * 1000) if wanted.since else "-inf",
        }

    def read(self, accounts: Sequence[str], below: str, most: int) -> Iterator[Any]:
        """Yield each account's places, and down to which time these are all."""
        script = "lists/read_places"
        return _answers(self._scripts, script, accounts, below=below, most=most, **self._values)

    def rest(self, account: str, found: list[Any], all_down_to: str) -> Iterator[IndexPlace]:
        """Yield the places of the account that were found, and then all that follow."""
        while True:
            yield from (IndexPlace(float(time), account, str(id)) for id, time in pairs(found))
            if not all_down_to:
                return
            [(found, all_down_to)] = self.read([account], f"({all_down_to}", _AT_ONCE)


def _answers(scripts: Scripts, name: str, accounts: Sequence[str], **values: Any) -> Iterator[Any]:
    """Run a script for some accounts at a time, many in one round trip. Yield what it answers for
    each account."""
    prefixes = [keys.account(account) for account in accounts]
    calls = (
        scripts.call(name, accounts=some, **values) for some in batches(prefixes, _ACCOUNTS_AT_ONCE)
    )
    for some_calls in batches(calls):
        for answer in scripts.execute_all(some_calls):
            yield from answer


def _beginning(moment: datetime) -> IndexPlace:
    """Return the place above all that were received before."""
    return IndexPlace(math.ceil(moment.timestamp() * 1000), "", "")


def _received_at(score: float) -> float:
    """Return when a sign-up was received that its person's sorted set has, but not in the line."""
    return (-score - limits.NEVER_SENT if -score > limits.NEVER_SENT else -score) / 1000


def _received_at_of(record: str) -> float:
    """Return the same of any sign-up: cut to microseconds, as `lib/lines.lua` does it."""
    return math.floor(float(read_first_line(record)["received_at"]) * 1000) / 1000


def _read_group(
    account: str, id: str, stored: str, count: int, jobs: list[tuple[str, int]]
) -> FailureGroup:
    common = json_object(stored)
    return FailureGroup(
        id=id,
        account=account,
        reason=DeathReason(common["reason"]),
        form=common.get("form"),
        error_key=common.get("error_key"),
        message=common.get("message"),
        count=count,
        first_at=from_milliseconds(common["first_at"]),
        last_at=from_milliseconds(common["last_at"]),
        jobs={str(job): int(waiting) for job, waiting in jobs},
    )


def _unreadable_group(account: str, count: int, first: str, last: str) -> FailureGroup:
    return FailureGroup(
        id=UNREADABLE_GROUP,
        account=account,
        reason=DeathReason.UNREADABLE,
        form=None,
        error_key=None,
        message=None,
        count=count,
        first_at=from_milliseconds(first),
        last_at=from_milliseconds(last),
    )
