"""Forms that ask for a proof of work: with it as always, without it quarantined, never refused."""

import re
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import Form
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support.proof_of_work import solution_of
from tests.support.web_services import services_of

SaveForm = Callable[..., Form]
Stored = Callable[[], list[dict[str, Any]]]
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def form(save_form: SaveForm, monkeypatch: pytest.MonkeyPatch) -> Form:
    monkeypatch.setattr("web.signup.altcha_challenges._ITERATIONS", 1)
    return save_form("club", captcha="altcha")


def solution(client: FlaskClient, form: str = "club") -> str:
    challenge = client.get(f"/f/{form}/challenge").json
    assert challenge is not None
    return solution_of(challenge)


def post(client: FlaskClient, email: str = "ada@example.com", **more: str) -> TestResponse:
    return client.post("/f/club", data={"email": email} | more, headers=JSON)


def states(stored: Stored) -> list[tuple[str, str | None]]:
    return sorted((each["state"], each.get("reason")) for each in stored())


def test_a_solved_one_is_accepted_and_the_solution_is_no_field(
    client: FlaskClient, stored: Stored
) -> None:
    assert post(client, altcha=solution(client)).status_code == 202
    [record] = stored()
    assert record["state"] == "queued"
    assert "altcha" not in str(record)


def test_the_work_is_checked_on_a_thread_and_not_in_the_event_loop(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def verify(*_: object) -> NoReturn:
        names.append(threading.current_thread().name)
        raise RuntimeError

    monkeypatch.setattr("web.signup.altcha_challenges.verify_solution", verify)
    post(client, altcha="x")
    assert [name.partition("_")[0] for name in names] == ["flask-usual"]


BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize("kind", [BROWSER, JSON], ids=["page", "JSON"])
@pytest.mark.parametrize("given", [{"altcha": "wrong"}, {"_asked": "yes"}, {"_gotcha": "x"}])
def test_without_a_right_one_the_answer_is_the_same_and_it_is_quarantined(
    client: FlaskClient, stored: Stored, given: dict[str, str], kind: dict[str, str]
) -> None:
    without = client.post("/f/club", data={"email": "ada@example.com"} | given, headers=kind)
    assert without.status_code == (303 if kind is BROWSER else 202)
    assert without.location in ("/f/club/thanks", None)
    assert states(stored) == [("quarantined", "captcha")]


def test_a_script_without_one_gets_the_same_answer(client: FlaskClient, stored: Stored) -> None:
    assert post(client).status_code == 202
    assert states(stored) == [("quarantined", "captcha")]


@pytest.mark.parametrize("given", [{}, {"altcha": ""}])
def test_somebody_whose_page_sent_none_is_asked_once_on_ours(
    client: FlaskClient, stored: Stored, counted: Callable[[], object], given: dict[str, str]
) -> None:
    typed = {"email": "ada@example.com", "first_name": "Ada"}
    page = client.post("/f/club", data=typed | given, headers=BROWSER)
    assert page.status_code == 200
    assert "Please press the button once more." in page.text
    assert 'value="ada@example.com"' in page.text and "<altcha-widget" in page.text
    assert states(stored) == [("quarantined", "captcha")]  # nobody is lost who leaves here
    assert counted() == {}
    hidden = dict(re.findall('<input type="hidden" name="(.+?)" value="(.*?)">', page.text))
    assert hidden["_asked"] == "yes"
    solved = client.post(
        "/f/club", data=typed | hidden | {"altcha": solution(client)}, headers=BROWSER
    )
    assert solved.status_code == 303
    assert states(stored) == [("quarantined", "captcha"), ("queued", None)]
    assert [record["contact"]["other"] for record in stored()] == [{}, {}]


@pytest.fixture
def counted(app: Flask, redis_client: "redis.Redis") -> Callable[[], dict[str, int]]:
    """Flush, and return what the form has refused."""

    def read() -> dict[str, int]:
        services_of(app).form_tallies.close()
        registry = Registry(redis_client)
        return dict(FormCounts(redis_client).figures(registry.forms(), ["acme"])[0].refused)

    return read


def test_a_solution_of_another_form_is_none(
    client: FlaskClient, save_form: SaveForm, stored: Stored
) -> None:
    save_form("other", captcha="altcha")
    post(client, altcha=solution(client, "other"))
    assert states(stored) == [("quarantined", "captcha")]


def test_a_solution_counts_once(client: FlaskClient, stored: Stored) -> None:
    used = solution(client)
    answers = [post(client, email, altcha=used) for email in ("a@example.com", "b@example.com")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert states(stored) == [("quarantined", "captcha"), ("queued", None)]


def test_a_double_click_is_one_sign_up(client: FlaskClient, stored: Stored) -> None:
    used = solution(client)
    one, other = post(client, altcha=used), post(client, altcha=used)
    assert one.json is not None and other.json is not None
    assert one.json["id"] == other.json["id"]
    assert states(stored) == [("queued", None)]


def test_wrong_fields_come_first_and_the_solution_stays_good(
    client: FlaskClient, stored: Stored
) -> None:
    used = solution(client)
    assert post(client, "ada", altcha=used).status_code == 422
    assert post(client, "ada").status_code == 422
    assert post(client, altcha=used).status_code == 202
    assert states(stored) == [("queued", None)]


def test_a_robot_is_told_by_all_its_signs(app: Flask, client: FlaskClient) -> None:
    answer = post(client, _gotcha="x")
    assert answer.json is not None
    found = services_of(app).ledger.find(answer.json["id"], ["acme"])
    assert found is not None
    assert found.reasons == ("captcha", "honeypot")
    assert found.score == 200


def test_an_empty_form_is_still_called_empty(client: FlaskClient) -> None:
    answer = client.post("/f/club", data={"email": "", "altcha": solution(client)})
    assert "The form was empty." in answer.text or "name attribute" in answer.text
    named = client.post("/f/club", data={"e": "x", "altcha": solution(client)})
    assert "These fields arrived: e." in named.text


def test_the_page_has_the_widget_and_its_scripts_alone(client: FlaskClient) -> None:
    for page in (client.get("/f/club"), client.post("/f/club", data={"email": "x"})):
        assert '<altcha-widget challenge="/f/club/challenge"></altcha-widget>' in page.text
        assert '<script type="module" src="/static/captcha.js"></script>' in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self'; connect-src 'self';" in policy
        assert "unsafe" not in policy
    other = client.get("/f/news")
    assert "altcha" not in other.text and "captcha" not in other.text
    assert "script-src" not in other.headers["Content-Security-Policy"]


def test_a_challenge_is_new_each_time_and_may_be_read_by_the_forms_pages(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("club", captcha="altcha", origins=("https://www.example.com",))
    headers = {"Origin": "https://www.example.com"}
    one = client.get("/f/club/challenge", headers=headers)
    other = client.get("/f/club/challenge", headers=headers)
    assert one.json is not None and other.json is not None
    assert one.json["signature"] != other.json["signature"]
    assert one.headers["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert one.headers["Cache-Control"] == "no-store"
    asked = client.options("/f/club/challenge", headers=headers)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (
        204,
        "https://www.example.com",
    )


def test_a_form_without_a_captcha_has_no_challenge(client: FlaskClient, stored: Stored) -> None:
    refused = client.get("/f/news/challenge", headers=JSON)
    assert (refused.status_code, refused.json) == (
        404,
        {"ok": False, "error": "This form asks for no proof of work.", "errors": []},
    )
    answer = client.post("/f/news", data={"email": "ada@example.com", "altcha": "x"}, headers=JSON)
    assert answer.status_code == 202
    [record] = stored()
    assert record["state"] == "queued" and "altcha" not in str(record)


def test_modules_load_on_other_websites(client: FlaskClient) -> None:
    for name in ("captcha.js", "vendor/altcha/altcha.min.js", "vendor/altcha/de.js"):
        with client.get(f"/static/{name}") as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.mimetype == "text/javascript"
