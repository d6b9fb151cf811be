"""Which websites may post to a form: what its page says, and allowing one that was refused."""

from collections.abc import Callable
from html import unescape

import pytest
import redis
from flask import Flask

from shared.domain.audit import Action
from shared.domain.form import Form
from shared.domain.refusal import Refusal
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders, refusals
from tests.support.console_browser import SignedIn
from tests.web.console.test_console_forms import PAGE, read, words

OURS, SHOP, EVIL = "https://www.example.com", "https://shop.example", "https://evil.example"


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    registry = Registry(redis_client)
    registry.save_account(builders.account(organization="Acme Bakery"))
    return registry


@pytest.fixture
def listed(registry: Registry, save_form: Callable[..., Form]) -> Form:
    return save_form("news", origins=(OURS,))


@pytest.fixture
def browser(app: Flask, listed: Form) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


@pytest.fixture
def refuse(redis_client: "redis.Redis") -> Callable[..., None]:
    """Count refusals of `news`, as web does; the last one given is the newest."""

    def count(*last: Refusal) -> None:
        FormCounts(redis_client).add("process", 1, [refusals.kept_tally(*last)])

    return count


def test_a_form_that_every_website_may_post_to_says_so_and_what_to_do(
    app: Flask, browser: SignedIn, save_form: Callable[..., Form]
) -> None:
    said = "Pages of every website may post to this form"
    assert said not in read(browser, PAGE)
    save_form("news", origins=())
    page = read(browser, PAGE)
    assert said in page
    assert f'<a href="{PAGE}/edit#origins">Name the websites that may post here</a>' in page
    seen_by_viewers = read(SignedIn(app, Role.VIEWER), PAGE)
    assert said in seen_by_viewers and f"{PAGE}/edit" not in seen_by_viewers


def test_websites_that_were_refused_are_named_with_a_way_to_allow_each(
    app: Flask, browser: SignedIn, refuse: Callable[..., None]
) -> None:
    assert "Websites that were refused" not in read(browser, PAGE)
    refuse(refusals.refusal(origin=SHOP), refusals.refusal(origin="<b>made up", from_several=False))
    for reader in (browser, SignedIn(app, Role.VIEWER)):
        page = read(reader, PAGE)
        assert f"{SHOP} several networks" in words(page)
        assert "&lt;b&gt;made up" in page and "<b>made up" not in page
        assert "one network" in words(page)
        assert f"relay forms edit news --origin {OURS} --origin {SHOP}" in unescape(page)
        assert (f"{PAGE}/allow?website=https://shop.example" in page) == (reader is browser)


@pytest.mark.parametrize("several", [True, False])
def test_a_website_of_our_own_domain_is_told_from_one_that_somebody_made_up(
    browser: SignedIn, refuse: Callable[..., None], several: bool
) -> None:
    beside, made_up = f"of the same domain as {OURS}", "A stranger may have made it up."
    both = ("https://shop.example.com", SHOP)
    refuse(*(refusals.refusal(origin=website, from_several=several) for website in both))
    for website in both:
        page = read(browser, f"{PAGE}/allow?website={website}")
        assert (beside in page) == (website != SHOP)
        assert (made_up in page) == (website == SHOP and not several)


def test_allowing_a_website_asks_first_and_then_adds_it(
    browser: SignedIn, registry: Registry, redis_client: "redis.Redis", refuse: Callable[..., None]
) -> None:
    refuse(refusals.refusal(origin=SHOP), refusals.refusal(origin=EVIL, from_several=False))
    question = words(read(browser, f"{PAGE}/allow?website={SHOP}"))
    assert f"Pages of {SHOP} may then post sign-ups to the form news" in question
    assert f"May post already {OURS}" in question and "made it up" not in question
    assert "made it up" in words(read(browser, f"{PAGE}/allow?website={EVIL}"))
    assert origins(registry) == (OURS,)

    for _ in range(2):  # the second time, there is nothing left to change
        assert browser.post(f"{PAGE}/allow", website=SHOP).location == PAGE
    page = words(read(browser, PAGE))
    assert f"{SHOP} may post to the form news, within two seconds." in page
    assert "they must sign up again" in page
    assert f"Websites that may post here {OURS}, {SHOP}" in page
    assert f"{SHOP} several" not in page and f"{EVIL} one network" in page
    assert origins(registry) == (OURS, SHOP)
    entries = [each for each in AuditTrail(redis_client).entries() if each.target == "news"]
    assert [(each.action, each.detail) for each in entries] == [
        (Action.REPLACE_FORM, {"changed": ["origins"], "allowed": SHOP})
    ]


@pytest.mark.parametrize("website", [EVIL, OURS, "", "javascript:alert(1)"])
def test_a_link_can_name_no_website_that_was_not_refused(
    browser: SignedIn, refuse: Callable[..., None], website: str
) -> None:
    refuse(refusals.refusal(origin=SHOP), refusals.refusal("invalid", origin=EVIL))
    answer = browser.get(f"{PAGE}/allow?website={website}")
    assert answer.status_code == 400
    assert "is not among those that the form news has refused lately" in answer.text
    assert not website or website not in answer.text


@pytest.mark.parametrize("website", [None, "", "null", "https://shop.example/path", "https://a b"])
def test_only_an_origin_can_be_allowed(
    browser: SignedIn, registry: Registry, website: str | None
) -> None:
    posted = {"website": website} if website is not None else {}
    assert browser.post(f"{PAGE}/allow", **posted).status_code == 400
    assert origins(registry) == (OURS,)


def test_a_form_that_is_open_to_all_by_now_stays_so(
    browser: SignedIn, registry: Registry, save_form: Callable[..., Form]
) -> None:
    save_form("news", origins=())
    assert browser.post(f"{PAGE}/allow", website=SHOP).status_code == 303
    assert origins(registry) == ()


def origins(registry: Registry) -> tuple[str, ...] | None:
    form = registry.form("news")
    return form.origins if form else None


def test_views_that_were_refused_are_told_apart_from_sign_ups(
    browser: SignedIn, refuse: Callable[..., None], redis_client: "redis.Redis"
) -> None:
    refuse(*[refusals.refusal("not_shown", origin=SHOP)] * 30, refusals.refusal(origin=SHOP))
    page = words(read(browser, PAGE))
    assert "Refused 1 and 30 times not shown" in page
    assert "1 request: 1 website not allowed." in page
    assert "30 times, a page of a website that may not post here wanted to show the form" in page
    assert f"{SHOP} several networks" in page
    assert "Refused today 1 news 1 in all" in words(read(browser, "/console/"))
