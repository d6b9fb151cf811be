"""``/console/profile``: what an operator sees and changes of their own sign-in."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shared.domain.phrases import counted
from shared.operations.operators import Role
from shared.operations.sessions import IDLE, LONGEST, is_of
from web.console import bp
from web.console.guard import current_operator, needs, operator_name, session_id
from web.services import services


@bp.get("/profile")
@needs(Role.VIEWER)
def profile() -> ResponseReturnValue:
    """Show the operator's own sessions."""
    sessions = services().sessions.all(current_operator())
    return render_template(
        "console/profile.html",
        sessions=[(session, is_of(digest, session_id())) for digest, session in sessions.items()],
        idle=IDLE,
        longest=LONGEST,
    )


@bp.post("/profile/sign-out-elsewhere")
@needs(Role.VIEWER)
def sign_out_elsewhere() -> ResponseReturnValue:
    """End all of the operator's sessions but this one."""
    ended = services().sessions.end_others(operator_name(), session_id())
    flash(f"You are signed out everywhere else. {counted(ended, 'session')} ended.")
    return redirect(url_for("console.profile"), 303)
