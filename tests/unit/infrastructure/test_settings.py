"""Settings from the environment: every problem at once, by name, and no secret shown."""

import os
import re
import string
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.errors import SettingsError
from shared.domain.retention import Retention
from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.settings import (
    Bind,
    RateLimit,
    Settings,
    find_log_format,
    find_sandbox_bind,
    parse_bind,
)
from tests.architecture.project import read as read_file

NEEDED = {
    "REDIS_URL": "redis://cache.example/0",
    "CTCT_CLIENT_ID": "an-api-key",
    "CTCT_CLIENT_SECRET": "the-client-secret",
    "RELAY_SECRET_KEY": "a long enough secret",
}


def read(**environ: str) -> Settings:
    return Settings.from_env(NEEDED | environ)


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(environ)
    assert str(refused.value) == "\n".join(refused.value.problems)
    return refused.value.problems


def problem(**environ: str) -> str:
    (only,) = problems(NEEDED | environ)
    return only


def test_four_settings_are_enough_and_the_others_have_their_published_defaults() -> None:
    settings = read()
    assert settings == Settings(
        redis_url="redis://cache.example/0",
        broker_url="redis://cache.example/1",
        client_id="an-api-key",
        client_secret="the-client-secret",
        secret_keys=("a long enough secret",),
        accept_fsync=False,
        api_url="https://api.cc.email/v3",
        auth_url="https://authz.constantcontact.com/oauth2/default/v1",
        requests_per_second=4.0,
        requests_per_day=10_000,
        public_url="http://127.0.0.1:8080",
        instance="http://127.0.0.1:8080",
        bind=Bind("127.0.0.1", 8080),
        sandbox_bind=Bind("127.0.0.1", 8090),
        data_dir=Path(".relay"),
        token_refresh=timedelta(hours=4),
        lease=timedelta(minutes=1),
        send_deadline=timedelta(seconds=20),
        max_attempts=12,
        retry_base=timedelta(seconds=15),
        spool_bytes=64 * 1024 * 1024,
        task_events=False,
        visitor_limit=RateLimit(30, timedelta(minutes=1)),
        person_limit=RateLimit(5, timedelta(days=1)),
        trusted_proxies=0,
        web_processes=min(len(os.sched_getaffinity(0)), 8),
        alerts=(),
        alert_after=timedelta(minutes=1),
        heartbeat_url=None,
        security_contact=None,
        retain_audit=timedelta(days=365),
        files=(),
        require_second_factor=WhoMustHaveOne.NONE,
        metrics_token=None,
        log_format="text",
        retention=Retention(
            delivered=timedelta(days=30),
            discarded=timedelta(days=30),
            quarantined=timedelta(days=30),
            dead=None,
            consent=None,
            addresses=timedelta(days=90),
        ),
    )
    assert settings.redirect_uri == "http://127.0.0.1:8080/connect/callback"
    assert settings.spool_folder == Path(".relay/spool")


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (4, 4), (32, 8)])
def test_web_has_a_process_for_each_core_but_not_many(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    assert read().web_processes == processes


@pytest.mark.parametrize(
    ("name", "raw", "field", "value"),
    [
        pytest.param("RELAY_ACCEPT_FSYNC", "1", "accept_fsync", True, id="flag as a digit"),
        pytest.param("RELAY_TASK_EVENTS", "Yes", "task_events", True, id="flag as a word"),
        pytest.param("RELAY_TASK_EVENTS", "off", "task_events", False, id="flag that is off"),
        pytest.param("CTCT_REQUESTS_PER_SECOND", "0.5", "requests_per_second", 0.5, id="slow"),
        pytest.param("CTCT_REQUESTS_PER_DAY", "250", "requests_per_day", 250, id="small day"),
        pytest.param(
            "CTCT_API_URL",
            "http://127.0.0.1:8090/v3/",
            "api_url",
            "http://127.0.0.1:8090/v3",
            id="address loses its last slash",
        ),
        pytest.param("RELAY_BIND", "[::]:80", "bind", Bind("::", 80), id="IPv6 address"),
        pytest.param("RELAY_BIND", "h:1", "bind", Bind("h", 1), id="lowest port"),
        pytest.param("RELAY_BIND", "h:65535", "bind", Bind("h", 65_535), id="highest port"),
        pytest.param("RELAY_DATA_DIR", "/data", "data_dir", Path("/data"), id="folder"),
        pytest.param(
            "RELAY_RETRY_BASE_SECONDS",
            "0.25",
            "retry_base",
            timedelta(milliseconds=250),
            id="part of a second",
        ),
        pytest.param(
            "RELAY_SECRET_KEY",
            "the newest secret, , the one before it,",
            "secret_keys",
            ("the newest secret", "the one before it"),
            id="two keys while rotating",
        ),
        *(
            pytest.param(
                "RELAY_VISITOR_LIMIT",
                f"5/{unit}",
                "visitor_limit",
                RateLimit(5, timedelta(seconds=seconds)),
                id=f"visitor limit for each {unit}",
            )
            for unit, seconds in (("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400))
        ),
        pytest.param("RELAY_VISITOR_LIMIT", "0", "visitor_limit", None, id="no visitor limit"),
        pytest.param(
            "RELAY_PERSON_LIMIT",
            "2/hour",
            "person_limit",
            RateLimit(2, timedelta(hours=1)),
            id="a person's limit",
        ),
        pytest.param("RELAY_PERSON_LIMIT", "0", "person_limit", None, id="no person limit"),
        pytest.param("RELAY_SPOOL_BYTES", "1024", "spool_bytes", 1024, id="small spool"),
        pytest.param("RELAY_SPOOL_BYTES", "0", "spool_bytes", 0, id="no spool"),
        pytest.param("CTCT_REQUESTS_PER_DAY", "1", "requests_per_day", 1, id="one a day"),
        pytest.param("RELAY_TRUSTED_PROXIES", "2", "trusted_proxies", 2, id="two proxies"),
        pytest.param("RELAY_WEB_PROCESSES", "1", "web_processes", 1, id="one process"),
        pytest.param("RELAY_WEB_PROCESSES", "8", "web_processes", 8, id="several processes"),
        pytest.param("RELAY_WEB_PROCESSES", "64", "web_processes", 64, id="most processes"),
        *(
            pytest.param(
                "RELAY_REQUIRE_SECOND_FACTOR", raw, "require_second_factor", who, id=f"who: {raw}"
            )
            for raw, who in (
                ("none", WhoMustHaveOne.NONE),
                ("Admin", WhoMustHaveOne.ADMIN),
                ("all", WhoMustHaveOne.ALL),
            )
        ),
        pytest.param("RELAY_MAX_ATTEMPTS", " 3\n", "max_attempts", 3, id="blanks around it"),
        pytest.param("RELAY_MAX_ATTEMPTS", "", "max_attempts", 12, id="empty means the default"),
    ],
)
def test_value(name: str, raw: str, field: str, value: object) -> None:
    assert getattr(read(**{name: raw}), field) == value


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("RELAY_RETAIN_DELIVERED", "delivered"),
        ("RELAY_RETAIN_DISCARDED", "discarded"),
        ("RELAY_RETAIN_QUARANTINED", "quarantined"),
        ("RELAY_RETAIN_DEAD", "dead"),
        ("RELAY_RETAIN_CONSENT", "consent"),
        ("RELAY_ANONYMIZE_ADDRESSES", "addresses"),
    ],
)
def test_how_long_records_are_kept(name: str, field: str) -> None:
    assert getattr(read(**{name: "15m"}).retention, field) == timedelta(minutes=15)
    assert getattr(read(**{name: "never"}).retention, field) is None


def test_how_long_the_audit_trail_is_kept() -> None:
    assert read(RELAY_RETAIN_AUDIT="15m").retain_audit == timedelta(minutes=15)
    assert read(RELAY_RETAIN_AUDIT="never").retain_audit is None
    assert "RELAY_RETAIN_AUDIT" in problem(RELAY_RETAIN_AUDIT="30")


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        pytest.param("REDIS_URL", "memcached://x", "must begin with redis://", id="not Redis"),
        pytest.param("REDIS_URL", "sentinel://a:1,b:1", "must name the master", id="no master"),
        pytest.param("RELAY_BROKER_URL", "redis://x/first", "by a number", id="no number"),
        pytest.param("RELAY_ACCEPT_FSYNC", "maybe", "must be 0 or 1, not 'maybe'", id="flag"),
        pytest.param("CTCT_API_URL", "api.cc.email/v3", "must be an address", id="no scheme"),
        pytest.param("RELAY_PUBLIC_URL", "https://", "must be an address", id="no host"),
        pytest.param("RELAY_PUBLIC_URL", "https://a/b c", "can have a path", id="blank in it"),
        pytest.param("RELAY_PUBLIC_URL", "https://a//b", "can have a path", id="empty part"),
        pytest.param("RELAY_PUBLIC_URL", "https://a/../b", "can have a path", id="up again"),
        pytest.param("RELAY_PUBLIC_URL", "https://a/?b", "without", id="query"),
        pytest.param("RELAY_PUBLIC_URL", "https://a/#b", "without", id="fragment"),
        pytest.param("RELAY_PUBLIC_URL", "https://u:pw@a/", "without a user", id="user"),
        pytest.param("CTCT_API_URL", "ftp://api.cc.email", "must be an address", id="no web"),
        *(
            pytest.param(name, raw, words, id=f"{name}: {what}")
            for name in ("CTCT_API_URL", "CTCT_AUTH_URL", "RELAY_PUBLIC_URL")
            for raw, words, what in (
                ("https://host:port/v3", "a port from 1 to 65535", "port in words"),
                ("https://host:0/v3", "a port from 1 to 65535", "port 0"),
                ("https://host:65536/v3", "a port from 1 to 65535", "port too high"),
                ("https://host:/v3", "a port from 1 to 65535", "no port after a colon"),
                ("https://[::1/v3", "must be an address", "half a bracket"),
                ("https://a host/v3", "must be an address", "blank in the host"),
                ("https://a_b.ex%ample/v3", "must be an address", "% in the host"),
                ("https://user:pw@host/v3", "without a user", "user"),
                ("https://host/v3?key=1", "without a user", "query"),
                ("https://host/v3#top", "without a user", "fragment"),
            )
        ),
        pytest.param("RELAY_HEARTBEAT_URL", "https://h:x/", "a port from 1", id="ping's port"),
        pytest.param("RELAY_HEARTBEAT_URL", "h/ping", "must be an address", id="ping's scheme"),
        pytest.param("RELAY_ALERTS", "json://h:99999/", "number 1 of 1", id="webhook's port"),
        pytest.param("RELAY_ALERTS", "json://h/ json://h:0/", "number 2 of 2", id="its place"),
        pytest.param("RELAY_ALERTS", "json://u:p#w@h/", "# is %23", id="webhook's password"),
        pytest.param("CTCT_REQUESTS_PER_SECOND", "0", "a number above 0", id="no pace"),
        pytest.param("CTCT_REQUESTS_PER_SECOND", "-1", "a number above 0", id="below 0"),
        pytest.param("CTCT_REQUESTS_PER_SECOND", "nan", "a number above 0", id="not a number"),
        pytest.param("CTCT_REQUESTS_PER_SECOND", "1e-9", "from 0.001", id="slower than slow"),
        pytest.param("RELAY_LEASE_SECONDS", "1e300", "to 1,000,000,000", id="longer than time"),
        pytest.param("RELAY_LEASE_SECONDS", "x" * 9000, "x…'", id="a long value is cut"),
        pytest.param("RELAY_MAX_ATTEMPTS", "9" * 5000, "a whole number", id="huge number"),
        pytest.param("RELAY_BIND", "h:" + "9" * 5000, "must be HOST:PORT", id="huge port"),
        pytest.param("RELAY_BIND", "h:٣", "must be HOST:PORT", id="port in other digits"),
        pytest.param("CTCT_CLIENT_ID", "a\0b", "NUL character", id="NUL"),
        pytest.param("CTCT_REQUESTS_PER_DAY", "0", "at least 1", id="no requests at all"),
        pytest.param("CTCT_REQUESTS_PER_DAY", "1e4", "a whole number", id="not whole"),
        pytest.param("RELAY_BIND", "8080", "must be HOST:PORT", id="no host to listen on"),
        pytest.param("RELAY_BIND", "0.0.0.0:65536", "must be HOST:PORT", id="no such port"),
        pytest.param("RELAY_SANDBOX_BIND", "nowhere", "must be HOST:PORT", id="sandbox's port"),
        pytest.param("RELAY_LEASE_SECONDS", "inf", "a number above 0", id="endless lease"),
        pytest.param("RELAY_VISITOR_LIMIT", "30/fortnight", "like 30/minute", id="odd unit"),
        pytest.param("RELAY_VISITOR_LIMIT", "x/minute", "like 30/minute", id="no number"),
        pytest.param("RELAY_VISITOR_LIMIT", "30", "like 30/minute", id="no unit"),
        pytest.param("RELAY_PERSON_LIMIT", "-1/day", "like 30/minute", id="a negative limit"),
        pytest.param("RELAY_VISITOR_LIMIT", "0/minute", "at least 1", id="nobody may"),
        pytest.param("RELAY_SPOOL_BYTES", "64 MiB", "are 67108864 bytes", id="bytes with a unit"),
        pytest.param("RELAY_TRUSTED_PROXIES", "-1", "a whole number", id="negative"),
        pytest.param("RELAY_TRUSTED_PROXIES", "٣", "a whole number", id="other digits"),
        pytest.param("RELAY_WEB_PROCESSES", "0", "at least 1", id="no process"),
        pytest.param("RELAY_WEB_PROCESSES", "65", "at most 64, not '65'", id="many processes"),
        pytest.param("RELAY_WEB_PROCESSES", "abc", "a whole number", id="processes in letters"),
        pytest.param("RELAY_SECRET_KEY", " , ", "only commas", id="no key"),
        pytest.param("RELAY_RETAIN_DEAD", "30", "or never, not '30'", id="no unit of time"),
        pytest.param("RELAY_RETAIN_CONSENT", "0d", "from 1s to 36500d", id="kept for no time"),
        pytest.param("RELAY_RETAIN_DELIVERED", "1.5d", "such as 90s, 15m", id="part of a day"),
        pytest.param("RELAY_RETAIN_DISCARDED", "999999d", "to 36500d", id="centuries"),
        pytest.param("RELAY_RETAIN_QUARANTINED", "-1h", "such as 90s", id="before it came"),
        pytest.param("RELAY_REQUIRE_SECOND_FACTOR", "yes", "none, admin or all", id="yes"),
        pytest.param("RELAY_ANONYMIZE_ADDRESSES", "always", "or never", id="another word"),
    ],
)
def test_wrong_value_is_named(name: str, raw: str, words: str) -> None:
    assert problem(**{name: raw}).startswith(f"{name} ")
    assert words in problem(**{name: raw})


