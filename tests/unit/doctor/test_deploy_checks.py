"""What each check of `relay doctor --deploy` says of what it reads."""

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis

from shared.constant_contact.errors import ConnectionFailed
from shared.doctor.deploy import (
    form_checks,
    host_checks,
    operator_checks,
    public_address_checks,
    redis_access_checks,
    settings_checks,
)
from shared.doctor.deploy.forwarding_checks import MADE_UP, forwarded_for
from shared.doctor.deploy.public_address import PublicAddress
from shared.doctor.deploy.requests import WebAnswer
from shared.doctor.deploy.visit import Seen
from shared.doctor.instance_header import instance_digest
from shared.domain.audit import AuditEntry
from shared.domain.check import Check
from shared.domain.second_factor import WhoMustHaveOne
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.settings import API_URL, Bind, RateLimit
from shared.ledger.redis_server.server_inspection import ServerFacts
from shared.operations.operators import Operator, Role
from tests.architecture.project import settings_in
from tests.support.builders import NOON, form
from tests.unit.doctor.test_doctor_checks import ADVICE, OK, PROBLEM, UNKNOWN, verdict

URL = "https://signup.example.com"
LOCAL = "http://127.0.0.1:8080"
DAY = timedelta(days=1)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nobody listens there
ONE_YEAR = "max-age=31536000"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, OK),
        ("https://www.example.com/signup", OK),
        ("http://signup.example.com", PROBLEM),
        (LOCAL, PROBLEM),
        ("https://localhost", PROBLEM),
    ],
)
def test_https(url: str, expected: str) -> None:
    assert verdict(public_address_checks.https(url)) == expected


@pytest.mark.parametrize(
    ("left", "expected"), [(90 * DAY, OK), (14 * DAY, OK), (13 * DAY, PROBLEM), (None, UNKNOWN)]
)
def test_how_long_the_certificate_is_valid(left: timedelta | None, expected: str) -> None:
    until = NOON + left if left else None
    assert verdict(public_address_checks.certificate(until, NOON)) == expected


def answers(status: int = 200, *, body: object = None, **headers: str) -> WebAnswer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebAnswer(status=status, headers=names, body=body, certificate_until=NOON + 60 * DAY)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(None, OK, id="nothing there"),
        pytest.param(answers(301, location=f"{URL}/healthz"), OK, id="redirects"),
        pytest.param(answers(308, location=f"{URL}/healthz"), OK, id="keeps the method"),
        pytest.param(answers(302, location="http://www.example.com/"), PROBLEM, id="elsewhere"),
        pytest.param(answers(302), PROBLEM, id="redirects nowhere"),
        pytest.param(answers(404), OK, id="refuses"),
        pytest.param(answers(200), PROBLEM, id="serves"),
    ],
)
def test_what_answers_over_plain_http(answer: WebAnswer | None, expected: str) -> None:
    assert verdict(public_address_checks.http_redirect("http://x", answer)) == expected


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        (URL, "http://signup.example.com"),
        (f"{URL}:443/news", "http://signup.example.com/news"),
        (f"{URL}:8443", None),
    ],
)
def test_where_plain_http_would_be(url: str, plain: str | None) -> None:
    assert public_address_checks.plain_url(url) == plain


@pytest.mark.parametrize(
    ("value", "whole_host", "expected"),
    [
        (ONE_YEAR, True, OK),
        (f"{ONE_YEAR}; includeSubDomains; preload", True, OK),
        ('max-age="31536000"', False, OK),
        (None, True, PROBLEM),
        (None, False, ADVICE),
        ("max-age=3600", True, ADVICE),
        ("max-age=0", True, ADVICE),
        ("nonsense", True, ADVICE),
        (f"{ONE_YEAR}, {ONE_YEAR}", True, ADVICE),
    ],
)
def test_hsts(value: str | None, whole_host: bool, expected: str) -> None:
    assert verdict(public_address_checks.hsts(value, whole_host=whole_host)) == expected


@pytest.mark.parametrize(("status", "expected"), [(200, OK), (400, PROBLEM), (404, PROBLEM)])
def test_whether_the_console_answers(status: int, expected: str) -> None:
    assert verdict(public_address_checks.console(URL, answers(status))) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, OK), (401, OK), (403, OK), (200, PROBLEM), (502, UNKNOWN)],
)
def test_whether_strangers_read_the_figures(status: int, expected: str) -> None:
    assert verdict(public_address_checks.metrics(URL, answers(status))) == expected


