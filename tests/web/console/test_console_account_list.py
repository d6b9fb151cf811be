"""The page of all accounts: the one state of each, those in trouble first, and many of them."""

import re
from html import unescape

import pytest
import redis
from flask import Flask

from shared.accounts.account_list import account_page
from shared.domain.account import HoldReason
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.web_services import services_of


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    return Registry(redis_client)


@pytest.fixture
def browser(app: Flask) -> SignedIn:
    return SignedIn(app)


def with_tokens(client: "redis.Redis", name: str) -> None:
    client.hset(f"relay:{{{name}}}:tokens", "access", "sealed")


def names(page: str) -> list[str]:
    return re.findall(r'<a href="/console/accounts/([^"/]+)"', page)


def test_without_accounts_the_page_teaches_how_to_connect_one(app: Flask) -> None:
    assert "No account is connected yet" in SignedIn(app).get("/console/accounts").text
    assert "/console/connect" not in SignedIn(app, Role.VIEWER).get("/console/accounts").text


def test_a_row_has_the_state_and_the_figures(
    registry: Registry, ledger: Ledger, browser: SignedIn
) -> None:
    registry.save_account(builders.account(organization="Acme Bakery"))
    for number in range(3):
        builders.accept(ledger, f"{number}@example.com")
    page = " ".join(unescape(browser.get("/console/accounts").text).split())
    assert ">Acme Bakery</a>" in page
    assert '<td data-label="Waiting" class="num">3</td>' in page
    assert "✗</span> Not usable" in page
    assert "@example.com" not in page


def test_those_in_trouble_come_first(
    registry: Registry, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    for name in ("alpha", "bravo", "charlie", "delta", "echo"):
        registry.save_account(builders.account(name))
        if name != "echo":
            with_tokens(redis_client, name)
    ledger.hold("charlie", HoldReason.OUTAGE, by="answer")
    claim_and_bury(ledger, "delta")
    redis_client.hset("relay:{bravo}:tokens", "revoked", "digest")
    assert ledger.in_trouble(registry.account_names()) == {"bravo", "charlie", "delta", "echo"}


def test_a_hold_of_its_api_key_is_trouble_of_an_account(
    registry: Registry, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    registry.save_account(builders.account("alpha"))
    with_tokens(redis_client, "alpha")
    assert ledger.in_trouble(["alpha"]) == set()
    ledger.hold_quota("alpha", jitter=0.0)
    assert ledger.in_trouble(["alpha"]) == {"alpha"}


def claim_and_bury(ledger: Ledger, account: str) -> None:
    builders.accept(ledger, account=account)
    builders.bury_claim(ledger, builders.claimed(ledger, account=account))


def test_many_accounts_are_paged_and_the_trouble_is_on_the_first_page(
    app: Flask, registry: Registry, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    for number in range(7):
        registry.save_account(builders.account(f"shop-{number}"))
        with_tokens(redis_client, f"shop-{number}")
    ledger.hold("shop-6", HoldReason.FORBIDDEN, by="answer")
    summaries = services_of(app).accounts.summaries

    pages = [account_page(summaries, number=number, per_page=3) for number in (1, 2, 3)]

    shown = [[each.account.name for each in page.summaries] for page in pages]
    assert shown[0][0] == "shop-6"
    assert sorted(name for some in shown for name in some) == [f"shop-{n}" for n in range(7)]
    assert [(page.at.number, page.at.pages) for page in pages] == [(1, 3), (2, 3), (3, 3)]
    assert {page.at.count for page in pages} == {7}
    assert account_page(summaries, number=99, per_page=3).at.number == 3


def test_an_account_is_found_by_name_or_organization(registry: Registry, browser: SignedIn) -> None:
    registry.save_account(builders.account("acme", organization="Acme Bakery"))
    registry.save_account(builders.account("books", organization="Blue Door"))
    assert names(browser.get("/console/accounts?name=bakery").text) == ["acme"]
    assert names(browser.get("/console/accounts?name=BOO").text) == ["books"]
    nothing = browser.get("/console/accounts?name=%3Cb%3E").text
    assert "No account has this in its name" in nothing
    assert "<b>" not in nothing


def test_what_others_typed_is_shown_as_text(registry: Registry, browser: SignedIn) -> None:
    registry.save_account(builders.account(organization="<script>alert(1)</script>"))
    page = browser.get("/console/accounts").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
