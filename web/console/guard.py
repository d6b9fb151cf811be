"""Access to the console: only with a session, and no change that another site asks for.

A session is a random id in a signed cookie, and a record in Redis, which
`shared/operations/sessions.py` describes. Each request reads that and the operator's record, so
that a sign-out and a changed password or role take effect at once. ADR 20 says what happens while
Redis takes no writes.
"""

import contextlib
import functools
import hmac
import math
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from shared.domain.audit import Actor, Via, set_actor
from shared.domain.errors import LedgerUnavailable, TooManyTries
from shared.infrastructure.sealing import derived_key
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.operations.operators import Operator, Role
from shared.operations.second_steps import Ticket
from shared.operations.sessions import LONGEST, NOTE_USE_EVERY, UNSTORED_LIFE, Session, Visit
from web.console import bp
from web.cookies import Cookie, is_secure
from web.services import services
from web.signup.client_kind import client_kind
from web.signup.flask_request import head_of
from web.signup.origins import source_of

_COOKIE = Cookie("relay_console", "/console")
_SIGNING_IN = ("console.sign_in", "console.second_step")
# Of a page of ours that is led to after the sign-in: the longest has a cursor and some filters.
_LONGEST_ADDRESS = 500
_SAFE = ("GET", "HEAD", "OPTIONS")
_SITE = "sec-fetch-site"

P = ParamSpec("P")
R = TypeVar("R")


def set_up_sessions(app: Flask, settings: Settings) -> None:
    """Have Flask sign sessions with keys that are derived from the secret keys."""
    newest, *older = (derived_key(key, "console session") for key in settings.secret_keys)
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME=_COOKIE.name(settings),
        SESSION_COOKIE_PATH=_COOKIE.path(settings),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # as `Cookie.set` has it
        SESSION_COOKIE_SECURE=is_secure(settings),
        PERMANENT_SESSION_LIFETIME=LONGEST,
        # Visitors' pages set no cookies.
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
    if g.operator:
        set_actor(Actor(g.operator.name, Via.CONSOLE, request.remote_addr))
    if request.endpoint in _SIGNING_IN:  # also in a second tab, after signing in
        return None
    if g.operator is None:
        return _to_sign_in()
    if request.method not in _SAFE:
        _check_token()
    if not _is_open_without_second_factor() and _lacks_second_factor(g.operator):
        return _to_second_factor()
    return None


def note_operator() -> None:
    """Note who is signed in, if anybody is, for the page of an error that came before
    `check_request`."""
    if "operator" in g:
        return
    g.operator = None
    if session_name():
        with contextlib.suppress(LedgerUnavailable):
            g.operator = _signed_in()


def sign_in_as(operator: Operator) -> None:
    """Begin a session with an id and a CSRF token of its own, and end the one before.

    While Redis takes no writes, the cookie alone carries it.
    """
    with contextlib.suppress(LedgerUnavailable):
        _end_session()
    session.clear()
    session.permanent = True
    session.update(
        operator=operator.name,
        epoch=operator.epoch,
        id=secrets.token_urlsafe(24),
        token=secrets.token_urlsafe(24),
    )
    if not _written(partial(services().sessions.begin, operator, session_id(), _visit())):
        session["unstored"] = utc_now().isoformat()


def await_code(operator: Operator) -> None:
    """Note that the operator typed the right password. That opens nothing yet."""
    with contextlib.suppress(LedgerUnavailable):
        _end_session()
    session.clear()
    session["second_step"] = services().second_steps.begin(operator)


def second_step() -> Ticket:
    """Return what this browser has of a sign-in that waits for a code; nothing if none does."""
    ticket: Ticket = session.get("second_step", {})
    return ticket


def sign_out() -> bool:
    """End the session; False if Redis did not note it, so that a copy of the cookie still works."""
    is_stored = "unstored" not in session
    try:
        _end_session()
    except LedgerUnavailable:
        return False
    finally:
        session.clear()
    return is_stored


def _end_session() -> None:
    if name := session_name():
        services().sessions.end(name, session_id())


def retry_after(error: TooManyTries) -> dict[str, str]:
    """Return the header that says when to try again, as whole seconds."""
    return {"Retry-After": str(math.ceil(error.retry_after.total_seconds()))}


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
    operator, stored = services().find_session(session_name() or "", session_id())
    if operator is None or session.get("epoch") != operator.epoch:
        return None
    goes_on = _keep_unstored(operator) if stored is None else _keep_stored(operator, stored)
    return operator if goes_on else None