@pytest.mark.parametrize(("status", "expected"), [(413, OK), (200, PROBLEM), (502, PROBLEM)])
def test_what_becomes_of_a_large_body(status: int, expected: str) -> None:
    assert verdict(public_address_checks.bodies(answers(status))) == expected


OURS = answers(relay_instance="0123456789abcdef")


@pytest.mark.parametrize(
    ("host", "answer", "expected"),
    [
        pytest.param("127.0.0.1", OURS, OK, id="this host only"),
        pytest.param(EVERYWHERE, OURS, PROBLEM, id="everywhere"),
        pytest.param("10.0.0.5", OURS, PROBLEM, id="a network"),
        pytest.param(EVERYWHERE, None, OK, id="a firewall"),
        pytest.param(EVERYWHERE, answers(200), OK, id="another program"),
    ],
)
def test_whether_web_answers_without_the_proxy(
    host: str, answer: WebAnswer | None, expected: str
) -> None:
    bind = Bind(host, 8080)
    direct = public_address_checks.direct_url(URL, bind)
    assert direct in (None, "http://signup.example.com:8080")
    assert verdict(public_address_checks.direct_access(bind, direct, answer)) == expected


# --- forwarding

REAL, CDN, PROXY = "203.0.113.9", "104.16.0.1", "127.0.0.1"


def seen(visitor: str, *forwarded: str, as_root: bool = False) -> Seen:
    return Seen(
        visitor=visitor, forwarded_for=forwarded, host="signup.example.com", as_root=as_root
    )


@pytest.mark.parametrize(
    ("found", "trusted", "expected", "fix"),
    [
        pytest.param(seen(REAL, REAL), 1, OK, "", id="it sets it"),
        pytest.param(seen(REAL, *MADE_UP, REAL), 1, OK, "", id="it adds to it"),
        pytest.param(seen(REAL, REAL, CDN), 2, OK, "", id="a CDN and a proxy"),
        pytest.param(seen(PROXY, REAL), 0, PROBLEM, "PROXIES=1", id="nobody trusts it"),
        pytest.param(seen(MADE_UP[1], *MADE_UP, REAL), 2, PROBLEM, "PROXIES=1", id="trusts many"),
        pytest.param(seen(PROXY, *MADE_UP, REAL), 4, PROBLEM, "PROXIES=1", id="trusts too many"),
        pytest.param(seen(PROXY, REAL), 2, PROBLEM, "PROXIES=1", id="trusts many, and it sets it"),
        pytest.param(seen(CDN, *MADE_UP, REAL, CDN), 1, PROBLEM, "PROXIES=2", id="trusts few"),
        pytest.param(seen(MADE_UP[1], *MADE_UP), 1, PROBLEM, "rather than pass", id="passes it"),
        pytest.param(seen(PROXY), 0, PROBLEM, "Let the proxy set", id="names nobody"),
        pytest.param(seen(PROXY, *MADE_UP), 0, PROBLEM, "Let the proxy set", id="no name"),
        pytest.param(None, 1, UNKNOWN, "Restart web", id="web does not tell"),
    ],
)
def test_whether_a_made_up_address_is_believed(
    found: Seen | None, trusted: int, expected: str, fix: str
) -> None:
    check = forwarded_for(found, trusted)
    assert verdict(check) == expected
    assert fix in (check.fix or "")


# --- who answers at all


def failed(cause: OSError) -> ConnectionFailed:
    error = ConnectionFailed("it did not work")
    error.__cause__ = cause
    return error


def refused_certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("url", "cause", "expected", "words"),
    [
        pytest.param(
            "https://192.0.2.1", TimeoutError(), UNKNOWN, "curl -si https://192.0.2.1/", id="NAT"
        ),
        pytest.param(
            "https://192.0.2.1",
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            UNKNOWN,
            "elsewhere",
            id="refused elsewhere",
        ),
        pytest.param(
            "https://127.0.0.1",
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            PROBLEM,
            "Start",
            id="refused on this very host",
        ),
        pytest.param(URL, socket.gaierror(socket.EAI_NONAME, "x"), PROBLEM, "DNS", id="no name"),
        pytest.param(URL, refused_certificate(), PROBLEM, "expired", id="certificate"),
        pytest.param(URL, ssl.SSLError(1, "x"), PROBLEM, "Start", id="no TLS there"),
    ],
)
def test_why_nothing_answers(url: str, cause: OSError, expected: str, words: str) -> None:
    check = public_address_checks.unreachable(url, failed(cause))
    assert verdict(check) == expected
    assert words in f"{check.found} {check.fix}"