def test_all_problems_are_reported_together() -> None:
    found = problems({"RELAY_BIND": "nowhere", "RELAY_MAX_ATTEMPTS": "0"})
    assert sorted(line.split()[0] for line in found) == [
        "CTCT_CLIENT_ID",
        "CTCT_CLIENT_SECRET",
        "REDIS_URL",
        "RELAY_BIND",
        "RELAY_MAX_ATTEMPTS",
        "RELAY_SECRET_KEY",
    ]


def test_what_is_needed_before_there_are_settings_has_a_value_whatever_is_wrong() -> None:
    wrong = {"RELAY_SANDBOX_BIND": "nowhere", "RELAY_LOG_FORMAT": "xml"}
    assert (find_sandbox_bind(wrong), find_log_format(wrong)) == (Bind("127.0.0.1", 8090), "text")
    right = {"RELAY_SANDBOX_BIND": "h:81", "RELAY_LOG_FORMAT": "json"}
    assert (find_sandbox_bind(right), find_log_format(right)) == (Bind("h", 81), "json")


def test_a_wrong_redis_url_is_one_problem_not_also_one_of_the_broker() -> None:
    assert problem(REDIS_URL="http://cache.example").startswith("REDIS_URL ")


@pytest.mark.parametrize(
    ("bind", "public_url"),
    [
        pytest.param("127.0.0.1:9000", "http://127.0.0.1:9000", id="another port"),
        pytest.param("0.0.0.0:9000", "http://127.0.0.1:9000", id="every address"),
        pytest.param("[::]:9000", "http://127.0.0.1:9000", id="every IPv6 address"),
        pytest.param("[::1]:9000", "http://[::1]:9000", id="IPv6"),
        pytest.param("192.0.2.7:80", "http://192.0.2.7:80", id="one address"),
    ],
)
def test_without_a_public_address_forms_are_where_web_listens(bind: str, public_url: str) -> None:
    assert read(RELAY_BIND=bind).public_url == public_url


