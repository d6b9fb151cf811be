"""Access to the console: only with a session, and no change that another site asks for.

A session is a signed cookie with the operator's name and epoch. Each request reads the operator's
record, so that a changed password or role takes effect at once.
"""

import functools
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from shared.infrastructure.sealing import derived_key
from shared.infrastructure.settings import Settings
from shared.operations.operators import Operator, Role
from web.console import bp
from web.services import services
from web.signup.flask_request import head_of
from web.signup.origins import source_of

SESSION_LIFE = timedelta(hours=12)
_SAFE = ("GET", "HEAD", "OPTIONS")

P = ParamSpec("P")
R = TypeVar("R")


def set_up_sessions(app: Flask, settings: Settings) -> None:
    """Have Flask sign sessions with keys that are derived from the secret keys."""
    newest, *older = (derived_key(key, "console session") for key in settings.secret_keys)
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="relay_console",
        SESSION_COOKIE_PATH=f"{urlsplit(settings.public_url).path}/console",
        SESSION_COOKIE_HTTPONLY=True,
        # Not strict: the login at Constant Contact returns here from another site.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        # Only `check_request` prolongs a session: visitors' pages set no cookies.
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def needs(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Allow the view to operators whose role includes `role`."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_operator().role.may(role):
                raise Forbidden(f"Your role does not allow this. It needs the role {role}.")
            return view(*args, **kwargs)

        guarded.needs = role  # type: ignore[attr-defined]
        return guarded

    return decorate


@bp.before_request
def check_request() -> ResponseReturnValue | None:
    """Require a session, and for changes a request from one of our own pages."""
    if request.method not in _SAFE:
        _check_origin()
    g.operator = _signed_in()
    if request.endpoint == "console.sign_in":  # also in a second tab, after signing in
        return None
    if g.operator is None:
        return _to_sign_in()
    if request.method not in _SAFE:
        _check_token()
    session.modified = True  # it ends after `SESSION_LIFE` without use
    return None


def sign_in_as(operator: Operator) -> None:
    """Begin a session with a CSRF token of its own."""
    session.clear()
    session.permanent = True
    session.update(operator=operator.name, epoch=operator.epoch, token=secrets.token_urlsafe(24))


def sign_out() -> None:
    session.clear()


def current_operator() -> Operator:
    """Return the operator who is signed in. Only for views under `needs`."""
    operator: Operator = g.operator
    return operator


def operator_name() -> str:
    return current_operator().name


def csrf_token() -> str:
    """Return the token that every form of this session sends."""
    token: str = session.get("token", "")
    return token


def _signed_in() -> Operator | None:
    """Return the operator of the session, if there is one. Asks Redis in any case, so that every
    page learns within a second that it is away."""
    operator = services().find_operator(session_name() or "")
    return operator if operator and operator.epoch == session.get("epoch") else None


def session_name() -> str | None:
    """Return whom the session names, which Redis has not confirmed."""
    name = session.get("operator")
    return name if isinstance(name, str) else None


def _to_sign_in() -> ResponseReturnValue:
    if request.method not in _SAFE:
        raise Forbidden("You are signed out. Nothing was changed. Sign in and try again.")
    wanted = request.full_path.rstrip("?")
    response = redirect(url_for("console.sign_in", next=wanted))
    if request.headers.get("HX-Request"):  # else htmx shows the sign-in page inside this one
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 200
    return response


def _check_origin() -> None:
    """Refuse requests that another site made the browser send; one of three headers shows them.

    The scheme does not count: behind a TLS proxy, requests arrive over http.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site == "same-origin":
        return
    if site != "none":
        raise Forbidden("This request came from another site. Nothing was changed.")
    has_source = "Origin" in request.headers or "Referer" in request.headers
    if has_source and not source_of(head_of(request), services().settings.public_url).ours:
        raise Forbidden(
            "This request did not come from the address in RELAY_PUBLIC_URL. Nothing was changed."
        )


def _check_token() -> None:
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not (csrf_token() and hmac.compare_digest(sent.encode(), csrf_token().encode())):
        raise Forbidden("This page has expired. Nothing was changed. Reload it and try again.")
