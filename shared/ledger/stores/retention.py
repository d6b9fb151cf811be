"""Clears the records whose time is over, and tells what is kept. docs/operating.md says when."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import redis

from shared.domain.retention import KeptRecords, Retention
from shared.infrastructure.stored_records import RecordKind, read_one
from shared.ledger import keys
from shared.ledger.reading import pairs
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import in_milliseconds, moment

SETTLED = ("delivered", "discarded", "quarantined", "dead")  # the states of what is cleared


@dataclass(frozen=True, slots=True)
class OverdueRecords:
    """Something of an account whose time is over: the records of a state, evidence of consent (its
    state is `cleared`), or network addresses in either. What is to be sorted may be over."""

    account: str
    what: Literal["sort", "clear", "forget", "replace"]
    state: str


class RecordKeeping:
    """Every method raises `LedgerUnavailable`. All are safe to repeat, and in several processes."""

    def __init__(self, client: "redis.Redis", retention: Retention) -> None:
        self._scripts = Scripts(client)
        self._retention = retention
        self._kept = {name: in_milliseconds(kept) for name, kept in retention.switched_on.items()}

    @property
    def _rules(self) -> dict[str, Any]:
        """Return the arguments of a script that needs to know how long all is kept."""
        return {"retention": keys.RETENTION, "kept": self._kept}

    def begin(self, every: timedelta) -> tuple[bool, list[KeptRecords]]:
        """Note since when each retention counts. Return whether the caller is to look for what is
        over, as nobody has for so long; and what has been switched on just now."""
        mine, new = self._scripts.run(
            "retention/begin",
            retention=keys.RETENTION,
            on=list(self._kept),
            off=self._retention.switched_off,
            every=every,
        )
        switched_on = self.outlook([]) if new else []
        return bool(mine), [each for each in switched_on if each.name in new]

    def overdue(self, accounts: Sequence[str]) -> Iterator[OverdueRecords]:
        """Yield all of these accounts whose time is over."""
        answers = self._scripts.run_for_all(accounts, "retention/find", **self._rules)
        for names, found in zip(batches(accounts), answers, strict=True):
            for place, what, state in found:
                yield OverdueRecords(names[place - 1], what, state)

    def sort_delivered(self, account: str) -> int:
        """Sort the next delivered sign-ups that may be over by when they were settled; return how
        many. That comes before clearing them, and before their addresses are replaced."""
        count = self._scripts.run_for(account, "retention/sort_delivered", **self._rules)
        return int(count)

    def clear(self, account: str, state: str) -> int:
        """Clear the next records of this state; return how many."""
        kept, consent_kept = self._retention.of(state), self._retention.consent
        if kept is None:
            return 0
        return clear_some(self._scripts, account, state, kept=kept, consent_kept=consent_kept)

    def forget_evidence(self, account: str) -> int:
        """Forget the next evidence of consent; return how much."""
        kept = self._retention.consent
        if kept is None:
            return 0
        forgotten: int = self._scripts.run_for(
            account, "retention/forget", retention=keys.RETENTION, kept=kept
        )
        return forgotten

    def replace_addresses(self, account: str, state: str, digest: Callable[[str], str]) -> int:
        """Replace the next network addresses by their digests. Return how many records were looked
        at; 0 if none is left."""
        page = self._scripts.run_for(
            account,
            "retention/read_addresses",
            retention=keys.RETENTION,
            state=state,
            kept=self._retention.addresses,
        )
        if not page:
            return 0
        before, after, looked_at, found = page
        self._scripts.run_for(
            account,
            "retention/replace_addresses",
            state=state,
            before=before,
            after=after,
            replaced=[(id, address, digest(address)) for id, address in pairs(found)],
        )
        return int(looked_at)

    def outlook(self, accounts: Sequence[str]) -> list[KeptRecords]:
        """Return what is kept of these accounts: of each state, of consent, and of addresses."""
        script = "retention/outlook"
        parts = list(self._scripts.run_for_all(accounts, script, **self._rules)) or [
            self._scripts.run(script, accounts=[], **self._rules)
        ]
        since = dict(pairs(parts[0][0]))
        found = zip(*(part[1] for part in parts), strict=True)
        return [
            *(self._kept_of(list(each), since) for each in found),
            self._kept_records("addresses", since),
        ]

    def _kept_of(self, parts: list[list[Any]], since: dict[str, str]) -> KeptRecords:
        """Return the sum of what several calls have told of one kind."""
        (name, *_), *_ = parts
        oldest = [
            at
            for _, _, time, _ in parts
            if time and (at := read_one(RecordKind.RETENTION, name, partial(moment, time)))
        ]
        return self._kept_records(
            name,
            since,
            count=sum(count for _, count, _, _ in parts),
            oldest=min(oldest, default=None),
            within_a_day=sum(soon for _, _, _, soon in parts),
        )

    def _kept_records(self, name: str, since: dict[str, str], **found: Any) -> KeptRecords:
        return KeptRecords(
            name=name,
            kept_for=self._retention.of(name),
            since=read_one(RecordKind.RETENTION, name, partial(moment, since.get(name))),
            **found,
        )


def clear_some(
    scripts: Scripts,
    account: str,
    state: str,
    *,
    kept: timedelta | None,
    consent_kept: timedelta | None,
) -> int:
    """Clear the next records of this state; return how many. `kept` None: whatever their age."""
    cleared: int = scripts.run_for(
        account,
        "retention/clear",
        retention=keys.RETENTION,
        state=state,
        kept=kept,
        consent_kept=consent_kept,
    )
    return cleared
