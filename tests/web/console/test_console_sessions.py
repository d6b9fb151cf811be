"""Sessions on the server's side: what ends them, the list of them, and a Redis that forgets."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis
from flask import Flask

from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.operations.operators import Role
from shared.operations.sessions import IDLE, LONGEST
from tests.support.console_browser import SignedIn, with_cookie
from web.app import create_app

PROFILE = "/console/profile"
ELSEWHERE = "/console/profile/sign-out-elsewhere"


def another_browser(app: Flask, browser: SignedIn, agent: str = "Mozilla Firefox/1") -> SignedIn:
    """Return a further browser in which the same operator has signed in."""
    other = SignedIn.__new__(SignedIn)
    other.name, other.client = browser.name, app.test_client()
    other.client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": "203.0.113.9"}
    other.sign_in()
    return other


def move_back(redis_client: "redis.Redis", field: str, by: timedelta) -> None:
    """Change the stored sessions of `admin` as if they were older."""
    key = f"{keys.SESSIONS}admin"
    for digest, stored in redis_client.hgetall(key).items():
        record = json.loads(stored)
        record[field] = (utc_now() - by).isoformat()
        redis_client.hset(key, digest, json.dumps(record))


def test_signing_out_ends_copies_of_the_cookie_too(app: Flask) -> None:
    browser = SignedIn(app)
    copied = browser.cookie
    assert with_cookie(app, copied).get("/console/").status_code == 200
    assert browser.post("/console/sign-out").status_code == 303
    assert with_cookie(app, copied).get("/console/").status_code == 302


def test_signing_in_anew_ends_the_session_before(app: Flask) -> None:
    browser = SignedIn(app)
    copied = browser.cookie
    browser.sign_in()
    assert with_cookie(app, copied).get("/console/").status_code == 302


@pytest.mark.parametrize(
    ("field", "life"),
    [pytest.param("seen_at", IDLE, id="idle"), pytest.param("begun_at", LONGEST, id="at last")],
)
def test_a_session_ends_by_itself(
    app: Flask, redis_client: "redis.Redis", field: str, life: timedelta
) -> None:
    browser = SignedIn(app)
    move_back(redis_client, field, life - timedelta(minutes=1))
    assert browser.get("/console/").status_code == 200
    move_back(redis_client, field, life)
    assert browser.get("/console/").status_code == 302


def test_use_is_noted_and_not_for_every_page(app: Flask, redis_client: "redis.Redis") -> None:
    browser = SignedIn(app)

    def age() -> float:
        [stored] = redis_client.hgetall(f"{keys.SESSIONS}admin").values()
        seen = json.loads(stored)["seen_at"]
        return (utc_now() - datetime.fromisoformat(seen)).total_seconds()

    move_back(redis_client, "seen_at", timedelta(seconds=50))
    browser.get("/console/")
    assert age() > 45
    move_back(redis_client, "seen_at", timedelta(seconds=70))
    browser.get("/console/")
    assert age() < 45


def test_a_page_that_updates_itself_keeps_no_session_alive(
    app: Flask, redis_client: "redis.Redis"
) -> None:
    browser = SignedIn(app)
    by_itself = {"HX-Request": "true"}
    move_back(redis_client, "seen_at", IDLE - timedelta(minutes=1))
    assert browser.get("/console/", headers=by_itself).status_code == 200
    [stored] = redis_client.hgetall(f"{keys.SESSIONS}admin").values()
    seen = datetime.fromisoformat(json.loads(stored)["seen_at"])
    assert utc_now() - seen > IDLE - timedelta(minutes=2)
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    copied = with_cookie(app, browser.cookie)
    copied.get("/console/", headers=by_itself, environ_base=elsewhere)
    assert "203.0.113.9" in browser.get(PROFILE).text, "a thief is in the list"
    move_back(redis_client, "seen_at", IDLE)
    ended = browser.get("/console/", headers=by_itself)
    assert ended.headers["HX-Redirect"].startswith("/console/sign-in")


def test_the_profile_lists_the_operators_own_sessions(app: Flask) -> None:
    SignedIn(app, Role.VIEWER)
    browser = SignedIn(app)
    another_browser(app, browser)
    page = browser.get(PROFILE).text
    assert page.count('data-label="Browser"') == 2
    assert "Firefox" in page
    assert "203.0.113.9" in page
    assert page.count("this one") == 1


def test_signing_out_everywhere_else(app: Flask) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    browser = SignedIn(app)
    others = [another_browser(app, browser) for _ in range(2)]
    answer = browser.post(ELSEWHERE)
    assert (answer.status_code, answer.location) == (303, PROFILE)
    page = browser.get(PROFILE).text
    assert "2 sessions ended" in page
    assert page.count('data-label="Browser"') == 1
    assert [other.get("/console/").status_code for other in others] == [302, 302]
    assert viewer.get("/console/").status_code == 200


def test_viewers_have_a_profile_too(app: Flask) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    assert viewer.get(PROFILE).status_code == 200
    assert viewer.post(ELSEWHERE).status_code == 303


def test_a_session_that_redis_lost_has_ended(app: Flask, redis_client: "redis.Redis") -> None:
    browser = SignedIn(app)
    redis_client.delete(f"{keys.SESSIONS}admin")
    assert browser.get("/console/").status_code == 302


def test_nobody_is_signed_out_because_redis_was_away(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    app = create_app(settings)
    browser = SignedIn(app)
    away = create_app(replace(settings, redis_url="redis://127.0.0.1:9/0"))
    meanwhile = with_cookie(away, browser.cookie)
    for method in ("GET", "POST"):
        answer = meanwhile.open(PROFILE if method == "GET" else ELSEWHERE, method=method)
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
    assert browser.get("/console/").status_code == 200
