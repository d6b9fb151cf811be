"""``/console/profile/key``: an operator's own key, with which scripts use the API."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import Refused
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs, operator_name
from web.console.second_factor import asked, code_and_password, refused
from web.services import services


@bp.get("/profile/key")
@needs(Role.VIEWER)
def operator_key() -> ResponseReturnValue:
    """Show when the key was made and used, and how to make one."""
    return _page()


@bp.post("/profile/key")
@needs(Role.VIEWER)
def make_key() -> ResponseReturnValue:
    """Make a key, which ends the one before, and show it. Password and code are asked for, as for
    every change of how the operator gets in."""
    try:
        services().second_factors.confirm(*code_and_password(), asked())
        key = services().operator_keys.issue(operator_name())
    except Refused as error:
        return refused(error, _page)
    return _page(new_key=key)


@bp.post("/profile/key/end")
@needs(Role.VIEWER)
def end_key() -> ResponseReturnValue:
    ended = services().operator_keys.revoke(operator_name())
    flash("Your key works no longer." if ended else "You have no key.")
    return redirect(url_for("console.profile"), 303)


def _page(*, new_key: str | None = None, **errors: str) -> str:
    return render_template(
        "console/operator_key.html",
        key=services().operator_keys.of(operator_name()),
        new_key=new_key,
        has_second_factor=services().second_factors.has(operator_name()),
        api=f"{services().settings.public_url}/api/v1",
        errors=errors,
    )
