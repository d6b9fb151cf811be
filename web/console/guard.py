"""The guard of the console: nobody without a session, no change that another site asked for.

A session is a signed cookie with the operator's name and epoch; each request reads the
operator's record, so that a changed password or role counts at once.
"""

import functools
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from shared.infrastructure.sealing import derived_key
from shared.infrastructure.settings import Settings
from shared.operations.operators import Operator, Operators, Role
from web.console import bp
from web.signup.origins import source_of

SESSION_LIFE = timedelta(hours=12)
_SAFE = ("GET", "HEAD", "OPTIONS")

P = ParamSpec("P")
R = TypeVar("R")


def set_up_sessions(app: Flask, settings: Settings) -> None:
    """Have Flask sign sessions, with keys of their own made from the secret keys."""
    newest, *older = (derived_key(key, "console session") for key in settings.secret_keys)
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="relay_console",
        SESSION_COOKIE_PATH="/console",
        SESSION_COOKIE_HTTPONLY=True,
        # Not strict: the login at Constant Contact leads back here, from another site.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        # Only the guard prolongs a session: visitors' pages have nothing to do with cookies.
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def needs(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view be used by operators whose role includes `role`."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_operator().role.may(role):
                raise Forbidden(f"This needs an operator with the role {role}.")
            return view(*args, **kwargs)

        guarded.needs = role  # type: ignore[attr-defined]
        return guarded

    return decorate


@bp.before_request
def check_request() -> ResponseReturnValue | None:
    """Let nobody in without a session, and no change that did not come from our own pages."""
    if request.method not in _SAFE:
        _check_origin()
    g.operator = _signed_in()
    if request.endpoint == "console.sign_in":  # perhaps in a second tab, signed in meanwhile
        return None
    if g.operator is None:
        return _to_sign_in()
    if request.method not in _SAFE:
        _check_token()
    session.modified = True  # it ends when nobody has used it for `SESSION_LIFE`
    return None


def sign_in_as(operator: Operator) -> None:
    """Begin a session, with a token of its own."""
    session.clear()
    session.permanent = True
    session.update(operator=operator.name, epoch=operator.epoch, token=secrets.token_urlsafe(24))


def sign_out() -> None:
    session.clear()


def current_operator() -> Operator:
    """Return who is signed in; for views, which nobody else reaches."""
    operator: Operator = g.operator
    return operator


def operator_name() -> str:
    return current_operator().name


def csrf_token() -> str:
    """Return the token that every form of the session sends along."""
    token: str = session.get("token", "")
    return token


def operators() -> Operators:
    found: Operators = current_app.extensions["operators"]
    return found


def _signed_in() -> Operator | None:
    name = session.get("operator")
    operator = operators().find(name) if isinstance(name, str) else None
    return operator if operator and operator.epoch == session.get("epoch") else None


def _to_sign_in() -> ResponseReturnValue:
    if request.method not in _SAFE:
        raise Forbidden("You are signed out. Sign in, then do it again; nothing was changed.")
    wanted = request.full_path.rstrip("?")
    response = redirect(url_for("console.sign_in", next=wanted))
    if request.headers.get("HX-Request"):  # else the sign-in page would land inside this one
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 200
    return response


def _check_origin() -> None:
    """Refuse what another site asked the browser to send; browsers tell in one of three headers.

    The scheme alone says nothing: behind a TLS proxy this app is asked over http.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site == "same-origin":
        return
    if site != "none":
        raise Forbidden("This came from another site's page, so nothing was changed.")
    settings: Settings = current_app.extensions["settings"]
    notified = "Origin" in request.headers or "Referer" in request.headers
    if notified and not source_of(request, settings.public_url).ours:
        raise Forbidden(
            "This came from another address than RELAY_PUBLIC_URL names, so nothing was changed."
        )


def _check_token() -> None:
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not (csrf_token() and hmac.compare_digest(sent.encode(), csrf_token().encode())):
        raise Forbidden("This page is too old. Reload it, then do it again; nothing was changed.")
