"""The console: who gets in, what they may do, and that no other site can do it for them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from flask import Flask
from werkzeug.routing import Rule

from shared.infrastructure.settings import Settings
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Operators, Role
from tests.support import builders
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.web_services import services_of
from web.app import create_app

PUBLIC = "https://signup.example.com"
OPEN = {"console.sign_in", "console.second_step"}


@pytest.fixture
def app(settings: Settings, redis_client: "redis.Redis") -> Flask:
    return create_app(replace(settings, public_url=PUBLIC))


@pytest.fixture
def operators(app: Flask) -> Operators:
    return services_of(app).operators


def console_rules(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console"))


def path_of(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "x", rule.rule)


# --- getting in


def test_every_page_asks_to_sign_in_first_and_leads_back(app: Flask) -> None:
    for rule in console_rules(app):
        if rule.endpoint not in OPEN and "GET" in (rule.methods or ()):
            response = app.test_client().get(path_of(rule))
            assert response.status_code == 302, rule
            assert response.location == f"/console/sign-in?next={path_of(rule)}", rule


def test_every_change_needs_a_session_its_token_and_our_own_origin(app: Flask) -> None:
    changes = [rule for rule in console_rules(app) if "POST" in (rule.methods or ())]
    assert len(changes) > 5
    browser = SignedIn(app)
    token = browser.token
    for rule in changes:
        path = path_of(rule)
        if rule.endpoint not in OPEN:
            assert app.test_client().post(path).status_code == 403, rule
            assert browser.client.post(path).status_code == 403, rule
            assert browser.client.post(path, data={"csrf_token": "x"}).status_code == 403, rule
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Referer": "https://evil.example/page"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            refused = browser.client.post(path, data={"csrf_token": token}, headers=headers)
            assert refused.status_code == 403, (rule, headers)


def test_every_view_says_which_role_it_needs(app: Flask) -> None:
    for rule in console_rules(app):
        if rule.endpoint not in OPEN | {"console.sign_out"}:
            assert hasattr(app.view_functions[rule.endpoint], "needs"), rule


def test_behind_a_proxy_the_public_url_is_our_own_origin(app: Flask) -> None:
    browser = SignedIn(app)

    response = browser.client.post(
        "/console/sign-out",
        data={"csrf_token": browser.token},
        headers={"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"},
    )

    assert response.status_code == 303
    assert browser.get("/console/").status_code == 302


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        pytest.param("/console/accounts/acme?x=1", "/console/accounts/acme?x=1", id="a page"),
        pytest.param("", "/console/", id="nothing"),
        pytest.param("https://evil.example/console/", "/console/", id="another site"),
        pytest.param("//evil.example/console/", "/console/", id="another host"),
        pytest.param("/\\evil.example", "/console/", id="a backslash"),
        pytest.param("/console/\\..\\..\\\\evil.example", "/console/", id="a hidden one"),
        pytest.param("/f/news", "/console/", id="outside the console"),
    ],
)
def test_signing_in_leads_on_to_the_console_only(
    app: Flask, operators: Operators, wanted: str, leads_to: str
) -> None:
    operators.add("ada", Role.VIEWER, PASSWORD)

    response = app.test_client().post(
        "/console/sign-in", data={"name": "ada", "password": PASSWORD, "next": wanted}
    )

    assert (response.status_code, response.location) == (303, leads_to)


def test_a_wrong_password_and_a_wrong_name_look_the_same(app: Flask, operators: Operators) -> None:
    operators.add("ada", Role.VIEWER, PASSWORD)
    pages = [
        app.test_client().post("/console/sign-in", data={"name": name, "password": "wrong"})
        for name in ("ada", "bob")
    ]

    assert [page.status_code for page in pages] == [401, 401]
    assert pages[0].text.replace("ada", "") == pages[1].text.replace("bob", "")
    assert 'role="alert"' in pages[0].text


def test_too_many_tries_of_an_address_are_refused_with_the_right_password_too(
    app: Flask, operators: Operators
) -> None:
    operators.add("ada", Role.VIEWER, PASSWORD)
    for _ in range(MOST_TRIES):
        app.test_client().post("/console/sign-in", data={"name": "ada", "password": "wrong"})

    response = app.test_client().post(
        "/console/sign-in", data={"name": "ada", "password": PASSWORD}
    )

    assert response.status_code == 429
    assert "15 minutes" in response.text
    assert 14 * 60 < int(response.headers["Retry-After"]) <= 15 * 60


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda o, name: o.set_password(name), id="password"),
        pytest.param(lambda o, name: o.set_role(name, Role.VIEWER), id="role"),
        pytest.param(lambda o, name: o.remove(name), id="removed"),
    ],
)
def test_a_change_of_an_operator_ends_their_sessions(
    app: Flask, operators: Operators, change: Callable[[Operators, str], object]
) -> None:
    operators.add("root", Role.ADMIN, PASSWORD)
    browser = SignedIn(app)
    assert browser.get("/console/").status_code == 200

    change(operators, browser.name)

    assert browser.get("/console/").status_code == 302


def test_a_session_survives_a_new_secret_key_while_the_old_one_is_in_the_list(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    old = create_app(settings)
    browser = SignedIn(old)
    cookie = browser.client.get_cookie("relay_console", path="/console")
    assert cookie is not None

    def status_with(*keys: str) -> int:
        client = create_app(replace(settings, secret_keys=keys)).test_client()
        client.set_cookie("relay_console", cookie.value)
        return client.get("/console/").status_code

    assert status_with("a new secret for tests", *settings.secret_keys) == 200
    assert status_with("a new secret for tests") == 302


def test_visitors_pages_know_nothing_of_sessions(app: Flask, redis_client: "redis.Redis") -> None:
    services_of(app).accounts.summaries.registry.save_form(builders.form())

    response = app.test_client().get("/f/news")

    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


def test_a_viewer_looks_and_changes_nothing(app: Flask) -> None:
    viewer = SignedIn(app, Role.VIEWER)

    assert viewer.get("/console/").status_code == 200
    assert "Connect an account" not in viewer.get("/console/").text
    assert viewer.get("/console/connect").status_code == 403
    assert viewer.post("/console/accounts/acme/disconnect").status_code == 403


def test_with_redis_away_the_page_says_that_nothing_is_lost(settings: Settings) -> None:
    away = create_app(replace(settings, redis_url="redis://127.0.0.1:9/0"))

    response = away.test_client().get("/console/sign-in")

    assert response.status_code == 503
    assert "Nothing is lost" in response.text


def test_the_first_look_at_the_sign_in_page_makes_the_first_operator(
    app: Flask, operators: Operators, capsys: pytest.CaptureFixture[str]
) -> None:
    app.test_client().get("/console/sign-in")
    page = app.test_client().get("/console/sign-in").text

    assert "<strong>admin</strong>" in page
    printed = capsys.readouterr().err
    [password] = re.findall(r"password  (\S+)", printed)
    assert operators.authenticate("admin", password, address="") is not None
    assert f"{PUBLIC}/console/" in printed
