"""The counts of each form: what it has accepted, refused and kept unsent, and its last refusals."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis

from shared.domain import arrival_history
from shared.domain.arrival_history import ArrivalHistory
from shared.domain.form import Form
from shared.domain.refusal import KeptRefusal, Refusal, RefusalCode, WrongField
from shared.domain.refusal_history import FORGOTTEN_AFTER, RefusalHistory, Streak
from shared.infrastructure.stored_records import RecordKind, json_object, read_all, read_one
from shared.ledger import keys, limits
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import (
    from_milliseconds,
    in_milliseconds,
    moment,
    to_milliseconds,
)

# In the hash of a streak, the code and the field follow it.
_MENDABLE = "mendable:"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFigures:
    """`accepted` includes the `quarantined` ones. `refused` has the codes that occurred."""

    form: Form
    accepted: int
    quarantined: int
    refused: Mapping[str, int]

    @property
    def refused_signups(self) -> Mapping[str, int]:
        """Those of `refused` that sent a sign-up, or would have."""
        return {code: n for code, n in self.refused.items() if code != RefusalCode.NOT_SHOWN}

    @property
    def not_shown(self) -> int:
        """How often a page of a website that may not post wanted to show the form."""
        return self.refused.get(RefusalCode.NOT_SHOWN, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTally:
    """What one web process has counted for a form since its last flush.

    `refused` has each refusal. All else has those that speak for the form: of a network, one a
    minute. `faults` is how many of them may mean that the form is broken, and no visitor could
    mend them. `streak` has what may mean that since this process last accepted a sign-up, by code;
    `mendable` has those of it that visitors could mend, by code and field, with a colon between.
    The times say how long ago the first and the last of the streak were. `last` are the newest
    refusals, the oldest of them first. `accepted_ago` is how long ago the last sign-up was
    accepted, if one was since the last flush. Of the accepted ones, `passed` were clean, and
    `screened` were quarantined.
    """

    form: str
    account: str
    refused: Mapping[str, int]
    faults: int
    streak: Mapping[str, int]
    streak_began_ago: timedelta
    streak_went_on_ago: timedelta
    last: Sequence[tuple[timedelta, Refusal]]
    unsent: Mapping[str, int]
    accepted_ago: timedelta | None = None
    passed: int = 0
    screened: int = 0
    mendable: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "account": keys.account(self.account),
            "refused": self.refused,
            "faults": self.faults,
            "streak": self.streak,
            "mendable": self.mendable,
            "streak_count": sum(self.streak.values()),
            "streak_began_ago": in_milliseconds(self.streak_began_ago),
            "streak_went_on_ago": in_milliseconds(self.streak_went_on_ago),
            "last": [
                (in_milliseconds(ago), json.dumps(asdict(refusal))) for ago, refusal in self.last
            ],
            "unsent": self.unsent,
            "passed": self.passed,
            "screened": self.screened,
            "accepted_ago": (
                in_milliseconds(self.accepted_ago) if self.accepted_ago is not None else -1
            ),
        }


class FormCounts:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def add(self, process: str, number: int, tallies: Sequence[FormTally]) -> None:
        """Add what `process` has counted, once for each `number`, which rises with each flush."""
        self._scripts.run(
            "forms/add_tallies",
            forms=keys.FORMS,
            refusals=keys.REFUSALS,
            arrivals=keys.ARRIVALS,
            unsent=keys.UNSENT_FIELDS,
            last_accepted=keys.LAST_ACCEPTED,
            flushed=keys.FLUSHED + process,
            number=number,
            tallies=[tally.to_dict() for tally in tallies],
        )

    def figures(self, forms: Sequence[Form], accounts: Sequence[str]) -> list[FormFigures]:
        """Return the figures of each form.

        A form that was moved to another account counts what it sent to each of `accounts`.
        """
        read = self._hashes(
            *(keys.account(account) + "forms" for account in accounts),
            *(keys.REFUSALS + form.name for form in forms),
        )
        counts, refused = read[: len(accounts)], read[len(accounts) :]
        totals: Counter[str] = Counter()
        for of_account in counts:
            totals.update(read_all(RecordKind.COUNTS, of_account, int))
        return [
            FormFigures(
                form=form,
                accepted=totals[f"accepted:{form.name}"],
                quarantined=totals[f"quarantined:{form.name}"],
                refused=_by_code(form.name, codes),
            )
            for form, codes in zip(forms, refused, strict=True)
        ]

    def refused(self, forms: Sequence[str]) -> list[dict[str, int]]:
        """Return how many requests each form has refused, by every code that occurred."""
        read = self._hashes(*(keys.REFUSALS + form for form in forms))
        return [_by_code(form, codes) for form, codes in zip(forms, read, strict=True)]

    def find_refusing(self, forms: Sequence[str]) -> list[str]:
        """Return those of `forms` that may refuse too much: some refusals were lately."""
        return self._found(
            "forms/find_refusing", forms, refusals=keys.REFUSALS, forgotten_after=FORGOTTEN_AFTER
        )

    def find_arrivals(self, forms: Sequence[str]) -> list[str]:
        """Return those of `forms` that had so many sign-ups lately that an alert may be about
        them."""
        fewest = arrival_history.FOR_ALERTS
        return self._found(
            "forms/find_arrivals",
            forms,
            arrivals=keys.ARRIVALS,
            fewest_passed=arrival_history.LEAST_OF_A_SPIKE,
            fewest_screened=fewest.fewest_of_many,
            fewest_of_a_streak=fewest.fewest,
        )

    def _found(self, script: str, forms: Sequence[str], **values: Any) -> list[str]:
        """Return those of `forms` that a script finds, many in one step."""
        return [
            form
            for some in batches(forms)
            for form in self._scripts.run(script, forms=some, **values)
        ]

    def arrivals(self, forms: Sequence[Form]) -> list[ArrivalHistory]:
        """Return how many sign-ups of each form came lately, and what is usual."""
        now = redis_time(self._client)
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for form in forms:
                counts = keys.account(form.account) + "forms"
                reads.hgetall(keys.ARRIVALS + form.name)
                reads.hgetall(f"{keys.ARRIVALS}{form.name}:days")
                reads.hmget(counts, f"accepted:{form.name}", f"screened:{form.name}")
            read = reads.execute()
        return [
            _arrivals(form.name, stored, days, passed, now)
            for form, stored, days, passed in zip(forms, *[iter(read)] * 3, strict=True)
        ]

    def histories(self, forms: Sequence[Form]) -> list[RefusalHistory]:
        """Return what is known of each form's refusals."""
        now = redis_time(self._client)
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for form in forms:
                refusals, counts = keys.REFUSALS + form.name, keys.account(form.account) + "forms"
                reads.hgetall(f"{refusals}:streak")
                reads.hgetall(f"{refusals}:recent")
                reads.lrange(f"{refusals}:last", 0, -1)
                reads.hmget(counts, f"accepted:{form.name}", f"screened:{form.name}")
            read = reads.execute()
        return [
            _history(form.name, streak, recent, last, passed, now)
            for form, streak, recent, last, passed in zip(forms, *[iter(read)] * 4, strict=True)
        ]

    def last_refusals(self, forms: Sequence[str]) -> list[list[KeptRefusal]]:
        """Return the last refusals of each form, the newest first."""
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for form in forms:
                reads.lrange(f"{keys.REFUSALS}{form}:last", 0, -1)
            read = reads.execute()
        return [_last(form, stored) for form, stored in zip(forms, read, strict=True)]

    def last_accepted(self, forms: Sequence[str]) -> dict[str, datetime]:
        """Return when each of the forms last accepted a sign-up, where that is known."""
        with redis_errors_translated():
            stored = self._client.hmget(keys.LAST_ACCEPTED, forms) if forms else []
        known = {form: at for form, at in zip(forms, stored, strict=True) if at is not None}
        return read_all(RecordKind.COUNTS, known, lambda at: from_milliseconds(str(at)))

    def unsent_fields(self, form: str) -> dict[str, int]:
        """Return the fields that arrived and were not sent, the commonest first."""
        (stored,) = self._hashes(keys.UNSENT_FIELDS + form)
        counts = read_all(RecordKind.COUNTS, stored, int, of=form)
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    def _hashes(self, *names: str) -> list[dict[str, str]]:
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for name in names:
                reads.hgetall(name)
            return list(reads.execute())


