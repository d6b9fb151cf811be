"""Lists of sign-ups by the API: filters, pages, and what is said of a wrong filter."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from flask import Flask

from shared.domain.signup import DeathReason
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.api_script import Script
from tests.support.builders import accept, bury, claimed
from tests.support.web_services import services_of
from tests.web.api.test_api_errors import is_error

Save = Callable[..., Any]


@pytest.fixture
def ids(redis_client: "redis.Redis", ledger: Ledger, save_form: Save) -> dict[str, str]:
    """Sign-ups in most states, by what they are, of the accounts `acme` and `blue`."""
    Registry(redis_client).save_account(builders.account("blue"))
    save_form("shop", account="blue")
    found = {
        "rejected": bury(ledger, "r@example.com"),
        "given up": bury(ledger, "g@example.com", reason=DeathReason.GAVE_UP),
        "discarded": bury(ledger, "x@example.com"),
        "caught": accept(ledger, "c@example.com", quarantine="honeypot").id,
    }
    ledger.discard("acme", found["discarded"])
    found["delivering"] = accept(ledger, "d@example.com").id
    claimed(ledger)
    found["queued"] = accept(ledger, "q@example.com").id
    found["of blue"] = accept(ledger, "b@example.com", account="blue", form="shop").id
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"rejected", "given up", "discarded", "caught", "delivering", "queued", "of blue"}),
        ("state=dead", {"rejected", "given up"}),
        ("state=due", {"delivering", "queued", "of blue"}),
        ("state=queued", {"queued", "of blue"}),
        ("state=delivering", {"delivering"}),
        ("state=quarantined", {"caught"}),
        ("state=discarded", {"discarded"}),
        ("state=delivered", set()),
        ("account=blue", {"of blue"}),
        ("form=shop", {"of blue"}),
        ("account=acme&state=due", {"delivering", "queued"}),
        ("reason=gave_up", {"given up"}),
        ("reason=honeypot", {"caught"}),
        ("reason=spike", set()),
        ("state=dead&reason=poison", set()),
        ("since=2026-01-01", {"rejected", "given up", "discarded", "caught", "delivering"}),
        ("since=2999-01-01T00:00:00Z", set()),
    ],
)
def test_each_filter(operator: Script, ids: dict[str, str], query: str, expected: set[str]) -> None:
    answer = operator.get(f"/signups?{query}")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    names = {id: name for name, id in ids.items()}
    shown = {names[each["id"]] for each in found["signups"]}
    assert shown == expected | (set() if "2026-01" not in query else {"queued", "of blue"})
    assert found["next"] is None


def test_the_last_received_come_first(operator: Script, ids: dict[str, str]) -> None:
    shown = operator.get("/signups").get_json()["signups"]
    times = [each["received_at"] for each in shown]
    assert times == sorted(times, reverse=True)
    assert set(shown[0]) == {
        *("id", "account", "form", "email", "state", "received_at", "settled_at", "attempts"),
        *("reason", "error_key", "message", "reasons", "score"),
    }


def test_since_leaves_out_what_was_received_before(operator: Script, ledger: Ledger) -> None:
    accept(ledger)
    later = (utc_now() + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert operator.get(f"/signups?since={later}").get_json()["signups"] == []
    earlier = (utc_now() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert len(operator.get(f"/signups?since={earlier}").get_json()["signups"]) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_have_each_once(operator: Script, ids: dict[str, str], limit: int) -> None:
    shown, cursor, pages = [], "", 0
    while cursor is not None:
        page = operator.get(
            f"/signups?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        ).get_json()
        assert len(page["signups"]) <= limit
        shown += [each["id"] for each in page["signups"]]
        cursor, pages = page["next"], pages + 1
        assert pages <= len(ids) + 1
    assert sorted(shown) == sorted(ids.values())


WRONG = [
    ("state=lost", "state"),
    ("state=", "state"),
    ("state=dead&state=queued", "state"),
    ("reason=boredom", "reason"),
    ("account=nobody", "account"),
    ("form=nothing", "form"),
    ("since=soon", "since"),
    ("since=0001-01-01", "since"),
    ("cursor=5", "cursor"),
    ("cursor=", "cursor"),
    ("limit=0", "limit"),
    ("limit=1001", "limit"),
    ("limit=-1", "limit"),
    ("limit=1.5", "limit"),
    ("limit=", "limit"),
    ("limit=9" + "9" * 5000, "limit"),
    ("colour=red", "colour"),
    ("email=ada@example.com", "email"),
    ("words=list", "words"),
]


def test_a_wrong_filter_is_named(operator: Script, ids: dict[str, str]) -> None:
    for query, field in WRONG:
        error = is_error(operator.get(f"/signups?{query}"), 422)
        assert [each["field"] for each in error["errors"]] == [field], query
        assert "ada@example.com" not in str(error)


# --- one person


def test_an_address_is_posted(app: Flask, operator: Script, ledger: Ledger) -> None:
    person = _fingerprint(app, "ada@example.com")
    one = accept(ledger, "ada@example.com", person=person).id
    accept(ledger, "grace@example.com")
    found = operator.post("/signups/search", email="Ada@Example.com").get_json()
    assert [each["id"] for each in found["signups"]] == [one]
    found = operator.post("/signups/search", email="ada@example.com", state="dead").get_json()
    assert found == {"signups": [], "next": None}


def _fingerprint(app: Flask, email: str) -> str:
    return services_of(app).operations.lists.finder.fingerprints().person(email)


WRONG_IN_JSON: list[tuple[dict[str, Any], str]] = [
    ({"email": "nobody"}, "email"),
    ({"email": 5}, "email"),
    ({"email": None}, "email"),
    ({"state": "lost"}, "state"),
    ({"limit": "10"}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"since": 5}, "since"),
    ({"colour": "red"}, "colour"),
]


def test_a_wrong_filter_of_a_search_is_named(operator: Script) -> None:
    for body, field in WRONG_IN_JSON:
        error = is_error(operator.post("/signups/search", **body), 422)
        assert [each["field"] for each in error["errors"]] == [field], body


def test_a_viewer_sees_masked_addresses(viewer: Script, ids: dict[str, str]) -> None:
    for answer in (viewer.get("/signups"), viewer.post("/signups/search", state="dead")):
        assert {each["email"][1:] for each in answer.get_json()["signups"]} == {"…@e….com"}


def test_a_cursor_has_no_address(operator: Script, ids: dict[str, str]) -> None:
    cursor = operator.post("/signups/search", limit=1).get_json()["next"]
    assert "@" not in cursor
    assert b"@" not in base64.urlsafe_b64decode(cursor + "===")


def test_what_nobody_can_read_is_left_out(
    operator: Script, redis_client: "redis.Redis", ids: dict[str, str]
) -> None:
    redis_client.set(f"relay:{{acme}}:signup:{ids['rejected']}", "{")
    shown = operator.get("/signups?state=dead").get_json()["signups"]
    assert [each["id"] for each in shown] == [ids["given up"]]
