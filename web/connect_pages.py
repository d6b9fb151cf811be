"""``/connect/…``: what an account's owner sees: a client's link, and the way back from the login.

Nobody is signed in here. What lets a person do something is in the address: a signed link, the
state that Constant Contact brings back, or the id of tokens that were kept.
"""

import logging

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.connecting import AnotherAccount, Connected, ConnectFailed, Connecting
from shared.accounts.handshakes import Via
from shared.domain.errors import LedgerUnavailable, Refused
from shared.operations.assembly import AccountTools

log = logging.getLogger(__name__)

bp = Blueprint("connect", __name__, url_prefix="/connect")

# No other site may learn what is in these pages' addresses.
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_TOO_LONG = 2048

BEGIN_FIRST = (
    "This page is where Constant Contact sends you after you log in. Begin in the console, or with"
    " the link that this command prints: relay connect NAME --url"
)


@bp.get("/callback")
def callback() -> ResponseReturnValue:
    """Finish what the console, a link or `relay connect NAME --url` began.

    200 or 303 with the account that is connected now; 400 when this cannot work; 502 when
    Constant Contact, 503 when Redis could not be asked. Each page says what to do.
    """
    if request.method == "HEAD":  # a scanner of links; the state works only once
        return "", 200
    state, code = (request.args.get(name, "")[:_TOO_LONG] for name in ("state", "code"))
    if "error" in request.args:
        description = request.args.get("error_description", "")[:_TOO_LONG]
        raise _connecting().refuse(state, request.args["error"], description)
    if not state or not code:
        raise Refused(BEGIN_FIRST)
    return _connected(_connecting().finish(state, code))


@bp.post("/again/<kept>")
def again(kept: str) -> ResponseReturnValue:
    """Go on after Constant Contact failed halfway, without another login."""
    return _connected(_connecting().resume(kept))


@bp.get("/link/<token>")
def link(token: str) -> ResponseReturnValue:
    """Tell a client who asks for what. Opening it uses nothing up."""
    opened = _connecting().open_link(token)
    return render_template("connect/link.html", link=opened, token=token)


@bp.post("/link/<token>")
def follow_link(token: str) -> ResponseReturnValue:
    """Send the client to Constant Contact."""
    return leave_for(_connecting().start_by_link(token).url)


def leave_for(url: str) -> ResponseReturnValue:
    """Return a page that goes on to `url` by itself.

    Not a redirect: browsers hold the answer to a post to the page's form-action, and where
    Constant Contact's login sends them on to is not known.
    """
    page = render_template("connect/leaving.html", url=url)
    return page, 200, {"Refresh": f"0; url={url}"}


def _connected(connected: Connected) -> ResponseReturnValue:
    name = connected.account.name
    log.info("account connected", extra={"account": name, "via": str(connected.via)})
    if connected.via == Via.CONSOLE:
        return redirect(url_for("console.connected", id=connected.ending), 303)
    template = "thanks" if connected.via == Via.LINK else "done"
    return render_template(f"connect/{template}.html", connected=connected)


@bp.after_request
def keep_addresses_private(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


@bp.errorhandler(AnotherAccount)
def another_account(error: AnotherAccount) -> ResponseReturnValue:
    """Ask an operator who began this in the console; tell anybody else."""
    if error.via == Via.CONSOLE and error.kept:
        return redirect(url_for("console.another_account", kept=error.kept), 303)
    return _problem(str(error), 400)


@bp.errorhandler(ConnectFailed)
def failed(error: ConnectFailed) -> ResponseReturnValue:
    return _problem(str(error), 502, kept=error.kept)


@bp.errorhandler(Refused)
def refused(error: Refused) -> ResponseReturnValue:
    return _problem(str(error), 400)


@bp.errorhandler(LedgerUnavailable)
def unavailable(error: LedgerUnavailable) -> ResponseReturnValue:
    return _problem(
        "The database of signup-relay does not answer, so nothing could be stored. Reload this"
        " page in a moment; if it then says that it has been used already, begin again.",
        503,
    )


def _problem(sentence: str, status: int, kept: str | None = None) -> ResponseReturnValue:
    log.warning("account not connected", extra={"status": status})
    return render_template("connect/problem.html", sentence=sentence, kept=kept), status


def _connecting() -> Connecting:
    accounts: AccountTools = current_app.extensions["accounts"]
    return accounts.connecting