def _by_code(form: str, stored: Mapping[str, str]) -> dict[str, int]:
    known = {str(code): stored[code] for code in RefusalCode if code in stored}
    return read_all(RecordKind.COUNTS, known, int, of=form)


def _history(
    form: str,
    streak: Mapping[str, str],
    stored: Mapping[str, str],
    last: Sequence[str],
    passed: Sequence[str | None],
    now: datetime,
) -> RefusalHistory:
    recent = read_all(RecordKind.COUNTS, stored, int, of=form)
    passed_ever = _passed_ever(form, passed)
    slots, days = _slots_of_the_last_hour(now), _days_before(now, limits.REMEMBERED_DAYS)
    before = [recent[name] for each in slots if (name := f"passed:{each}") in recent]
    return RefusalHistory(
        at=now,
        streak=(
            read_one(RecordKind.COUNTS, form, lambda: _streak(streak))
            if streak.get("passed") == str(passed_ever)
            else None
        ),
        refused=sum(recent.get(f"refused:{each}", 0) for each in slots),
        accepted=passed_ever - before[0] if before else 0,
        usual_hours=[recent.get(f"hour:{each}", 0) for each in days],
        usual_streaks=[recent.get(f"streak:{each}", 0) for each in days],
        last=_last(form, last),
    )


