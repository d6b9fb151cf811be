"""Reviewing the quarantine: delivering and discarding one, some, or all that match."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.domain.job import JobAction
from shared.domain.short_ids import short_id
from shared.operations.bulk_choices import QUARANTINED, BulkChoice
from shared.operations.operators import Role
from shared.operations.quarantine_review import QuarantineReview
from web.console import bp
from web.console.guard import needs
from web.console.list_filters import chosen_filter, in_address, kept_filters, picked
from web.services import services

# Of those that cannot be sent as they are.
_TOLD = 5
_STEPS = {"deliver": JobAction.DELIVER, "discard": JobAction.DISCARD}


@bp.post("/quarantine/confirm")
@needs(Role.OPERATOR)
def confirm_quarantine() -> ResponseReturnValue:
    """Say what a change of many would do, before it is made."""
    step, _, which = request.form.get("what", "").partition("-")
    if step not in _STEPS:
        raise Refused("This page does not say what to do. Go back and choose it.")
    choice = _choice(all_matching=which == "all")
    plan = services().operations.chooser.plan(_STEPS[step], choice)
    if not plan.count:
        flash("Nothing that you chose is in quarantine now. Nothing was changed.")
        return _back()
    return render_template(
        "console/quarantine_confirm.html",
        plan=plan,
        kept=kept_filters(request.form),
        ticked=request.form.getlist("pick") if choice.ticked else [],
        back=_address(),
    )


@bp.post("/quarantine/deliver")
@needs(Role.OPERATOR)
def deliver_quarantined() -> ResponseReturnValue:
    """Make quarantined sign-ups due."""
    delivered = _review().deliver(_choice(all_matching="all" in request.form))
    if delivered.due or not (delivered.refused or delivered.job):
        for sentence in services().operations.sending.of_many(delivered.accounts):
            flash(sentence)
    for id, why in list(delivered.refused.items())[:_TOLD]:
        flash(f"{short_id(id)} stays in quarantine. {why}")
    if (more := len(delivered.refused) - _TOLD) > 0:
        flash(f"Others stay in quarantine, too: {more:,}.")
    if delivered.job:
        return redirect(url_for("console.job", id=delivered.job.id), 303)
    alone = {"delivered": short_id(delivered.due[0])} if len(delivered.due) == 1 else {}
    return _back(**alone)


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


def _review() -> QuarantineReview:
    return services().operations.review


def _choice(*, all_matching: bool) -> BulkChoice:
    """Return what a form means: one row, those that are ticked, or all that match."""
    if all_matching:
        return BulkChoice(filter=chosen_filter(request.form, QUARANTINED.states))
    ticked = picked(request.form.getlist("one") or request.form.getlist("pick"))
    if not ticked:
        raise Refused("You ticked no sign-up. Nothing was changed.")
    return BulkChoice(ticked=ticked, filter=QUARANTINED)


def _address(anchor: str | None = None, **more: str) -> str:
    """Return the address of the list with its filters, but for an e-mail address."""
    kept: dict[str, Any] = {**in_address(request.form), **more}
    return url_for("console.quarantine", **kept, _anchor=anchor)


def _back(**more: str) -> ResponseReturnValue:
    """Lead back to the list, to the row after the one that has left it."""
    row = request.args.get("row", type=int)
    return redirect(_address(None if row is None else f"row-{row}", **more), 303)
