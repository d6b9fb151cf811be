"""Making and changing forms in the console: every error is beside its field, typed values stay."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.accounts.account_services import AccountServices
from shared.domain.form import Form, ListRef
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from tests.support.wrong_forms import RIGHT, WRONG, Wrong
from web.app import create_app

pytestmark = pytest.mark.usefixtures("no_pace")

NEW, EDIT = "/console/forms/-/new", "/console/forms/cakes/edit"


@pytest.fixture
def app(live_settings: Settings, redis_client: "redis.Redis") -> Flask:
    return create_app(live_settings)


@pytest.fixture
def tools(app: Flask, sandbox: SandboxServer) -> AccountServices:
    """The tools, and the account `acme` is connected."""
    tools = services_of(app).accounts
    tools.connecting.tokens.connect("acme", sandbox.connect(), by="ada")
    return tools


@pytest.fixture
def browser(app: Flask, tools: AccountServices) -> SignedIn:
    return SignedIn(app, Role.OPERATOR)


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    return Registry(redis_client)


def list_id(tools: AccountServices, name: str = "Newsletter") -> str:
    return next(each.id for each in tools.api.lists("acme").lists if each.name == name)


def send(browser: SignedIn, path: str = NEW, **changed: Any) -> TestResponse:
    """Send the page's form with what is right, but for what is changed."""
    typed = {
        "title": "Cakes",
        "consent_text": "Yes.",
        "consent_box": "none",
        "unsubscribed": "resubscribe",
        "action": "save",
        **RIGHT,
        **changed,
    }
    lines = {"origins": ()} | {
        name: typed[name] for name in ("origins", "sources") if name in typed
    }
    typed |= {name: "\n".join(v) if isinstance(v, tuple) else v for name, v in lines.items()}
    sent = {name: list(each) if isinstance(each, tuple) else each for name, each in typed.items()}
    return browser.client.post(
        path,
        data={"csrf_token": browser.token, **sent},
        headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    )


def words(page: str) -> str:
    return " ".join(unescape(page).split())


# --- making one


def test_a_form_is_made_and_leads_to_its_snippet(
    browser: SignedIn, tools: AccountServices, registry: Registry
) -> None:
    made = send(
        browser,
        lists=(list_id(tools),),
        custom_fields=("favourite_cake",),
        origins="https://www.example.com/\r\n\r\nhttps://EXAMPLE.com",
        redirect=" https://example.com/thanks ",
        consent_text="One.\r\nTwo.",
        consent_box="required",
        unsubscribed="ask",
    )
    assert (made.status_code, made.location) == (303, "/console/forms/cakes#snippet")
    form = registry.form("cakes")
    assert form is not None
    assert [each.name for each in form.lists] == ["Newsletter"]
    assert [each.name for each in form.custom_fields] == ["favourite_cake"]
    assert form.origins == ("https://www.example.com", "https://example.com")
    assert (form.redirect, form.consent_text) == ("https://example.com/thanks", "One.\nTwo.")
    assert (form.consent_box, form.unsubscribed, form.enabled) == ("required", "ask", True)
    assert "is ready" in browser.get("/console/forms/cakes").text


@pytest.mark.parametrize("wrong", [pytest.param(each, id=name) for name, each in WRONG.items()])
def test_what_is_wrong_is_said_beside_its_field(
    browser: SignedIn, registry: Registry, wrong: Wrong
) -> None:
    answer = send(browser, **wrong.changed)
    assert answer.status_code == 422
    [error] = re.findall(r'<p class="error" id="([\w-]+)-error">(.*?)</p>', answer.text)
    assert error[0] == wrong.about
    assert wrong.says in unescape(error[1])
    assert registry.form_names() == []


def test_all_errors_at_once_and_what_was_typed_is_kept(browser: SignedIn) -> None:
    answer = send(
        browser,
        name="a b",
        title="<b>Cakes</b>",
        redirect="nowhere",
        origins=("not one",),
        lists=("Nowhere",),
        consent_text="I agree & so on",
    )
    page = answer.text
    assert answer.status_code == 422
    errors = re.findall(r'class="error" id="([\w-]+)-error"', page)
    assert errors == ["name", "lists", "redirect", "origins"]
    assert "4 things are not right yet" in page
    for kept in (
        'value="a b"',
        'value="&lt;b&gt;Cakes&lt;/b&gt;"',
        'value="nowhere"',
        ">\nnot one</textarea>",
        "I agree &amp; so on</textarea>",
    ):
        assert kept in page
    assert "<b>Cakes" not in page


def test_a_name_that_is_taken_is_refused(
    browser: SignedIn, tools: AccountServices, registry: Registry
) -> None:
    registry.save_form(builders.form("cakes"))
    answer = send(browser, lists=(list_id(tools),))
    assert answer.status_code == 422
    assert "There is a form 'cakes' already. Choose another name." in words(answer.text)
    assert registry.form("cakes") == builders.form("cakes")


