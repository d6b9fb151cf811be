"""Every refused sign-up counts once, for its form and its code, and nothing tells who it was."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.domain.errors import LedgerUnavailable, SpoolRefused, VisitorLimited
from shared.domain.form import Form
from shared.domain.refusal import KeptRefusal
from shared.domain.refusal_history import worth_reporting
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support.builders import form
from tests.support.web_services import services_of
from web.signup.intake import Intake

ADA = {"email": "ada@example.org"}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"


@pytest.fixture
def counts(redis_client: "redis.Redis") -> FormCounts:
    return FormCounts(redis_client)


@pytest.fixture
def refused(
    app: Flask, redis_client: "redis.Redis", counts: FormCounts
) -> Callable[[], dict[str, dict[str, int]]]:
    """Flush, and return the refusals of all forms that have any, by form and code."""

    def read() -> dict[str, dict[str, int]]:
        for _ in range(3):  # a busy machine may be late, and then the same flush is sent again
            services_of(app).form_tallies.close()
        forms = Registry(redis_client).forms()
        found = counts.figures(forms, ["acme"])
        return {each.form.name: dict(each.refused) for each in found if each.refused}

    return read


@pytest.fixture
def last(counts: FormCounts, refused: Callable[[], object]) -> Callable[[], KeptRefusal]:
    """Flush, and return the only refusal that is kept of the form `news`."""

    def read() -> KeptRefusal:
        refused()
        (history,) = counts.histories([form()])
        (kept,) = history.last
        return kept

    return read


CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing filled in": ({"data": {"name": "Ada"}}, 422, "required"),
    "no e-mail address": ({"data": {"email": "ada"}}, 422, "invalid"),
    "too long": ({"data": ADA | {"first_name": "x" * 999}}, 422, "too_long"),
    "an unknown list": ({"data": ADA | {"_lists": "other"}}, 422, "unknown_list"),
    "a long key": ({"data": ADA, "headers": {"Idempotency-Key": "k" * 256}}, 422, "too_long"),
    "no JSON": ({"data": "{", "content_type": "application/json"}, 400, "malformed"),
    "nested JSON": ({"json": {"email": {"address": "ada"}}}, 422, "invalid"),
    "too large": ({"data": {"email": "x" * 70_000}}, 413, "too_large"),
    "an image": ({"data": "x", "content_type": "image/png"}, 415, "unsupported"),
    "a client that hangs up": (
        {"data": "email=", "environ_overrides": {"CONTENT_LENGTH": "99"}},
        400,
        "malformed",
    ),
}


@pytest.mark.parametrize(("sent", "status", "code"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("wants", ["text/html", "application/json"])
def test_a_refused_request_counts_once(
    wants: str,
    sent: dict[str, Any],
    status: int,
    code: str,
    client: FlaskClient,
    refused: Callable[[], object],
) -> None:
    sent = sent | {"headers": {"Accept": wants, **sent.get("headers", {})}}
    if "content_type" not in sent and "json" not in sent:
        sent["content_type"] = "application/x-www-form-urlencoded"
    assert client.post("/f/news", **sent).status_code == status
    assert refused() == {"news": {code: 1}}


def test_a_page_on_another_origin_counts(
    client: FlaskClient, save_form: Callable[..., Form], refused: Callable[[], object]
) -> None:
    save_form("shop", origins=("https://www.example.com",))
    sent = client.post("/f/shop", data=ADA, headers={"Origin": "https://other.example"})
    assert sent.status_code == 403
    assert refused() == {"shop": {"origin": 1}}


def test_a_script_on_another_origin_counts_though_its_post_never_comes(
    client: FlaskClient, save_form: Callable[..., Form], refused: Callable[[], object]
) -> None:
    save_form("shop", origins=("https://www.example.com",))
    for origin in ("https://other.example", "https://www.example.com", "null"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert client.options("/f/shop", headers=asked).status_code == 204
    assert client.options("/f/shop", headers={"Origin": "https://other.example"}).status_code == 204
    assert refused() == {"shop": {"origin": 1}}


def test_a_page_elsewhere_that_wants_to_draw_the_form_counts(
    client: FlaskClient, save_form: Callable[..., Form], refused: Callable[[], object]
) -> None:
    save_form("shop", origins=("https://www.example.com",))
    elsewhere = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
    assert client.get("/f/shop/fields", headers=elsewhere).status_code == 403
    assert client.options("/f/shop/fields", headers=elsewhere).status_code == 204
    listed = {"Origin": "https://www.example.com"}
    assert client.get("/f/shop/fields", headers=listed).status_code == 200
    assert client.get("/f/shop/fields").status_code == 200
    assert refused() == {"shop": {"not_shown": 1}}


IN_FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}
OTHER_PAGE = {"Referer": "https://other.example/"}


@pytest.mark.parametrize("origins", [(), ("https://www.example.com",)])
def test_a_page_elsewhere_that_shows_the_form_in_a_frame_counts(
    client: FlaskClient,
    save_form: Callable[..., Form],
    counts: FormCounts,
    refused: Callable[[], object],
    origins: tuple[str, ...],
) -> None:
    shop = save_form("shop", origins=origins)
    for headers, status in (
        (IN_FRAME | OTHER_PAGE, 403),
        (OTHER_PAGE, 200),  # a link to it
        (IN_FRAME, 200),  # from somewhere: the browser knows
        (IN_FRAME | {"Referer": "http://localhost/"}, 200),
        (IN_FRAME | {"Referer": "http://localhost/console/forms/shop"}, 200),
    ):
        assert client.get("/f/shop", headers=headers).status_code == status
    assert client.get("/f/shop?_preview=1", headers=IN_FRAME | OTHER_PAGE).status_code == 200
    assert refused() == {"shop": {"not_shown": 1}}
    (kept,) = counts.histories([shop])[0].last
    assert (kept.refusal.code, kept.refusal.origin) == ("not_shown", "https://other.example")


def test_a_listed_page_with_the_form_in_a_frame_does_not_count(
    client: FlaskClient, save_form: Callable[..., Form], refused: Callable[[], object]
) -> None:
    save_form("shop", origins=("https://www.example.com",))
    framed = IN_FRAME | {"Referer": "https://www.example.com/page"}
    assert client.get("/f/shop", headers=framed).status_code == 200
    assert refused() == {}


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        pytest.param(
            "OPTIONS",
            "/f/shop",
            {"Access-Control-Request-Method": "POST"},
            "origin",
            id="preflights",
        ),
        pytest.param("POST", "/f/shop", {}, "origin", id="posts"),
        pytest.param("GET", "/f/shop/fields", {}, "not_shown", id="drawings"),
        pytest.param("GET", "/f/shop", {"Sec-Fetch-Dest": "iframe"}, "not_shown", id="frames"),
    ],
)
def test_a_strangers_refusals_count_and_mean_next_to_nothing(
    client: FlaskClient,
    save_form: Callable[..., Form],
    counts: FormCounts,
    refused: Callable[[], object],
    method: str,
    path: str,
    headers: dict[str, str],
    code: str,
) -> None:
    shop = save_form("shop", origins=("https://www.example.com",))
    for number in range(50):
        client.open(
            path,
            method=method,
            headers={"Origin": f"https://www.g00d{number}.example", **headers},
            environ_base={"REMOTE_ADDR": "203.0.113.7"},
        )
    assert refused() == {"shop": {code: 50}}
    (history,) = counts.histories([shop])
    assert history.refused <= 2 and len(history.last) <= 2  # a minute may end meanwhile
    assert worth_reporting(shop, history) is None


def test_visitors_of_many_networks_mean_a_broken_form_at_once(
    client: FlaskClient,
    save_form: Callable[..., Form],
    counts: FormCounts,
    refused: Callable[[], object],
) -> None:
    shop = save_form("shop", origins=("https://www.example.com",))
    for number in range(5):
        headers = {"Origin": "https://new.example.com"}
        visitor = {"REMOTE_ADDR": f"203.0.{number}.7"}
        client.post("/f/shop", data=ADA, headers=headers, environ_base=visitor)
    assert refused() == {"shop": {"origin": 5}}
    found = worth_reporting(shop, *counts.histories([shop]))
    assert (
        found and "new.example.com is not among the websites that may post here" in found.sentence
    )
    assert "--origin https://www.example.com --origin https://new.example.com" in found.to_do


def test_a_closed_form_counts(
    client: FlaskClient, save_form: Callable[..., Form], refused: Callable[[], object]
) -> None:
    save_form("shop", enabled=False)
    assert client.post("/f/shop", data=ADA).status_code == 410
    assert refused() == {"shop": {"disabled": 1}}


def test_a_key_that_was_used_counts_and_the_first_use_does_not(
    client: FlaskClient, refused: Callable[[], object]
) -> None:
    key = {"Idempotency-Key": "k"}
    assert client.post("/f/news", data=ADA, headers=key).status_code == 303
    assert client.post("/f/news", data=ADA | {"phone": "1"}, headers=key).status_code == 422
    assert refused() == {"news": {"invalid": 1}}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (VisitorLimited, 429, "rate_limited"),
        (SpoolRefused, 503, "unavailable"),
        (LedgerUnavailable, 503, "unavailable"),
        (ZeroDivisionError, 500, "unavailable"),
    ],
)
def test_a_sign_up_that_cannot_be_stored_counts(
    error: type[Exception],
    status: int,
    code: str,
    client: FlaskClient,
    refused: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = (timedelta(seconds=5),) if error is VisitorLimited else ()

    def fail(*_: Any, **__: Any) -> None:
        raise error(*given)

    monkeypatch.setattr(Intake, "check", fail)
    assert client.post("/f/news", data=ADA).status_code == status
    assert refused() == {"news": {code: 1}}


def test_what_is_no_refused_sign_up_counts_nowhere(
    client: FlaskClient, redis_client: "redis.Redis", refused: Callable[[], object]
) -> None:
    assert client.post("/f/unknown", data=ADA).status_code == 404
    assert client.get("/f/unknown").status_code == 404
    assert client.put("/f/news", data=ADA).status_code == 405
    assert client.options("/f/news").status_code == 204
    assert client.post("/f/news", data=ADA).status_code == 303
    assert client.post("/f/news", data=ADA | {"_gotcha": "x", "email": "bad"}).status_code == 303
    assert refused() == {}
    assert not list(redis_client.scan_iter("relay:refusals:*"))


# --- what is kept of the last ones


def test_of_the_last_ones_everything_that_helps_is_kept(
    client: FlaskClient, last: Callable[[], KeptRefusal]
) -> None:
    headers = {"Origin": "https://www.example.com", "User-Agent": CHROME}
    client.post("/f/news", data={"letter box": "ada", "first_name": "Ada"}, headers=headers)
    refusal = last().refusal
    assert refusal.code == "required"
    assert refusal.fields == ("letter box", "first_name")
    assert refusal.origin == "https://www.example.com"
    assert refusal.client == "Chrome"
    assert abs(last().at.timestamp() - time.time()) < 30


@pytest.mark.parametrize(
    ("posted", "wrong", "mendable"),
    [
        ({"email": "ada"}, [("email", "invalid", True)], True),
        ({"E-Mail": ""}, [("email", "required", True)], True),
        ({"letter box": "ada"}, [("email", "required", False)], False),
        (
            {"email": "ada", "_lists": "other"},
            [("email", "invalid", True), ("_lists", "unknown_list", True)],
            False,
        ),
    ],
)
def test_the_wrong_fields_are_kept_by_the_names_that_the_form_has(
    posted: dict[str, str],
    wrong: list[tuple[str, str, bool]],
    mendable: bool,
    client: FlaskClient,
    last: Callable[[], KeptRefusal],
) -> None:
    client.post("/f/news", data=posted, headers={"Origin": "https://www.example.com"})
    refusal = last().refusal
    assert [(each.field, each.code, each.arrived) for each in refusal.wrong] == wrong
    assert (refusal.visitor_can_mend, refusal.hosted) == (mendable, False)


@pytest.mark.parametrize(
    ("posted", "origin"),
    [
        ({"_page": "https://shop.example/a?who=ada"}, "https://shop.example"),
        ({"_referrer": "https://shop.example/a"}, "https://shop.example"),
        ({"_page": "ada", "_referrer": "javascript:ada"}, None),
        ({}, None),
    ],
)
def test_of_the_hosted_form_the_page_that_shows_it_is_kept(
    posted: dict[str, str],
    origin: str | None,
    client: FlaskClient,
    last: Callable[[], KeptRefusal],
) -> None:
    hosted = {"Origin": "http://localhost", "Referer": "http://localhost/f/news"}
    client.post("/f/news", data=posted | {"email": ""}, headers=hosted)
    refusal = last().refusal
    assert (refusal.origin, refusal.hosted, refusal.visitor_can_mend) == (origin, True, True)
    assert refusal.fields == ("email",)


def test_typing_errors_of_many_visitors_mean_no_broken_form(
    client: FlaskClient, counts: FormCounts, refused: Callable[[], object]
) -> None:
    for number in range(5):
        visitor = {"REMOTE_ADDR": f"203.0.{number}.7"}
        headers = {"Origin": "https://www.example.com"}
        client.post("/f/news", data={"email": "ada"}, headers=headers, environ_base=visitor)
    for read_as in (True, False):  # nobody got past the field; then somebody does
        assert refused() == {"news": {"invalid": 5}}
        found = worth_reporting(form(), *counts.histories([form()]))
        assert (found is not None) == read_as
        client.post("/f/news", data=ADA)


def test_nothing_that_tells_who_it_was_is_kept(
    client: FlaskClient, redis_client: "redis.Redis", refused: Callable[[], object]
) -> None:
    person = "grace.hopper"
    client.post(
        f"/f/news?email={person}@example.org",
        data={f"{person}@example.org": person, f'{{"name":"{person}"}}': "", "first_name": person},
        headers={
            "User-Agent": f"{CHROME} {person}",
            "Referer": f"https://{person}@www.example.com/{person}?{person}#{person}",
            "X-Forwarded-For": "203.0.113.7",
        },
        environ_base={"REMOTE_ADDR": "203.0.113.7"},
    )
    assert refused() == {"news": {"required": 1}}
    kept = redis_client.lrange("relay:refusals:news:last", 0, -1)
    assert len(kept) == 1
    text = json.dumps(kept)
    assert person not in text and "203.0.113" not in text
    assert "https://www.example.com" in text


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"Origin": "null"}, "null"),
        ({"Origin": "http://localhost:8000"}, "http://localhost:8000"),
        ({"Origin": "https://[2001:db8::1]:8443"}, "https://[2001:db8::1]:8443"),
        ({"Origin": "HTTPS://WWW.Example.com"}, "https://www.example.com"),
        ({"Referer": "https://www.example.com/page?who=ada"}, "https://www.example.com"),
        ({"Origin": "https://ada@example.org"}, "https://example.org"),
        ({"Origin": "chrome-extension://abcdef"}, None),
        ({"Origin": "https://ada example"}, None),
        ({"Origin": "https://[::1"}, None),
        ({"Origin": "https://example.org:x"}, None),
        ({"Origin": f"https://{'x' * 300}.example"}, None),
        ({"Origin": "ada"}, None),
        ({}, None),
    ],
)
def test_of_the_page_only_scheme_and_host_are_kept(
    headers: dict[str, str],
    origin: str | None,
    client: FlaskClient,
    last: Callable[[], KeptRefusal],
) -> None:
    client.post("/f/news", data={"name": "Ada"}, headers=headers)
    assert last().refusal.origin == origin


def test_a_form_that_is_gone_is_counted_no_more(
    client: FlaskClient, redis_client: "redis.Redis", refused: Callable[[], object]
) -> None:
    client.post("/f/news", data={"name": "Ada"})
    Registry(redis_client).remove_form("news")
    assert refused() == {}
    Registry(redis_client).save_form(form("news"))
    assert refused() == {}
