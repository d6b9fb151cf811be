"""A test sign-up: sent to a form with an operator's own address, as a visitor would send it."""

from dataclasses import replace

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.consent_texts import text_version
from shared.domain.errors import InvalidSignup, Refused, VisitorLimited
from shared.domain.form import Form
from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import CONSENT_SHOWN
from shared.operations.operators import Role
from web.console import bp
from web.console.forms import form_answer, known_form
from web.console.guard import needs
from web.request_ids import request_id_in
from web.services import services
from web.signup.visitors import Visitor


@bp.post("/forms/<form>/test")
@needs(Role.OPERATOR)
def test_form(form: str) -> ResponseReturnValue:
    """Send a test sign-up to the form, and lead to the page that follows it."""
    found = known_form(form)
    if not found.enabled:
        raise Refused("This form is closed. Open it first.")
    try:
        id = _sign_up(found)
    except InvalidSignup as error:
        errors = {each.field: each.message for each in error.errors}
        return form_answer(found, test_errors=errors), 422
    except VisitorLimited:
        message = "Too many sign-ups came from your network. Wait a moment, then try again."
        return form_answer(found, test_errors={"other": message}), 422
    services().accounts.test_signups.follow_form(found, id)
    return redirect(url_for("console.test", name=found.account, id=id), 303)


def _sign_up(form: Form) -> str:
    """Take the sign-up in as the form's route does; return its id. An operator needs no proof of
    work."""
    form = replace(form, captcha="none")
    visitor = Visitor(address=request.remote_addr or "", page=None)
    posted = {"email": [request.form.get("email", "")]}
    intake, deadline = services().intake, services().deadlines.start()
    if form.consent_box != "none":  # else the page shows no text
        posted[CONSENT_SHOWN] = [text_version(intake.our_consents.of_today(form))]
    if request.form.get("consent"):
        posted[CONSENT] = ["yes"]
    entry = intake.check(
        form, posted, visitor, idempotency_key=None, request=request_id_in(request.environ)
    )
    return intake.store(form, entry, visitor, ask=deadline.ask).id
