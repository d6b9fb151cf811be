"""The pages for whoever logs in at Constant Contact: a client's link, and the way back."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import pytest
import redis
from flask.testing import FlaskClient

from shared.accounts.account_services import make_account_services
from shared.accounts.browser_flow import Started
from shared.accounts.client_links import Link, LinkState
from shared.accounts.connecting import Connecting
from shared.infrastructure.settings import Settings
from tests.support.sandbox_server import SandboxServer
from web.app import create_app

pytestmark = pytest.mark.usefixtures("no_pace")


@pytest.fixture
def browser(live_settings: Settings) -> FlaskClient:
    return create_app(live_settings).test_client()


@pytest.fixture
def connecting(live_settings: Settings, redis_client: "redis.Redis") -> Connecting:
    return make_account_services(live_settings, redis_client, lambda name: None).connecting


def start(connecting: Connecting, **options: object) -> Started:
    return connecting.browser.start("acme", by="ada", **options)  # type: ignore[arg-type]


def come_back(sandbox: SandboxServer, url: str, *, allow: bool = True, user: str = "") -> str:
    """Decide at Constant Contact; return the path that the browser is sent to."""
    address = urlsplit(sandbox.authorize(url, allow=allow, user=user or "Account Owner"))
    return f"{address.path}?{address.query}"


def test_the_page_names_the_account_that_was_connected(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    response = browser.get(come_back(sandbox, start(connecting).url))

    assert response.status_code == 200
    for word in ("Acme Bakery", "p07e1l8cdif9dl", "account_read", "UTC", "relay lists acme"):
        assert word in response.text
    assert 'role="alert"' not in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_page_warns_of_a_login_that_may_not_write(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    url = start(connecting).url

    response = browser.get(come_back(sandbox, url, user="Campaign Creator"))

    assert response.status_code == 200
    assert "contacts:write" in response.text
    assert 'role="alert"' in response.text


def test_a_page_loaded_again_says_that_the_link_was_used(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, start(connecting).url)
    assert browser.head(path).status_code == 200  # uses nothing up
    assert browser.get(path).status_code == 200

    response = browser.get(path)

    assert response.status_code == 400
    assert "used already" in response.text


def test_access_denied_says_how_to_begin_again(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    response = browser.get(come_back(sandbox, start(connecting).url, allow=False))

    assert response.status_code == 400
    assert "relay connect acme --url" in response.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("", "Begin in the console", id="nothing at all"),
        pytest.param("?code=c", "Begin in the console", id="no state"),
        pytest.param("?state=s", "Begin in the console", id="no code"),
        pytest.param("?state=s&code=c", "used already, or is older", id="a state not ours"),
        pytest.param("?state=s%00%ff&code=c", "used already, or is older", id="an odd state"),
        pytest.param("?error=invalid_scope&state=s", "offline_access", id="a scope"),
        pytest.param("?error=Call+0190+now!&state=s", "refused the request.", id="forged"),
        pytest.param(
            "?error=invalid_request&error_description=The+redirect_uri+is+wrong&state=s",
            "add exactly this one",
            id="redirect mismatch",
        ),
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
    path = come_back(sandbox, start(connecting).url)

    response = browser.get(path.replace("code=", "code=x"))

    assert response.status_code == 400
    assert "relay connect acme --url" in response.text


def test_a_wrong_secret_is_named(
    live_settings: Settings, connecting: Connecting, sandbox: SandboxServer
) -> None:
    browser = create_app(replace(live_settings, client_secret="not the secret")).test_client()

    response = browser.get(come_back(sandbox, start(connecting).url))

    assert response.status_code == 400
    assert "CTCT_CLIENT_SECRET" in response.text


def test_constant_contact_out_of_reach_is_a_502(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, start(connecting).url)
    sandbox.control(path="/oauth2/default/v1/token", reset=True)

    response = browser.get(path)

    assert response.status_code == 502
    assert "Nothing was changed" in response.text


def test_redis_out_of_reach_is_a_503(settings: Settings) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:9/0")

    response = create_app(away).test_client().get("/connect/callback?state=s&code=c")

    assert response.status_code == 503
    assert "Reload this" in response.text


def test_a_page_that_constant_contact_failed_on_goes_on_without_another_login(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer
) -> None:
    path = come_back(sandbox, start(connecting).url)
    sandbox.control(path="/v3/account/user/privileges", status=503)
    response = browser.get(path)
    assert response.status_code == 502
    [again] = re.findall(r'action="(/connect/again/[^"]+)"', response.text)
    assert browser.post(again).status_code == 502
    sandbox.clear()

    response = browser.post(again)

    assert response.status_code == 200
    assert "Acme Bakery" in response.text
    assert browser.post(again).status_code == 400


# --- a client's link


@pytest.fixture
def link(connecting: Connecting) -> Link:
    return connecting.browser.make_link("acme", by="ada", asked_by="Studio <North>")


def path_of(connecting: Connecting, link: Link) -> str:
    return urlsplit(connecting.browser.links.url(link)).path


def follow(browser: FlaskClient, path: str) -> str:
    """Press the button on a link's page; return where it leads."""
    response = browser.post(path)
    assert response.status_code == 200
    [url] = re.findall(r'href="([^"]+/authorize[^"]+)"', response.text)
    assert response.headers["Refresh"] == f"0; url={unescape(url)}"
    return unescape(url)


