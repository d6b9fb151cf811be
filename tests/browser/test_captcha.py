"""A form with a captcha in a real browser: the work is done unseen, and nobody is stopped."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.domain.form import ListRef
from shared.operations.snippets.snippet import SnippetKind, form_address, make_snippet
from tests.browser.conftest import NewPage, SaveForm
from tests.browser.test_hosted_form import expect_thanks
from tests.support import builders
from tests.support.accessibility import faults_of
from tests.support.drawing_site import drawing_site
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

pytestmark = pytest.mark.slow

WORK = "**/f/club/challenge"


@pytest.fixture(autouse=True)
def form(save_form: SaveForm) -> None:
    save_form("club", captcha="altcha", custom_fields=())


def states(server: ValkeyServer) -> list[tuple[str, str | None]]:
    return [(each["state"], each.get("reason")) for each in all_records(server.client())]


def show(page: Page, web: WebProcess) -> None:
    page.goto(f"{web.url}/f/club")
    expect(page.get_by_role("checkbox")).to_be_visible()
    page.get_by_label("E-mail address").fill("ada@example.com")


def test_the_work_is_done_when_the_form_is_sent(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    show(page, web)
    page.keyboard.press("Enter")
    expect_thanks(page)
    assert states(redis_server) == [("queued", None)]
    assert problems == []


def test_the_box_can_be_ticked_before_and_an_error_is_mended_with_new_work(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    show(page, web)
    page.get_by_label("First name").fill("A" * 51)
    page.get_by_text("I'm not a robot").click()
    expect(page.get_by_text("Verified")).to_be_visible()
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("at most 50 characters")
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert states(redis_server) == [("queued", None)]


def test_a_browser_that_cannot_do_it_is_thanked_all_the_same(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.route(WORK, lambda route: route.abort())
    show(page, web)
    page.get_by_role("button").click()
    expect_thanks(page)
    assert states(redis_server) == [("quarantined", "captcha")]


def test_so_is_one_without_javascript(
    web: WebProcess, redis_server: ValkeyServer, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{web.url}/f/club")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert states(redis_server) == [("quarantined", "captcha")]


def test_so_is_one_over_plain_http_which_reads_nothing_of_it(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{web.url.replace('127.0.0.1', 'relay.test')}/f/club")
    expect(page.locator("altcha-widget")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert states(redis_server) == [("quarantined", "captcha")]


# Of a website that lets the relay in, and nothing else.
POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none';
script-src {relay}; connect-src {relay}; form-action {relay}">"""


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        pytest.param(SnippetKind.FORM, "", id="plain"),
        pytest.param(SnippetKind.FETCH, "", id="fetch"),
        pytest.param(SnippetKind.FORM, POLICY, id="strict policy"),
    ],
)
def test_a_snippet_does_it_on_another_website(
    web: WebProcess, redis_server: ValkeyServer, page: Page, kind: SnippetKind, policy: str
) -> None:
    form = builders.form(
        "club", captcha="altcha", custom_fields=(), lists=(ListRef(builders.LIST_ID, "News"),)
    )
    snippet = make_snippet(form, form_address(form, web.url), kind)
    policy = policy.format(relay=web.url)
    with Website({"/": f'<html lang="de">{policy}{snippet}'}) as website:
        page.goto(f"{website.url}/")
        expect(page.get_by_text("Ich bin kein Roboter")).to_be_visible()
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_role("button").click()
        eventually(lambda: states(redis_server) == [("queued", None)], within=20, what="stored")


@pytest.mark.parametrize("popup", [False, True])
def test_a_drawn_form_does_it_under_the_policy_of_its_website(
    browser: Browser, tmp_path: Path, page: Page, popup: bool
) -> None:
    with drawing_site(tmp_path) as shop:
        shop.save_form("cakes", captcha="altcha")
        shop.show(page, shop.popup("click", "cakes") if popup else shop.drawn("cakes"))
        if popup:
            page.get_by_role("link", name="Get our news").click()
        expect(page.get_by_text("I'm not a robot")).to_be_visible()
        expect(page.get_by_role("checkbox")).to_have_css("width", "24px")
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_text("Thank you!")).to_be_visible()
        assert shop.signup("ada@example.com")["state"] == "queued"
        assert faults_of(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(web: WebProcess, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 740})
    show(page, web)
    assert faults_of(page) == []
