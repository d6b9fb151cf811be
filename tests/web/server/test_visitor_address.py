"""Whose address counts behind proxies, and how an operator learns of a wrong number of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from shared.doctor.network_checks import proxies
from shared.domain.check import Check, CheckResult
from shared.domain.errors import LedgerUnavailable
from shared.domain.form import Form
from shared.domain.forwarding import Misfit
from shared.infrastructure.settings import RateLimit, Settings
from shared.ledger.stores.stored_texts import StoredText, forwarding
from tests.support.builders import NOON
from tests.support.stack import eventually
from web.app import create_app
from web.visitor_address import NOTE_EVERY, MisfitNotes

Stored = Callable[[], list[dict[str, Any]]]
Behind = Callable[..., FlaskClient]


@pytest.fixture
def behind(settings: Settings, save_form: Callable[..., Form]) -> Behind:
    """Return a client of a web with so many trusted proxies."""
    save_form()

    def start(proxies: int, **changed: Any) -> FlaskClient:
        return create_app(replace(settings, trusted_proxies=proxies, **changed)).test_client()

    return start


def sign_up(client: FlaskClient, forwarded: str | None = None, **options: Any) -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    return client.post(
        "/f/news", json={"email": "ada@example.com"}, headers=headers, **options
    ).status_code


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, "10.7.7.7", "127.0.0.1"),
        (1, "10.7.7.7, 10.8.8.8, 10.9.9.9", "10.9.9.9"),
        (2, "10.7.7.7, 10.8.8.8, 10.9.9.9", "10.8.8.8"),
        (3, "10.8.8.8, 10.9.9.9", "127.0.0.1"),
        (1, "203.0.113.7:5234", "203.0.113.7"),
        (1, "10.7.7.7,[2001:db8::7]:5234", "2001:db8::7"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "203.0.113.7, unknown", "127.0.0.1"),
        (1, "<b>", "127.0.0.1"),
        (1, "1" * 5000, "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "6.6.6.6, ", "127.0.0.1"),
        (1, "6.6.6.6,,", "127.0.0.1"),
        (2, "6.6.6.6, , 10.9.9.9", "127.0.0.1"),
        (2, "6.6.6.6, 10.8.8.8, ", "10.8.8.8"),
        (1, ",,,", "127.0.0.1"),
        (1, "010.0.0.1", "127.0.0.1"),
        (1, "6.6.6.6;10.9.9.9", "127.0.0.1"),
        (1, None, "127.0.0.1"),
    ],
)
def test_the_evidence_of_consent_has_the_plain_address(
    behind: Behind, stored: Stored, trusted: int, forwarded: str | None, address: str
) -> None:
    assert sign_up(behind(trusted), forwarded) == 202
    assert stored()[0]["consent"]["address"] == address


@pytest.mark.parametrize(
    ("peer", "address"), [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1")]
)
def test_the_address_of_the_socket_is_plain_too(
    behind: Behind, stored: Stored, peer: str, address: str
) -> None:
    sign_up(behind(0), environ_overrides={"REMOTE_ADDR": peer})
    assert stored()[0]["consent"]["address"] == address


def test_a_port_makes_no_other_visitor(
    behind: Behind, redis_client: "redis.Redis", settings: Settings
) -> None:
    client = behind(1, visitor_limit=RateLimit(2, NOTE_EVERY))
    answers = [
        client.post(
            "/f/news",
            json={"email": f"ada{port}@example.com"},
            headers={"X-Forwarded-For": f"203.0.113.7:5234{port}"},
        ).status_code
        for port in range(4)
    ]
    assert answers == [202, 202, 429, 429]


# --- what the operator learns


def noted(client: "redis.Redis") -> Check:
    return proxies(forwarding(client).read)


@pytest.mark.parametrize(
    ("trusted", "headers", "peer", "verdict", "words"),
    [
        pytest.param(
            0,
            {"X-Forwarded-For": "203.0.113.7"},
            "127.0.0.1",
            "problem",
            "X-Forwarded-For,",
            id="0",
        ),
        pytest.param(
            0, {"X_Forwarded_For": "203.0.113.7"}, "10.0.0.1", "problem", "X-Forwarded-For,", id="_"
        ),
        pytest.param(0, {"X-Real-IP": "203.0.113.7"}, "::1", "problem", "X-Real-IP,", id="real"),
        pytest.param(
            0, {"Forwarded": "for=203.0.113.7"}, "172.16.0.9", "problem", "Forwarded,", id="RFC"
        ),
        pytest.param(
            0,
            {"CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": "203.0.113.7"},
            "104.16.0.1",
            "ok",
            "X-Forwarded-For and CF-Connecting-IP,",
            id="a CDN, or a visitor who plays one",
        ),
        pytest.param(
            2,
            {"X-Forwarded-For": "203.0.113.7"},
            "127.0.0.1",
            "problem",
            "1 address in",
            id="few",
        ),
        pytest.param(
            1, {"X-Forwarded-For": "unknown"}, "127.0.0.1", "problem", "is no address", id="junk"
        ),
        pytest.param(
            1, {"X-Real-IP": "203.0.113.7"}, "127.0.0.1", "problem", "no address in", id="wrong one"
        ),
        pytest.param(1, {}, "127.0.0.1", "ok", "no address in", id="none, or past the proxy"),
    ],
)
def test_a_misfit_is_told_once_by_the_log_and_by_the_doctor(
    behind: Behind,
    redis_client: "redis.Redis",
    caplog: pytest.LogCaptureFixture,
    trusted: int,
    headers: dict[str, str],
    peer: str,
    verdict: str,
    words: str,
) -> None:
    client = behind(trusted)
    for _ in range(3):
        posted = {"email": "ada@example.com"}
        environ = {"REMOTE_ADDR": peer}
        client.post("/f/news", json=posted, headers=headers, environ_overrides=environ)
    eventually(lambda: forwarding(redis_client).read() is not None, what="the note")
    [record] = [each for each in caplog.records if each.name == "web.visitor_address"]
    found = noted(redis_client)
    assert found.verdict == CheckResult(verdict)
    assert words in found.found and words in record.message
    assert f"RELAY_TRUSTED_PROXIES is {trusted}" in found.found
    assert found.fix and "RELAY_TRUSTED_PROXIES" in found.fix
    may_be_a_stranger = "strangers could choose their address" in record.message
    assert may_be_a_stranger == ("strangers could" in found.fix) == (verdict == "ok")
    assert "203.0.113" not in record.message + found.found + str(forwarding(redis_client).read())


@pytest.mark.parametrize(
    ("trusted", "headers"), [(0, {}), (1, {"X-Forwarded-For": "203.0.113.7, 10.0.0.1"})]
)
def test_nothing_is_said_of_what_fits(
    behind: Behind,
    redis_client: "redis.Redis",
    caplog: pytest.LogCaptureFixture,
    trusted: int,
    headers: dict[str, str],
) -> None:
    client = behind(trusted)
    client.post("/f/news", json={"email": "ada@example.com"}, headers=headers)
    assert client.get("/healthz").status_code == 200  # as a container asks, past the proxy
    assert [each for each in caplog.records if each.name == "web.visitor_address"] == []
    assert noted(redis_client).verdict == CheckResult.OK
    assert noted(redis_client).fix is None


def test_a_web_that_starts_anew_forgets_what_was_noted_before(
    behind: Behind, redis_client: "redis.Redis"
) -> None:
    forwarding(redis_client).write("{}")
    behind(1)
    assert forwarding(redis_client).read() is None


class Written(StoredText):
    """Keeps what is written in memory; Redis may be away."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.away = False

    def write(self, text: str, life: object = None) -> None:
        if self.away:
            raise LedgerUnavailable("away")
        self.texts.append(text)


