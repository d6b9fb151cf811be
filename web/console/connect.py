"""The wizard: four steps from an API key to a connected account that has been tested.

1 Application: what to do in the developer portal, and whether Constant Contact knows the API key.
2 Log in: the operator logs in, or sends a link to the client.
3 Check: the results of the checks of the new connection.
4 Form and test: a first form, and a test sign-up on its page.
"""

from datetime import timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.account_connector import AlreadyConnected, AnotherAccount
from shared.accounts.another_account import LoginChoice, choice, consequences, differs, told
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.checks import connected_title
from shared.accounts.client_links import LinkState
from shared.accounts.connect_request import PendingTokens, StartedFrom
from shared.accounts.connecting import Connecting
from shared.accounts.problems import PORTAL
from shared.constant_contact.applications import Application, check_application
from shared.constant_contact.oauth import SCOPES
from shared.domain.account import Account, check_name
from shared.domain.check import Check, CheckResult
from shared.domain.errors import Refused
from shared.domain.holds_in_words import after_connecting
from shared.domain.web_addresses import origin_of
from shared.infrastructure.timestamps import utc_now
from shared.operations.operators import Role
from web import connect_cookie
from web.connect_pages import redirect_page
from web.console import bp
from web.console.guard import needs, operator_name
from web.services import services

LINK_DAYS = (1, 7, 30)
_LONGEST_NAME = 80


# --- 1: the application


@bp.get("/connect")
@needs(Role.OPERATOR)
def connect() -> ResponseReturnValue:
    """Show what to do in the developer portal, and ask for the account's name."""
    return _application_page(request.args.get("name", ""))


@bp.post("/connect")
@needs(Role.OPERATOR)
def check_application_typed() -> ResponseReturnValue:
    """Check that Constant Contact knows the application, then continue to the login."""
    name = request.form.get("name", "").strip()
    application = None
    try:
        application = _typed_application()
        check_name(name)
        found = _connecting().check_before_login(application)
        if found.verdict == CheckResult.PROBLEM and "anyway" not in request.form:
            return _application_page(name, check=found, typed=application), 422
        known = _connecting().connector.calls.known(application)
    except Refused as error:
        return _application_page(name, problem=str(error), typed=application), 422
    key = known.client_id if application else None
    return redirect(url_for("console.log_in", name=name, key=key), 303)


def _typed_application() -> Application | None:
    """Return the application that was typed in; None for the one from the settings.

    The page does not repeat a secret, so an empty one means the one that was typed before.
    """
    key, secret = (request.form.get(field, "").strip() for field in ("api_key", "secret"))
    before = _connecting().connector.store.typed(request.form.get("typed", ""))
    if before and not secret and before.client_id == key:
        return before
    return check_application(key, secret) if key or secret else None


def _application_page(
    name: str,
    *,
    problem: str | None = None,
    check: Check | None = None,
    typed: Application | None = None,
) -> str:
    """Return the page. With `typed`, its secret need not be typed again."""
    return render_template(
        "console/connect/application.html",
        name=name,
        problem=problem,
        check=check,
        api_key=request.form.get("api_key", ""),
        typed=_connecting().connector.store.keep_typed(typed) if typed else None,
        default_key=_connecting().connector.calls.applications.default.tail,
        redirect_uri=_connecting().redirect_uri,
        scopes=SCOPES,
        portal=PORTAL,
    )


# --- 2: the login


@bp.get("/connect/<name>/log-in")
@needs(Role.OPERATOR)
def log_in(name: str) -> ResponseReturnValue:
    """Ask who logs in."""
    return _log_in_page(name)


@bp.post("/connect/<name>/log-in")
@needs(Role.OPERATOR)
def go_and_log_in(name: str) -> ResponseReturnValue:
    """Send the operator's own browser to Constant Contact."""
    key = connect_cookie.new_key()
    started = _connecting().browser.start(
        name,
        by=operator_name(),
        started_from=StartedFrom.CONSOLE,
        application=_chosen_application(),
        browser_key=key,
    )
    return connect_cookie.with_key(redirect_page(started.url), key, started)


@bp.post("/connect/<name>/link")
@needs(Role.OPERATOR)
def make_link(name: str) -> ResponseReturnValue:
    """Make a link for the client."""
    asked_by = " ".join(request.form.get("asked_by", "").split())
    if not 0 < len(asked_by) <= _LONGEST_NAME:
        problem = "Enter who asks for access. Your client reads this name on the page."
        return _log_in_page(name, problem=problem), 422
    days = request.form.get("days", type=int)
    link = _connecting().browser.make_link(
        name,
        by=operator_name(),
        asked_by=asked_by,
        application=_chosen_application(),
        life=timedelta(days=days if days in LINK_DAYS else LINK_DAYS[1]),
    )
    return redirect(url_for("console.link", id=link.id), 303)