def test_the_redirect_uri_is_under_the_public_address() -> None:
    settings = read(RELAY_PUBLIC_URL="https://signup.example.com/", RELAY_BIND="0.0.0.0:80")
    assert settings.redirect_uri == "https://signup.example.com/connect/callback"
    settings = read(RELAY_PUBLIC_URL="https://www.example.com/web/signup/")
    assert settings.redirect_uri == "https://www.example.com/web/signup/connect/callback"


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        pytest.param(
            {"RELAY_SEND_DEADLINE_SECONDS": "60"},
            ("RELAY_SEND_DEADLINE_SECONDS", "RELAY_LEASE_SECONDS"),
            id="a request may outlive its claim",
        ),
        pytest.param(
            {"RELAY_BROKER_URL": NEEDED["REDIS_URL"]},
            ("RELAY_BROKER_URL", "REDIS_URL"),
            id="messages among the ledger",
        ),
    ],
)
def test_contradiction(environ: dict[str, str], names: tuple[str, str]) -> None:
    assert all(name in problem(**environ) for name in names)


def test_a_short_lease_shortens_what_one_request_may_take() -> None:
    assert read(RELAY_LEASE_SECONDS="5").send_deadline == timedelta(seconds=2.5)
    assert read(RELAY_LEASE_SECONDS="300").send_deadline == timedelta(seconds=20)