def test_a_new_form_is_filled_in_from_the_account(browser: SignedIn) -> None:
    page = browser.get(f"{NEW}?account=acme").text
    assert 'value="Sign up for Acme Bakery"' in page
    assert re.search(r'name="name"[^>]*value="acme"', page)
    assert browser.get(NEW).text.count("Sign up for Acme Bakery") == 1  # the only account


def test_with_several_accounts_one_is_chosen_first(browser: SignedIn, registry: Registry) -> None:
    registry.save_account(builders.account("blue"))
    page = browser.get(NEW).text
    assert "<option>acme</option><option>blue</option>" in page
    assert "Account with the lists" in page
    assert "Connect an account first" not in page


def test_without_an_account_it_leads_to_connecting_one(app: Flask) -> None:
    page = SignedIn(app, Role.OPERATOR).get(NEW).text
    assert "Connect an account first" in page and 'href="/console/connect"' in page


def test_a_copy_has_all_but_the_name(browser: SignedIn, registry: Registry) -> None:
    registry.save_form(builders.form("cakes", title="Cakes!", origins=("https://a.example",)))
    page = browser.get(f"{NEW}?copy=cakes").text
    assert re.search(r'name="name"[^>]*value="cakes-2"', page)
    assert 'value="Cakes!"' in page and "https://a.example</textarea>" in page


# --- what few forms change

RARE = "<details {}>\n    <summary>Texts, colours and spam"


def test_texts_colours_and_spam_are_closed_and_say_how_many_differ(
    browser: SignedIn, registry: Registry
) -> None:
    registry.save_form(builders.form("cakes", button="Join", accent="#c2185b"))
    page = browser.get(EDIT).text
    assert f'{RARE.format("")} <span class="soft">(2 changes)</span>' in page
    assert f"{RARE.format('')}</summary>" in browser.get(f"{NEW}?account=acme").text
    told = words(browser.get("/console/forms/cakes").text)
    assert "<dt>Button</dt><dd>Join</dd>" in told and "<dt>Language</dt><dd>the visitor" in told


def test_texts_colours_and_spam_are_saved_and_kept_by_a_page_that_has_them_not(
    browser: SignedIn, tools: AccountServices, registry: Registry
) -> None:
    rare = {"language": "fr", "button": "Go", "success": "A\r\nB", "accent": "#F0A"}
    made = send(browser, lists=(list_id(tools),), spam_threshold="5", **rare)
    assert made.status_code == 303
    form = registry.form("cakes")
    assert form is not None
    assert (form.language, form.button, form.success) == ("fr", "Go", "A\nB")
    assert (form.accent, form.background, form.spam_threshold) == ("#ff00aa", "", 5)
    assert edited(browser, form, title="Other").status_code == 303
    assert registry.form("cakes") == replace(form, title="Other")


def test_sources_are_saved_and_kept_by_a_page_that_has_them_not(
    browser: SignedIn, tools: AccountServices, registry: Registry
) -> None:
    lists = (list_id(tools),)
    made = send(
        browser, lists=lists, sources="utm_source=Found us by\r\n\r\npage=birthday_note\r\n"
    )
    assert made.status_code == 303
    form = registry.form("cakes")
    assert form is not None
    assert [(each.source, each.field.name) for each in form.sources] == [
        ("utm_source", "found_us_by"),
        ("page", "birthday_note"),
    ]
    assert "utm_source=found_us_by\npage=birthday_note</textarea>" in browser.get(EDIT).text
    assert edited(browser, form, title="Other").status_code == 303
    assert registry.form("cakes") == replace(form, title="Other")
    wrong = edited(browser, form, sources="utm_cake=found_us_by")
    assert wrong.status_code == 422 and 'id="sources-error"' in wrong.text


def test_a_change_says_which_copies_on_websites_must_be_pasted_again(
    browser: SignedIn, tools: AccountServices, registry: Registry, cakes: Form
) -> None:
    page = "/console/forms/cakes"
    assert "asks for a proof of work" not in browser.get(page).text
    assert edited(browser, cakes, captcha="altcha").location == page
    told = words(browser.get(page).text)
    assert (
        "Copies of Plain HTML, HTML with a script and React: paste them again, as without" in told
    )
    assert "This form asks for a proof of work. Copies of Plain HTML" in told
    form = registry.form("cakes")
    assert form is not None and form.captcha == "altcha"
    assert edited(browser, form, captcha="altcha", success="Thanks").location == page
    told = words(browser.get(page).text)
    assert "The form cakes is changed" in told and "paste them again, as" not in told


