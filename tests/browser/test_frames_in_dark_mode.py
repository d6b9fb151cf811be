"""A framed form is readable on light and on dark pages, whatever the visitor prefers.

Playwright's own `color_scheme` sets the preference of each frame, so that none follows the page
that has it. So the browser itself prefers one here.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Playwright

from shared.domain.colours import TEXT, contrast
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.support.drawing_site import DrawingSite, drawing_site

pytestmark = pytest.mark.slow

LIGHT_PAGE = "body { background: #fff; color: #111 }"
DARK_PAGE = "body { background: #111; color: #eee }"
# The texts, and the first colour behind each that is not transparent.
TEXTS = """main => [...main.querySelectorAll("h1,label,.error,.summary a,input,button,.consent")]
    .map(each => {
        let behind = each;
        const ground = () => getComputedStyle(behind).backgroundColor;
        while (ground().endsWith(", 0)")) behind = behind.parentElement;
        return [each.outerHTML.slice(0, 60), getComputedStyle(each).color, ground()];
    })"""


@pytest.fixture(scope="module", params=["prefers dark", "prefers light"])
def browser(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[Browser]:
    preferred = {"prefers dark": 0, "prefers light": 1}[request.param]
    setting = f"--blink-settings=preferredColorScheme={preferred}"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, setting])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("dark")) as shop:
        shop.headers.pop("Content-Security-Policy")  # which forbids a page's own style
        for name, colours in (("plain", {}), ("cream", {"background": "#fff8e1"})):
            shop.save_form(
                name,
                origins=(shop.origin,),
                consent_text="Write to me.",
                consent_box="optional",
                **colours,
            )
        yield shop


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(color_scheme="null")
    yield context.new_page()
    context.close()


def show(shop: DrawingSite, page: Page, style: str, form: str = "plain") -> FrameLocator:
    """Open a page that has this style, and the form in a frame of it."""
    source = f'<iframe src="{shop.relay}/f/{form}" width="100%" height="900"></iframe>'
    shop.show(page, f"<style>{style}</style>{source}")
    return page.frame_locator("iframe")


def colour(said: str) -> str:
    return "#" + "".join(f"{int(each):02x}" for each in re.findall(r"\d+", said)[:3])


def expect_readable(frame: FrameLocator) -> None:
    texts = frame.locator("main").evaluate(TEXTS)
    assert len(texts) > 5
    for text, ink, ground in texts:
        assert contrast(colour(ink), colour(ground)) >= TEXT, (text, ink, ground)


@pytest.mark.parametrize("form", ["plain", "cream"])
@pytest.mark.parametrize(
    "style",
    [
        pytest.param(LIGHT_PAGE, id="light"),
        pytest.param(DARK_PAGE, id="dark"),
        pytest.param(f"{LIGHT_PAGE} :root {{ color-scheme: light }}", id="light, and says so"),
        pytest.param(f"{DARK_PAGE} :root {{ color-scheme: dark }}", id="dark, and says so"),
        pytest.param(":root { color-scheme: light dark }", id="as the visitor prefers"),
    ],
)
def test_a_form_and_its_errors_are_readable(
    shop: DrawingSite, page: Page, style: str, form: str
) -> None:
    frame = show(shop, page, style, form)
    expect_readable(frame)
    frame.get_by_label("E-mail address").fill("ada@example.com")
    frame.get_by_label("First name").fill("A" * 51)
    frame.get_by_role("button").click()
    frame.locator("#summary").wait_for()
    expect_readable(frame)


@pytest.mark.parametrize(
    ("style", "ground"),
    [
        (f"{LIGHT_PAGE} iframe {{ color-scheme: light }}", "rgb(255, 255, 255)"),
        (f"{DARK_PAGE} iframe {{ color-scheme: dark }}", "rgb(26, 32, 42)"),
    ],
    ids=["light", "dark"],
)
def test_a_frame_is_light_or_dark_as_the_website_says(
    shop: DrawingSite, page: Page, style: str, ground: str
) -> None:
    frame = show(shop, page, style)
    frame.get_by_role("button").wait_for()

    behind = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")

    assert behind == ground
