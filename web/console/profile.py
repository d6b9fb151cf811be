"""``/console/profile``: what an operator sees and changes of their own sign-in."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused, TooManyTries, WrongPassword
from shared.domain.phrases import counted
from shared.operations.operators import SHORTEST_PASSWORD, Role
from shared.operations.sessions import IDLE, LONGEST, is_of
from web.console import bp, guard, known_devices
from web.console.guard import current_operator, needs, operator_name, session_id
from web.services import services


@bp.get("/profile")
@needs(Role.VIEWER)
def profile() -> ResponseReturnValue:
    """Show the operator's own sessions, and where to change the password."""
    return profile_page()


@bp.post("/profile/sign-out-elsewhere")
@needs(Role.VIEWER)
def sign_out_elsewhere() -> ResponseReturnValue:
    """End all of the operator's sessions but this one."""
    ended = services().sessions.end_others(operator_name(), session_id())
    flash(f"You are signed out everywhere else. {counted(ended, 'session')} ended.")
    return redirect(url_for("console.profile"), 303)


@bp.post("/profile/password")
@needs(Role.VIEWER)
def change_password() -> ResponseReturnValue:
    """Change the operator's own password, end their sessions, and begin one for this browser."""
    if request.form.get("new") != request.form.get("again"):
        return profile_page(again="This is not the new password from above."), 422
    try:
        changed = services().operators.change_own_password(
            operator_name(),
            request.form.get("current", ""),
            request.form.get("new", ""),
            address=request.remote_addr or "",
            session=session_id(),
        )
    except TooManyTries as error:
        return profile_page(current=str(error)), 429, guard.retry_after(error)
    except WrongPassword as error:
        return profile_page(current=str(error)), 422
    except Refused as error:
        return profile_page(new=str(error)), 422
    guard.sign_in_as(changed)
    flash("Your password is changed. You are signed out everywhere else.")
    response = make_response(redirect(url_for("console.profile"), 303))
    known_devices.remember(response, changed)
    return response


def profile_page(**errors: str) -> str:
    """Return the page; `errors` has a sentence by the name of the field that it is about."""
    sessions = services().sessions.all(current_operator())
    factors = services().second_factors
    return render_template(
        "console/profile.html",
        sessions=list(sessions.values()),
        here=next((sessions[digest] for digest in sessions if is_of(digest, session_id())), None),
        idle=IDLE,
        longest=LONGEST,
        shortest=SHORTEST_PASSWORD,
        key=services().operator_keys.of(operator_name()),
        second_factor=factors.find(operator_name()),
        must_have_second_factor=factors.must_have(current_operator().role),
        errors=errors,
    )
