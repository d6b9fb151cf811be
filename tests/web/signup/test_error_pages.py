"""Every error page keeps what was typed: as a form to send again, or as text to copy.

What the website's owner may have done wrong stands apart from what visitors read.
"""

import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import CustomField, Form
from shared.domain.reading.posted_fields import sort_fields
from tests.support.web_services import change_services
from web.signup.form_page import MOST_SHOWN
from web.signup.reading.request_body import read_posted
from web.signup.typed_values import MOST_SHOWN_VALUES, MOST_SORTED

SaveForm = Callable[..., Form]

BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
JSON = {"Accept": "application/json"}
TYPED = {
    "email": "ada@example.com",
    "your-name": "Ada <b>Lovelace</b>",
    "cake": "Sacher\nand tea",
    "remarks": "</textarea><script>alert(1)</script>",
    "hobby": ["sailing", "chess"],
    "_next": "/thanks",
    "_gotcha": "",
    "empty": "",
}


@pytest.fixture
def forms(client: FlaskClient, save_form: SaveForm) -> FlaskClient:
    fields = (CustomField("c", "cake", "Favourite cake"),)
    save_form("shop", origins=("https://a.example",), custom_fields=fields)
    save_form("closed", enabled=False, custom_fields=fields)
    return client


def copies(page: TestResponse) -> list[tuple[str, str]]:
    """Return the label and the text of each value that the page shows as text to copy."""
    labels = dict(re.findall(r'<label for="(typed-\d+)">(.*?)</label>', page.text))
    areas = re.findall(
        r'(?s)<textarea id="(typed-\d+)"[^>]* readonly>\n(.*?)</textarea>', page.text
    )
    return [(unescape(labels[id]), unescape(text)) for id, text in areas]


def owner(page: TestResponse) -> str:
    """Return what the page says to the website's owner."""
    found = re.search(r'(?s)<aside class="owner".*?</aside>', page.text)
    return " ".join(unescape(re.sub("<[^>]*>", " ", found[0])).split()) if found else ""


def visitor(page: TestResponse) -> str:
    """Return what the page says to the visitor."""
    text = re.sub(r"(?s)<(aside|textarea|head)\b.*?</\1>", " ", page.text)
    return " ".join(unescape(re.sub("<[^>]*>", " ", text)).split())


KNOWN = [("E-mail address", "ada@example.com"), ("First name", "Ada")]
OTHERS = [
    ("remarks", "</textarea><script>alert(1)</script>"),
    ("hobby", "sailing"),
    ("hobby", "chess"),
]


@pytest.mark.parametrize(
    ("path", "headers", "status", "cake"),
    [
        pytest.param("/f/shop", {"Origin": "https://evil.example"}, 403, True, id="403"),
        pytest.param("/f/none", {}, 404, False, id="404"),
        pytest.param("/f/closed", {}, 410, True, id="410"),
        pytest.param("/f/shop/thanks", {}, 405, False, id="405"),
        pytest.param("/nowhere", {}, 404, False, id="404 of no form"),
    ],
)
def test_a_page_that_cannot_take_the_sign_up_shows_it_as_text_to_copy(
    forms: FlaskClient, path: str, headers: dict[str, str], status: int, cake: bool
) -> None:
    page = forms.post(path, data=TYPED, headers=BROWSER | headers)
    assert page.status_code == status
    own = ("Favourite cake" if cake else "cake", "Sacher\nand tea")
    assert copies(page)[:2] == KNOWN
    assert sorted(copies(page)) == sorted([*KNOWN, ("Last name", "<b>Lovelace</b>"), own, *OTHERS])
    assert "<form" not in page.text and "<script" not in page.text and "<b>" not in page.text
    assert "You are not signed up" in visitor(page)