def test_a_secret_that_can_be_guessed_works_and_is_advised_against() -> None:
    assert read(RELAY_SECRET_KEY="k" * 16).advice() == []
    (advice,) = read(RELAY_SECRET_KEY="a key that is long enough," + "k" * 15).advice()
    assert advice.startswith("RELAY_SECRET_KEY has a key of less than 16 characters")
    assert "kkk" not in advice


@pytest.mark.parametrize(
    ("url", "to_itself"),
    [
        ("https://signup.example.com", True),
        ("https://signup.example.com:443", True),
        ("https://www.example.com:8443", False),
        ("https://www.example.com/signup", False),
        ("http://signup.example.com", False),
    ],
)
def test_who_else_may_serve_the_host(url: str, to_itself: bool) -> None:
    assert read(RELAY_PUBLIC_URL=url).has_host_to_itself == to_itself


@pytest.mark.parametrize(
    ("typed", "contact"),
    [
        ("mailto:security@example.com", "mailto:security@example.com"),
        ("security+relay@example.co.uk", "mailto:security+relay@example.co.uk"),
        ("https://example.com/security?lang=en", "https://example.com/security?lang=en"),
        ("none", None),
        ("", None),
    ],
)
def test_a_security_contact(typed: str, contact: str | None) -> None:
    assert read(RELAY_SECURITY_CONTACT=typed).security_contact == contact


