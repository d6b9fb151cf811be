"""What goes wrong at Constant Contact, each with what to do about it."""

import pytest

from shared.accounts import problems
from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.constant_contact.errors import FlowNotAllowed, InvalidClient, InvalidGrant
from shared.domain.check import CheckResult

CALLBACK = "https://relay.example/connect/callback"
OKTA_REDIRECT = (
    "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings"
)
OKTA_KEY = "Invalid value for 'client_id' parameter."


def handshake(via: StartedFrom) -> ConnectRequest:
    return ConnectRequest(
        account="acme", client_id="key", redirect_uri=CALLBACK, by="ada", started_from=via
    )


@pytest.mark.parametrize(
    ("error", "description", "words"),
    [
        ("access_denied", "", "not allowed at Constant Contact"),
        ("invalid_request", f"{OKTA_REDIRECT}", CALLBACK),
        ("invalid_client", "", "does not know this API key"),
        ("unauthorized_client", "", "does not know this API key"),
        ("invalid_scope", "", "offline_access"),
        ("server_error", "", "in a few minutes"),
        ("temporarily_unavailable", "", "in a few minutes"),
        ("unsupported_response_type", "", "Authorization Code Flow"),
        ("", "", CALLBACK),
    ],
)
def test_an_error_of_the_callback_becomes_a_sentence(
    error: str, description: str, words: str
) -> None:
    assert words in problems.explain_callback(error, description, CALLBACK)


def test_nothing_of_a_callback_is_repeated() -> None:
    sentence = problems.explain_callback("call-0190", "redirect to evil.example now", CALLBACK)

    assert "0190" not in sentence
    assert "evil" not in sentence


def test_a_code_that_was_refused_for_its_redirect_uri_names_the_right_one() -> None:
    assert CALLBACK in problems.explain_code(InvalidGrant("redirect_uri differs"), CALLBACK)
    assert "five minutes" in problems.explain_code(InvalidGrant("expired"), CALLBACK)


@pytest.mark.parametrize(
    ("own_key", "words"), [(True, "was given with the API key"), (False, "CTCT_CLIENT_SECRET")]
)
def test_a_refused_secret_says_where_it_is(own_key: bool, words: str) -> None:
    assert words in problems.explain_client(InvalidClient("refused"), own_key=own_key)


def test_a_flow_that_is_off_is_not_blamed_on_the_secret() -> None:
    sentence = problems.explain_client(FlowNotAllowed("not this way"), own_key=False)

    assert "SECRET" not in sentence
    assert "Authorization Code Flow" in sentence


@pytest.mark.parametrize(
    ("via", "words"),
    [
        (StartedFrom.TERMINAL, "relay connect acme --url"),
        (StartedFrom.CONSOLE, "in the console"),
        (StartedFrom.LINK, "ask your client to open it"),
    ],
)
def test_one_begins_again_where_one_began(via: StartedFrom, words: str) -> None:
    assert words in problems.again(handshake(via))


def test_a_client_is_not_told_of_our_commands() -> None:
    assert "--replace" in problems.another_account(handshake(StartedFrom.TERMINAL))
    assert "--replace" not in problems.another_account(handshake(StartedFrom.LINK))


@pytest.mark.parametrize(
    ("status", "location", "body", "verdict", "words"),
    [
        pytest.param(None, "", "", CheckResult.UNKNOWN, "did not answer", id="no answer"),
        pytest.param(200, "", "Log in", CheckResult.OK, "login page opens", id="login page"),
        pytest.param(
            302, "https://id.example/?redirect_uri=x", "", CheckResult.OK, "opens", id="on"
        ),
        pytest.param(302, "http://[oops", "", CheckResult.OK, "opens", id="odd redirect"),
        pytest.param(
            400, "", OKTA_REDIRECT, CheckResult.PROBLEM, "redirect URI", id="redirect URI"
        ),
        pytest.param(400, "", OKTA_KEY, CheckResult.PROBLEM, "API key", id="API key"),
        pytest.param(
            401, "", '{"error":"invalid_client"}', CheckResult.PROBLEM, "API key", id="JSON"
        ),
        pytest.param(
            302, f"{CALLBACK}?error=invalid_scope", "", CheckResult.PROBLEM, "refuses", id="scope"
        ),
        pytest.param(
            302,
            f"{CALLBACK}?error=unauthorized_client",
            "",
            CheckResult.PROBLEM,
            "API key",
            id="off",
        ),
        pytest.param(
            400,
            "",
            "a client's security redirect",
            CheckResult.UNKNOWN,
            "HTTP 400",
            id="another 400",
        ),
        pytest.param(403, "", f"<p>{OKTA_KEY}", CheckResult.UNKNOWN, "HTTP 403", id="a firewall"),
        pytest.param(429, "", "client_id", CheckResult.UNKNOWN, "HTTP 429", id="too many"),
        pytest.param(503, "", "client_id", CheckResult.UNKNOWN, "HTTP 503", id="down"),
    ],
)
def test_the_answer_to_the_authorization_url_is_judged(
    status: int | None, location: str, body: str, verdict: CheckResult, words: str
) -> None:
    check = problems.check_authorization_url(status, location, body, CALLBACK)

    assert check.verdict == verdict
    assert words in check.found
    assert (check.fix is not None) == (verdict == CheckResult.PROBLEM)
