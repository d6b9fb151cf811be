"""A form that is closed while a visitor has its page open: what they read, and what they keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.support.drawing_site import DrawingSite, drawing_site

pytestmark = pytest.mark.slow

CLOSED = "This form is closed. It accepts no more sign-ups."
NAMES = (f"seasonal-{number}" for number in count())


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingSite]:
    with drawing_site(tmp_path_factory.mktemp("closing")) as shop:
        yield shop


@pytest.fixture
def form(shop: DrawingSite) -> str:
    """The name of a form of the test's own, which is open."""
    name = next(NAMES)
    shop.save_form(name, origins=(shop.origin,))
    return name


def close(shop: DrawingSite, form: str) -> None:
    shop.save_form(form, enabled=False, origins=(shop.origin,))
    shop.await_answer(form, 410)


def type_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("Ada")


@contextmanager
def posts_of(page: Page) -> Iterator[list[str]]:
    """Keep the posts of the page, which may be in a frame."""
    posts: list[str] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            posts.append(request.url)

    page.on("request", keep)
    yield posts
    page.remove_listener("request", keep)


@pytest.mark.parametrize("kind", ["plain", "drawn", "pop-up"])
def test_a_visitor_who_submits_reads_it_in_place_and_keeps_what_they_typed(
    shop: DrawingSite, page: Page, form: str, kind: str
) -> None:
    inputs = """<label>E-mail address <input name="email"></label>
        <label>First name <input name="first_name"></label><button>Go</button>"""
    plain = f'<form method="post" action="{shop.relay}/f/{form}">{inputs}</form>'
    content = {"plain": plain, "drawn": shop.drawn(form), "pop-up": shop.popup("click", form)}
    shop.show(page, content[kind])
    if kind == "pop-up":
        page.get_by_role("link", name="Get our news").click()
    type_in(page)
    close(shop, form)
    button = page.locator("form button")
    with posts_of(page) as posts:
        for tries in (1, 2):
            button.click()
            expect(page.get_by_role("alert")).to_have_text(CLOSED)
            expect(page.get_by_role("alert")).to_be_focused()
            expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
            expect(page.get_by_label("First name")).to_have_value("Ada")
            expect(button).to_be_enabled()
            assert len(posts) == tries
        # What is not sent yet would be sent now. For a minute, the browser still draws the form.
        page.reload()
        if kind == "pop-up":
            page.get_by_role("link", name="Get our news").click()
        expect(page.get_by_label("First name")).to_have_value("Ada")
        assert page.url == f"{shop.origin}/"
        assert len(posts) == 2


@pytest.mark.parametrize("framed", [False, True])
def test_a_visitor_of_our_own_page_keeps_what_they_typed(
    shop: DrawingSite, page: Page, form: str, framed: bool
) -> None:
    frame = f'<iframe src="{shop.relay}/f/{form}" title="Our news"></iframe>'
    shop.show(page, frame if framed else shop.link(form))
    if not framed:
        page.get_by_role("link").click()
    shown = page.frame_locator("iframe") if framed else page
    shown.get_by_label("E-mail address").fill("ada@example.com")
    shown.get_by_label("First name").fill("Ada")
    close(shop, form)
    with posts_of(page) as posts:
        shown.get_by_role("button", name="Sign up").click()
        expect(shown.get_by_role("heading", name="This form is closed")).to_be_visible()
        expect(shown.get_by_role("alert")).to_contain_text("You are not signed up.")
        expect(shown.get_by_label("E-mail address")).to_have_value("ada@example.com")
        expect(shown.get_by_label("First name")).to_have_value("Ada")
        assert len(posts) == 1
    back = shown.get_by_role("link", name="Back to the website")
    if framed:
        expect(back).to_have_count(0)
    else:
        back.click()
        expect(page).to_have_url(f"{shop.origin}/")
