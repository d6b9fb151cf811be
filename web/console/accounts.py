"""All accounts, and an account's page: its figures, holds, connection, lists, client links, and a
test sign-up."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.account_api import FRESH, ApiCallFailed
from shared.accounts.account_list import account_page
from shared.accounts.account_removal import AccountRemoval
from shared.accounts.account_summary import AccountSummary
from shared.accounts.advice import on_release, release_may_help
from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.form import Form
from shared.infrastructure.timestamps import utc_now
from shared.operations.forms.refused_lists import read_refused_lists
from shared.operations.operators import Role
from web.console import bp
from web.console.charts import drawn
from web.console.connection_advice import advice_for, holds_of, how_to_act
from web.console.guard import needs, operator_name
from web.services import services

# About as many as fit beside the rest of the page.
SHOWN_LISTS = 12
# Seconds after which the page asks how the account is.
WHILE_IT_MOVES = 2
WHILE_AT_REST = 10


@bp.get("/accounts")
@needs(Role.VIEWER)
def accounts() -> ResponseReturnValue:
    """Show all accounts, those in trouble first."""
    words, number = request.args.get("name", ""), request.args.get("page", 1, type=int)
    return render_template(
        "console/accounts.html",
        page=account_page(services().accounts.summaries, words, number),
        words=words,
    )


@bp.get("/accounts/<name>")
@needs(Role.VIEWER)
def account(name: str) -> ResponseReturnValue:
    """Show everything about an account."""
    return _account_page(name)


@bp.post("/accounts/<name>/hold")
@needs(Role.OPERATOR)
def hold(name: str) -> ResponseReturnValue:
    """Pause the account."""
    try:
        services().operations.holds.hold(name, request.form.get("reason", ""), by=operator_name())
    except Refused as error:
        return _account_page(name, hold_problem=str(error)), 422
    flash(f"{name} is on hold. New sign-ups are accepted, and wait with the others.")
    return redirect(url_for("console.account", name=name), 303)


@bp.post("/accounts/<name>/release")
@needs(Role.OPERATOR)
def release(name: str) -> ResponseReturnValue:
    """End the account's pause, and probe its other holds now."""
    if not services().operations.holds.release(name, by=operator_name()):
        flash(f"{name} was not on hold.")
    return redirect(url_for("console.account", name=name), 303)


@bp.get("/accounts/<name>/now")
@needs(Role.VIEWER)
def account_now(name: str) -> ResponseReturnValue:
    """Return the part of the account's page that it asks for again and again."""
    summary = services().accounts.summaries.summary(name)
    return render_template("console/account_now.html", **_now(summary))


@bp.get("/accounts/<name>/charts")
@needs(Role.VIEWER)
def account_charts(name: str) -> ResponseReturnValue:
    """Return the account's charts, which its page asks for again now and then."""
    services().accounts.summaries.registry.check_known(name)
    return render_template("console/overview/charts.html", **drawn(name))


def _now(summary: AccountSummary) -> dict[str, Any]:
    """Return how the account is now, and what came of its last release."""
    name, figures = summary.account.name, summary.figures
    outcome = services().operations.holds.outcome(name, figures, how_to_act())
    moves = outcome is not None and not outcome.is_over
    return {
        "summary": summary,
        "advice": advice_for(summary),
        "holds": holds_of(summary),
        "is_paused": is_paused(summary),
        "may_release": release_may_help(summary.holds, summary.status),
        "release_means": on_release(summary.holds, figures.due),
        "outcome": outcome,
        "again_after": WHILE_IT_MOVES if moves else WHILE_AT_REST,
    }


def is_paused(summary: AccountSummary) -> bool:
    """Whether an operator has paused the account."""
    return any(each.reason == HoldReason.PAUSED for each in summary.holds)


@bp.post("/accounts/<name>/lists")
@needs(Role.OPERATOR)
def read_lists(name: str) -> ResponseReturnValue:
    """Read the lists again."""
    lists = services().accounts.api.lists(name)
    flash(lists.error or "The lists are up to date.")
    return redirect(url_for("console.account", name=name) + "#lists", 303)


@bp.post("/accounts/<name>/test")
@needs(Role.OPERATOR)
def start_test(name: str) -> ResponseReturnValue:
    """Send a test sign-up."""
    email, wanted = request.form.get("email", ""), request.form.get("list", "")
    try:
        test_signup = services().accounts.test_signups.start(
            name, email, wanted, by=operator_name()
        )
    except Refused as error:
        return _account_page(name, test_problem=str(error)), 422
    return redirect(url_for("console.test", name=name, id=test_signup.id), 303)