@pytest.fixture
def visits(tmp_path: Path) -> Callable[..., list[Check]]:
    """Run the checks of a public address that answers so, by the end of the address."""
    settings = replace(settings_in(tmp_path), public_url=URL, instance=URL, trusted_proxies=1)

    def run(**changes: Any) -> list[Check]:
        told = {"ok": True, "seen": seen(REAL, REAL).to_dict()}
        healthy = answers(
            body=told,
            strict_transport_security=ONE_YEAR,
            relay_instance=instance_digest(URL),
        )
        pages: dict[str, WebAnswer] = {
            f"{URL}/healthz": healthy,
            "http://signup.example.com/healthz": answers(301, location=f"{URL}/healthz"),
            f"{URL}/console/sign-in": answers(200),
            f"{URL}/metrics": answers(404),
            "large": answers(413),
        } | changes

        def ask(url: str, headers: object, *, post: object = None) -> WebAnswer:
            return pages["large" if post else url]

        return list(PublicAddress(settings=settings, now=lambda: NOON, ask=ask).run())

    return run


def test_a_public_address_that_is_right(visits: Callable[..., list[Check]]) -> None:
    checks = visits()
    assert {verdict(check) for check in checks} == {OK}
    assert [check.name for check in checks] == [
        *("https", "public_url", "certificate", "http_redirect", "hsts", "forwarded_for"),
        *("direct_access", "console_host", "metrics", "bodies"),
    ]


def test_a_loop_of_redirects_has_advice_of_its_own(visits: Callable[..., list[Check]]) -> None:
    loop = answers(301, location=f"{URL}/healthz")
    checks = {check.name: check for check in visits(**{f"{URL}/healthz": loop})}
    assert "redirects to itself" in checks["public_url"].found
    assert "console_host" not in checks


# --- settings


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (API_URL, OK),
        ("https://gateway.example.com/v3", ADVICE),
        ("http://127.0.0.1:8090/v3", PROBLEM),
        ("http://sandbox.example.com/v3", PROBLEM),
        ("https://localhost/v3", PROBLEM),
    ],
)
def test_whether_it_is_a_sandbox(api: str, expected: str) -> None:
    assert verdict(settings_checks.sandbox(origin(api))) == expected


def origin(api_url: str) -> TokenOrigin:
    return TokenOrigin(api_url=api_url, auth_url="https://authz.example.com")


def test_accounts_of_a_sandbox_are_named() -> None:
    origins = {"acme": origin(API_URL), "old": None}
    assert verdict(settings_checks.sandbox_accounts(origins)) == OK
    check = settings_checks.sandbox_accounts(origins | {"demo": origin("http://127.0.0.1/v3")})
    assert verdict(check) == PROBLEM
    assert "demo" in check.found and "acme" not in check.found


GOOD_KEY = "JHf2vXk8w0mZq1_3sTn5-yLbR7cUe9aPdGiO"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((GOOD_KEY,), OK),
        (("0123456789abcdef" * 2,), OK),
        ((GOOD_KEY[:31],), PROBLEM),
        (("password" * 8,), PROBLEM),
        ((GOOD_KEY, "correct horse"), PROBLEM),
    ],
)
def test_whether_the_key_can_be_guessed(keys: tuple[str, ...], expected: str) -> None:
    check = settings_checks.secret_strength(keys)
    assert verdict(check) == expected
    assert not any(key in f"{check.found}{check.fix}" for key in keys)


def test_the_limit_of_visitors() -> None:
    assert verdict(settings_checks.visitor_limit(RateLimit(30, timedelta(minutes=1)))) == OK
    assert verdict(settings_checks.visitor_limit(None)) == PROBLEM


