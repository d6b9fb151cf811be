"""GET /connect/callback: where Constant Contact sends the browser back after the consent.

The page's only job is to tell the person at the browser what happened and what to do.
"""

import logging
import re

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from shared.connecting import ConnectFailed, Connecting
from shared.domain.errors import LedgerUnavailable, Refused

log = logging.getLogger(__name__)

bp = Blueprint("connect", __name__)

# No other site may learn the code that is in this page's address.
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_TOO_LONG = 2048


@bp.get("/connect/callback")
def callback() -> ResponseReturnValue:
    """Finish the connection that `relay connect NAME --url` began.

    200 with the account that is connected now; 400 when this link cannot work; 502 when
    Constant Contact, 503 when Redis could not be asked. Each page says what to do.
    """
    if request.method == "HEAD":  # a scanner of links; the state works only once
        return "", 200, _HEADERS
    connecting: Connecting = current_app.extensions["connecting"]
    state, code = (request.args.get(name, "")[:_TOO_LONG] for name in ("state", "code"))
    if "error" in request.args:
        return _problem(_refused_there(request.args["error"], connecting.abandon(state)), 400)
    if not state or not code:
        return _problem(
            "This page is where Constant Contact sends you after you log in. Begin with the link"
            " that this command prints: relay connect NAME --url",
            400,
        )
    connected = connecting.finish(state, code)
    log.info("account connected", extra={"account": connected.account.name})
    return render_template("connect/done.html", connected=connected), 200, _HEADERS


@bp.errorhandler(ConnectFailed)
def failed(error: ConnectFailed) -> ResponseReturnValue:
    return _problem(str(error), 502)


@bp.errorhandler(Refused)
def refused(error: Refused) -> ResponseReturnValue:
    return _problem(str(error), 400)


@bp.errorhandler(LedgerUnavailable)
def unavailable(error: LedgerUnavailable) -> ResponseReturnValue:
    return _problem(
        "The database of signup-relay does not answer, so nothing could be stored. Reload this"
        " page in a moment.",
        503,
    )


def _refused_there(error: str, account: str | None) -> str:
    """Return what to do about an `error` that Constant Contact sent along."""
    again = f"relay connect {account or 'NAME'} --url"
    if error == "access_denied":
        return (
            "Access was not allowed at Constant Contact, so nothing is connected. If that was a"
            f" mistake, get a new link with: {again}"
        )
    named = f" ({error})" if _ERROR_CODE.fullmatch(error) else ""
    return (
        f"Constant Contact refused the request{named}. Check that the application there uses the"
        " Authorization Code Flow and lists this page's address as a redirect URI, then get a"
        f" new link with: {again}"
    )


def _problem(sentence: str, status: int) -> ResponseReturnValue:
    log.warning("account not connected", extra={"status": status})
    return render_template("connect/problem.html", sentence=sentence), status, _HEADERS