@pytest.mark.parametrize("path", ["/f/none", "/f/closed", "/f/"])
def test_what_a_form_without_a_method_put_into_the_address_is_shown_too(
    forms: FlaskClient, path: str
) -> None:
    page = forms.get(f"{path}?email=ada@example.com&remarks=Tea", headers=BROWSER)
    assert copies(page) == [("E-mail address", "ada@example.com"), ("remarks", "Tea")]
    assert "You are not signed up" in visitor(page)
    assert 'Add method="post" to the form.' in owner(page)


@pytest.mark.parametrize(
    "path", ["/f/none", "/f/none?utm_source=x", "/nowhere?email=ada@example.com", "/f/none?a&b=c"]
)
def test_a_link_that_leads_nowhere_is_no_sign_up(forms: FlaskClient, path: str) -> None:
    page = forms.get(path, headers=BROWSER)
    assert copies(page) == []
    assert "That did not work" in visitor(page) and "ada@" not in page.text
    assert "Add method" not in owner(page)


@pytest.mark.parametrize(
    ("data", "path", "said"),
    [
        pytest.param(None, "/f/closed", "", id="looked at"),
        pytest.param(None, "/f/closed/thanks", "", id="its thanks"),
        pytest.param({"email": "a@b.example"}, "/f/closed", " You are not signed up.", id="sent"),
        pytest.param(
            None, "/f/closed?email=a@b.example", " You are not signed up.", id="in the address"
        ),
    ],
)
def test_the_page_of_a_closed_form_says_so_and_suggests_no_other_try(
    forms: FlaskClient, data: dict[str, str] | None, path: str, said: str
) -> None:
    page = forms.open(path, method="POST" if data else "GET", data=data, headers=BROWSER)
    assert page.status_code == 410
    assert "<title>This form is closed</title>" in page.text
    assert "<h1>This form is closed</h1>" in page.text
    assert f'<p role="alert">It accepts no more sign-ups.{said}</p>' in page.text
    assert "rror" not in visitor(page) and "yet" not in visitor(page)
    assert "relay forms enable closed" in owner(page)


def test_a_script_reads_of_a_closed_form_in_one_sentence(forms: FlaskClient) -> None:
    answer = forms.post("/f/closed", data=TYPED, headers=JSON)
    assert answer.json == {
        "ok": False,
        "error": "This form is closed. It accepts no more sign-ups.",
        "errors": [],
    }


def test_what_arrived_in_no_known_form_is_shown_as_it_came(forms: FlaskClient) -> None:
    sent = b'{"email": "ada@example.com", "remarks": "<b>'
    page = forms.post("/f/news", data=sent, headers=BROWSER, content_type="application/json")
    assert page.status_code == 400
    assert copies(page) == [("All that arrived", sent.decode())]
    assert "<form" not in page.text
    other = forms.post("/f/news", data=b"<a>Ada</a>", headers=BROWSER, content_type="text/xml")
    assert (other.status_code, copies(other)) == (415, [("All that arrived", "<a>Ada</a>")])


@pytest.mark.parametrize(
    "body", [b"\x1f\x8b\x08\x00abc", bytes(range(128, 256)), b"", b"x" * (MOST_SHOWN + 1)]
)
def test_what_is_no_text_or_too_long_is_not_shown(forms: FlaskClient, body: bytes) -> None:
    page = forms.post("/f/news", data=body, headers=BROWSER, content_type="image/png")
    assert copies(page) == []


def test_a_request_that_was_cut_off_shows_what_arrived_and_no_form(forms: FlaskClient) -> None:
    page = forms.post(
        "/f/news",
        data=b"first_name=Ada&email=ada%40example.co",
        headers=BROWSER,
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "60"},
    )
    assert page.status_code == 400
    assert copies(page) == [("E-mail address", "ada@example.co"), ("First name", "Ada")]
    assert "<form" not in page.text
    assert "The request is incomplete." in owner(page)


def test_a_body_that_was_not_read_leads_back_to_the_form(forms: FlaskClient) -> None:
    page = forms.post("/f/news", data={"remarks": "x" * 70_000}, headers=BROWSER)
    assert (page.status_code, copies(page)) == (413, [])
    assert "at most 64 KiB" in visitor(page)
    assert "Back button" in visitor(page) and "shorten long texts" in visitor(page)


