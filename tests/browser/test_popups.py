"""`data-relay-popup` opens a form as a dialog on a page of another origin: when, and when not."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.support.accessibility import faults_of
from tests.support.drawing_site import (
    LONG,
    NOTE_ASKED,
    DrawingSite,
    answer_in_arabic,
    drawing_site,
)

CLOSED = "This form is closed. It accepts no more sign-ups."
# So much time passes without a pop-up where none may open.
PASSED = 3000


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("popups")) as shop:
        yield shop


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page whose clock the test sets."""
    return with_clock(new_page())


def with_clock(page: Page) -> Page:
    page.clock.install()
    page.add_init_script(NOTE_ASKED)
    return page


def link(page: Page) -> Locator:
    return page.get_by_role("link", name="Get our news")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def expect_none(page: Page) -> None:
    """Let time pass, and expect that no form was asked for."""
    page.clock.run_for(PASSED)
    assert page.evaluate("asked") == []
    expect(dialog(page)).to_have_count(0)


def test_a_click_opens_the_form_which_signs_up_by_keyboard(shop: DrawingSite, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    shop.show(page, shop.popup("click", "club"))
    page.keyboard.press("Tab")
    expect(link(page)).to_be_focused()
    expect(link(page)).to_have_attribute("aria-haspopup", "dialog")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Join the club")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(link(page)).to_be_focused()

    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("ada@example.com")
    page.get_by_label("Write to me.").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_text("Thank you!")).to_be_focused()
    expect(page.get_by_label("E-mail address")).to_be_hidden()
    assert shop.signup("ada@example.com")["consent"]["box"] is True
    page.keyboard.press("Escape")
    expect(link(page)).to_be_focused()
    page.keyboard.press("Enter")  # for somebody else
    expect(page.get_by_label("E-mail address")).to_be_focused()
    assert said == []


@pytest.mark.slow
def test_a_link_that_is_pressed_while_the_thanks_close_opens_a_new_form(
    shop: DrawingSite, page: Page
) -> None:
    shop.show(page, shop.popup("click"))
    link(page).click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_text("Thank you!")).to_be_focused()

    # In one step, so that the browser tells of the closing afterwards.
    page.evaluate("""() => {
        document.querySelector("dialog").close();
        document.querySelector("[data-relay-popup]").click();
    }""")

    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(dialog(page)).to_have_count(1)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["Escape", "the button", "the backdrop"])
def test_it_closes_and_keeps_what_was_typed(shop: DrawingSite, page: Page, way: str) -> None:
    shop.show(page, shop.popup("click"))
    link(page).click()
    page.get_by_label("E-mail address").fill("ada@exam")
    if way == "Escape":
        page.keyboard.press("Escape")
    elif way == "the button":
        dialog(page).get_by_role("button", name="Close").click()
    else:
        page.mouse.click(3, 3)
    expect(dialog(page)).to_have_count(0)
    expect(link(page)).to_be_focused()
    link(page).click()
    expect(page.get_by_label("E-mail address")).to_have_value("ada@exam")


@pytest.mark.slow
def test_it_stays_open_for_somebody_who_selects_text(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("click"))
    link(page).click()
    page.get_by_label("E-mail address").hover()
    page.mouse.down()
    page.mouse.move(3, 3)
    page.mouse.up()
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_the_focus_stays_inside(shop: DrawingSite, page: Page) -> None:
    shop.show(page, "<button>Buy</button>" + shop.popup("click"))
    link(page).click()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        outside = page.evaluate("document.activeElement.closest('main')")
        assert outside is None


@pytest.mark.slow
def test_it_opens_by_itself_after_the_delay_and_once_for_each_visitor(
    shop: DrawingSite, page: Page
) -> None:
    shop.show(page, "<button>Buy</button>" + shop.popup("delay:90s"))
    page.get_by_role("button", name="Buy").focus()
    page.clock.run_for(40_000)
    expect_none(page)
    page.clock.run_for(50_000)
    expect(dialog(page)).to_be_visible()
    # Whoever was scrolling by Space has pressed nothing in it.
    expect(page.get_by_role("heading", name="Sign up")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Buy")).to_be_focused()

    page.reload()
    page.clock.run_for(90_000)
    expect_none(page)
    link(page).click()
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_it_never_opens_for_somebody_who_has_signed_up(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.drawn())
    page.get_by_label("E-mail address").fill("eve@example.com")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    shop.show(page, shop.popup("delay:1s"))
    expect_none(page)


@pytest.mark.slow
def test_it_opens_when_the_visitor_has_scrolled_so_far(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("scroll:50%") + LONG)
    scroll = """share => new Promise(done => {
        onscroll = done;
        scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * share);
    })"""
    page.evaluate(scroll, 0.4)
    expect_none(page)
    page.evaluate(scroll, 0.6)
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_it_opens_when_the_mouse_leaves_at_the_top(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("exit"))
    page.mouse.move(300, 300)
    page.mouse.move(-5, 300)
    expect_none(page)
    page.mouse.move(300, 300)
    page.mouse.move(300, -5)
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_on_a_touch_screen_nothing_opens_at_the_exit(shop: DrawingSite, new_page: NewPage) -> None:
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 700}}
    page = with_clock(new_page(**phone))
    shop.show(page, shop.popup("exit"))
    page.touchscreen.tap(200, 1)
    page.touchscreen.tap(200, 300)
    expect_none(page)
    link(page).tap()
    expect(dialog(page)).to_be_visible()


