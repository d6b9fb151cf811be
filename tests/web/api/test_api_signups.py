"""One sign-up by the API: what operators and viewers read of it, and what can be done with it."""

import json
from collections.abc import Callable

import pytest

from shared.domain.short_ids import short_id
from shared.domain.signup import Consent, Contact, CustomValue, DeathReason
from shared.ledger.ledger import Ledger
from tests.support.api_script import Script
from tests.support.builders import accept, attempt, bury, bury_claim, claimed, suspicion
from tests.support.web_services import services_of
from tests.web.api.test_api_errors import is_error

PERSON = "ada.lovelace@example.com"
# All that tells who the visitor is, wherever it is kept.
PERSONAL = (PERSON, "Ada", "Lovelace", "Countess", "198.51.100.23", "news.example", "contact-9")


@pytest.fixture
def ada(ledger: Ledger) -> str:
    """The id of a dead letter with all that a sign-up can have."""
    contact = Contact(
        fields={"email_address": PERSON, "first_name": "Ada", "last_name": "Lovelace"},
        custom=(CustomValue("7f1d1c1e-0000-4000-8000-000000000001", "title", "Countess"),),
        other={"nickname": "Countess"},
        typed={"first_name": "Ada "},
    )
    consent = Consent(
        text="Yes, write to me.",
        version="1",
        box=True,
        address="198.51.100.23",
        page="https://news.example/ada",
        posted="yes, Ada",
    )
    id = accept(ledger, PERSON, contact=contact, consent=consent).id
    sent = attempt(400, error_key="contacts.api.validation.error", message="no such list")
    bury_claim(ledger, claimed(ledger), sent, error_key=sent.error_key, message=sent.message)
    return id


def test_an_operator_reads_all_of_it(operator: Script, ada: str) -> None:
    found = operator.get(f"/signups/{ada}").get_json()
    assert (found["id"], found["account"], found["form"]) == (ada, "acme", "news")
    assert (found["email"], found["state"], found["reason"]) == (PERSON, "dead", "rejected")
    assert (found["error_key"], found["message"], found["attempts"]) == (
        "contacts.api.validation.error",
        "no such list",
        1,
    )
    assert found["received_at"].endswith("Z") and found["settled_at"].endswith("Z")
    assert found["fields"]["last_name"] == "Lovelace"
    assert found["custom_fields"] == {"title": "Countess"}
    assert found["other_fields"] == {"nickname": "Countess"}
    assert found["consent"]["address"] == "198.51.100.23"
    assert [each["status"] for each in found["history"]] == [400]
    assert found["short_id"] == short_id(ada)
    assert found["why"]


def test_a_viewer_reads_nothing_that_tells_who_it_is(
    operator: Script, viewer: Script, ada: str
) -> None:
    operator.patch(f"/signups/{ada}", last_name="King")
    answer = viewer.get(f"/signups/{ada}")
    assert answer.status_code == 200
    assert not [each for each in (*PERSONAL, "King") if each in answer.text]
    found, whole = answer.get_json(), operator.get(f"/signups/{ada}").get_json()
    assert found["email"] == "a…@e….com"
    assert found["fields"] == {"email_address": "a…@e….com"}
    assert found["consent"]["text"] == "Yes, write to me."
    assert found["message"] == "no such list"
    assert set(found) == set(whole)
    assert "Lovelace" in json.dumps(whole["history"])


def test_why_it_was_quarantined_without_what_was_typed_for_a_viewer(
    operator: Script, viewer: Script, ledger: Ledger
) -> None:
    why = suspicion("honeypot", "of_tomorrow", score=112, honeypot="Lovelace")
    id = accept(ledger, quarantine=why).id
    whole, found = (script.get(f"/signups/{id}").get_json() for script in (operator, viewer))
    assert (whole["reason"], whole["reasons"]) == ("honeypot", ["honeypot", "of_tomorrow"])
    assert (whole["score"], whole["seen"]) == (112, {"honeypot": "Lovelace"})
    assert found["reasons"] == whole["reasons"]
    assert found["seen"] == {}
    [listed] = operator.get("/signups?reason=honeypot").get_json()["signups"]
    assert (listed["reasons"], listed["score"]) == (whole["reasons"], 112)


def test_a_viewer_reads_no_note_of_a_discard(operator: Script, viewer: Script, ada: str) -> None:
    one_signup = services_of(operator.app).operations.one_signup
    one_signup.discard(ada, "it was Ada's sister")
    assert "sister" in operator.get(f"/signups/{ada}").text
    assert "sister" not in viewer.get(f"/signups/{ada}").text