@pytest.mark.parametrize(
    "typed",
    [
        *("http://example.com/security", "example.com", "security", "mailto:", "mailto:a@b"),
        *(
            "https://",
            "https://example.com/a b",
            "https://example.com/\nExpires: x",
            "https://é.com",
        ),
        *("mailto:a@example.com,b@example.com", "mailto:a@example.com?subject=x", "tel:+1", "@"),
        *("mailto:a@example.com\nPolicy: x", "https://ada:secret@example.com/", "javascript:alert"),
    ],
)
def test_another_security_contact_is_a_problem_that_does_not_repeat_it(typed: str) -> None:
    found = problem(RELAY_SECURITY_CONTACT=typed)
    assert found.startswith("RELAY_SECURITY_CONTACT must be an")
    assert "ada:" not in found and "Policy" not in found


ELSEWHERE = [
    {"RELAY_PUBLIC_URL": "https://signup.example.com"},
    {"RELAY_PUBLIC_URL": "http://192.0.2.7:8080"},
    {"RELAY_BIND": "0.0.0.0:8080"},
    {"RELAY_BIND": "[::]:8080"},
    {"RELAY_BIND": "192.0.2.7:8080", "RELAY_PUBLIC_URL": "http://localhost:8080"},
    {"RELAY_BIND": "relay.lan:8080"},
]


