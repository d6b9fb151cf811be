"""The audit page: what was done in plain words, filters, pages and exports."""

import csv
import io
import re

import pytest
import redis
from flask import Flask

from shared.domain.audit import Action, Actor, Via
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations import audit_search
from shared.operations.operators import Role
from tests.support.console_browser import SignedIn

PAGE = "/console/audit"
OLGA = Actor("olga", Via.CONSOLE, "192.0.2.7")
STRANGER = Actor(None, Via.CONSOLE, "203.0.113.9")


@pytest.fixture
def trail(redis_client: "redis.Redis") -> AuditTrail:
    return AuditTrail(redis_client)


@pytest.fixture
def browser(app: Flask) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


def said(page: str) -> str:
    """Return the page's text, with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_an_entry_is_a_sentence_that_leads_on(browser: SignedIn, trail: AuditTrail) -> None:
    trail.add(Action.HOLD, who=OLGA, account="acme", reason="a long lunch")
    page = browser.get(PAGE).text
    assert "olga put acme on hold reason: a long lunch" in said(page)
    assert 'olga put <a href="/console/accounts/acme">acme</a> on hold' in page
    assert "console 192.0.2.7" in said(page)


def test_many_sign_ups_are_counted_and_the_first_are_named(
    browser: SignedIn, trail: AuditTrail
) -> None:
    ids = [f"0199f3a0-0000-7000-8000-{number:012}" for number in range(212)]
    trail.add_signups(Action.RETRY, {"acme": ids})
    text = said(browser.get(PAGE).text)
    assert "retried 212 sign-ups of acme the first 20" in text
    assert "ids:" not in text


def test_what_somebody_typed_is_escaped(browser: SignedIn, trail: AuditTrail) -> None:
    bad = '<script>alert("1")</script>'
    trail.add(
        Action.HOLD, who=Actor(bad, Via.CLI), account=bad, target=bad, reason=bad, **{bad: bad}
    )
    trail.add(Action.SET_ROLE, target=bad, role=bad)
    page = browser.get(PAGE).text
    assert page.count("&lt;script&gt;alert") >= 6
    assert "<script>alert" not in page


def test_refused_passwords_are_left_out_until_asked_for(
    browser: SignedIn, trail: AuditTrail
) -> None:
    trail.add(Action.HOLD, who=OLGA, account="acme")
    trail.add_refused_sign_in(STRANGER, "olga", "wrong_password")
    page = browser.get(PAGE).text
    assert "203.0.113.9" not in page
    assert "Left out here: 1 refused sign-in with a wrong password." in said(page)
    shown = browser.get(f"{PAGE}?refused=shown").text
    assert "Somebody was refused at signing in as olga" in said(shown)
    assert "cause: wrong_password" in said(shown)
    only = said(browser.get(f"{PAGE}?refused=only").text)
    assert "on hold" not in only.partition("Filter")[2]


def test_pages_keep_the_filters(
    browser: SignedIn, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search.AuditSearch.page, "__kwdefaults__", {"limit": 2})
    for account in ("acme", "spare") * 3:
        trail.add(Action.HOLD, who=OLGA, account=account)
    page = browser.get(f"{PAGE}?account=acme").text
    [older] = re.findall(r'href="(/console/audit\?[^"]+cursor=[^"]+)"', page)
    last = browser.get(older.replace("&amp;", "&")).text
    assert (page.count("put <a"), last.count("put <a")) == (2, 1)
    assert "cursor=" not in last
    assert 'value="acme"' in last


@pytest.mark.parametrize(
    "query",
    ["action=fly", "since=never", "since=0001-01-01", "cursor=1", "refused=x", "cursor=1:1%00"],
)
def test_a_wrong_filter_or_place_is_said(browser: SignedIn, query: str) -> None:
    answer = browser.get(f"{PAGE}?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert browser.get(f"{PAGE}/export?format=csv&{query}").status_code in (200, 422)


def test_an_empty_page_says_why(browser: SignedIn) -> None:
    assert "No entry matches" in browser.get(f"{PAGE}?account=none").text


def test_exports_have_what_the_command_prints(browser: SignedIn, trail: AuditTrail) -> None:
    trail.add(Action.HOLD, who=OLGA, account="acme", reason="=1+1")
    trail.add(Action.HOLD, who=OLGA, account="spare", target="=1+1")
    answer = browser.get(f"{PAGE}/export?format=json&account=acme")
    [entry] = answer.json or []
    assert list(entry) == ["at", "actor", "via", "action", "account", "target", "address", "detail"]
    assert (entry["action"], entry["detail"]) == ("hold", {"reason": "=1+1"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-20')

    answer = browser.get(f"{PAGE}/export?format=csv")
    spare, acme, *_ = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    assert (spare["target"], acme["detail"]) == ("'=1+1", '{"reason": "=1+1"}')
    assert browser.get(f"{PAGE}/export?format=exe").status_code == 404


def test_viewers_do_not_read_it(app: Flask) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    assert viewer.get(PAGE).status_code == 403
    assert viewer.get(f"{PAGE}/export?format=json").status_code == 403
