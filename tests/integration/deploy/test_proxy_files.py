"""deploy/nginx and deploy/caddy, with a real web behind the real proxies."""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests
from requests.adapters import HTTPAdapter

from shared.constant_contact import connection
from shared.doctor.deploy.public_address import PublicAddress
from shared.domain.check import CheckKind
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.support import builders
from tests.support.ports import free_port
from tests.support.proxies import Proxy
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

FIND = socket.getaddrinfo
VISITOR = "127.0.0.77"
MADE_UP = "192.0.2.66"
PASSWORD = "a password for tests"
OWN_HOST, PATH = "signup.example.com", "www.example.com"
SECRET_KEY = "a secret key that is long enough for a test of the doctor"
FORWARDING = {
    "X-Forwarded-For": MADE_UP,
    "X_Forwarded_For": MADE_UP,
    "Forwarded": f"for={MADE_UP}",
    "X-Real-IP": MADE_UP,
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
}


class FromVisitor(HTTPAdapter):
    """Connects from the visitor's address, and not from the one that web itself has."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, source_address=(VISITOR, 0))


@dataclass
class Site:
    """Web at a public address. `browser` trusts its certificate and follows no redirect."""

    proxy: Proxy
    web: WebProcess
    browser: requests.Session

    @property
    def url(self) -> str:
        return self.web.environ["RELAY_PUBLIC_URL"]

    @property
    def settings(self) -> Settings:
        environ = {
            "REDIS_URL": self.web.redis.url(),
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
            "RELAY_BIND": f"127.0.0.1:{self.web.port}",
        }
        return Settings.from_env(environ | self.web.environ)

    def connect(self) -> ssl.SSLSocket:
        trusted = ssl.create_default_context(cafile=str(self.proxy.certificate))
        plain = socket.create_connection((self.proxy.name, 443), timeout=20)
        return trusted.wrap_socket(plain, server_hostname=self.proxy.name)

    def get(self, path: str, **options: Any) -> requests.Response:
        options = {"timeout": 10, "allow_redirects": False, **options}
        return self.browser.get(f"{self.url}{path}", **options)

    def post(self, path: str, data: Any, **options: Any) -> requests.Response:
        options = {"timeout": 10, "allow_redirects": False, **options}
        return self.browser.post(f"{self.url}{path}", data=data, **options)


@pytest.fixture(
    scope="module",
    params=[
        ("nginx", OWN_HOST),
        ("caddy", OWN_HOST),
        pytest.param(("nginx", PATH), marks=pytest.mark.slow),
        pytest.param(("caddy", PATH), marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    kind, name = request.param
    folder = tmp_path_factory.mktemp(kind)
    with ValkeyServer(folder / "valkey") as valkey:
        Registry(valkey.client()).save_form(builders.form())
        web = WebProcess(valkey, folder / "data")
        proxy = Proxy(kind, name, folder / "proxy", web.port, quick=True)
        web.environ = {
            "RELAY_PUBLIC_URL": proxy.url if name == OWN_HOST else f"{proxy.url}/signup",
            "RELAY_TRUSTED_PROXIES": "1",
            "RELAY_SECRET_KEY": SECRET_KEY,
        }
        with web, proxy, requests.Session() as browser:
            browser.mount("https://", FromVisitor())
            browser.trust_env = False  # it may name other certificates to trust
            yield Site(proxy, web, browser)


@pytest.fixture
def site(running: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site, which this process finds at its name, and whose certificate the doctor trusts."""
    monkeypatch.setattr(socket, "getaddrinfo", running.proxy.leads_here(FIND))
    running.browser.verify = str(running.proxy.certificate)
    running.browser.cookies.clear()
    running.browser.get_adapter("https://").close()
    monkeypatch.setattr(certifi, "where", lambda: str(running.proxy.certificate))
    connection._tls.cache_clear()
    yield running
    connection._tls.cache_clear()


