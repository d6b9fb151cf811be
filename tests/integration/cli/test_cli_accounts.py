"""`relay accounts`, `lists`, `disconnect` and `status`: what is known of connections."""

import getpass

import pytest
import redis

from shared.ledger.ledger import Ledger
from tests.support.builders import accept
from tests.support.command_line import CommandLine
from tests.support.sandbox_server import SandboxServer

CARD = {
    *("name", "client_id", "organization", "contact_email", "encoded_account_id"),
    *("connected_at", "connected_by", "login", "disconnected_at", "standing", "key_tail"),
    *("own_key", "scopes", "token_kind", "expires_at", "refreshed_at", "next_refresh_at"),
    *("last_success_at", "owner", "holds"),
}


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


# --- cards


@pytest.mark.parametrize(
    "words",
    [["accounts", "--json"], ["accounts", "list", "--json"], ["accounts", "--json", "list"]],
)
def test_accounts_are_a_list_of_cards(connected: CommandLine, words: list[str]) -> None:
    (summary,) = connected(*words).json
    assert summary.keys() >= CARD
    assert (summary["name"], summary["standing"], summary["holds"]) == ("acme", "connected", [])


def test_the_table_of_accounts_tells_how_each_stands(connected: CommandLine) -> None:
    printed = connected("accounts").out
    for word in ("Acme Bakery", "connected", "p07e1l8cdif9dl", "…-key", "rotating"):
        assert word in printed


def test_without_accounts_it_says_how_to_begin(run: CommandLine) -> None:
    assert "relay connect NAME" in run("accounts").out


def test_show_tells_all_of_a_card_and_what_ends_a_hold(connected: CommandLine) -> None:
    assert connected("accounts", "show", "acme", "--json").json.keys() >= CARD
    connected("hold", "acme", "--reason", "holidays")
    printed = connected("accounts", "show", "acme").out
    for word in (
        *("olive@acme-bakery.example", "account_read, contact_data, offline_access"),
        *("CTCT_CLIENT_ID", "next refresh", "https://signup.example.com"),
        "acme is on hold (paused: holidays). To end the pause, run: relay release acme",
    ):
        assert word in printed
    assert connected("accounts", "show", "acme", "--json").json["holds"] == ["paused"]


def test_an_unknown_account_is_an_error_that_names_those_there_are(connected: CommandLine) -> None:
    for command in (["accounts", "show"], ["lists"], ["disconnect", "--yes"]):
        ended = connected(*command, "nobody")
        assert (ended.status, "acme" in ended.err) == (1, True), ended.err


def test_who_connected_is_somebody_where_the_system_has_no_name_for_them(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nameless)
    run("connect", "acme", "--link")
    (link,) = run("accounts", "links", "acme", "--json").json
    assert link["made_by"] == "somebody"


