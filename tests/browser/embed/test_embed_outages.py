"""`/embed.js` on bad days: nothing that was typed is lost, and what was submitted is sent once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage, SaveForm
from tests.support.embed_site import (
    FIELDS,
    EmbedSite,
    embed_site,
    expect_thanks,
    fill_in,
    join,
    kept,
)
from tests.support.nginx import Nginx, documented_locations
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.slow


def expect_waiting(page: Page) -> None:
    message = page.get_by_role("status")
    expect(message).to_have_text(
        "Not sent yet. We keep trying while this page is open.", timeout=30_000
    )
    expect(page.get_by_role("button")).to_be_enabled()


def after(seconds: int, status: int = 503) -> dict[str, Any]:
    """Return an answer that asks for another try then."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": str(seconds),
    }
    return {"status": status, "headers": headers, "body": "<h1>Not now</h1>"}


@contextmanager
def relay_away(site: EmbedSite) -> Iterator[None]:
    """Nobody listens at the relay's address."""
    site.web.__exit__()
    yield
    site.web.__enter__()


# --- what was typed


ALL_KINDS = """<p><label>EMAIL <input name="EMAIL" type="email" value="you@example.com"></label></p>
<p><label>FNAME <input name="FNAME"></label></p>
<p><label>Text <textarea name="text"></textarea></label></p>
<p><label>One <select name="one"><option>a<option>b</select></label></p>
<p><label>Many <select name="many" multiple><option>a<option>b<option>c</select></label></p>
<p><label><input type="checkbox" name="box"> Box</label></p>
<p><label><input type="checkbox" name="_lists" value="1" checked> First</label></p>
<p><label><input type="checkbox" name="_lists" value="2"> Second</label></p>
<p><label><input type="radio" name="way" value="mail" checked> Mail</label></p>
<p><label><input type="radio" name="way" value="post"> Post</label></p>
<p><label>Password <input name="password" type="password"></label></p>
<p><label>File <input name="file" type="file"></label></p>
<p><input type="hidden" name="csrf" value="from the page"></p><button>Join</button>"""


def test_a_reload_keeps_what_was_typed_and_nothing_else(site: EmbedSite, page: Page) -> None:
    other = '<form action="/search"><label>Search <input name="q"></label></form>'
    site.show(page, ALL_KINDS, more=other)
    fill_in(page)
    page.get_by_label("Text").fill("two\nlines")
    page.get_by_label("One").select_option("b")
    page.get_by_label("Many").select_option(["a", "c"])
    for box in ("Box", "Second", "Post"):
        page.get_by_label(box, exact=True).check()
    page.get_by_label("First").uncheck()
    page.get_by_label("Password").fill("a secret")
    page.get_by_label("File").set_input_files(
        {"name": "my-secret.txt", "mimeType": "text/plain", "buffer": b"x"}
    )
    page.get_by_label("Search").fill("secret wishes")
    assert "secret" not in str(kept(page)) and "from the page" not in str(kept(page))

    page.reload()
    expect(page.get_by_label("EMAIL")).to_have_value("ada@example.com")
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    expect(page.get_by_label("Text")).to_have_value("two\nlines")
    expect(page.get_by_label("One")).to_have_value("b")
    expect(page.get_by_label("Many")).to_have_values(["a", "c"])
    expect(page.get_by_label("Post", exact=True)).to_be_checked()
    # The text beside a box may be another one by now.
    for box in ("Box", "Second", "First", "Mail"):
        expect(page.get_by_label(box, exact=True)).not_to_be_checked()
    assert site.posts == []


def test_after_a_day_it_is_gone(site: EmbedSite, page: Page) -> None:
    site.show(page)
    fill_in(page)
    age = """(hours) => { for (const [slot, text] of Object.entries(sessionStorage)) {
        const kept = JSON.parse(text); kept.at -= hours * 3600e3;
        sessionStorage[slot] = JSON.stringify(kept); } }"""
    page.evaluate(age, 23)
    page.reload()
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    page.get_by_label("FNAME").fill("Ada Lovelace")  # which makes it no younger
    page.evaluate(age, 1.1)
    page.reload()
    eventually(lambda: kept(page) == [], what="forgetting")
    expect(page.get_by_label("FNAME")).to_have_value("")


