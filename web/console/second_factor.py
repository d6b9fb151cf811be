"""``/console/profile/second-factor``: an operator's own second factor."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pyotp
import segno
from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from shared.domain.errors import Refused, TooManyTries, WrongPassword, WrongPresentCode
from shared.operations.operators import Role
from shared.operations.second_factors import Asked
from web.console import bp, guard, known_devices
from web.console.guard import current_operator, needs, operator_name, session_id
from web.console.profile import profile_page
from web.services import services


@bp.get("/profile/second-factor")
@needs(Role.VIEWER)
def second_factor() -> ResponseReturnValue:
    """Show the secret that an app needs, as a QR code and as text."""
    return _setup_page()


@bp.post("/profile/second-factor")
@needs(Role.VIEWER)
def switch_on_second_factor() -> ResponseReturnValue:
    """Switch it on, or replace it, once a code shows that the app has the secret. This ends the
    operator's sessions, and begins one for this browser."""
    form = request.form
    try:
        switched_on = services().second_factors.switch_on(
            form.get("code", ""), form.get("password", ""), form.get("present_code", ""), asked()
        )
    except Refused as error:
        return refused(error, _setup_page)
    guard.sign_in_as(switched_on.operator)
    response = make_response(_recovery_codes_page(switched_on.recovery_codes, just_on=True))
    known_devices.remember(response, switched_on.operator)
    return response


@bp.post("/profile/second-factor/off")
@needs(Role.VIEWER)
def switch_off_second_factor() -> ResponseReturnValue:
    try:
        services().second_factors.switch_off(*code_and_password(), asked())
    except Refused as error:
        return refused(error, profile_page)
    flash("Your second factor is off. Your password alone signs you in.")
    return redirect(url_for("console.profile"), 303)


@bp.post("/profile/second-factor/recovery-codes")
@needs(Role.VIEWER)
def renew_recovery_codes() -> ResponseReturnValue:
    try:
        codes = services().second_factors.renew_recovery_codes(*code_and_password(), asked())
    except Refused as error:
        return refused(error, profile_page)
    return _recovery_codes_page(codes, just_on=False)


# Of the forms, by what may be wrong with them; the others are about the code.
_FIELDS: dict[type[Refused], str] = {WrongPassword: "password", WrongPresentCode: "present_code"}


def asked() -> Asked:
    """Return who is asked for a code, and where."""
    return Asked(
        name=operator_name(),
        address=request.remote_addr or "",
        session=session_id(),
        device=known_devices.find(operator_name()),
    )


def code_and_password() -> tuple[str, str]:
    """Return what the forms of the profile send that change how the operator gets in."""
    return request.form.get("code", ""), request.form.get("password", "")


def refused(error: Refused, page: Callable[..., str]) -> ResponseReturnValue:
    """Show what is wrong beside the field that it is about."""
    if isinstance(error, TooManyTries):
        return page(code=str(error)), 429, guard.retry_after(error)
    return page(**{_FIELDS.get(type(error), "code"): str(error)}), 422


def _setup_page(**errors: str) -> str:
    secret = services().second_factors.propose(asked())
    return render_template(
        "console/second_factor.html",
        secret=" ".join(re.findall(".{4}", secret)),
        qr_code=_qr_code(secret),
        replaces=services().second_factors.has(operator_name()),
        must_have=services().second_factors.must_have(current_operator().role),
        errors=errors,
    )


def _qr_code(secret: str) -> Markup:
    """Return the QR code as SVG. Apps show the operator and the host, so that people who have
    several know which one this is."""
    host = urlsplit(services().settings.public_url).hostname
    uri = pyotp.TOTP(secret).provisioning_uri(
        name=f"{operator_name()}@{host}", issuer_name="signup-relay"
    )
    # Dark on light with a margin, also on a dark page: else cameras do not find it.
    drawn = segno.make_qr(uri).svg_inline(omitsize=True, light="#fff", border=4)
    return Markup(drawn)  # noqa: S704 - our own drawing, of nothing but shapes


def _recovery_codes_page(codes: list[str], *, just_on: bool) -> str:
    return render_template("console/recovery_codes.html", codes=codes, just_on=just_on)
