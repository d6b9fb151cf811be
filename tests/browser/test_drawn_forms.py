"""`data-relay-form` draws a form on a page of another origin, under a policy that forbids all else.

What is tested of sending is in the tests of embed.js: a drawn form is like any other.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from shared.ledger.stores.form_counts import FormCounts
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.accessibility import faults_of
from tests.support.drawing_site import (
    NOTE_ASKED,
    DrawingSite,
    answer_in_arabic,
    drawing_site,
)
from tests.support.stack import eventually

THANKS = "Thank you! Your sign-up has been received."
PHONE = {"width": 360, "height": 700}
# Adds up how far things moved that nobody had touched.
SHIFT = """() => new Promise(resolve => new PerformanceObserver(list => resolve(
    list.getEntries().reduce((sum, each) => sum + each.value, 0)
)).observe({type: "layout-shift", buffered: true}) || setTimeout(() => resolve(0), 500))"""

# Of a colour that was computed as lch(): 0 is black, 100 white.
LIGHTNESS = "element => parseFloat(getComputedStyle(element).color.split('(')[1])"


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("drawn")) as shop:
        yield shop


def test_a_drawn_form_signs_up_by_keyboard_alone(shop: DrawingSite, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    shop.show(page, shop.drawn("club"))
    expect(page.get_by_role("form", name="Join the club")).to_be_visible()
    expect(page.get_by_role("link")).to_have_count(0)
    for typed in ("ada@example.com", "Ada", "Lovelace", "Sacher"):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    expect(page.get_by_label("Favourite cake")).to_have_value("Sacher")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # no events
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Write to me.")).to_be_checked()
    page.keyboard.press("Tab")  # past the field that only robots see
    expect(page.get_by_role("button", name="Sign up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Thank you!")).to_be_visible()
    signup = shop.signup("ada@example.com")
    assert (signup["state"], signup["lists"]) == ("queued", ["id-1"])
    assert signup["consent"]["box"] is True
    assert [custom["value"] for custom in signup["contact"]["custom"]] == ["Sacher"]
    assert said == []


@pytest.mark.slow
def test_browsers_and_screen_readers_know_what_the_inputs_are_for(
    shop: DrawingSite, page: Page
) -> None:
    shop.show(page, shop.drawn("club"))
    expect(page.get_by_role("textbox")).to_have_count(4)
    email = page.get_by_role("textbox", name="E-mail address", exact=True)
    expect(email).to_have_attribute("autocomplete", "email")
    expect(email).to_have_attribute("type", "email")
    expect(email).to_have_attribute("required", "")
    name = page.get_by_role("textbox", name="First name (optional)")
    expect(name).to_have_attribute("autocomplete", "given-name")
    lists = page.get_by_role("group", name="Sign me up for")
    expect(lists.get_by_role("checkbox", name="News")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Write to me.")).not_to_be_checked()
    trap = page.locator("div:has(> [name=_gotcha])")
    expect(trap).to_have_css("clip-path", "inset(50%)")
    expect(page.get_by_role("textbox", name="Leave this empty")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["nwes", "elsewhere"])
def test_the_link_stays_if_the_form_cannot_be_drawn(
    shop: DrawingSite, page: Page, form: str
) -> None:
    shop.show(page, shop.drawn(form))
    expect(page.get_by_role("link", name="Get our news")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)
    page.get_by_role("link").click()
    expect(page).to_have_url(f"{shop.relay}/f/{form}")


def test_the_console_names_the_origin_and_what_allows_it(shop: DrawingSite, page: Page) -> None:
    told = errors_of(page)
    shop.show(page, shop.drawn("elsewhere"))
    expect(page.get_by_role("link", name="Get our news")).to_be_visible()
    # Asking the page lets Playwright hand over what it has said.
    eventually(lambda: bool(page.evaluate("1") and told), what="an error")
    assert len(told) == 1
    command = f"relay forms edit elsewhere --origin https://else.example --origin {shop.origin}"
    assert f"This page is of {shop.origin}." in told[0] and command in told[0]
    counted = FormCounts(shop.valkey.client())
    form = builders.form("elsewhere", origins=("https://else.example",))

    def refused() -> dict[str, int]:
        [figures] = counted.figures([form], ["acme"])
        return dict(figures.refused)

    eventually(lambda: refused() == {"not_shown": 1}, what="one refusal")


def errors_of(page: Page) -> list[str]:
    """Keep what embed.js says in the browser's console from now on."""
    told: list[str] = []

    def keep(said: ConsoleMessage) -> None:
        if said.text.startswith("signup-relay: "):
            assert said.type == "error"
            told.append(said.text)

    page.on("console", keep)
    return told


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_closed_form_says_so_in_its_place(shop: DrawingSite, page: Page, language: str) -> None:
    told = errors_of(page)
    shop.show(page, shop.drawn("closed"), html=f'lang="{language}"')
    says = {
        "en": "This form is closed. It accepts no more sign-ups.",
        "de": "Dieses Formular ist geschlossen. Es nimmt keine Anmeldungen mehr an.",
    }
    expect(page.locator("[data-relay-form]")).to_have_text(says[language])
    expect(page.locator("[data-relay-form]")).to_have_css("min-height", "0px")
    eventually(lambda: len(told) == 1, what="one error")
    assert says[language] in told[0]