def test_the_doctor_finds_all_right(site: Site) -> None:
    checks = list(PublicAddress(settings=site.settings, now=utc_now).run())
    assert {check.name: check.found for check in checks if check.kind != CheckKind.OK} == {}
    assert {"hsts", "http_redirect", "forwarded_for", "bodies"} <= {check.name for check in checks}


def test_the_doctor_counts_the_proxies(site: Site) -> None:
    for trusted in (0, 2):
        settings = replace(site.settings, trusted_proxies=trusted)
        checks = {each.name: each for each in PublicAddress(settings=settings, now=utc_now).run()}
        assert checks["forwarded_for"].kind == CheckKind.PROBLEM
        assert "RELAY_TRUSTED_PROXIES=1 " in (checks["forwarded_for"].fix or "")


def test_a_visitor_signs_up_from_their_own_address(site: Site) -> None:
    page = site.get("/f/news?email=ada%40example.com")
    assert 'value="ada@example.com"' in page.text
    headers = {"Accept": "text/html", "Referer": page.url, **FORWARDING}
    thanks = site.post(
        "/f/news?email=ada%40example.com", {"email": "ada@example.com"}, headers=headers
    )
    assert thanks.status_code == 303
    assert requests.compat.urljoin(thanks.url, thanks.headers["Location"]).startswith(
        f"{site.url}/f/news/thanks"
    )
    [record] = [each for each in all_records(site.web.redis.client()) if "ada" in str(each)]
    assert record["consent"]["address"] == VISITOR


def test_nothing_that_a_visitor_typed_is_in_a_log(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {"params": {"email": "grace@example.com"}, "headers": {"Referer": "https://x/?grace"}}
    site.get("/f/news", **typed)
    eventually(lambda: "/f/news" in site.proxy.logs(), what="the request")
    without_web = Proxy(site.proxy.kind, site.proxy.name, tmp_path / "proxy", free_port(), True)
    with without_web:
        monkeypatch.setattr(socket, "getaddrinfo", without_web.leads_here(FIND))
        site.browser.verify = str(without_web.certificate)
        assert site.get("/f/news", **typed).status_code == 502
        eventually(lambda: "502" in without_web.logs(), what="the failure")
    assert "grace" not in site.proxy.logs() + without_web.logs()


def test_an_operator_signs_in(site: Site) -> None:
    Operators(site.web.redis.client()).add("ada", Role.ADMIN, PASSWORD)
    page = site.get("/console/sign-in")
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    headers = {"Origin": site.proxy.url, "Referer": page.url}
    signed_in = site.post(
        "/console/sign-in", fields | {"name": "ada", "password": PASSWORD}, headers=headers
    )
    assert signed_in.status_code == 303
    [cookie] = [each for each in site.browser.cookies if each.name.endswith("relay_console")]
    assert cookie.secure
    overview = site.get("/console/", allow_redirects=True)
    assert overview.url == f"{site.url}/console/"
    assert "No account is connected yet" in overview.text


def test_a_large_body_is_refused_by_web(site: Site) -> None:
    large = {"email": "ada@example.com", "more": "x" * 70_000}
    chunks = (b"email=ada%40example.com&more=" + b"x" * 10_000 for _ in range(8))
    for body in (large, chunks):
        answer = site.post("/f/news", body, headers={"Accept": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["ok"] is False


@pytest.mark.slow  # web waits for ten seconds
def test_a_silent_body_is_ended(site: Site) -> None:
    began = time.monotonic()
    path = site.url.removeprefix(site.proxy.url)
    head = [f"POST {path}/f/news HTTP/1.1", f"Host: {site.proxy.name}", "Content-Length: 500"]
    form = "Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
    with site.connect() as visitor:
        visitor.sendall("\r\n".join([*head, form]).encode())
        answer = visitor.recv(4096)
    # nginx closes the connection; what web says passes through Caddy.
    assert not answer if site.proxy.kind == "nginx" else answer.split()[1] == b"400"
    assert time.monotonic() - began < 18
