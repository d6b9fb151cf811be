"""The sandbox behaves as the Constant Contact V3 API is documented to."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.constant_contact.sandbox import Clock, SandboxConfig, create_app

AUTH = "/oauth2/default/v1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SIGN_UP = "/v3/contacts/sign_up_form"
CALLBACK = "https://relay.example/connect/callback?from=cc"
SCOPE = "account_read contact_data offline_access"
UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"
EMAIL = "ann@example.com"
MONDAY = 1_772_409_600.0  # 2026-03-02T00:00:00Z


@dataclass
class Sandbox:
    """The app's test client, a clock that only moves when told, and shorthands."""

    config: SandboxConfig = field(default_factory=SandboxConfig)
    time: float = MONDAY
    client: FlaskClient = field(init=False)
    token: str = ""

    def __post_init__(self) -> None:
        app = create_app(self.config, Clock(now=lambda: self.time, monotonic=lambda: self.time))
        self.client = app.test_client()

    def connect(self, **wanted: str) -> dict[str, Any]:
        tokens: dict[str, Any] = self.client.post("/sandbox/connect", json=wanted).get_json()
        self.token = tokens["access_token"]
        return tokens

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """Call the API with the token, a second later, so that no limit is met."""
        self.time += 1
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)

    def sign_up(self, email: str = EMAIL, **more: Any) -> TestResponse:
        return self.call("POST", SIGN_UP, json=self.payload(email, **more))

    def payload(self, email: str = EMAIL, **more: Any) -> dict[str, Any]:
        return {"email_address": email, "list_memberships": [self.list_id()]} | more

    def list_id(self, name: str = "Newsletter") -> str:
        app_state = self.client.application.extensions["sandbox"]
        lists = app_state.accounts["p07e1l8cdif9dl"].lists.values()
        return next(str(each.list_id) for each in lists if each.name == name)

    def field_id(self, name: str = "favourite_cake") -> str:
        app_state = self.client.application.extensions["sandbox"]
        fields = app_state.accounts["p07e1l8cdif9dl"].custom_fields.values()
        return next(str(each.custom_field_id) for each in fields if each.name == name)

    def contact(self, email: str = EMAIL) -> dict[str, Any]:
        query = urlencode(
            {"email": email, "status": "all", "include": "custom_fields,list_memberships"}
        )
        found: list[dict[str, Any]] = self.get(f"/v3/contacts?{query}").get_json()["contacts"]
        assert len(found) == 1
        return found[0]

    def control(self, **wanted: Any) -> dict[str, Any]:
        answer = self.client.post("/sandbox/control", json=wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def stats(self) -> dict[str, Any]:
        return dict(self.client.get("/sandbox/stats").get_json())

    def authorize_path(self, **changed: str | None) -> str:
        asked: dict[str, str | None] = {
            "client_id": "sandbox-key",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "state": "s t/1",
        }
        given = {name: value for name, value in (asked | changed).items() if value is not None}
        return f"{AUTH}/authorize?{urlencode(given)}"

    def allow(self, *, decision: str = "allow", **changed: str | None) -> dict[str, list[str]]:
        """Decide on the consent page; return the parameters that come back."""
        answer = self.client.post(
            self.authorize_path(**changed),
            data={
                "organization": "Acme Bakery",
                "user": "Account Owner",
                "decision": decision,
            },
        )
        assert answer.status_code == 302
        return parse_qs(urlsplit(answer.location).query)

    def ask_token(self, **form: str) -> TestResponse:
        """Call the token endpoint, a second later."""
        self.time += 1
        credentials = base64.b64encode(b"sandbox-key:sandbox-secret").decode()
        return self.client.post(
            f"{AUTH}/token", data=form, headers={"Authorization": f"Basic {credentials}"}
        )

    def exchange(self, code: str, redirect_uri: str = CALLBACK) -> TestResponse:
        return self.ask_token(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)

    def refresh(self, token: str) -> TestResponse:
        return self.ask_token(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox with no one connected."""
    return Sandbox()


@pytest.fixture
def acme() -> Sandbox:
    """A sandbox in which the owner of Acme Bakery has connected."""
    sandbox = Sandbox()
    sandbox.connect()
    return sandbox


# --- Consent


def test_the_consent_page_names_accounts_users_and_scopes(sandbox: Sandbox) -> None:
    page = sandbox.client.get(sandbox.authorize_path(prompt="login"))
    assert page.status_code == 200
    for text in ("Acme Bakery", "Blue Door Books", "Campaign Creator", "offline_access"):
        assert text in page.text
    assert "relay.example" in page.text


def test_an_allowed_request_comes_back_with_a_code_and_its_state(sandbox: Sandbox) -> None:
    back = sandbox.allow()
    assert back["state"] == ["s t/1"]
    assert back["from"] == ["cc"]
    assert back["code"]


def test_a_denied_request_comes_back_with_access_denied(sandbox: Sandbox) -> None:
    back = sandbox.allow(decision="deny")
    assert back["error"] == ["access_denied"]
    assert back["state"] == ["s t/1"]
    assert "code" not in back


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"client_id": "someone-else"}, id="unknown application"),
        pytest.param({"redirect_uri": None}, id="nowhere to go back to"),
        pytest.param({"redirect_uri": "javascript:alert(1)"}, id="no web address"),
    ],
)
def test_a_request_that_cannot_be_trusted_gets_a_page_and_no_redirect(
    sandbox: Sandbox, changed: dict[str, str | None]
) -> None:
    page = sandbox.client.get(sandbox.authorize_path(**changed))
    assert page.status_code == 400
    assert "400 Bad Request" in page.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"scope": "contacts.read"}, "invalid_scope", id="unknown scope"),
        pytest.param({"scope": None}, "invalid_scope", id="no scope"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit flow"),
    ],
)
def test_other_mistakes_go_back_to_the_application(
    sandbox: Sandbox, changed: dict[str, str | None], error: str
) -> None:
    address = sandbox.client.get(sandbox.authorize_path(**changed)).location
    assert parse_qs(urlsplit(address).query)["error"] == [error]


# --- Tokens


def test_a_code_brings_exactly_five_fields(sandbox: Sandbox) -> None:
    answer = sandbox.exchange(sandbox.allow()["code"][0])
    assert answer.status_code == 200
    tokens = answer.get_json()
    assert tokens.keys() == {
        "access_token",
        "refresh_token",
        "token_type",
        "scope",
        "expires_in",
    }
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == (
        "Bearer",
        86_400,
        SCOPE,
    )
    assert len(tokens["refresh_token"]) <= 50
    sandbox.token = tokens["access_token"]
    assert sandbox.get("/v3/account/summary").get_json()["organization_name"] == "Acme Bakery"


def test_without_offline_access_there_is_no_refresh_token_and_no_error(sandbox: Sandbox) -> None:
    answer = sandbox.exchange(sandbox.allow(scope="contact_data")["code"][0])
    assert answer.status_code == 200
    assert "refresh_token" not in answer.get_json()


def test_the_access_token_is_a_jwt_that_the_published_key_verifies(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    keys = sandbox.client.get("/oauth2/aus1lm3ry9mF7x2Ja0h8/v1/keys").get_json()
    header = jwt.get_unverified_header(token)
    key = next(each for each in jwt.PyJWKSet.from_dict(keys).keys if each.key_id == header["kid"])
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience="https://api.cc.email/v3",
        issuer="https://identity.constantcontact.com/oauth2/aus1lm3ry9mF7x2Ja0h8",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["exp"] - claims["iat"] == 86_400
    assert claims["cid"] == "sandbox-key"
    assert claims["sub"] == "olive@acme-bakery.example"
    assert claims["scp"] == SCOPE.split()
    assert claims["platform_user_id"]
    assert 1000 <= len(token) <= 1200


def test_a_code_works_once(sandbox: Sandbox) -> None:
    code = sandbox.allow()["code"][0]
    assert sandbox.exchange(code).status_code == 200
    assert_invalid_grant(sandbox.exchange(code))


def test_a_code_is_good_for_five_minutes(sandbox: Sandbox) -> None:
    in_time, late = sandbox.allow()["code"][0], sandbox.allow()["code"][0]
    sandbox.time += 298
    assert sandbox.exchange(in_time).status_code == 200
    assert_invalid_grant(sandbox.exchange(late))


def test_the_redirect_address_must_be_the_same_again(sandbox: Sandbox) -> None:
    code = sandbox.allow()["code"][0]
    assert_invalid_grant(sandbox.exchange(code, redirect_uri="https://relay.example/"))


def test_a_rotating_refresh_token_works_once(sandbox: Sandbox) -> None:
    first = sandbox.connect()
    second = sandbox.refresh(first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    answer = sandbox.refresh(first["refresh_token"])
    assert_invalid_grant(answer, "The refresh token is invalid or expired.")
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 1
    assert sandbox.refresh(second["refresh_token"]).status_code == 200


def test_reuse_can_be_made_to_revoke_the_whole_family(sandbox: Sandbox) -> None:
    sandbox.control(reuse_revokes=True)
    first = sandbox.connect()
    second = sandbox.refresh(first["refresh_token"]).get_json()
    assert_invalid_grant(sandbox.refresh(first["refresh_token"]))
    assert_invalid_grant(sandbox.refresh(second["refresh_token"]))
    sandbox.token = second["access_token"]
    assert sandbox.get("/v3/contact_lists").status_code == 401


def test_a_new_consent_ends_the_earlier_rotating_tokens(sandbox: Sandbox) -> None:
    first = sandbox.exchange(sandbox.allow()["code"][0]).get_json()
    sandbox.exchange(sandbox.allow()["code"][0])
    assert_invalid_grant(sandbox.refresh(first["refresh_token"]))


def test_a_long_lived_refresh_token_keeps_its_value() -> None:
    sandbox = Sandbox(SandboxConfig(rotating=False))
    token = sandbox.connect()["refresh_token"]
    for _ in range(2):
        assert sandbox.refresh(token).get_json()["refresh_token"] == token


def test_a_refresh_token_dies_after_180_days_without_use() -> None:
    sandbox = Sandbox(SandboxConfig(rotating=False))
    token = sandbox.connect()["refresh_token"]
    sandbox.time += 179 * 86_400
    assert sandbox.refresh(token).status_code == 200
    sandbox.time += 181 * 86_400
    assert_invalid_grant(sandbox.refresh(token))


def test_a_wrong_secret_is_refused(sandbox: Sandbox) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "sandbox-key"}
    answer = sandbox.client.post(f"{AUTH}/token", data=form | {"client_secret": "wrong"})
    assert answer.status_code == 401
    assert answer.get_json()["error"] == "invalid_client"


def test_the_secret_may_come_in_the_form(sandbox: Sandbox) -> None:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": sandbox.connect()["refresh_token"],
        "client_id": "sandbox-key",
        "client_secret": "sandbox-secret",
    }
    assert sandbox.client.post(f"{AUTH}/token", data=form).status_code == 200


def test_the_token_endpoint_takes_one_call_a_second(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    assert sandbox.refresh(token).status_code == 200
    sandbox.time -= 0.5  # each call is made a second later
    assert sandbox.refresh(token).status_code == 429
    stats = sandbox.stats()
    assert (stats["refresh_calls"], stats["refreshes"], stats["token_throttled"]) == (2, 1, 1)


def test_a_device_waits_for_a_person_and_then_needs_no_secret(sandbox: Sandbox) -> None:
    begun = sandbox.client.post(
        f"{AUTH}/device/authorize", data={"client_id": "sandbox-key", "scope": SCOPE}
    ).get_json()
    page = begun["verification_uri_complete"]
    assert begun["user_code"] in page
    poll = {"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}
    assert ask_as_device(sandbox, **poll).get_json()["error"] == "authorization_pending"
    assert ask_as_device(sandbox, **poll).get_json()["error"] == "slow_down"
    assert "Allow access" in sandbox.client.get(page).text
    decision = {
        "organization": "Acme Bakery",
        "user": "Account Owner",
        "decision": "allow",
    }
    assert "Device connected" in sandbox.client.post(page, data=decision).text
    tokens = ask_as_device(sandbox, **poll).get_json()
    assert tokens["scope"] == SCOPE
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert ask_as_device(sandbox, **refresh).status_code == 200
    assert_invalid_grant(ask_as_device(sandbox, **poll))


def test_a_device_is_told_of_a_refusal(sandbox: Sandbox) -> None:
    begun = sandbox.client.post(
        f"{AUTH}/device/authorize", data={"client_id": "sandbox-key", "scope": SCOPE}
    ).get_json()
    sandbox.client.post(begun["verification_uri_complete"], data={"decision": "deny"})
    answer = ask_as_device(sandbox, grant_type=DEVICE_GRANT, device_code=begun["device_code"])
    assert answer.get_json()["error"] == "access_denied"


def test_the_tokens_of_a_web_application_need_its_secret(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    answer = ask_as_device(sandbox, grant_type="refresh_token", refresh_token=token)
    assert answer.status_code == 401


def ask_as_device(sandbox: Sandbox, **form: str) -> TestResponse:
    sandbox.time += 1
    return sandbox.client.post(f"{AUTH}/token", data=form | {"client_id": "sandbox-key"})


def assert_invalid_grant(answer: TestResponse, text: str | None = None) -> None:
    assert answer.status_code == 400
    body = answer.get_json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == "invalid_grant"
    assert text in (None, body["error_description"])


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


def test_a_sign_up_brings_back_who_had_unsubscribed(acme: Sandbox) -> None:
    acme.sign_up()
    acme.control(unsubscribe=EMAIL)
    gone = acme.contact()["email_address"]
    assert gone["permission_to_send"] == "unsubscribed"
    assert gone["opt_out_date"]
    acme.sign_up()
    assert acme.contact()["email_address"]["permission_to_send"] == "explicit"


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


def test_a_rolling_second_does_not_care_for_the_clock_s(acme: Sandbox) -> None:
    assert statuses(acme, 0.9, 0.9, 0.9, 0.9, 1.1) == [200] * 4 + [429]


def test_a_fixed_second_begins_anew_with_the_clock(acme: Sandbox) -> None:
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
    ],
)
def test_a_control_call_that_makes_no_sense_is_refused(
    acme: Sandbox, wanted: dict[str, Any]
) -> None:
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
    before.control(delete_list="Wholesale customers")
    after = Sandbox(before.config, time=before.time, token=spent["access_token"])
    assert after.contact()["first_name"] == "Ann"
    assert_invalid_grant(after.refresh(tokens["refresh_token"]))
    assert after.refresh(spent["refresh_token"]).status_code == 200
    names = [each["name"] for each in after.get("/v3/contact_lists").get_json()["lists"]]
    assert "Wholesale customers" not in names
    keys = "/oauth2/aus1lm3ry9mF7x2Ja0h8/v1/keys"
    assert before.client.get(keys).text == after.client.get(keys).text