OTHERS = {
    "a modal dialog": "<dialog id=other><button>Fine</button></dialog>",
    "a cookie banner": '<div id=other role="dialog" hidden><button>Fine</button></div>',
    "a pop-over": "<div id=other popover><button>Fine</button></div>",
}
OPEN = """other => other.showModal ? other.showModal()
    : other.popover ? other.showPopover() : other.hidden = false"""
CLOSE = """other => other.close ? other.close()
    : other.popover ? other.hidePopover() : other.hidden = true"""


@pytest.mark.slow
@pytest.mark.parametrize("other", OTHERS)
def test_it_waits_until_another_dialog_is_closed(shop: DrawingSite, page: Page, other: str) -> None:
    shop.show(page, shop.popup("delay:1s") + OTHERS[other])
    page.locator("#other").evaluate(OPEN)
    page.clock.run_for(PASSED)
    assert page.evaluate("asked") == []
    page.locator("#other").evaluate(CLOSE)
    page.clock.run_for(PASSED)
    expect(page.get_by_role("dialog", name="Sign up")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize(
    "style", ["left: -50rem", "top: 200vh", "opacity: 0", "visibility: hidden", "display: none"]
)
def test_a_menu_that_nobody_sees_does_not_hold_it_up(
    shop: DrawingSite, page: Page, style: str
) -> None:
    shop.show(page, shop.popup("delay:1s") + '<nav role="dialog" aria-label="Menu">Home</nav>')
    menu = page.locator("nav")
    menu.evaluate("(menu, style) => { menu.style.cssText = `position: fixed; ${style}` }", style)
    page.clock.run_for(PASSED)
    expect(page.get_by_role("dialog", name="Sign up")).to_be_visible()


@pytest.mark.slow
def test_a_site_that_changes_pages_by_script_may_throw_it_away(
    shop: DrawingSite, page: Page
) -> None:
    shop.show(page, shop.popup("click"))
    link(page).click()
    page.get_by_label("E-mail address").fill("ada@exam")
    page.keyboard.press("Escape")
    page.locator(".relay-popup").evaluate("dialog => dialog.remove()")
    link(page).click()
    expect(page.get_by_label("E-mail address")).to_have_value("ada@exam")


@pytest.mark.slow
def test_it_does_not_open_on_a_page_that_was_left(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("delay:1s"))
    link(page).evaluate("link => link.remove()")
    expect_none(page)


@pytest.mark.slow
def test_a_link_inside_another_dialog_stays_a_link(shop: DrawingSite, page: Page) -> None:
    shop.show(page, f"<dialog id=other>{shop.popup('click')}</dialog>")
    page.locator("#other").evaluate(OPEN)
    link(page).click()
    expect(page).to_have_url(f"{shop.relay}/f/news")


@pytest.mark.slow
def test_it_waits_while_the_visitor_types_elsewhere(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("delay:1s") + '<input aria-label="Search">')
    page.get_by_label("Search").focus()
    expect_none(page)
    page.get_by_label("Search").blur()
    page.clock.run_for(PASSED)
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_without_storage_nothing_opens_by_itself(shop: DrawingSite, page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw Error('forbidden') }})"
    )
    shop.show(page, shop.popup("delay:1s"))
    expect_none(page)
    link(page).click()
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "when", ["", "delay", "delay:10", "delay:soon", "scroll:150%", "Exit", "click exit"]
)
def test_a_wrong_value_is_complained_about_and_changes_nothing(
    shop: DrawingSite, page: Page, when: str
) -> None:
    with page.expect_console_message(lambda said: said.type == "error") as said:
        shop.show(page, shop.popup(when))
    assert "signup-relay: Use click, exit, delay:10s or scroll:50% on a link" in said.value.text
    assert not link(page).get_attribute("aria-haspopup")
    expect_none(page)
    link(page).click()
    expect(page).to_have_url(f"{shop.relay}/f/news")


