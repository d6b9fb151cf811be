"""``/connect/…``: the pages for an account's owner: a client's link, and the return from the login.

These pages have no sign-in. The address carries the permission: a signed link, the OAuth `state`,
or the id of tokens that were kept after a failure.
"""

import logging

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.account_connector import AlreadyConnected, AnotherAccount, Connected
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.browser_flow import OtherBrowser
from shared.accounts.client_links import Link, LinkState
from shared.accounts.client_texts import NothingToDo
from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.accounts.connecting import Connecting
from shared.domain.account import Account
from shared.domain.errors import LedgerUnavailable, Refused
from web import connect_cookie
from web.security_headers import ALONE
from web.services import services

log = logging.getLogger(__name__)

bp = Blueprint("connect", __name__, url_prefix="/connect")

# No other site may learn the addresses of these pages.
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", **ALONE}
_TOO_LONG = 2048

BEGIN_FIRST = (
    "Constant Contact sends you to this page after you log in. Begin in the console, or with the"
    " link that this command prints: relay connect NAME --url"
)


@bp.get("/callback")
def callback() -> ResponseReturnValue:
    """Finish what the console, a client's link or `relay connect NAME --url` began.

    200 or 303 with the account that is now connected; 400 if this cannot work; 502 if Constant
    Contact does not answer, 503 if Redis does not. Each page says what to do.
    """
    if request.method == "HEAD":  # a link scanner; the state works only once
        return "", 200
    state, code = (request.args.get(name, "")[:_TOO_LONG] for name in ("state", "code"))
    browser, key = _connecting().browser, connect_cookie.key_for(state)
    if link := browser.link_of(state, browser_key=key):  # the client has reloaded the page
        return redirect(_address_of(link), 303)
    if "error" in request.args:
        description = request.args.get("error_description", "")[:_TOO_LONG]
        raise browser.refuse(state, request.args["error"], description, browser_key=key)
    if not state or not code:
        raise Refused(BEGIN_FIRST)
    return _connected(browser.finish(state, code, browser_key=key))


@bp.post("/again/<pending_id>")
def again(pending_id: str) -> ResponseReturnValue:
    """Continue after Constant Contact failed halfway, without another login."""
    return _connected(_connecting().browser.resume(pending_id))


@bp.get("/link/<token>")
def link(token: str) -> ResponseReturnValue:
    """Show the client who asks for what, and afterwards that it is done. Opening the page does not
    use up the link."""
    browser = _connecting().browser
    opened = browser.open_link(token)
    result = browser.link_result(opened)
    if opened.state == LinkState.CONNECTED:
        account = browser.connector.registry.account(result.account) if result else None
        return _done_page(account, opened.asked_by)
    return render_template("connect/link.html", link=opened, token=token, last=result)


@bp.post("/link/<token>")
def follow_link(token: str) -> ResponseReturnValue:
    """Send the client to Constant Contact."""
    opened = _connecting().browser.open_link(token)
    if opened.state == LinkState.CONNECTED:
        return redirect(_address_of(opened), 303)
    key = connect_cookie.new_key()
    started = _connecting().browser.start_by_link(token, browser_key=key)
    return connect_cookie.with_key(redirect_page(started.url), key, started)


def _address_of(link: Link) -> str:
    return url_for("connect.link", token=_connecting().browser.links.token(link))


def _done_page(account: Account | None, asked_by: str | None) -> str:
    return render_template("connect/client_done.html", account=account, asked_by=asked_by)


def redirect_page(url: str) -> ResponseReturnValue:
    """Return a page that opens `url` by itself.

    It is not an HTTP redirect: browsers apply the page's form-action to the redirects after a post,
    and we do not know to which hosts Constant Contact's login redirects.
    """
    page = render_template("connect/redirect.html", url=url)
    return page, 200, {"Refresh": f"0; url={url}"}


def _connected(connected: Connected) -> ResponseReturnValue:
    name = connected.account.name
    log.info("account connected", extra={"account": name, "via": str(connected.started_from)})
    if connected.started_from == StartedFrom.CONSOLE:
        return redirect(url_for("console.connected", id=connected.result_id), 303)
    if connected.started_from == StartedFrom.LINK:
        return _done_page(connected.account, connected.asked_by)
    return render_template("connect/done.html", connected=connected)


@bp.before_request
def check_redis() -> None:
    """Find out within a second whether Redis is away, before a link or a state is used."""
    services().find_session("", "")


@bp.after_request
def keep_addresses_private(response: Response) -> Response:
    response.headers.update(_HEADERS)
    g.framed_by = None
    return response


@bp.errorhandler(AlreadyConnected)
@bp.errorhandler(AnotherAccount)
def to_choose(error: AlreadyConnected | AnotherAccount) -> ResponseReturnValue:
    """Ask an operator who began this in the console. Anybody else gets an error."""
    if error.started_from == StartedFrom.CONSOLE and error.pending_id:
        return redirect(url_for("console.pending", pending_id=error.pending_id), 303)
    return _problem(str(error), 400)


@bp.errorhandler(OtherBrowser)
def other_browser(error: OtherBrowser) -> ResponseReturnValue:
    return _problem(
        str(error), 400, title="Begin again in this browser", again=_console_login(error.request)
    )


@bp.errorhandler(ConnectFailed)
def failed(error: ConnectFailed) -> ResponseReturnValue:
    return _problem(str(error), 502, pending_id=error.pending_id)


@bp.errorhandler(NothingToDo)
def nothing_to_do(error: NothingToDo) -> ResponseReturnValue:
    return _problem(str(error), 400, title="There is nothing to do")


@bp.errorhandler(Refused)
def refused(error: Refused) -> ResponseReturnValue:
    return _problem(str(error), 400)


@bp.errorhandler(LedgerUnavailable)
def unavailable(error: LedgerUnavailable) -> ResponseReturnValue:
    return _problem(
        "The database of signup-relay does not answer, so nothing was stored. Reload this page in a"
        " moment. If it then says that the page was already used, begin again.",
        503,
    )


def _problem(
    sentence: str,
    status: int,
    *,
    title: str = "Not connected",
    pending_id: str | None = None,
    again: str | None = None,
) -> ResponseReturnValue:
    log.warning("account not connected", extra={"status": status})
    page = render_template(
        "connect/problem.html",
        title=title,
        sentence=sentence,
        pending_id=pending_id,
        again=again or _again_in_console(),
    )
    return page, status


def _again_in_console() -> str | None:
    """Return where the operator starts again who began this in the console; None for others."""
    state = request.args.get("state", "")[:_TOO_LONG]
    try:
        result = _connecting().browser.result(state) if state else None
    except LedgerUnavailable:
        return None
    in_console = result is not None and result.from_console
    return url_for("console.log_in", name=result.account) if result and in_console else None


def _console_login(begun: ConnectRequest) -> str | None:
    in_console = begun.started_from == StartedFrom.CONSOLE
    return url_for("console.log_in", name=begun.account) if in_console else None


def _connecting() -> Connecting:
    return services().accounts.connecting
