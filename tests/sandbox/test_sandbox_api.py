"""The sandbox behaves as the Constant Contact V3 API is documented to."""

from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox import SandboxConfig
from tests.support.sandbox_app import (
    EMAIL,
    MONDAY,
    SIGN_UP,
    UNKNOWN_ID,
    Sandbox,
    assert_invalid_grant,
)


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox without a connection."""
    return Sandbox()


@pytest.fixture
def acme() -> Sandbox:
    """A sandbox that the owner of Acme Bakery has connected."""
    sandbox = Sandbox()
    sandbox.connect()
    return sandbox


# --- Who may call


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_call_without_a_good_token_is_unauthorized(sandbox: Sandbox, token: str) -> None:
    sandbox.token = token
    answer = sandbox.get("/v3/contact_lists")
    assert answer.status_code == 401
    assert answer.get_data() == b'{"error_key":"unauthorized","error_message":"Unauthorized"}'


def test_an_access_token_expires_after_24_hours(acme: Sandbox) -> None:
    acme.time += 86_390
    assert acme.get("/v3/contact_lists").status_code == 200
    acme.time += 10
    assert acme.get("/v3/contact_lists").status_code == 401


def test_a_campaign_creator_sees_lists_but_may_not_add_contacts(sandbox: Sandbox) -> None:
    sandbox.connect(user="Campaign Creator")
    assert sandbox.get("/v3/contact_lists").status_code == 200
    answer = sandbox.sign_up()
    assert answer.status_code == 403
    assert answer.get_json()["error_key"] == "access_denied"
    names = {
        each["privilege_name"] for each in sandbox.get("/v3/account/user/privileges").get_json()
    }
    assert "contacts:lists:read" in names
    assert "contacts:write" not in names


def test_a_privilege_can_be_taken_away_and_given_back(acme: Sandbox) -> None:
    acme.control(privileges={"remove": ["contacts:write"]})
    assert acme.sign_up().status_code == 403
    acme.control(privileges="restore")
    assert acme.sign_up().status_code == 201


def test_a_privilege_is_taken_from_one_account_alone(acme: Sandbox) -> None:
    acme.control(privileges={"remove": ["contacts:write"]}, organization="Blue Door Books")
    assert acme.sign_up().status_code == 201
    acme.connect(organization="Blue Door Books")
    names = {each["privilege_name"] for each in acme.get("/v3/account/user/privileges").get_json()}
    assert "contacts:read" in names
    assert "contacts:write" not in names


def test_contacts_are_read_and_deleted_only_with_the_privilege(acme: Sandbox) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    acme.control(privileges={"remove": ["contacts:write"]})
    assert acme.call("DELETE", f"/v3/contacts/{id}").status_code == 403
    assert "deleted_at" not in acme.contact()
    acme.control(privileges={"remove": ["contacts:read"]})
    assert acme.get(f"/v3/contacts?email={EMAIL}&status=all").status_code == 403


def test_a_missing_scope_is_refused(sandbox: Sandbox) -> None:
    sandbox.connect(scope="account_read")
    assert sandbox.get("/v3/contact_lists").status_code == 403
    assert sandbox.get("/v3/account/user/privileges").status_code == 200


def test_paths_outside_the_api_are_forbidden_and_unknown_ones_not_found(acme: Sandbox) -> None:
    outside = acme.get("/v2/contacts")
    assert (outside.status_code, outside.get_json()) == (403, {"message": "Forbidden"})
    inside = acme.get("/v3/nothing")
    assert inside.status_code == 404
    assert inside.get_json()[0]["error_key"] == "contacts.api.not_found"


# --- Sign-ups


def test_a_sign_up_creates_and_then_updates(acme: Sandbox) -> None:
    created, updated = acme.sign_up(), acme.sign_up("ANN@example.com")
    assert (created.status_code, created.get_json()["action"]) == (201, "created")
    assert (updated.status_code, updated.get_json()["action"]) == (200, "updated")
    assert created.get_json().keys() == {"contact_id", "action"}
    assert created.get_json()["contact_id"] == updated.get_json()["contact_id"]
    assert created.headers["x-amzn-RequestId"]


def test_an_update_changes_what_is_sent_and_adds_lists_and_fields(acme: Sandbox) -> None:
    cake, note = acme.field_id(), acme.field_id("birthday_note")
    acme.sign_up(
        first_name="Ann", last_name="Lee", custom_fields=[{"custom_field_id": cake, "value": "Rye"}]
    )
    acme.sign_up(
        last_name="Low",
        list_memberships=[acme.list_id("Birthday club")],
        custom_fields=[{"custom_field_id": note, "value": "Hi"}],
    )
    contact = acme.contact()
    assert (contact["first_name"], contact["last_name"]) == ("Ann", "Low")
    assert contact["list_memberships"] == [acme.list_id(), acme.list_id("Birthday club")]
    assert {each["custom_field_id"]: each["value"] for each in contact["custom_fields"]} == {
        cake: "Rye",
        note: "Hi",
    }


def test_a_new_contact_is_explicit_and_came_by_itself(acme: Sandbox) -> None:
    acme.sign_up()
    address = acme.contact()["email_address"]
    assert address["permission_to_send"] == "explicit"
    assert address["opt_in_source"] == "Contact"


def test_with_confirmed_opt_in_a_new_contact_is_pending(acme: Sandbox) -> None:
    acme.control(confirmed_opt_in=True)
    acme.sign_up()
    assert acme.contact()["email_address"]["permission_to_send"] == "pending_confirmation"


def test_confirmed_opt_in_can_be_on_for_one_account_alone(acme: Sandbox) -> None:
    acme.control(confirmed_opt_in=True, organization="Blue Door Books")
    acme.sign_up()
    assert acme.contact()["email_address"]["permission_to_send"] == "explicit"
    acme.control(confirmed_opt_in=True, organization="Acme Bakery")
    acme.sign_up("bea@example.com")
    address = acme.contact("bea@example.com")["email_address"]
    assert (address["permission_to_send"], address["confirm_status"]) == (
        "pending_confirmation",
        "pending",
    )
    acme.control(confirmed_opt_in=False)
    acme.sign_up("cem@example.com")
    assert acme.contact("cem@example.com")["email_address"]["permission_to_send"] == "explicit"


def test_a_sign_up_brings_an_unsubscribed_contact_back(acme: Sandbox) -> None:
    acme.sign_up()
    acme.control(unsubscribe=EMAIL)
    gone = acme.contact()["email_address"]
    assert gone["permission_to_send"] == "unsubscribed"
    assert gone["opt_out_date"]
    acme.sign_up()
    assert acme.contact()["email_address"]["permission_to_send"] == "explicit"


def test_an_unsubscribed_contact_gets_one_mail_and_returns_when_they_confirm(acme: Sandbox) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    path, body = f"/v3/contacts/resubscribe/{id}", {"list_ids": [acme.list_id()]}
    assert acme.call("PUT", path, json=body).status_code == 400  # not unsubscribed
    assert acme.client.post("/sandbox/control", json={"confirm": EMAIL}).status_code == 400
    acme.control(unsubscribe={"email": EMAIL, "at": MONDAY - 60})
    assert acme.contact()["email_address"]["opt_out_date"] == "2026-03-01T23:59:00Z"
    assert acme.call("PUT", path, json=body).status_code == 200
    again = acme.call("PUT", path, json=body)
    assert (again.status_code, acme.stats()["confirmation_mails"]) == (409, 1)
    asked = acme.contact()
    assert asked["email_address"]["permission_to_send"] == "unsubscribed"
    assert asked["list_memberships"] == []
    acme.control(confirm=EMAIL)
    confirmed = acme.contact()
    assert confirmed["email_address"]["permission_to_send"] == "explicit"
    assert confirmed["email_address"]["confirm_status"] == "confirmed"
    assert "opt_out_date" not in confirmed["email_address"]
    assert confirmed["list_memberships"] == [acme.list_id()]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"list_ids": "all"}, 400),
        ({"list_ids": ["no-uuid"]}, 400),
        ({"list_ids": [], "email": EMAIL}, 400),
        ({"list_ids": [UNKNOWN_ID]}, 404),
    ],
)
def test_a_resubscription_that_does_not_fit_the_schema_is_refused(
    acme: Sandbox, body: dict[str, Any], status: int
) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    acme.control(unsubscribe=EMAIL)
    assert acme.call("PUT", f"/v3/contacts/resubscribe/{id}", json=body).status_code == status
    unknown = f"/v3/contacts/resubscribe/{UNKNOWN_ID}"
    assert acme.call("PUT", unknown, json={"list_ids": []}).status_code == 404
    assert acme.stats()["confirmation_mails"] == 0


def test_contacts_are_found_by_exactly_their_status(acme: Sandbox) -> None:
    id = acme.sign_up("gone@example.com").get_json()["contact_id"]
    acme.call("DELETE", f"/v3/contacts/{id}")
    acme.sign_up("left@example.com")
    acme.control(unsubscribe="left@example.com")
    acme.sign_up("there@example.com")

    def found(query: str) -> set[str]:
        contacts = acme.get(f"/v3/contacts?{query}").get_json()["contacts"]
        return {each["email_address"]["address"].partition("@")[0] for each in contacts}

    assert found("") == {"left", "there"}
    assert found("status=all") == {"gone", "left", "there"}
    assert found("status=active") == {"there"}
    assert found("status=unsubscribed,deleted") == {"gone", "left"}
    assert found("status=unsubscribed&email=there@example.com") == set()
    assert acme.get("/v3/contacts?status=explicit").status_code == 400


def test_a_sign_up_restores_a_deleted_contact(acme: Sandbox) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    assert acme.call("DELETE", f"/v3/contacts/{id}").status_code == 204
    assert acme.get(f"/v3/contacts?email={EMAIL}").get_json()["contacts"] == []
    assert acme.contact()["deleted_at"]
    assert acme.sign_up().status_code == 200
    assert "deleted_at" not in acme.contact()


def test_a_full_sign_up_is_taken(acme: Sandbox) -> None:
    answer = acme.sign_up(
        first_name="Änn",
        job_title="Baker",
        company_name="Lee & Co",
        phone_number="+1 617 555 0100",
        anniversary="2/29/2020",
        birthday_month=2,
        birthday_day=29,
        street_address={"kind": "home", "street": "1 Main", "city": "Waltham"},
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"create_source": "Contact"}, "create_source", id="unknown property"),
        pytest.param({"email_address": {"address": EMAIL}}, "email_address", id="object address"),
        pytest.param({"email_address": "ann@example"}, "email_address", id="no domain"),
        pytest.param({"email_address": "a b@example.com"}, "email_address", id="blank in it"),
        pytest.param({"email_address": "a@" + "b" * 75 + ".com"}, "email_address", id="81 long"),
        pytest.param({"first_name": None}, "first_name", id="null"),
        pytest.param({"first_name": "x" * 51}, "first_name", id="51 letters"),
        pytest.param({"phone_number": "1" * 26}, "phone_number", id="26 digits"),
        pytest.param({"list_memberships": []}, "list_memberships", id="no list"),
        pytest.param({"list_memberships": [UNKNOWN_ID] * 51}, "list_memberships", id="51 lists"),
        pytest.param({"list_memberships": ["Newsletter"]}, "list_memberships", id="a list's name"),
        pytest.param({"birthday_month": 2}, "birthday", id="half a birthday"),
        pytest.param(
            {"birthday_month": True, "birthday_day": 1}, "birthday_month", id="true is no month"
        ),
        pytest.param({"anniversary": "yesterday"}, "anniversary", id="no date"),
        pytest.param({"street_address": {"city": "Waltham"}}, "kind", id="address of no kind"),
        pytest.param(
            {"custom_fields": [{"custom_field_id": UNKNOWN_ID, "value": "x"}]},
            "custom_field_id",
            id="unknown custom field",
        ),
        pytest.param({"custom_fields": [{"value": "x"}]}, "custom_field_id", id="nameless field"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(
    acme: Sandbox, changed: dict[str, Any], said: str
) -> None:
    answer = acme.sign_up(**changed)
    assert answer.status_code == 400
    problems = answer.get_json()
    assert all(each.keys() == {"error_key", "error_message"} for each in problems)
    assert problems[0]["error_key"] == "contacts.api.validation.error"
    assert said in " ".join(each["error_message"] for each in problems)
    assert acme.stats()["delivered"] == 0


def test_a_custom_field_takes_255_letters_and_no_more(acme: Sandbox) -> None:
    cake = acme.field_id()
    for length, status in ((255, 201), (256, 400)):
        fields = [{"custom_field_id": cake, "value": "x" * length}]
        assert acme.sign_up(custom_fields=fields).status_code == status


def test_lists_are_required(acme: Sandbox) -> None:
    assert acme.call("POST", SIGN_UP, json={"email_address": EMAIL}).status_code == 400
    no_address = {"list_memberships": [acme.list_id()]}
    assert acme.call("POST", SIGN_UP, json=no_address).status_code == 400


def test_an_unknown_or_deleted_list_is_not_found(acme: Sandbox) -> None:
    assert acme.sign_up(list_memberships=[UNKNOWN_ID]).status_code == 404
    acme.control(delete_list="Newsletter")
    assert acme.sign_up().status_code == 404
    acme.control(unknown_list_status=400)
    assert acme.sign_up().status_code == 400


def test_the_spec_s_50_letters_for_an_address_can_be_enforced(acme: Sandbox) -> None:
    address = "a" * 40 + "@example.com"
    assert acme.sign_up(address).status_code == 201
    acme.control(email_max=50)
    assert acme.sign_up(address).status_code == 400


def test_a_body_that_is_no_json_is_refused(acme: Sandbox) -> None:
    as_text = acme.call("POST", SIGN_UP, data="{}", content_type="text/plain")
    assert as_text.status_code == 415
    broken = acme.call("POST", SIGN_UP, data='{"a": 1,}', content_type="application/json")
    assert broken.status_code == 400
    assert broken.get_json()[0]["error_key"] == "contacts.api.validation.error"


def test_chosen_addresses_can_be_refused(acme: Sandbox) -> None:
    acme.control(refuse_email=EMAIL)
    assert acme.sign_up().status_code == 400
    acme.control(refuse_email=[])
    assert acme.sign_up().status_code == 201


def test_a_deleted_contact_is_found_among_the_deleted_and_cannot_be_deleted_again(
    acme: Sandbox,
) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    answer = acme.call("DELETE", f"/v3/contacts/{id}")
    assert (answer.status_code, answer.get_data()) == (204, b"")
    found = acme.get("/v3/contacts?status=deleted").get_json()["contacts"]
    assert [each["contact_id"] for each in found] == [id]
    assert acme.contact()["list_memberships"] == []
    assert acme.call("DELETE", f"/v3/contacts/{id}").status_code == 404


def test_a_contact_of_another_account_is_neither_found_nor_deleted(acme: Sandbox) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    acme.connect(organization="Blue Door Books")
    assert acme.get(f"/v3/contacts?email={EMAIL}&status=all").get_json()["contacts"] == []
    assert acme.call("DELETE", f"/v3/contacts/{id}").status_code == 404


@pytest.mark.parametrize(
    ("id", "status"),
    [pytest.param("17", 400, id="no UUID"), pytest.param(UNKNOWN_ID, 404, id="unknown")],
)
def test_deleting_nobody_is_an_error(acme: Sandbox, id: str, status: int) -> None:
    answer = acme.call("DELETE", f"/v3/contacts/{id}")
    assert answer.status_code == status
    assert answer.get_json()[0]["error_key"] == "contacts.api.not_found"


# --- Reading


def test_lists_come_in_pages_of_fifty(sandbox: Sandbox) -> None:
    sandbox.connect(organization="Blue Door Books")
    first = sandbox.get("/v3/contact_lists?include_count=true").get_json()
    assert len(first["lists"]) == 50
    assert first["lists_count"] == 57
    href = first["_links"]["next"]["href"]
    assert href.startswith("/v3/contact_lists?cursor=")
    second = sandbox.get(href).get_json()
    assert len(second["lists"]) == 7
    assert "_links" not in second


@pytest.mark.parametrize("path", ["/v3/contacts", "/v3/contact_lists", "/v3/contact_custom_fields"])
def test_every_collection_pages_to_its_end(acme: Sandbox, path: str) -> None:
    for name in ("ann", "ben", "cem"):
        acme.sign_up(f"{name}@example.com")
    pages, href = [], f"{path}?limit=2"
    while href:
        body = acme.get(href).get_json()
        pages.append(body)
        href = body.get("_links", {}).get("next", {}).get("href", "")
    assert len(pages) in (2, 3)
    assert acme.get(f"{path}?limit=0").status_code == 400
    assert acme.get(f"{path}?limit=1001").status_code == 400
    assert acme.get(f"{path}?cursor=x").status_code == 400


def test_lists_can_be_counted_and_filtered(acme: Sandbox) -> None:
    acme.sign_up()
    path = "/v3/contact_lists?include_membership_count=active&name=Newsletter"
    assert [each["membership_count"] for each in acme.get(path).get_json()["lists"]] == [1]
    acme.control(delete_list="Newsletter")
    assert acme.get(path).get_json()["lists"] == []
    assert len(acme.get(f"{path}&status=deleted").get_json()["lists"]) == 1


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        pytest.param(0, 1, id="none"),
        pytest.param(3, 1, id="fewer"),
        pytest.param(1001, 3, id="more than a page of the largest size"),
    ],
)
def test_an_account_can_be_given_any_number_of_lists(acme: Sandbox, count: int, pages: int) -> None:
    acme.sign_up(list_memberships=[acme.list_id(), acme.list_id("Birthday club")])
    acme.control(lists=count, organization="Acme Bakery")
    found, href, turned = [], "/v3/contact_lists?limit=500&status=all", 0
    while href:
        body = acme.get(href).get_json()
        found += [each["list_id"] for each in body["lists"]]
        href = body.get("_links", {}).get("next", {}).get("href", "")
        turned += 1
    assert (len(set(found)), len(found), turned) == (count, count, pages)
    assert set(acme.contact()["list_memberships"]) <= set(found)
    assert acme.client.get("/").status_code == 200
    counts = [each["lists"] for each in acme.control()["accounts"]]
    assert counts == [count, 57, 5]


def test_a_new_number_of_lists_brings_deleted_ones_back(acme: Sandbox) -> None:
    acme.control(delete_list="Newsletter")
    assert acme.sign_up().status_code == 404
    acme.control(lists=5, organization="Acme Bakery")
    assert acme.sign_up().status_code == 201


def test_a_list_that_is_gone_altogether_does_not_stop_a_restart(tmp_path: Path) -> None:
    before = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    before.control(delete_list="Birthday club")
    before.control(lists=0, organization="Acme Bakery")
    after = Sandbox(before.config, time=before.time)
    assert [each["lists"] for each in after.control()["accounts"]] == [0, 57, 4]


def test_custom_fields_have_names_and_labels(acme: Sandbox) -> None:
    fields = acme.get("/v3/contact_custom_fields").get_json()["custom_fields"]
    cake = next(each for each in fields if each["name"] == "favourite_cake")
    assert (cake["label"], cake["type"]) == ("Favourite cake", "string")


def test_the_summary_says_whose_account_it_is(acme: Sandbox) -> None:
    summary = acme.get("/v3/account/summary?extra_fields=physical_address").get_json()
    assert summary["encoded_account_id"] == "p07e1l8cdif9dl"
    assert summary["contact_email"] == "olive@acme-bakery.example"
    assert summary["physical_address"]["city"] == "Waltham"


# --- Limits


def statuses(sandbox: Sandbox, *offsets: float) -> list[int]:
    """Call at these moments of a fresh second; return the statuses."""
    start = sandbox.time + 10
    found = []
    for offset in offsets:
        sandbox.time = start + offset - 1  # a call is made a second later
        found.append(sandbox.get("/v3/contact_lists").status_code)
    return found


def test_four_calls_pass_in_any_rolling_second(acme: Sandbox) -> None:
    assert statuses(acme, 0, 0.25, 0.5, 0.75, 0.99, 1.0) == [200] * 4 + [429, 200]
    assert acme.stats()["throttled"] == 1
    assert acme.stats()["max_calls_in_any_rolling_second"] == 5


def test_a_rolling_second_ignores_the_clock_s_seconds(acme: Sandbox) -> None:
    assert statuses(acme, 0.9, 0.9, 0.9, 0.9, 1.1) == [200] * 4 + [429]


def test_a_fixed_second_begins_with_the_clock_s_second(acme: Sandbox) -> None:
    acme.control(rates={"window": "fixed"})
    assert statuses(acme, 0.9, 0.9, 0.9, 0.9, 0.95, 1.1) == [200] * 4 + [429, 200]


def test_a_throttled_call_gets_the_bare_object(acme: Sandbox) -> None:
    acme.control(rates={"requests_per_second": 0})
    answer = acme.get("/v3/contact_lists")
    assert answer.status_code == 429
    assert answer.get_json() == {"error_key": "throttled", "error_message": "Too Many Requests"}
    assert "Retry-After" not in answer.headers


def test_the_day_s_quota_ends_at_midnight_utc(acme: Sandbox) -> None:
    acme.time = MONDAY + 86_390
    acme.connect()
    acme.control(rates={"requests_per_day": 2})
    assert [acme.get("/v3/contact_lists").status_code for _ in range(3)] == [200, 200, 429]
    assert acme.get("/v3/contact_lists").get_json() == {
        "error_key": "quota_exceeded",
        "error_message": "Limit Exceeded",
    }
    acme.time = MONDAY + 86_400
    assert acme.get("/v3/contact_lists").status_code == 200


# --- Faults and changes from outside


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        pytest.param({"status": 503}, 503, "service_unavailable", id="unavailable"),
        pytest.param({"html": True}, 502, "<!doctype html>", id="HTML"),
        pytest.param({"html": "<p>hi", "status": 200}, 200, "<p>hi", id="HTML that looks well"),
        pytest.param({"empty": True}, 200, "", id="empty"),
        pytest.param({"throttle_storm": True}, 429, "throttled", id="throttled"),
        pytest.param({"quota_exceeded": True}, 429, "quota_exceeded", id="quota"),
        pytest.param({"redirect": "https://elsewhere.example/"}, 302, "", id="redirect"),
        pytest.param({"status": 400, "body": {"a": 1}}, 400, '{"a": 1}', id="any body"),
        pytest.param({"hang_seconds": 0.01}, 504, "gateway_timeout", id="hang"),
        pytest.param({"status": 500, "blanks": 9}, 500, " " * 9 + "[", id="long"),
        pytest.param({"status": 500, "drip_seconds": 0.2}, 500, "  [", id="drip"),
        pytest.param({"status": 429, "retry_after": 7}, 429, "throttled", id="retry after"),
    ],
)
def test_a_fault_answers_in_place_of_the_api_for_its_count(
    acme: Sandbox, fault: dict[str, Any], status: int, body: str
) -> None:
    acme.control(**fault, count=1)
    answer = acme.sign_up()
    assert answer.status_code == status
    assert body in answer.text
    assert answer.headers.get("Retry-After") == ("7" if "retry_after" in fault else None)
    assert acme.sign_up().status_code == 201


def test_a_fault_keeps_to_its_path_until_it_is_cleared(acme: Sandbox) -> None:
    acme.control(status=500, path=SIGN_UP)
    assert [acme.sign_up().status_code for _ in range(3)] == [500, 500, 500]
    assert acme.get("/v3/contact_lists").status_code == 200
    acme.control(clear=True)
    assert acme.sign_up().status_code == 201


def test_faults_take_turns_in_the_order_in_which_they_were_set(acme: Sandbox) -> None:
    acme.control(status=500, count=1)
    acme.control(status=503, count=1)
    assert [acme.sign_up().status_code for _ in range(3)] == [500, 503, 201]


def test_the_token_endpoint_has_faults_too(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    sandbox.control(status=503, path="/oauth2", count=1)
    assert sandbox.refresh(token).status_code == 503
    assert sandbox.refresh(token).status_code == 200


def test_a_refresh_whose_answer_is_lost_has_spent_the_token(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    sandbox.control(lost_answer=True, path="/oauth2", count=1)
    assert sandbox.refresh(token).status_code == 500
    assert_invalid_grant(sandbox.refresh(token))


def test_a_fault_keeps_to_the_token_calls_of_its_grant_type(sandbox: Sandbox) -> None:
    token = sandbox.exchange(sandbox.allow()["code"][0]).get_json()["refresh_token"]
    sandbox.control(grant_type="refresh_token", html=True)
    assert sandbox.exchange(sandbox.allow()["code"][0]).status_code == 200
    answer = sandbox.refresh(token)
    assert (answer.status_code, answer.mimetype) == (502, "text/html")


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        pytest.param({"oauth_error": "invalid_grant"}, 400, "invalid_grant", id="invalid grant"),
        pytest.param(
            {"oauth_error": "invalid_client", "status": 401}, 401, "invalid_client", id="status"
        ),
        pytest.param({"throttle_storm": True}, 429, "throttled", id="throttled"),
        pytest.param({"hang_seconds": 0.01}, 504, "gateway_timeout", id="hangs before the work"),
    ],
)
def test_a_refresh_that_meets_a_fault_leaves_its_token_good(
    sandbox: Sandbox, fault: dict[str, Any], status: int, said: str
) -> None:
    token = sandbox.connect()["refresh_token"]
    sandbox.control(grant_type="refresh_token", count=1, **fault)
    answer = sandbox.refresh(token)
    assert answer.status_code == status
    assert said in answer.text
    assert sandbox.refresh(token).status_code == 200


def test_an_oauth_error_on_demand_has_the_shape_of_a_real_one(sandbox: Sandbox) -> None:
    sandbox.control(oauth_error="invalid_grant", count=1)
    assert_invalid_grant(sandbox.refresh(sandbox.connect()["refresh_token"]))


def test_a_refresh_that_hangs_after_its_work_has_spent_the_token(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    sandbox.control(grant_type="refresh_token", lost_answer=True, hang_seconds=0.01, count=1)
    assert sandbox.refresh(token).status_code == 504
    assert_invalid_grant(sandbox.refresh(token))


def test_a_lost_answer_has_done_its_work(acme: Sandbox) -> None:
    acme.control(lost_answer=True, count=1)
    assert acme.sign_up().status_code == 500
    (delivery,) = acme.stats()["deliveries"][EMAIL]
    assert delivery["answer_lost"]
    assert acme.sign_up().get_json()["action"] == "updated"


def test_revoked_tokens_stop_working(acme: Sandbox) -> None:
    tokens = acme.connect()
    acme.control(revoke="access", organization="Blue Door Books")
    assert acme.get("/v3/contact_lists").status_code == 200
    acme.control(revoke="access")
    assert acme.get("/v3/contact_lists").status_code == 401
    again = acme.refresh(tokens["refresh_token"]).get_json()
    acme.control(revoke="all")
    assert_invalid_grant(acme.refresh(again["refresh_token"]))


@pytest.mark.parametrize(
    "wanted",
    [
        {"latencyms": 5},
        {"count": 1},
        {"revoke": "everything"},
        {"rates": {"requests_per_second": "many"}},
        {"privileges": {"remove": ["all"]}},
        {"organization": "Nobody", "revoke": "all"},
        {"unsubscribe": "nobody@example.com"},
        {"delete_list": "No such list"},
        {"status": 500, "count": 0},
        {"status": 500, "grant_type": "password"},
        {"lists": -1},
        {"confirmed_opt_in": 1},
        {"jwks": "maybe"},
        {"clock_offset_seconds": "a day"},
        {"device_interval_seconds": -1},
    ],
)
def test_a_control_call_that_is_invalid_is_refused(acme: Sandbox, wanted: dict[str, Any]) -> None:
    answer = acme.client.post("/sandbox/control", json=wanted)
    assert answer.status_code == 400
    assert answer.get_json()["error"]


def test_deliveries_are_kept_in_order_with_their_payload(acme: Sandbox) -> None:
    acme.sign_up(first_name="Ann")
    acme.sign_up(first_name="Bea")
    first, second = acme.stats()["deliveries"][EMAIL]
    assert [first["payload"]["first_name"], second["payload"]["first_name"]] == ["Ann", "Bea"]
    assert [first["action"], second["action"]] == ["created", "updated"]
    assert first["monotonic"] < second["monotonic"]


def test_a_reset_forgets_everything(acme: Sandbox) -> None:
    acme.sign_up()
    acme.control(status=500)
    acme.client.post("/sandbox/reset")
    assert acme.get("/v3/contact_lists").status_code == 401
    assert acme.client.get("/sandbox/contacts").get_json() == []
    assert acme.stats()["delivered"] == 0


# --- The clock


def test_every_answer_is_dated_once_by_the_sandbox_s_clock(acme: Sandbox) -> None:
    acme.control(clock_offset_seconds=-90, status=503, path=SIGN_UP)
    moment = acme.time + 1 - 90  # a call is made a second later
    for answer in (acme.get("/v3/contact_lists"), acme.sign_up(), acme.get("/v2"), acme.get("/")):
        dates = answer.headers.getlist("Date")
        assert [parsedate_to_datetime(each).timestamp() for each in dates] == [moment]
        moment += 1


def test_tokens_and_contacts_are_dated_by_the_sandbox_s_clock(acme: Sandbox) -> None:
    acme.control(clock_offset_seconds=3600)
    acme.connect()
    claims = jwt.decode(acme.token, options={"verify_signature": False})
    assert (claims["iat"], claims["exp"]) == (MONDAY + 3600, MONDAY + 90_000)
    acme.sign_up()
    assert acme.contact()["created_at"] == "2026-03-02T01:00:01Z"


def test_the_day_ends_by_the_sandbox_s_clock(acme: Sandbox) -> None:
    acme.get("/v3/contact_lists")
    acme.control(clock_offset_seconds=-60)
    assert acme.stats()["requests_today"] == 0
    acme.get("/v3/contact_lists")
    acme.time = MONDAY + 60
    assert acme.stats()["requests_today"] == 0


# --- The page


def test_the_page_shows_who_arrived_and_escapes_it(acme: Sandbox) -> None:
    acme.sign_up(
        first_name="<b>Ann</b>",
        custom_fields=[{"custom_field_id": acme.field_id(), "value": "<script>"}],
    )
    page = acme.client.get("/").text
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page
    assert "<b>Ann" not in page
    assert "&lt;script&gt;" in page
    for text in (EMAIL, "Newsletter", "explicit", "Favourite cake", "Blue Door Books"):
        assert text in page


def test_the_page_s_buttons_unsubscribe_and_delete(acme: Sandbox) -> None:
    id = acme.sign_up().get_json()["contact_id"]
    assert acme.client.post(f"/sandbox/contacts/{id}/unsubscribe").status_code == 303
    assert acme.contact()["email_address"]["permission_to_send"] == "unsubscribed"
    acme.client.post(f"/sandbox/contacts/{id}/delete")
    assert acme.contact()["deleted_at"]


# --- Keeping the data


def test_contacts_tokens_lists_and_keys_survive_a_restart(tmp_path: Path) -> None:
    before = Sandbox(SandboxConfig(database=tmp_path / "data" / "sandbox.db"))
    tokens = before.connect()
    before.sign_up(first_name="Ann")
    spent = before.refresh(tokens["refresh_token"]).get_json()
    before.control(lists=60, organization="Acme Bakery")
    before.control(delete_list="List 0060", organization="Acme Bakery")
    before.control(delete_list="Wholesale customers")
    after = Sandbox(before.config, time=before.time, token=spent["access_token"])
    assert after.contact()["first_name"] == "Ann"
    assert_invalid_grant(after.refresh(tokens["refresh_token"]))
    assert after.refresh(spent["refresh_token"]).status_code == 200
    lists = after.get("/v3/contact_lists?limit=500").get_json()["lists"]
    names = {each["name"] for each in lists}
    assert len(names) == 58
    assert not {"Wholesale customers", "List 0060"} & names
    keys = "/oauth2/aus1lm3ry9mF7x2Ja0h8/v1/keys"
    assert before.client.get(keys).text == after.client.get(keys).text
