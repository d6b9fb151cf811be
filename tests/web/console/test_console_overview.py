"""The overview: every account's figures, what is wrong with it, and who is alive."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
import redis
from flask import Flask

from shared.domain.account import HoldReason
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Figures
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """A ledger with the account `acme`, whose tokens nobody has."""
    Registry(redis_client).save_account(builders.account(organization="Acme Bakery"))
    return Ledger(redis_client)


@pytest.fixture
def overview(app: Flask) -> Callable[[], str]:
    """Return the text of the page, without what is only for machines."""
    browser = SignedIn(app)

    def text() -> str:
        page = browser.get("/console/")
        assert page.status_code == 200
        return " ".join(unescape(page.text).split())

    return text


def test_without_accounts_it_leads_to_connecting_one(overview: Callable[[], str]) -> None:
    assert "No account is connected yet" in overview()
    assert 'href="/console/connect"' in overview()


def test_a_viewer_is_not_led_where_they_may_not_go(app: Flask) -> None:
    assert "/console/connect" not in SignedIn(app, Role.VIEWER).get("/console/").text


def test_every_figure_is_shown(ledger: Ledger, overview: Callable[[], str]) -> None:
    for number in range(3):
        builders.accept(ledger, f"{number}@example.com")
    page = overview()
    assert "Acme Bakery" in page
    assert "<dt>accepted</dt><dd>3</dd>" in page
    assert "<dt>due</dt><dd>3</dd>" in page
    for name in ("delivered", "dead", "discarded", "quarantined"):
        assert f"<dt>{name}</dt><dd>0</dd>" in page
    assert "Oldest due sign-up: received" in page
    assert "@example.com" not in page


@pytest.mark.parametrize(
    ("oldest", "notified"),
    [
        pytest.param(None, False, id="nothing is due"),
        pytest.param(timedelta(), True, id="due just now"),
        pytest.param(timedelta(seconds=1), True, id="due for a second"),
    ],
)
def test_the_oldest_that_is_due_is_told_however_young(
    ledger: Ledger,
    overview: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    oldest: timedelta | None,
    notified: bool,
) -> None:
    figures = Figures(oldest_due=oldest)
    monkeypatch.setattr(Ledger, "figures_of", lambda _, accounts: [figures for _ in accounts])
    assert ("Oldest due sign-up: received" in overview()) is notified


@pytest.mark.parametrize(
    ("reason", "advice", "urgent"),
    [
        (HoldReason.FORBIDDEN, "relay connect acme", True),
        (HoldReason.PAUSED, "relay release acme", False),
        (HoldReason.OUTAGE, "resume by themselves", True),
    ],
)
def test_a_hold_says_why_and_what_to_do(
    ledger: Ledger, overview: Callable[[], str], reason: HoldReason, advice: str, urgent: bool
) -> None:
    ledger.hold("acme", reason, by="ada", note="a <reason> of its own")
    page = overview()
    assert f"({reason}: a <reason> of its own)" in page
    assert advice in page
    (notice,) = (part for part in page.split('<div class="notice ') if f"on hold ({reason}" in part)
    assert notice.startswith("problem") == ('role="alert"' in notice) == urgent


def test_what_others_typed_is_shown_as_text(
    redis_client: "redis.Redis", ledger: Ledger, app: Flask
) -> None:
    Registry(redis_client).save_account(builders.account(organization="<script>alert(1)</script>"))
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="<img src=x>")
    page = SignedIn(app).get("/console/").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_account_without_tokens_is_said_to_be_so(
    ledger: Ledger, overview: Callable[[], str]
) -> None:
    assert "Not connected." in overview()
    assert "cannot be used" in overview()


def test_dead_workers_are_the_first_thing_said(ledger: Ledger, overview: Callable[[], str]) -> None:
    assert "No worker is alive, so nothing is delivered" in overview()
    assert "Last beat: never" in overview()
    ledger.processes.worker_alive("relay-1@here")
    ledger.processes.beat_alive("beat@here")
    assert "No worker is alive" not in overview()
    assert "Workers alive: 1." in overview()
    assert re.search(r"Last beat: \d s ago\.", overview())


def test_requests_of_the_day_are_counted(overview: Callable[[], str]) -> None:
    assert "Requests today: 0 of 10,000" in overview()


@pytest.mark.parametrize("garbage", ["{?", "5", "[1]", '{"name": 5}'])
def test_an_account_that_cannot_be_read_is_named_beside_the_others(
    ledger: Ledger, redis_client: "redis.Redis", overview: Callable[[], str], garbage: str
) -> None:
    assert "left out" not in overview()
    redis_client.hset(keys.ACCOUNTS, "broken", garbage)
    page = overview()
    assert "Acme Bakery" in page
    assert "1 stored record cannot be read and is left out: account broken." in page
