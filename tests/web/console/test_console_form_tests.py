"""A test sign-up to a form: it goes as a visitor's does, and is followed."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import redis
from flask import Flask

from shared.domain.account import HoldReason
from shared.domain.form import Form
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn

PAGE = "/console/forms/news"


@pytest.fixture
def ledger(app: Flask, redis_client: "redis.Redis") -> Ledger:
    Registry(redis_client).save_account(builders.account())
    return Ledger(redis_client)


@pytest.fixture
def browser(app: Flask, ledger: Ledger) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", unescape(page)).split())


def test_an_operator_needs_no_proof_of_work(
    browser: SignedIn, save_form: Callable[..., Form], stored: Callable[[], list[dict[str, Any]]]
) -> None:
    save_form(captcha="altcha")
    assert browser.post(f"{PAGE}/test", email="ada@example.com").status_code == 303
    assert [each["state"] for each in stored()] == ["queued"]


def test_it_is_a_signup_of_the_form_and_is_followed(
    browser: SignedIn, ledger: Ledger, stored: Callable[[], list[dict[str, Any]]]
) -> None:
    started = browser.post(f"{PAGE}/test", email="ada@example.com")
    assert started.status_code == 303
    (signup,) = stored()
    assert signup["form"] == "news"
    assert ledger.figures("acme").due == 1
    id = str(started.location).removeprefix("/console/accounts/acme/test/")
    waiting = browser.get(started.location).text
    assert "ada@example.com" in waiting and 'data-live="1"' in waiting
    assert "Back to the form news" in waiting
    assert "No worker is alive, so nothing is sent" in waiting
    ledger.processes.worker_alive("relay-1@here")
    assert "In progress waiting" in words(browser.get(started.location).text)
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="a pause")
    held = browser.get(started.location).text
    assert "on hold (paused)" in held and 'href="/console/accounts/acme">See the hold' in held
    ledger.release("acme")

    claim = builders.claimed(ledger)
    assert claim.id == id
    ledger.deliver(claim, builders.attempt(), contact_id="c-1", action="created")
    assert "Constant Contact has created the contact" in words(browser.get(started.location).text)


def test_what_a_visitor_would_read_is_said_beside_the_field(
    browser: SignedIn, save_form: Callable[..., Form], ledger: Ledger
) -> None:
    save_form(consent_box="required", consent_text="I agree to all.")
    refused = browser.post(f"{PAGE}/test", email="nobody")
    assert refused.status_code == 422
    assert 'id="email-error"' in refused.text and 'id="consent-error"' in refused.text
    assert 'value="nobody"' in refused.text
    assert ledger.figures("acme").accepted == 0
    taken = browser.post(f"{PAGE}/test", email="ada@example.com", consent="yes")
    assert taken.status_code == 303
    assert builders.claimed(ledger).contact.email == "ada@example.com"


def test_a_closed_form_takes_no_test(
    browser: SignedIn, save_form: Callable[..., Form], ledger: Ledger
) -> None:
    save_form(enabled=False)
    refused = browser.post(f"{PAGE}/test", email="ada@example.com")
    assert refused.status_code == 400
    assert "This form is closed." in refused.text
    assert ledger.figures("acme").accepted == 0


def test_only_tests_are_followed_there(browser: SignedIn, ledger: Ledger) -> None:
    visitor = builders.accept(ledger, "bob@example.com")
    page = browser.get(f"/console/accounts/acme/test/{visitor.id}")
    assert page.status_code == 400
    assert "bob@example.com" not in page.text
