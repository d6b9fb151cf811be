"""Web below a path of a website, behind a real nginx that strips the path or keeps it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
import redis
import requests

from shared.accounts.account_services import make_account_services
from shared.doctor.deploy.visit import HEADER, proof
from shared.doctor.instance_header import instance_digest
from shared.doctor.network_checks import proxies, public_url, read_health
from shared.domain.check import CheckResult
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.stored_texts import forwarding
from shared.operations.operators import Operators, Role
from tests.support import builders
from tests.support.nginx import WEBSITE, Nginx, documented_locations
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import SECRET, WebProcess

PASSWORD = "a password for tests"
PAGE = {"Accept": "text/html"}
ADDRESS = re.compile(r'\b(?:href|src|action)="([^"#]+)"')


@dataclass
class Site:
    """A website whose path /signup/ leads to web. A session is a visitor's browser."""

    nginx: Nginx
    web: WebProcess
    browser: requests.Session

    @property
    def public_url(self) -> str:
        return f"{self.nginx.url}/signup"

    def get(self, path: str) -> requests.Response:
        return self.browser.get(f"{self.public_url}{path}", headers=PAGE, timeout=10)

    def send(self, page: requests.Response, action: str, **fields: str) -> requests.Response:
        """Send the form of the page that leads to `action`, with all its hidden fields."""
        [form] = re.findall(rf'<form[^>]* action="([^"]*{action})".*?</form>', page.text, re.DOTALL)
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        origin = {"Origin": self.nginx.url, "Referer": page.url}
        return self.browser.post(
            urljoin(page.url, unescape(form)),
            data=hidden | fields,
            headers=PAGE | origin,
            timeout=10,
        )


@pytest.fixture(scope="module", params=["stripped", "kept"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Nginx, WebProcess]]:
    folder = tmp_path_factory.mktemp(request.param)
    with ValkeyServer(folder / "valkey") as valkey:
        web = WebProcess(valkey, folder / "relay")
        nginx = Nginx(folder / "nginx", documented_locations()[request.param], web.port)
        web.environ = {"RELAY_PUBLIC_URL": f"{nginx.url}/signup", "RELAY_TRUSTED_PROXIES": "1"}
        Registry(valkey.client()).save_form(builders.form())
        with web, nginx:
            yield nginx, web


@pytest.fixture
def site(running: tuple[Nginx, WebProcess]) -> Iterator[Site]:
    with requests.Session() as browser:
        yield Site(*running, browser)


def looks_whole(page: requests.Response, site: Site) -> bool:
    """Whether all that the page loads and leads to is ours, and there."""
    found = [unescape(each) for each in ADDRESS.findall(page.text)]
    ours = [urljoin(page.url, each) for each in found if not each.startswith("data:")]
    assert ours
    for address in ours:
        assert address.startswith(f"{site.public_url}/"), address
    sheets = [each for each in ours if each.endswith((".css", ".js"))]
    answers = [requests.get(each, timeout=10) for each in sheets]
    return bool(sheets) and all(each.ok and each.text != WEBSITE for each in answers)


def consent(site: Site, email: str) -> str:
    records = all_records(site.web.redis.client())
    [record] = [each for each in records if email in str(each)]
    return json.dumps(record["consent"])


def test_the_hosted_form_and_the_thanks_page(site: Site) -> None:
    page = site.get("/f/news")
    assert looks_whole(page, site)
    thanks = site.send(page, "/f/news", email="hosted@example.com")
    assert thanks.url == f"{site.public_url}/f/news/thanks"
    assert "Thank you!" in thanks.text
    assert looks_whole(thanks, site)
    assert '"address":"127.0.0.1"' in consent(site, "hosted@example.com").replace(" ", "")


