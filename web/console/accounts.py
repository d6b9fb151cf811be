"""An account's page: its card, holds, links, lists, and a test sign-up that is followed live."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.account_reads import FRESH, Lists, ReadFailed
from shared.accounts.advice import on_account
from shared.domain.errors import Refused
from shared.operations.assembly import AccountTools, utc_now
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs, operator_name


@bp.get("/accounts/<name>")
@needs(Role.VIEWER)
def account(name: str) -> ResponseReturnValue:
    """Show everything about an account."""
    return _account_page(name)


@bp.post("/accounts/<name>/lists")
@needs(Role.OPERATOR)
def read_lists(name: str) -> ResponseReturnValue:
    """Read the lists anew."""
    lists = account_tools().reads.lists(name)
    flash(lists.trouble or "The lists are as Constant Contact has them now.")
    return redirect(url_for("console.account", name=name) + "#lists", 303)


@bp.post("/accounts/<name>/test")
@needs(Role.OPERATOR)
def start_test(name: str) -> ResponseReturnValue:
    """Send a test sign-up."""
    email, wanted = request.form.get("email", ""), request.form.get("list", "")
    try:
        trial = account_tools().trials.start(name, email, wanted, by=operator_name())
    except Refused as error:
        return _account_page(name, test_problem=str(error)), 422
    return redirect(url_for("console.test", name=name, id=trial.id), 303)


@bp.get("/accounts/<name>/test/<id>")
@needs(Role.OPERATOR)
def test(name: str, id: str) -> ResponseReturnValue:
    """Follow a test sign-up; the page asks for itself again until it is over."""
    tools = account_tools()
    trial = tools.trials.follow(name, id)
    return render_template("console/test.html", trial=trial, summary=tools.summaries.summary(name))


@bp.post("/accounts/<name>/test/<id>/remove")
@needs(Role.OPERATOR)
def remove_test(name: str, id: str) -> ResponseReturnValue:
    """Delete the contact that a test has made."""
    account_tools().trials.remove(name, id)
    return redirect(url_for("console.test", name=name, id=id), 303)


@bp.get("/accounts/<name>/disconnect")
@needs(Role.ADMIN)
def ask_to_disconnect(name: str) -> ResponseReturnValue:
    """Ask before an account is disconnected."""
    tools = account_tools()
    figures = tools.summaries.ledger.figures(name)
    return render_template(
        "console/disconnect.html", summary=tools.summaries.summary(name), figures=figures
    )


@bp.post("/accounts/<name>/disconnect")
@needs(Role.ADMIN)
def disconnect(name: str) -> ResponseReturnValue:
    """Forget the account's tokens."""
    account_tools().connecting.disconnect(name, by=operator_name())
    flash(f"{name} is disconnected. What it has accepted is kept, and waits.")
    return redirect(url_for("console.account", name=name), 303)


@bp.post("/accounts/<name>/take-over")
@needs(Role.ADMIN)
def take_over(name: str) -> ResponseReturnValue:
    """Make this installation the one that keeps the tokens fresh."""
    account_tools().connecting.claim_ownership(name)
    flash(f"The tokens of {name} are kept fresh here now.")
    return redirect(url_for("console.account", name=name), 303)


def _account_page(name: str, *, test_problem: str | None = None) -> str:
    tools = account_tools()
    summary = tools.summaries.summary(name)
    return render_template(
        "console/account.html",
        summary=summary,
        advice=list(on_account(name, summary.holds, summary)),
        links=tools.connecting.links.of(name, utc_now()),
        lists=_lists(name),
        forms=[form for form in tools.summaries.registry.forms() if form.account == name],
        test_problem=test_problem,
        email=request.form.get("email", ""),
        wanted=request.form.get("list", ""),
    )


def _lists(name: str) -> Lists | None:
    """Return the lists, kept ones if they are not old; None when there are none to show."""
    try:
        return account_tools().reads.lists(name, max_age=FRESH)
    except ReadFailed:
        return None


def account_tools() -> AccountTools:
    """Return what can be done with accounts."""
    tools: AccountTools = current_app.extensions["accounts"]
    return tools