def _keep_unstored(operator: Operator) -> bool:
    """Whether the session began while Redis took no writes, lately. Tries to store it now."""
    if "unstored" not in session:
        return False
    begun_at = datetime.fromisoformat(session["unstored"])
    if utc_now() - begun_at >= UNSTORED_LIFE:
        return False
    begin = partial(services().sessions.begin, operator, session_id(), _visit(), begun_at)
    goes_on: list[bool] = []
    if _written(lambda: goes_on.append(begin())):
        del session["unstored"]
    return goes_on != [False]


def _keep_stored(operator: Operator, stored: Session) -> bool:
    """Whether the session goes on. Notes its use: in the cookie, while Redis takes no writes."""
    now = utc_now()
    if "seen" in session:
        stored = stored.seen_also(datetime.fromisoformat(session["seen"]))
    if stored.has_ended(operator.epoch, now):
        return False
    if now - stored.seen_at >= NOTE_USE_EVERY and not _asks_by_itself(stored):
        if _written(partial(services().sessions.note_use, operator, session_id(), _visit())):
            session.pop("seen", None)
        else:
            session["seen"] = now.isoformat()
    return True


def _asks_by_itself(stored: Session) -> bool:
    """Whether a page updates itself. It does so while nobody is there, which is no use. From
    another address it is: whoever has a copy of the cookie must not stay out of the list."""
    is_update = request.method in _SAFE and "HX-Request" in request.headers
    return is_update and stored.address == request.remote_addr


def _written(write: Callable[[], object]) -> bool:
    """Whether Redis took what `write` stores, in the time that an operator's request has."""
    try:
        services().deadlines.start().ask(write)
    except LedgerUnavailable:
        return False
    return True


def _visit() -> Visit:
    return Visit(
        address=request.remote_addr or "", browser=client_kind(request.headers.get("User-Agent"))
    )


def session_id() -> str:
    id: str = session.get("id", "")
    return id


def session_name() -> str | None:
    """Return whom the session names, which Redis has not confirmed."""
    name = session.get("operator")
    return name if isinstance(name, str) else None


def _to_sign_in() -> ResponseReturnValue:
    if request.method not in _SAFE:
        raise Forbidden("You are signed out. Nothing was changed. Sign in and try again.")
    return _lead_to(url_for("console.sign_in", next=_short(request.full_path.rstrip("?"))))


def page_after_sign_in() -> str:
    """Return the page that was asked for before the sign-in, as a stranger may have made it up."""
    return _short(request.values.get("next", ""))


def _short(address: str) -> str:
    """Return an address of ours, or nothing: encoded, a long one would make a large answer."""
    return address if len(address) <= _LONGEST_ADDRESS else ""


def _is_open_without_second_factor() -> bool:
    """Whether the page is one that an operator needs to set one up, or not to."""
    rule = request.url_rule.rule if request.url_rule else ""
    return request.endpoint == "console.sign_out" or rule.startswith("/console/profile")


def _lacks_second_factor(operator: Operator) -> bool:
    factors = services().second_factors
    if not factors.must_have(operator.role):
        return False
    return services().deadlines.start().ask(lambda: not factors.has(operator.name))


def _to_second_factor() -> ResponseReturnValue:
    if request.method not in _SAFE:
        raise Forbidden("You need a second factor first. Nothing was changed.")
    return _lead_to(url_for("console.second_factor"))


def _lead_to(url: str) -> ResponseReturnValue:
    response = redirect(url)
    if request.headers.get("HX-Request"):  # else htmx shows that page inside this one
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 200
    return response


def _check_origin() -> None:
    """Refuse requests that another site made the browser send; one of three headers shows them.

    The scheme does not count: behind a TLS proxy, requests arrive over http.
    """
    head = head_of(request)
    if is_from_another_site(head.headers):
        raise Forbidden("This request came from another site. Nothing was changed.")
    if head.headers.get(_SITE) == "same-origin":
        return
    has_source = "Origin" in request.headers or "Referer" in request.headers
    if has_source and not source_of(head, services().settings.public_url).ours:
        raise Forbidden(
            "This request did not come from the address in RELAY_PUBLIC_URL. Nothing was changed."
        )


def is_from_another_site(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that another site made it send the request. Names of `headers` are
    in lower case."""
    return headers.get(_SITE, "none") not in ("same-origin", "none")


def _check_token() -> None:
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not (csrf_token() and hmac.compare_digest(sent.encode(), csrf_token().encode())):
        raise Forbidden("This page has expired. Nothing was changed. Reload it and try again.")
