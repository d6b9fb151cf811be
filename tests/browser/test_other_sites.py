"""Pages of other sites in a real Chromium: what it sends from them, and what it lets them read.

All of it with web at a host of its own, and below a path behind a real nginx that strips it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.browser_sign_in import sign_in
from tests.support.nginx import Nginx, documented_locations
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests"
THANKS = "<h1>Welcome to the club</h1>"
FORM = """<h1>Shop</h1><form action="{relay}/f/{form}" {method}>
<input name="EMAIL" aria-label="EMAIL"><input name="FNAME" aria-label="FNAME">
<input type="hidden" name="_next" value="{next_page}"><button>Join</button></form>"""
# `fetch` with these options; returns status, kind of answer, and whether a script can read it.
FETCH = """async ([url, body, options]) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(body)) form.append(name, value);
    const answer = await fetch(url, {method: "POST", body: form, ...options});
    return [answer.status, answer.redirected, (await answer.json()).ok];
}"""


@dataclass
class Rig:
    """Web at `relay`, and a website with a form for each case."""

    relay: str
    website: Website
    valkey: ValkeyServer
    pages: dict[str, str]

    def show(self, page: Page, form: str, next_page: str, *, policy: str = "", method: str) -> None:
        """Open a page of the website with a form that posts to the relay."""
        content = FORM.format(relay=self.relay, form=form, next_page=next_page, method=method)
        self.pages["/news/"] = content
        page.goto(f"{self.website.url}/news/?policy={policy}")

    def accepted(self) -> int:
        with self.valkey.client() as client:
            return int(str(client.hget("relay:{acme}:totals", "accepted") or 0))


@pytest.fixture(
    scope="module",
    params=["a host of its own", pytest.param("a path", marks=pytest.mark.slow)],
)
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("other-sites")
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyServer(folder / "valkey"))
        pages = {"/": "<h1>Home</h1>", "/thanks.html": THANKS, "/news/thanks.html": THANKS}
        website = stack.enter_context(Website(pages))
        for name, origins in (("news", ()), ("listed", (website.url,))):
            form = builders.form(name, origins=origins)
            Registry(valkey.client()).save_form(form)
        web = WebProcess(
            valkey, folder / "relay", {"RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
        )
        relay = web.url
        if request.param == "a path":
            nginx = Nginx(folder / "nginx", documented_locations()["stripped"], web.port)
            relay = f"{nginx.url}/signup"
            web.environ |= {"RELAY_PUBLIC_URL": relay, "RELAY_TRUSTED_PROXIES": "1"}
            stack.enter_context(nginx)
        stack.enter_context(web)
        yield Rig(relay, website, valkey, pages)


def join(page: Page, email: str) -> None:
    page.get_by_label("EMAIL").fill(email)
    page.get_by_role("button", name="Join").click()


_numbers = iter(range(10_000))


def new_email() -> str:
    return f"visitor{next(_numbers)}@example.com"


@pytest.mark.parametrize("form", ["news", "listed"])
@pytest.mark.parametrize(
    ("policy", "leads_to"),
    [
        ("no-referrer", None),
        ("same-origin", None),
        ("strict-origin", "/thanks.html"),
        ("strict-origin-when-cross-origin", "/thanks.html"),
        ("origin", "/thanks.html"),
        ("unsafe-url", "/news/thanks.html"),
        ("no-referrer-when-downgrade", "/news/thanks.html"),
    ],
)
def test_whatever_a_page_hides_its_visitor_is_signed_up_and_thanked(
    rig: Rig, page: Page, form: str, policy: str, leads_to: str | None
) -> None:
    before = rig.accepted()
    rig.show(page, form, "thanks.html", policy=policy, method='method="post"')
    join(page, new_email())
    if leads_to is None:
        expect(page).to_have_url(f"{rig.relay}/f/{form}/thanks")
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    else:
        expect(page).to_have_url(f"{rig.website.url}{leads_to}")
        expect(page.get_by_role("heading", name="Welcome to the club")).to_be_visible()
    assert rig.accepted() == before + 1


@pytest.mark.parametrize(
    ("policy", "told"),
    [("", "/"), ("unsafe-url", "/news/"), ("same-origin", None), ("no-referrer", None)],
)
def test_the_thanks_lead_back_to_the_website_unless_its_page_hides_it(
    rig: Rig, page: Page, policy: str, told: str | None
) -> None:
    """Most pages tell their origin alone, so that the home page is all that is known."""
    rig.show(page, "news", "", policy=policy, method='method="post"')
    join(page, new_email())
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    back = page.get_by_role("link", name="Back to the website")
    if told:
        back.click()
        expect(page).to_have_url(f"{rig.website.url}{told}")
    else:
        expect(page.get_by_text("You can close this page.")).to_be_visible()
        expect(back).to_have_count(0)


def test_the_thanks_lead_back_after_a_correction_on_our_page(rig: Rig, page: Page) -> None:
    rig.show(page, "listed", "", method='method="post"')
    join(page, "ada@")
    expect(page.get_by_role("link", name="Back to the website")).to_be_visible()
    page.get_by_label("E-mail address").fill(new_email())
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    page.get_by_role("link", name="Back to the website").click()
    expect(page).to_have_url(f"{rig.website.url}/")


@pytest.mark.parametrize("scheme", ["http:", ""])
def test_an_absolute_next_page_of_the_same_site_is_followed(
    rig: Rig, page: Page, scheme: str
) -> None:
    next_page = f"{scheme}//localhost:{rig.website.port}/thanks.html"
    rig.show(page, "news", next_page, method='method="post"')
    join(page, new_email())
    expect(page).to_have_url(f"{rig.website.url}/thanks.html")


def test_a_form_without_a_method_is_filled_in_explained_and_leads_back(
    rig: Rig, page: Page
) -> None:
    before = rig.accepted()
    email = new_email()
    rig.show(page, "listed", "/thanks.html", method="")
    page.get_by_label("FNAME").fill("Ada")
    join(page, email)
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    expect(page.get_by_label("First name")).to_have_value("Ada")
    expect(page.get_by_text("You are not signed up yet")).to_be_visible()
    expect(page.locator("code")).to_have_text('method="post"')
    assert rig.accepted() == before
    told: list[str] = []
    page.on("request", lambda request: told.append(request.headers.get("referer", "")))
    page.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(f"{rig.website.url}/thanks.html")
    assert rig.accepted() == before + 1
    assert told and not [each for each in told if "visitor" in each]


@pytest.mark.parametrize("form", ["news", "listed"])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"credentials": "include"}, id="with cookies"),
        pytest.param(
            {"headers": {"baggage": "a=b", "sentry-trace": "1-2", "hx-request": "true"}},
            id="headers of other scripts",
        ),
        pytest.param(
            {"credentials": "include", "headers": {"Authorization": "Bearer x"}}, id="both"
        ),
        pytest.param({"referrerPolicy": "no-referrer"}, id="no referrer"),
    ],
)
def test_a_script_can_read_the_answer_to_a_fetch_without_accept(
    rig: Rig, page: Page, form: str, options: dict[str, object]
) -> None:
    page.goto(f"{rig.website.url}/")
    url = f"{rig.relay}/f/{form}"
    fields = {"email": new_email(), "_next": "/thanks.html"}
    assert page.evaluate(FETCH, [url, fields, options]) == [202, False, True]
    assert page.evaluate(FETCH, [url, {"email": "ada@"}, options]) == [422, False, False]


def test_a_script_can_read_over_plain_http_where_nothing_marks_it(rig: Rig, page: Page) -> None:
    url = rig.relay.replace("127.0.0.1", "relay.test") + "/f/listed"
    asked: list[dict[str, str]] = []
    page.on("request", lambda each: asked.append(each.headers) if each.url == url else None)
    page.goto(f"{rig.website.url}/")
    assert page.evaluate(FETCH, [url, {"email": new_email()}, {}]) == [202, False, True]
    assert asked and "sec-fetch-mode" not in asked[0]


@pytest.mark.parametrize("path", ["/f/listed/", "/f//listed", "/F/Listed"])
def test_an_odd_spelling_passes_the_preflight_too(rig: Rig, page: Page, path: str) -> None:
    page.goto(f"{rig.website.url}/")
    options = {"headers": {"baggage": "a=b"}}
    asked = [f"{rig.relay}{path}", {"email": new_email()}, options]
    assert page.evaluate(FETCH, asked) == [202, False, True]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/f/none", "POST", 404), ("/f/listed/x", "POST", 404), ("/f/listed/thanks", "POST", 405)],
)
def test_a_script_can_read_what_is_wrong(
    rig: Rig, page: Page, path: str, method: str, status: int
) -> None:
    page.goto(f"{rig.website.url}/")
    asked = [f"{rig.relay}{path}", {"email": new_email()}, {"method": method}]
    assert page.evaluate(FETCH, asked) == [status, False, False]


def test_a_stranger_is_refused_and_cannot_read_why(rig: Rig, page: Page) -> None:
    page.goto(f"http://127.0.0.1:{rig.website.port}/")
    asked = [f"{rig.relay}/f/listed", {"email": new_email()}, {"credentials": "include"}]
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate(FETCH, asked)


def test_a_beacon_arrives(rig: Rig, page: Page) -> None:
    before = rig.accepted()
    page.goto(f"{rig.website.url}/")
    script = """([url, email]) => {
        const form = new FormData(); form.append("email", email);
        return navigator.sendBeacon(url, form);
    }"""
    assert page.evaluate(script, [f"{rig.relay}/f/listed", new_email()]) is True
    eventually(lambda: rig.accepted() == before + 1, what="the beacon")


def test_a_sandboxed_frame_without_an_origin_can_read_too(rig: Rig, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{rig.website.url}/")
    page.set_content('<iframe sandbox="allow-scripts" srcdoc="<p>x</p>"></iframe>')
    frame = page.frame_locator("iframe").locator("p")
    script = f"(_, asked) => ({FETCH})(asked)"
    asked = [f"{rig.relay}/f/listed", {"email": new_email()}, {}]
    assert frame.evaluate(script, asked) == [202, False, True]


def styled(page: Page) -> bool:
    """Whether both style sheets of a page are there."""
    rules = page.evaluate("[...document.styleSheets].map(sheet => sheet.cssRules.length)")
    return len(rules) == 2 and all(rules)


def test_the_hosted_form_itself(rig: Rig, page: Page) -> None:
    page.goto(f"{rig.relay}/f/news")
    assert styled(page)
    page.get_by_label("E-mail address").fill(new_email())
    page.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(f"{rig.relay}/f/news/thanks")
    assert styled(page)


def test_the_console_with_its_scripts(rig: Rig, page: Page) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    with rig.valkey.client() as client:
        Operators(client).add("ada", Role.ADMIN, PASSWORD)
    sign_in(page, f"{rig.relay}/console/connect?name=acme", PASSWORD)
    expect(page).to_have_url(f"{rig.relay}/console/connect?name=acme")
    expect(page.get_by_label("Redirect URI")).to_have_value(f"{rig.relay}/connect/callback")
    assert page.evaluate("typeof htmx") == "object"
    expect(page.get_by_role("button", name="Copy")).to_be_visible()  # shown by our own script
    page.get_by_role("link", name="Doctor").click()
    expect(page.get_by_role("heading", name="Doctor")).to_be_visible()
    assert styled(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{rig.relay}/console/sign-in")
    assert wrong == []
