"""One sign-up's page: what is known of it, and what an operator can do about it."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import MappingProxyType

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import InvalidSignup, NoSuchSignup, Refused
from shared.domain.phrases import counted
from shared.domain.reading.field_checks import editable_values
from shared.domain.retention import beginning
from shared.domain.short_ids import full_id, short_id
from shared.domain.signup import DeathReason, State
from shared.domain.signup_advice import Remedy, why_dead
from shared.domain.signup_outlook import is_settled
from shared.infrastructure.timestamps import utc_now
from shared.operations.one_signup import OneSignup, SignupDetails
from shared.operations.operators import Role
from shared.operations.people import STAYS
from shared.operations.signup_fields import edit_inputs, sent_rows
from shared.operations.support_report import support_report
from web.console import bp
from web.console.guard import needs
from web.services import services

# Of an input with a field's value. Without it, a custom field could be named like `csrf_token`.
_FIELD = "field-"
_FOLLOWS = "This page follows it."
_EDITABLE = (State.DEAD, State.QUARANTINED)


@bp.get("/signups/<id>")
@needs(Role.VIEWER)
def signup(id: str) -> ResponseReturnValue:
    """Show what the id stands for. While the sign-up is due, the page updates itself."""
    found = services().search.look(id)
    if isinstance(found, SignupDetails):
        return _page(found)
    unreadable = why_dead(DeathReason.UNREADABLE, "", "")
    return render_template("console/signup_elsewhere.html", found=found, unreadable=unreadable)


@bp.post("/signups/<id>/retry")
@needs(Role.OPERATOR)
def retry_signup(id: str) -> ResponseReturnValue:
    """Make a dead letter due again."""
    return _changed(id, lambda: f"{_one().retry(id)} {_FOLLOWS}")


@bp.post("/signups/<id>/deliver")
@needs(Role.OPERATOR)
def deliver_signup(id: str) -> ResponseReturnValue:
    """Make a quarantined sign-up due."""
    return _changed(id, lambda: f"{_one().deliver(id)} {_FOLLOWS}")


@bp.get("/signups/<id>/discard")
@needs(Role.OPERATOR)
def ask_to_discard(id: str) -> ResponseReturnValue:
    """Ask before a sign-up is discarded."""
    found = services().search.look(id)
    email = found.signup.contact.email if isinstance(found, SignupDetails) else None
    return render_template("console/signup_discard.html", id=full_id(id), email=email)


@bp.post("/signups/<id>/discard")
@needs(Role.OPERATOR)
def discard_signup(id: str) -> ResponseReturnValue:
    """Discard a dead letter or quarantined sign-up."""
    note = request.form.get("note", "")
    return _changed(id, lambda: _one().discard(id, note), "It is discarded, and never sent.")


@bp.post("/signups/<id>/undo-discard")
@needs(Role.OPERATOR)
def undo_discard(id: str) -> ResponseReturnValue:
    """Make a discarded sign-up what it was before."""
    return _changed(id, lambda: _one().undo_discard(id), "It is back. Nothing is sent by itself.")


@bp.get("/signups/<id>/edit")
@needs(Role.OPERATOR)
def edit_signup(id: str) -> ResponseReturnValue:
    """Show the form with the sign-up's fields."""
    details = _one().look(id)
    return _edit_page(details, editable_values(details.signup.contact))


@bp.post("/signups/<id>/edit")
@needs(Role.OPERATOR)
def save_signup(id: str) -> ResponseReturnValue:
    """Correct fields, and send it again if that is asked for."""
    typed = {
        name.removeprefix(_FIELD): value
        for name, value in request.form.items()
        if name.startswith(_FIELD)
    }
    edits = request.form.get("edits", default=-1, type=int)
    try:
        is_new = _one().save(id, typed, edits=edits, form_lists="form_lists" in request.form)
    except InvalidSignup as error:
        wrong = {each.field: each.message for each in error.errors}
        return _edit_page(_one().look(id), typed, wrong), 422
    except Refused as error:
        return _edit_page(_one().look(id), typed, problem=str(error)), 409
    saved = "It is saved." if is_new else "Nothing was changed."
    if "send" in request.form:
        return _changed(id, lambda: f"{saved} {_one().send(id)} {_FOLLOWS}")
    return _changed(id, lambda: None, f"{saved} Nothing is sent yet.")


@bp.errorhandler(NoSuchSignup)
def no_such_signup(_: NoSuchSignup) -> ResponseReturnValue:
    """Say what may have become of it."""
    kept = services().search.kept()
    page = render_template(
        "console/signup_unknown.html", kept=kept, nothing_yet=beginning(kept, utc_now())
    )
    return page, 404


@bp.get("/signups/<id>/erase")
@needs(Role.ADMIN)
def ask_to_erase(id: str) -> ResponseReturnValue:
    """Ask before a person is erased, with all of their sign-ups."""
    return _erase_page(_one().look(id))


@bp.post("/signups/<id>/erase")
@needs(Role.ADMIN)
def erase_person(id: str) -> ResponseReturnValue:
    """Erase the person, with all of their sign-ups."""
    details, people = _one().look(id), services().people
    try:
        erased = people.erase(details.signup.contact.email)
    except Refused as error:
        return _erase_page(details, str(error)), 409
    sentences = [f"{counted(erased, 'sign-up')} erased.", STAYS, *people.forget_traces()]
    return render_template("console/signup_erased.html", sentences=sentences)


def _one() -> OneSignup:
    return services().operations.one_signup


def _changed(id: str, change: Callable[[], str | None], done: str = "") -> ResponseReturnValue:
    """Make the change and show the page again. It says what the change says, or `done`; or that
    somebody else was faster."""
    try:
        told = change() or done
    except NoSuchSignup:
        raise
    except Refused as error:
        return _page(_one().look(id), problem=str(error)), 409
    flash(told)
    return redirect(url_for("console.signup", id=short_id(full_id(id))), 303)


def _page(details: SignupDetails, problem: str | None = None) -> str:
    targets = services().operations.targets
    # While a job retries it, nothing is to be done.
    about_lists = details.why.remedy == Remedy.LISTS
    return render_template(
        "console/signup.html",
        details=details,
        signup=details.signup,
        list_names=targets.known.names_for(details.signup, details.form),
        cause=targets.list_cause(details.signup) if about_lists else None,
        rows=sent_rows(details),
        report=support_report(details, version("signup-relay")),
        problem=problem,
        editable=details.signup.state in _EDITABLE,
        moves=not is_settled(details.signup.state) or details.outlook.job is not None,
    )


def _erase_page(details: SignupDetails, problem: str | None = None) -> str:
    count = len(services().people.consent(details.signup.contact.email))
    return render_template(
        "console/signup_erase.html", details=details, count=count, stays=STAYS, problem=problem
    )


def _edit_page(
    details: SignupDetails,
    values: Mapping[str, str],
    wrong: Mapping[str, str] = MappingProxyType({}),
    problem: str | None = None,
) -> str:
    inputs = edit_inputs(details)
    shown = {each.name for each in inputs}
    return render_template(
        "console/signup_edit.html",
        details=details,
        signup=details.signup,
        list_names=services().operations.targets.known.names_for(details.signup, details.form),
        inputs=inputs,
        values=values,
        wrong=wrong,
        others=[message for name, message in wrong.items() if name not in shown],
        problem=problem,
        prefix=_FIELD,
        editable=details.signup.state in _EDITABLE,
    )
