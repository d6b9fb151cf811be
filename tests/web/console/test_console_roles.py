"""Who may do what in the console: every route and method, asked for by everybody.

A new route needs a line in `LEAST_ROLE`, as tests/architecture/test_routes.py demands. The server
refuses by itself: what a page shows or hides decides nothing. test_console_guard.py has the guard's
own corners.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shared.operations.operators import Role
from tests.support.console_browser import SignedIn

VIEWER, OPERATOR, ADMIN = Role
# By method and rule, the least role that may ask for it; None is anybody.
LEAST_ROLE: dict[str, Role | None] = {
    "GET /console/": VIEWER,
    "GET /console/live": VIEWER,
    "GET /console/charts": VIEWER,
    "GET /console/accounts": VIEWER,
    "GET /console/accounts/<name>": VIEWER,
    "GET /console/accounts/<name>/now": VIEWER,
    "GET /console/accounts/<name>/charts": VIEWER,
    "GET /console/accounts/<name>/disconnect": ADMIN,
    "POST /console/accounts/<name>/disconnect": ADMIN,
    "POST /console/accounts/<name>/hold": OPERATOR,
    "POST /console/accounts/<name>/lists": OPERATOR,
    "POST /console/accounts/<name>/release": OPERATOR,
    "GET /console/accounts/<name>/remove": ADMIN,
    "POST /console/accounts/<name>/remove": ADMIN,
    "POST /console/accounts/<name>/take-over": ADMIN,
    "POST /console/accounts/<name>/test": OPERATOR,
    "GET /console/accounts/<name>/test/<id>": OPERATOR,
    "POST /console/accounts/<name>/test/<id>/remove": OPERATOR,
    "POST /console/alerts/test": OPERATOR,
    "GET /console/audit": OPERATOR,
    "GET /console/audit/export": OPERATOR,
    "GET /console/connect": OPERATOR,
    "POST /console/connect": OPERATOR,
    "POST /console/connect/<name>/link": OPERATOR,
    "GET /console/connect/<name>/log-in": OPERATOR,
    "POST /console/connect/<name>/log-in": OPERATOR,
    "GET /console/connect/done/<id>": OPERATOR,
    "GET /console/connect/kept/<pending_id>": OPERATOR,
    "POST /console/connect/kept/<pending_id>": ADMIN,
    "POST /console/connect/kept/<pending_id>/as/<name>": OPERATOR,
    "GET /console/connect/links/<id>": OPERATOR,
    "POST /console/connect/links/<id>/withdraw": OPERATOR,
    "GET /console/doctor": VIEWER,
    "GET /console/delivered": VIEWER,
    "POST /console/delivered": OPERATOR,
    "GET /console/discarded": VIEWER,
    "POST /console/discarded": OPERATOR,
    "GET /console/failed": VIEWER,
    "POST /console/failed": OPERATOR,
    "POST /console/failed/confirm": OPERATOR,
    "POST /console/failed/discard": OPERATOR,
    "POST /console/failed/export": OPERATOR,
    "GET /console/failed/jobs": VIEWER,
    "GET /console/failed/jobs/<id>": VIEWER,
    "POST /console/failed/jobs/<id>/cancel": OPERATOR,
    "POST /console/failed/jobs/<id>/undo": OPERATOR,
    "POST /console/failed/retry": OPERATOR,
    "GET /console/forms": VIEWER,
    "GET /console/forms/-/new": OPERATOR,
    "POST /console/forms/-/new": OPERATOR,
    "GET /console/forms/<form>": VIEWER,
    "GET /console/forms/<form>/allow": OPERATOR,
    "POST /console/forms/<form>/allow": OPERATOR,
    "GET /console/forms/<form>/close": OPERATOR,
    "POST /console/forms/<form>/close": OPERATOR,
    "GET /console/forms/<form>/edit": OPERATOR,
    "POST /console/forms/<form>/edit": OPERATOR,
    "GET /console/forms/<form>/list": OPERATOR,
    "POST /console/forms/<form>/list": OPERATOR,
    "POST /console/forms/<form>/open": OPERATOR,
    "GET /console/forms/<form>/remove": OPERATOR,
    "POST /console/forms/<form>/remove": OPERATOR,
    "POST /console/forms/<form>/test": OPERATOR,
    "GET /console/operators": ADMIN,
    "POST /console/operators": ADMIN,
    "GET /console/operators/<name>": ADMIN,
    "GET /console/operators/<name>/<change>": ADMIN,
    "POST /console/operators/<name>/key": ADMIN,
    "POST /console/operators/<name>/password": ADMIN,
    "POST /console/operators/<name>/remove": ADMIN,
    "POST /console/operators/<name>/role": ADMIN,
    "POST /console/operators/<name>/second-factor": ADMIN,
    "POST /console/operators/<name>/sessions": ADMIN,
    "GET /console/profile": VIEWER,
    "GET /console/profile/key": VIEWER,
    "POST /console/profile/key": VIEWER,
    "POST /console/profile/key/end": VIEWER,
    "POST /console/profile/password": VIEWER,
    "GET /console/profile/second-factor": VIEWER,
    "POST /console/profile/second-factor": VIEWER,
    "POST /console/profile/second-factor/off": VIEWER,
    "POST /console/profile/second-factor/recovery-codes": VIEWER,
    "POST /console/profile/sign-out-elsewhere": VIEWER,
    "GET /console/quarantine": VIEWER,
    "POST /console/quarantine": OPERATOR,
    "POST /console/quarantine/confirm": OPERATOR,
    "POST /console/quarantine/deliver": OPERATOR,
    "POST /console/quarantine/discard": OPERATOR,
    "GET /console/search": VIEWER,
    "POST /console/search": VIEWER,
    "GET /console/sign-in": None,
    "POST /console/sign-in": None,
    "GET /console/sign-in/code": None,
    "POST /console/sign-in/code": None,
    "POST /console/sign-out": VIEWER,
    "GET /console/signups/<id>": VIEWER,
    "POST /console/signups/<id>/deliver": OPERATOR,
    "GET /console/signups/<id>/discard": OPERATOR,
    "POST /console/signups/<id>/discard": OPERATOR,
    "GET /console/signups/<id>/edit": OPERATOR,
    "POST /console/signups/<id>/edit": OPERATOR,
    "GET /console/signups/<id>/erase": ADMIN,
    "POST /console/signups/<id>/erase": ADMIN,
    "POST /console/signups/<id>/retry": OPERATOR,
    "POST /console/signups/<id>/undo-discard": OPERATOR,
    "GET /console/waiting": VIEWER,
    "POST /console/waiting": OPERATOR,
}
# All that a viewer may post, with what is below the second.
OF_VIEWERS = ("/console/sign-out", "/console/profile", "/console/search")
# Of every answer, whoever asks for whatever.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
NEED_A_SESSION = sorted(route for route, role in LEAST_ROLE.items() if role is not None)
CHANGES = [route for route in NEED_A_SESSION if route.startswith("POST")]

SignIn = Callable[[Role], SignedIn]


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    """Sign a new operator of that role in."""
    numbers = count()
    return lambda role: SignedIn(app, role, f"{role}-{next(numbers)}")


def asked(browser: SignedIn, route: str) -> TestResponse:
    """Ask for it as a page of the console does. The names and ids are nobody's."""
    method, rule = route.split(" ")
    path = re.sub(r"<[^>]+>", "nobody", rule)
    return browser.get(path) if method == "GET" else browser.post(path)