def entry(ago: timedelta, **detail: Any) -> AuditEntry:
    return AuditEntry(
        at=NOON - ago,
        actor="ada",
        via="cli",
        action="test_alerts",
        account=None,
        target=None,
        address=None,
        detail=detail,
    )


@pytest.mark.parametrize(
    ("services", "tested", "expected"),
    [
        pytest.param([], None, PROBLEM, id="off"),
        pytest.param(["slack"], None, PROBLEM, id="never tested"),
        pytest.param(["slack"], entry(DAY, sent={"slack": True}), OK, id="tested"),
        pytest.param(["slack"], entry(181 * DAY, sent={"slack": True}), PROBLEM, id="long ago"),
        pytest.param(["slack"], entry(DAY, sent={"slack": False}), PROBLEM, id="test failed"),
        pytest.param(["slack", "ntfy"], entry(DAY, sent={"slack": True}), PROBLEM, id="new one"),
    ],
)
def test_alerts(services: list[str], tested: AuditEntry | None, expected: str) -> None:
    assert verdict(settings_checks.alerts(services, tested, NOON)) == expected


@pytest.mark.parametrize(
    ("last", "expected"), [(entry(DAY), OK), (entry(9 * DAY), PROBLEM), (None, PROBLEM)]
)
def test_backups(last: AuditEntry | None, expected: str) -> None:
    assert verdict(settings_checks.backups(last, NOON)) == expected


def test_the_heartbeat_is_advice_and_its_address_stays_secret() -> None:
    assert verdict(settings_checks.heartbeat(None)) == ADVICE
    assert "secret" not in settings_checks.heartbeat("https://hc.example.com/secret").found


# --- Redis


def way(**changes: Any) -> redis_access_checks.Way:
    known = {"setting": "REDIS_URL", "asks": True, "tls": False, "nearby": True, "private": True}
    return redis_access_checks.Way(**{**known, **changes})


@pytest.mark.parametrize(
    ("changes", "with_password", "with_tls"),
    [
        pytest.param({}, OK, OK, id="on this host"),
        pytest.param({"asks": None}, UNKNOWN, OK, id="does not answer"),
        pytest.param({"asks": False}, ADVICE, OK, id="no password, on this host"),
        pytest.param({"asks": False, "nearby": False}, ADVICE, ADVICE, id="in a private network"),
        pytest.param(
            {"asks": False, "nearby": False, "private": False}, PROBLEM, PROBLEM, id="in public"
        ),
        pytest.param({"nearby": False, "private": False, "tls": True}, OK, OK, id="managed"),
    ],
)
def test_who_reaches_redis(changes: dict[str, Any], with_password: str, with_tls: str) -> None:
    ways = [way(), way(setting="RELAY_BROKER_URL", **changes)]
    assert verdict(redis_access_checks.password(ways)) == with_password
    assert verdict(redis_access_checks.tls(ways)) == with_tls
    if with_tls != OK:
        assert "in RELAY_BROKER_URL," in (redis_access_checks.tls(ways).fix or "")


