"""However large a text is that a stranger sends, and wherever: the ledger keeps little of it."""

import functools
import json
import random
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.domain.form import CustomField, Form
from shared.infrastructure.settings import Settings
from shared.ledger.stores.registry import Registry
from tests.support.valkey_server import ValkeyServer
from tests.support.web_services import services_of
from web.app import create_app

SaveForm = Callable[..., Form]
Stored = Callable[[], list[dict[str, Any]]]

SENT = 62 * 1024  # with the rest, a body of 64 KiB
MOST_STORED = 16 * 1024
MOST_SPOOLED = 24 * 1024  # where the contact is a text within a text
ADDRESS = "ada@example.com"


@functools.cache
def letters(size: int = SENT) -> str:
    """Return what no encoding makes shorter."""
    return "".join(random.Random(1).choices(string.ascii_letters, k=size))


def body(**fields: Any) -> dict[str, Any]:
    return {"data": json.dumps(fields), "content_type": "application/json"}


def multipart(**fields: Any) -> dict[str, Any]:
    return {"data": fields, "content_type": "multipart/form-data"}


INVISIBLE = "\u200b" * (SENT // 3)
MANY = {f"field{number}": "x" for number in range(3000)}
KNOWN = ("first_name", "company", "street", "city")

ACCEPTED: dict[str, dict[str, Any]] = {
    "a field that no form knows": body(email=ADDRESS, junk=letters()),
    "a hidden name": body(email=ADDRESS, hidden={"junk": letters()}),
    "the name of a field": body(email=ADDRESS, **{letters(): "x"}),
    "a name of signs that JSON escapes": body(email=ADDRESS, **{"x" + '"\\' * 4000: "x"}),
    "many names": body(email=ADDRESS, **MANY),
    "many values of one name": body(email=ADDRESS, junk=["x"] * 7000),
    "many values of names that are known": body(
        email=ADDRESS, **{k: ["x", *"yz" * 1500] for k in KNOWN}
    ),
    "what was typed for the address": multipart(email=f"{ADDRESS}{INVISIBLE}"),
    "what was typed for a part": multipart(email=ADDRESS, birthday=f"1990-05-17{INVISIBLE}"),
    "the name of a part": multipart(email=ADDRESS, **{f"{letters()}[full name]": "Ada  Byron"}),
    "a second value of a known field": body(email=ADDRESS, first_name=["Ada", letters()]),
    "the consent box": body(email=ADDRESS, consent=f"yes {letters()}"),
    "many values of the consent box": body(email=ADDRESS, consent=["yes"] * 8000),
    "an instruction": body(email=ADDRESS, _next="https://a.example/" + letters()),
    "an unknown instruction": body(email=ADDRESS, _junk=letters()),
    "the page that posted": body(email=ADDRESS)
    | {"headers": {"Referer": "https://a.example/" + letters(28 * 1024)}},
    "the page that posted, of 2,000 letters": body(email=ADDRESS)
    | {"headers": {"Referer": "https://a.example/" + "é" * 1900}},
    "the page that our own page carries": body(
        email=ADDRESS, _page="https://a.example/" + letters(SENT)
    ),
    "the page before it": body(
        email=ADDRESS, _referrer="https://a.example/" + letters(SENT // 3), _language=letters(9000)
    ),
    "the text that it showed": body(email=ADDRESS, _consent=letters()),
    "the program that posts": body(email=ADDRESS) | {"headers": {"User-Agent": letters(28 * 1024)}},
    "the visitor's address": body(email=ADDRESS)
    | {"headers": {"X-Forwarded-For": letters(28 * 1024)}},
    "the form's address": body(email=ADDRESS) | {"query_string": {"utm": letters(28 * 1024)}},
}
CAUGHT: dict[str, dict[str, Any]] = {
    f"a robot's {name}": body(**{"email": ADDRESS, "_gotcha": "x", name: letters()})
    for name in ("email", "first_name", "company", "phone", "cake", "junk", "consent", "_gotcha")
} | {
    "a robot's typed address": multipart(_gotcha="x", email=f"{ADDRESS}{INVISIBLE}"),
    "as much as is kept of everything": body(
        _gotcha="x",
        **dict.fromkeys((*KNOWN, "email", "cake", "junk", "consent", "company"), letters(8000)),
    )
    | {"headers": {"Referer": "https://a.example/" + "é" * 1900}},
    "every sign of spam, in emojis": body(
        _gotcha="🎁" * 900,
        email="a.b.c.d." + "e" * 200 + "@mailinator.com",
        first_name="xkqjRTzpWq J\u043ehn https://a.example 9$ " + "🎁" * 900,
        last_name="Vwxgral viagra cialis 1xbet <b>x</b> " + "🎁" * 900,
        company="Bell www.bell.example " + "🎁" * 900,
        junk="See [url=x]y[/url] https://a.example https://b.example " + "🎁" * 900,
    ),
    "a robot's lists": body(email=ADDRESS, _gotcha="x", _lists=letters()),
    "a robot's fields, many": body(email=ADDRESS, _gotcha="x", **MANY),
    "a robot's custom field, many values": body(email=ADDRESS, _gotcha="x", cake=["x"] * 12000),
}
REFUSED: dict[str, dict[str, Any]] = {
    "the name of a refused field": body(**{letters(): "x"}),
    "many names of refused fields": body(**MANY),
    "the address": body(email=letters()),
    "a known field": body(email=ADDRESS, first_name=letters()),
    "a custom field": body(email=ADDRESS, cake=letters()),
    "unknown lists": body(email=ADDRESS, _lists=letters()),
    "the Idempotency-Key": body(email=ADDRESS)
    | {"headers": {"Idempotency-Key": letters(28 * 1024)}},
}
FORBIDDEN: dict[str, dict[str, Any]] = {
    "a refused page's origin": body(email=ADDRESS)
    | {"headers": {"Origin": f"https://{letters(28 * 1024)}.example"}},
}


@pytest.fixture
def form(save_form: SaveForm) -> Form:
    return save_form(
        "cakes",
        origins=("https://a.example",),
        consent_box="optional",
        custom_fields=(CustomField("cf-1", "cake", "Favourite cake"),),
    )


def stored_bytes(client: "redis.Redis") -> int:
    return sum(client.memory_usage(key, samples=0) or 0 for key in client.scan_iter())


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(sent, status, id=where)
        for status, places in (
            (202, ACCEPTED),
            (202, CAUGHT),
            (422, REFUSED),
            (403, FORBIDDEN),
        )
        for where, sent in places.items()
    ],
)
def test_a_large_text_costs_the_ledger_little(
    app: Flask,
    client: FlaskClient,
    form: Form,
    redis_client: "redis.Redis",
    request_: dict[str, Any],
    status: int,
) -> None:
    before = stored_bytes(redis_client)
    headers = {"Accept": "application/json", **request_.get("headers", {})}
    answer = client.post("/f/cakes", **{**request_, "headers": headers})
    assert answer.status_code == status, answer.text[:500]
    services_of(app).form_tallies.close()
    assert before < stored_bytes(redis_client) < before + MOST_STORED


