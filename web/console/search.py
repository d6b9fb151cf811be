"""The search, which every page has: sign-ups by e-mail address, id or contact id."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.domain.retention import beginning
from shared.domain.short_ids import short_id
from shared.infrastructure.timestamps import utc_now
from shared.operations.operators import Role
from shared.operations.signup_search import MOST_READ
from web.console import bp
from web.console.guard import needs
from web.services import services


@bp.get("/search")
@needs(Role.VIEWER)
def empty_search() -> ResponseReturnValue:
    """Say what the search takes. A question never comes in an address."""
    return render_template("console/search_empty.html")


@bp.post("/search")
@needs(Role.VIEWER)
def search() -> ResponseReturnValue:
    """Lead to the only sign-up that was found, or list all. What was typed is in no address."""
    question = request.form.get("q", "").strip()
    try:
        findings = services().search.find(question)
    except Refused as error:
        return render_template("console/search_empty.html", problem=str(error)), 422
    ids = [findings.exact] if findings.exact else [each.id for each in findings.found]
    if len(ids) == 1:
        return redirect(url_for("console.signup", id=short_id(ids[0])), 303)
    return render_template(
        "console/search.html",
        question=question,
        findings=findings,
        most_read=MOST_READ,
        nothing_yet=findings.known and beginning(findings.known.kept, utc_now()),
    )
