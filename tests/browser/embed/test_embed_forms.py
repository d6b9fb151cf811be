"""`/embed.js` on all kinds of forms: what it does with them, and what it leaves to the browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from shared.domain.form import CustomField, ListRef, SourceField
from shared.ledger.stores.registry import Registry
from tests.browser.conftest import ARGUMENTS, CHROMIUM, NewPage, SaveForm
from tests.support import builders
from tests.support.accessibility import faults_of
from tests.support.embed_site import (
    FIELDS,
    EmbedSite,
    embed_site,
    expect_thanks,
    fill_in,
    join,
    kept,
)
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.slow

TOO_LONG = "First name: please use at most 50 characters. You entered 51."


# --- errors


def test_every_error_is_at_its_field_and_the_first_field_gets_the_focus(
    site: EmbedSite, page: Page
) -> None:
    site.show(page, FIELDS, attributes="novalidate")
    join(page, email="ada@", name="A" * 51)
    expect(page.get_by_label("EMAIL")).to_be_focused()
    for field in ("EMAIL", "FNAME"):
        expect(page.get_by_label(field)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_have_count(2)
    fill_in(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button").click()
    expect_thanks(page)


def test_who_types_on_keeps_the_focus(site: EmbedSite, page: Page) -> None:
    site.show(page)
    held: list[Route] = []
    page.route("**/f/news", lambda route: held.append(route))
    join(page, name="A" * 51)
    page.get_by_label("Cake").press_sequentially("Sacher")
    held[-1].continue_()
    expect(page.get_by_label("FNAME")).to_have_accessible_description(TOO_LONG)
    expect(page.get_by_label("Cake")).to_be_focused()


def test_an_error_beside_a_label_and_a_description_of_the_page(site: EmbedSite, page: Page) -> None:
    fields = """<label>EMAIL <input name="EMAIL"></label>
    <label for="n">FNAME</label><input id="n" name="FNAME" aria-describedby="hint">
    <small id="hint">As in your passport.</small><button>Join</button>"""
    site.show(page, fields)
    join(page, name="A" * 51)
    name = page.get_by_label("FNAME")
    expect(name).to_have_accessible_description(f"As in your passport. {TOO_LONG}")
    expect(name).to_have_accessible_name("FNAME")
    name.fill("Ada")
    expect(name).to_have_attribute("aria-describedby", "hint")
    expect(name).not_to_have_attribute("aria-invalid", "true")


def test_a_box_that_must_be_ticked(site: EmbedSite, save_form: SaveForm, page: Page) -> None:
    lists = (ListRef("id-1", "News"), ListRef("id-2", "Offers"))
    save_form("club", lists=lists, consent_box="required")
    boxes = """<label><input type="checkbox" name="_lists" value="id-1" checked> News</label>
    <label><input type="checkbox" name="_lists" value="id-2"> Offers</label>
    <label><input type="checkbox" name="gdpr"> I agree</label>"""
    site.show_page(
        page, f'<form action="{site.web.url}/f/club" method="post">{boxes}{FIELDS}</form>'
    )
    join(page)
    box = page.get_by_label("I agree")
    expect(box).to_be_focused()
    expect(box).to_have_accessible_description("Please tick the box to agree.")
    box.check()
    page.get_by_role("button").click()
    expect_thanks(page)


def test_an_error_of_a_field_that_the_page_does_not_show(site: EmbedSite, page: Page) -> None:
    hidden = f'<input type="hidden" name="phone" value="{"1" * 60}">'
    site.show(page, FIELDS + hidden)
    join(page)
    expect(page.get_by_role("alert")).to_contain_text("Phone")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("button")).to_be_enabled()


def test_the_browsers_own_checks_come_first(site: EmbedSite, page: Page) -> None:
    site.show(page)
    page.get_by_role("button").click()
    expect(page.get_by_label("EMAIL")).to_be_focused()
    assert site.posts == []


# --- what is sent


def test_one_post_however_often_the_button_is_pressed(site: EmbedSite, page: Page) -> None:
    site.show(page)
    fill_in(page)
    page.evaluate(
        """for (let i = 0; i < 5; i++) {
            const form = document.forms[0]; form.requestSubmit();
            form.querySelector('button').click(); }"""
    )
    expect_thanks(page)
    assert len(site.posts) == 1 and len(site.records()) == 1


def test_the_button_is_disabled_while_something_is_sent(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<button name="b" disabled>Never</button>')
    held: list[Route] = []
    page.route("**/f/news", lambda route: held.append(route))
    join(page)
    expect(page.get_by_role("button", name="Join")).to_be_disabled()
    expect(page.get_by_role("status")).to_have_text("Sending…")
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    held[-1].continue_()
    expect_thanks(page)
    expect(page.get_by_role("button", name="Join")).to_be_enabled()
    expect(page.get_by_role("button", name="Never")).to_be_disabled()
    expect(page.locator("form")).to_have_attribute("aria-busy", "false")


def test_which_button_was_pressed_arrives(site: EmbedSite, page: Page) -> None:
    buttons = '<button name="plan" value="free">Free</button><button name="plan">Paid</button>'
    image = '<input type="image" name="at" alt="Picture" src="/x.png" width="20" height="20">'
    site.show(page, FIELDS.replace("<button>Join</button>", buttons + image))
    fill_in(page)
    page.get_by_role("button", name="Free").click()
    expect_thanks(page)
    assert site.posted()["plan"] == ["free"]
    fill_in(page, "grace@example.com")
    page.get_by_role("button", name="Picture").click()
    expect(page.get_by_label("EMAIL")).to_have_value("")
    assert {"at.x", "at.y"} < set(site.posted())


def test_inputs_outside_of_the_form_belong_to_it(site: EmbedSite, page: Page) -> None:
    outside = """<label>FNAME <input form="join" name="FNAME"></label>
    <button form="join">Join</button>"""
    site.show(
        page, '<label>EMAIL <input name="EMAIL"></label>', attributes='id="join"', more=outside
    )
    join(page, name="A" * 51)
    expect(page.get_by_label("FNAME")).to_have_accessible_description(TOO_LONG)
    page.get_by_label("FNAME").fill("Ada")
    page.reload()
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    page.get_by_role("button").click()
    expect_thanks(page)


def test_a_form_with_a_file_sends_its_name(site: EmbedSite, page: Page) -> None:
    file = '<input type="file" name="cv" aria-label="CV">'
    site.show(page, FIELDS + file, attributes='enctype="multipart/form-data"')
    page.get_by_label("CV").set_input_files(
        {"name": "ada.pdf", "mimeType": "application/pdf", "buffer": b"x" * 100_000}
    )
    join(page)
    expect_thanks(page)
    [record] = site.records()
    assert record["contact"]["other"]["cv"] == "ada.pdf"


def test_a_box_that_stays_as_it_was_keeps_its_value_over_a_reload(
    site: EmbedSite, page: Page
) -> None:
    site.show(page, FIELDS + '<label>Plan <input type="checkbox" name="plan" value="free" checked>')
    fill_in(page)
    page.reload()
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    page.get_by_role("button", name="Join").click()
    expect_thanks(page)
    assert site.posted()["plan"] == ["free"]


def test_inputs_with_the_names_of_a_forms_properties(site: EmbedSite, page: Page) -> None:
    names = ("action", "method", "target", "elements", "submit", "requestSubmit", "reset", "id")
    site.show(page, FIELDS + "".join(f'<input type="hidden" name="{n}" value="x">' for n in names))
    join(page)
    expect_thanks(page)
    assert set(names) < set(site.posted())


def test_what_the_pages_own_listeners_add_is_sent(site: EmbedSite, page: Page) -> None:
    script = """<script>document.forms[0].addEventListener("formdata", (event) =>
        event.formData.set("campaign", "spring"))</script>"""
    site.show(page, more=script)
    join(page)
    expect_thanks(page)
    assert site.posted()["campaign"] == ["spring"]


def test_where_the_visitor_came_from_without_what_may_name_a_person(
    site: EmbedSite, save_form: SaveForm, page: Page
) -> None:
    save_form("ads", sources=(SourceField("utm_campaign", CustomField("c", "Campaign", "Ad")),))
    form = f'<form action="{site.web.url}/f/ads" method="post">{FIELDS}</form>'
    here = "/shop?email=ada@example.com&utm_source=mail&utm_campaign=spring%20sale#utm_term=x"
    site.show_page(page, form, path="/shop")
    site.show_page(page, f'<a href="{here}">Shop</a>', path="/search")
    page.goto(f"{site.website.url}/search?q=ada")
    page.get_by_role("link").click()
    join(page, email="bo@example.com")
    expect_thanks(page)
    address = f"{site.website.url}/shop"
    assert site.posted()["_page"] == [f"{address}?utm_source=mail&utm_campaign=spring%20sale"]
    assert site.posted()["_referrer"] == [f"{site.website.url}/search"]
    [record] = site.records()
    assert record["consent"]["page"] == address
    assert record["consent"]["referrer"] == f"{site.website.url}/search"
    assert [each["value"] for each in record["contact"]["custom"]] == ["spring sale"]


def test_a_button_may_lead_to_another_form(
    site: EmbedSite, save_form: SaveForm, page: Page
) -> None:
    save_form("other")
    other = f'<button formaction="{site.web.url}/f/other">Other</button>'
    site.show(page, FIELDS + other)
    fill_in(page)
    page.get_by_role("button", name="Other").click()
    expect_thanks(page)
    assert site.posts[-1].url == f"{site.web.url}/f/other"


def test_the_language_of_the_page_is_asked_for(site: EmbedSite, page: Page) -> None:
    form = f'<form action="{site.web.url}/f/news" method="post">{FIELDS}</form>'
    site.show_page(page, form, lang="de-AT")
    held: list[Route] = []
    page.route("**/f/news", lambda route: held.append(route))
    join(page)
    expect(page.get_by_role("status")).to_have_text("Wird gesendet…")
    assert held[-1].request.headers["accept-language"] == "de-AT"
    held[-1].continue_()
    expect(page.get_by_label("EMAIL")).to_have_value("")


def test_a_language_that_no_header_can_have(site: EmbedSite, page: Page) -> None:
    form = f'<form action="{site.web.url}/f/news" method="post">{FIELDS}</form>'
    site.show_page(page, form, lang="日本語")
    join(page)
    expect_thanks(page)
    assert len(site.posts) == 1


# --- what follows


def test_the_next_page_is_led_to(site: EmbedSite, page: Page) -> None:
    site.show(page, FIELDS + '<input type="hidden" name="_next" value="/thanks">')
    join(page)
    expect(page).to_have_url(f"{site.website.url}/thanks")
    assert kept(page) == []
    page.go_back()
    expect(page.get_by_role("button", name="Join")).to_be_enabled()


def test_back_to_a_page_that_the_browser_has_kept(site: EmbedSite, browser: Browser) -> None:
    """Playwright's browsers keep none (bfcache), but visitors' do."""
    keeping = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    page = keeping.new_page()
    kept_again = (
        "<script>addEventListener('pageshow', (e) => document.title = e.persisted)</script>"
    )
    site.show(page, FIELDS + '<input type="hidden" name="_next" value="/thanks">' + kept_again)
    join(page)
    page.wait_for_url("**/thanks")
    page.evaluate("setTimeout(() => history.back())")
    expect(page).to_have_title("true")
    expect(page.get_by_role("button", name="Join")).to_be_enabled()
    expect(page.locator("[data-relay-message]")).to_be_hidden()
    keeping.close()


def test_the_forms_own_redirect_is_followed(
    site: EmbedSite, redis_server: ValkeyServer, page: Page
) -> None:
    form = builders.form("leading", redirect=f"{site.website.url}/thanks")
    Registry(redis_server.client()).save_form(form)
    site.show_page(page, f'<form action="{site.web.url}/f/leading" method="post">{FIELDS}</form>')
    join(page)
    expect(page).to_have_url(f"{site.website.url}/thanks")


EVENTS = """<script>
window.events = [];
for (const name of ["relay:success", "relay:error"]) {
    document.addEventListener(name, (event) => {
        events.push([name, event.target.tagName, event.detail]);
        if (location.hash == "#mine") event.preventDefault();
    });
}</script>"""


def test_the_page_is_told_of_errors_and_of_success(site: EmbedSite, page: Page) -> None:
    site.show(page, more=EVENTS)
    join(page, name="A" * 51)
    expect(page.get_by_label("FNAME")).to_be_focused()
    [[name, target, detail]] = page.evaluate("events")
    assert (name, target, detail["status"]) == ("relay:error", "FORM", 422)
    assert detail["error"] == TOO_LONG
    assert [each["field"] for each in detail["errors"]] == ["first_name"]
    join(page)
    expect_thanks(page)
    name, target, detail = page.evaluate("events")[1]
    assert (name, target) == ("relay:success", "FORM")
    assert detail["message"] == "Thank you! Your sign-up has been received."
    assert detail["next"] == f"{site.web.url}/f/news/thanks"
    with site.valkey.client() as client:
        assert client.exists(f"relay:{{acme}}:signup:{detail['id']}")


def test_the_page_may_show_all_itself(site: EmbedSite, page: Page) -> None:
    site.show(page, more=EVENTS)
    page.evaluate("location.hash = 'mine'")
    join(page, name="A" * 51)
    page.wait_for_function("events.length == 1")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button")).to_be_enabled()
    join(page)
    page.wait_for_function("events.length == 2")
    expect(page.locator("[data-relay-message]")).to_be_hidden()
    expect(page.get_by_label("EMAIL")).to_have_value("ada@example.com")
    expect(page.get_by_role("button")).to_be_enabled()
    assert kept(page) == []


WEBFLOW = """<div class="w-form"><form action="{url}/f/news" method="post">{fields}</form>
<div class="w-form-done" style="display:none" tabindex="-1" role="region" aria-label="Success">
Webflow thanks you.</div>
<div class="w-form-fail" style="display:none">Webflow says oops.</div></div>"""


def test_webflows_blocks_are_used(site: EmbedSite, page: Page) -> None:
    site.show_page(page, WEBFLOW.format(url=site.web.url, fields=FIELDS))
    done, fail = page.locator(".w-form-done"), page.locator(".w-form-fail")
    join(page, name="A" * 51)
    expect(fail).to_be_visible()
    expect(page.get_by_label("FNAME")).to_have_accessible_description(TOO_LONG)
    join(page)
    expect(done).to_be_visible()
    expect(done).to_be_focused()
    expect(fail).to_be_hidden()
    expect(page.get_by_label("EMAIL")).to_be_hidden()


# --- what is left to the browser


def test_a_page_that_sends_the_form_itself_has_the_last_word(site: EmbedSite, page: Page) -> None:
    script = """<script>addEventListener("DOMContentLoaded", () =>
        document.addEventListener("submit", (event) => event.preventDefault()))</script>"""
    site.show(page, more=script)
    join(page)
    expect(page.locator("[data-relay-message]")).to_have_count(0)
    expect(page.get_by_role("button")).to_be_enabled()
    assert site.posts == [] and kept(page) == []


@pytest.mark.parametrize(
    ("attributes", "button", "leads_to"),
    [
        ('target="frame"', "", "/f/news"),
        ("", 'formaction="/thanks"', "/thanks"),
        ("", 'formmethod="get"', "/f/news?"),
        ("", 'formtarget="frame"', "/f/news"),
    ],
)
def test_what_it_does_not_understand(
    site: EmbedSite, page: Page, attributes: str, button: str, leads_to: str
) -> None:
    fields = FIELDS.replace("<button", f"<button {button}")
    frame = '<iframe name="frame" title="frame"></iframe>'
    site.show(page, fields, attributes=attributes, more=frame)
    with page.expect_request(lambda request: leads_to in request.url):
        join(page)
    assert all("idempotency-key" not in each.headers for each in site.posts)


def test_forms_of_others_are_left_alone(site: EmbedSite, page: Page) -> None:
    form = f'<form action="/thanks" method="post">{FIELDS}</form>'
    site.show_page(page, form)
    fill_in(page)
    assert kept(page) == []
    page.get_by_role("button").click()
    page.wait_for_url("**/thanks")


def test_without_javascript_the_form_posts_as_ever(site: EmbedSite, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    site.show(page)
    join(page)
    expect(page).to_have_url(f"{site.web.url}/f/news/thanks")


def test_a_page_that_the_form_does_not_accept_learns_why(
    site: EmbedSite, save_form: SaveForm, page: Page
) -> None:
    save_form("listed", origins=("https://elsewhere.example",))
    action = f'action="{site.web.url}/f/listed"'
    site.show_page(page, f'<form {action} method="post">{FIELDS}</form>')
    join(page)
    expect(page.get_by_text("from https://elsewhere.example only")).to_be_visible()
    expect(page.get_by_text("relay forms edit listed --origin")).to_be_visible()
    expect(page).to_have_url(f"{site.web.url}/f/listed")


# A snippet as it was printed before: with ids.
WITH_IDS = """<form method="post" action="{relay}/f/news" accept-charset="utf-8">
<p><label for="news-email">E-mail address</label>
<input id="news-email" name="email" type="email" autocomplete="email" required></p>
<p><label for="news-first_name">First name</label>
<input id="news-first_name" name="first_name" type="text" autocomplete="given-name"></p>
<p><label for="elsewhere">A label of something else</label></p>
<button>Sign up</button></form>"""


def test_copies_that_share_their_ids_are_kept_apart(site: EmbedSite, page: Page) -> None:
    copies = 3 * WITH_IDS.format(relay=site.relay)
    site.show_page(page, f'{copies}<input id="elsewhere">')
    forms = [page.locator("form").nth(place) for place in range(3)]
    for place, form in enumerate(forms):
        page.get_by_text("First name").nth(place).click()
        expect(form.locator("[name=first_name]")).to_be_focused()
        form.get_by_label("E-mail address").fill(f"{place}@example.com")
    page.get_by_text("A label of something else").nth(1).click()
    expect(page.locator("#elsewhere")).to_be_focused()
    for form in forms[1:]:
        form.get_by_label("First name").fill("A" * 51)
        form.get_by_role("button").click()
        wrong = form.get_by_label("First name")
        expect(wrong).to_have_accessible_description(re.compile("at most 50 characters"))
        expect(wrong).to_be_focused()
    expect(forms[0].locator("[aria-invalid=true]")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(2)
    forms[2].get_by_label("First name").fill("Ada")
    expect(forms[2].get_by_role("alert")).to_have_count(0)
    expect(forms[1].get_by_role("alert")).to_have_count(1)
    forms[2].get_by_role("button").click()
    expect(forms[2].get_by_role("status")).to_contain_text("Thank you!")
    expect(forms[0].get_by_label("E-mail address")).to_have_value("0@example.com")
    [record] = site.records()
    assert record["contact"]["fields"]["email_address"] == "2@example.com"


def test_after_a_mistake_of_ours_the_browser_posts(site: EmbedSite, page: Page) -> None:
    broken = """<script>Object.defineProperty(HTMLElement.prototype, "dataset", {
        get() { throw new Error("as if a page had broken it"); } });</script>"""
    site.show(page, more=broken)
    join(page)
    expect(page).to_have_url(f"{site.web.url}/f/news/thanks")


# --- policies, single pages, assistive technology


STRICT = (
    "default-src 'none'; script-src {relay}; connect-src {relay}; form-action 'none';"
    " base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_a_strict_policy(web: WebProcess, redis_server: ValkeyServer, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    policy = {"Content-Security-Policy": STRICT.format(relay=web.url)}
    with embed_site(web, redis_server, policy) as site:
        site.show_page(page, WEBFLOW.format(url=web.url, fields=FIELDS).replace("style=", "x="))
        complaints.clear()  # of the icon that browsers ask for
        join(page, name="A" * 51)
        expect(page.get_by_label("FNAME")).to_be_focused()
        join(page)
        expect(page.locator(".w-form-done")).to_be_focused()
    assert [each for each in complaints if "422" not in each] == []


def test_a_policy_that_forbids_scripts_to_send(
    web: WebProcess, redis_server: ValkeyServer, page: Page
) -> None:
    policy = {"Content-Security-Policy": f"script-src {web.url}; connect-src 'none'"}
    with embed_site(web, redis_server, policy) as site:
        site.show(page)
        join(page)
        expect(page).to_have_url(f"{web.url}/f/news/thanks")
        assert len(site.records()) == 1
        page.go_back()
        expect(page.get_by_role("button")).to_be_enabled()


def test_an_isolated_page(web: WebProcess, redis_server: ValkeyServer, page: Page) -> None:
    isolated = {
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    with embed_site(web, redis_server, isolated) as site:
        site.show(page)
        join(page)
        expect_thanks(page)


def test_a_form_that_comes_later(site: EmbedSite, page: Page) -> None:
    site.show_page(page, "<div id=app></div>")
    add = """(form) => { document.querySelector("#app").innerHTML = form; }"""
    form = f'<form action="{site.web.url}/f/news" method="post">{FIELDS}</form>'
    page.evaluate(add, form)
    fill_in(page, name="Ada")
    page.evaluate(add, "")
    page.evaluate(add, form)
    expect(page.get_by_label("FNAME")).to_have_value("Ada")
    page.get_by_role("button").click()
    expect_thanks(page)


def test_the_script_may_be_there_twice(site: EmbedSite, page: Page) -> None:
    site.show(page, more=f'<script src="{site.web.url}/embed.js"></script>')
    join(page)
    expect_thanks(page)
    assert len(site.posts) == 1


def test_by_keyboard_alone(site: EmbedSite, page: Page) -> None:
    site.show(page)
    for typed in ("ada@example.com", "A" * 51):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    expect(page.get_by_label("FNAME")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("FNAME")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button")).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
def test_every_state_is_accessible_and_fits(site: EmbedSite, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    site.show(page, attributes="novalidate")
    join(page, email=f"ada@{'x' * 80}", name="A" * 51)
    expect(page.get_by_role("alert")).to_have_count(2)
    assert faults_of(page) == []
    page.route("**/f/news", lambda route: route.fulfill(status=503, body="{}"))
    join(page)
    expect(page.get_by_role("status")).to_contain_text("Not sent yet")
    assert faults_of(page) == []
    page.unroute("**/f/news")
    page.get_by_role("button").click()
    expect_thanks(page)
    assert faults_of(page) == []


def test_markup_of_a_stranger_does_not_pass_for_the_relay(site: EmbedSite, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    clobbers = '<img name="currentScript" src="http://evil.invalid/embed.js">'
    posing = '<script type="text/plain" src="http://evil.invalid/embed.js"></script>'
    drawn = f'<div data-relay-form="news"><a href="{site.relay}/f/news">Sign up</a></div>'
    site.show_page(page, clobbers + posing + drawn)
    expect(page.get_by_role("link", name="Sign up")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert {each for each in asked if "evil" in each} <= {"http://evil.invalid/embed.js"}