@pytest.mark.slow
@pytest.mark.parametrize("href", ["https://else.example/f/news", "/about", "#news"])
def test_a_link_elsewhere_is_complained_about(shop: DrawingSite, page: Page, href: str) -> None:
    with page.expect_console_message(lambda said: said.type == "error") as said:
        shop.show(page, f'<a href="{href}" data-relay-popup="delay:1s">Get our news</a>')
    assert f"on a link to {shop.relay}/f/" in said.value.text
    expect_none(page)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["nwes", "elsewhere"])
def test_a_form_that_cannot_be_drawn_opens_as_a_page(
    shop: DrawingSite, page: Page, form: str
) -> None:
    shop.show(page, shop.popup("click", form))
    link(page).click()
    expect(page).to_have_url(f"{shop.relay}/f/{form}")


@pytest.mark.slow
def test_the_link_to_a_closed_form_says_so_and_leads_nowhere(shop: DrawingSite, page: Page) -> None:
    shop.save_form("seasonal", enabled=False)
    shop.show(page, shop.popup("click", "seasonal"))
    link(page).click()
    expect(page.get_by_role("status")).to_have_text(CLOSED)
    page.get_by_role("status").click()
    expect(page.get_by_role("status")).to_have_text(CLOSED)
    assert page.url == f"{shop.origin}/"
    shop.save_form("seasonal")
    shop.await_answer("seasonal", 200)
    page.get_by_role("status").click()
    expect(dialog(page)).to_be_visible()


@pytest.mark.slow
def test_a_form_that_cannot_be_drawn_opens_nothing_by_itself(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("scroll:10%", "closed") + LONG)
    with page.expect_console_message(lambda said: said.type == "error"):
        page.evaluate("scrollTo(0, 2000)")
    for place in (2100, 2200):
        page.evaluate("y => new Promise(done => { onscroll = done; scrollTo(0, y) })", place)
    page.clock.run_for(PASSED)
    expect(dialog(page)).to_have_count(0)
    assert page.url == f"{shop.origin}/"
    assert page.evaluate("asked.length") == 1


@pytest.mark.slow
def test_without_javascript_the_link_leads_to_the_form(
    shop: DrawingSite, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    shop.show(page, shop.popup("delay:1s"))
    link(page).click()
    expect(page.get_by_role("heading", name="Sign up")).to_be_visible()


@pytest.mark.slow
def test_a_click_with_a_key_held_opens_a_tab_as_ever(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.popup("click"))
    with page.context.expect_page() as opened:
        link(page).click(modifiers=["ControlOrMeta"])
    assert opened.value.url == f"{shop.relay}/f/news"
    expect(dialog(page)).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(("motion", "name"), [("no-preference", "relay-popup"), ("reduce", "none")])
def test_it_moves_only_for_those_who_like_that(
    shop: DrawingSite, new_page: NewPage, motion: Any, name: str
) -> None:
    page = new_page(reduced_motion=motion)
    shop.show(page, shop.popup("click"))
    link(page).click()
    expect(dialog(page)).to_have_css("animation-name", name)


@pytest.mark.slow
@pytest.mark.parametrize("html", ['lang="en"', 'lang="ar" dir="rtl"'])
@pytest.mark.parametrize(("width", "height"), [(1000, 800), (360, 400)])
def test_it_is_accessible_and_fits(
    shop: DrawingSite, new_page: NewPage, html: str, width: int, height: int
) -> None:
    page = new_page(
        viewport={"width": width, "height": height}, bypass_csp=True, reduced_motion="reduce"
    )
    shop.show(page, shop.popup("click", "club"), html=html)
    link(page).click()
    expect(dialog(page)).to_be_visible()
    assert faults_of(page) == []
    box = dialog(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] >= 0 and box["y"] + box["height"] <= height
    page.get_by_role("button", name="Sign up").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Sign up")).to_be_in_viewport()


@pytest.mark.slow
def test_it_reads_from_right_to_left(shop: DrawingSite, page: Page) -> None:
    answer_in_arabic(page)
    shop.show(page, shop.popup("click", "club"))
    link(page).click()
    title, close = page.get_by_role("heading", level=2), page.get_by_role("button", name="Close")
    box, news = page.get_by_role("checkbox", name="News"), page.get_by_text("News", exact=True)
    right, left = "e => e.getBoundingClientRect().right", "e => e.getBoundingClientRect().left"
    assert close.evaluate(right) < title.evaluate(right)
    assert box.evaluate(left) > news.evaluate(left)
    expect(page.get_by_label("E-mail address")).to_have_css("direction", "rtl")