def test_what_the_page_has_filled_in_or_somebody_typed_stays(site: EmbedSite, page: Page) -> None:
    site.show(page)
    fill_in(page)
    field = '<input name="FNAME" value="Grace">'
    script = "<script>document.querySelector('[name=EMAIL]').value = 'typed@example.com'</script>"
    site.show(page, FIELDS.replace('<input name="FNAME">', field), more=script)
    expect(page.get_by_label("EMAIL")).to_have_value("typed@example.com")
    expect(page.get_by_label("FNAME")).to_have_value("Ada")  # typed over what the page had


def test_two_forms_of_one_page_are_kept_apart(site: EmbedSite, page: Page) -> None:
    form = f'<form action="{site.web.url}/f/news" method="post">{{}}</form>'
    fields = '<label>{} <input name="EMAIL"></label><button>Join {}</button>'
    site.show_page(page, form.format(fields.format("A", 1)) + form.format(fields.format("B", 2)))
    page.get_by_label("B").fill("b@example.com")
    page.get_by_label("A").fill("a@example.com")
    page.reload()
    expect(page.get_by_label("A")).to_have_value("a@example.com")
    page.get_by_role("button", name="Join 2").click()
    expect_thanks(page)
    expect(page.get_by_label("A")).to_have_value("a@example.com")
    assert len(kept(page)) == 1


def test_forms_that_are_alike_keep_their_places(site: EmbedSite, page: Page) -> None:
    """Also if the one that comes first on the page is there last, or moves."""
    form = f'<form action="{site.web.url}/f/news" method="post">{{}}</form>'
    late = form.format('<label>Above <input name="EMAIL"></label>')
    script = f"""<script defer>document.addEventListener("DOMContentLoaded", () => setTimeout(() =>
        document.querySelector("h1").insertAdjacentHTML("afterend", '{late}')))</script>"""
    below = form.format('<label>Below <input name="EMAIL"></label>')
    site.show_page(page, below + script)
    above = page.get_by_label("Above")
    above.fill("above@example.com")
    page.get_by_label("Below").fill("below@")
    page.evaluate("document.querySelector('main').prepend(document.forms[1])")
    page.get_by_label("Below").fill("below@example.com")
    page.reload()
    expect(above).to_have_value("above@example.com")
    expect(page.get_by_label("Below")).to_have_value("below@example.com")


