"""The pages at the end of connecting: what happened, and what to do."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import redis
from flask.testing import FlaskClient

from shared.assembly import make_connecting
from shared.connecting import Connecting
from shared.settings import Settings
from tests.sandbox_server import SandboxServer
from web.app import create_app


@pytest.fixture
def browser(live_settings: Settings) -> FlaskClient:
    return create_app(live_settings).test_client()


@pytest.fixture
def connecting(live_settings: Settings, redis_client: "redis.Redis") -> Connecting:
    return make_connecting(live_settings, redis_client, lambda name: None)


def come_back(sandbox: SandboxServer, url: str, *, allow: bool = True, user: str = "") -> str:
    """Decide at Constant Contact; return the path that the browser is sent to."""
    address = urlsplit(sandbox.authorize(url, allow=allow, user=user or "Account Owner"))
    return f"{address.path}?{address.query}"


def test_the_page_names_the_account_that_was_connected(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    response = browser.get(come_back(sandbox, connecting.start("acme").url))

    assert response.status_code == 200
    for word in ("Acme Bakery", "p07e1l8cdif9dl", "account_read", "UTC", "relay lists acme"):
        assert word in response.text
    assert 'role="alert"' not in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_page_warns_of_a_login_that_may_not_write(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    url = connecting.start("acme").url

    response = browser.get(come_back(sandbox, url, user="Campaign Creator"))

    assert response.status_code == 200
    assert "contacts:write" in response.text
    assert 'role="alert"' in response.text


def test_a_page_loaded_again_says_that_the_link_was_used(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, connecting.start("acme").url)
    assert browser.head(path).status_code == 200  # uses nothing up
    assert browser.get(path).status_code == 200

    response = browser.get(path)

    assert response.status_code == 400
    assert "used already" in response.text


def test_access_denied_says_how_to_begin_again(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    response = browser.get(come_back(sandbox, connecting.start("acme").url, allow=False))

    assert response.status_code == 400
    assert "relay connect acme --url" in response.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("", "Begin with the link", id="nothing at all"),
        pytest.param("?code=c", "Begin with the link", id="no state"),
        pytest.param("?state=s", "Begin with the link", id="no code"),
        pytest.param("?state=s&code=c", "used already, or is older", id="a state not ours"),
        pytest.param("?state=s%00%ff&code=c", "used already, or is older", id="an odd state"),
        pytest.param("?error=invalid_scope&state=s", "(invalid_scope)", id="another error"),
        pytest.param("?error=Call+0190+now!&state=s", "refused the request.", id="forged"),
    ],
)
def test_a_callback_that_cannot_work_says_what_to_do(
    browser: FlaskClient, sandbox: SandboxServer, query: str, sentence: str
) -> None:
    response = browser.get(f"/connect/callback{query}")

    assert response.status_code == 400
    assert sentence in response.text
    assert "0190" not in response.text
    assert sandbox.stats()["token_calls"] == 0


def test_a_code_that_expired_says_how_to_begin_again(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, connecting.start("acme").url)

    response = browser.get(path.replace("code=", "code=x"))

    assert response.status_code == 400
    assert "relay connect acme --url" in response.text


def test_a_wrong_secret_is_named(
    live_settings: Settings, connecting: Connecting, sandbox: SandboxServer
) -> None:
    browser = create_app(replace(live_settings, client_secret="not the secret")).test_client()

    response = browser.get(come_back(sandbox, connecting.start("acme").url))

    assert response.status_code == 400
    assert "CTCT_CLIENT_SECRET" in response.text


def test_constant_contact_out_of_reach_is_a_502(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, connecting.start("acme").url)
    sandbox.control(path="/oauth2/default/v1/token", reset=True)

    response = browser.get(path)

    assert response.status_code == 502
    assert "Nothing was changed" in response.text


def test_redis_out_of_reach_is_a_503(settings: Settings) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:9/0")

    response = create_app(away).test_client().get("/connect/callback?state=s&code=c")

    assert response.status_code == 503
    assert "Reload this" in response.text
