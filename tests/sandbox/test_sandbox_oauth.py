"""The sandbox authorizes applications as Constant Contact's server does."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from sandbox import SandboxConfig
from tests.support.sandbox_app import (
    AUTH,
    CALLBACK,
    DEVICE_GRANT,
    MONDAY,
    OLIVE,
    SCOPE,
    Sandbox,
    assert_invalid_grant,
)

KEYS = "/oauth2/aus1lm3ry9mF7x2Ja0h8/v1/keys"


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox without a connection."""
    return Sandbox()


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
        pytest.param({"redirect_uri": "http://[broken"}, id="no address at all"),
        pytest.param({"redirect_uri": f"{CALLBACK}#here"}, id="address with a fragment"),
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


# --- Who is signed in


PAGE_ASKS = 'type="radio" name="organization"'


def test_a_browser_that_signed_in_before_is_not_asked_again(sandbox: Sandbox) -> None:
    assert PAGE_ASKS in sandbox.client.get(sandbox.authorize_path()).text
    casey = OLIVE | {"user": "Campaign Creator"}
    sandbox.client.post(sandbox.authorize_path(), data=casey)
    page = sandbox.client.get(sandbox.authorize_path()).text
    assert PAGE_ASKS not in page
    assert '<input type="hidden" name="organization" value="Acme Bakery">' in page
    assert '<input type="hidden" name="user" value="casey@acme-bakery.example">' in page


def test_prompt_login_asks_for_the_user_again(sandbox: Sandbox) -> None:
    sandbox.allow()
    page = sandbox.client.get(sandbox.authorize_path(prompt="login")).text
    assert PAGE_ASKS in page
    assert "The application asks you to sign in again" in page


def test_a_denial_signs_in_too(sandbox: Sandbox) -> None:
    sandbox.allow(decision="deny")
    assert PAGE_ASKS not in sandbox.client.get(sandbox.authorize_path()).text


def test_the_device_s_page_knows_the_browser_and_offers_a_way_out(sandbox: Sandbox) -> None:
    sandbox.allow()
    page = sandbox.begin_device()["verification_uri_complete"]
    assert PAGE_ASKS not in sandbox.client.get(page).text
    assert f"user_code={page[-8:]}&amp;prompt=login" in sandbox.client.get(page).text
    assert PAGE_ASKS in sandbox.client.get(f"{page}&prompt=login").text


def test_the_session_s_cookie_says_nothing_and_ends_with_a_reset(sandbox: Sandbox) -> None:
    answer = sandbox.client.post(sandbox.authorize_path(), data=OLIVE)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "olive" not in cookie
    sandbox.client.post("/sandbox/reset")
    assert PAGE_ASKS in sandbox.client.get(sandbox.authorize_path()).text


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


def claims_of(sandbox: Sandbox, token: str) -> dict[str, Any]:
    """Return the claims of an access token that the published keys verify."""
    keys = jwt.PyJWKSet.from_dict(sandbox.client.get(KEYS).get_json()).keys
    kid = jwt.get_unverified_header(token)["kid"]
    claims: dict[str, Any] = jwt.decode(
        token,
        next(each for each in keys if each.key_id == kid),
        algorithms=["RS256"],
        audience="https://api.cc.email/v3",
        issuer="https://identity.constantcontact.com/oauth2/aus1lm3ry9mF7x2Ja0h8",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


def test_the_access_token_is_a_jwt_that_the_published_key_verifies(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    claims = claims_of(sandbox, token)
    assert claims["iat"] == MONDAY
    assert claims["exp"] - claims["iat"] == 86_400
    assert claims["cid"] == "sandbox-key"
    assert claims["sub"] == "olive@acme-bakery.example"
    assert claims["scp"] == SCOPE.split()
    assert claims["platform_user_id"]
    assert 1000 <= len(token) <= 1200


def test_another_key_can_be_published_under_the_id_of_the_right_one(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    sandbox.control(jwks="wrong_key")
    with pytest.raises(jwt.InvalidSignatureError):
        claims_of(sandbox, token)
    sandbox.control(jwks="on")
    assert claims_of(sandbox, token)


def test_the_keys_can_be_away(sandbox: Sandbox) -> None:
    sandbox.control(jwks="off")
    assert sandbox.client.get(KEYS).status_code == 404


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
    answer = sandbox.exchange(code, redirect_uri="https://relay.example/")
    assert_invalid_grant(
        answer,
        "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
    )


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


# --- Devices


def test_a_device_waits_for_a_person_and_then_needs_no_secret(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    page = begun["verification_uri_complete"]
    assert begun["user_code"] in page
    assert sandbox.poll(begun).get_json()["error"] == "authorization_pending"
    assert "Allow access" in sandbox.client.get(page).text
    assert "Device connected" in sandbox.client.post(page, data=OLIVE).text
    tokens = sandbox.poll(begun).get_json()
    assert tokens["scope"] == SCOPE
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert sandbox.ask_as_device(**refresh).status_code == 200
    assert_invalid_grant(sandbox.poll(begun))


def test_a_device_learns_of_a_refusal(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    denied = OLIVE | {"decision": "deny"}
    assert (
        "Access denied" in sandbox.client.post(begun["verification_uri_complete"], data=denied).text
    )
    assert sandbox.poll(begun).get_json()["error"] == "access_denied"


def test_a_device_that_polls_too_fast_must_wait_five_seconds_longer(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    assert begun["interval"] == 2
    said = []
    for pause in (1, 1, 7, 6, 12):  # two seconds are asked for, then seven, then twelve
        sandbox.time += pause - 1  # a poll is made a second later
        said.append(sandbox.poll(begun).get_json()["error"])
    pending = "authorization_pending"
    assert said == [pending, "slow_down", pending, "slow_down", pending]


def test_a_device_code_expires_after_ten_minutes(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    sandbox.time += 600
    assert sandbox.poll(begun).get_json()["error"] == "expired_token"
    assert sandbox.client.get(begun["verification_uri_complete"]).status_code == 400


def test_the_pause_between_two_polls_can_be_set(sandbox: Sandbox) -> None:
    sandbox.control(device_interval_seconds=0.5)
    begun = sandbox.begin_device()
    assert begun["interval"] == 0.5
    for _ in range(2):
        assert sandbox.poll(begun).get_json()["error"] == "authorization_pending"


def test_a_device_may_be_given_no_refresh_token(sandbox: Sandbox) -> None:
    sandbox.control(device_refresh=False)
    begun = sandbox.begin_device()
    sandbox.client.post(begun["verification_uri_complete"], data=OLIVE)
    answer = sandbox.poll(begun)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.get_json()
    assert "refresh_token" in sandbox.exchange(sandbox.allow()["code"][0]).get_json()


def test_a_device_needs_no_secret_but_must_not_send_a_wrong_one(sandbox: Sandbox) -> None:
    begun = sandbox.begin_device()
    sandbox.application = "sandbox-key", "wrong"
    answer = sandbox.ask_token(grant_type=DEVICE_GRANT, device_code=begun["device_code"])
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_device_asks_for_a_code(sandbox: Sandbox) -> None:
    asked = {"client_id": "sandbox-key", "scope": SCOPE}
    answer = sandbox.client.post(f"{AUTH}/device/authorize", data=asked)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "unsupported_response_type"


def test_the_tokens_of_a_web_application_need_its_secret(sandbox: Sandbox) -> None:
    token = sandbox.connect()["refresh_token"]
    answer = sandbox.ask_as_device(grant_type="refresh_token", refresh_token=token)
    assert answer.status_code == 401
