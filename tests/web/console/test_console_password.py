"""An operator changes the own password: with the current one, and ending all other sessions."""

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Role
from tests.support.console_browser import PASSWORD, SignedIn, with_cookie
from tests.support.web_services import services_of

CHANGE = "/console/profile/password"
NEW = "another password for tests"


def change(
    browser: SignedIn, current: str = PASSWORD, new: str = NEW, again: str | None = None
) -> TestResponse:
    return browser.post(CHANGE, current=current, new=new, again=new if again is None else again)


def signs_in(app: Flask, password: str, name: str = "admin") -> bool:
    return services_of(app).operators.authenticate(name, password, address="") is not None


@pytest.mark.parametrize("role", list(Role))
def test_everybody_changes_their_own(app: Flask, role: Role) -> None:
    services_of(app).operators.add("root", Role.ADMIN, PASSWORD)
    browser = SignedIn(app, role)
    copied = browser.cookie
    answer = change(browser)
    assert (answer.status_code, answer.location) == (303, "/console/profile")
    assert "Your password is changed." in browser.get("/console/profile").text
    assert with_cookie(app, copied).get("/console/").status_code == 302
    assert signs_in(app, NEW, browser.name)
    assert not signs_in(app, PASSWORD, browser.name)


def test_other_browsers_and_nobody_else_are_signed_out(app: Flask) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    browser = SignedIn(app)
    elsewhere = app.test_client()
    elsewhere.post("/console/sign-in", data={"name": "admin", "password": PASSWORD})
    assert elsewhere.get("/console/").status_code == 200
    change(browser)
    assert elsewhere.get("/console/").status_code == 302
    assert viewer.get("/console/").status_code == 200
    assert browser.get("/console/profile").text.count('data-label="Browser"') == 1


@pytest.mark.parametrize(
    ("current", "new", "again", "says"),
    [
        pytest.param("wrong", NEW, NEW, "not your current password", id="wrong"),
        pytest.param("", NEW, NEW, "not your current password", id="none"),
        pytest.param(PASSWORD, "short", "short", "at least 12 characters", id="short"),
        pytest.param(PASSWORD, "", "", "at least 12 characters", id="empty"),
        pytest.param(PASSWORD, NEW, NEW + "x", "not the new password from above", id="differs"),
    ],
)
def test_what_is_wrong_changes_nothing(
    app: Flask, current: str, new: str, again: str, says: str
) -> None:
    browser = SignedIn(app)
    before = services_of(app).operators.all()
    answer = change(browser, current, new, again)
    assert answer.status_code == 422
    assert says in answer.text
    assert NEW not in answer.text
    assert services_of(app).operators.all() == before
    assert browser.get("/console/").status_code == 200


def test_the_current_password_cannot_be_guessed(app: Flask) -> None:
    browser = SignedIn(app)
    for _ in range(MOST_TRIES):
        assert change(browser, "wrong").status_code == 422
    refused = change(browser)
    assert refused.status_code == 429
    assert "15 minutes" in refused.text
    assert 14 * 60 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert signs_in(app, PASSWORD), "those tries keep nobody from signing in"


def test_neither_password_is_stored_or_logged(
    app: Flask, redis_client: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = SignedIn(app)
    change(browser, "typed-wrong-but-secret")
    change(browser)
    stored = " ".join(str(redis_client.dump(key)) for key in redis_client.scan_iter("*"))
    for password in (PASSWORD, NEW, "typed-wrong-but-secret"):
        assert password not in caplog.text + stored


def test_the_sign_in_page_says_where_to_change_it(app: Flask) -> None:
    assert "you can change it" in app.test_client().get("/console/sign-in").text