@pytest.mark.parametrize("form", [str, str.upper, short_id])
def test_long_and_short_ids_are_the_same(
    operator: Script, ada: str, form: Callable[[str], str]
) -> None:
    id = form(ada)
    assert operator.get(f"/signups/{id}").get_json()["id"] == ada
    assert operator.patch(f"/signups/{id}", first_name="Augusta").status_code == 200
    assert operator.post(f"/signups/{id}/retry").get_json()["state"] == "queued"


@pytest.mark.parametrize(
    ("method", "end"),
    [("GET", ""), ("PATCH", ""), ("POST", "/retry"), ("POST", "/discard"), ("POST", "/deliver")],
)
def test_one_that_is_not_there(admin: Script, method: str, end: str) -> None:
    for id in ("nobody", "00000000-0000-4000-8000-000000000000", "a b", "é"):
        is_error(admin.ask(method, f"/signups/{id}{end}", json={}), 404)


# --- correcting


def test_the_corrected_fields_are_flat(operator: Script, ada: str) -> None:
    found = operator.patch(
        f"/signups/{ada}", email="grace@example.com", first_name=None, title="", nickname="Gracie"
    ).get_json()
    assert (found["email"], found["state"]) == ("grace@example.com", "dead")
    assert found["fields"] == {"email_address": "grace@example.com", "last_name": "Lovelace"}
    assert (found["custom_fields"], found["other_fields"]) == ({}, {"nickname": "Gracie"})
    assert operator.post(f"/signups/{ada}/retry").get_json()["state"] == "queued"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "no address", "invalid"),
        ("email", None, "required"),
        ("first_name", "x" * 51, "too_long"),
        ("no_such_field", "x", "invalid"),
        ("first_name", 5, "invalid"),
        ("custom", ["a"], "invalid"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_changed(
    operator: Script, ada: str, field: str, value: object, code: str
) -> None:
    error = is_error(operator.patch(f"/signups/{ada}", **{field: value}), 422)
    assert [(each["field"], each["code"]) for each in error["errors"]] == [(field, code)]
    assert operator.get(f"/signups/{ada}").get_json()["email"] == PERSON


# --- states


@pytest.fixture
def in_state(ledger: Ledger) -> Callable[[str], str]:
    """Return the id of a sign-up in this state."""

    def make(state: str) -> str:
        if state == "quarantined":
            return accept(ledger, quarantine="honeypot").id
        if state == "queued":
            return accept(ledger).id
        id = bury(ledger, reason=DeathReason.GAVE_UP)
        if state == "discarded":
            ledger.discard("acme", id)
        return id

    return make


@pytest.mark.parametrize(
    ("step", "allowed"),
    [
        ("retry", {"dead": "queued"}),
        ("discard", {"dead": "discarded", "quarantined": "discarded"}),
        ("deliver", {"quarantined": "queued"}),
    ],
)
@pytest.mark.parametrize("state", ["queued", "dead", "quarantined", "discarded"])
def test_a_state_allows_a_step_or_it_is_a_conflict(
    operator: Script,
    in_state: Callable[[str], str],
    step: str,
    allowed: dict[str, str],
    state: str,
) -> None:
    id = in_state(state)
    answer = operator.post(f"/signups/{id}/{step}")
    if state in allowed:
        assert answer.get_json()["state"] == allowed[state]
        is_error(operator.post(f"/signups/{id}/{step}"), 409)
    else:
        is_error(answer, 409)
        assert operator.get(f"/signups/{id}").get_json()["state"] == state


@pytest.mark.parametrize("state", ["queued", "discarded"])
def test_only_what_waits_for_a_decision_can_be_corrected(
    operator: Script, in_state: Callable[[str], str], state: str
) -> None:
    is_error(operator.patch(f"/signups/{in_state(state)}", first_name="Ada"), 409)


def test_what_cannot_be_sent_stays_in_quarantine(operator: Script, ledger: Ledger) -> None:
    id = accept(ledger, quarantine="honeypot", lists=()).id
    error = is_error(operator.post(f"/signups/{id}/deliver"), 409)
    assert "no list" in error["error"]


def test_a_record_that_nobody_can_read_is_no_error_of_ours(
    operator: Script, ledger: Ledger, ada: str
) -> None:
    ledger._client.set(f"relay:{{acme}}:signup:{ada}", "{}")
    for answer in (operator.get(f"/signups/{ada}"), operator.post(f"/signups/{ada}/discard")):
        is_error(answer, 409)
