"""``/console/sign-in`` and ``/console/sign-out``."""

import re
import sys

from flask import g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from shared.domain.errors import TooManyTries
from shared.infrastructure.settings import Settings
from shared.infrastructure.typed_commands import relay_here
from shared.operations.operators import FIRST, NewPassword, Operator, Operators
from web.console import bp, guard, known_devices
from web.services import services

# More of a typed name is not shown again.
_LONGEST_NAME = 100
_WRONG = "Name or password is wrong."
_NOT_NOTED = (
    "This browser is signed out. Redis takes no writes at the moment, so a copy of its cookie would"
    " still work. To end that too, sign in later and sign out everywhere else."
)
# Without the path of RELAY_PUBLIC_URL. No characters that lead a browser to another host: it reads
# `\\` as `/`, skips tabs and line ends, and takes `%2e` for a dot of the path.
_OUR_PAGE = re.compile(r"/console/(?!.*\.\.)(?![^?]*%(?i:2e|2f|5c))[\w./?&=%~+,:@-]*", re.ASCII)


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for name and password, then for a code, or open the page that was asked for."""
    if request.method == "POST":
        return _try()
    if g.operator:
        return redirect(next_page())
    announce_first(services().operators, services().settings)
    return _page()


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, and forget it in this browser in any case."""
    services().operators.sign_out(guard.operator_name(), address=request.remote_addr or "")
    if not guard.sign_out():
        g.operator = None
        return _page(_NOT_NOTED), 503
    return redirect(url_for("console.sign_in"), 303)


def announce_first(operators: Operators, settings: Settings) -> None:
    """Make the first operator if there is none, and print the password once.

    It is printed and not logged, so that only the person who starts web sees it. Logs in JSON have
    standard error to themselves.
    """
    made = operators.make_first()
    if made:
        stream = sys.stdout if settings.log_format == "json" else sys.stderr
        stream.write(_announcement(made, settings))
        stream.flush()


def _announcement(made: NewPassword, settings: Settings) -> str:
    return (
        f"\nThe console: {settings.public_url}/console/\n"
        f"  name      {made.operator.name}\n"
        f"  password  {made.password}\n"
        "The password is shown only once. To change it, sign in and open"
        f" {settings.public_url}/console/profile\n"
        f"Without it, run: {relay_here()} operator password {made.operator.name}\n\n"
    )


def _try() -> ResponseReturnValue:
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    address = request.remote_addr or ""
    try:
        operator = services().operators.authenticate(
            name, password, address=address, device=known_devices.find(name)
        )
    except TooManyTries as error:
        return _page(str(error)), 429, guard.retry_after(error)
    if operator is None:
        return _page(_WRONG), 401
    if services().second_factors.has(operator.name):
        guard.await_code(operator)
        return redirect(url_for("console.second_step", next=guard.page_after_sign_in()), 303)
    return enter(operator)


def enter(operator: Operator, **how: object) -> Response:
    """Begin the session, and open the page that was asked for. `how` is noted, too."""
    services().operators.sign_in(operator.name, address=request.remote_addr or "", **how)
    guard.sign_in_as(operator)
    response = make_response(redirect(next_page(), 303))
    known_devices.remember(response, operator)
    return response


def next_page() -> str:
    """Return the page to open next, which must be one of the console's."""
    wanted = guard.page_after_sign_in()
    if _OUR_PAGE.fullmatch(wanted):
        return request.script_root + wanted
    return url_for("console.overview")


def _page(problem: str | None = None) -> str:
    return render_template(
        "console/sign_in.html",
        problem=problem,
        first_name=FIRST,
        name=request.form.get("name", "")[:_LONGEST_NAME],
        next=guard.page_after_sign_in(),
    )
