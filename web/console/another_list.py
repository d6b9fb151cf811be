"""Giving a form another list in place of one that is gone, and retrying there what failed."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.operations.forms.another_list import AnotherList, ListChoice
from shared.operations.operators import Role
from web.console import bp
from web.console.forms import known_form
from web.console.guard import needs
from web.services import services


@bp.get("/forms/<form>/list")
@needs(Role.OPERATOR)
def another_list(form: str) -> ResponseReturnValue:
    """Show the lists to choose from, and what would be retried."""
    choice = _another_list().look(known_form(form), request.args.get("group"))
    if not choice.gone.ids:
        return _nothing_to_replace(choice)
    return _page(choice)


@bp.post("/forms/<form>/list")
@needs(Role.OPERATOR)
def give_list(form: str) -> ResponseReturnValue:
    """Give the form the list, and retry what failed for one that is gone."""
    choice = _another_list().look(known_form(form), request.form.get("group"))
    if not choice.gone.ids:
        return _nothing_to_replace(choice)
    wanted = request.form.get("list", "")
    try:
        done = _another_list().give(choice, wanted, request.form.get("version", ""))
    except Refused as error:  # `FormChanged` is one
        return _page(choice, problem=f"{error} Nothing was changed."), 409
    flash(f"The form {form} sends to {choice.there.named(wanted)} now.")
    if done and done.job:
        return redirect(url_for("console.job", id=done.job.id), 303)
    return redirect(url_for("console.form", form=form), 303)


def _page(choice: ListChoice, problem: str | None = None) -> str:
    return render_template(
        "console/forms/another_list.html",
        form=choice.form,
        choice=choice,
        plan=_another_list().plan(choice),
        problem=problem,
    )


def _nothing_to_replace(choice: ListChoice) -> ResponseReturnValue:
    """Lead to where somebody sees what helps: no list of the form is known to be gone."""
    form = choice.form.name
    if choice.gone.one_of:
        flash("Constant Contact does not say which list is gone. Choose the form's lists here.")
        return redirect(url_for("console.edit_form", form=form) + "#lists", 303)
    flash(f"Constant Contact knows all lists of the form {form}. Retry what failed.")
    return redirect(url_for("console.failed", form=form), 303)


def _another_list() -> AnotherList:
    operations = services().operations
    return AnotherList(services().accounts.api, operations.forms, operations.bulk)