def test_an_error_opens_the_closed_part(browser: SignedIn, tools: AccountServices) -> None:
    answer = send(browser, lists=(list_id(tools),), accent="reddish")
    assert answer.status_code == 422
    assert RARE.format("open") in answer.text and 'value="reddish"' in answer.text


# --- its lists and custom fields


def test_many_lists_are_searched_without_a_script_and_the_chosen_ones_stay(
    browser: SignedIn, tools: AccountServices
) -> None:
    chosen = list_id(tools)
    answer = send(browser, lists=(chosen,), find="baking", action="find", name="kept name")
    assert answer.status_code == 200
    labels = re.findall(r'name="lists" value="[^"]+" (checked)?> <span>([^<]+)', answer.text)
    assert [(state, name.strip()) for state, name in labels] == [
        ("checked", "Newsletter"),
        ("", "Baking classes"),
    ]
    assert 'value="kept name"' in answer.text


def test_the_lists_are_read_again_when_asked(browser: SignedIn, sandbox: SandboxServer) -> None:
    browser.get(f"{NEW}?account=acme")
    sandbox.control(path="/v3/contact_lists", count=1, status=503)
    assert "out of date" not in send(browser, action="find").text
    page = send(browser, action="read").text
    assert ", and may be out of date. Nothing has changed." in page and "Newsletter" in page


