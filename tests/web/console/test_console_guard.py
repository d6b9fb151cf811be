"""The console's guard in its corners: odd headers, roles, the cookie's life, Redis away."""

import logging
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from shared.infrastructure.sealing import derived_key
from shared.infrastructure.settings import Settings
from shared.operations.operators import Operators, Role
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.web_services import services_of
from web.app import create_app

SIGN_IN = "/console/sign-in"
ANYWHERE = "https://evil.example"
# What anybody may ask for: the page itself, and to be signed out by a page of the session.
OPEN = {"console.sign_in", "console.second_step", "console.sign_out"}
SAFE = {"GET", "HEAD", "OPTIONS"}


def rules(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert len(found) > 10
    return found


def path_of(rule: Rule) -> str:
    """Return a path of the rule, with the same made-up word for each of its variables."""
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<{name}>", "anything")
    assert "<" not in path
    return path


def changing(app: Flask) -> list[tuple[str, str]]:
    """Return (method, path) of all that can change something for who is signed in."""
    return [
        (method, path_of(rule))
        for rule in rules(app)
        for method in sorted((rule.methods or set()) - SAFE)
        if rule.endpoint not in ("console.sign_in", "console.second_step")
    ]


def role_of(app: Flask, rule: Rule) -> Role | None:
    found: Role | None = getattr(app.view_functions[rule.endpoint], "needs", None)
    return found


@pytest.fixture
def operators(app: Flask) -> Operators:
    return services_of(app).operators


@pytest.fixture
def reached(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What got past the guard; it goes no further."""
    found: list[str] = []

    def stand_in(endpoint: str) -> Callable[..., str]:
        def view(**_: object) -> str:
            found.append(endpoint)
            return "done"

        return view

    for rule in rules(app):
        if rule.endpoint not in OPEN:
            monkeypatch.setitem(app.view_functions, rule.endpoint, stand_in(rule.endpoint))
    return found


# --- without a session


def test_nothing_is_reached_by_any_method(
    app: Flask, client: FlaskClient, reached: list[str]
) -> None:
    for rule in rules(app):
        for method in rule.methods or ():
            client.open(path_of(rule), method=method)
    assert reached == []


def test_what_htmx_asks_for_takes_the_whole_page_to_the_sign_in(client: FlaskClient) -> None:
    answer = client.get("/console/", headers={"HX-Request": "true"})
    assert "Location" not in answer.headers
    assert answer.headers["HX-Redirect"] == f"{SIGN_IN}?next=/console/"


def test_a_session_signed_with_another_key_is_none(app: Flask) -> None:
    browser = SignedIn(app)
    with browser.client.session_transaction("/console/") as session:
        known = dict(session)
    other = create_app(replace(services_of(app).settings, secret_keys=("another secret key",)))
    forger = other.test_client()
    with forger.session_transaction("/console/") as session:
        session.update(known)
    cookie = forger.get_cookie("relay_console", path="/console")
    assert cookie
    client = app.test_client()
    client.set_cookie("relay_console", cookie.value, path="/console")
    assert client.get("/console/").status_code == 302
    assert browser.get("/console/").status_code == 200


def test_sessions_are_signed_with_a_key_made_for_that_alone(app: Flask, settings: Settings) -> None:
    [secret] = settings.secret_keys
    assert app.secret_key == derived_key(secret, "console session")
    assert app.secret_key not in (secret, derived_key(secret, "another purpose"))


def test_a_page_without_a_session_shows_no_way_into_the_console(client: FlaskClient) -> None:
    page = client.get(SIGN_IN).text
    assert "Sign out" not in page
    assert "Doctor" not in page


# --- roles


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_role_gets_no_further_than_it_may(app: Flask, role: Role) -> None:
    browser = SignedIn(app, role)
    for rule in rules(app):
        needed = role_of(app, rule)
        if needed is None or role.may(needed):
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            headers = {"X-CSRF-Token": browser.token}
            answer = browser.client.open(path_of(rule), method=method, headers=headers)
            assert answer.status_code == 403, (method, rule)
            assert method == "HEAD" or f"the role {needed}" in answer.text


def test_nothing_that_a_viewer_may_ask_for_changes_anything_but_their_own(app: Flask) -> None:
    own = ("/console/profile", "/console/search")
    for rule in rules(app):
        if role_of(app, rule) == Role.VIEWER and not rule.rule.startswith(own):
            assert (rule.methods or set()) <= SAFE, rule


# --- what comes from elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[not-an-origin"},
        {"Referer": "http://[not-an-address"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none", "Origin": ANYWHERE},
        {"Sec-Fetch-Site": "no such value"},
    ],
)
def test_odd_origins_change_nothing_even_with_the_token(
    app: Flask, reached: list[str], headers: dict[str, str]
) -> None:
    browser = SignedIn(app)
    for method, path in changing(app):
        sent = {"csrf_token": browser.token}
        answer = browser.client.open(path, method=method, data=sent, headers=headers)
        assert answer.status_code == 403, path
    assert reached == []
    assert browser.client.get(SIGN_IN).status_code == 302, "signed out by another site"


def test_nobody_is_signed_in_by_another_site(app: Flask, operators: Operators) -> None:
    operators.add("ada", Role.ADMIN, PASSWORD)
    for headers in ({"Origin": ANYWHERE}, {"Sec-Fetch-Site": "cross-site"}):
        client = app.test_client()
        sent = {"name": "ada", "password": PASSWORD}
        assert client.post(SIGN_IN, data=sent, headers=headers).status_code == 403
        assert client.get("/console/").status_code == 302


@pytest.mark.parametrize("in_header", [True, False])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Referer": "http://localhost/console/connect?name=acme"},
        # Behind a proxy that speaks TLS this app is asked over http, and perhaps by another name.
        {"Origin": "https://signup.example.com"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://another-name.example"},
    ],
)
def test_what_our_own_page_asks_for_goes_through(
    settings: Settings, redis_client: "redis.Redis", headers: dict[str, str], in_header: bool
) -> None:
    browser = SignedIn(create_app(replace(settings, public_url="https://signup.example.com")))
    as_header, as_field = {"X-CSRF-Token": browser.token}, {"csrf_token": browser.token}
    answer = browser.client.post(
        "/console/sign-out",
        headers=headers | as_header if in_header else headers,
        data={} if in_header else as_field,
    )
    assert (answer.status_code, answer.location) == (303, SIGN_IN)
    assert browser.get("/console/").status_code == 302


# --- the session


def cookie_parts(app: Flask) -> set[str]:
    services_of(app).operators.add("ada", Role.ADMIN, PASSWORD)
    sent = {"name": "ada", "password": PASSWORD}
    cookies = app.test_client().post(SIGN_IN, data=sent).headers.getlist("Set-Cookie")
    [cookie] = [each for each in cookies if each.startswith("relay_console=")]
    return set(cookie.split("; "))


def test_the_cookie_is_for_the_console_alone(app: Flask) -> None:
    parts = cookie_parts(app)
    assert {"HttpOnly", "SameSite=Lax", "Path=/console"} <= parts
    assert [part for part in parts if part.startswith("Expires=")]
    assert "Secure" not in parts, "an operator on http://127.0.0.1 could not sign in"


def test_visitors_pages_set_nothing_even_if_the_cookie_is_sent(app: Flask) -> None:
    browser = SignedIn(app)
    cookie = browser.client.get_cookie("relay_console", path="/console")
    assert cookie
    browser.client.set_cookie("relay_console", cookie.value, path="/")
    for path in ("/f/news", "/f/news/thanks", "/f/none", "/healthz", "/connect/callback"):
        answer = browser.get(path)
        assert "Set-Cookie" not in answer.headers, path
        assert "Cookie" not in answer.headers.get("Vary", ""), path


def test_who_is_made_anew_under_an_old_name_has_none_of_the_old_sessions(
    app: Flask, operators: Operators
) -> None:
    SignedIn(app, Role.ADMIN, "max")
    browser = SignedIn(app, Role.ADMIN, "ada")
    operators.remove("ada")
    operators.add("ada", Role.VIEWER, PASSWORD)
    assert browser.get("/console/").status_code == 302


def test_signing_in_once_more_as_in_a_second_tab_begins_another_session(app: Flask) -> None:
    browser = SignedIn(app)
    before = browser.token
    browser.sign_in()
    assert browser.token != before


# --- signing in


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        pytest.param("/console/x?a=1&b=%2F", "/console/x?a=1&b=%2F", id="with a query"),
        pytest.param("\t//evil.example/console/", "/console/", id="a tab before it"),
        pytest.param("/\t/evil.example/console/", "/console/", id="a tab within"),
        pytest.param("/console/%2e%2E/%2e%2e//evil.example", "/console/", id="encoded dots"),
        pytest.param("/console/.%2e/", "/console/", id="half encoded dots"),
        pytest.param("/console/%2F/evil.example", "/console/", id="an encoded slash"),
        pytest.param("/console/%5c%5Cevil.example", "/console/", id="encoded backslashes"),
        pytest.param("/console/\r\nSet-Cookie: a=b", "/console/", id="a line end"),
        pytest.param("/console/../f/news", "/console/", id="out again"),
        pytest.param("/consolexyz", "/console/", id="a longer name"),
        pytest.param("javascript:alert(1)", "/console/", id="a script"),
        pytest.param("http://[", "/console/", id="no address at all"),
    ],
)
def test_odd_ways_on_lead_to_the_overview(
    app: Flask, operators: Operators, wanted: str, leads_to: str
) -> None:
    operators.add("ada", Role.ADMIN, PASSWORD)
    client = app.test_client()
    sent = {"name": "ada", "password": PASSWORD, "next": wanted}
    answer = client.post(SIGN_IN, data=sent)
    assert (answer.status_code, answer.location) == (303, leads_to)
    again = client.get(SIGN_IN, query_string={"next": wanted})
    assert (again.status_code, again.location) == (302, leads_to)


def test_the_page_carries_along_where_one_was_going(client: FlaskClient) -> None:
    page = client.get(f"{SIGN_IN}?next=/console/doctor%3Fa%3D1%26b%3D2").text
    assert 'name="next" value="/console/doctor?a=1&amp;b=2"' in page


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_wrong_password_is_kept_nowhere(
    app: Flask, operators: Operators, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    operators.add("ada", Role.ADMIN, PASSWORD)
    caplog.set_level(logging.DEBUG)
    sent = {"name": name, "password": "typed-wrong-but-secret"}
    answer = app.test_client().post(SIGN_IN, data=sent)
    assert answer.status_code == 401
    assert f'value="{name}"' in answer.text
    assert "typed-wrong-but-secret" not in answer.text + caplog.text
    assert "Set-Cookie" not in answer.headers


def test_the_first_password_is_printed_and_neither_logged_nor_shown(
    app: Flask, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = app.test_client().get(SIGN_IN).text
    [password] = re.findall(r"password  (\S+)", capfd.readouterr().err)
    assert len(password) >= 16
    assert password not in caplog.text + page


# --- headers, and bad days


@pytest.mark.parametrize("path", ["/console/", SIGN_IN, "/console/accounts/nobody"])
def test_pages_run_only_our_own_scripts_and_are_framed_by_nobody(app: Flask, path: str) -> None:
    headers = SignedIn(app).get(path).headers
    parts = [part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; ")]
    assert dict(parts) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_visitors_pages_still_run_no_script_at_all(client: FlaskClient) -> None:
    policy = client.get("/f/news").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy


@pytest.fixture
def while_redis_is_away(settings: Settings, redis_client: "redis.Redis") -> FlaskClient:
    """The browser of an operator who signed in before Redis went away."""
    cookie = SignedIn(create_app(settings)).client.get_cookie("relay_console", path="/console")
    assert cookie
    later = create_app(replace(settings, redis_url="redis://127.0.0.1:9/0")).test_client()
    later.set_cookie("relay_console", cookie.value, path="/console")
    return later


@pytest.mark.parametrize(
    "path",
    [
        *("/console/", "/console/accounts/acme", "/console/connect", "/console/doctor"),
        *("/console/sign-in", "/console/connect/links/x"),
    ],
)
def test_while_redis_is_away_every_page_says_what_is_known(
    while_redis_is_away: FlaskClient, path: str
) -> None:
    answer = while_redis_is_away.get(path)
    assert answer.status_code == 503
    assert "Redis does not answer: nothing listens at its address" in answer.text
    assert "Nothing is lost" in answer.text
    assert "Sign-ups that wait on its disk</dt><dd>none" in answer.text
    assert "Sign in" not in answer.text
    assert "admin" in answer.text


def test_while_redis_is_away_strangers_read_only_that_nothing_is_lost(settings: Settings) -> None:
    away = create_app(replace(settings, redis_url="redis://127.0.0.1:9/0"))
    answer = away.test_client().get(SIGN_IN)
    assert answer.status_code == 503
    assert "Nothing is lost" in answer.text
    for secret in (socket.gethostname(), "listens", "disk"):
        assert secret not in answer.text


@pytest.mark.impatient
def test_a_redis_that_hangs_is_away_within_a_second(
    settings: Settings, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.signup.redis_deadline.FAILS_AT_ONCE", timedelta(0))
    cookie = SignedIn(create_app(settings)).client.get_cookie("relay_console", path="/console")
    assert cookie
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        url = f"redis://127.0.0.1:{hangs.getsockname()[1]}/0"
        client = create_app(replace(settings, redis_url=url)).test_client()
        client.set_cookie("relay_console", cookie.value, path="/console")
        began = time.monotonic()
        answer = client.get("/console/doctor")
        took = time.monotonic() - began
    assert answer.status_code == 503
    assert "Redis does not answer in time" in answer.text
    assert took < 1.5  # it waits for 0.8 s; the rest is for a machine that is busy


def test_while_redis_is_away_signing_in_is_refused_with_the_reason(
    while_redis_is_away: FlaskClient,
) -> None:
    answer = while_redis_is_away.post(SIGN_IN, data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 503
    assert "Redis does not answer" in answer.text
