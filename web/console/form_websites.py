"""Allowing a website that a form has refused."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.domain.refusal_texts import allowed_beside
from shared.operations.forms.choices import checked_origin
from shared.operations.operators import Role
from web.console import bp
from web.console.forms import activity_of, known_form
from web.console.guard import needs
from web.services import services


@bp.get("/forms/<form>/allow")
@needs(Role.OPERATOR)
def ask_to_allow(form: str) -> ResponseReturnValue:
    """Ask before a website that was refused may post. A link can name no other one."""
    found, wanted = known_form(form), request.args.get("website", "")
    refused = {each.origin: each for each in activity_of(found).refused_websites}
    if wanted not in refused:
        raise Refused(
            f"This website is not among those that the form {form} has refused lately. To allow it"
            " all the same, edit the form."
        )
    beside = allowed_beside(found, wanted)
    return render_template(
        "console/forms/allow.html", form=found, website=refused[wanted], beside=beside
    )


@bp.post("/forms/<form>/allow")
@needs(Role.OPERATOR)
def allow_website(form: str) -> ResponseReturnValue:
    """Add the website to those that may post to the form."""
    origin = checked_origin(request.form.get("website", ""))
    services().operations.forms.allow(known_form(form), origin)
    flash(
        f"{origin} may post to the form {form}, within two seconds. Nothing is kept of visitors who"
        " were refused: they must sign up again."
    )
    return redirect(url_for("console.form", form=form), 303)