@bp.get("/connect/links/<id>")
@needs(Role.OPERATOR)
def link(id: str) -> ResponseReturnValue:
    """Show the link to send, and whether the client has used it."""
    connecting = _connecting()
    found = connecting.browser.links.find(id)
    if found is None:
        raise Refused("There is no such link. Links are deleted a month after they end.")
    result = connecting.browser.link_result(found)
    return render_template(
        "console/connect/link.html",
        link=found,
        result=result,
        account=connecting.connector.registry.account(result.account if result else found.account),
        url=connecting.browser.links.url(found),
        open=found.is_open(utc_now()),
        expired=found.has_expired(utc_now()) and found.state != LinkState.CONNECTED,
    )


@bp.post("/connect/links/<id>/withdraw")
@needs(Role.OPERATOR)
def withdraw_link(id: str) -> ResponseReturnValue:
    """Withdraw a link."""
    _connecting().browser.withdraw_link(id)
    return redirect(url_for("console.link", id=id), 303)


def _log_in_page(name: str, *, problem: str | None = None) -> str:
    check_name(name)
    return render_template(
        "console/connect/log_in.html",
        name=name,
        key=request.values.get("key"),
        problem=problem,
        asked_by=request.form.get("asked_by", ""),
        days=LINK_DAYS,
        existing=_connecting().connector.registry.account(name),
    )


def _chosen_application() -> Application | None:
    """Return the application that step 1 has stored; None for the one from the settings."""
    key = request.values.get("key")
    return _connecting().connector.calls.applications.find(key) if key else None


# --- 3: the checks


@bp.get("/connect/done/<id>")
@needs(Role.OPERATOR)
def connected(id: str) -> ResponseReturnValue:
    """Show the checks of a new connection."""
    result = _connecting().connector.store.result(id)
    if result is None or not result.connected:
        raise Refused("This result is no longer stored. The account's page shows the connection.")
    tools = services().accounts
    summary = tools.summaries.summary(result.account)
    return render_template(
        "console/connect/connected.html",
        result=result,
        summary=summary,
        title=connected_title(summary.account.called, result.checks, on_hold=bool(summary.holds)),
        follows=after_connecting(result.account, summary.holds, summary.figures.due, utc_now()),
        has_forms=any(form.account == result.account for form in tools.summaries.registry.forms()),
    )


@bp.get("/connect/kept/<pending_id>")
@needs(Role.OPERATOR)
def pending(pending_id: str) -> ResponseReturnValue:
    """Ask what to do with a login that belongs to another account, or to one that has a name."""
    found = _connecting().connector.store.pending(pending_id)
    if found is None:
        raise Refused(
            "This connection was finished already, or was begun more than 12 hours ago. Nothing was"
            " changed. Start again."
        )
    chosen = _choice(found)
    if chosen.known is None and chosen.before and chosen.found:
        return _other_account(pending_id, chosen.before, chosen.found)
    return _one_name(pending_id, found.request.account, chosen)


def _choice(found: PendingTokens) -> LoginChoice:
    return choice(found, _connecting().connector.registry.accounts())


def _other_account(pending_id: str, before: Account, found: Account) -> str:
    """Ask whether the name should now stand for another account."""
    connector = _connecting().connector
    forms = [form.name for form in connector.registry.forms() if form.account == before.name]
    waiting = connector.ledger.figures(before.name).due
    return render_template(
        "console/connect/another_account.html",
        pending_id=pending_id,
        name=before.name,
        differs=differs(before, found),
        consequences=consequences(before, found, forms, waiting),
        whose=told(found, before) or "the other account",
        was=told(before, found) or "the right account",
        address=origin_of(services().settings.public_url)
        + url_for("console.pending", pending_id=pending_id),
        admins=[each.name for each in services().operators.all() if each.role == Role.ADMIN],
    )


def _one_name(pending_id: str, name: str, chosen: LoginChoice) -> str:
    """Ask under which name the account should be connected."""
    before, known = chosen.before, chosen.known
    return render_template(
        "console/connect/already_connected.html",
        pending_id=pending_id,
        name=name,
        known=known,
        differs=differs(before, known) if before and known else None,
        was=told(before, known) if before and known else None,
    )


@bp.post("/connect/kept/<pending_id>")
@needs(Role.ADMIN)
def replace_account(pending_id: str) -> ResponseReturnValue:
    """Connect the name to the other account."""
    return _resumed(pending_id, replace=True)


@bp.post("/connect/kept/<pending_id>/as/<name>")
@needs(Role.OPERATOR)
def connect_as(pending_id: str, name: str) -> ResponseReturnValue:
    """Connect the account under one of the two names."""
    found = _connecting().connector.store.pending(pending_id)
    if found is not None and name != found.request.account:
        known = _choice(found).known
        if known is None or name != known.name:
            raise Refused(f"This login was not for {name}. Nothing was changed.")
    return _resumed(pending_id, name=name)


def _resumed(pending_id: str, **change: Any) -> ResponseReturnValue:
    try:
        done = _connecting().browser.resume(pending_id, by=operator_name(), **change)
    except (AlreadyConnected, AnotherAccount):  # the accounts have changed since the page asked
        return redirect(url_for("console.pending", pending_id=pending_id), 303)
    except ConnectFailed as error:
        return render_template("console/problem.html", sentence=str(error)), 502
    return redirect(url_for("console.connected", id=done.result_id), 303)


def _connecting() -> Connecting:
    return services().accounts.connecting
