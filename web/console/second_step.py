"""``/console/sign-in/code``: the second step of signing in, for who has a second factor.

Until the code is right, this browser is signed in as nobody.
"""

from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused, TooManyTries
from shared.domain.phrases import counted
from shared.operations.operators import Operator
from shared.operations.second_factors import Asked
from web.console import bp, guard, known_devices
from web.console.sign_in import enter, next_page
from web.services import services

_HAS_ENDED = "This sign-in has ended. Sign in again, and type the code within ten minutes."


@bp.route("/sign-in/code", methods=["GET", "POST"])
def second_step() -> ResponseReturnValue:
    """Ask for a code, then sign in."""
    if g.operator:
        return redirect(next_page())
    operator = services().second_steps.find(guard.second_step())
    if operator is None:
        if guard.second_step():
            session.clear()
            flash(_HAS_ENDED)
        return redirect(url_for("console.sign_in", next=guard.page_after_sign_in()), 303)
    return _try(operator) if request.method == "POST" else _page()


def _try(operator: Operator) -> ResponseReturnValue:
    asked = Asked(
        name=operator.name,
        address=request.remote_addr or "",
        device=known_devices.find(operator.name),
    )
    try:
        left = services().second_factors.check(request.form.get("code", ""), asked)
    except TooManyTries as error:
        return _page(str(error)), 429, guard.retry_after(error)
    except Refused as error:
        return _page(str(error)), 401
    services().second_steps.end(guard.second_step())
    return _enter(operator, left)


def _enter(operator: Operator, recovery_codes_left: int | None) -> ResponseReturnValue:
    if recovery_codes_left is None:
        return enter(operator)
    response = enter(operator, recovery_codes_left=recovery_codes_left)
    flash(
        f"You used a recovery code. You have {counted(recovery_codes_left, 'recovery code')} left."
        " Make new ones in your profile."
    )
    return response


def _page(problem: str | None = None) -> str:
    return render_template(
        "console/second_step.html", problem=problem, next=guard.page_after_sign_in()
    )
