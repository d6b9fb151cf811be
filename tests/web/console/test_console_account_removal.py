"""Removing an account in the console: only when nothing needs it, and after a question."""

import re
from html import unescape

import pytest
import redis
from flask import Flask

from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.web_services import change_services

PAGE = "/console/accounts/acme/remove"


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    return Registry(redis_client)


@pytest.fixture
def ledger(app: Flask, registry: Registry, redis_client: "redis.Redis") -> Ledger:
    """A ledger with the account `acme` and no form."""
    change_services(app, sleep=lambda _: None)
    registry.save_account(builders.account(organization="Acme <b>Bakery</b>"))
    registry.remove_form("news")
    return Ledger(redis_client)


@pytest.fixture
def browser(app: Flask, ledger: Ledger) -> SignedIn:
    return SignedIn(app)


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", unescape(page)).split())


def test_it_asks_says_what_is_lost_and_removes(
    browser: SignedIn, ledger: Ledger, registry: Registry
) -> None:
    builders.accept(ledger)
    ledger.deliver(builders.claimed(ledger), builders.attempt(), contact_id="c-1", action="created")
    question = browser.get(PAGE).text
    assert "1 delivered, 0 discarded. This cannot be undone." in words(question)
    assert "<b>Bakery" not in question
    assert registry.account_names() == ["acme"]
    assert browser.post(PAGE).location == "/console/accounts"
    assert registry.account_names() == []
    assert "acme is removed." in browser.get("/console/accounts").text


def test_what_stands_in_the_way_is_named_with_the_place_to_mend_it(
    browser: SignedIn, ledger: Ledger, registry: Registry
) -> None:
    registry.save_form(builders.form("cakes"))
    builders.bury(ledger, "dead@example.com")
    builders.accept(ledger)
    builders.accept(ledger, "robot@example.com", quarantine="honeypot")
    page = browser.get(PAGE).text
    assert "acme cannot be removed yet" in page
    assert 'The form <a href="/console/forms/cakes">' in page
    told = words(page)
    for says in ("1 sign-up waits", "1 sign-up has failed", "1 sign-up is quarantined"):
        assert says in told
    assert 'action="/console/accounts/acme/remove"' not in page
    assert browser.post(PAGE).location == PAGE
    assert registry.account_names() == ["acme"]


def test_only_admins_remove(app: Flask, ledger: Ledger, registry: Registry) -> None:
    operator = SignedIn(app, Role.OPERATOR)
    assert operator.get(PAGE).status_code == 403
    assert operator.post(PAGE).status_code == 403
    assert PAGE not in operator.get("/console/accounts/acme").text
    assert registry.account_names() == ["acme"]