def test_after_an_error_of_ours_the_form_can_be_sent_again(forms: FlaskClient) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    change_services(forms.application, intake=type("Broken", (), {"check": fail})())
    page = forms.post("/f/news", data={"email": "ada@example.com"}, headers=BROWSER)
    assert page.status_code == 500
    assert 'value="ada@example.com"' in page.text and "Try again" in page.text
    assert "sending twice does no harm" in visitor(page)


def test_where_even_showing_it_fails_the_page_still_says_so(
    forms: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("about ada@example.com")

    monkeypatch.setattr("web.signup.problem_answers.form_page", fail)
    monkeypatch.setattr("web.signup.problem_answers.typed_values", fail)
    for path, status in (("/f/news", 422), ("/f/none", 404)):
        page = forms.post(path, data={"email": "ada@"}, headers=BROWSER)
        assert page.status_code == status
        assert "Back button" in visitor(page)
    logged = [each for each in caplog.records if each.name == "web.signup.problem_answers"]
    assert [each.__dict__["error"] for each in logged] == ["RuntimeError"] * 2
    assert "ada@" not in caplog.text


def test_a_page_of_copies_is_bounded(forms: FlaskClient) -> None:
    many = forms.post("/f/none", data={f"f{n}": "x" for n in range(1000)}, headers=BROWSER)
    assert len(copies(many)) == MOST_SHOWN_VALUES
    assert [label for label, _ in copies(many)] == [f"f{n}" for n in range(MOST_SHOWN_VALUES)]
    one = forms.post("/f/none", data={"hobby": list("abcdefghijklmnop")}, headers=BROWSER)
    assert "".join(text for _, text in copies(one)) == "abcdefghij"
    quotes = {f"f{n}": '"' * 1000 for n in range(20)}
    large = forms.post("/f/none", data=quotes, headers=BROWSER)
    assert 1 < len(copies(large)) < 20
    assert len(large.data) < MOST_SHOWN + 10_000


def test_names_that_could_be_sentences_are_not_shown(forms: FlaskClient) -> None:
    page = forms.post("/f/none", data={"Call 555 now": "x", "fax": "y"}, headers=BROWSER)
    assert copies(page) == [("(name not shown)", "x"), ("fax", "y")]


@pytest.mark.parametrize("headers", [JSON, BROWSER], ids=["a script", "a browser"])
def test_a_problem_has_the_body_read_once(
    forms: FlaskClient, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    parsed: list[object] = []

    def parse(*read: Any) -> Any:
        parsed.append(read)
        return read_posted(*read)

    monkeypatch.setattr("web.signup.problem_answers.read_posted", parse)
    assert forms.post("/f/none", data=TYPED, headers=headers).status_code == 404
    assert len(parsed) == 1


# --- the website's owner


@pytest.mark.parametrize(
    ("path", "sent", "note"),
    [
        ("/f/nwes", {"data": TYPED}, "check the address in the form's action"),
        ("/f/closed", {"data": TYPED}, "relay forms enable closed"),
        ("/f/shop/thanks", {"data": TYPED}, 'A form needs method="post"'),
        ("/f/", {"data": TYPED}, "ends with /f/ and the form's name"),
        ("/f/news", {"data": {}}, "Inputs need a name attribute."),
        ("/f/news", {"data": {"box7": "x"}}, "These fields arrived: box7."),
        ("/f/news", {"data": b"x", "content_type": "a/b"}, "the content type a/b"),
        (
            "/f/news",
            {"data": {"x": "y" * 70_000}, "content_type": "multipart/form-data"},
            'Remove inputs with type="file"',
        ),
    ],
)
def test_a_mistake_on_the_website_is_explained_apart_from_what_visitors_read(
    forms: FlaskClient, path: str, sent: dict[str, Any], note: str
) -> None:
    page = forms.post(path, headers=BROWSER, **sent)
    assert note in owner(page)
    assert note not in visitor(page)


def test_a_page_elsewhere_is_named_to_its_owner_alone(forms: FlaskClient) -> None:
    elsewhere = {"Origin": "https://b.example"}
    page = forms.post("/f/shop", data=TYPED, headers=BROWSER | elsewhere)
    assert "from https://a.example only. This one came from https://b.example." in owner(page)
    assert "example" not in visitor(page)
    told = forms.post("/f/shop", data=TYPED, headers=JSON | elsewhere).get_json()["error"]
    assert told.startswith(
        "This form accepts sign-ups from https://a.example only. This one came from"
        " https://b.example. "
    )
    allowed = "relay forms edit shop --origin https://a.example --origin https://b.example"
    assert told.endswith(allowed) and allowed in owner(page)


def test_no_page_tells_a_stranger_which_forms_there_are(forms: FlaskClient) -> None:
    page = forms.post("/f/shpo", data=TYPED, headers=BROWSER)
    assert "shop" not in page.text and "closed" not in page.text


LARGE = {"x": "y" * 70_000}


@pytest.mark.parametrize(
    ("sent", "may_have_files"),
    [
        pytest.param({"data": LARGE, "content_type": "multipart/form-data"}, True, id="multipart"),
        pytest.param({"data": LARGE}, False, id="urlencoded"),
        pytest.param({"json": LARGE}, False, id="JSON"),
        pytest.param({"data": b"x" * 70_000, "content_type": "text/plain"}, False, id="text"),
    ],
)
def test_a_request_that_is_too_large_blames_files_only_if_it_may_have_some(
    forms: FlaskClient, sent: dict[str, Any], may_have_files: bool
) -> None:
    page = forms.post("/f/news", headers=BROWSER, **sent)

    assert page.status_code == 413
    assert "shorten long texts" in visitor(page)
    assert ("leave out files" in visitor(page)) == may_have_files
    assert ('type="file"' in owner(page)) == may_have_files


@pytest.mark.parametrize("path", ["/f/news", "/f/none"])
def test_a_file_is_named_as_what_is_not_kept(forms: FlaskClient, path: str) -> None:
    sent = {"email": "ada@", "cv": (io.BytesIO(b"%PDF"), "cv.pdf")}
    page = forms.post(path, data=sent, headers=BROWSER, content_type="multipart/form-data")
    assert "Files are not kept." in owner(page)
    assert all("cv" not in text for _, text in copies(page))


def test_a_form_without_a_mistake_has_no_note(forms: FlaskClient) -> None:
    assert owner(forms.get("/f/news", headers=BROWSER)) == ""
    assert owner(forms.post("/f/news", data={"email": "ada@"}, headers=BROWSER)) == ""
    assert 'method="post"' in owner(forms.get("/f/news?email=ada@example.com", headers=BROWSER))


def test_our_own_page_makes_no_mistake_of_a_websites(
    forms: FlaskClient, save_form: SaveForm
) -> None:
    save_form("club", consent_box="required")
    ours = {"Origin": "http://127.0.0.1:8080", "Referer": "http://127.0.0.1:8080/f/club"}
    for sent in ({}, {"email": "ada@example.com"}):
        page = forms.post("/f/club", data=sent, headers=BROWSER | ours)
        assert page.status_code == 422
        assert owner(page) == ""
        assert "name" in owner(forms.post("/f/club", data=sent, headers=BROWSER))


def test_a_page_of_copies_sorts_no_more_fields_than_it_may_show(
    forms: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorted_names: list[int] = []

    def count(posted: dict[str, list[str]], _: Form) -> Any:
        sorted_names.append(len(posted))
        return sort_fields(posted, _)

    monkeypatch.setattr("web.signup.typed_values.sort_fields", count)
    for path in ("/f/none", "/f/closed", "/nowhere"):
        forms.post(path, data={f"f{n}": "x" for n in range(1000)}, headers=BROWSER)
    assert sorted_names == [MOST_SORTED] * 3