class Answering:
    """A server that answers a stranger so."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.url = ""

    def __call__(self, url: str) -> Any:
        self.url = url
        return self

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ping(self) -> None:
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ADVICE),
        (redis.AuthenticationError("NOAUTH"), OK),
        (redis.ResponseError("DENIED"), OK),
        (redis.ConnectionError("away"), UNKNOWN),
    ],
)
def test_a_server_is_asked_without_the_password(error: Exception | None, expected: str) -> None:
    server = Answering(error)
    urls = {"REDIS_URL": "redis://user:secret@127.0.0.1:6379/0"}
    password, tls = redis_access_checks.access(urls, server)
    assert (verdict(password), verdict(tls)) == (expected, OK)
    assert "secret" not in server.url and "127.0.0.1:6379" in server.url


def test_a_unix_socket_asks_by_its_file() -> None:
    urls = {"REDIS_URL": "unix:///run/redis.sock?db=0"}
    checks = redis_access_checks.access(urls, Answering(None))
    assert [verdict(check) for check in checks] == [OK, OK]


@pytest.mark.parametrize(("limit", "expected"), [(1 << 29, OK), (0, PROBLEM), (None, UNKNOWN)])
def test_the_limit_of_memory(limit: int | None, expected: str) -> None:
    facts = ServerFacts(memory_limit=limit)
    assert verdict(redis_access_checks.memory_limit(lambda: facts)) == expected


# --- the host and its operators


def test_the_user_that_web_has() -> None:
    assert verdict(host_checks.root_user(seen(REAL, as_root=True))) == PROBLEM
    assert verdict(host_checks.root_user(seen(REAL))) == OK
    assert verdict(host_checks.root_user(None)) == UNKNOWN


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "expected"),
    [
        pytest.param(0o600, 0o755, OK, id="the owner's"),
        pytest.param(0o640, 0o755, OK, id="the group's"),
        pytest.param(0o644, 0o700, OK, id="in a closed folder"),
        pytest.param(0o644, 0o755, PROBLEM, id="everybody's"),
    ],
)
def test_who_reads_the_files(
    open_folder: Path, file_mode: int, folder_mode: int, expected: str
) -> None:
    data, secret = open_folder / "data", open_folder / "key"
    (data / "spool").mkdir(parents=True)
    spool = data / "spool/sign-ups.sqlite3"
    for file in (spool, secret):
        file.write_text("x")
        file.chmod(file_mode)
    open_folder.chmod(folder_mode)
    check = host_checks.file_modes(data, [secret])
    assert verdict(check) == expected
    if expected == PROBLEM:
        assert str(spool) in check.found and str(secret) in check.found
        assert (check.fix or "").endswith(f"chmod -R o-rwx {data} {secret}")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are closed."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_what_docker_mounts_is_for_its_one_user() -> None:
    assert verdict(host_checks.file_modes(Path("nowhere"), [Path("/run/secrets/key")])) == OK


@pytest.mark.parametrize(("spool", "expected"), [(0, OK), (1024, OK), (1 << 60, PROBLEM)])
def test_the_room_on_the_disk(tmp_path: Path, spool: int, expected: str) -> None:
    assert verdict(host_checks.disk(tmp_path / "not yet there", spool)) == expected


def operator(name: str, role: Role = Role.ADMIN) -> Operator:
    return Operator(name=name, role=role, password_hash="x", epoch=1)


@pytest.mark.parametrize(
    ("everybody", "expected"),
    [
        pytest.param([operator("ada"), operator("max", Role.VIEWER)], OK, id="own names"),
        pytest.param([operator("admin"), operator("ada")], ADVICE, id="the first name"),
        pytest.param([operator("max", Role.VIEWER)], ADVICE, id="no admin"),
    ],
)
def test_operators(everybody: list[Operator], expected: str) -> None:
    assert verdict(operator_checks.operators(everybody)) == expected


NONE, ADMINS, ALL = WhoMustHaveOne


@pytest.mark.parametrize(
    ("demanded", "without", "expected"),
    [
        pytest.param(ADMINS, [], OK, id="all have one"),
        pytest.param(ADMINS, [operator("max", Role.VIEWER)], OK, id="not demanded of viewers"),
        pytest.param(ALL, [operator("max", Role.VIEWER)], PROBLEM, id="demanded of all"),
        pytest.param(ADMINS, [operator("ada")], PROBLEM, id="an admin lacks it"),
        pytest.param(NONE, [operator("ada")], ADVICE, id="not demanded, and an admin has none"),
        pytest.param(NONE, [operator("max", Role.VIEWER)], OK, id="admins have one by themselves"),
    ],
)
def test_second_factors(demanded: WhoMustHaveOne, without: list[Operator], expected: str) -> None:
    check = operator_checks.second_factor(demanded, without)
    assert verdict(check) == expected
    if expected != OK:
        assert without[0].name in check.found


def test_forms_that_every_website_may_post_to() -> None:
    listed = form("listed", origins=("https://www.example.com",))
    assert verdict(form_checks.form_websites([listed, form("closed", enabled=False)])) == OK
    check = form_checks.form_websites([listed, *(form(f"f{n}") for n in range(7))])
    assert verdict(check) == ADVICE
    assert "may post to f0, f1, f2, f3, f4 and 2 more." in check.found
    assert check.fix and "relay forms edit f0 --origin https://" in check.fix


def test_whom_to_tell_of_a_weakness() -> None:
    assert verdict(settings_checks.security_contact(None)) == ADVICE
    assert verdict(settings_checks.security_contact("mailto:ada@example.com")) == OK