def test_a_stranger_cannot_hide_a_proxy(caplog: pytest.LogCaptureFixture) -> None:
    stored, now = Written(), [0.0]
    notes = MisfitNotes(stored, clock=lambda: now[0], now=lambda: NOON)
    proxy = Misfit(headers=("X-Forwarded-For",), addresses=1, trusted=0, private=True)
    stranger = replace(proxy, private=False)

    def note(misfit: Misfit, *, noted: int) -> None:
        notes.note(lambda: misfit)
        eventually(lambda: len(stored.texts) == noted)

    note(stranger, noted=1)
    note(proxy, noted=2)
    now[0] = NOTE_EVERY.total_seconds()
    note(stranger, noted=2)
    note(proxy, noted=3)
    told = [Misfit.from_json(text) for text in stored.texts]
    assert told == [stranger, proxy, proxy]
    assert len(caplog.records) == 2
    assert "leave RELAY_TRUSTED_PROXIES at 0" in caplog.records[0].message
    assert "leave" not in caplog.records[1].message


def test_a_misfit_that_lasts_is_noted_every_ten_minutes_even_if_redis_was_away() -> None:
    stored, now = Written(), [0.0]
    notes = MisfitNotes(stored, clock=lambda: now[0], now=lambda: NOON)
    misfit = Misfit(headers=("Forwarded",), addresses=0, trusted=0, private=True)
    for now[0] in (0.0, 1.0, NOTE_EVERY.total_seconds() - 1):
        notes.note(lambda: misfit)
    eventually(lambda: len(stored.texts) == 1)
    assert json.loads(stored.texts[0])["headers"] == ["Forwarded"]
    assert Misfit.from_json(stored.texts[0]) == misfit
    stored.away = True
    now[0] += 2
    notes.note(lambda: misfit)
    stored.away = False
    now[0] += NOTE_EVERY.total_seconds()
    notes.note(lambda: misfit)
    eventually(lambda: len(stored.texts) == 2)
