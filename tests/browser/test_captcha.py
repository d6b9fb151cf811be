"""A form with a captcha in a real browser: the work is done unseen, and nobody is stopped."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from shared.domain.form import ListRef
from shared.operations.snippets.snippet import SnippetKind, form_address, make_snippet
from tests.browser.conftest import NewPage, SaveForm
from tests.browser.test_hosted_form import expect_thanks
from tests.support import builders
from tests.support.accessibility import faults_in_both_themes, faults_of
from tests.support.drawing_site import DrawingSite, drawing_site
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

pytestmark = pytest.mark.slow

WORK = "**/f/club/challenge"
SCRIPT = "**/static/captcha.js"


@pytest.fixture(scope="module")
def web(web_of_module: WebProcess) -> WebProcess:
    return web_of_module


@pytest.fixture
def redis_server(redis_of_module: ValkeyServer, no_signups: None) -> ValkeyServer:
    return redis_of_module


@pytest.fixture(autouse=True)
def form(save_form: SaveForm) -> None:
    save_form("club", captcha="altcha", custom_fields=())


def states(server: ValkeyServer) -> list[tuple[str, str | None]]:
    return [(each["state"], each.get("reason")) for each in all_records(server.client())]


def let_go(page: Page, held: list[Route]) -> None:
    """Answer the request that was held."""
    # Asking the page lets Playwright hand the request over.
    eventually(lambda: bool(page.evaluate("1") and held), what="a request")
    held[0].continue_()


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
    press_twice(page)
    assert states(redis_server) == [("quarantined", "captcha")] * 2


def press_twice(page: Page) -> None:
    """Send the form without the work: the next page asks for it, and then says thanks."""
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("press the button once more")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
    page.get_by_role("button").click()
    expect_thanks(page)


def test_nobody_presses_twice_while_the_work_is_done(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    held: list[Route] = []
    page.route(WORK, lambda route: held.append(route))
    show(page, web)
    button = page.get_by_role("button")
    button.evaluate("button => { button.name = 'plan'; button.value = 'free' }")
    button.press("Enter")
    expect(button).to_be_disabled()
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    let_go(page, held)
    expect_thanks(page)
    [record] = all_records(redis_server.client())
    assert (record["state"], record["contact"]["other"]) == ("queued", {"plan": "free"})


@pytest.mark.parametrize("checked", [True, False])
def test_the_button_counts_that_is_pressed_while_the_work_is_done(
    web: WebProcess, redis_server: ValkeyServer, page: Page, checked: bool
) -> None:
    """`checked`: whether the browser checks the form before it is sent."""
    held: list[Route] = []
    page.route(WORK, lambda route: held.append(route))
    show(page, web)
    page.locator("form").evaluate("(form, checked) => { form.noValidate = !checked }", checked)
    page.get_by_text("I'm not a robot").click()
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_be_disabled()
    let_go(page, held)
    expect_thanks(page)
    assert states(redis_server) == [("queued", None)]


def test_a_work_without_end_is_not_waited_for(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    held: list[Route] = []
    page.route(WORK, lambda route: held.append(route))
    page.clock.install()
    show(page, web)
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_be_disabled()
    page.clock.run_for(30_000)
    expect(page.get_by_role("alert")).to_contain_text("press the button once more")
    assert states(redis_server) == [("quarantined", "captcha")]


@pytest.mark.parametrize("comes", [True, False])
def test_our_own_page_waits_for_the_script_of_the_captcha(
    web: WebProcess, redis_server: ValkeyServer, page: Page, comes: bool
) -> None:
    held: list[Route] = []
    page.route(SCRIPT, lambda route: held.append(route))
    page.clock.install()
    page.goto(f"{web.url}/f/club", wait_until="commit")
    page.get_by_label("E-mail address").fill("ada@example.com")
    button = page.get_by_role("button")
    button.click()
    expect(button).to_be_disabled()
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    assert states(redis_server) == []
    if comes:
        let_go(page, held)
        page.clock.resume()
        expect_thanks(page)
        assert states(redis_server) == [("queued", None)]
        return
    page.clock.run_for(30_000)
    expect(page.get_by_role("alert")).to_contain_text("press the button once more")
    assert states(redis_server) == [("quarantined", "captcha")]


def test_so_is_one_without_javascript(
    web: WebProcess, redis_server: ValkeyServer, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{web.url}/f/club")
    page.get_by_label("E-mail address").fill("ada@example.com")
    press_twice(page)
    assert states(redis_server) == [("quarantined", "captcha")] * 2


def test_so_is_one_over_plain_http_which_reads_nothing_of_it(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    page.goto(f"{web.url.replace('127.0.0.1', 'relay.test')}/f/club")
    expect(page.locator("altcha-widget")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("E-mail address").fill("ada@example.com")
    press_twice(page)
    assert states(redis_server) == [("quarantined", "captcha")] * 2


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
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with Website({"/": f'<html lang="de">{policy}{snippet}'}) as website:
        page.goto(f"{website.url}/")
        expect(page.get_by_text("Ich bin kein Roboter")).to_be_visible()
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_role("button").click()
        eventually(lambda: states(redis_server) == [("queued", None)], within=20, what="stored")
    assert [each for each in said if "Security Policy" in each and "favicon" not in each] == []


@pytest.mark.parametrize("popup", [False, True])
def test_a_drawn_form_does_it_under_the_policy_of_its_website(
    shop: DrawingSite, page: Page, popup: bool
) -> None:
    shop.show(page, shop.popup("click", "cakes") if popup else shop.drawn("cakes"))
    if popup:
        page.get_by_role("link", name="Get our news").click()
    expect(page.get_by_text("I'm not a robot")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_css("width", "24px")
    page.get_by_label("E-mail address").fill(f"{popup}.ada@example.com")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    assert shop.signup(f"{popup}.ada@example.com")["state"] == "queued"
    assert faults_of(page) == []


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("captcha")) as shop:
        shop.save_form("cakes", captcha="altcha", custom_fields=())
        yield shop


def show_early(shop: DrawingSite, page: Page, how: str) -> None:
    """Show a form whose captcha has no script yet, and fill it in."""
    form = builders.form("cakes", captcha="altcha", custom_fields=())
    contents = {
        "drawn": shop.drawn("cakes"),
        "pop-up": shop.popup("click", "cakes"),
        "plain": make_snippet(form, form_address(form, shop.relay), SnippetKind.FORM),
    }
    shop.show(page, contents[how], until="commit")  # the page's load would wait for the script
    page.wait_for_function("relay => window[relay]", arg=f"{shop.relay}/")  # embed.js is there
    if how == "pop-up":
        page.get_by_role("link", name="Get our news").click()
    page.get_by_label("E-mail address").fill(f"{how}@example.com")


EVERY_KIND = pytest.mark.parametrize("how", ["drawn", "pop-up", "plain"])


@EVERY_KIND
def test_a_form_that_is_sent_early_waits_for_the_script(
    shop: DrawingSite, page: Page, how: str
) -> None:
    held: list[Route] = []
    page.route(SCRIPT, lambda route: held.append(route))
    show_early(shop, page, how)
    button = page.get_by_role("button", name="Sign up")
    button.click()
    expect(button).to_be_disabled()
    expect(page.get_by_role("status")).to_have_text("Sending…")
    let_go(page, held)
    expect(page.get_by_text("Thank you!")).to_be_visible()
    assert shop.signup(f"{how}@example.com")["state"] == "queued"


def test_nothing_moves_when_the_widget_comes(shop: DrawingSite, page: Page) -> None:
    held: list[Route] = []
    page.route(SCRIPT, lambda route: held.append(route))
    shop.show(page, shop.drawn("cakes"))
    button = page.get_by_role("button", name="Sign up")
    before = button.bounding_box()
    let_go(page, held)
    expect(page.get_by_text("I'm not a robot")).to_be_visible()
    eventually(lambda: button.bounding_box() == before, what="the button in its place")


@pytest.mark.parametrize("kind", [SnippetKind.FORM, SnippetKind.FETCH])
def test_a_snippet_whose_script_comes_late_loses_nobody(
    web: WebProcess, redis_server: ValkeyServer, page: Page, kind: SnippetKind
) -> None:
    held: list[Route] = []
    page.route(SCRIPT, lambda route: held.append(route))
    form = builders.form("club", captcha="altcha", custom_fields=())
    snippet = make_snippet(form, form_address(form, web.url), kind)
    with Website({"/": f'<html lang="en">{snippet}'}) as website:
        page.goto(f"{website.url}/", wait_until="commit")
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_role("button").click()
        if kind == SnippetKind.FETCH:
            expect(page.get_by_role("button")).to_be_disabled()
            let_go(page, held)
            expect(page.get_by_role("status")).to_contain_text("Thank you!")
            assert states(redis_server) == [("queued", None)]
            return
        expect(page.get_by_role("alert")).to_contain_text("press the button once more")
        page.get_by_role("button").click()
        let_go(page, held[1:])
        expect_thanks(page)
        assert ("queued", None) in states(redis_server)


@pytest.mark.parametrize("is_blocked", [True, False])
def test_a_script_that_does_not_come_stops_nobody(
    shop: DrawingSite, page: Page, is_blocked: bool
) -> None:
    held: list[Route] = []
    page.route(SCRIPT, lambda route: route.abort() if is_blocked else held.append(route))
    page.clock.install()
    shop.show(page, shop.drawn("cakes"))
    email = f"{is_blocked}@example.com"
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Sign up").click()
    if not is_blocked:
        expect(page.get_by_role("status")).to_have_text("Sending…")
        page.clock.run_for(30_000)
    expect(page.get_by_role("alert")).to_contain_text("press the button once more")
    assert shop.signup(email)["reason"] == "captcha"


def test_the_page_is_accessible(web: WebProcess, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    show(page, web)
    assert faults_in_both_themes(page) == []