def wrong_headers(answer: TestResponse) -> Iterator[str]:
    policy = answer.headers.get("Content-Security-Policy", "")
    if "frame-ancestors 'none'" not in policy or "script-src 'self';" not in policy:
        yield "Content-Security-Policy"
    yield from (name for name, value in HEADERS.items() if answer.headers.get(name) != value)


def test_viewers_post_what_is_their_own_and_nothing_else() -> None:
    posts = {route.partition(" ")[2] for route in CHANGES if LEAST_ROLE[route] == Role.VIEWER}
    assert {path for path in posts if not path.startswith(OF_VIEWERS)} == set()


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says_and_no_more(sign_in: SignIn, role: Role) -> None:
    looks = sign_in(role)
    wrong = {}
    for route, needed in LEAST_ROLE.items():
        # What is posted may end the session.
        answer = asked(looks if route.startswith("GET") else sign_in(role), route)
        may = needed is None or role.may(needed)
        is_to_sign_in = (answer.location or "").startswith("/console/sign-in?")
        is_refused = answer.status_code == 403 or is_to_sign_in
        if is_refused == may or answer.status_code >= 500:
            wrong[route] = answer.status_code
        assert not list(wrong_headers(answer)), (route, list(wrong_headers(answer)))
    assert wrong == {}


def test_nobody_gets_in(app: Flask) -> None:
    stranger = app.test_client()
    for route in NEED_A_SESSION:
        method, rule = route.split(" ")
        path = re.sub(r"<[^>]+>", "nobody", rule)
        answer = stranger.open(path, method=method)
        if method == "GET":
            assert answer.status_code == 302, route
            assert answer.location == f"/console/sign-in?next={path}", route
        else:
            assert answer.status_code == 403, route
        assert not list(wrong_headers(answer)), route


def test_the_token_of_somebody_elses_page_changes_nothing(sign_in: SignIn) -> None:
    browser, other = sign_in(Role.ADMIN), sign_in(Role.ADMIN)
    for route in CHANGES:
        path = re.sub(r"<[^>]+>", "nobody", route.partition(" ")[2])
        for token in (other.token, "", browser.token[:-1], f"{browser.token}x"):
            answer = browser.client.post(path, data={"csrf_token": token})
            assert answer.status_code == 403, route
            assert "This page has expired" in answer.text, route
