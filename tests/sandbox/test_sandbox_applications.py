"""The sandbox keeps its applications apart, as Constant Contact keeps API keys apart."""

import sqlite3
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox import SandboxConfig
from tests.support.sandbox_app import CALLBACK, OLIVE, Sandbox, assert_invalid_grant

FIRST = ("sandbox-key", "sandbox-secret")
OTHER = ("other-key", "other-secret")
LISTS = "/v3/contact_lists"


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox with two applications and no connection."""
    sandbox = Sandbox()
    sandbox.control(applications=[{"client_id": OTHER[0], "client_secret": OTHER[1]}])
    return sandbox


def change_other(sandbox: Sandbox, **changed: Any) -> None:
    sandbox.control(applications=[{"client_id": OTHER[0]} | changed])


# --- What belongs to an application


def test_another_application_connects_with_its_own_secret(sandbox: Sandbox) -> None:
    sandbox.application = OTHER
    assert "other-key" in sandbox.client.get(sandbox.authorize_path()).text
    tokens = sandbox.exchange(sandbox.allow()["code"][0]).get_json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["cid"] == "other-key"
    sandbox.token = tokens["access_token"]
    assert sandbox.get(LISTS).status_code == 200
    assert sandbox.refresh(tokens["refresh_token"]).status_code == 200


def test_the_secret_of_another_application_is_refused(sandbox: Sandbox) -> None:
    sandbox.application = OTHER[0], FIRST[1]
    answer = sandbox.refresh(sandbox.connect()["refresh_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_an_unknown_application_is_refused(sandbox: Sandbox) -> None:
    sandbox.application = "nobody", "secret"
    answer = sandbox.refresh(sandbox.connect()["refresh_token"])
    assert answer.status_code == 401
    assert "client_id" in answer.get_json()["error_description"]
    assert sandbox.begin_device()["error"] == "invalid_client"


def test_a_code_works_for_its_own_application_only(sandbox: Sandbox) -> None:
    code = sandbox.allow()["code"][0]
    sandbox.application = OTHER
    assert_invalid_grant(sandbox.exchange(code))


def test_a_refresh_token_works_for_its_own_application_only(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    sandbox.application = OTHER
    assert_invalid_grant(sandbox.refresh(token))
    sandbox.application = FIRST
    assert sandbox.refresh(token).status_code == 200


def test_a_device_code_works_for_its_own_application_only(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    sandbox.client.post(begun["verification_uri_complete"], data=OLIVE)
    sandbox.application = OTHER
    assert_invalid_grant(sandbox.poll(begun))
    sandbox.application = FIRST
    assert sandbox.poll(begun).status_code == 200


def test_the_device_s_page_names_its_application(sandbox: Sandbox) -> None:
    sandbox.application = OTHER
    page = sandbox.client.get(sandbox.begin_device()["verification_uri_complete"]).text
    assert "<code>other-key</code>" in page


def test_a_new_consent_ends_no_tokens_of_another_application(sandbox: Sandbox) -> None:
    token = sandbox.exchange(sandbox.allow()["code"][0]).get_json()["refresh_token"]
    sandbox.application = OTHER
    sandbox.exchange(sandbox.allow()["code"][0])
    sandbox.application = FIRST
    assert sandbox.refresh(token).status_code == 200


@pytest.mark.parametrize("kept", [True, False])
def test_an_application_has_a_kind_of_refresh_token_of_its_own(
    sandbox: Sandbox, kept: bool
) -> None:
    sandbox.control(rotating=kept)
    change_other(sandbox, rotating=not kept)
    first, other = sandbox.connect(), sandbox.connect(application=OTHER[0])
    again = sandbox.refresh(first["refresh_token"]).get_json()
    assert (again["refresh_token"] == first["refresh_token"]) != kept
    sandbox.application = OTHER
    again = sandbox.refresh(other["refresh_token"]).get_json()
    assert (again["refresh_token"] == other["refresh_token"]) == kept


def test_the_tokens_of_one_application_can_be_revoked(sandbox: Sandbox) -> None:
    first, other = sandbox.connect(), sandbox.connect(application=OTHER[0])
    sandbox.control(revoke="all", application=OTHER[0])
    assert sandbox.get(LISTS).status_code == 401
    sandbox.token = first["access_token"]
    assert sandbox.get(LISTS).status_code == 200
    sandbox.application = OTHER
    assert_invalid_grant(sandbox.refresh(other["refresh_token"]))


# --- Redirect addresses


def test_an_unregistered_redirect_address_gets_a_page_and_no_redirect(sandbox: Sandbox) -> None:
    change_other(sandbox, redirect_uris=["https://relay.example/", CALLBACK])
    sandbox.application = OTHER
    assert sandbox.allow()["code"]
    for wrong in (f"{CALLBACK}/", "https://relay.example", CALLBACK.replace("https", "http")):
        page = sandbox.client.get(sandbox.authorize_path(redirect_uri=wrong))
        assert (page.status_code, page.mimetype) == (400, "text/html")
        assert "redirect_uri" in page.text
        decided = sandbox.client.post(sandbox.authorize_path(redirect_uri=wrong), data=OLIVE)
        assert decided.status_code == 400


def test_the_first_application_takes_the_addresses_of_the_start() -> None:
    sandbox = Sandbox(SandboxConfig(redirect_uris=(CALLBACK,)))
    assert sandbox.allow()["code"]
    wrong = sandbox.authorize_path(redirect_uri="https://relay.example/")
    assert sandbox.client.get(wrong).status_code == 400
    sandbox.control(applications=[{"client_id": FIRST[0], "redirect_uris": None}])
    assert sandbox.client.get(wrong).status_code == 200


# --- Limits and figures


def test_the_second_and_the_day_are_counted_for_each_key(sandbox: Sandbox) -> None:
    first = sandbox.connect()["access_token"]
    sandbox.connect(application=OTHER[0])
    sandbox.control(rates={"requests_per_day": 2})
    assert [sandbox.get(LISTS).status_code for _ in range(3)] == [200, 200, 429]
    sandbox.token = first
    assert sandbox.get(LISTS).status_code == 200
    sandbox.control(rates={"requests_per_day": 100, "requests_per_second": 1})
    sandbox.time += 1
    statuses = []
    for token in (first, first, sandbox.connect(application=OTHER[0])["access_token"]):
        sandbox.token = token
        sandbox.time -= 1  # a call is made a second later
        statuses.append(sandbox.get(LISTS).status_code)
    assert statuses == [200, 429, 200]


def test_the_token_endpoint_s_second_is_one_for_all(sandbox: Sandbox) -> None:
    first, other = sandbox.connect(), sandbox.connect(application=OTHER[0])
    assert sandbox.refresh(first["refresh_token"]).status_code == 200
    sandbox.application = OTHER
    sandbox.time -= 0.5  # a call is made a second later
    assert sandbox.refresh(other["refresh_token"]).status_code == 429
    sandbox.time += 1
    assert sandbox.refresh(other["refresh_token"]).status_code == 200


def test_figures_come_for_each_application_and_in_all(sandbox: Sandbox) -> None:
    sandbox.connect()
    sandbox.get(LISTS)
    token = sandbox.connect(application=OTHER[0])["refresh_token"]
    sandbox.get(LISTS)
    sandbox.get(LISTS)
    sandbox.application = OTHER
    sandbox.refresh(token)
    sandbox.application = "nobody", "secret"
    sandbox.refresh(token)
    stats = sandbox.stats()
    figures = ("api_calls", "requests_today", "token_calls", "refresh_calls", "refreshes")

    def of(client_id: str) -> list[int]:
        return [stats["applications"][client_id][name] for name in figures]

    assert of(FIRST[0]) == [1, 1, 0, 0, 0]
    assert of(OTHER[0]) == [2, 2, 1, 1, 1]
    assert [stats[name] for name in figures] == [3, 3, 2, 2, 1]


def test_calls_with_an_unknown_token_count_for_the_first_application(sandbox: Sandbox) -> None:
    sandbox.token = "nonsense"
    assert sandbox.get(LISTS).status_code == 401
    assert sandbox.stats()["applications"][FIRST[0]]["requests_today"] == 1


def test_the_day_of_one_application_can_be_used_up(sandbox: Sandbox) -> None:
    sandbox.control(used_today=10_000, application=OTHER[0])
    sandbox.connect()
    assert sandbox.get(LISTS).status_code == 200
    sandbox.connect(application=OTHER[0])
    assert sandbox.get(LISTS).get_json()["error_key"] == "quota_exceeded"


def test_the_page_tells_the_applications_figures_apart(sandbox: Sandbox) -> None:
    sandbox.connect(application=OTHER[0])
    sandbox.get(LISTS)
    page = sandbox.client.get("/").text
    assert "Requests today, sandbox-key</dt><dd>0 of 10,000" in page
    assert "Requests today, other-key</dt><dd>1 of 10,000" in page


# --- Adding, changing, forgetting


def test_a_change_leaves_the_rest_of_an_application_alone(sandbox: Sandbox) -> None:
    change_other(sandbox, redirect_uris=[CALLBACK])
    change_other(sandbox, client_secret="another-secret")
    token = sandbox.connect(application=OTHER[0])["refresh_token"]
    sandbox.application = OTHER
    assert sandbox.refresh(token).status_code == 401
    sandbox.application = OTHER[0], "another-secret"
    assert sandbox.refresh(token).status_code == 200
    shown = sandbox.control()["applications"]
    assert shown == [
        {"client_id": FIRST[0], "redirect_uris": None, "rotating": None},
        {"client_id": OTHER[0], "redirect_uris": [CALLBACK], "rotating": None},
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        {"applications": {"client_id": "new", "client_secret": "s3cret"}},
        {"applications": [{"client_secret": "s3cret"}]},
        {"applications": [{"client_id": "new"}]},
        {"applications": [{"client_id": "good", "client_secret": "s3cret"}, {"client_id": "bad"}]},
        {"applications": [{"client_id": "new", "client_secret": "s3cret", "kind": "web"}]},
        {"applications": [{"client_id": "", "client_secret": "s3cret"}]},
        {"applications": [{"client_id": "new", "client_secret": ["s3cret"]}]},
        {"applications": [{"client_id": "sandbox-key", "redirect_uris": ["/callback"]}]},
        {"applications": [{"client_id": "sandbox-key", "rotating": "yes"}]},
        {"application": "nobody", "revoke": "all"},
    ],
)
def test_an_application_that_is_invalid_is_refused(
    sandbox: Sandbox, wanted: dict[str, Any]
) -> None:
    answer = sandbox.client.post("/sandbox/control", json=wanted)
    assert answer.status_code == 400
    assert "s3cret" not in answer.text
    assert len(sandbox.control()["applications"]) == 2


def test_a_reset_keeps_the_first_application_alone(sandbox: Sandbox) -> None:
    sandbox.control(applications=[{"client_id": FIRST[0], "client_secret": "changed"}])
    sandbox.client.post("/sandbox/reset")
    assert [each["client_id"] for each in sandbox.control()["applications"]] == [FIRST[0]]
    assert sandbox.refresh(sandbox.connect()["refresh_token"]).status_code == 200


def test_applications_and_the_owners_of_tokens_survive_a_restart(tmp_path: Path) -> None:
    before = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    before.control(
        applications=[
            {"client_id": OTHER[0], "client_secret": OTHER[1], "redirect_uris": [CALLBACK]}
        ]
    )
    token = before.connect(application=OTHER[0])["refresh_token"]
    after = Sandbox(before.config, time=before.time)
    assert_invalid_grant(after.refresh(token))
    after.application = OTHER
    assert after.refresh(token).status_code == 200
    back = after.client.get(after.authorize_path(redirect_uri="https://elsewhere.example/"))
    assert back.status_code == 400


def test_tokens_kept_when_there_was_one_application_are_the_first_one_s(tmp_path: Path) -> None:
    before = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    token = before.connect()["refresh_token"]
    with sqlite3.connect(tmp_path / "sandbox.db") as kept:
        kept.execute("UPDATE records SET body = json_remove(body, '$.client_id')")
    kept.close()
    after = Sandbox(before.config, time=before.time)
    assert after.refresh(token).status_code == 200