@pytest.mark.parametrize("environ", ELSEWHERE)
def test_a_secret_that_can_be_guessed_is_refused_where_others_can_come(
    environ: dict[str, str],
) -> None:
    found = problem(**environ, RELAY_SECRET_KEY="kkkkkkkkkkkkkkk,a key that is long enough")
    assert found.startswith("RELAY_SECRET_KEY has a key of less than 16 characters")
    assert "RELAY_PUBLIC_URL" in found and "token_urlsafe" in found and "kkk" not in found


@pytest.mark.parametrize("environ", ELSEWHERE)
def test_the_old_secret_may_be_short_while_a_better_one_takes_its_place(
    environ: dict[str, str],
) -> None:
    assert read(**environ, RELAY_SECRET_KEY="a key that is long enough,short").advice()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RELAY_BIND": "[::1]:8080"},
        {"RELAY_BIND": "localhost:80", "RELAY_PUBLIC_URL": "http://relay.localhost"},
        {"RELAY_BIND": "127.0.0.2:80"},
    ],
)
def test_a_secret_that_can_be_guessed_will_do_on_one_machine(environ: dict[str, str]) -> None:
    assert len(read(**environ, RELAY_SECRET_KEY="short").advice()) == 1


@pytest.mark.parametrize(
    ("url", "advised"),
    [
        ("http://signup.example.com", True),
        ("HTTP://192.0.2.7:8080/signup", True),
        ("https://signup.example.com", False),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://relay.localhost", False),
    ],
)
def test_plain_http_is_advised_against_where_others_can_listen(url: str, advised: bool) -> None:
    advice = read(RELAY_PUBLIC_URL=url).advice()
    assert [each.startswith("RELAY_PUBLIC_URL is not https") for each in advice] == [True] * advised


PASSWORDS = [
    *("https://ada:hunter2@signup.example.com", "https://ada:1/hunter2@signup.example.com"),
    *("https://signup.example.com/hunter2:b@c", "ada:hunter2@signup.example.com"),
    *("hunter2@", "hunter2@0.0.0.0:x"),
]


NAMES = re.findall(r'_get\(\s*"([A-Z_]+)"', read_file("shared/infrastructure/settings.py"))


@pytest.mark.parametrize("value", PASSWORDS)
def test_no_problem_repeats_a_password(value: str) -> None:
    """Whatever the setting in which somebody has put an address with one."""
    refused = []
    for name in NAMES:
        try:
            read(**{name: value})
        except SettingsError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert "hunter2" not in "\n".join(refused)


# --- NAME_FILE


def test_a_value_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret kept in a file\n", encoding="utf-8")
    environ = {name: value for name, value in NEEDED.items() if name != "RELAY_SECRET_KEY"}
    settings = Settings.from_env(environ | {"RELAY_SECRET_KEY_FILE": str(secret)})
    assert settings.secret_keys == ("a secret kept in a file",)


@pytest.mark.parametrize("name", ["RELAY_BIND", "RELAY_DATA_DIR", "CTCT_CLIENT_ID"])
def test_a_file_that_cannot_be_read_is_one_problem_that_names_it(name: str, tmp_path: Path) -> None:
    others = {other: value for other, value in NEEDED.items() if other != name}
    (found,) = problems(others | {f"{name}_FILE": str(tmp_path / "missing")})
    assert found.startswith(f"{name}_FILE names ")
    assert "No such file" in found


