"""`relay connect`: each way to connect, as scripts and people at a terminal use it."""

import json
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.accounts.token_import import TokenImport
from tests.support.command_line import AtTheDevicePage, CommandLine
from tests.support.sandbox_server import SandboxServer

CHECKS = {
    *("refresh_token", "scopes", "privileges"),
    *("summary", "lists", "refresh", "clock"),
}


@pytest.fixture
def person(run: CommandLine) -> AtTheDevicePage:
    return AtTheDevicePage(run)


def tokens_of(sandbox: SandboxServer, **wanted: str) -> str:
    return json.dumps(sandbox.connect(**wanted))


# --- --url


def test_url_is_the_last_word_printed(run: CommandLine) -> None:
    printed = run("connect", "acme", "--url")
    assert printed.status == 0
    query = parse_qs(urlsplit(printed.out.split()[-1]).query)
    assert query["redirect_uri"] == ["https://signup.example.com/connect/callback"]
    assert "offline_access" in query["scope"][0].split()
    assert "WARNING" not in printed.out


def test_url_as_json(run: CommandLine) -> None:
    found = run("connect", "acme", "--url", "--json").json
    assert found.keys() >= {"url", "redirect_uri", "expires_at"}
    assert found["expires_at"].endswith("Z")
    assert found["warnings"] == []


def test_a_script_that_names_no_way_gets_the_url(run: CommandLine) -> None:
    printed = run("connect", "acme")
    assert printed.status == 0
    assert "/authorize?" in printed.out.split()[-1]


def test_a_login_that_cannot_work_is_warned_of_before_the_url(
    run: CommandLine, sandbox: SandboxServer
) -> None:
    sandbox.application(
        sandbox.client_id, sandbox.client_secret, redirect_uris=["https://other.example.com/"]
    )
    printed = run("connect", "acme", "--url")
    assert printed.status == 0
    assert printed.out.startswith("WARNING: The redirect URI is not registered.")
    assert "/authorize?" in printed.out.split()[-1]
    (warning,) = run("connect", "acme", "--url", "--json").json["warnings"]
    assert "https://signup.example.com/connect/callback" in warning


def test_an_authorization_server_that_is_away_warns_of_nothing(run: CommandLine) -> None:
    run.set(CTCT_AUTH_URL="http://127.0.0.1:9/oauth2/default/v1")
    assert run("connect", "acme", "--url", "--json").json["warnings"] == []


def test_an_authorization_server_that_hangs_keeps_nobody_waiting_for_long(
    run: CommandLine, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shared.accounts.connecting.APPLICATION_CHECK_DEADLINE", timedelta(milliseconds=100)
    )
    sandbox.control(path="/oauth2/default/v1/authorize", latency_ms=30_000)
    begun = time.monotonic()
    assert run("connect", "acme", "--url", "--json").json["warnings"] == []
    assert time.monotonic() - begun < 10


# --- --link


def test_a_link_is_made_shown_and_taken_back(run: CommandLine) -> None:
    made = run("connect", "acme", "--link", "--from", "Studio North", "--days", "3", "--json").json
    assert made.keys() == {"url", "account", "asked_by", "expires_at", "id", "warnings"}
    assert (made["account"], made["asked_by"]) == ("acme", "Studio North")
    assert made["url"].startswith("https://signup.example.com/connect/link/")

    (shown,) = run("accounts", "links", "acme", "--json").json
    assert (shown["id"], shown["state"], shown["url"]) == (made["id"], "waiting", made["url"])
    assert shown["expires_at"] == made["expires_at"]
    assert "Studio North" in run("accounts", "links", "acme").out

    assert run("accounts", "withdraw", made["id"]).status == 0
    (shown,) = run("accounts", "links", "acme", "--json").json
    assert (shown["state"], shown["url"]) == ("withdrawn", None)
    assert run("accounts", "withdraw", "nonsense").status == 1


