"""The console's pages of forms: what came to them, and opening, closing and removing them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
import redis
from flask import Flask

from shared.constant_contact.token_set import TokenSet
from shared.domain.account import HoldReason
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.refusal import Refusal, RefusalCode
from shared.ledger.ledger import Ledger
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.ledger.stores.registry import Registry
from shared.operations.forms.activity import form_page
from shared.operations.operators import Role
from shared.operations.snippets.snippet import SnippetKind
from tests.support import builders
from tests.support.builders import accept, bury_claim, claimed
from tests.support.console_browser import SignedIn
from tests.support.refusals import wrong
from tests.support.web_services import services_of

SaveForm = Callable[..., Form]
PAGE = "/console/forms/news"


@pytest.fixture
def ledger(app: Flask, redis_client: "redis.Redis") -> Ledger:
    """A ledger with the account `acme` and the form `news`."""
    Registry(redis_client).save_account(builders.account(organization="Acme Bakery"))
    return Ledger(redis_client)


@pytest.fixture
def browser(app: Flask, ledger: Ledger) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


@pytest.fixture
def refuse(redis_client: "redis.Redis") -> Callable[..., None]:
    """Count refusals of a form, as web does."""

    def count(times: int, form: str = "news", **given: object) -> None:
        refusal = Refusal(
            code=RefusalCode.REQUIRED,
            fields=("mail",),
            origin="https://x.example",
            client="Chrome",
            wrong=(wrong("email", "required", arrived=False),),
        )
        tally = FormTally(
            form=form,
            account="acme",
            refused={"required": times},
            faults=times,
            streak={"required": times},
            streak_began_ago=timedelta(minutes=5),
            streak_went_on_ago=timedelta(seconds=1),
            last=[(timedelta(seconds=1), refusal)] * min(times, 20),
            unsent={"shoe_size": 7},
            accepted_ago=timedelta(hours=2),
        )
        FormCounts(redis_client).add(f"process-{form}", 1, [tally])

    return count


@pytest.mark.parametrize(
    ("reason", "kind", "said"),
    [
        (HoldReason.RECONNECT, "problem", "it has no working token"),
        (HoldReason.FORBIDDEN, "problem", "its login may not write contacts"),
        (HoldReason.PAUSED, "note", "Acme Bakery was paused at"),
        (HoldReason.QUOTA, "note", "today's requests are used up"),
    ],
)
def test_a_forms_page_says_that_and_why_its_sign_ups_wait(
    browser: SignedIn, app: Flask, ledger: Ledger, reason: HoldReason, kind: str, said: str
) -> None:
    tokens = TokenSet.from_json({"access_token": "a", "refresh_token": "r", "expires_in": 86400})
    assert tokens is not None
    connector = services_of(app).accounts.connecting.connector
    connector.vault.store("acme", tokens, client_id=connector.calls.applications.default.client_id)
    assert "are accepted, and wait" not in read(browser, PAGE)
    ledger.hold("acme", reason, by="test")

    page = unescape(browser.get(PAGE).text)

    notices = rf'<div class="notice {kind}"><p>(Sign-ups of this.*?)</div></div>'
    [notice] = re.findall(notices, page, re.DOTALL)
    assert notice.startswith("Sign-ups of this form are accepted, and wait: Acme Bakery ")
    assert said in notice
    assert 'href="/console/accounts/acme"' in notice
    assert 'href="/console/waiting?form=news"' in notice


def test_a_forms_page_says_that_its_account_must_be_reconnected(
    browser: SignedIn, ledger: Ledger
) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="test")

    said = "Sign-ups of this form are accepted, and wait: Acme Bakery cannot be used"
    assert read(browser, PAGE).count(said) == 1


def test_a_closed_forms_page_says_that_those_it_has_taken_wait_if_there_are_any(
    browser: SignedIn, ledger: Ledger, save_form: SaveForm
) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="test")
    save_form("other")
    builders.accept(ledger, form="other")
    browser.post(f"{PAGE}/close")
    assert "wait: Acme Bakery" not in read(browser, PAGE)
    builders.accept(ledger)
    page = read(browser, PAGE)
    assert "Sign-ups that this form has taken wait: Acme Bakery cannot be used" in page
    assert "are accepted, and wait" not in page


def test_refusals_of_other_websites_are_told_in_words(
    browser: SignedIn, redis_client: "redis.Redis", save_form: SaveForm
) -> None:
    save_form("news", origins=("https://a.example",))
    refusal = Refusal(
        code=RefusalCode.ORIGIN, fields=(), origin="https://b.example", client="Chrome"
    )
    tally = FormTally(
        form="news",
        account="acme",
        refused={"origin": 1},
        faults=1,
        streak={"origin": 1},
        streak_began_ago=timedelta(seconds=1),
        streak_went_on_ago=timedelta(seconds=1),
        unsent={},
        last=[(timedelta(seconds=1), refusal)],
    )
    FormCounts(redis_client).add("process", 1, [tally])
    page = words(read(browser, PAGE))
    assert "1 request: 1 website not allowed." in page
    assert "website not allowed: the page that posts is not on one of the websites" in page
    assert "1 website not allowed" in words(read(browser, "/console/forms"))
    assert "Websites that may post here https://a.example" in page
    assert "origin" not in page.lower().partition("put it on a website")[0]


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", unescape(page)).split())


def read(browser: SignedIn, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


# --- the list


def test_without_forms_the_page_teaches_what_a_form_is(app: Flask, browser: SignedIn) -> None:
    services_of(app).operations.forms.remove(builders.form())
    assert "There is no form yet" in read(browser, "/console/forms")
    assert "Make the first form" in read(browser, "/console/forms")
    viewer = SignedIn(app, Role.VIEWER)
    assert "Make" not in words(read(viewer, "/console/forms"))


def test_each_form_has_its_figures(
    browser: SignedIn, ledger: Ledger, refuse: Callable[..., None]
) -> None:
    builders.accept(ledger)
    builders.accept(ledger, "robot@example.com", quarantine="honeypot")
    refuse(3)
    page = read(browser, "/console/forms")
    assert '<td data-label="Accepted" class="num">2</td>' in page
    assert '<td data-label="Quarantined" class="num">1</td>' in page
    assert '<a href="/console/forms/news#refused">3 required</a>' in page
    assert '<td data-label="Failed" class="num">0</td>' in page
    assert 'data-label="Last sign-up"><time datetime=' in page
    assert "✓ Open" in words(page)
    assert "@example.com" not in page


def test_those_that_refuse_too_much_come_first_and_closed_ones_say_so(
    app: Flask, browser: SignedIn, save_form: SaveForm, refuse: Callable[..., None]
) -> None:
    save_form("Oven", enabled=False)
    save_form("zulu")
    refuse(9, "zulu")
    page = read(browser, "/console/forms")
    assert re.findall(r'href="/console/forms/(\w+)"', page) == ["zulu", "news", "Oven"]
    assert words(page).count("✗ Refuses sign-ups") == 1 and " Closed " in words(page)
    status = services_of(app).operations.status
    pages = [form_page(status, "", number, per_page=2) for number in (1, 2)]
    assert [[row.form.name for row in page.rows] for page in pages] == [["zulu", "news"], ["Oven"]]


def test_a_form_is_found_by_name_title_or_account(browser: SignedIn, save_form: SaveForm) -> None:
    save_form("Cakes", title="Weekly Specials", account="Blue")
    for looked_for in ("cAK", " weekly ", "blue"):
        page = read(browser, f"/console/forms?name={looked_for}")
        assert re.findall(r'href="/console/forms/(\w+)"', page) == ["Cakes"]
    assert "No form fits" in read(browser, "/console/forms?name=nothing")


# --- the page of one


def test_the_page_has_figures_refusals_and_unsent_fields(
    browser: SignedIn, refuse: Callable[..., None]
) -> None:
    refuse(7)
    page = words(read(browser, PAGE))
    assert "7 of 7 sign-ups refused since" in page
    assert "7 requests: 7 required." in page
    assert "required: no field that arrived means email https://x.example Chrome mail" in page
    assert "shoe_size 7" in page
    assert "Last sign-up:" in page


def test_the_page_says_why_its_signups_fail_and_what_to_do(
    browser: SignedIn, ledger: Ledger, save_form: Callable[..., Form]
) -> None:
    for n in range(3):
        accept(ledger, f"{n}@example.com")
        gone = "HTTP 400: The list_memberships do not exist."
        bury_claim(ledger, claimed(ledger), error_key="contacts.api.validation", message=gone)
    page = read(browser, PAGE)
    assert "3 sign-ups failed. The list “Newsletter” does not exist any more." in words(page)
    assert "Give the form another list, and retry them there." in words(page)
    for shown in (page, read(browser, "/console/forms")):
        assert "✗ A list is gone: 3 failed" in words(shown) and "✓ Open" not in words(shown)
        assert 'href="/console/failed?form=news">3</a>' in shown
    see = re.search(r'href="(/console/failed\?account=acme&amp;group=\w+)"', page)
    assert see
    assert "3 sign-ups of one cause" in words(read(browser, unescape(see[1])))
    assert "Give the form another list" in page
    save_form(lists=(ListRef("0190163d-8694-739b-aea5-966c26f8ad90", "Weekly"),))
    assert "Retry to Weekly…" in read(browser, PAGE)


def test_what_few_need_is_folded_once_the_form_is_in_use(browser: SignedIn, ledger: Ledger) -> None:
    opened = '<details class="card fold" open><summary><h2>{}</h2></summary><div id="{}">'
    snippet = opened.format("Put it on a website", "snippet")
    page = read(browser, PAGE)
    assert snippet in page
    assert opened.format("Refused", "refused") not in page and '<div id="refused">' in page
    accept(ledger)
    page = read(browser, PAGE)
    assert snippet not in page and '<div id="snippet">' in page
    assert snippet in read(browser, f"{PAGE}?language=de")  # somebody has just pressed Show


def test_the_page_has_the_snippet_and_a_preview_that_can_send_nothing(
    app: Flask, browser: SignedIn
) -> None:
    answer = browser.get(PAGE)
    assert "http://127.0.0.1:8080/f/news" in answer.text
    assert "&lt;form method=&#34;post&#34; action=&#34;http://127.0.0.1:8080/f/news&#34;" in (
        answer.text
    )
    for kind in SnippetKind:
        assert f'<textarea id="snippet-{kind}"' in answer.text
    assert "form-action &#39;self&#39; http://127.0.0.1:8080" in answer.text
    [frame] = re.findall("<iframe[^>]*>", answer.text)
    assert 'sandbox="allow-same-origin"' in frame and 'src="/f/news?_preview=1"' in frame
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    framed = app.test_client().get("/f/news").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in framed
    others = browser.get("/console/forms").headers["Content-Security-Policy"]
    assert "frame-src" not in others


def test_the_snippets_have_the_language_of_the_websites_page(
    browser: SignedIn, save_form: SaveForm
) -> None:
    assert "Language of the website" in read(browser, PAGE)
    spanish = read(browser, f"{PAGE}?language=es")
    assert "Correo electrónico" in spanish and "name=&#34;_language&#34; value=&#34;es" in spanish
    assert "_language" not in read(browser, f"{PAGE}?language=xx")
    save_form(language="de")
    german = read(browser, PAGE)
    assert "Vorname" in german and "Language of the website" not in german


def test_the_page_has_the_texts_of_consent_that_were_shown(
    browser: SignedIn, redis_client: "redis.Redis"
) -> None:
    old = builders.form(consent_text="Old text.")
    form = builders.form(consent_text="New text.").after(old, now="2026-03-01T12:00:00Z")
    Registry(redis_client).save_form(form)
    page = words(read(browser, PAGE))
    assert f"{form.consent_version} " in page and f"{old.consent_version} not known" in page
    assert "Old text." in page and "New text." in page


def test_our_text_of_consent_is_shown_in_each_language_that_visitors_read(
    browser: SignedIn, save_form: SaveForm
) -> None:
    save_form("everyone")
    everyone = words(read(browser, "/console/forms/everyone"))
    german = "Mit der Anmeldung stimmen Sie"
    assert "(English, ours)" in everyone and "(German, ours)" in everyone and german in everyone
    save_form("german", language="de")
    page = words(read(browser, "/console/forms/german"))
    assert german in page and "(German, ours)" in page
    assert "(English, ours)" not in page and "(French, ours)" not in page


def test_what_others_named_is_shown_as_text(
    browser: SignedIn, ledger: Ledger, save_form: SaveForm
) -> None:
    evil = "<script>alert(1)</script>"
    save_form(
        title=evil,
        consent_text=evil,
        consent_box="optional",
        lists=(ListRef("1", evil),),
        custom_fields=(CustomField("2", evil, evil),),
    )
    for path in (PAGE, "/console/forms", f"{PAGE}/edit", f"{PAGE}/close", f"{PAGE}/remove"):
        page = read(browser, path)
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in read(browser, PAGE)


def test_an_unknown_form_is_said_to_be_so(browser: SignedIn) -> None:
    for path in ("", "/allow", "/edit", "/close", "/remove"):
        answer = browser.get(f"/console/forms/nowhere{path}")
        assert answer.status_code == 400
        assert "There is no form" in answer.text and "nowhere" in answer.text
    assert browser.get("/console/forms/nothing at all").status_code == 404


# --- its life


def test_closing_asks_and_opening_does_not(
    app: Flask, browser: SignedIn, redis_client: "redis.Redis"
) -> None:
    assert "Sign-ups that it has taken are still delivered" in words(read(browser, f"{PAGE}/close"))
    assert browser.post(f"{PAGE}/close").location == PAGE
    form = Registry(redis_client).form("news")
    assert form is not None and not form.enabled
    page = read(browser, PAGE)
    assert "This form is closed" in page and "<iframe" not in page
    assert "Test sign-up" not in page
    browser.post(f"{PAGE}/open")
    form = Registry(redis_client).form("news")
    assert form is not None and form.enabled


def test_removing_asks_and_keeps_its_signups(
    browser: SignedIn, ledger: Ledger, redis_client: "redis.Redis", refuse: Callable[..., None]
) -> None:
    builders.accept(ledger)
    refuse(1)
    question = words(read(browser, f"{PAGE}/remove"))
    assert "The 1 sign-up that it has taken stays." in question
    assert "their visitors read that the form does not exist" in question
    assert browser.post(f"{PAGE}/remove").location == "/console/forms"
    assert Registry(redis_client).form_names() == []
    assert ledger.figures("acme").due == 1
    assert not redis_client.hexists("relay:last-accepted", "news")


CHANGES = ("/allow", "/close", "/open", "/remove", "/edit", "/test")


@pytest.mark.parametrize("path", [*(f"{PAGE}{each}" for each in CHANGES), "/console/forms/-/new"])
def test_a_viewer_changes_nothing(app: Flask, ledger: Ledger, path: str) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    answer = viewer.post(path, name="cakes", account="acme", lists="x", email="ada@example.com")
    assert answer.status_code == 403
    assert services_of(app).operations.forms.registry.form_names() == ["news"]
    assert ledger.figures("acme").accepted == 0


def test_a_viewer_sees_no_buttons(app: Flask, ledger: Ledger) -> None:
    page = read(SignedIn(app, Role.VIEWER), PAGE)
    for path in (*CHANGES, "copy="):
        assert f"{PAGE}{path}" not in page
    assert "Test sign-up" not in page


@pytest.mark.parametrize("path", [*(f"{PAGE}{each}" for each in CHANGES), "/console/forms/-/new"])
def test_no_change_without_the_sessions_token(app: Flask, browser: SignedIn, path: str) -> None:
    assert browser.client.post(path, data={"name": "cakes"}).status_code == 403
    from_elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    sent = {"csrf_token": browser.token}
    assert browser.client.post(path, data=sent, headers=from_elsewhere).status_code == 403
    assert services_of(app).operations.forms.registry.form("news") == builders.form()
