"""The failed page: dead letters by cause, and what an operator can do with some or all of them."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.csv_documents import BYTE_ORDER_MARK
from shared.domain.errors import Refused
from shared.domain.field_change import FieldChange
from shared.domain.job import JobAction
from shared.domain.signup_advice import why_failed
from shared.infrastructure.timestamps import utc_now
from shared.operations.bulk_choices import DEAD_LETTERS, BulkChoice
from shared.operations.exports import ExportFormat
from shared.operations.field_edits import fields_of
from shared.operations.operators import Role
from shared.operations.signup_lists import MOST_READ, SignupFilter
from web.console import bp
from web.console.guard import needs
from web.console.list_filters import chosen_filter, from_address, in_address, kept_filters, picked
from web.services import services
from web.streamed_files import streamed_file

# Of a page. More causes and jobs are one click away.
SHOWN = 50
SHOWN_GROUPS = 25
SHOWN_JOBS = 5
_STEPS = {
    "retry": JobAction.RETRY,
    "form_lists": JobAction.RETRY_FORM_LISTS,
    "edit": JobAction.RETRY_EDITED,
    "discard": JobAction.DISCARD,
}


@bp.get("/failed")
@needs(Role.VIEWER)
def failed() -> ResponseReturnValue:
    """Show dead letters: how many of each reason, their causes, and the latest."""
    given = from_address(request.args)
    return _page(_filter(given), given)


@bp.post("/failed")
@needs(Role.OPERATOR)
def find_failed() -> ResponseReturnValue:
    """Show the dead letters of one person, whose address must be in no address of a page."""
    return _page(_filter(request.form), request.form)


@bp.post("/failed/confirm")
@needs(Role.OPERATOR)
def confirm_failed() -> ResponseReturnValue:
    """Say what a change would do, before it is made."""
    what, _, which = request.form.get("what", "").partition("-")
    action = _STEPS.get(what)
    if action is None:
        raise Refused("This page does not say what to do. Go back and choose it.")
    choice = _choice(request.form, is_all=which == "all")
    change = _change(request.form)
    if action == JobAction.RETRY_EDITED and change is None:
        return _edit_page(choice)
    plan = services().operations.chooser.plan(action, choice, change)
    if not (plan.count or plan.targets or plan.edit or plan.in_jobs):
        flash("Nothing that you chose has failed now. Nothing was changed.")
        return redirect(_back(request.form), 303)
    return render_template(
        "console/failed_confirm.html",
        plan=plan,
        is_all=not choice.ticked,
        back=_back(request.form),
        kept=kept_filters(request.form),
        ticked=request.form.getlist("pick") if choice.ticked else [],
    )


@bp.post("/failed/retry")
@needs(Role.OPERATOR)
def retry_failed() -> ResponseReturnValue:
    """Send dead letters again: as they are, with a change of fields, or to the lists that their
    forms have now."""
    bulk, change = services().operations.bulk, _change(request.form)
    choice = _choice(request.form)
    if change:
        done, or_else = bulk.retry_edited(choice, change), ", or they stay as they are"
    elif "form_lists" in request.form:
        done, or_else = bulk.retry_form_lists(choice), ", or the form has no list"
    else:
        done, or_else = bulk.retry(choice), ""
    left_out = _left_out(done.left_out, or_else)
    if done.job:
        flash(f"The job has begun.{left_out} You may close this page: it goes on by itself.")
        return redirect(url_for("console.job", id=done.job.id), 303)
    if or_else:  # these go as a job, or not at all
        why = left_out or " They are in a job already, or somebody else has settled them."
        flash(f"Nothing was sent.{why}")
    else:
        sentences = services().operations.sending.of_many(done.accounts, "retried")
        flash(f"{' '.join(sentences)}{left_out}")
    return redirect(_back(request.form), 303)


@bp.post("/failed/discard")
@needs(Role.OPERATOR)
def discard_failed() -> ResponseReturnValue:
    """Discard dead letters."""
    note = request.form.get("note", "")
    done = services().operations.bulk.discard(_choice(request.form), note)
    if done.job is None:
        flash(f"Nothing was discarded.{_left_out(done.left_out)}")
        return redirect(_back(request.form), 303)
    if done.left_out:
        flash(_left_out(done.left_out).strip())
    return redirect(url_for("console.job", id=done.job.id), 303)


@bp.post("/failed/export")
@needs(Role.OPERATOR)
def export_failed() -> ResponseReturnValue:
    """Send dead letters as a file, however many."""
    to, _, which = request.form.get("what", "").partition("-")
    if to not in list(ExportFormat):
        raise Refused("This page does not say as what to export. Go back and choose it.")
    choice = _choice(request.form, is_all=which == "all")
    file = services().operations.bulk.export(choice, ExportFormat(to))
    mark = (BYTE_ORDER_MARK,) if to == ExportFormat.CSV else ()
    return streamed_file(
        chain(mark, file),
        name=f"failed-{utc_now():%Y-%m-%d-%H%M}.{to}",
        mimetype={"csv": "text/csv", "json": "application/json"}[to],
    )


@bp.get("/failed/jobs")
@needs(Role.VIEWER)
def jobs() -> ResponseReturnValue:
    """List the jobs of the last 30 days."""
    return render_template("console/jobs.html", jobs=services().operations.jobs.all())


@bp.get("/failed/jobs/<id>")
@needs(Role.VIEWER)
def job(id: str) -> ResponseReturnValue:
    """Show how far a job is. While it goes on, the page updates itself."""
    return render_template("console/job.html", job=services().operations.jobs.one(id))


@bp.post("/failed/jobs/<id>/cancel")
@needs(Role.OPERATOR)
def cancel_job(id: str) -> ResponseReturnValue:
    """Stop a job. What it has done stays."""
    services().operations.jobs.cancel(id)
    flash("The job is stopped.")
    return redirect(url_for("console.job", id=id), 303)


@bp.post("/failed/jobs/<id>/undo")
@needs(Role.OPERATOR)
def undo_job(id: str) -> ResponseReturnValue:
    """Undo all that a job has discarded."""
    undoing = services().operations.jobs.undo(id)
    if undoing is None:
        flash("Nothing is left to undo. Retention has cleared these sign-ups.")
    return redirect(url_for("console.job", id=undoing.id if undoing else id), 303)


def _page(chosen: SignupFilter, given: Mapping[str, str]) -> str:
    operations = services().operations
    cursor = given.get("cursor") or None
    page = operations.lists.page(chosen, cursor=cursor, limit=SHOWN)
    groups = [] if cursor or chosen.group or chosen.email else operations.chooser.groups(chosen)
    shown_groups = groups if "causes" in given else groups[:SHOWN_GROUPS]
    counts, is_exact = operations.chooser.count(chosen)
    is_whole = cursor is None and page.next is None
    known = counts.total() if is_exact else len(page.signups) if is_whole else None
    group = operations.bulk.group(chosen)
    return render_template(
        "console/failed.html",
        reasons=operations.lists.dead_by_reason(chosen.account),
        group=group,
        targets=operations.targets.of_causes([group] if group else shown_groups),
        why_failed=why_failed,
        groups=shown_groups,
        more_groups=len(groups) - len(shown_groups),
        page=page,
        waits_in=operations.chooser.jobs_of(page.signups),
        total=known,
        jobs=operations.jobs.all()[:SHOWN_JOBS],
        accounts=operations.bulk.accounts(),
        forms=operations.bulk.forms(),
        kept=kept_filters(given),
        most_read=MOST_READ,
        is_first=cursor is None,
    )


def _back(given: Mapping[str, str]) -> str:
    """Return the address of the list; never with an e-mail address."""
    kept: dict[str, Any] = in_address(given)
    return url_for("console.failed", **kept)


def _filter(given: Mapping[str, str]) -> SignupFilter:
    return chosen_filter(given, DEAD_LETTERS.states)


def _choice(given: Any, *, is_all: bool | None = None) -> BulkChoice:
    """Return which dead letters a form means: those that are ticked, or all that match."""
    if is_all or (is_all is None and given.get("all")):
        return BulkChoice(filter=_filter(given))
    ticked = picked(given.getlist("pick"))
    if not ticked:
        raise Refused("You ticked no failed sign-up. Nothing was changed.")
    return BulkChoice(ticked=ticked)


def _change(given: Any) -> FieldChange | None:
    """Return the change of fields that was asked for, if there is one."""
    names, value = given.getlist("field"), given.get("value", "")
    if not names:
        return None
    if given.get("to") == "without":
        return FieldChange.chosen(names, [])
    if not value.strip():
        raise Refused("This page does not say to which value. Go back and type it.")
    return FieldChange.chosen([], [(name, value) for name in names])


def _edit_page(choice: BulkChoice) -> str:
    """Ask which field is left out or set."""
    found = services().operations.chooser.sample(choice)
    return render_template(
        "console/failed_edit.html",
        fields=fields_of(found),
        read=len(found),
        is_all=not choice.ticked,
        back=_back(request.form),
        kept=kept_filters(request.form),
        ticked=request.form.getlist("pick") if choice.ticked else [],
    )


def _left_out(count: int, or_else: str = "") -> str:
    if not count:
        return ""
    were, them = ("1 was", "it") if count == 1 else (f"{count:,} were", "them")
    return f" {were} left out: somebody else has settled {them} already{or_else}."