def test_a_link_is_the_last_word_printed_and_names_our_host_unless_told_otherwise(
    run: CommandLine,
) -> None:
    printed = run("connect", "acme", "--link")
    assert printed.status == 0
    assert printed.out.split()[-1].startswith("https://signup.example.com/connect/link/")
    assert "The page says that signup.example.com asks." in printed.out


def test_a_person_is_asked_by_which_name_the_client_knows_them(run: CommandLine) -> None:
    printed = run("connect", "acme", "--link", stdin="Studio North\n", at_terminal=True)
    assert "The page says that Studio North asks." in printed.out


def test_an_account_without_links_has_none(run: CommandLine) -> None:
    assert run("accounts", "links", "acme", "--json").json == []
    assert "relay connect acme --link" in run("accounts", "links", "acme").out


# --- --device


def test_a_device_is_connected_once_the_code_was_entered(
    run: CommandLine, person: AtTheDevicePage, sandbox: SandboxServer
) -> None:
    person.after(20, person.decide)
    printed = run("connect", "acme", "--device")
    assert printed.status == 0, printed.err
    assert f"{sandbox.url}/activate" in printed.out
    assert "Acme Bakery" in printed.out
    assert printed.out.count("✓") == len(CHECKS)
    assert "Waiting for the code to be entered" in printed.err


def test_a_device_as_json_tells_the_code_on_standard_error(
    run: CommandLine, person: AtTheDevicePage, sandbox: SandboxServer
) -> None:
    person.after(1, person.decide)
    printed = run("connect", "acme", "--device", "--json")
    assert printed.json["organization"] == "Acme Bakery"
    assert {check["name"] for check in printed.json["checks"]} == CHECKS
    assert f"{sandbox.url}/activate" in printed.err


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        pytest.param("denied", "Access was denied", id="denied"),
        pytest.param("expired", "The code has expired", id="expired there"),
        pytest.param("nothing", "The code has expired", id="expired here"),
        pytest.param("no refresh token", "--url", id="no refresh token"),
        pytest.param("another key", "no longer knows this code", id="forgotten there"),
    ],
)
def test_a_device_that_cannot_be_connected_says_why(
    run: CommandLine, person: AtTheDevicePage, sandbox: SandboxServer, happens: str, says: str
) -> None:
    match happens:
        case "denied":
            person.after(1, lambda: person.decide(allow=False))
        case "expired":
            person.after(1, lambda: sandbox.control(clock_offset_seconds=601))
        case "no refresh token":
            sandbox.control(device_refresh=False)
            person.after(1, person.decide)
        case "another key":
            person.after(1, sandbox.reset)
    ended = run("connect", "acme", "--device")
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert run("accounts", "--json").json == []


