"""GET /f/<form>/fields: what a script needs to draw a form, and who may read it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.domain.form import Form, ListRef
from tests.support.web_services import services_of

THEIRS = "https://a.example"
EVIL = "https://evil.example"
FETCH = {"Origin": THEIRS, "Accept": "application/json", "Sec-Fetch-Mode": "cors"}

SaveForm = Callable[..., Form]


def described(client: FlaskClient, name: str = "news") -> dict[str, Any]:
    answer = client.get(f"/f/{name}/fields", headers=FETCH)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json is not None
    return dict(answer.json)


def test_all_inputs_of_the_hosted_form_are_described(client: FlaskClient) -> None:
    told = described(client)
    assert [(each["name"], each["label"], each["required"]) for each in told["inputs"]] == [
        ("email", "E-mail address", True),
        ("first_name", "First name", False),
        ("last_name", "Last name", False),
        ("favourite_cake", "Favourite cake", False),
    ]
    assert told["inputs"][0]["type"] == "email"
    assert [each["autocomplete"] for each in told["inputs"]] == [
        *("email", "given-name", "family-name", "on"),
    ]
    page = client.get("/f/news").text
    for each in told["inputs"]:
        assert f'name="{each["name"]}" type="{each["type"]}"' in page
    assert told["lists"] is None
    assert told["consent"]["box"] == "none"
    assert told["consent"]["text"] in page
    trap = {name: value for name, value in told["honeypot"].items() if name != "label"}
    assert all((f'{name}="{value}"' if value else name) in page for name, value in trap.items())


def test_what_a_form_says_and_asks(client: FlaskClient, save_form: SaveForm) -> None:
    save_form(
        "club",
        title="Join",
        lists=(ListRef("id-1", "News"), ListRef("id-2", "Events")),
        consent_box="required",
        consent_text="Write to me.",
        button="Count me in",
        success="Welcome!",
        accent="#ffd500",
    )
    told = described(client, "club")
    assert (told["name"], told["title"]) == ("club", "Join")
    assert (told["button"], told["success"]) == ("Count me in", "Welcome!")
    assert (told["accent"], told["background"]) == ("#ffd500", None)
    assert told["lists"]["name"] == "_lists"
    assert told["lists"]["choices"] == [
        {"value": "id-1", "label": "News", "checked": True},
        {"value": "id-2", "label": "Events", "checked": True},
    ]
    assert told["hidden"]["_lists"] == ""
    assert told["consent"] == {"name": "consent", "text": "Write to me.", "box": "required"}


def test_a_form_without_consent_text_has_none(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("plain", consent_text="")
    assert described(client, "plain")["consent"] is None


def test_the_time_token_is_one_of_this_form(app: Flask, client: FlaskClient) -> None:
    token = described(client)["hidden"]["_t"]
    assert services_of(app).time_tokens.age("news", token) is not None


def test_what_is_described_can_be_posted(
    client: FlaskClient, stored: Callable[[], list[dict[str, Any]]]
) -> None:
    told = described(client)
    posted = {each["name"]: "Ada" for each in told["inputs"]} | {"email": "ada@example.com"}
    posted |= {told["honeypot"]["name"]: ""} | told["hidden"]
    assert client.post("/f/news", data=posted, headers=FETCH).status_code == 202
    [signup] = stored()
    assert (signup["state"], signup["contact"]["other"]) == ("queued", {})


@pytest.mark.parametrize(
    ("form", "origin", "status", "readable_by"),
    [
        ("news", EVIL, 200, EVIL),
        ("news", None, 200, "*"),
        ("listed", THEIRS, 200, THEIRS),
        ("listed", "null", 200, "*"),
        ("listed", EVIL, 403, EVIL),
        ("gone", THEIRS, 410, THEIRS),
        ("nwes", THEIRS, 404, THEIRS),
    ],
)
def test_a_page_may_read_it_that_may_post_and_others_why_not(
    client: FlaskClient,
    save_form: SaveForm,
    form: str,
    origin: str | None,
    status: int,
    readable_by: str,
) -> None:
    save_form("listed", origins=(THEIRS, "https://b.example"))
    save_form("gone", enabled=False)
    headers = {"Accept": "application/json"} | ({"Origin": origin} if origin else {})
    answer = client.get(f"/f/{form}/fields", headers=headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == readable_by
    assert "Origin" in answer.headers["Vary"]
    if status != 200:
        assert answer.json is not None and answer.json["error"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_browser_may_keep_it_for_a_minute(client: FlaskClient) -> None:
    answer = client.get("/f/news/fields", headers=FETCH)
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert {"Origin", "Accept-Language"} <= set(answer.vary)


@pytest.mark.parametrize("form", ["news", "nwes"])
def test_a_page_whose_monitoring_adds_headers_may_ask_too(client: FlaskClient, form: str) -> None:
    asked = {
        "Origin": THEIRS,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "baggage,sentry-trace",
    }
    answer = client.options(f"/f/{form}/fields", headers=asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == THEIRS
    assert "sentry-trace" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ("https://new.example", f"edit listed --origin {THEIRS} --origin https://new.example"),
        (
            "https://a.example:8443",
            f"edit listed --origin {THEIRS} --origin https://a.example:8443",
        ),
        ("https://$(id).example", None),
    ],
)
def test_a_page_that_may_not_draw_it_reads_which_command_allows_it(
    client: FlaskClient, save_form: SaveForm, origin: str, command: str | None
) -> None:
    save_form("listed", origins=(THEIRS,))
    answer = client.get("/f/listed/fields", headers=FETCH | {"Origin": origin})
    error = answer.get_json()["error"]
    assert f"This page is of {origin}." in error
    assert error.endswith(f"relay forms {command}" if command else "add its origin to the form.")


def test_a_frame_elsewhere_says_how_to_allow_it(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("listed", origins=(THEIRS,))
    headers = {"Sec-Fetch-Dest": "iframe", "Referer": f"{EVIL}/page"}
    page = client.get("/f/listed", headers=headers)
    assert page.status_code == 403
    assert f"relay forms edit listed --origin {THEIRS} --origin {EVIL}" in page.text
    assert "<form" not in page.text
    assert '<a href="/f/listed" target="_blank">' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {THEIRS} {EVIL}")