def test_a_client_sees_who_asks_for_what_and_is_told_that_it_is_done(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    page = browser.get(path_of(connecting, link))
    assert page.status_code == 200
    assert "Studio &lt;North&gt;" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"

    done = browser.get(come_back(sandbox, follow(browser, path_of(connecting, link))))

    assert done.status_code == 200
    assert "Acme Bakery" in done.text
    assert "relay " not in done.text
    noted = connecting.browser.links.find(link.id)
    assert noted is not None
    assert noted.state == LinkState.CONNECTED


def test_a_used_link_says_that_all_is_well(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    path = path_of(connecting, link)
    back = come_back(sandbox, follow(browser, path))
    done = browser.get(back).text

    assert browser.get(path).text == done
    for again in (browser.post(path), browser.get(back)):
        assert again.status_code == 303
        assert browser.get(again.location).text == done


def test_a_client_who_reloads_a_failure_reads_it_on_the_links_page(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    back = come_back(sandbox, follow(browser, path_of(connecting, link)), allow=False)
    browser.get(back)

    again = browser.get(back)

    assert again.location == path_of(connecting, link)
    assert "The last time: You did not allow access" in browser.get(again.location).text


@pytest.mark.parametrize(
    ("fault", "operator_reads"),
    [
        pytest.param(
            {"status": 401, "body": {"error": "invalid_client"}}, "CTCT_CLIENT_SECRET", id="secret"
        ),
        pytest.param(
            {"status": 400, "body": {"error": "invalid_grant"}}, "clock", id="the code is refused"
        ),
        pytest.param(
            {"body": {"access_token": "token", "expires_in": 60}}, "offline_access", id="scope"
        ),
    ],
)
def test_what_the_operator_has_to_mend_is_not_told_to_the_client(
    browser: FlaskClient,
    connecting: Connecting,
    sandbox: SandboxServer,
    link: Link,
    fault: dict[str, object],
    operator_reads: str,
) -> None:
    back = come_back(sandbox, follow(browser, path_of(connecting, link)))
    sandbox.control(path="/oauth2/default/v1/token", **fault)

    page = browser.get(back)

    assert page.status_code == 400
    assert "You need not do anything now" in page.text
    assert operator_reads not in page.text
    noted = connecting.browser.links.find(link.id)
    assert noted is not None
    assert operator_reads in noted.note


def test_a_client_who_refuses_may_try_again(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    path = path_of(connecting, link)
    refused = browser.get(come_back(sandbox, follow(browser, path), allow=False))
    assert refused.status_code == 400
    assert "open the link" in refused.text

    done = browser.get(come_back(sandbox, follow(browser, path)))

    assert done.status_code == 200


def test_a_client_without_the_privilege_is_asked_for_another_login(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    path = path_of(connecting, link)
    refused = browser.get(come_back(sandbox, follow(browser, path), user="Campaign Creator"))
    assert refused.status_code == 400
    assert "owner" in refused.text
    assert connecting.connector.registry.account("acme") is None

    done = browser.get(come_back(sandbox, follow(browser, path)))

    assert done.status_code == 200


def test_a_client_whose_account_has_a_name_already_has_nothing_to_do(
    browser: FlaskClient, connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    connecting.tokens.connect("bakery", sandbox.connect(), by="ada")

    page = browser.get(come_back(sandbox, follow(browser, path_of(connecting, link)))).text

    assert "<h1>There is nothing to do</h1>" in page
    assert "Acme Bakery is already connected" in page
    assert "bakery" not in page


@pytest.mark.parametrize("token", ["forged", "ImZvcmdlZCI.c2lnbmVk", "%00"])
def test_a_link_that_is_not_ours_says_so(browser: FlaskClient, token: str) -> None:
    response = browser.get(f"/connect/link/{token}")

    assert response.status_code == 400
    assert "incomplete or unknown" in response.text