def test_a_page_of_the_website_posts_and_gets_its_visitor_back(site: Site) -> None:
    posted = {"email": "ada@example.com", "_next": "thanks.html"}
    headers = PAGE | {"Origin": site.nginx.url, "Referer": f"{site.nginx.url}/blog/"}
    for path in ("/f/news", "/f/news/", "//f/News"):
        answer = requests.post(
            f"{site.public_url}{path}",
            data=posted,
            headers=headers,
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 303, path
        assert answer.headers["Location"] == f"{site.nginx.url}/blog/thanks.html"


def test_a_visitor_cannot_choose_the_address(site: Site) -> None:
    made_up = {"X-Forwarded-For": "6.6.6.6", "X_Forwarded_For": "6.6.6.6"}
    posted = {"email": "grace@example.com"}
    requests.post(f"{site.public_url}/f/news", data=posted, headers=made_up, timeout=10)
    assert "6.6.6.6" not in consent(site, "grace@example.com")


def test_signing_in_to_the_console_and_out_again(site: Site) -> None:
    Operators(site.web.redis.client()).add("ada", Role.ADMIN, PASSWORD)
    asked = site.get("/console/doctor")
    assert asked.url.startswith(f"{site.public_url}/console/sign-in?next=")
    assert looks_whole(asked, site)
    # What a browser gets from the link with which it was sent to the sign-in.
    doctor = site.send(asked, "/sign-in", name="ada", password=PASSWORD)
    assert doctor.url == f"{site.public_url}/console/doctor"
    assert looks_whole(doctor, site)
    overview = site.get("/console")
    assert "No account is connected yet" in overview.text
    assert looks_whole(overview, site)
    signed_out = site.send(overview, "/sign-out")
    assert signed_out.url == f"{site.public_url}/console/sign-in"


def test_the_pages_of_a_client_who_connects(site: Site) -> None:
    environ = {
        "REDIS_URL": site.web.redis.url(),
        "RELAY_SECRET_KEY": SECRET,
        "CTCT_CLIENT_ID": "test-key",
        "CTCT_CLIENT_SECRET": "test-secret",
        **site.web.environ,
    }
    settings = Settings.from_env(environ)
    client = site.web.redis.client()
    browser = make_account_services(settings, client, lambda _: None).connecting.browser
    link = browser.make_link(
        "acme", by="ada", asked_by="Studio North", application=None, life=timedelta(days=1)
    )
    url = browser.links.url(link)
    assert url.startswith(f"{site.public_url}/connect/link/")
    page = requests.get(url, timeout=10)
    assert "Studio North" in page.text
    assert looks_whole(page, site)
    back = site.get("/connect/callback")
    assert back.status_code == 400 and "Not connected" in back.text
    assert looks_whole(back, site)


def test_the_doctor_finds_the_public_address_and_the_proxy_right(site: Site) -> None:
    assert site.get("/healthz").json() == {"ok": True}
    visit = {HEADER: proof(SECRET, utc_now())}
    ask = partial(read_health, headers=visit, within=timedelta(seconds=5))
    checked = public_url(site.public_url, instance_digest(site.public_url), ask)
    assert checked.verdict == CheckResult.OK
    assert site.public_url in checked.found
    note = forwarding(site.web.redis.client())
    assert proxies(note.read).verdict == CheckResult.OK
    assert requests.get(f"{site.web.url}/readyz", timeout=10).ok  # without any proxy, too


def test_the_doctor_says_when_nobody_trusts_the_proxy(
    valkey: ValkeyServer, redis_client: "redis.Redis", tmp_path: Path
) -> None:
    web = WebProcess(valkey, tmp_path / "relay")
    nginx = Nginx(tmp_path / "nginx", documented_locations()["kept"], web.port)
    web.environ = {"RELAY_PUBLIC_URL": f"{nginx.url}/signup"}
    with web, nginx:
        assert requests.get(f"{nginx.url}/signup/healthz", timeout=10).ok
        note = forwarding(redis_client)
        eventually(lambda: note.read() is not None, what="the note")
        checked = proxies(note.read)
    assert checked.verdict == CheckResult.PROBLEM
    assert "X-Forwarded-For" in checked.found
    assert checked.fix and "mostly 1" in checked.fix


def test_what_a_visitor_typed_is_in_no_log_of_the_proxy(site: Site) -> None:
    page = site.get("/f/news?email=ada%40example.com")
    assert 'value="ada@example.com"' in page.text
    log = site.nginx.access_log  # nginx writes it after its answer
    eventually(lambda: "GET /signup/f/news" in log.read_text(), what="the request")
    assert "ada" not in log.read_text()
