"""What the last refusals of a form mean: whether it refuses everything, or more than is usual.

Pure. Robots send wrong sign-ups all the time. So a form is compared with what it usually refuses:
with the median of the days before, which no single bad day moves. People mistype, and type again.
So what a visitor can mend says nothing against a form, unless nobody gets past the same field.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from shared.domain.durations import minute
from shared.domain.form import Form
from shared.domain.refusal import OF_WEBSITES, KeptRefusal, RefusalCode, WrongField
from shared.domain.refusal_texts import cause_of, still_refused_origins, to_do_about
from shared.domain.state_words import refusal_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """The refusals since the form last accepted a sign-up, by code. `mendable` has those of them
    that the visitor could mend, by the first wrong field."""

    codes: Mapping[RefusalCode, int]
    since: datetime
    last: datetime
    mendable: Mapping[WrongField, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.codes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What only the form's owner can mend: how many refusals with each code. `field` is the one
    that nobody gets past, if it is that."""

    codes: Mapping[RefusalCode, int]
    field: str | None = None


def only_the_owner_can_mend(streak: Streak, fewest: int) -> Blame | None:
    """Return what is wrong with a form that has refused all of `streak`; None if it may well be
    that so many visitors just mistyped. `fewest` refusals tell."""
    faults = Counter(streak.codes)
    by_field: dict[str, Counter[RefusalCode]] = {}
    for wrong, times in streak.mendable.items():
        faults[wrong.code] -= times
        by_field.setdefault(wrong.field, Counter())[wrong.code] += times
    if faults.total() >= fewest:
        return Blame(codes=+faults)
    name = max(by_field, key=lambda each: by_field[each].total(), default=None)
    if name is None or by_field[name].total() < fewest:
        return None
    return Blame(codes=by_field[name], field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalHistory:
    """A form's refusals that may be its own fault, as `Refusal.may_be_a_fault` has it.

    `streak` is None if a sign-up was accepted after the last refusal. `accepted` are those of the
    last hour, and `refused` those that no visitor could mend (`Refusal.is_a_fault`). Of each day
    before today, `usual_hours` has the most of these in an hour, and `usual_streaks` the longest
    streak. `last` has the last refusals of any kind, the newest first. `at` is when all this was
    read, by Redis' clock.
    """

    at: datetime
    streak: Streak | None
    refused: int
    accepted: int
    usual_hours: Sequence[int]
    usual_streaks: Sequence[int]
    last: Sequence[KeptRefusal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a form refuses too much.

    It refuses everything when a streak has `fewest` refusals over `span` for which only the owner
    can be blamed, and `times` as many as are usual. It refuses much when `fewest_of_many` were
    refused in an hour, `times` as many as are usual, and at least the share `share` of all
    sign-ups.
    """

    fewest: int
    span: timedelta
    fewest_of_many: int
    share: float
    times: int


# Somebody is woken up for it.
FOR_ALERTS = Thresholds(
    fewest=5, span=timedelta(minutes=15), fewest_of_many=20, share=0.25, times=3
)
# Somebody has asked.
_FOR_REPORTS = Thresholds(fewest=5, span=timedelta(), fewest_of_many=5, share=0.5, times=0)

# Without a further refusal for so long, nobody uses the broken page any more.
FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRefused:
    """A form refuses everything since `since`, or much of it if that is None.

    `sentence` says what happened and why, `to_do` what to do about it with
    commands, and `in_console` on its pages; none names the form.
    """

    since: datetime | None
    sentence: str
    to_do: str
    in_console: str


def worth_reporting(form: Form, history: RefusalHistory) -> TooManyRefused | None:
    """Return how the form refuses too much for somebody who asks; all that alerts is among it."""
    found = (too_many_refused(form, history, each) for each in (_FOR_REPORTS, FOR_ALERTS))
    return next(filter(None, found), None)


def too_many_refused(
    form: Form, history: RefusalHistory, thresholds: Thresholds
) -> TooManyRefused | None:
    """Return how the form refuses too much; None if it does not, or is closed, or was mended."""
    if not form.enabled:
        return None
    streak, now = history.streak, history.at
    blame = only_the_owner_can_mend(streak, thresholds.fewest) if streak else None
    if streak and blame and _goes_on(streak, history.usual_streaks, thresholds, now):
        what = f"{streak.count:,} of {streak.count:,} {_noun(streak.codes)} refused since"
        return _found(
            form,
            history,
            blame,
            others=streak.codes,
            what=f"{what} {minute(streak.since)}",
            since=streak.since,
        )
    if _refuses_much(history, thresholds):
        of = history.refused + history.accepted
        codes = Counter(
            kept.refusal.code
            for kept in history.last
            if kept.refusal.is_a_fault and now - kept.at <= timedelta(hours=1)
        )
        return _found(
            form,
            history,
            Blame(codes=codes),
            others=codes,
            what=f"{history.refused:,} of {of:,} {_noun(codes)} refused in the last hour",
            since=None,
        )
    return None


def _noun(codes: Mapping[RefusalCode, int]) -> str:
    """Return what was refused. A page that wants to show the form sends no sign-up."""
    return "requests" if RefusalCode.NOT_SHOWN in codes else "sign-ups"


def _goes_on(streak: Streak, usual: Sequence[int], thresholds: Thresholds, now: datetime) -> bool:
    return (
        streak.count >= thresholds.times * _usual(usual)
        and streak.last - streak.since >= thresholds.span
        and now - streak.last < FORGOTTEN_AFTER
    )


def _refuses_much(history: RefusalHistory, thresholds: Thresholds) -> bool:
    usual = thresholds.times * _usual(history.usual_hours)
    of = history.refused + history.accepted
    return (
        history.refused >= max(thresholds.fewest_of_many, usual)
        and history.refused >= thresholds.share * of
    )


def _usual(days: Sequence[int]) -> float:
    return median(days) if days else 0


def _found(
    form: Form,
    history: RefusalHistory,
    blame: Blame,
    *,
    others: Mapping[RefusalCode, int],
    what: str,
    since: datetime | None,
) -> TooManyRefused | None:
    """Return what to say of it; the commonest code of `blame` is the cause. `others` has all."""
    if not blame.codes:
        return None
    code = max(blame.codes, key=lambda each: blame.codes[each])
    if code in OF_WEBSITES and still_refused_origins(form, history.last) == ():
        return None  # an operator has added the origin since
    cause = cause_of(code, form, history.last, beyond=blame.field)
    counts = ", ".join(
        f"{times:,} {refusal_words(each)}" for each, times in others.items() if each != code
    )
    return TooManyRefused(
        since=since,
        sentence=f"{what}: {cause}.{f' Others: {counts}.' if counts else ''}",
        to_do=to_do_about(code, form, history.last, beyond=blame.field),
        in_console=to_do_about(code, form, history.last, beyond=blame.field, in_console=True),
    )