def test_a_large_text_costs_the_disk_little_while_redis_is_away(
    settings: Settings, save_form: SaveForm, form: Form, tmp_path: Path
) -> None:
    with ValkeyServer(tmp_path / "valkey") as server, server.client() as redis_client:
        Registry(redis_client).save_form(form)
        own = replace(settings, redis_url=server.url(), visitor_limit=None, person_limit=None)
        app = create_app(own)
    for where, sent in (ACCEPTED | CAUGHT).items():
        before = spooled_bytes(app)
        assert app.test_client().post("/f/cakes", **sent).status_code in (202, 303), where
        assert spooled_bytes(app) < before + MOST_SPOOLED, where
    assert services_of(app).spool.figures().count > 5  # those of which all was cut are alike


def spooled_bytes(app: Flask) -> int:
    return services_of(app).spool.figures().bytes


def test_an_honest_letter_is_kept_whole(client: FlaskClient, form: Form, stored: Stored) -> None:
    message = "I should like to hear of your bread. " * 130
    client.post("/f/cakes", data={"email": ADDRESS, "message": message, "source": "footer"})
    assert stored()[0]["contact"]["other"] == {"message": message.strip(), "source": "footer"}


@pytest.mark.parametrize("robot", [{}, {"_gotcha": "x"}])
def test_what_is_cut_is_counted(
    client: FlaskClient, form: Form, stored: Stored, robot: dict[str, str]
) -> None:
    sent = {"email": ADDRESS, "junk": letters(50_000), "consent": letters(9000), "short": "kept"}
    client.post("/f/cakes", json=sent | robot)
    contact = stored()[0]["contact"]
    assert contact["other"] == {"short": "kept"}
    assert contact["cut"] == 2


def test_a_robots_wrong_values_are_kept_while_there_is_room(
    client: FlaskClient, form: Form, stored: Stored
) -> None:
    wrong = {"first_name": letters(3000), "street": letters(4000), "city": letters(5000)}
    client.post("/f/cakes", data={"email": ADDRESS, "_gotcha": "x", "cake": letters(6000)} | wrong)
    contact = stored()[0]["contact"]
    assert set(contact["fields"]) == {"email_address", "first_name", "street"}
    assert (contact["custom"], contact["cut"]) == ([], 2)
