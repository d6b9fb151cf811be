"""Jobs by the API: a snapshot of any size, its progress, and its end."""

from typing import Any

import pytest
import redis
from flask import Flask

from shared.domain.form import ListRef
from shared.domain.signup import Contact, DeathReason
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.api_script import Script
from tests.support.builders import bury
from tests.support.web_services import services_of
from tests.web.api.test_api_errors import is_error


def many(ledger: Ledger, count: int, **of: Any) -> list[str]:
    return [bury(ledger, f"{number}@example.com", **of) for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 250])
def test_a_job_has_all_that_match_when_it_starts(
    operator: Script, ledger: Ledger, count: int
) -> None:
    many(ledger, count)
    started = operator.post("/replays", reason="rejected").get_json()
    bury(ledger, "later@example.com")
    found = operator.get(f"/replays/{started['id']}").get_json()
    assert (started["total"], found["total"]) == (count, count)
    assert (found["done"], found["delivered"], found["dead"]) == (0, 0, 0)
    assert found["state"] in ("running", "waiting")
    assert (found["by"], found["accounts"]) == ("operator", ["acme"])


def test_it_says_what_the_day_leaves(app: Flask, operator: Script, ledger: Ledger) -> None:
    many(ledger, 2)
    pace = services_of(app).operations.retries.job_ledger.pace
    used = ledger.pace.used_today("test-key")
    started = operator.post("/replays").get_json()
    quota = started["quota"]
    assert quota["left"] == pace.per_day - used
    assert quota["resets_at"].endswith("T00:00:00Z")
    assert quota["resets_at"] > utc_now().isoformat()
    ledger.hold_quota("acme", jitter=0)  # Constant Contact's word beats our own count
    assert operator.get(f"/replays/{started['id']}").get_json()["quota"]["left"] == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, 4),
        ({"state": "dead"}, 4),
        ({"account": "acme"}, 3),
        ({"form": "shop"}, 1),
        ({"reason": "gave_up"}, 1),
        ({"account": "acme", "reason": "rejected"}, 2),
        ({"since": "2026-01-01"}, 4),
    ],
)
def test_each_filter(
    redis_client: "redis.Redis",
    save_form: Any,
    operator: Script,
    ledger: Ledger,
    body: dict[str, str],
    expected: int,
) -> None:
    Registry(redis_client).save_account(builders.account("blue"))
    save_form("shop", account="blue")
    many(ledger, 2)
    bury(ledger, "g@example.com", reason=DeathReason.GAVE_UP)
    builders.accept(ledger, "b@example.com", account="blue", form="shop")
    builders.bury_claim(ledger, builders.claimed(ledger, account="blue"))
    assert operator.post("/replays", **body).get_json()["total"] == expected


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"state": "quarantined"}, "state"),
    ({"reason": "honeypot"}, "reason"),
    ({"account": "nobody"}, "account"),
    ({"form": "nothing"}, "form"),
    ({"since": "soon"}, "since"),
    ({"email": "nobody"}, "email"),
    ({"limit": 5}, "limit"),
    ({"ids": []}, "ids"),
    ({"form_lists": "yes"}, "form_lists"),
    ({"form_lists": True, "without": ["phone"]}, "form_lists"),
    ({"without": ["email"]}, "without"),
    ({"set": {"city": "Rome", "": "x"}}, "set"),
]


def test_a_wrong_filter_is_named_and_nothing_starts(
    operator: Script, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    many(ledger, 1)
    for body, field in WRONG:
        error = is_error(operator.post("/replays", **body), 422)
        assert [each["field"] for each in error["errors"]] == [field], body
    assert "replay" not in [each.action for each in AuditTrail(redis_client).entries()]


def test_of_nothing_there_is_none(operator: Script, ledger: Ledger) -> None:
    is_error(operator.post("/replays"), 409)
    many(ledger, 1)
    is_error(operator.post("/replays", reason="poison"), 409)
    assert operator.post("/replays").status_code == 200
    is_error(operator.post("/replays", reason="poison"), 409)


def test_one_person(app: Flask, operator: Script, ledger: Ledger) -> None:
    finder = services_of(app).operations.lists.finder
    bury(ledger, "ada@example.com", person=finder.fingerprints().person("ada@example.com"))
    many(ledger, 2)
    started = operator.post("/replays", email="ada@example.com")
    assert started.get_json()["total"] == 1
    assert "ada@example.com" not in started.text


def test_they_go_to_the_lists_of_their_forms(
    save_form: Any, operator: Script, ledger: Ledger
) -> None:
    many(ledger, 3)
    gone = builders.accept(ledger, "gone@example.com", form="gone").id
    builders.bury_claim(ledger, builders.claimed(ledger))
    save_form(lists=(ListRef("new", "Weekly"),))
    started = operator.post("/replays", form_lists=True).get_json()
    assert (started["total"], started["refused"]) == (3, 1)
    assert started["action"] == "retry_form_lists"
    is_error(operator.post("/replays", form="gone", form_lists=True), 409)
    assert [signup.state for signup in ledger.signups("acme", [gone])] == ["dead"]


def test_a_job_that_is_not_there(admin: Script) -> None:
    is_error(admin.get("/replays/nobody"), 404)
    is_error(admin.post("/replays/nobody/cancel"), 404)


def test_cancelling_leaves_them_dead(operator: Script, ledger: Ledger) -> None:
    many(ledger, 3)
    id = operator.post("/replays").get_json()["id"]
    cancelled = operator.post(f"/replays/{id}/cancel").get_json()
    assert (cancelled["state"], cancelled["cancelled"]) == ("cancelled", 3)
    assert operator.get("/status").get_json()["accounts"][0]["dead"] == 3
    again = operator.post(f"/replays/{id}/cancel").get_json()
    assert (again["state"], again["cancelled"]) == ("cancelled", 3)


def test_a_viewer_watches(operator: Script, viewer: Script, ledger: Ledger) -> None:
    many(ledger, 1)
    id = operator.post("/replays").get_json()["id"]
    assert viewer.get(f"/replays/{id}").get_json()["total"] == 1


def test_a_field_is_left_out_and_another_is_set(operator: Script, ledger: Ledger) -> None:
    many(ledger, 2)
    fields = {"email_address": "ada@example.com", "city": "Paris", "phone_number": "1"}
    contact = Contact(fields=fields)
    builders.accept(ledger, "ada@example.com", contact=contact)
    builders.bury_claim(ledger, builders.claimed(ledger))
    answer = operator.post("/replays", without=["phone"], set={"city": "Paris"})
    started = answer.get_json()
    assert (started["total"], started["refused"], started["action"]) == (3, 0, "retry_edited")
    assert started["edit"] == {"without": ["phone"], "set": ["city"]}
    assert "Paris" not in answer.text
    is_error(operator.post("/replays", without=["phone"]), 409)