def test_a_file_that_is_not_text_is_one_problem_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe")
    found = problem(RELAY_SECRET_KEY="", RELAY_SECRET_KEY_FILE=str(path))
    assert found == "RELAY_SECRET_KEY_FILE names a file that cannot be read: it is not UTF-8 text"


def test_a_secret_in_place_of_its_file_is_not_shown() -> None:
    assert "hunter2" not in problem(RELAY_SECRET_KEY="", RELAY_SECRET_KEY_FILE="hunter2")


def test_a_value_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bind"
    path.write_text("0.0.0.0:80", encoding="utf-8")
    found = problem(RELAY_BIND="127.0.0.1:80", RELAY_BIND_FILE=str(path))
    assert found == "RELAY_BIND and RELAY_BIND_FILE are both set; keep one of them"


def test_an_empty_file_counts_as_not_set(tmp_path: Path) -> None:
    path = tmp_path / "bind"
    path.write_text("\n", encoding="utf-8")
    assert read(RELAY_BIND_FILE=str(path)).bind == Bind("127.0.0.1", 8080)


# --- secrets


def test_no_secret_is_in_repr() -> None:
    settings = read(
        REDIS_URL="redis://user:redis-password@cache.example/0",
        RELAY_BROKER_URL="redis://user:broker-password@cache.example/1",
    )
    for secret in (
        "redis-password",
        "broker-password",
        "the-client-secret",
        "a long enough secret",
    ):
        assert secret not in repr(settings)
        assert secret not in str(settings)


def test_no_secret_is_in_a_problem() -> None:
    found = problems(NEEDED | {"RELAY_SECRET_KEY": "tooshort", "REDIS_URL": "http://u:hidden@h"})
    assert not any("tooshort" in line or "hidden" in line for line in found)


@pytest.mark.parametrize(
    "form",
    [
        "redis://relay:{}@cache.example:6379/0", "rediss://:{}@cache.example/0?ssl_cert_reqs=none",
        "sentinel://:{}@one.example:26379/main?db=1", "unix://:{}@/run/redis.sock?db=1",
        "https://relay:{}@api.example/v3", "json://relay:{}@alerts.example/hook",
    ],
)  # fmt: skip
def test_no_part_of_a_password_is_in_a_problem(form: str) -> None:
    """Whatever is in it; the libraries' own errors quote what follows a `#`, `/` or `[`."""
    for one in string.printable.strip():
        url = form.format(f"Zq1{one}Zq2")
        environ = {"REDIS_URL": url, "RELAY_BROKER_URL": url, "CTCT_API_URL": url}
        more = {"CTCT_AUTH_URL": url, "RELAY_PUBLIC_URL": url, "RELAY_ALERTS": url}
        with pytest.raises(SettingsError) as refused:
            Settings.from_env(NEEDED | environ | more)
        assert "Zq" not in str(refused.value), url
        assert len(refused.value.problems) >= 3


@pytest.mark.parametrize("raw", ["", ":80", "host:", "host:0", "host:port"])
def test_no_address_to_listen_on(raw: str) -> None:
    with pytest.raises(ValueError, match="must be HOST:PORT"):
        parse_bind(raw)


def test_an_installation_is_called_by_its_public_address_unless_it_has_a_name() -> None:
    assert read(RELAY_PUBLIC_URL="https://signup.example.com/").instance == (
        "https://signup.example.com"
    )
    assert read(RELAY_BIND="127.0.0.1:9000").instance == "http://127.0.0.1:9000"
    named = read(RELAY_PUBLIC_URL="https://signup.example.com", RELAY_INSTANCE="production")
    assert named.instance == "production"
    assert named.public_url == "https://signup.example.com"


def test_a_wrong_public_address_is_not_reported_a_second_time_as_the_name() -> None:
    assert problem(RELAY_PUBLIC_URL="nonsense").startswith("RELAY_PUBLIC_URL")
