"""Reviewing the quarantine: delivering and discarding one, some, or all that match."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.domain.phrases import counted
from shared.domain.short_ids import short_id
from shared.domain.signup import State
from shared.operations.operators import Role
from shared.operations.quarantine_review import (
    MOST_AT_ONCE,
    QuarantineReview,
    ReviewChoice,
    Reviewed,
)
from web.console import bp
from web.console.guard import needs
from web.console.list_filters import chosen_filter, in_address, kept_filters, picked
from web.services import services

_QUARANTINED = frozenset({State.QUARANTINED})


@bp.post("/quarantine/confirm")
@needs(Role.OPERATOR)
def confirm_quarantine() -> ResponseReturnValue:
    """Say what a change of many would do, before it is made."""
    step, _, which = request.form.get("what", "").partition("-")
    choice = _choice(all_matching=which == "all")
    found = _review().find(choice)
    if step not in ("deliver", "discard"):
        raise Refused("This page does not say what to do. Go back and choose it.")
    if not found.signups:
        flash("Nothing that you chose is in quarantine now. Nothing was changed.")
        return _back()
    return render_template(
        "console/quarantine_confirm.html",
        step=step,
        found=found,
        number=_number(found, by_job=step == "discard"),
        most=MOST_AT_ONCE,
        kept=kept_filters(request.form),
        ticked=request.form.getlist("pick") if choice.ticked else [],
        back=_address(),
    )


@bp.post("/quarantine/deliver")
@needs(Role.OPERATOR)
def deliver_quarantined() -> ResponseReturnValue:
    """Make quarantined sign-ups due."""
    delivered = _review().deliver(_choice(all_matching="all" in request.form))
    if delivered.due or not delivered.refused:
        flash(f"{counted(len(delivered.due), 'sign-up')} due now.")
    for id, why in list(delivered.refused.items())[:5]:
        flash(f"{short_id(id)} stays in quarantine. {why}")
    return _back()


@bp.post("/quarantine/discard")
@needs(Role.OPERATOR)
def discard_quarantined() -> ResponseReturnValue:
    """Discard quarantined sign-ups."""
    choice = _choice(all_matching="all" in request.form)
    done = _review().discard(choice, request.form.get("note", ""))
    if done.job:
        return redirect(url_for("console.job", id=done.job.id), 303)
    if done.ids:
        return _back(discarded=short_id(done.ids[0]))
    flash("Nothing was discarded. Somebody else has decided.")
    return _back()


def _number(found: Reviewed, *, by_job: bool) -> str:
    if by_job and found.in_all is not None:
        return f"up to {counted(found.in_all, 'sign-up')}"
    return counted(len(found.signups), "sign-up")


def _review() -> QuarantineReview:
    return services().operations.review


def _choice(*, all_matching: bool) -> ReviewChoice:
    """Return what a form means: one row, those that are ticked, or all that match."""
    if all_matching:
        return ReviewChoice(filter=chosen_filter(request.form, _QUARANTINED))
    ticked = picked(request.form.getlist("one") or request.form.getlist("pick"))
    if not ticked:
        raise Refused("You ticked no sign-up. Nothing was changed.")
    return ReviewChoice(ticked=ticked)


def _address(anchor: str | None = None, **more: str) -> str:
    """Return the address of the list with its filters, but for an e-mail address."""
    kept: dict[str, Any] = {**in_address(request.form), **more}
    return url_for("console.quarantine", **kept, _anchor=anchor)


def _back(**more: str) -> ResponseReturnValue:
    """Lead back to the list, to the row after the one that has left it."""
    row = request.args.get("row", type=int)
    return redirect(_address(None if row is None else f"row-{row}", **more), 303)