def test_how_many_members_a_list_has_is_said_with_when_that_was_read(
    browser: SignedIn, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    browser.get(f"{NEW}?account=acme")
    [key] = redis_client.scan_iter("*{acme}:lists*")
    kept = json.loads(str(redis_client.get(key)))
    for each, members in zip(kept["lists"], (0, None, 1), strict=False):
        each["membership_count"] = members
    kept["read_at"] = (utc_now() - timedelta(days=3)).isoformat()
    redis_client.set(key, json.dumps(kept))
    zero, unknown, one = (each["name"] for each in kept["lists"][:3])
    sandbox.control(path="/v3/contact_lists", status=503)

    pages = (send(browser, action="find"), browser.get("/console/accounts/acme"))
    page, account = (words(re.sub("<[^>]*>", " ", each.text)) for each in pages)

    assert f"{zero} 0 members" in page and f"{one} 1 member" in page and "members 3 d" not in page
    assert not re.search(rf"{unknown} [\w,]+ members?", page)
    assert "Members 3 d ago" in account and f"{unknown} not told" in account


def test_lists_that_cannot_be_read_are_not_said_to_be_none(
    browser: SignedIn, sandbox: SandboxServer, registry: Registry
) -> None:
    sandbox.control(path="/v3/contact_lists", count=2, status=503)
    new = words(browser.get(f"{NEW}?account=acme").text)
    assert "HTTP 503" in new and "Nothing has changed." in new
    assert "There is no list" not in new and "the lists that the form has" not in new
    registry.save_form(builders.form("cakes", lists=(ListRef(builders.LIST_ID, "Old friends"),)))
    page = words(browser.get(EDIT).text)
    assert "Nothing has changed. Below are only the lists that the form has." in page
    assert "Old friends" in page


def test_custom_fields_are_read_only_when_asked(browser: SignedIn) -> None:
    assert "favourite_cake" not in browser.get(f"{NEW}?account=acme").text
    page = send(browser, action="fields").text
    assert "favourite_cake" in page
    assert '<input type="hidden" name="fields" value="1">' in page


# --- changing one


@pytest.fixture
def cakes(tools: AccountServices, registry: Registry) -> Form:
    form = builders.form(
        "cakes", title="Cakes", lists=(ListRef(list_id(tools), "Newsletter"),), enabled=False
    )
    registry.save_form(form)
    return form


def edited(
    browser: SignedIn, form: Form, version: str | None = None, **changed: Any
) -> TestResponse:
    lists = tuple(each.id for each in form.lists)
    fields = tuple(each.id for each in form.custom_fields)
    sent = {"lists": lists, "custom_fields": fields, "version": version or form.version, **changed}
    return send(browser, EDIT, **sent)


def test_a_form_is_changed_and_stays_closed(
    browser: SignedIn, registry: Registry, cakes: Form
) -> None:
    page = browser.get(EDIT).text
    assert f'name="version" value="{cakes.version}"' in page
    assert 'name="name"' not in page  # it is the address
    answer = edited(browser, cakes, title="More cakes", name="another")
    assert (answer.status_code, answer.location) == (303, "/console/forms/cakes")
    form = registry.form("cakes")
    assert form is not None
    assert (form.title, form.enabled, form.custom_fields) == (
        "More cakes",
        False,
        cakes.custom_fields,
    )
    assert registry.form_names() == ["cakes"]


def test_a_change_of_somebody_else_is_shown_beside_ones_own(
    browser: SignedIn, registry: Registry, cakes: Form
) -> None:
    registry.save_form(builders.form("cakes", title="<i>Theirs</i>", lists=cakes.lists))
    answer = edited(browser, cakes, title="Mine")
    page = words(answer.text)
    assert answer.status_code == 409
    assert "Somebody else has changed this form meanwhile" in page
    assert '<td data-label="Saved by somebody else"><i>Theirs</i></td>' in page  # unescaped here
    assert "<i>Theirs" not in answer.text
    assert '<td data-label="Yours">Mine</td>' in page
    assert registry.form("cakes").title == "<i>Theirs</i>"  # type: ignore[union-attr]

    [version] = re.findall(r'name="version" value="(\w+)"', answer.text)
    assert edited(browser, cakes, version, title="Mine").status_code == 303
    assert registry.form("cakes").title == "Mine"  # type: ignore[union-attr]


def test_a_form_that_is_gone_is_not_changed(
    browser: SignedIn, registry: Registry, cakes: Form
) -> None:
    registry.remove_form("cakes")
    assert edited(browser, cakes).status_code == 400
    assert registry.form_names() == []


def test_a_list_that_is_gone_is_marked_and_after_saving_the_failed_ones_can_be_sent(
    browser: SignedIn, tools: AccountServices, registry: Registry, redis_client: "redis.Redis"
) -> None:
    # It is in the lists that were read before.
    gone = ListRef(list_id(tools, "Weekly specials"), "Weekly specials")
    registry.save_form(builders.form("cakes", lists=(gone,)))
    ledger = Ledger(redis_client)
    for n in range(2):
        builders.accept(ledger, f"{n}@example.com", form="cakes", lists=(gone.id,))
        why = "HTTP 400: The list_memberships do not exist."
        builders.bury_claim(ledger, builders.claimed(ledger), message=why)
    marked = "✗ Gone Constant Contact does not know this list any more: 2"
    shown = browser.get(EDIT).text
    assert marked in words(re.sub("<[^>]*>", " ", shown))
    [version] = re.findall(r'name="version" value="(\w+)"', shown)
    saved = send(browser, EDIT, lists=(list_id(tools),), version=version)
    page = words(browser.get(saved.location).text)
    assert "2 sign-ups failed for a list that it had before. To retry them there" in page
    assert "The form has another list by now. Retry them to Newsletter." in page
    assert "Retry to Newsletter…" in page


@pytest.fixture
def refused(tools: AccountServices, registry: Registry, redis_client: "redis.Redis") -> str:
    """The id of a list that Constant Contact did not know for a form which has another one now."""
    gone, kept = list_id(tools, "Weekly specials"), list_id(tools)
    registry.save_form(builders.form("cakes", lists=(ListRef(kept, "Newsletter"),)))
    ledger = Ledger(redis_client)
    builders.accept(ledger, form="cakes", lists=(kept, gone))
    why = f"HTTP 404: list_id {gone} does not exist"
    builders.bury_claim(ledger, builders.claimed(ledger), message=why)
    return gone


MARKED = re.compile(r"(\w+ \w+)(?: [\d,]+ members?)? ✗ Gone Sign-ups failed for it, ([\w ]+)\.")


def marked(page: str) -> list[str]:
    return [name for name, _ in MARKED.findall(words(re.sub("<[^>]*>", " ", page)))]


@pytest.mark.parametrize("path", [EDIT, f"{NEW}?account=acme", "/console/accounts/acme"])
def test_a_list_that_sign_ups_failed_for_is_marked_until_the_lists_are_read_again(
    browser: SignedIn, tools: AccountServices, refused: str, path: str
) -> None:
    assert marked(browser.get(path).text) == ["Weekly specials"]
    tools.api.lists("acme")
    assert marked(browser.get(path).text) == []


@pytest.mark.parametrize("path", [EDIT, NEW])
def test_whoever_saves_a_form_with_such_a_list_is_warned(
    browser: SignedIn, registry: Registry, refused: str, path: str
) -> None:
    warning = "Warning: sign-ups failed for a list of this form: Weekly specials."
    kept = registry.forms_named(["cakes"])[0].lists[0].id
    for chosen, name, is_warned in ((kept, "new-1", False), (refused, "new-2", True)):
        [now] = registry.forms_named(["cakes"])
        saved = send(browser, path, name=name, lists=(chosen,), version=now.version)
        page = words(browser.get(saved.location).text)
        assert (warning in page) is is_warned
        assert "that it had before. To send" not in page


def test_another_account_brings_its_own_lists(
    browser: SignedIn, registry: Registry, cakes: Form
) -> None:
    registry.save_account(builders.account("blue"))
    page = browser.get(f"{EDIT}?account=blue").text
    assert 'name="account" value="blue"' in page
    assert "checked" not in re.findall("<fieldset id=.lists.*?</fieldset>", page, re.DOTALL)[0]
    assert browser.get(f"{EDIT}?account=nobody").status_code == 400
