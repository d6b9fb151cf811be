"""What a website has to allow for a snippet, and what an operator has to know of it."""

import base64
import hashlib
import re

import pytest

from shared.domain.consent_texts import text_version
from shared.domain.form import CustomField, Form, ListRef, SourceField
from shared.domain.texts import Text
from shared.operations.snippets.advice import all_snippets, snippet_for
from shared.operations.snippets.snippet import SnippetKind, make_snippet
from tests.support import builders

URL = "https://relay.example/signup/f/news"
RELAY = "https://relay.example"
FORM = builders.form()
SENT = f"form-action 'self' {RELAY}"


def policy(kind: SnippetKind, form: Form = FORM) -> list[str]:
    return snippet_for(form, URL, kind).policy.split("; ")


@pytest.mark.parametrize(
    ("kind", "directives"),
    [
        (SnippetKind.FORM, [SENT]),
        (SnippetKind.JS, [SENT, f"script-src {RELAY}", f"connect-src {RELAY}"]),
        (SnippetKind.POPUP, [SENT, f"script-src {RELAY}", f"connect-src {RELAY}"]),
        (SnippetKind.REACT, [SENT, f"connect-src {RELAY}"]),
        (SnippetKind.IFRAME, [f"script-src {RELAY}", f"frame-src {RELAY}"]),
        (SnippetKind.CURL, [""]),
    ],
)
def test_a_policy_has_what_the_snippet_needs_and_no_more(
    kind: SnippetKind, directives: list[str]
) -> None:
    assert policy(kind) == directives


def test_a_script_on_the_page_is_allowed_by_its_hash() -> None:
    [script] = re.findall("<script>(.*)</script>", make_snippet(FORM, URL, SnippetKind.FETCH), re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy(SnippetKind.FETCH)[1:] == [
        f"script-src 'sha256-{digest}'",
        f"connect-src {RELAY}",
    ]


def test_browsers_apply_the_policy_to_the_page_that_follows() -> None:
    form = builders.form(redirect="https://www.example.com/thanks")
    assert policy(SnippetKind.FORM, form) == [f"{SENT} https://www.example.com"]


def test_a_proof_of_work_needs_its_script() -> None:
    form = builders.form(captcha="altcha")
    directives = [f"{name}-src {RELAY}" for name in ("script", "connect")]
    for kind in (SnippetKind.FORM, SnippetKind.JS, SnippetKind.POPUP, SnippetKind.REACT):
        assert policy(kind, form) == [SENT, *directives]
    assert policy(SnippetKind.IFRAME, form) == policy(SnippetKind.IFRAME)


def test_what_does_not_work_as_the_form_is_says_so() -> None:
    def warned(form: Form) -> list[str]:
        return [each.kind for each in all_snippets(form, URL) if each.warning]

    assert warned(builders.form(origins=("https://a.example",))) == []
    assert warned(FORM) == ["iframe"]
    told = snippet_for(FORM, URL, SnippetKind.IFRAME).warning
    assert f"relay forms edit {FORM.name} --origin https://" in told


@pytest.mark.parametrize("kind", [SnippetKind.FETCH, SnippetKind.REACT])
def test_only_a_form_that_sends_its_campaign_has_a_script_that_reads_it(kind: SnippetKind) -> None:
    source = SourceField("utm_source", CustomField("c", "from", "From"))
    assert "location.search" in make_snippet(builders.form(sources=(source,)), URL, kind)
    page = SourceField("page", CustomField("c", "from", "From"))
    for form in (FORM, builders.form(sources=(page,))):
        assert "location.search" not in make_snippet(form, URL, kind)


def test_all_that_visitors_read_is_in_the_language_of_the_page() -> None:
    def say(text: Text | str) -> str:
        return text if isinstance(text, str) else f"«{text}»"

    form = builders.form(lists=(ListRef("1", "One"), ListRef("2", "Two")))
    for kind in (SnippetKind.FORM, SnippetKind.FETCH, SnippetKind.REACT):
        text = make_snippet(form, URL, kind, say=say, language="de")
        for ours in ("E-mail address", "Sign me up for", form.consent_text, "Sign up"):
            assert f"«{ours}»" in text
        assert text_version(f"«{form.consent_text}»") in text
        assert "«One»" not in text and 'name="_language" value="de"' in text
    for kind in (SnippetKind.JS, SnippetKind.POPUP, SnippetKind.IFRAME):
        assert "«Sign up»" in make_snippet(form, URL, kind, say=say)


@pytest.mark.parametrize("kind", [SnippetKind.JS, SnippetKind.POPUP, SnippetKind.IFRAME])
@pytest.mark.parametrize(
    ("forms", "pages", "address"),
    [("auto", "de", f"{URL}?_language=de"), ("auto", "", URL), ("de", "de", URL)],
)
def test_a_page_of_ours_comes_in_the_language_of_the_website(
    kind: SnippetKind, forms: str, pages: str, address: str
) -> None:
    text = make_snippet(builders.form(language=forms), URL, kind, language=pages)
    assert f'="{address}"' in text


@pytest.mark.parametrize("kind", [SnippetKind.FETCH, SnippetKind.REACT])
def test_a_script_asks_for_answers_in_the_language_of_the_page(kind: SnippetKind) -> None:
    """Also for the answer to a body that nobody could read."""
    header = '"application/json", "Accept-Language": "de" }'
    assert header in make_snippet(FORM, URL, kind, language="de")
    assert "Accept-Language" not in make_snippet(FORM, URL, kind)


def test_what_has_no_style_of_its_own_says_so() -> None:
    found = all_snippets(FORM, URL)
    said = {each.kind for each in found if "no style of its own" in each.use}
    assert said == {SnippetKind.FORM, SnippetKind.FETCH, SnippetKind.REACT}
    assert not [each.kind for each in found if each.kind in said and "style" in each.text]


def test_what_follows_the_page_says_so() -> None:
    said = {each.kind for each in all_snippets(FORM, URL) if "<html lang=" in each.use}
    assert said == {SnippetKind.JS, SnippetKind.POPUP}


def test_the_components_trap_is_left_alone_by_what_fills_in_forms_for_people() -> None:
    text = make_snippet(FORM, URL, SnippetKind.REACT)
    [trap] = re.findall("<input name=.?_gotcha.*>", text)
    for attribute in ("data-1p-ignore", "data-bwignore", "data-lpignore", "data-form-type"):
        assert attribute in trap


@pytest.mark.parametrize(
    ("name", "component"),
    [("news", "NewsForm"), ("our-news.2026", "OurNews2026Form"), ("2026", "Form2026")],
)
def test_a_component_has_a_name_that_react_takes(name: str, component: str) -> None:
    form = builders.form(name)
    assert f"function {component}()" in make_snippet(form, URL, SnippetKind.REACT)
