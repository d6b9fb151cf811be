"""The verdict: how everything is, in one sentence, with its reasons. Pure.

It judges nothing anew: what is wrong with accounts is `shared/accounts/advice.py`, with processes
`process_checks.py`, with forms `shared/domain/refusal_history.py`, with Redis' memory
`shared/domain/memory_forecast.py`. Here all of it becomes one list, trouble first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from shared.accounts.advice import Advice, for_account
from shared.domain.check import Check, CheckKind
from shared.domain.durations import short_minute
from shared.domain.form import Form
from shared.domain.phrases import clause, counted, sentence
from shared.domain.refusal_history import FORGOTTEN_AFTER
from shared.domain.refusal_texts import RefusedWebsite
from shared.domain.stalls import has_stalled
from shared.infrastructure.alert_services import ARE_OFF, SET_THEM
from shared.ledger.stores.alert_candidates import REPLACEMENT_IS_NEWS
from shared.operations import process_checks
from shared.operations.form_targets import Cause
from shared.operations.overview.facts import AccountView, Overview


class Gravity(IntEnum):
    """How much a reason asks of somebody. The gravest first."""

    ACT = 0  #: somebody must act, or sign-ups stay where they are
    WAIT = 1  #: sign-ups wait, but that ends by itself
    LOOK = 2  #: all that can flow does, but somebody should look
    KNOW = 3  #: it is wanted so, or mends itself


class Place(StrEnum):
    """Where something is mended. The name of the account or form comes with it."""

    ACCOUNT = "account"
    ACCOUNTS = "accounts"
    FORM = "form"
    FAILED = "failed"
    WAITING = "waiting"
    QUARANTINE = "quarantine"
    DOCTOR = "doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that is so: a sentence, what to do if it tells that, and where. `group` is why what
    it is about has failed; `form` needs another list for them. `website` may be allowed."""

    gravity: Gravity
    sentence: str
    place: Place
    name: str | None = None
    to_do: str | None = None
    group: str | None = None
    form: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The `sentence` is all that a hurried reader needs; `reasons` has the gravest first."""

    sentence: str
    reasons: tuple[Reason, ...]

    @property
    def gravity(self) -> Gravity:
        return min((reason.gravity for reason in self.reasons), default=Gravity.KNOW)


def verdict(overview: Overview) -> Verdict:
    """Return how everything is."""
    reasons = sorted(_reasons(overview), key=_place_in_order)
    return Verdict(_sentence(overview, reasons), tuple(reasons))


def _place_in_order(reason: Reason) -> tuple[Gravity, bool]:
    """Trouble comes first. What is in quarantine is mostly spam, and none of it is lost."""
    return reason.gravity, reason.place == Place.QUARANTINE


def _sentence(overview: Overview, reasons: Sequence[Reason]) -> str:
    acts = [reason for reason in reasons if reason.gravity == Gravity.ACT]
    waits = [reason for reason in reasons if reason.gravity == Gravity.WAIT]
    if len(acts) + len(waits) == 1:
        return [*acts, *waits][0].sentence
    if acts or waits:
        looks = sum(reason.gravity == Gravity.LOOK for reason in reasons)
        return _counted_needs(len(acts), len(waits), looks)
    if not overview.known_accounts:
        return "No account is connected yet."
    return f"Healthy: {_flow(overview)}"


def _counted_needs(acts: int, waits: int, looks: int) -> str:
    """Return how many things need a person, how many end without one, and how many somebody should
    look at."""
    need = {0: "Nothing needs you", 1: "1 needs you"}.get(acts, f"{acts} need you")
    end = f" {waits} {'ends by itself' if waits == 1 else 'end by themselves'}." if waits else ""
    look = f" {looks} {'needs' if looks == 1 else 'need'} a look." if looks else ""
    return f"{need}.{end}{look}"


def _flow(overview: Overview) -> str:
    """Return how many sign-ups came and went today, and how many are left of all, as the end of a
    sentence."""
    today, due = overview.today, overview.due
    if not (today.accepted or due):
        return "no sign-up has come today."
    came = f"{counted(today.accepted, 'sign-up')} today"
    left = [
        (due, "wait" if due != 1 else "waits"),
        (overview.quarantined, "in quarantine"),
        (overview.dead, "failed"),
    ]
    told = [f"{count:,} {word}" for count, word in left if count]
    if told or today.delivered < today.accepted:
        return f"{came}, {', '.join([f'{today.delivered:,} delivered', *told])}."
    return f"{came}, {'all delivered' if today.accepted > 1 else 'delivered'}."


def _reasons(overview: Overview) -> Iterator[Reason]:
    yield from _of_redis(overview)
    yield from _of_balance(overview)
    yield from _of_processes(overview)
    for view in overview.accounts:
        yield from _of_account(view, overview.at)
    yield from _of_the_others(overview)
    yield from _of_forms(overview)
    yield from _of_quotas(overview)
    if not overview.alerts:
        yield Reason(gravity=Gravity.KNOW, sentence=ARE_OFF, place=Place.DOCTOR, to_do=SET_THEM)


# --- the installation


def _of_redis(overview: Overview) -> Iterator[Reason]:
    if overview.writes_refused:
        yield Reason(gravity=Gravity.ACT, sentence=overview.writes_refused, place=Place.DOCTOR)
    memory = overview.memory
    if memory and memory.warning:
        yield Reason(
            gravity=Gravity.ACT if memory.is_urgent else Gravity.LOOK,
            sentence=memory.warning,
            place=Place.DOCTOR,
            to_do=memory.to_do,
        )


def _of_balance(overview: Overview) -> Iterator[Reason]:
    balance = overview.balance
    if balance.uneven:
        yield Reason(
            gravity=Gravity.ACT,
            sentence=balance.sentence,
            place=Place.ACCOUNT,
            name=balance.uneven[0],
            to_do=balance.to_do,
        )


def _of_processes(overview: Overview) -> Iterator[Reason]:
    workers = process_checks.workers(lambda: overview.pulse.workers_seen)
    if workers.kind == CheckKind.PROBLEM:
        yield Reason(
            gravity=Gravity.ACT,
            sentence=f"{clause(workers.found)}; {_waiting(overview.due)}.",
            place=Place.DOCTOR,
            to_do=workers.fix,
        )
    beat = process_checks.beat(lambda: overview.pulse.beats_seen)
    if beat.kind == CheckKind.PROBLEM:
        yield _of_check(beat, Gravity.LOOK)
    spools = process_checks.spooled(lambda: overview.spools)
    if overview.spools:
        yield _of_check(spools, Gravity.ACT if spools.kind == CheckKind.PROBLEM else Gravity.KNOW)


def _of_check(check: Check, gravity: Gravity) -> Reason:
    return Reason(gravity=gravity, sentence=check.found, place=Place.DOCTOR, to_do=check.fix)


def _waiting(due: int) -> str:
    """Return what becomes of sign-ups that cannot be delivered now."""
    if not due:
        return "nothing waits"
    return f"{due:,} {'waits' if due == 1 else 'wait'}, none is lost"


# --- accounts


def _of_account(view: AccountView, now: datetime) -> Iterator[Reason]:
    summary, glance = view.summary, view.glance
    name, called = summary.account.name, summary.account.called
    for advice in for_account(name, summary.holds, summary):
        waits = f"; {_waiting(glance.due)}" if advice.waits else ""
        yield Reason(
            gravity=_gravity(advice, view),
            sentence=f"{called} {advice.briefly(now)}{waits}.",
            place=Place.ACCOUNT,
            name=name,
        )
    if _is_stalled(view, now):
        yield Reason(
            gravity=Gravity.ACT,
            sentence=f"{called} has delivered nothing for an hour; {_waiting(glance.due)}.",
            place=Place.DOCTOR,
            name=name,
        )
    yield from _of_failed(view)
    if glance.quarantined:
        need = _how_many_need(glance.quarantined, "quarantined sign-up")
        yield Reason(
            gravity=Gravity.LOOK,
            sentence=f"{called}: {need} a look.",
            place=Place.QUARANTINE,
            name=name,
        )
    yield from _replaced(view, now)


def _gravity(advice: Advice, view: AccountView) -> Gravity:
    if _is_over(view):
        return Gravity.KNOW
    if advice.by_itself:
        return Gravity.WAIT
    return Gravity.ACT if advice.urgent else Gravity.KNOW


def _is_over(view: AccountView) -> bool:
    """Whether an operator has disconnected the account, and nothing of it waits."""
    return bool(view.summary.account.disconnected_at) and not view.glance.due


def _is_stalled(view: AccountView, now: datetime) -> bool:
    """Whether the account's deliveries have stalled, which an account on purpose without tokens
    cannot."""
    oldest, account = view.glance.oldest_due, view.summary.account
    if oldest is None or account.disconnected_at or view.summary.holds:
        return False
    return has_stalled(oldest, view.last_delivery, (), now)


def _of_failed(view: AccountView) -> Iterator[Reason]:
    """Yield why sign-ups failed that wait for a decision, the largest causes first, and how many
    more of them there are."""
    others = view.glance.undecided - sum(each.group.undecided for each in view.causes)
    failed = [(_failed_for(each), each) for each in view.causes]
    noun = "more sign-up" if failed else "sign-up"
    rest = [(f"{counted(others, noun)} failed", None)] if others > 0 else []
    in_jobs = view.glance.in_jobs
    for place, (told, cause) in enumerate([*failed, *rest]):
        retried = f"; {in_jobs:,} more are being retried" if in_jobs and not place else ""
        yield Reason(
            gravity=Gravity.ACT,
            sentence=f"{view.summary.account.called}: {told}{retried}.",
            place=Place.FAILED,
            name=view.summary.account.name,
            to_do=cause.to_do if cause else None,
            group=cause.group.id if cause else None,
            form=cause.form_to_mend if cause else None,
        )


def _failed_for(cause: Cause) -> str:
    """Return how many sign-ups failed for this cause."""
    where = f" of the form {cause.group.form}" if cause.group.form else ""
    return f"{counted(cause.group.undecided, 'sign-up')}{where} failed: {cause.in_words}"


def _how_many_need(count: int, noun: str) -> str:
    """Return such as ``1 sign-up needs`` or ``1,200 sign-ups need``."""
    return f"{counted(count, noun)} {'needs' if count == 1 else 'need'}"


def _replaced(view: AccountView, now: datetime) -> Iterator[Reason]:
    replacement = view.summary.replacement
    if replacement and replacement.at and now - replacement.at < REPLACEMENT_IS_NEWS:
        since = short_minute(replacement.at, now)
        yield Reason(
            gravity=Gravity.LOOK,
            sentence=f"{view.summary.account.name} is another account since {since}, by"
            f" {replacement.by}.",
            place=Place.ACCOUNT,
            name=view.summary.account.name,
        )


def _of_the_others(overview: Overview) -> Iterator[Reason]:
    """Yield what is known of accounts that are not shown."""
    if overview.others_in_trouble:
        need = _how_many_need(overview.others_in_trouble, "more account")
        yield Reason(gravity=Gravity.ACT, sentence=f"{need} a look.", place=Place.ACCOUNTS)
    if overview.others_waiting:
        more = counted(overview.others_waiting, "more account")
        verb = "waits" if overview.others_waiting == 1 else "wait"
        yield Reason(
            gravity=Gravity.WAIT,
            sentence=f"{more} {verb} for Constant Contact.",
            place=Place.ACCOUNTS,
        )


# --- forms and quotas


def _of_forms(overview: Overview) -> Iterator[Reason]:
    for form, found in overview.refusing:
        yield Reason(
            gravity=Gravity.ACT if found.since else Gravity.LOOK,
            sentence=f"{form.name}: {found.sentence}",
            place=Place.FORM,
            name=form.name,
            to_do=sentence(found.in_console[:1].upper() + found.in_console[1:]),
        )
    told = {form.name for form, _ in overview.refusing}
    for form, website in overview.refused_websites:
        is_told = form.name in told or not form.enabled
        if not is_told and overview.at - website.at < _news_for(website):
            yield _of_website(form, website)


def _of_website(form: Form, website: RefusedWebsite) -> Reason:
    return Reason(
        gravity=Gravity.LOOK,
        sentence=(
            f"Of the last refusals of {form.name}, {_were_signups(website.signups)} from"
            f" {website.origin}, which may not post to it. Nothing of them is stored."
        ),
        place=Place.FORM,
        name=form.name,
        to_do="If it is yours or your client's, allow it; people must sign up there once more.",
        website=website.origin,
    )


def _were_signups(count: int) -> str:
    return "1 was a sign-up" if count == 1 else f"{count:,} were sign-ups"


def _news_for(website: RefusedWebsite) -> timedelta:
    """Return how long a refused website is told of: one network alone may have made it up."""
    return FORGOTTEN_AFTER if website.from_several else timedelta(days=1)


def _of_quotas(overview: Overview) -> Iterator[Reason]:
    for quota, whose in overview.quotas:
        if quota.forecast and quota.forecast.runs_out_at:
            told = f"{whose}: {quota.forecast.sentence}" if whose else quota.forecast.sentence
            yield Reason(gravity=Gravity.LOOK, sentence=told, place=Place.WAITING)