def test_a_device_goes_on_asking_while_the_endpoint_fails(
    run: CommandLine, person: AtTheDevicePage, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/oauth2/default/v1/token", status=503, count=2)
    person.after(1, person.decide)
    ended = run("connect", "acme", "--device")
    assert ended.status == 0, ended.err
    assert "Retrying" in ended.err


def test_a_device_goes_on_with_its_tokens_when_the_api_fails_after_them(
    run: CommandLine, person: AtTheDevicePage, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/account", status=503, count=2)
    person.after(1, person.decide)
    ended = run("connect", "acme", "--device")
    assert ended.status == 0, ended.err
    assert "Retrying" in ended.err


def test_an_application_without_device_flow_says_where_to_switch_it_on(run: CommandLine) -> None:
    run.set(CTCT_CLIENT_ID="another-key")
    ended = run("connect", "acme", "--device")
    assert (ended.status, "device flow" in ended.err) == (1, True), ended.err


# --- --tokens


def test_tokens_connect_and_every_check_is_printed(
    run: CommandLine, sandbox: SandboxServer
) -> None:
    printed = run("connect", "acme", "--tokens", "-", stdin=tokens_of(sandbox))
    assert printed.status == 0
    assert printed.out.count("✓") == len(CHECKS)
    for word in ("Acme Bakery", "olive@acme-bakery.example", "Newsletter", "relay forms add"):
        assert word in printed.out


def test_what_is_wrong_comes_with_what_to_do(run: CommandLine, sandbox: SandboxServer) -> None:
    first, second = (tokens_of(sandbox, user="Campaign Creator") for _ in range(2))
    printed = run("connect", "acme", "--tokens", "-", stdin=first)
    assert printed.status == 0
    assert "✗ The login may write contacts: The privilege contacts:write" in printed.out
    assert "  → Connect again, and log in as the account's owner" in printed.out
    found = run("connect", "acme", "--tokens", "-", "--json", stdin=second).json
    (warning,) = found["warnings"]
    assert "contacts:write" in warning


def test_tokens_as_json(run: CommandLine, sandbox: SandboxServer) -> None:
    found = run("connect", "acme", "--tokens", "-", "--json", stdin=tokens_of(sandbox)).json
    assert found["name"] == "acme"
    assert found["scopes"] == ["account_read", "contact_data", "offline_access"]
    assert found["expires_at"].endswith("Z")
    assert found["warnings"] == []
    assert {check["name"] for check in found["checks"]} == CHECKS


def test_lists_that_cannot_be_read_yet_do_not_hide_that_it_is_connected(
    run: CommandLine, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = TokenImport.connect

    def then_fail(*given: object, **options: object) -> object:
        connected = connect(*given, **options)  # type: ignore[arg-type]
        sandbox.control(path="/v3/contact_lists", status=503)
        return connected

    monkeypatch.setattr(TokenImport, "connect", then_fail)
    printed = run("connect", "acme", "--tokens", "-", stdin=tokens_of(sandbox))
    assert printed.status == 0, printed.err
    assert "Its lists could not be read" in printed.out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("no json", "JSON"),
        ('{"access_token": "a", "expires_in": 86400}', "offline_access"),
        ('{"access_token": "a", "refresh_token": "r"}', "refuses both tokens"),
    ],
)
def test_tokens_that_are_no_good_connect_nothing(run: CommandLine, given: str, says: str) -> None:
    ended = run("connect", "acme", "--tokens", "-", stdin=given)
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert run("accounts", "--json").json == []


def test_a_refresh_token_that_connecting_spent_is_never_sent_again(
    run: CommandLine, sandbox: SandboxServer
) -> None:
    given = tokens_of(sandbox)
    sandbox.control(revoke="access")  # so that connecting has to refresh
    spent_before = sandbox.stats()["spent_refresh_tokens_seen"]
    assert run("connect", "acme", "--tokens", "-", stdin=given).status == 0
    for name in ("acme", "another"):
        again = run("connect", name, "--tokens", "-", stdin=given)
        assert (again.status, "has newer ones" in again.err) == (1, True), again.err
    assert sandbox.stats()["spent_refresh_tokens_seen"] == spent_before


# --- another account than before


def organization(run: CommandLine) -> str:
    (account,) = run("accounts", "--json").json
    return str(account["organization"])


@pytest.mark.parametrize("agreed", ["--replace", "--yes"])
def test_a_script_must_say_that_another_account_may_take_the_name(
    connected: CommandLine, sandbox: SandboxServer, agreed: str
) -> None:
    given = tokens_of(sandbox, organization="Blue Door Books")
    ended = connected("connect", "acme", "--tokens", "-", stdin=given)
    assert (ended.status, "--replace" in ended.err) == (1, True), ended.err
    assert organization(connected) == "Acme Bakery"

    ended = connected("connect", "acme", "--tokens", "-", agreed, stdin=given)
    assert ended.status == 0, ended.err
    assert organization(connected) == "Blue Door Books"
    assert "✗ Its forms: " in ended.out
    assert "all 57 lists: relay lists acme" in ended.out
    assert "Readings" not in ended.out  # the last of them


@pytest.mark.parametrize(
    ("said", "status", "then"), [("y", 0, "Blue Door Books"), ("n", 1, "Acme Bakery")]
)
def test_a_person_is_asked_whether_another_account_may_take_the_name(
    connected: CommandLine,
    sandbox: SandboxServer,
    person: AtTheDevicePage,
    said: str,
    status: int,
    then: str,
) -> None:
    person.after(1, lambda: person.decide(organization="Blue Door Books"))
    ended = connected("connect", "acme", "--device", stdin=f"{said}\n", at_terminal=True)
    assert ended.status == status, ended.err
    assert (
        "This login belongs to Blue Door Books, but acme was connected to Acme Bakery." in ended.out
    )
    assert "Blue Door Books has other lists and other contacts than Acme Bakery." in ended.out
    assert "These forms use lists of Acme Bakery: news" in ended.out
    assert organization(connected) == then


# --- an application of its own


@pytest.fixture
def secret_file(sandbox: SandboxServer, tmp_path: Path) -> Path:
    """A second application is registered; this is where its secret is kept."""
    sandbox.application("the-own-key", "the-own-secret")
    file = tmp_path / "secret"
    file.write_text("the-own-secret\n", encoding="utf-8")
    return file


def test_an_account_is_connected_with_an_application_of_its_own(
    run: CommandLine, sandbox: SandboxServer, secret_file: Path
) -> None:
    ended = run(
        *("connect", "acme", "--tokens", "-", "--api-key", "the-own-key"),
        *("--secret-file", str(secret_file)),
        stdin=tokens_of(sandbox, application="the-own-key"),
    )
    assert ended.status == 0, ended.err
    (account,) = run("accounts", "--json").json
    assert (account["client_id"], account["key_tail"]) == ("the-own-key", "…-key")
    assert account["own_key"] is True
    assert len(run("lists", "acme", "--json").json) == 5
    assert "the-own-secret" not in ended.out + ended.err


def test_every_way_takes_an_application(
    run: CommandLine, person: AtTheDevicePage, secret_file: Path
) -> None:
    own = ("--api-key", "the-own-key", "--secret-file", str(secret_file))
    assert "client_id=the-own-key" in run("connect", "acme", "--url", *own).out
    assert run("connect", "acme", "--link", *own).status == 0
    (link,) = run("accounts", "links", "acme", "--json").json
    assert link["client_id"] == "the-own-key"
    person.after(1, person.decide)
    assert run("connect", "acme", "--device", *own, "--json").json["own_key"] is True


def test_what_cannot_be_a_secret_is_refused(run: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("https://example.com/", encoding="utf-8")
    ended = run("connect", "acme", "--url", "--api-key", "key-1", "--secret-file", str(file))
    assert (ended.status, "looks like a web address" in ended.err) == (1, True)


# --- wrong use


@pytest.mark.parametrize(
    "how",
    [
        ["--tokens", "file"],
        ["--url", "--link"],
        ["--device", "--tokens", "-"],
        ["--from", "Studio North"],
        ["--url", "--days", "3"],
        ["--link", "--days", "61"],
        ["--url", "--secret-file", __file__],
        ["--url", "--api-key", "key-1"],
        ["--url", "--api-key", "key-1", "--secret-file", "/no/such/file"],
    ],
)
def test_options_that_make_no_sense_are_wrong_use(run: CommandLine, how: list[str]) -> None:
    ended = run("connect", "acme", *how)
    assert (ended.status, ended.out) == (2, "")


def test_a_name_that_cannot_be_is_refused_before_anything_is_asked(run: CommandLine) -> None:
    ended = run("connect", "a b", at_terminal=True)
    assert (ended.status, "cannot be an account's name" in ended.err) == (2, True)
    assert ended.out == ""
