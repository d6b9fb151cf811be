"""Visitors read pages, errors and JSON in their language, and the evidence has the text they read.

A test catalogue from right to left shows that no text was forgotten: what is left in Latin letters
was not marked for translation.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.consent_texts import text_version
from shared.domain.errors import KeyReused, LedgerUnavailable, VisitorLimited
from shared.domain.fields import FIELDS
from shared.domain.form import DEFAULT_CONSENT, OUR_CONSENT, Form, ListRef
from tests.support.catalogues import write_pseudo_arabic
from tests.support.web_services import change_services
from web.translations.catalogues import load_translations

SaveForm = Callable[..., Form]
Stored = Callable[[], list[dict[str, Any]]]

BROWSER = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
FRENCH = {"Accept-Language": "fr"}
ARABIC = {"Accept-Language": "ar-EG,ar;q=0.9"}
LISTS = (ListRef("id-1", "1"), ListRef("id-2", "2"))
LONG = "1" * 300
# Every field with something wrong in it.
ALL_WRONG = {field.name: LONG for field in FIELDS} | {"_lists": "3", "consent": "0"}
# What scripts read in JSON, besides texts: its keys, names of fields, and codes.
KEYS = {"ok", "False", "error", "errors", "field", "code", "message", "lists", "consent"}
CODES = {"required", "invalid", "too", "long", "unknown", "list"}
NAMES = {word for each in FIELDS for word in each.name.split("_")}


@pytest.fixture
def arabic(app: Flask, save_form: SaveForm, tmp_path: Path) -> FlaskClient:
    write_pseudo_arabic(tmp_path)
    change_services(app, translations=load_translations(tmp_path))
    save_form("full", custom_fields=(), lists=LISTS, consent_box="required")
    save_form("shop", custom_fields=(), origins=("https://a.example", "https://b.example"))
    save_form("closed", enabled=False)
    return app.test_client()


def visible(page: str) -> str:
    """Return the text of a page, with what screen readers read, without controls and code."""
    text = re.sub(r"(?s)<(textarea|code|style)\b.*?</\1>|<!--.*?-->", " ", page)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def untranslated(answer: TestResponse) -> set[str]:
    text = visible(answer.text) if answer.mimetype == "text/html" else str(answer.json)
    return set(re.findall(r"[A-Za-z]{2,}", text))


GETS = [
    ("/f/full", 200),
    ("/f/full?email=ada@example.com", 200),
    ("/f/full/thanks", 200),
    ("/", 200),
    ("/f/", 404),
    ("/nowhere", 404),
    ("/f/none", 404),
    ("/f/closed", 410),
    ("/f/closed?email=1@2.example", 410),
    ("/f/closed/thanks", 410),
]


@pytest.mark.parametrize(("path", "status"), GETS)
def test_no_text_of_a_page_was_forgotten(arabic: FlaskClient, path: str, status: int) -> None:
    page = arabic.get(path, headers=BROWSER | ARABIC)
    assert page.status_code == status
    assert '<html lang="ar" dir="rtl">' in page.text
    # The name of the product, and that of the form in the command for its owner.
    assert untranslated(page) <= {"signup", "relay", "closed"}


# Of origins, and of the command for the form's owner.
COMMAND = {"https", "example", "shop", "origin"}
POSTS = [
    pytest.param("/f/full", {"data": b"{"}, 400, {"JSON"}, id="400"),
    pytest.param("/f/shop", {"headers": {"Origin": "https://c.example"}}, 403, COMMAND, id="403"),
    pytest.param("/f/none", {"data": {"x": "1"}}, 404, {"none"}, id="404"),
    pytest.param("/f/closed", {"data": {"x": "1"}}, 410, {"closed"}, id="410"),
    pytest.param("/f/full", {"data": {"x": LONG * 300}}, 413, set(), id="413"),
    pytest.param("/f/full", {"data": b"\x00\xff", "content_type": "a/b"}, 415, set(), id="415"),
    pytest.param("/f/full", {"data": {}}, 422, set(), id="422 nothing"),
    pytest.param("/f/full", {"data": {"1": "2"}}, 422, set(), id="422 no address"),
    pytest.param("/f/full", {"data": ALL_WRONG}, 422, set(), id="422 all wrong"),
    pytest.param("/f/full/thanks", {"data": {"x": "1"}}, 405, set(), id="405"),
    pytest.param("/nowhere", {"data": {"x": "1"}}, 404, set(), id="404 of no form"),
]


@pytest.mark.parametrize("kind", [BROWSER, JSON], ids=["page", "JSON"])
@pytest.mark.parametrize(("path", "sent", "status", "kept"), POSTS)
def test_no_text_of_a_refusal_was_forgotten(
    arabic: FlaskClient,
    path: str,
    sent: dict[str, Any],
    status: int,
    kept: set[str],
    kind: dict[str, str],
) -> None:
    headers = kind | ARABIC | sent.get("headers", {})
    answer = arabic.post(path, **sent | {"headers": headers})
    assert answer.status_code == status
    left = untranslated(answer)
    if kind is JSON:
        left -= KEYS | CODES | NAMES
    else:
        assert '<html lang="ar" dir="rtl">' in answer.text
    assert left <= kept


@pytest.mark.parametrize("kind", [BROWSER, JSON], ids=["page", "JSON"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LedgerUnavailable(), 503),
        (RuntimeError(), 500),
    ],
)
def test_no_text_of_an_outage_was_forgotten(
    arabic: FlaskClient, kind: dict[str, str], error: Exception, status: int
) -> None:
    change_services(arabic.application, intake=fail(error))
    answer = arabic.post("/f/full", data={"1": "2"}, headers=kind | ARABIC)
    assert answer.status_code == status
    assert untranslated(answer) <= KEYS


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0.5, "in 1 second.", "in 1 Sekunde noch einmal."),
        (90, "in 90 seconds.", "in 90 Sekunden noch einmal."),
        (91, "in 2 minutes.", "in 2 Minuten noch einmal."),
        (5400, "in 90 minutes.", "in 90 Minuten noch einmal."),
        (86_400, "in 24 hours.", "in 24 Stunden noch einmal."),
    ],
)
def test_who_must_wait_reads_for_how_long(
    client: FlaskClient, seconds: float, english: str, german: str
) -> None:
    limited = VisitorLimited(timedelta(seconds=seconds))
    change_services(client.application, intake=fail(limited))
    told = client.post("/f/news", data={"email": "ada@example.com"}, headers=JSON).json
    assert told is not None and told["error"].endswith(f"Please try again {english}")
    page = client.post("/f/news", data={"email": "ada@example.com"}, headers=BROWSER | GERMAN)
    assert german in page.text and "RELAY_TRUSTED_PROXIES" in page.text


# --- which language


def language(page: TestResponse) -> str:
    [found] = re.findall(r'<html lang="(\w+)" dir="ltr">', page.text)
    return str(found)


def test_the_browser_chooses_unless_the_form_or_the_page_does(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("fest", language="es")
    asked = BROWSER | GERMAN
    assert language(client.get("/f/news", headers=BROWSER)) == "en"
    assert language(client.get("/f/news", headers=asked)) == "de"
    assert language(client.get("/f/news?_language=fr", headers=asked)) == "fr"
    assert language(client.get("/f/news/thanks?_language=fr", headers=asked)) == "fr"
    assert language(client.get("/f/fest?_language=fr", headers=asked)) == "es"
    wrong = {"email": "ada@", "_language": "fr-CA"}
    assert language(client.post("/f/news", data=wrong, headers=asked)) == "fr"
    assert language(client.post("/f/nowhere", data=wrong, headers=asked)) == "fr"
    assert language(client.post("/f/fest", data=wrong, headers=asked)) == "es"


def test_a_page_whose_address_names_a_language_alone_was_not_filled_in(client: FlaskClient) -> None:
    page = client.get("/f/news?_language=de", headers=BROWSER)
    assert 'lang="de"' in page.text
    usual = client.get("/f/news", headers=BROWSER).headers["Referrer-Policy"]
    assert page.headers["Referrer-Policy"] == usual
    typed = client.get("/f/news?_language=de&city=Bonn", headers=BROWSER)
    assert typed.headers["Referrer-Policy"] == "strict-origin" != usual


def test_an_answer_in_json_is_in_the_language_too(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("own", success="Danke, Ada!")
    posted = {"email": "ada@example.com"}
    thanks = {
        name: client.post(path, data=posted | more, headers=JSON | headers).get_json()["message"]
        for name, path, more, headers in [
            ("browser", "/f/news", {}, GERMAN),
            ("page", "/f/news", {"_language": "fr"}, GERMAN),
            ("own", "/f/own", {}, FRENCH),
            ("English", "/f/news", {}, {}),
        ]
    }
    assert thanks == {
        "browser": "Vielen Dank! Ihre Anmeldung ist angekommen.",
        "page": "Merci\u00a0! Votre inscription a bien été reçue.",
        "own": "Danke, Ada!",
        "English": "Thank you! Your sign-up has been received.",
    }
    told = client.post("/f/news", data={"email": "ada@"}, headers=JSON | GERMAN).get_json()
    [error] = told["errors"]
    assert error["code"] == "invalid"
    assert error["message"] == "Bitte geben Sie eine E-Mail-Adresse wie name@example.com ein."
    assert told["error"] == error["message"]


def fail(error: Exception) -> Any:
    def check(*_: object, **__: object) -> None:
        raise error

    return type("Failing", (), {"check": check})()


POSTED = {"email": "ada@example.com", "_language": "de"}
ELSEWHERE = {"Origin": "https://c.example"}
LIMITED = VisitorLimited(timedelta(seconds=9))
# The form, what fails, headers, the status, and how the answer begins.
REFUSALS = [
    pytest.param("shop", None, ELSEWHERE, 403, "Dieses Formular", id="403"),
    pytest.param("none", None, {}, 404, "Das Formular „none“", id="404"),
    pytest.param("closed", None, {}, 410, "Dieses Formular ist geschlossen", id="410"),
    pytest.param("news/thanks", None, {}, 405, "Diese Adresse", id="405"),
    pytest.param("news", KeyReused(), {}, 422, "Dieser Idempotency-Key", id="422"),
    pytest.param("news", LIMITED, {}, 429, "Aus Ihrem Netz", id="429"),
    pytest.param("news", LedgerUnavailable(), {}, 503, "Wir konnten", id="503"),
    pytest.param("news", RuntimeError(), {}, 500, "Bei uns", id="500"),
]


@pytest.mark.parametrize("kind", [BROWSER, JSON], ids=["page", "JSON"])
@pytest.mark.parametrize(("form", "error", "headers", "status", "begins"), REFUSALS)
def test_each_refusal_is_in_the_language_of_the_page_that_posted(
    client: FlaskClient,
    save_form: SaveForm,
    kind: dict[str, str],
    form: str,
    error: Exception | None,
    headers: dict[str, str],
    status: int,
    begins: str,
) -> None:
    save_form("shop", origins=("https://a.example",))
    save_form("closed", enabled=False)
    if error:
        change_services(client.application, intake=fail(error))
    answer = client.post(f"/f/{form}", data=POSTED, headers=kind | headers | FRENCH)
    assert answer.status_code == status
    if kind is BROWSER:
        assert language(answer) == "de"
    else:
        assert answer.get_json()["error"].startswith(begins)


@pytest.mark.parametrize(
    ("form", "sent", "status"),
    [
        ("news", {"data": b'{"_language": "de",'}, 400),
        ("closed", {"data": b'{"_language": "de",'}, 410),
        ("news", {"data": POSTED | {"x": LONG * 300}}, 413),
        ("news", {"data": POSTED, "headers": {"Content-Encoding": "gzip"}}, 415),
    ],
)
def test_a_body_that_cannot_be_read_is_answered_in_the_language_of_the_browser(
    client: FlaskClient, save_form: SaveForm, form: str, sent: dict[str, Any], status: int
) -> None:
    save_form("closed", enabled=False)
    headers = JSON | FRENCH | sent.get("headers", {})
    answer = client.post(f"/f/{form}", **sent | {"headers": headers})
    assert answer.status_code == status
    french = "La requête|Le corps|Ce formulaire|Une inscription"
    assert re.match(french, answer.get_json()["error"]), answer.get_json()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b'{"_language": "es",', "content_type": "application/json"}, 400),
        ({"data": b"email=a", "environ_overrides": {"CONTENT_LENGTH": "99"}}, 400),
        ({"data": {"x": LONG * 300}}, 413),
        ({"data": b"\xff\xd8", "content_type": "image/jpeg"}, 415),
    ],
    ids=["malformed", "incomplete", "too large", "unsupported"],
)
def test_a_form_with_a_language_answers_in_it_what_cannot_be_read(
    client: FlaskClient, save_form: SaveForm, sent: dict[str, Any], status: int
) -> None:
    save_form("german", language="de")
    page = client.post("/f/german", headers=BROWSER | FRENCH, **sent)
    assert (page.status_code, language(page)) == (status, "de")
    told = client.post("/f/german", headers=JSON | FRENCH, **sent).get_json()["error"]
    assert not re.search("requête|corps|inscription|contenu", told) and told[0] in "DE", told


def test_the_thanks_page_is_in_the_language_of_the_page_that_posted(client: FlaskClient) -> None:
    def next_page(**more: str) -> str | None:
        posted = {"email": "ada@example.com", **more}
        return client.post("/f/news", data=posted, headers=BROWSER | GERMAN).location

    assert next_page(_language="fr") == "/f/news/thanks?_language=fr"
    assert next_page(_language="de") == next_page(_language="tlh") == "/f/news/thanks"
    assert next_page() == "/f/news/thanks"
    assert next_page(_language="fr", _next="https://a.example/x") == "/f/news/thanks?_language=fr"


def test_operators_pages_stay_in_english(client: FlaskClient) -> None:
    for path in ("/console/sign-in", "/console/nowhere", "/connect/nowhere"):
        assert '<html lang="en"' in client.get(path, headers=BROWSER | GERMAN).text


# --- what is ours, and what is the owner's


def test_a_forms_own_texts_are_not_translated(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("own", title="Try again", consent_text="Close", button="Thank you")
    page = visible(client.get("/f/own", headers=BROWSER | GERMAN).text)
    assert all(text in page for text in ("Try again", "Close", "Thank you", "Vorname"))
    ours = visible(client.get("/f/news", headers=BROWSER | GERMAN).text)
    assert "Mit der Anmeldung stimmen Sie zu" in ours and DEFAULT_CONSENT not in ours


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def evidence(stored: Stored) -> dict[str, tuple[str, str | None, bool]]:
    """Return the version, the language, and whether the page stated it, by form."""
    consents = {each["form"]: each["consent"] for each in stored()}
    return {
        form: (each["version"], each.get("language"), bool(each.get("stated")))
        for form, each in consents.items()
    }


@pytest.mark.parametrize(
    ("headers", "language", "begins"),
    [(GERMAN, "de", "Mit der"), (FRENCH, "fr", "En vous"), ({}, "en", "By signing")],
    ids=["German", "French", "English"],
)
def test_the_evidence_has_the_text_and_the_language_that_the_page_showed(
    client: FlaskClient, stored: Stored, headers: dict[str, str], language: str, begins: str
) -> None:
    page = client.get("/f/news", headers=BROWSER | headers).text
    [shown] = re.findall(r'<p class="consent">(.*?)</p>', page)
    assert shown.startswith(begins)
    client.post("/f/news", data={"email": "ada@example.com"} | hidden(page))
    assert evidence(stored) == {"news": (text_version(unescape(shown)), language, True)}


def test_a_page_that_does_not_say_what_it_showed_is_taken_for_one_in_the_forms_language(
    client: FlaskClient, stored: Stored, save_form: SaveForm
) -> None:
    save_form("fest", language="de")
    save_form("own", language="de", consent_text="Our own.")
    for name in ("fest", "own", "news"):
        client.post(f"/f/{name}", data={"email": f"{name}@example.com"}, headers=FRENCH)
    german = load_translations().choose("de").say(OUR_CONSENT)
    assert evidence(stored) == {
        "fest": (text_version(german), None, False),
        "own": (text_version("Our own."), None, False),
        "news": (text_version(DEFAULT_CONSENT), None, False),
    }


def test_our_text_is_no_evidence_for_a_form_that_never_showed_it(
    client: FlaskClient, stored: Stored, save_form: SaveForm
) -> None:
    save_form("own", consent_text="Our own.")
    version = hidden(client.get("/f/news", headers=BROWSER | GERMAN).text)["_consent"]
    client.post("/f/own", data={"email": "ada@example.com", "_consent": version})
    assert evidence(stored) == {"own": (text_version("Our own."), None, False)}


def test_a_script_that_draws_the_form_gets_its_texts_in_the_language(client: FlaskClient) -> None:
    told = client.get("/f/news/fields", headers=JSON | GERMAN).get_json()
    assert (told["language"], told["direction"]) == ("de", "ltr")
    assert (told["title"], told["button"], told["close"]) == ("Anmelden", "Anmelden", "Schließen")
    assert told["hidden"]["_language"] == "de"
    assert told["consent"]["text"].startswith("Mit der Anmeldung")
