"""What waits, is in quarantine, was delivered or discarded: one list with different states."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flask import render_template, request
from flask.typing import ResponseReturnValue

from shared.domain.errors import WrongFilter
from shared.domain.short_ids import full_id, short_id
from shared.domain.signup import QUARANTINE_FILTERS, SPIKE, Signup, State
from shared.domain.signup_advice import ABOUT_SPIKES, why_held
from shared.ledger.values import Figures
from shared.operations.job_progress import Job
from shared.operations.judging import Judged
from shared.operations.listed_signups import ListedSignup
from shared.operations.operations import Operations
from shared.operations.operators import Role
from shared.operations.signup_lists import DUE, MOST_READ, SignupPage
from web.console import bp
from web.console.guard import needs
from web.console.list_filters import chosen_filter, from_address, kept_filters
from web.services import services

SHOWN = 50
SHOWN_JOBS = 5

Listing = Callable[[Operations, Sequence[Signup]], Sequence[ListedSignup | Judged]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One of the lists. `count` says how many there are in all of an account."""

    name: str
    states: frozenset[State]
    rows: Listing
    count: Callable[[Figures], int]
    reasons: tuple[str, ...] = ()


_WAITING = _Kind(
    name="waiting",
    states=DUE,
    rows=lambda of, found: of.listed.waiting(found),
    count=lambda figures: figures.due,
)
_QUARANTINE = _Kind(
    name="quarantine",
    states=frozenset({State.QUARANTINED}),
    rows=lambda of, found: of.judging.rows(found),
    count=lambda figures: figures.quarantined,
    reasons=QUARANTINE_FILTERS,
)
_DELIVERED = _Kind(
    name="delivered",
    states=frozenset({State.DELIVERED}),
    rows=lambda of, found: of.listed.settled(found),
    count=lambda figures: figures.delivered,
)
_DISCARDED = _Kind(
    name="discarded",
    states=frozenset({State.DISCARDED}),
    rows=lambda of, found: of.listed.settled(found),
    count=lambda figures: figures.discarded,
)


@bp.get("/waiting")
@needs(Role.VIEWER)
def waiting() -> ResponseReturnValue:
    """Show what is due, why it waits, and until when."""
    return _list(_WAITING, from_address(request.args))


@bp.post("/waiting")
@needs(Role.OPERATOR)
def find_waiting() -> ResponseReturnValue:
    """Show what waits of one person, whose address must be in no address of a page."""
    return _list(_WAITING, request.form)


@bp.get("/quarantine")
@needs(Role.VIEWER)
def quarantine() -> ResponseReturnValue:
    """Show what looks like spam, and why."""
    return _list(_QUARANTINE, from_address(request.args))


@bp.post("/quarantine")
@needs(Role.OPERATOR)
def find_quarantined() -> ResponseReturnValue:
    """Show what one person has in quarantine."""
    return _list(_QUARANTINE, request.form)


@bp.get("/delivered")
@needs(Role.VIEWER)
def delivered() -> ResponseReturnValue:
    """Show what was delivered."""
    return _list(_DELIVERED, from_address(request.args))


@bp.post("/delivered")
@needs(Role.OPERATOR)
def find_delivered() -> ResponseReturnValue:
    """Show what was delivered of one person."""
    return _list(_DELIVERED, request.form)


@bp.get("/discarded")
@needs(Role.VIEWER)
def discarded() -> ResponseReturnValue:
    """Show what operators have discarded."""
    return _list(_DISCARDED, from_address(request.args))


@bp.post("/discarded")
@needs(Role.OPERATOR)
def find_discarded() -> ResponseReturnValue:
    """Show what was discarded of one person."""
    return _list(_DISCARDED, request.form)


def _list(kind: _Kind, given: Mapping[str, str]) -> ResponseReturnValue:
    try:
        chosen = chosen_filter(given, kind.states)
        cursor = given.get("cursor") or None
        page = services().operations.lists.page(chosen, cursor=cursor, limit=SHOWN)
    except WrongFilter as error:
        return _page(kind, given, SignupPage([], None, 0), problem=str(error)), 422
    return _page(kind, given, page)


def _page(
    kind: _Kind, given: Mapping[str, str], page: SignupPage, problem: str | None = None
) -> str:
    operations, kept = services().operations, kept_filters(given)
    figures = operations.status.figures()
    unfiltered = kept.keys() <= {"account"}
    return render_template(
        f"console/{kind.name}.html",
        kind=kind.name,
        page=page,
        rows=kind.rows(operations, page.signups),
        total=_total(kind, figures, kept.get("account")) if unfiltered else None,
        holds={name: each.holds for name, each in figures.items() if each.holds and each.due},
        why_held=why_held,
        accounts=list(figures),
        forms=operations.lists.finder.registry.form_names(),
        reasons=kind.reasons,
        filter_note=ABOUT_SPIKES if kept.get("reason") == SPIKE else None,
        kept=kept,
        jobs=_jobs_of_quarantine() if kind == _QUARANTINE else [],
        is_first="cursor" not in given,
        most_read=MOST_READ,
        problem=problem,
        discarded=_changed_just_now(given, "discarded"),
        delivered=_changed_just_now(given, "delivered"),
    )


def _jobs_of_quarantine() -> list[Job]:
    """Return the latest jobs that decide about quarantined sign-ups."""
    found = (job for job in services().operations.jobs.all() if job.is_of_quarantine)
    return list(islice(found, SHOWN_JOBS))


def _total(kind: _Kind, figures: Mapping[str, Figures], account: str | None) -> int:
    """Return how many there are in all, or of the account."""
    return sum(kind.count(each) for name, each in figures.items() if account in (None, name))


def _changed_just_now(given: Mapping[str, str], how: str) -> str | None:
    """Return the one sign-up that has left this list just now, so that it can be looked at."""
    id = given.get(how, "")
    # An address may have anything there. Only an id has a short form.
    return id if short_id(full_id(id)) != full_id(id) else None
