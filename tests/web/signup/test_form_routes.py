"""POST and GET /f/<form>: bodies, answers, errors, and pages that keep what was typed."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import CustomField, Form, ListRef
from shared.domain.signup import State
from shared.infrastructure.settings import Settings
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.web_services import change_services
from web.app import create_app

Stored = Callable[[], list[dict[str, Any]]]
SaveForm = Callable[..., Form]

JSON = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def problem(response: TestResponse) -> list[tuple[str, str]]:
    """Return (field, code) of each error in a JSON answer."""
    assert response.json is not None
    assert response.json["ok"] is False
    assert response.json["error"]
    assert all(error["message"] for error in response.json["errors"])
    return [(error["field"], error["code"]) for error in response.json["errors"]]


# --- bodies


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": {"email": "zoë@example.com", "FNAME": "Zoë"}}, id="urlencoded"),
        pytest.param(
            {
                "data": {"email": "zoë@example.com", "FNAME": "Zoë", "cv": (io.BytesIO(b"x"), "")},
                "content_type": "multipart/form-data",
            },
            id="multipart with a file",
        ),
        pytest.param({"json": {"email": "zoë@example.com", "FNAME": "Zoë"}}, id="JSON"),
        pytest.param(
            {
                "data": '{"email": "zoë@example.com", "FNAME": "Zoë"}',
                "content_type": "text/plain;charset=UTF-8",
            },
            id="JSON as text/plain",
        ),
    ],
)
def test_all_kinds_of_bodies(client: FlaskClient, stored: Stored, body: dict[str, Any]) -> None:
    response = client.post("/f/news", headers=JSON, **body)
    assert response.status_code == 202
    [signup] = stored()
    assert signup["state"] == State.QUEUED
    assert signup["contact"]["fields"] == {"email_address": "zoë@example.com", "first_name": "Zoë"}
    assert signup["contact"]["other"] == {}


def test_json_values_become_text(client: FlaskClient, stored: Stored) -> None:
    posted = {"email": "a@example.com", "n": 5, "x": 1.5, "y": True, "z": None, "l": ["a", 2]}
    assert client.post("/f/news", json=posted).status_code == 202
    assert stored()[0]["contact"]["other"] == {"n": "5", "x": "1.5", "y": "true", "l": ["a", "2"]}


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "[{}, {}]", '"a"', "null", "[" * 30_000, '{"a":' * 25 + "1" + "}" * 25],
)
def test_json_that_is_none_is_400(client: FlaskClient, body: str) -> None:
    response = client.post("/f/news", data=body, content_type="application/json")
    assert (response.status_code, problem(response)) == (400, [])


PART = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n'
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        pytest.param(PART + b"ada@example.co", MULTIPART, id="multipart cut short"),
        pytest.param(b"hello", "multipart/form-data", id="no boundary"),
        pytest.param(b"hello", "text/plain", id="plain text"),
        pytest.param(b"hello", "application/json", id="no JSON"),
    ],
)
def test_what_is_no_form_is_400(client: FlaskClient, data: bytes, content_type: str) -> None:
    response = client.post("/f/news", data=data, content_type=content_type, headers=JSON)
    assert (response.status_code, problem(response)) == (400, [])


@pytest.mark.parametrize("content_type", ["application/xml", "image/png", ""])
def test_other_bodies_are_415(client: FlaskClient, content_type: str) -> None:
    response = client.post("/f/news", data=b"<a/>", content_type=content_type, headers=JSON)
    assert (response.status_code, problem(response)) == (415, [])


def test_64_kib_pass_and_one_byte_more_is_413(client: FlaskClient) -> None:
    def post(size: int, **environ: str) -> int:
        start = b"email=ada%40example.com&remarks="
        body = io.BytesIO(start + b"x" * (size - len(start)))
        kind = "application/x-www-form-urlencoded"
        return client.post(
            "/f/news",
            input_stream=body,
            content_type=kind,
            headers=JSON,
            environ_overrides={"wsgi.input_terminated": True, **environ},
        ).status_code

    for environ in ({}, {"HTTP_TRANSFER_ENCODING": "chunked"}):
        assert post(64 * 1024, **environ) == 202
        assert post(64 * 1024 + 1, **environ) == 413


def test_a_body_cut_short_is_no_sign_up(client: FlaskClient, stored: Stored) -> None:
    response = client.post(
        "/f/news",
        data=b"email=ada%40example.co",
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "30"},
    )
    assert response.status_code == 400
    assert stored() == []


def test_an_empty_post_tells_beginners_about_names(client: FlaskClient) -> None:
    response = client.post("/f/news", headers=JSON)
    assert problem(response) == [("email", "required")]
    assert response.status_code == 422
    assert response.json is not None and "name attribute" in response.json["error"]
    assert "name attribute" in client.post("/f/news", headers=BROWSER).text


def test_a_form_without_an_address_field_is_told_which_fields_arrived(client: FlaskClient) -> None:
    posted = {"hobby": "x", "ada@example.org": "y", "z" * 60: "z", "_next": "/thanks"}
    response = client.post("/f/news", data=posted, headers=JSON)
    assert (response.status_code, problem(response)) == (422, [("email", "required")])
    assert response.json is not None
    arrived = f"These fields arrived: hobby, (name not shown), {'z' * 39}…."
    assert arrived in response.json["error"]
    assert arrived in client.post("/f/news", data=posted, headers=BROWSER).text


def test_at_most_ten_of_the_fields_that_arrived_are_named(client: FlaskClient) -> None:
    error = client.post("/f/news", data={f"f{n}": "x" for n in range(15)}, headers=JSON).text
    assert "f9" in error
    assert "f10" not in error


def test_a_required_box_that_no_field_means_is_the_owners_to_name(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("club", consent_box="required")
    posted = {"email": "ada@example.org", "box7": "on"}
    answer = client.post("/f/club", data=posted, headers=JSON)
    assert problem(answer) == [("consent", "required")]
    assert "named like the consent box. These fields arrived: email, box7." in answer.text
    said_no = client.post("/f/club", data=posted | {"consent": "0"}, headers=JSON)
    assert "owner" not in said_no.text


def test_fields_in_the_address_beside_a_body_are_kept_and_not_sent(
    client: FlaskClient, stored: Stored
) -> None:
    address = "/f/news?email=old@example.org&source=footer&first_name=Old"
    client.post(address, data={"input_3": "ada@example.org"}, headers=JSON)
    contact = stored()[0]["contact"]
    assert contact["fields"] == {"email_address": "ada@example.org"}
    assert contact["other"] == {
        "query[email]": "old@example.org",
        "query[source]": "footer",
        "query[first_name]": "Old",
    }


def test_an_address_field_that_was_left_empty_is_the_visitors_to_fill_in(
    client: FlaskClient,
) -> None:
    error = client.post("/f/news", data={"e-mail": "", "hobby": "x"}, headers=JSON).text
    assert "owner" not in error


def test_a_compressed_body_is_415(client: FlaskClient) -> None:
    response = client.post(
        "/f/news", data=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"}
    )
    assert response.status_code == 415
    assert response.json is not None and "Content-Encoding" in response.json["error"]


# --- answers


@pytest.mark.parametrize(
    ("headers", "body", "is_json"),
    [
        pytest.param(BROWSER, "data", False, id="browser"),
        pytest.param({"Accept": "*/*"}, "data", False, id="curl"),
        pytest.param({}, "data", False, id="no Accept"),
        pytest.param(JSON, "data", True, id="fetch"),
        pytest.param({"Accept": "application/json, text/html;q=0.5"}, "data", True, id="prefers"),
        pytest.param(
            BROWSER | {"X-Requested-With": "XMLHttpRequest"}, "data", True, id="XMLHttpRequest"
        ),
        pytest.param({"Accept": "*/*"}, "json", True, id="JSON body"),
        pytest.param(BROWSER, "json", False, id="JSON body of a browser"),
    ],
)
def test_who_gets_json(
    client: FlaskClient, headers: dict[str, str], body: str, is_json: bool
) -> None:
    options: dict[str, Any] = {body: {"email": "ada@example.com"}}
    response = client.post("/f/news", headers=headers, **options)
    assert response.status_code == (202 if is_json else 303)
    assert response.json if is_json else response.location


@pytest.mark.parametrize("kind", ["application/vnd.api+json", "text/json", "text/plain"])
def test_json_of_any_type_gets_json(client: FlaskClient, kind: str) -> None:
    body = '{"email": "ada@example.com"}'
    assert client.post("/f/news", data=body, content_type=kind).status_code == 202


def test_json_can_be_asked_for_in_the_address(client: FlaskClient) -> None:
    posted = {"email": "ada@example.com"}
    assert client.post("/f/news?format=json", data=posted, headers=BROWSER).status_code == 202


def test_the_json_answer(client: FlaskClient, stored: Stored, redis_client: "redis.Redis") -> None:
    answer = client.post("/f/news", json={"email": "ada@example.com"}).json
    assert answer is not None
    assert redis_client.exists(f"relay:{{acme}}:signup:{answer['id']}")
    assert answer | {"id": "", "message": ""} == {
        "ok": True,
        "id": "",
        "status": "queued",
        "next": "http://127.0.0.1:8080/f/news/thanks",
        "message": "",
    }


def test_the_same_again_gets_the_same_answer(client: FlaskClient, stored: Stored) -> None:
    answers = [client.post("/f/news", json={"email": "ada@example.com"}).json for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(stored()) == 1


@pytest.mark.parametrize("trap", [{}, {"_gotcha": "x"}])
def test_an_idempotency_key_stands_for_one_content(
    client: FlaskClient, stored: Stored, trap: dict[str, str]
) -> None:
    def post(**posted: str) -> TestResponse:
        return client.post("/f/news", json=posted, headers={"Idempotency-Key": "k"})

    first = post(email="ada@example.com", **trap).json
    assert post(email="ada@example.com").json == post(email="ada@example.com", **trap).json == first
    other = post(email="eve@example.com", **trap)
    assert (other.status_code, problem(other)) == (422, [])
    assert len(stored()) == 1
    long = client.post(
        "/f/news", json={"email": "a@example.com"}, headers={"Idempotency-Key": "k" * 256}
    )
    assert (long.status_code, problem(long)) == (422, [("Idempotency-Key", "too_long")])


def test_a_honeypot_is_answered_alike_and_quarantined(client: FlaskClient, stored: Stored) -> None:
    clean = client.post("/f/news", json={"email": "ada@example.com"})
    caught = client.post("/f/news", json={"email": "eve@example.com", "_gotcha": "x"})
    assert clean.json is not None and caught.json is not None
    assert caught.status_code == clean.status_code
    assert caught.json | {"id": ""} == clean.json | {"id": ""}
    assert {each["state"] for each in stored()} == {State.QUEUED, State.QUARANTINED}


def test_consent_is_kept_with_where_it_was_given(client: FlaskClient, stored: Stored) -> None:
    client.post(
        "/f/news",
        data={"email": "ada@example.com"},
        headers={"Referer": "https://user:pw@a.example/blog?session=secret#top"},
    )
    consent = stored()[0]["consent"]
    assert consent["page"] == "https://a.example/blog"
    assert consent["address"] == "127.0.0.1"
    assert consent["box"] is None


def test_an_old_copy_of_the_form_is_evidence_of_the_text_that_it_shows(
    client: FlaskClient, stored: Stored, save_form: SaveForm, redis_client: "redis.Redis"
) -> None:
    old = builders.form("club", consent_text="Old text.")
    new = builders.form("club", consent_text="New text.").after(old, now="2026-03-01T12:00:00Z")
    Registry(redis_client).save_form(new)
    for email, said in (
        ("ada@example.com", old.consent_version),
        ("bo@example.com", new.consent_version),
        ("cy@example.com", "no version"),
    ):
        client.post("/f/club", data={"email": email, "_consent": said}, headers=JSON)
    shown = {
        each["contact"]["fields"]["email_address"]: (
            each["consent"]["version"],
            bool(each["consent"]["stated"]),
        )
        for each in stored()
    }
    assert shown == {
        "ada@example.com": (old.consent_version, True),
        "bo@example.com": (new.consent_version, True),
        "cy@example.com": (new.consent_version, False),
    }
    texts = redis_client.hgetall("relay:{acme}:consent-texts")
    assert texts == {old.consent_version: "Old text.", new.consent_version: "New text."}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://user:pw@search.example/find?q=ada#top", "https://search.example/find"),
        ("android-app://com.example", None),
        ("javascript:alert(1)", None),
        ("https://search.example/" + "x" * 500, None),
    ],
)
def test_where_the_visitor_came_from_is_kept_without_what_was_searched_for(
    client: FlaskClient, stored: Stored, said: str, kept: str | None
) -> None:
    client.post("/f/news", data={"email": "ada@example.com", "_referrer": said}, headers=JSON)
    assert stored()[0]["consent"]["referrer"] == kept
    assert "_referrer" not in stored()[0]["contact"]["other"]


def test_the_hosted_form_says_what_it_shows_and_where_its_visitor_came_from(
    client: FlaskClient, save_form: SaveForm
) -> None:
    form = save_form("club")
    page = client.get("/f/club", headers={"Referer": "https://a.example/blog?session=secret"})
    assert f'name="_consent" value="{form.consent_version}"' in page.text
    assert 'name="_referrer" value="https://a.example/blog"' in page.text
    assert page.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


# --- errors


def test_an_unknown_form_is_404_and_named_to_scripts(client: FlaskClient) -> None:
    response = client.post("/f/nwes", json={"email": "ada@example.com"})
    assert (response.status_code, problem(response)) == (404, [])
    assert response.json is not None and "nwes" in response.json["error"]
    page = client.post("/f/<b>", data={}, headers=BROWSER)
    assert page.status_code == 404
    assert "<b>" not in page.text and "&lt;b&gt;" not in page.text


def test_a_form_made_just_now_is_known_at_once(client: FlaskClient, save_form: SaveForm) -> None:
    assert client.get("/f/new").status_code == 404
    save_form("new")
    assert client.get("/f/new").status_code == 200


def test_a_disabled_form_is_410(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("old", enabled=False)
    assert client.get("/f/old").status_code == 410
    response = client.post("/f/old", json={"email": "ada@example.com"})
    assert (response.status_code, problem(response)) == (410, [])


def test_a_visitor_who_sends_too_many_waits(
    settings_with: Callable[..., Settings], save_form: SaveForm
) -> None:
    save_form()
    client = create_app(settings_with()).test_client()
    emails = [f"v{number}@example.com" for number in range(31)]
    *passed, limited = [client.post("/f/news", json={"email": email}) for email in emails]
    assert {response.status_code for response in passed} == {202}
    assert (limited.status_code, problem(limited)) == (429, [])
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    page = client.post("/f/news", data={"email": "last@example.com"}, headers=BROWSER)
    assert page.status_code == 429
    assert 'value="last@example.com"' in page.text


@pytest.mark.parametrize("headers", [JSON, BROWSER], ids=["JSON", "browser"])
def test_an_unexpected_error_reveals_nothing(
    app: Flask, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret of ada@example.com")

    change_services(app, intake=type("Broken", (), {"check": fail})())
    response = app.test_client().post("/f/news", data={"email": "ada@example.com"}, headers=headers)
    assert response.status_code == 500
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "secret" not in response.text
    [record] = [each for each in caplog.records if each.name == "web.error_answers"]
    assert (record.__dict__["error"], Path(__file__).name in record.__dict__["place"]) == (
        "RuntimeError",
        True,
    )
    assert "ada@" not in caplog.text and "secret of" not in caplog.text


@pytest.mark.parametrize("path", ["/embed", "/f/", "/f/news/x"])
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
    answer = client.get(path, headers=JSON)
    assert (answer.status_code, problem(answer)) == (404, [])


def test_other_methods_are_405(client: FlaskClient) -> None:
    response = client.put("/f/news", headers=JSON)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


# --- pages


def test_the_hosted_form(app: Flask, client: FlaskClient) -> None:
    response = client.get("/f/news")
    assert response.status_code == 200
    for part in ('name="email"', 'name="first_name"', 'name="favourite_cake"', 'name="_gotcha"'):
        assert part in response.text
    assert "Favourite cake" in response.text
    assert 'type="checkbox"' not in response.text
    assert "You can unsubscribe at any time." in response.text
    assert "<script" not in response.text and "style=" not in response.text


def test_a_page_that_asks_for_a_correction_keeps_the_time_token(
    client: FlaskClient, stored: Stored
) -> None:
    token = _time_token(client.get("/f/news").text)
    wrong = client.post("/f/news", data={"email": "ada@", "_t": token}, headers=BROWSER)
    assert _time_token(wrong.text) == token
    forged = client.post("/f/news", data={"email": "ada@", "_t": "x"}, headers=BROWSER)
    assert _time_token(forged.text) not in ("x", token)
    client.post("/f/news", data={"email": "ada@example.com", "_t": token}, headers=BROWSER)
    assert "_t" not in stored()[0]["contact"].get("other", {})


def _time_token(page: str) -> str:
    """Return the only time token of the page."""
    [token] = re.findall(r'type="hidden" name="_t" value="(\w+)"', page)
    return str(token)


def test_lists_and_consent_are_offered_where_there_is_a_choice(
    client: FlaskClient, save_form: SaveForm
) -> None:
    lists = (ListRef("id-1", "News"), ListRef("id-2", "Offers"))
    save_form("two", lists=lists, consent_box="required")
    page = client.get("/f/two").text
    assert page.count('type="checkbox"') == 3
    assert "Offers" in page


def test_the_error_page_keeps_everything(client: FlaskClient, save_form: SaveForm) -> None:
    save_form(
        "two",
        lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")),
        custom_fields=(CustomField("c", "cake", "Cake"),),
        consent_box="optional",
    )
    response = client.post(
        "/f/two",
        data={
            "email": "ada@",
            "your-name": "Ada <Lovelace>",
            "phone": "1" * 26,
            "cake": 'Sacher "torte"',
            "hobby": ["sailing", "chess"],
            "_next": "/thanks",
            "_lists": "Offers",
            "consent": "yes",
        },
        headers=BROWSER | {"Referer": "https://a.example/page"},
    )
    page = response.text
    assert response.status_code == 422
    for value in (
        'value="ada@"',
        'value="Ada"',
        'value="&lt;Lovelace&gt;"',
        f'value="{"1" * 26}"',
        'value="Sacher &#34;torte&#34;"',
        'name="hobby" value="sailing"',
        'name="hobby" value="chess"',
        'name="_next" value="/thanks"',
        'name="_page" value="https://a.example/page"',
        'name="_lists" value="id-2" checked',
        'name="consent" value="yes" checked',
    ):
        assert value in page
    assert 'name="_lists" value="id-1" checked' not in page
    assert page.count('aria-invalid="true"') == 2
    assert 'aria-describedby="field-phone-error"' in page and 'id="field-phone-error"' in page
    assert 'role="alert"' in page and 'href="#field-email"' in page


def test_the_error_page_can_be_sent_again_as_if_from_the_first_page(
    client: FlaskClient, stored: Stored
) -> None:
    response = client.post(
        "/f/news",
        data={"email": "ada@example.com", "_next": "/ok", "_page": "https://a.example/page"},
        headers=BROWSER | {"Origin": "http://127.0.0.1:8080"},
    )
    assert response.location == "https://a.example/ok"
    assert stored()[0]["consent"]["page"] == "https://a.example/page"


@pytest.mark.parametrize("other", ["https://evil.example/", "home"])
def test_a_page_that_is_not_ours_cannot_name_another(
    client: FlaskClient, stored: Stored, other: str
) -> None:
    response = client.post(
        "/f/news",
        data={"email": "ada@example.com", "_next": "/ok", "_page": other},
        headers=BROWSER | {"Origin": "https://a.example"},
    )
    assert response.location == "https://a.example/ok"
    assert stored()[0]["consent"]["page"] == "https://a.example"


@pytest.mark.parametrize(
    "origin", [{"Origin": "https://a.example"}, {"Referer": "https://a.example/"}]
)
def test_a_page_names_itself_as_browsers_tell_its_origin_alone(
    client: FlaskClient, stored: Stored, origin: dict[str, str]
) -> None:
    response = client.post(
        "/f/news",
        data={"email": "ada@example.com", "_next": "ok", "_page": "https://a.example/b/c?d=e"},
        headers=BROWSER | origin,
    )
    assert response.location == "https://a.example/b/ok"
    assert stored()[0]["consent"]["page"] == "https://a.example/b/c"


def test_the_thanks_page(client: FlaskClient) -> None:
    assert "Thank you" in client.get("/f/news/thanks").text
    assert client.get("/f/nwes/thanks").status_code == 404


def test_pages_may_load_no_scripts_and_lead_only_where_the_form_does(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("two", redirect="https://b.example/done", origins=("https://a.example",))
    headers = client.get("/f/two").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert "form-action 'self' https://a.example https://b.example;" in policy
    assert policy.endswith("frame-ancestors 'self' https://a.example")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


def test_an_odd_redirect_cannot_add_to_the_policy(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("two", redirect="https://b.example;script-src * /x")
    assert "script-src" not in client.get("/f/two").headers["Content-Security-Policy"]


def test_error_answers_are_json_all_through(client: FlaskClient) -> None:
    response = client.post("/f/news", json={"email": ""})
    assert set(json.loads(response.text)) == {"ok", "error", "errors"}


@pytest.mark.parametrize("email", ["", "not an address"])
def test_a_robot_that_got_the_address_wrong_is_told_nothing(
    client: FlaskClient, redis_client: "redis.Redis", email: str
) -> None:
    answer = client.post("/f/news", json={"email": email, "o": "x", "_gotcha": "x"})
    assert (answer.status_code, answer.json and answer.json["ok"]) == (202, True)
    assert redis_client.hget("relay:{acme}:totals", "quarantined") == "1"


@pytest.mark.parametrize("origin", ["http://[", "null", "https://[::1", "nonsense"])
def test_an_origin_that_is_no_address_is_no_server_error(client: FlaskClient, origin: str) -> None:
    posted = client.post("/f/news", json={"email": "a@example.com"}, headers={"Origin": origin})
    assert posted.status_code < 500


def test_a_field_that_speaks_to_terminals_is_kept_as_plain_text(
    client: FlaskClient, stored: Stored
) -> None:
    posted = client.post("/f/news", json={"email": "a@example.com", "\x1b]0;x\x07": "y\x1b[1m"})
    assert posted.status_code == 202
    assert stored()[0]["contact"]["other"] == {"]0;x": "y[1m"}


# --- in a frame of a website


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_that_says_why_there_is_no_form_is_framed_too(
    client: FlaskClient, save_form: SaveForm, method: str
) -> None:
    save_form("gone", enabled=False, origins=("https://a.example",))
    headers = BROWSER | {"Sec-Fetch-Dest": "iframe"}
    answer = client.open("/f/gone", method=method, headers=headers)
    assert answer.status_code == 410
    assert "frame-ancestors 'self' https://a.example" in answer.headers["Content-Security-Policy"]
    assert "/static/frame.js" in answer.text


@pytest.mark.parametrize(
    ("path", "destination", "has_script"),
    [
        ("/f/news", "iframe", True),
        ("/f/news/thanks", "iframe", True),
        ("/f/news", "document", False),
        ("/f/news", None, False),
        ("/f/news?_preview=1", "iframe", False),
    ],
)
def test_only_a_page_in_a_frame_has_a_script(
    client: FlaskClient, path: str, destination: str | None, has_script: bool
) -> None:
    headers = {"Sec-Fetch-Dest": destination} if destination else {}
    answer = client.get(path, headers=headers)
    policy = answer.headers["Content-Security-Policy"]
    assert ("script-src 'self';" in policy) == has_script
    assert ("/static/frame.js" in answer.text) == has_script
    assert answer.text.count("<script") == has_script


def test_thanks_in_a_frame_do_not_say_that_the_page_can_be_closed(client: FlaskClient) -> None:
    assert "You can close this page." in client.get("/f/news/thanks").text
    framed = client.get("/f/news/thanks", headers={"Sec-Fetch-Dest": "iframe"}).text
    assert "Your sign-up has been received." in framed
    assert "close this page" not in framed
