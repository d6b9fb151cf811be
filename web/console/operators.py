"""``/console/operators``: who may sign in, and in which role. Admins alone.

A change asks for the admin's own password. Otherwise somebody at a browser that was left open could
give themselves access that lasts (ADR 34). Ending sessions or a key gives nobody anything, so that
asks for none.
"""

from collections.abc import Callable

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused, TooManyTries, WrongPassword
from shared.operations.operators import NewPassword, Role
from web.console import bp, guard
from web.console.guard import needs, operator_name, session_id
from web.services import services

# The pages that ask before a change.
_CHANGES = ("role", "password", "second-factor", "sessions", "key", "remove")
# Of oneself, these are on the profile, which asks for more.
_ON_PROFILE = ("password", "second-factor")


@bp.get("/operators")
@needs(Role.ADMIN)
def operators() -> ResponseReturnValue:
    """Show all operators, and a form for one more."""
    return _list_page()


@bp.post("/operators")
@needs(Role.ADMIN)
def add_operator() -> ResponseReturnValue:
    """Add an operator, and show the password that was made up."""
    name = request.form.get("name", "").strip()

    def add() -> ResponseReturnValue:
        return _password_page(services().operators.add(name, _role()), is_new=True)

    return _with_password(add, _list_page)


@bp.get("/operators/<name>")
@needs(Role.ADMIN)
def operator(name: str) -> ResponseReturnValue:
    """Show an operator's access, and what can be changed."""
    return render_template(
        "console/operator.html",
        summary=services().operator_list.one(name),
        is_own=name == operator_name(),
    )


@bp.get("/operators/<name>/<change>")
@needs(Role.ADMIN)
def ask_to_change_operator(name: str, change: str) -> ResponseReturnValue:
    """Say what a change would end, and ask for it."""
    if change not in _CHANGES:
        abort(404)
    return _change_page(name, change)


@bp.post("/operators/<name>/role")
@needs(Role.ADMIN)
def set_operator_role(name: str) -> ResponseReturnValue:
    def change() -> ResponseReturnValue:
        changed = services().operators.set_role(name, _role())
        flash(f"{name} has the role {changed.role} now, and must sign in again.")
        return redirect(url_for("console.operators"), 303)

    return _confirmed(change, name, "role")


@bp.post("/operators/<name>/password")
@needs(Role.ADMIN)
def reset_operator_password(name: str) -> ResponseReturnValue:
    """Make up a new password, and show it."""

    def change() -> ResponseReturnValue:
        return _password_page(services().operators.set_password(name), is_new=False)

    return _confirmed(change, name, "password")


@bp.post("/operators/<name>/second-factor")
@needs(Role.ADMIN)
def reset_operator_second_factor(name: str) -> ResponseReturnValue:
    def change() -> ResponseReturnValue:
        was_on = services().second_factors.reset(name)
        flash(
            f"The second factor of {name} is off, and {name} is signed out everywhere."
            if was_on
            else f"{name} has no second factor. Nothing was changed."
        )
        return redirect(url_for("console.operator", name=name), 303)

    return _confirmed(change, name, "second-factor")


@bp.post("/operators/<name>/sessions")
@needs(Role.ADMIN)
def end_operator_sessions(name: str) -> ResponseReturnValue:
    services().operators.end_sessions(name)
    flash(f"{name} is signed out everywhere.")
    return redirect(url_for("console.operator", name=name), 303)


@bp.post("/operators/<name>/key")
@needs(Role.ADMIN)
def end_operator_key(name: str) -> ResponseReturnValue:
    ended = services().operator_keys.revoke(name)
    flash(f"The key of {name} works no longer." if ended else f"{name} has no key.")
    return redirect(url_for("console.operator", name=name), 303)


@bp.post("/operators/<name>/remove")
@needs(Role.ADMIN)
def remove_operator(name: str) -> ResponseReturnValue:
    def change() -> ResponseReturnValue:
        services().operators.remove(name)
        flash(f"{name} cannot sign in any more.")
        return redirect(url_for("console.operators"), 303)

    return _confirmed(change, name, "remove")


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError as error:
        raise Refused("Choose a role.") from error


def _confirmed(
    change: Callable[[], ResponseReturnValue], name: str, which: str
) -> ResponseReturnValue:
    """Make the change of the operator, or say on its page why not."""

    def page(**errors: str) -> str:
        return _change_page(name, which, **errors)

    if _is_on_profile(name, which):
        return page(), 422
    return _with_password(change, page)


def _with_password(
    change: Callable[[], ResponseReturnValue], page: Callable[..., str]
) -> ResponseReturnValue:
    """Make the change if the admin's own password came with it. `page` takes what is wrong."""
    try:
        services().operators.check_own_password(
            operator_name(),
            request.form.get("password", ""),
            address=request.remote_addr or "",
            session=session_id(),
        )
        return change()
    except TooManyTries as error:
        return page(password=str(error)), 429, guard.retry_after(error)
    except WrongPassword as error:
        return page(password=str(error)), 422
    except Refused as error:
        return page(problem=str(error)), 422


def _is_on_profile(name: str, change: str) -> bool:
    return name == operator_name() and change in _ON_PROFILE


def _list_page(**errors: str) -> str:
    return render_template(
        "console/operators.html",
        summaries=services().operator_list.all(),
        must_have_second_factor=services().second_factors.must_have,
        roles=list(Role),
        errors=errors,
        typed=request.form,
    )


def _change_page(name: str, change: str, **errors: str) -> str:
    return render_template(
        "console/operator_change.html",
        summary=services().operator_list.one(name),
        change=change,
        is_on_profile=_is_on_profile(name, change),
        impossible=_why_it_stays(name) if change == "remove" else None,
        roles=list(Role),
        errors=errors,
        typed=request.form,
        is_own=name == operator_name(),
    )


def _why_it_stays(name: str) -> str | None:
    """Return why the operator cannot be removed; None if they can."""
    try:
        services().operators.check_removal(name)
    except Refused as error:
        return str(error)
    return None


def _password_page(made: NewPassword, *, is_new: bool) -> str:
    return render_template(
        "console/operator_password.html",
        made=made,
        is_new=is_new,
        must_set_up=services().second_factors.must_have(made.operator.role),
        console=f"{services().settings.public_url}/console/",
    )