@bp.get("/accounts/<name>/test/<id>")
@needs(Role.OPERATOR)
def test(name: str, id: str) -> ResponseReturnValue:
    """Show a test sign-up. The page reloads itself until the test is over."""
    tools = services().accounts
    return render_template(
        "console/test.html",
        test=tools.test_signups.follow(name, id),
        summary=tools.summaries.summary(name),
        workers=services().operations.status.pulse().workers,
    )


@bp.post("/accounts/<name>/test/<id>/remove")
@needs(Role.OPERATOR)
def remove_test(name: str, id: str) -> ResponseReturnValue:
    """Delete the contact that a test has created."""
    services().accounts.test_signups.remove(name, id)
    return redirect(url_for("console.test", name=name, id=id), 303)


@bp.get("/accounts/<name>/disconnect")
@needs(Role.ADMIN)
def ask_to_disconnect(name: str) -> ResponseReturnValue:
    """Ask before an account is disconnected."""
    tools = services().accounts
    figures = tools.summaries.ledger.figures(name)
    return render_template(
        "console/disconnect.html", summary=tools.summaries.summary(name), figures=figures
    )


@bp.post("/accounts/<name>/disconnect")
@needs(Role.ADMIN)
def disconnect(name: str) -> ResponseReturnValue:
    """Delete the account's tokens."""
    services().accounts.connecting.disconnect(name, by=operator_name())
    flash(f"{name} is disconnected. Its sign-ups are kept and wait until you connect it again.")
    return redirect(url_for("console.account", name=name), 303)


@bp.get("/accounts/<name>/remove")
@needs(Role.ADMIN)
def ask_to_remove_account(name: str) -> ResponseReturnValue:
    """Ask before an account is removed, or say what stands in the way."""
    summary = services().accounts.summaries.summary(name)
    found = _removal().in_the_way(name)
    return render_template("console/account_remove.html", summary=summary, in_the_way=found)


@bp.post("/accounts/<name>/remove")
@needs(Role.ADMIN)
def remove_account(name: str) -> ResponseReturnValue:
    """Remove the account, and what is stored of it but for the evidence of consent."""
    if _removal().in_the_way(name).anything:
        return redirect(url_for("console.ask_to_remove_account", name=name), 303)
    _removal().remove(name)
    flash(f"{name} is removed. Its contacts at Constant Contact stay, and so does the permission.")
    return redirect(url_for("console.accounts"), 303)


def _removal() -> AccountRemoval:
    return AccountRemoval(services().accounts.connecting, services().sleep)


@bp.post("/accounts/<name>/take-over")
@needs(Role.ADMIN)
def take_over(name: str) -> ResponseReturnValue:
    """Make this installation the one that refreshes the account's tokens."""
    services().accounts.connecting.claim_ownership(name)
    flash(f"This installation now refreshes the tokens of {name}.")
    return redirect(url_for("console.account", name=name), 303)


def _account_page(
    name: str, *, test_problem: str | None = None, hold_problem: str | None = None
) -> str:
    tools = services().accounts
    summary, lists = tools.summaries.summary(name), _lists(name)
    forms = [form for form in tools.summaries.registry.forms() if form.account == name]
    shown, folded = folded_lists(lists.lists if lists else (), forms)
    return render_template(
        "console/account.html",
        **_now(summary),
        **drawn(name),
        hold_problem=hold_problem,
        links=tools.connecting.browser.links.of(name, utc_now()),
        lists=lists,
        shown_lists=shown,
        folded_lists=folded,
        refused=refused_lists(name, lists),
        forms=forms,
        jobs=services().operations.jobs.going_on(name),
        test_problem=test_problem,
        email=request.form.get("email", ""),
        wanted=request.form.get("list", ""),
    )


def folded_lists(
    lists: Iterable[ContactList], forms: Iterable[Form]
) -> tuple[list[ContactList], list[ContactList]]:
    """Return the lists to show at once, and those to fold, both by name. Lists that forms use come
    first, and are never folded."""
    used = {listed.id for form in forms for listed in form.lists}
    by_name = sorted(lists, key=lambda each: (each.id not in used, each.name.casefold()))
    count = max(SHOWN_LISTS, sum(each.id in used for each in by_name))
    return by_name[:count], by_name[count:]


def refused_lists(account: str, there: Lists | None) -> dict[str, datetime]:
    """Return by id which lists are gone by what failed since `there` was read, and how lately."""
    return read_refused_lists(services().operations.lists, account, there) if there else {}


def _lists(name: str) -> Lists | None:
    """Return the lists, from the cache if it is fresh; None if there are none to show."""
    try:
        return services().accounts.api.lists(name, max_age=FRESH)
    except (ApiCallFailed, LedgerUnavailable):
        return None
