"""Signing up in a real browser: by keyboard, without JavaScript, on a phone, on a bad day."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shared.domain.form import ListRef
from tests.browser.conftest import NewPage, SaveForm
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

PHONE = {"width": 390, "height": 844}


def accepted(server: ValkeyServer) -> int:
    return int(str(server.client().hget("relay:{acme}:totals", "accepted") or 0))


def expect_thanks(page: Page) -> None:
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()


def test_signing_up_by_keyboard_alone(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{web.url}/f/news")
    for typed in ("ada@example.com", "Ada", "Lovelace", "Sacher"):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    expect(page.get_by_label("Favourite cake")).to_have_value("Sacher")
    page.keyboard.press("Tab")  # past the field that only robots see
    expect(page.get_by_role("button", name="Sign up")).to_be_focused()
    page.keyboard.press("Enter")
    expect_thanks(page)
    assert accepted(redis_server) == 1


def test_signing_up_without_javascript_and_mending_an_error(
    web: WebProcess, redis_server: ValkeyServer, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{web.url}/f/news")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("A" * 51)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("at most 50 characters")
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert accepted(redis_server) == 1


def test_an_error_keeps_what_was_typed_and_is_read_first(
    web: WebProcess, save_form: SaveForm, page: Page
) -> None:
    save_form(
        "two",
        lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")),
        consent_box="required",
    )
    page.goto(f"{web.url}/f/two")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("A" * 51)
    page.get_by_label("Favourite cake").fill('"Sacher" & <more>')
    page.get_by_label("News").uncheck()
    page.get_by_label("By signing up").check()
    page.get_by_role("button").click()
    expect(page.locator("#summary")).to_be_focused()
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
    expect(page.get_by_label("Favourite cake")).to_have_value('"Sacher" & <more>')
    expect(page.get_by_label("News")).not_to_be_checked()
    expect(page.get_by_label("Offers")).to_be_checked()
    expect(page.get_by_label("By signing up")).to_be_checked()
    name = page.get_by_label("First name")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(
        "First name: please use at most 50 characters. You entered 51."
    )
    page.get_by_role("alert").get_by_role("link").click()
    expect(name).to_be_focused()
    name.fill("Ada")
    page.get_by_role("button").click()
    expect_thanks(page)


@pytest.mark.slow
def test_no_list_at_all_is_asked_about(web: WebProcess, save_form: SaveForm, page: Page) -> None:
    save_form("two", lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")))
    page.goto(f"{web.url}/f/two")
    page.get_by_label("E-mail address").fill("ada@example.com")
    for name in ("News", "Offers"):
        page.get_by_label(name).uncheck()
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("choose at least one list")
    expect(page.get_by_label("News")).not_to_be_checked()


def test_nobody_notices_that_redis_is_away(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{web.url}/f/news")
    page.get_by_label("E-mail address").fill("ada@example.com")
    redis_server.stop()
    page.get_by_role("button").click()
    expect_thanks(page)
    redis_server.start()
    eventually(lambda: accepted(redis_server) == 1, what="draining")


@pytest.mark.slow
def test_a_bad_moment_without_a_spool_loses_nothing(
    web_without_spool: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{web_without_spool.url}/f/news")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Favourite cake").fill("Sacher")
    redis_server.stop()
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
    expect(page.get_by_label("Favourite cake")).to_have_value("Sacher")
    redis_server.start()
    page.get_by_role("button", name="Try again").click()
    expect_thanks(page)
    assert accepted(redis_server) == 1


@pytest.mark.slow
def test_a_phone_never_scrolls_sideways(
    web: WebProcess, save_form: SaveForm, new_page: NewPage
) -> None:
    long = "Donaudampfschifffahrtsgesellschaft" * 3
    save_form(
        "long", title=long, lists=(ListRef("id-1", long), ListRef("id-2", "b")), consent_text=long
    )
    page = new_page(viewport=PHONE)
    for path in ("/f/news", "/f/long", "/f/news/thanks", f"/f/{long}"):
        page.goto(web.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.goto(f"{web.url}/f/long")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("A" * 200)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.slow
def test_robots_find_a_field_that_nobody_sees(web: WebProcess, page: Page) -> None:
    page.goto(f"{web.url}/f/news")
    field = page.locator("input[name=_gotcha]")
    expect(field).to_have_attribute("type", "text")
    expect(field).not_to_be_in_viewport()
    expect(page.get_by_role("textbox")).to_have_count(4)


FORM = """<h1>Shop</h1><form action="{action}" method="post">
<input name="EMAIL" aria-label="EMAIL"><input name="FNAME" aria-label="FNAME">
<input type="hidden" name="campaign" value="spring">
<input type="hidden" name="_next" value="/welcome"><button>Join</button></form>"""


@pytest.fixture
def site(web: WebProcess) -> Iterator[Website]:
    """A customer's own site, on a host of its own, whose form posts to us."""
    form = FORM.format(action=f"{web.url}/f/news")
    with Website({"/": form, "/welcome": "<h1>Welcome back</h1>"}) as site:
        yield site


@pytest.mark.slow
def test_a_visitor_of_another_site_returns_to_it_even_after_an_error(
    site: Website, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{site.url}/?utm=1")
    page.get_by_label("EMAIL").fill("ada@example")
    page.get_by_label("FNAME").fill("Ada")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("First name")).to_have_value("Ada")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert page.url == f"{site.url}/welcome"
    client = redis_server.client()
    [record] = all_records(client)
    assert "spring" in str(record["contact"])
    assert site.url in str(record["consent"])


@pytest.mark.slow
def test_a_page_may_fetch_and_read_both_success_and_errors(
    site: Website, web: WebProcess, page: Page
) -> None:
    page.goto(site.url)
    script = """async ([url, fields]) => {
        const answer = await fetch(url, {
            method: 'POST', body: JSON.stringify(fields), headers: {
                'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }});
        return [answer.status, (await answer.json()).ok];
    }"""
    url = f"{web.url}/f/news"
    assert page.evaluate(script, [url, {"email": "ada@example.com"}]) == [202, True]
    assert page.evaluate(script, [url, {"email": "ada"}]) == [422, False]
    assert page.evaluate(script, [f"{web.url}/f/nwes", {}]) == [404, False]


@pytest.mark.slow
@pytest.mark.parametrize("size", [70_000, 900_000])
def test_a_sign_up_that_is_too_large_gets_a_page_that_says_so(
    web: WebProcess, page: Page, size: int
) -> None:
    page.goto(f"{web.url}/f/news")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("A" * size)
    page.get_by_role("button").click()
    expect(page.get_by_text("at most 64 KiB")).to_be_visible()