@pytest.mark.slow
def test_the_link_stays_while_the_relay_is_away(shop: DrawingSite, page: Page) -> None:
    page.route("**/fields", lambda route: route.abort())
    shop.show(page, shop.drawn())
    with page.expect_console_message(lambda said: said.text.startswith("signup-relay: ")):
        page.reload()
    expect(page.get_by_role("link", name="Get our news")).to_be_visible()


@pytest.mark.slow
def test_without_javascript_the_link_leads_to_the_form(
    shop: DrawingSite, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    shop.show(page, shop.drawn())
    page.get_by_role("link", name="Get our news").click()
    page.get_by_label("E-mail address").fill("bob@example.com")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()


@pytest.mark.slow
def test_a_form_that_a_script_adds_later_is_drawn_too(shop: DrawingSite, page: Page) -> None:
    shop.show(page, "<p>Once</p>")
    page.evaluate(
        """() => {
            const added = document.createElement("div");
            added.dataset.relayForm = "news";
            document.body.append(added);
        }"""
    )
    expect(page.get_by_label("E-mail address")).to_be_visible()


@pytest.mark.slow
def test_a_form_that_is_drawn_twice_keeps_both_apart(shop: DrawingSite, page: Page) -> None:
    page.add_init_script(NOTE_ASKED)
    shop.show(page, shop.drawn() + shop.drawn())
    first, second = (page.get_by_label("E-mail address").nth(place) for place in (0, 1))
    second.fill("second@example.com")
    first.fill("first@exam")
    page.reload()
    expect(second).to_have_value("second@example.com")
    expect(first).to_have_value("first@exam")
    # Both are drawn by one answer, so always in the same order.
    assert len(page.evaluate("asked")) == 1


@pytest.mark.slow
def test_the_work_that_a_form_asks_for_is_done(shop: DrawingSite, page: Page) -> None:
    shop.save_form("worked", captcha="altcha")
    shop.show(page, shop.drawn("worked"))
    page.get_by_label("E-mail address").fill("grace@example.com")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    assert shop.signup("grace@example.com")["state"] == "queued"


@pytest.mark.slow
def test_nothing_moves_where_the_site_reserves_the_room(shop: DrawingSite, page: Page) -> None:
    style = "<style>[data-relay-form] { min-height: 32rem }</style>"
    shop.headers.pop("Content-Security-Policy")
    try:
        shop.show(page, style + shop.drawn(after="<p>Below</p>"))
    finally:
        shop.forbid_all_else()
    expect(page.get_by_label("E-mail address")).to_be_visible()
    assert page.evaluate(SHIFT) == 0


@pytest.mark.slow
def test_nothing_moves_when_it_thanks(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.drawn(after="<p>Below</p>"))
    expect(page.get_by_label("E-mail address")).to_be_visible()
    below = page.get_by_text("Below").bounding_box()
    page.get_by_label("E-mail address").fill("eve@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    assert page.get_by_text("Below").bounding_box() == below
    # A card, and no hole. Screen readers say the text alone.
    expect(page.get_by_role("form")).to_have_css("border-top-width", "1px")
    expect(page.get_by_role("form")).to_match_aria_snapshot(f"- status: {THANKS}")


@pytest.mark.slow
def test_the_focus_moves_from_the_link_into_the_form(shop: DrawingSite, page: Page) -> None:
    held: list[Route] = []
    page.route("**/fields", lambda route: held.append(route))
    with page.expect_request("**/fields"):
        shop.show(page, shop.drawn())
    page.get_by_role("link").focus()
    held[0].continue_()
    expect(page.get_by_label("E-mail address")).to_be_focused()


@pytest.mark.slow
def test_the_form_asks_in_the_language_of_the_page(shop: DrawingSite, page: Page) -> None:
    shop.show(page, shop.drawn(), html='lang="de-AT"')
    expect(page.get_by_label("E-Mail-Adresse")).to_be_visible()
    expect(page.locator("form")).to_have_attribute("lang", "de")
    page.get_by_label("E-Mail-Adresse").fill("emmy@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_text("Vielen Dank")).to_be_visible()


@pytest.mark.slow
def test_the_form_reads_from_right_to_left(shop: DrawingSite, page: Page) -> None:
    answer_in_arabic(page)
    shop.show(page, shop.drawn("club"))
    email, news = page.get_by_label("E-mail address"), page.get_by_role("checkbox", name="News")
    expect(email).to_have_css("direction", "rtl")
    left = "element => element.getBoundingClientRect().left"
    assert news.evaluate(left) > page.get_by_text("News", exact=True).evaluate(left)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("accent", "ground", "lightness"),
    [("#ffd500", "rgb(255, 213, 0)", 0), ("#102040", "rgb(16, 32, 64)", 100)],
)
def test_text_is_legible_on_any_colour(
    shop: DrawingSite, page: Page, accent: str, ground: str, lightness: int
) -> None:
    name = f"coloured-{accent[1:]}"
    shop.save_form(name, accent=accent, background=accent)
    shop.show(page, shop.drawn(name))
    expect(page.locator("form")).to_have_css("background-color", ground)
    for shown in (page.locator("form"), page.get_by_role("button")):
        assert shown.evaluate(LIGHTNESS) == lightness


@pytest.mark.slow
def test_the_sites_own_styles_and_properties_win(shop: DrawingSite, page: Page) -> None:
    style = """<style>
        :root { --relay-accent: rgb(1, 2, 3); }
        [data-relay-form] input { border-radius: 7px; }
    </style>"""
    shop.headers.pop("Content-Security-Policy")
    try:
        shop.show(page, style + shop.drawn())
    finally:
        shop.forbid_all_else()
    button, email = page.get_by_role("button"), page.get_by_label("E-mail address")
    expect(button).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(email).to_have_css("border-radius", "7px")


@pytest.mark.slow
@pytest.mark.parametrize("html", ['lang="en"', 'lang="ar" dir="rtl"'])
@pytest.mark.parametrize("width", [1000, 360])
def test_a_drawn_form_with_an_error_is_accessible_and_fits(
    shop: DrawingSite, new_page: NewPage, html: str, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 700}, bypass_csp=True)
    shop.show(page, shop.drawn("club"), html=html)
    page.get_by_label("E-mail address").fill("eve@example.com")
    page.get_by_label("First name").fill("A" * 51)
    page.get_by_label("Write to me.").check()
    page.get_by_role("button").click()
    expect(page.get_by_label("First name")).to_have_attribute("aria-invalid", "true")
    assert faults_of(page) == []
