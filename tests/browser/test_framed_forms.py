"""The hosted form in a frame of a website: it sizes itself with embed.js, and scrolls without."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import NewPage
from tests.support.drawing_site import LONG, DrawingSite, drawing_site
from tests.support.stack import eventually

pytestmark = pytest.mark.slow

HEIGHT = "element => Math.ceil(element.getBoundingClientRect().height)"


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("frames")) as shop:
        shop.save_form("framed", origins=(shop.origin,))
        shop.save_form("leads", origins=(shop.origin,), redirect=f"{shop.origin}/thanks")
        shop.pages["/thanks"] = "<h1>Welcome</h1>"
        yield shop


def frame(shop: DrawingSite, form: str = "framed") -> str:
    return (
        f'<iframe src="{shop.relay}/f/{form}" title="Get our news" width="100%" height="300">'
        "</iframe>"
    )


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def height(page: Page) -> int:
    return int(page.evaluate("document.querySelector('iframe').clientHeight"))


def expect_that_it_fits(page: Page) -> int:
    """Wait until the frame is as high as its page; return how high that is."""
    needed = 0

    def fits() -> bool:
        nonlocal needed
        needed = inside(page).locator("main").evaluate(HEIGHT)
        return bool(height(page) == needed)

    eventually(fits, what="the frame's height")
    return needed


def test_a_frame_is_as_high_as_each_page_in_it(shop: DrawingSite, page: Page) -> None:
    shop.show(page, frame(shop))
    form = expect_that_it_fits(page)
    inside(page).get_by_label("E-mail address").fill("ada@example.com")
    inside(page).get_by_label("First name").fill("A" * 51)
    inside(page).get_by_role("button").click()
    expect(inside(page).locator("#summary")).to_be_focused()
    assert expect_that_it_fits(page) > form
    inside(page).get_by_label("First name").fill("Ada")
    inside(page).get_by_role("button").click()
    expect(inside(page).get_by_role("heading", name="Thank you!")).to_be_visible()
    assert expect_that_it_fits(page) < form
    assert shop.signup("ada@example.com")["state"] == "queued"


def test_it_fits_on_a_phone_and_when_that_is_turned(shop: DrawingSite, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 360, "height": 640})
    shop.show(page, frame(shop))
    upright = expect_that_it_fits(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.set_viewport_size({"width": 640, "height": 360})
    expect(inside(page).locator("main")).to_have_css("width", "480px")
    assert expect_that_it_fits(page) < upright


def test_the_thanks_are_seen_by_somebody_who_has_scrolled_down(
    shop: DrawingSite, new_page: NewPage
) -> None:
    page = new_page(viewport={"width": 360, "height": 400})
    shop.show(page, LONG + frame(shop) + LONG)
    expect_that_it_fits(page)
    inside(page).get_by_label("E-mail address").fill("eve@example.com")
    inside(page).get_by_role("button").click()
    expect(inside(page).get_by_role("heading", name="Thank you!")).to_be_in_viewport()


def test_the_frame_of_another_website_is_left_alone(shop: DrawingSite, page: Page) -> None:
    shop.pages["/other"] = "<script>parent.postMessage({relayHeight: 999}, '*')</script>"
    shop.headers.pop("Content-Security-Policy")
    try:
        shop.show(page, '<iframe src="/other" height="200"></iframe>' + frame(shop))
        expect(page.frame_locator("iframe >> nth=1").get_by_role("button")).to_be_visible()
        page.evaluate("postMessage({relayHeight: 999}, '*')")
        page.wait_for_function("document.querySelectorAll('iframe')[1].clientHeight > 300")
    finally:
        shop.forbid_all_else()
    assert height(page) == 200
    fits = page.evaluate("document.querySelectorAll('iframe')[1].clientHeight")
    assert fits != 999


def test_so_is_a_frame_of_another_website_that_has_come_to_us(
    shop: DrawingSite, page: Page
) -> None:
    """Its owner, not the page's, decides which page is in it."""
    away = f"<script>location = '{shop.relay}/f/framed'</script>"
    shop.pages["/away"] = away
    shop.headers.pop("Content-Security-Policy")
    try:
        shop.show(page, '<iframe src="/away" height="200"></iframe>')
    finally:
        shop.forbid_all_else()
    expect(inside(page).get_by_role("button")).to_be_visible()
    # It tells its height whoever asks. embed.js has heard it before us.
    told = page.evaluate(
        """() => new Promise((resolve) => {
            onmessage = ({data}) => resolve(data.relayHeight);
            frames[0].postMessage("", "*");
        })"""
    )
    assert told > 300
    assert height(page) == 200


@pytest.mark.parametrize("size", ["'1px'", "-5", "NaN", "1e9", "null", "{}"])
def test_no_other_height_counts(shop: DrawingSite, page: Page, size: str) -> None:
    shop.show(page, frame(shop))
    before = expect_that_it_fits(page)
    inside(page).locator("main").evaluate(f"() => parent.postMessage({{relayHeight: {size}}}, '*')")
    inside(page).locator("main").evaluate("() => parent.postMessage(null, '*')")
    page.evaluate("() => new Promise(done => setTimeout(done))")
    assert height(page) == before


def test_without_the_script_the_frame_keeps_its_height(shop: DrawingSite, page: Page) -> None:
    shop.show(page, frame(shop), script=False)
    inside(page).get_by_role("button").scroll_into_view_if_needed()
    expect(inside(page).get_by_role("button")).to_be_in_viewport()
    assert height(page) == 300


def test_without_javascript_the_frame_signs_up(shop: DrawingSite, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    shop.show(page, frame(shop))
    inside(page).get_by_label("E-mail address").fill("bob@example.com")
    inside(page).get_by_role("button").click()
    expect(inside(page).get_by_role("heading", name="Thank you!")).to_be_visible()


def test_the_websites_own_next_page_takes_the_whole_window(shop: DrawingSite, page: Page) -> None:
    shop.show(page, frame(shop, "leads"))
    inside(page).get_by_label("E-mail address").fill("joe@example.com")
    inside(page).get_by_role("button").click()
    expect(page).to_have_url(f"{shop.origin}/thanks")


def test_a_page_that_is_not_listed_and_does_not_say_who_it_is_shows_no_form(
    shop: DrawingSite, page: Page
) -> None:
    hidden = frame(shop, "news").replace("<iframe", '<iframe referrerpolicy="no-referrer"')
    with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        shop.show(page, hidden)
    assert height(page) == 300


@pytest.mark.parametrize("form", ["news", "elsewhere"])
def test_a_frame_that_the_form_does_not_allow_says_how_to_allow_it(
    shop: DrawingSite, page: Page, form: str
) -> None:
    """One without origins allows none."""
    shop.show(page, frame(shop, form))
    expect(inside(page).get_by_role("alert")).to_have_text(
        "This website may not show the form in a frame."
    )
    expect(inside(page).get_by_text(f"relay forms edit {form} --origin ")).to_contain_text(
        f" --origin {shop.origin}"
    )
    expect_that_it_fits(page)
    with page.expect_popup() as alone:
        inside(page).get_by_role("link", name="Open the form on a page of its own").click()
    alone.value.get_by_label("E-mail address").fill(f"{form}@example.com")
    alone.value.get_by_role("button").click()
    expect(alone.value.get_by_role("heading", name="Thank you!")).to_be_visible()