def test_a_copy_of_the_installation_takes_over_when_told_to(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    connected.set(RELAY_PUBLIC_URL="https://copy.example.com")
    redis_client.hset("relay:{acme}:tokens", "server", "another")
    assert connected("accounts", "take-over", "acme").status == 2
    declined = connected("accounts", "take-over", "acme", stdin="n\n", at_terminal=True)
    assert (declined.status, "both installations may lose acme" in declined.err) == (1, True)
    assert standing(connected) == "foreign"
    summary = connected("accounts", "take-over", "acme", "--yes", "--json").json
    assert summary["owner"] == "https://copy.example.com"
    assert connected("accounts", "take-over", "nobody").status == 1


def test_what_comes_later_is_wrong_use(connected: CommandLine) -> None:
    assert connected("accounts", "set", "acme", "--overflow", "wait").status == 2


# --- lists


def test_lists_come_by_name_with_their_members(connected: CommandLine) -> None:
    lists = connected("lists", "acme", "--json").json
    assert [found["name"] for found in lists][:2] == ["Baking classes", "Birthday club"]
    assert lists[0].keys() == {"id", "name", "membership_count"}
    assert "Wholesale customers" in connected("lists", "acme").out


def test_kept_lists_are_shown_with_a_warning_when_the_api_fails(
    connected: CommandLine, sandbox: SandboxServer
) -> None:
    before = connected("lists", "acme", "--json").json
    sandbox.control(path="/v3/contact_lists", status=503)
    for printed in (connected("lists", "acme", "--json"), connected("lists", "acme")):
        assert printed.status == 0
        assert printed.err.startswith("WARNING: These lists are ")
    assert connected("lists", "acme", "--json").json == before


def test_lists_that_nobody_kept_are_an_error(
    connected: CommandLine, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    redis_client.delete(*redis_client.scan_iter("*{acme}:lists*"))
    sandbox.control(path="/v3/contact_lists", status=503)
    ended = connected("lists", "acme")
    assert (ended.status, ended.out) == (1, "")


# --- a test sign-up; one that is delivered is in tests/chaos/cli/test_connect_at_a_terminal.py


TEST = ("accounts", "test", "acme", "--email", "me@example.com", "--list", "newsletter")


def test_a_test_that_nobody_delivers_says_why_and_that_nothing_is_lost(
    connected: CommandLine,
) -> None:
    ended = connected(*TEST, "--wait", "1", "--remove", "--json")
    assert (ended.status, ended.json["state"]) == (1, "queued")
    for word in ("still waits after 1 s: no worker is alive", "relay worker", "It is not lost"):
        assert word in ended.err
    assert f"relay failed show {ended.json['id']}" in ended.err


def test_a_test_on_hold_says_what_ends_the_hold(connected: CommandLine, ledger: Ledger) -> None:
    ledger.processes.worker_alive("relay-1@another-host")
    connected("hold", "acme", "--reason", "holidays")
    ended = connected(*TEST, "--wait", "1")
    says = "To end the pause, run: relay release acme"
    assert (ended.status, says in ended.err) == (1, True), ended.err


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--email", "nonsense"], "e-mail"), (["--list", "Nowhere"], "Birthday club")],
)
def test_a_test_that_cannot_be_sent_says_why(
    connected: CommandLine, options: list[str], says: str
) -> None:
    ended = connected(*TEST, *options)
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert connected("status", "--json").json["accounts"][0]["accepted"] == 0


# --- tokens of another address


def test_tokens_move_to_another_address_only_after_a_yes(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    nothing = connected("accounts", "move-tokens", "acme", "--yes")
    assert (nothing.status, "are from the addresses" in nothing.err) == (1, True)

    former = "https://api.example/v3 https://login.example"
    redis_client.hset("relay:{acme}:tokens", "origin", former)
    for answer, status in (("", 2), ("n\n", 1)):
        asked = connected("accounts", "move-tokens", "acme", stdin=answer, at_terminal=bool(answer))
        assert asked.status == status
        assert "from https://api.example/v3 and https://login.example. Send them to" in asked.err
        assert standing(connected) == "elsewhere"
        assert "elsewhere" in str(connected("status", "--json").json["accounts"][0]["connection"])

    assert connected("accounts", "move-tokens", "acme", stdin="y\n").status == 0
    assert standing(connected) == "connected"


def test_accounts_of_a_sandbox_are_told_apart(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    def marked() -> set[bool]:
        texts = [connected(*words).out for words in (["status"], ["accounts"])]
        card = connected("accounts", "show", "acme", "--json").json["sandbox"]
        status = connected("status", "--json").json["accounts"][0]["sandbox"]
        return {card, status, *(", sandbox" in text for text in texts)}

    assert marked() == {True}
    real = "https://api.cc.email/v3 https://authz.constantcontact.com/oauth2/default/v1"
    redis_client.hset("relay:{acme}:tokens", "origin", real)
    assert marked() == {False}


# --- disconnecting


def standing(run: CommandLine) -> str:
    return str(run("accounts", "show", "acme", "--json").json["standing"])


def test_disconnecting_asks_and_says_how_many_wait(connected: CommandLine, ledger: Ledger) -> None:
    accept(ledger)
    ended = connected("disconnect", "acme", stdin="n\n", at_terminal=True)
    assert (ended.status, "Nothing was changed." in ended.err) == (1, True)
    assert "1 sign-up waits to be sent. Its tokens will be forgotten" in ended.err
    assert "Disconnect acme (Acme Bakery)?" in ended.err
    assert standing(connected) == "connected"

    ended = connected("disconnect", "acme", stdin="y\n", at_terminal=True)
    assert ended.status == 0
    for word in ("tokens are forgotten", "still accepted", "relay connect acme"):
        assert word in ended.out
    assert standing(connected) == "disconnected"


def test_a_script_says_yes_in_one_way_or_the_other(connected: CommandLine) -> None:
    ended = connected("disconnect", "acme")
    assert (ended.status, "--yes" in ended.err) == (2, True)
    assert standing(connected) == "connected"
    assert connected("disconnect", "acme", stdin="y\n").status == 0

    again = connected("disconnect", "acme", "--yes")
    assert (again.status, "already" in again.out) == (0, True)


def test_disconnecting_as_json_prints_the_card(connected: CommandLine) -> None:
    summary = connected("disconnect", "acme", "--yes", "--json").json
    assert summary["standing"] == "disconnected"
    assert summary["disconnected_at"].endswith("Z")


# --- status


def test_status_says_in_words_what_is_wrong_with_a_connection(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    assert "acme is" not in connected("status").out

    connected.set(CTCT_CLIENT_ID="another-key")
    assert "acme cannot be used: its tokens are gone, or the secret" in connected("status").out

    connected.set(CTCT_CLIENT_ID="sandbox-key")
    connected("disconnect", "acme", "--yes")
    printed = connected("status").out
    assert "acme is disconnected. Its sign-ups are accepted and wait." in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("acme  ")]
    assert "disconnected" in row
    assert "is on hold (reconnect" not in printed  # the same thing in other words
    (account,) = connected("status", "--json").json["accounts"]
    assert (account["hold"]["reason"], account["token"]) == ("reconnect", None)