def _arrivals(
    form: str,
    stored: Mapping[str, str],
    days: Mapping[str, str],
    passed: Sequence[str | None],
    now: datetime,
) -> ArrivalHistory:
    since = stored.get("streak_since")
    counts = {name: count for name, count in stored.items() if name != "streak_since"}
    known = read_all(RecordKind.COUNTS, counts, int, of=form)
    slots = _slots_of_the_last_hour(now)
    # The day of the last sign-up may be over.
    last = (
        {str(known["day"]): (known.get("busiest", 0), known.get("most", 0))}
        if "day" in known
        else {}
    )
    hours = read_all(RecordKind.COUNTS, days, _two_counts, of=form) | last
    before = [
        hours[str(day)] for day in _days_before(now, limits.ARRIVAL_DAYS) if str(day) in hours
    ]
    return ArrivalHistory(
        at=now,
        passed=sum(known.get(f"passed:{each}", 0) for each in slots),
        screened=sum(known.get(f"screened:{each}", 0) for each in slots),
        busiest_hours=[busiest for busiest, _ in before if busiest],
        screened_hours=[most for _, most in before if most],
        streak=known.get("streak", 0),
        streak_since=read_one(RecordKind.COUNTS, form, lambda: moment(since)),
        ever_passed=_passed_ever(form, passed) > 0,
    )


def _two_counts(stored: str) -> tuple[int, int]:
    first, second = map(int, stored.split())
    return first, second


def _passed_ever(form: str, counted: Sequence[str | None]) -> int:
    """Return how many sign-ups the form ever accepted that were not quarantined at once, of how
    many it accepted and how many of these were."""
    stored = {name: count or "0" for name, count in zip(("a", "s"), counted, strict=True)}
    known = read_all(RecordKind.COUNTS, stored, int, of=form)
    return known.get("a", 0) - known.get("s", 0)


def _slots_of_the_last_hour(now: datetime) -> range:
    slot = to_milliseconds(now) // in_milliseconds(limits.REFUSAL_SLOT)
    return range(slot - limits.SLOTS_OF_AN_HOUR + 1, slot + 1)


def _days_before(now: datetime, kept: int) -> range:
    """Return the remembered days before today."""
    day = to_milliseconds(now) // in_milliseconds(timedelta(days=1))
    return range(day - kept + 1, day)


def _last(form: str, stored: Sequence[str]) -> list[KeptRefusal]:
    numbered = {str(place): each for place, each in enumerate(stored)}
    kept = read_all(RecordKind.COUNTS, numbered, _kept, of=form)
    return sorted(kept.values(), key=lambda each: each.at, reverse=True)


def _streak(stored: Mapping[str, str]) -> Streak:
    return Streak(
        codes={
            code: int(stored[name]) for code in RefusalCode if (name := f"code:{code}") in stored
        },
        since=from_milliseconds(stored["since"]),
        last=from_milliseconds(stored["last"]),
        mendable={
            WrongField(field=of_field, code=RefusalCode(code), arrived=True): int(times)
            for name, times in stored.items()
            if name.startswith(_MENDABLE)
            for code, _, of_field in [name.removeprefix(_MENDABLE).partition(":")]
        },
    )


def _kept(stored: Any) -> KeptRefusal:
    at, _, refusal = str(stored).partition(" ")
    found = json_object(refusal)
    return KeptRefusal(
        at=from_milliseconds(at),
        refusal=Refusal(
            code=RefusalCode(found["code"]),
            fields=tuple(found["fields"]),
            origin=found["origin"],
            client=found["client"],
            from_several=found.get("from_several") is True,
            wrong=tuple(_wrong(each) for each in found.get("wrong", ())),
            hosted=found.get("hosted") is True,
        ),
    )


def _wrong(stored: Mapping[str, Any]) -> WrongField:
    return WrongField(
        field=stored["field"], code=RefusalCode(stored["code"]), arrived=stored["arrived"] is True
    )
