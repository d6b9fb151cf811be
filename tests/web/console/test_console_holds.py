"""Holding and releasing an account in the console."""

from datetime import timedelta
from html import unescape

import pytest
import redis
from flask import Flask

from shared.domain.account import HoldReason
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn

PAGE = "/console/accounts/acme"


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """A ledger with the account `acme` and two sign-ups that are due."""
    Registry(redis_client).save_account(builders.account(organization="Acme Bakery"))
    ledger = Ledger(redis_client)
    for name in ("ada", "bob"):
        builders.accept(ledger, f"{name}@example.com")
    return ledger


@pytest.fixture
def browser(app: Flask, ledger: Ledger) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


def text_of(browser: SignedIn) -> str:
    return " ".join(unescape(browser.get(PAGE).text).split())


def test_an_operator_holds_and_releases(browser: SignedIn, ledger: Ledger) -> None:
    assert "2 sign-ups that wait now" in text_of(browser)
    held = browser.post(f"{PAGE}/hold", reason="  the price list\nis wrong ")
    assert (held.status_code, held.location) == (303, PAGE)
    (hold,) = ledger.figures("acme").holds
    assert (hold.reason, hold.note, hold.by) == (
        HoldReason.PAUSED,
        "the price list is wrong",
        "operator",
    )
    page = text_of(browser)
    assert "On hold: paused.</strong> An operator paused it." in page
    assert "Reason: the price list is wrong" in page
    assert ", by operator." in page
    assert "Releasing ends the pause. 2 sign-ups wait, and all are sent, oldest first." in page
    assert "To end the pause, press Release." in page
    assert "relay release" not in page

    released = browser.post(f"{PAGE}/release")

    assert released.status_code == 303
    assert ledger.figures("acme").holds == ()
    page = text_of(browser)
    assert "Released at" in page and "and no hold is left." in page
    assert "No worker is alive, so nothing is sent yet." in page


@pytest.mark.parametrize(
    ("reason", "button"),
    [
        (HoldReason.PAUSED, '<button id="release" class="primary"'),
        (HoldReason.OUTAGE, '<button id="release" class="quiet"'),
        (HoldReason.FORBIDDEN, '<button id="release" class="quiet"'),
        (HoldReason.RECONNECT, None),  # the account has no tokens
        (HoldReason.QUOTA, None),
    ],
)
def test_release_is_offered_where_it_may_help(
    browser: SignedIn, ledger: Ledger, reason: HoldReason, button: str | None
) -> None:
    if reason == HoldReason.QUOTA:
        ledger.hold_quota("acme", jitter=0)
    else:
        ledger.hold("acme", reason, by="ada", note="why")
    page = text_of(browser)
    assert f"On hold: {reason}." in page
    assert (button in page) if button else (f"{PAGE}/release" not in page)


def test_releasing_probes_every_other_hold_and_says_so(browser: SignedIn, ledger: Ledger) -> None:
    ledger.hold("acme", HoldReason.OUTAGE, by="answer", note="HTTP 503")
    page = text_of(browser)
    assert "Several sign-ups in a row could not be sent. Reason: HTTP 503" in page
    assert "ask Constant Contact's support" in page
    assert "Releasing sends one sign-up now, to see whether the cause of outage is gone." in page
    browser.post(f"{PAGE}/release")
    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.OUTAGE]
    ledger.processes.worker_alive("relay-1@here")
    assert "One sign-up is sent now, to see whether the cause of outage is gone." in told(browser)


@pytest.mark.parametrize("is_well", [True, False])
def test_the_page_tells_what_the_probe_brought(
    browser: SignedIn, ledger: Ledger, *, is_well: bool
) -> None:
    ledger.processes.worker_alive("relay-1@here")
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    browser.post(f"{PAGE}/release")
    probe = builders.claimed(ledger)
    if is_well:
        ledger.deliver(probe, builders.attempt(), contact_id="c-1", action="created")
        assert "1 sign-up was delivered since, the last at" in told(browser)
        assert "1 follows." in told(browser)
    else:
        ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", note="HTTP 403")
        assert "The login that connected it may not write contacts (HTTP 403)." in told(browser)
        assert "The hold forbidden stays.</p><p>To reconnect it as an Account" in told(browser)
    assert 'data-live="2"' in browser.get(f"{PAGE}/now").text


def told(browser: SignedIn) -> str:
    """Return what came of the release, as the part that stays new has it, and the whole page."""
    part = " ".join(unescape(browser.get(f"{PAGE}/now").text).split())
    outcome = part.partition('<div role="status">')[2].partition("</div>")[0]
    assert outcome in text_of(browser)
    return outcome


def test_an_account_that_is_not_on_hold_is_not_released(browser: SignedIn) -> None:
    assert f'action="{PAGE}/release"' not in text_of(browser)
    browser.post(f"{PAGE}/release")
    assert "acme was not on hold." in text_of(browser)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        pytest.param(" \n ", "Give a reason.", id="nothing"),
        pytest.param("x" * 301, "The reason can have 300 characters at most.", id="too much"),
    ],
)
def test_a_hold_needs_a_reason_that_people_can_read(
    browser: SignedIn, ledger: Ledger, reason: str, sentence: str
) -> None:
    answer = browser.post(f"{PAGE}/hold", reason=reason)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert reason.strip() in answer.text
    assert ledger.figures("acme").holds == ()


def test_viewers_see_the_hold_and_no_buttons(app: Flask, ledger: Ledger) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    assert viewer.post(f"{PAGE}/hold", reason="x").status_code == 403
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="a <b>bold</b> note")
    assert viewer.post(f"{PAGE}/release").status_code == 403
    page = viewer.get(PAGE).text
    assert "ask an operator to release it" in page
    assert "/release" not in page and "/hold" not in page
    assert "a &lt;b&gt;bold" in page
    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.PAUSED]


def test_an_unknown_account_is_neither_held_nor_released(browser: SignedIn) -> None:
    for path in ("/console/accounts/nobody/hold", "/console/accounts/nobody/release"):
        answer = browser.post(path, reason="x")
        assert (answer.status_code in (400, 422), "no account" in answer.text) == (True, True)