def test_another_form_of_another_page_is_sent_too(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.route("**/f/**", lambda route: route.abort())
    join(page)
    expect_waiting(page)
    contact = '<label>EMAIL <input name="EMAIL"></label><button>Ask us</button>'
    site.show_page(
        page, f'<form action="{site.relay}/f/news" method="post">{contact}</form>', path="/contact"
    )
    expect(page.get_by_role("button")).to_be_enabled()
    page.get_by_label("EMAIL").fill("grace@example.com")
    page.unroute("**/f/**")
    page.get_by_role("button").click()
    expect_thanks(page)
    eventually(lambda: len(site.records()) == 2, within=60, what="sending")
    eventually(lambda: kept(page) == [], what="forgetting")


def test_a_form_on_every_page_keeps_what_was_typed(site: EmbedSite, page: Page) -> None:
    site.show(page)
    fill_in(page)
    site.show_page(page, site.pages["/"], path="/about")
    expect(page.get_by_label("FNAME")).to_have_value("Ada")


def test_a_reset_forgets(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<button type="reset">Clear</button>')
    fill_in(page)
    page.get_by_role("button", name="Clear").click()
    assert kept(page) == []


def test_a_framework_learns_of_what_is_put_back(site: EmbedSite, page: Page) -> None:
    """React sets a `value` of its own on each input, and listens for events."""
    script = """<script>
    const input = document.querySelector("[name=FNAME]");
    const native = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    let tracked = "";
    Object.defineProperty(input, "value", {
        get: () => native.get.call(input),
        set: (value) => { tracked = value; native.set.call(input, value); } });
    input.addEventListener("input", () => {
        if (input.value != tracked) document.title = "learnt " + input.value; });
    </script>"""
    site.show(page, more=script)
    fill_in(page)
    page.reload()
    expect(page).to_have_title("learnt Ada")


def test_a_page_that_may_store_nothing_can_still_send(site: EmbedSite, page: Page) -> None:
    site.show(page)
    content = site.pages["/"].replace('"', "&quot;")
    sandbox = 'sandbox="allow-scripts allow-forms"'
    site.pages["/frame"] = f'<iframe {sandbox} srcdoc="{content}"></iframe>'
    page.goto(f"{site.website.url}/frame")
    frame = page.frame_locator("iframe")
    frame.get_by_label("EMAIL").fill("ada@example.com")
    frame.get_by_role("button").click()
    expect(frame.get_by_role("status")).to_contain_text("Thank you!")


# --- sending again


def test_the_relay_is_away_for_a_while(site: EmbedSite, page: Page) -> None:
    site.show(page)
    with relay_away(site):
        join(page)
        expect_waiting(page)
        expect(page.get_by_role("button")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=60_000)
    expect(page.get_by_label("EMAIL")).to_have_value("")
    assert kept(page) == []
    assert len(site.posts) > 1 and len(site.keys()) == 1
    assert len(site.records()) == 1


def test_the_relay_is_away_and_the_page_is_loaded_anew(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<input type="hidden" name="_next" value="/thanks">')
    with relay_away(site):
        join(page)
        expect_waiting(page)
        page.reload()
        expect(page.get_by_label("EMAIL")).to_have_value("ada@example.com")
        expect_waiting(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=60_000)
    assert page.url == f"{site.website.url}/"  # nobody expects to be led away by now
    assert len(site.keys()) == 1 and len(site.records()) == 1
    page.reload()
    expect(page.get_by_label("EMAIL")).to_have_value("")
    assert kept(page) == []


def test_web_is_away_behind_a_proxy_below_a_path(
    redis_server: ValkeyServer, save_form: SaveForm, page: Page, tmp_path: Path
) -> None:
    """The proxy says so with a page that scripts may not read."""
    save_form()
    web = WebProcess(redis_server, tmp_path / "relay")
    with Nginx(tmp_path / "nginx", documented_locations()["stripped"], web.port) as nginx:
        relay = f"{nginx.url}/signup"
        web.environ |= {"RELAY_PUBLIC_URL": relay, "RELAY_TRUSTED_PROXIES": "1"}
        with embed_site(web, redis_server, relay=relay) as site:
            with web:
                site.show(page)
            join(page)
            expect_waiting(page)
            for _ in range(3):
                with page.expect_event("requestfailed", lambda each: each.method == "POST"):
                    page.get_by_role("button").click()
            expect_waiting(page)
            with web:
                expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=60_000)
                assert len(site.keys()) == 1 and len(site.records()) == 1


def test_it_is_sent_from_another_page_of_the_site(site: EmbedSite, page: Page) -> None:
    site.show(page)
    with relay_away(site):
        join(page)
        expect_waiting(page)
        site.show_page(page, "<p>No form here.</p>", path="/about")
    eventually(lambda: len(site.records()) == 1, within=60, what="sending")
    eventually(lambda: kept(page) == [], what="forgetting")


def test_pressing_again_on_another_page_is_the_same_sign_up(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.route("**/f/**", lambda route: route.abort())
    join(page)
    expect_waiting(page)
    [key] = site.keys()
    page.evaluate("history.replaceState({}, '', '/?utm_source=mail')")
    page.get_by_role("button").click()
    expect_waiting(page)
    site.show_page(page, site.pages["/"], path="/about")
    expect_waiting(page)
    page.get_by_role("button").click()
    expect_waiting(page)
    page.unroute("**/f/**")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert site.keys() == {key}


def test_what_is_corrected_meanwhile_is_sent_instead(site: EmbedSite, page: Page) -> None:
    site.show(page)
    with relay_away(site):
        join(page, email="ada@exmaple.com")
        expect_waiting(page)
        page.get_by_label("EMAIL").fill("ada@example.com")
        page.get_by_role("button").click()
        expect_waiting(page)
        assert len(site.keys()) == 2
    expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=60_000)
    [record] = site.records()
    assert record["contact"]["fields"]["email_address"] == "ada@example.com"


def test_what_is_typed_meanwhile_stays(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.route("**/f/news", lambda route: route.fulfill(status=503, body="{}"), times=1)
    join(page)
    expect_waiting(page)
    page.get_by_label("Cake").fill("Sacher")
    expect_thanks(page)
    expect(page.get_by_label("Cake")).to_have_value("Sacher")
    expect(page.get_by_label("Cake")).to_be_focused()
    assert [each.get("send") for each in kept(page)] == [None]


def test_pressing_again_sends_at_once_with_the_same_key(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.route("**/f/news", lambda route: route.fulfill(**after(3600)), times=1)
    join(page)
    expect_waiting(page)
    page.get_by_role("button").click()
    expect_thanks(page)
    assert len(site.posts) == 2 and len(site.keys()) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_trouble(site: EmbedSite, page: Page, status: int) -> None:
    site.show(page)
    page.route("**/f/news", lambda route: route.fulfill(**after(3, status)), times=1)
    join(page)
    expect_waiting(page)
    since = time.monotonic()
    expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=15_000)
    assert time.monotonic() - since > 2
    assert len(site.keys()) == 1 and len(site.records()) == 1


def test_too_many_refused_requests_still_say_what_is_wrong(site: EmbedSite, page: Page) -> None:
    body = """{"ok": false, "error": "x", "errors":
        [{"field": "first_name", "code": "invalid", "message": "No.", "name": "FNAME"}]}"""
    allowed = {"Access-Control-Allow-Origin": "*", "Retry-After": "60"}
    site.show(page)
    page.route("**/f/news", lambda each: each.fulfill(status=429, headers=allowed, body=body))
    join(page)
    expect(page.get_by_label("FNAME")).to_have_accessible_description("No.")


def test_an_answer_that_got_lost(site: EmbedSite, page: Page) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    site.show(page)
    page.route("**/f/news", lose, times=1)
    join(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=30_000)
    assert len(site.posts) == 2 and len(site.keys()) == 1
    assert len(site.records()) == 1


def test_a_reload_before_the_answer(site: EmbedSite, page: Page) -> None:
    site.show(page)
    held: list[Route] = []
    page.route("**/f/news", lambda route: held.append(route), times=1)
    join(page)
    # Asking the page lets Playwright hand the request over.
    eventually(lambda: bool(page.evaluate("1") and held), what="a request")
    held[0].fetch()
    page.reload()
    expect_thanks(page)
    assert len(site.keys()) == 1 and len(site.records()) == 1


def test_a_form_that_is_drawn_anew_while_it_waits(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.route("**/f/news", lambda route: route.fulfill(status=503, body="{}"), times=1)
    join(page)
    expect_waiting(page)
    page.evaluate("document.forms[0].outerHTML = document.forms[0].outerHTML")
    expect_thanks(page)
    assert len(site.posts) == 2 and len(site.records()) == 1


def test_a_form_that_is_there_late_does_not_wait_for_the_next_try(
    site: EmbedSite, page: Page
) -> None:
    site.show(page)
    page.route("**/f/news", lambda route: route.fulfill(**after(3600)), times=2)
    join(page)
    expect_waiting(page)
    form = f'<form action="{site.web.url}/f/news" method="post">{FIELDS}</form>'
    with page.expect_response("**/f/news"):
        site.show_page(page, "<div id=app></div>")
    page.evaluate("(form) => { document.querySelector('#app').innerHTML = form }", form)
    expect_thanks(page)


def test_a_form_with_a_password_is_not_sent_later(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<input type="password" name="password" aria-label="Password">')
    page.get_by_label("Password").fill("a secret")
    page.route("**/f/**", lambda route: route.abort())
    join(page)
    expect_waiting(page)
    assert "secret" not in str(kept(page))
    posts = len(site.posts)
    page.unroute("**/f/**")
    page.reload()
    expect(page.get_by_label("EMAIL")).to_have_value("ada@example.com")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert len(site.posts) == posts + 1


SWITCH = """input => {
    if (!input.isConnected) input = document.querySelector("[name=secret]");
    const other = input.type == "password" ? "text" : "password";
    if (location.hash == "#anew") input.outerHTML = input.outerHTML.replace(input.type, other);
    else input.type = other;
}"""


@pytest.mark.parametrize("how", ["", "#anew"])
def test_a_password_that_a_page_shows_is_not_kept(site: EmbedSite, page: Page, how: str) -> None:
    """Also if the page puts another input in its place."""
    site.show(page, FIELDS + '<label>Secret <input type="password" name="secret"></label>')
    page.evaluate("hash => { location.hash = hash }", how)
    secret = page.get_by_label("Secret")
    secret.evaluate(SWITCH)
    expect(secret).to_have_attribute("type", "text")
    secret.fill("hunter2")
    fill_in(page)
    assert "Ada" in str(kept(page)) and "hunter2" not in str(kept(page))
    page.route("**/f/**", lambda route: route.abort())
    page.get_by_role("button").click()
    expect_waiting(page)
    assert "hunter2" not in str(kept(page))
    page.reload()
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    expect(secret).to_have_value("")


def test_a_password_that_was_text_before_is_forgotten(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<label>Secret <input type="text" name="secret"></label>')
    fill_in(page)
    page.get_by_label("Secret").fill("hunter2")
    assert "hunter2" in str(kept(page))
    page.get_by_label("Secret").evaluate(SWITCH)
    eventually(lambda: "hunter2" not in str(kept(page)), what="forgetting")
    assert "Ada" in str(kept(page))


@pytest.mark.parametrize(
    "attributes",
    [
        'name="a" autocomplete="current-password"',
        'name="b" autocomplete="section-x new-password"',
        'name="c" autocomplete="one-time-code"',
        'name="d" autocomplete="cc-number"',
        'name="e" autocomplete="billing cc-csc"',
        'name="old_password"',
    ],
)
def test_what_no_page_should_remember_is_not_kept(
    site: EmbedSite, page: Page, attributes: str
) -> None:
    site.show(page, FIELDS + f"<label>Secret <input {attributes}></label>")
    page.get_by_label("Secret").fill("hunter2")
    page.route("**/f/**", lambda route: route.abort())
    join(page)
    expect_waiting(page)
    assert "Ada" in str(kept(page)) and "hunter2" not in str(kept(page))


def test_a_closed_form_is_not_asked_again(site: EmbedSite, page: Page) -> None:
    site.show_page(page, f'<form action="{site.web.url}/f/none" method="post">{FIELDS}</form>')
    join(page)
    expect(page.get_by_role("alert")).to_contain_text("does not exist")
    expect(page.get_by_role("alert")).to_be_focused()
    assert len(site.posts) == 1
    page.reload()
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    assert len(site.posts) == 1


def test_nobody_notices_that_redis_is_away(
    site: EmbedSite, redis_server: ValkeyServer, page: Page
) -> None:
    site.show(page)
    redis_server.stop()
    join(page)
    expect_thanks(page)
    redis_server.start()
    eventually(lambda: len(site.records()) == 1, within=30, what="draining")


def test_redis_is_away_and_there_is_no_spool(
    web_without_spool: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    with embed_site(web_without_spool, redis_server) as site:
        site.show(page)
        redis_server.stop()
        join(page)
        expect_waiting(page)
        redis_server.start()
        expect(page.get_by_role("status")).to_contain_text("Thank you!", timeout=60_000)
        assert len(site.keys()) == 1 and len(site.records()) == 1


def test_two_tabs_with_the_same_sign_up_make_one(site: EmbedSite, new_page: NewPage) -> None:
    page = new_page()
    site.show(page)
    page.route("**/f/**", lambda route: route.abort())
    join(page)
    expect_waiting(page)
    storage = page.evaluate("Object.entries(sessionStorage)")
    other = page.context.new_page()
    other.goto(f"{site.website.url}/thanks")
    other.evaluate("(all) => all.forEach(([k, v]) => sessionStorage.setItem(k, v))", storage)
    other.goto(f"{site.website.url}/")
    expect_thanks(other)
    page.unroute("**/f/**")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert len(site.records()) == 1
