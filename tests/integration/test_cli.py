"""The command line as scripts and operators use it: what it prints, and its exit status."""

import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from relay.cli import main
from shared.domain.signup import DeathReason
from shared.ledger.ledger import Ledger
from tests.builders import accept, attempt, claimed
from tests.sandbox_server import SandboxServer
from tests.valkey_server import ValkeyServer


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(rate=1000) as server:
        server.control(rates={"token_requests_per_second": 1000})
        yield server


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    valkey: ValkeyServer,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    tmp_path: Path,
) -> Run:
    """Run a command on a clean ledger."""
    settings = {
        "REDIS_URL": valkey.url(),
        "CTCT_CLIENT_ID": sandbox.client_id,
        "CTCT_CLIENT_SECRET": sandbox.client_secret,
        "CTCT_API_URL": sandbox.api_url,
        "CTCT_AUTH_URL": sandbox.auth_url,
        "CTCT_REQUESTS_PER_SECOND": "1000",
        "RELAY_SECRET_KEY": "a secret only for tests",
        "RELAY_DATA_DIR": str(tmp_path),
        "RELAY_PUBLIC_URL": "https://signup.example.com",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return command


@pytest.fixture
def connected(run: Run, sandbox: SandboxServer) -> Run:
    """An account `acme` of the sandbox is connected, with a form `news`."""
    tokens = json.dumps(sandbox.connect())
    assert run("connect", "acme", "--tokens", "-", stdin=tokens).status == 0
    assert run("forms", "add", "news", "--account", "acme", "--list", "newsletter").status == 0
    return run


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


def bury(ledger: Ledger, email: str, reason: DeathReason = DeathReason.REJECTED) -> str:
    accept(ledger, email, id=str(uuid.uuid4()))
    mine = claimed(ledger)
    ledger.bury(
        mine,
        attempt(400, message="no such thing", tracking_id="t-1"),
        reason=reason,
        error_key="contacts.api.validation.error",
        message="HTTP 400: no such thing",
        account_is_well=True,
    )
    return mine.id


# --- status


def test_status_of_an_empty_ledger_says_how_to_begin(run: Run) -> None:
    assert "relay connect NAME --url" in run("status").out
    status = run("status", "--json").json
    assert status["accounts"] == []
    assert (status["workers"], status["beat_age_seconds"], status["spooled"]) == (0, None, 0)
    assert status["quota"]["limit"] == 10_000
    assert status["quota"]["resets_at"].endswith("T00:00:00Z")


def test_status_counts_and_shows_tokens(connected: Run, ledger: Ledger) -> None:
    bury(ledger, "a@example.com")
    accept(ledger, "b@example.com")
    (account,) = connected("status", "--json").json["accounts"]
    assert (account["name"], account["organization"]) == ("acme", "Acme Bakery")
    assert (account["accepted"], account["due"], account["dead"]) == (2, 1, 1)
    assert account["oldest_due_seconds"] >= 0
    assert account["hold"] is None
    assert account["token"]["expires_at"].endswith("Z")
    assert account["token"]["scopes"] == ["account_read", "contact_data", "offline_access"]
    assert "dead letters wait for you" in connected("status").out


# --- connecting


def test_connect_url_prints_the_url_last(run: Run) -> None:
    printed = run("connect", "acme", "--url")
    assert printed.status == 0
    url = printed.out.split()[-1]
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == ["https://signup.example.com/connect/callback"]
    assert "offline_access" in query["scope"][0].split()


def test_connect_url_as_json(run: Run) -> None:
    found = run("connect", "acme", "--url", "--json").json
    assert set(found) == {"url", "redirect_uri", "expires_at"}
    assert found["expires_at"].endswith("Z")


@pytest.mark.parametrize("how", [[], ["--link"], ["--device"], ["--tokens", "file"]])
def test_other_ways_to_connect_are_wrong_use(run: Run, how: list[str]) -> None:
    assert run("connect", "acme", *how).status == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("no json", "JSON"),
        ('{"access_token": "a", "expires_in": 86400}', "offline_access"),
        ('{"access_token": "a", "refresh_token": "r"}', "refuses both tokens"),
    ],
)
def test_tokens_that_are_no_good_connect_nothing(run: Run, given: str, says: str) -> None:
    ended = run("connect", "acme", "--tokens", "-", stdin=given)
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert run("accounts", "--json").json == []


def test_a_refresh_token_that_connecting_spent_is_never_sent_again(
    run: Run, sandbox: SandboxServer
) -> None:
    given = json.dumps(sandbox.connect())
    sandbox.control(revoke="access")  # so that connecting has to refresh
    spent_before = sandbox.stats()["spent_refresh_tokens_seen"]
    assert run("connect", "acme", "--tokens", "-", stdin=given).status == 0
    for name in ("acme", "another"):
        again = run("connect", name, "--tokens", "-", stdin=given)
        assert (again.status, "has newer ones" in again.err) == (1, True), again.err
    assert sandbox.stats()["spent_refresh_tokens_seen"] == spent_before


def test_lists_and_accounts(connected: Run) -> None:
    assert [account["name"] for account in connected("accounts", "--json").json] == ["acme"]
    assert [account["name"] for account in connected("accounts", "list", "--json").json] == ["acme"]
    names = {found["name"] for found in connected("lists", "acme", "--json").json}
    assert {"Newsletter", "Birthday club"} <= names
    assert connected("lists", "nobody").status == 1


# --- forms


def test_a_form_is_added_shown_disabled_and_removed(connected: Run) -> None:
    added = connected(
        *("forms", "add", "cakes", "--account", "acme", "--list", "Newsletter"),
        *("--field", "favourite_cake", "--origin", "https://example.com"),
    )
    assert added.status == 0
    shown = connected("forms", "show", "cakes", "--json").json
    assert [found["name"] for found in shown["lists"]] == ["Newsletter"]
    assert [field["name"] for field in shown["custom_fields"]] == ["favourite_cake"]
    assert connected("forms", "disable", "cakes").status == 0
    assert connected("forms", "show", "cakes", "--json").json["enabled"] is False
    assert connected("forms", "remove", "cakes").status == 0
    assert [form["name"] for form in connected("forms", "list", "--json").json] == ["news"]
    assert connected("forms", "show", "cakes").status == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--list", "Nowhere"], "Newsletter"),
        (["--list", "Newsletter", "--field", "no_such"], "favourite_cake"),
        (["--list", "Newsletter", "--origin", "example.com"], "https://"),
    ],
)
def test_a_wrong_list_field_or_origin_names_what_would_be_right(
    connected: Run, options: list[str], says: str
) -> None:
    ended = connected("forms", "add", "x", "--account", "acme", *options)
    assert ended.status in (1, 2)
    assert says in ended.err


# --- dead letters


def test_failed_list_has_what_scripts_read(connected: Run, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com")
    (dead,) = connected("failed", "list", "--json").json
    assert {name: dead[name] for name in ("id", "account", "form", "email", "reason")} == {
        "id": id,
        "account": "acme",
        "form": "news",
        "email": "a@example.com",
        "reason": "rejected",
    }
    assert dead["error_key"] == "contacts.api.validation.error"
    assert (dead["message"], dead["attempts"]) == ("HTTP 400: no such thing", 1)
    assert dead["received_at"].endswith("Z")
    assert dead["died_at"].endswith("Z")
    assert id in connected("failed", "list").out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], 2),
        (["--all"], 2),
        (["--account", "acme"], 2),
        (["--reason", "gave_up"], 1),
        (["--reason", "poison"], 0),
        (["--email", "A@Example.com"], 1),
        (["--since", "2001-01-01"], 2),
        (["--since", "2999-01-01T00:00:00Z"], 0),
    ],
)
def test_dead_letters_are_chosen_by_any_filter(
    connected: Run, ledger: Ledger, options: list[str], found: int
) -> None:
    bury(ledger, "a@example.com")
    bury(ledger, "b@example.com", DeathReason.GAVE_UP)
    assert len(connected("failed", "list", *options, "--json").json) == found


def test_ids_are_filtered_like_anything_else(connected: Run, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com")
    for filter in (["--account", "acme"], ["--reason", "rejected"], ["--email", "a@example.com"]):
        assert len(connected("failed", "list", id, *filter, "--json").json) == 1
    for filter in (["--reason", "gave_up"], ["--email", "b@example.com"]):
        assert connected("failed", "discard", id, *filter, "--json").json == {"discarded": []}
    assert connected("failed", "show", id, "--json").json["state"] == "dead"


def test_only_dead_letters_are_listed(connected: Run, ledger: Ledger) -> None:
    id = accept(ledger).id
    assert connected("failed", "list", id, "--json").json == []


def test_retry_and_discard_want_to_know_which(connected: Run, ledger: Ledger) -> None:
    bury(ledger, "a@example.com")
    for change in ("retry", "discard"):
        ended = connected("failed", change)
        assert (ended.status, "--all" in ended.err) == (2, True)
    assert connected("failed", "retry", "--all", "--json").json["retried"]
    assert connected("failed", "list", "--json").json == []


def test_a_dead_letter_is_corrected_and_its_history_kept(connected: Run, ledger: Ledger) -> None:
    id = bury(ledger, "typo@example.com")
    edited = connected("failed", "edit", id, "--set", "email=right@example.com", "--json")
    assert edited.json["email"] == "right@example.com"
    connected("failed", "retry", id)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    shown = connected("failed", "show", id, "--json").json
    assert shown["state"] == "delivered"
    assert [event.get("event", event.get("status")) for event in shown["history"]] == [
        400,
        "edited",
        201,
    ]
    assert "right@example.com" in connected("failed", "show", id).out


@pytest.mark.parametrize(
    ("change", "says"),
    [("email=nonsense", "e-mail"), ("shoe_size=46", "shoe_size"), ("first_name=" + "x" * 51, "50")],
)
def test_a_wrong_correction_changes_nothing(
    connected: Run, ledger: Ledger, change: str, says: str
) -> None:
    id = bury(ledger, "a@example.com")
    ended = connected("failed", "edit", id, "--set", change)
    assert (ended.status, says in ended.err) == (1, True), ended.err
    assert connected("failed", "show", id, "--json").json["email"] == "a@example.com"


def test_quarantined_signups_are_shown_and_discarded(connected: Run, ledger: Ledger) -> None:
    id = accept(ledger, quarantine="honeypot").id
    shown = connected("failed", "show", id, "--json").json
    assert (shown["state"], shown["reason"], shown["died_at"]) == ("quarantined", "honeypot", None)
    assert connected("failed", "retry", id).status == 1
    assert connected("failed", "discard", id).status == 0
    assert connected("failed", "show", id, "--json").json["state"] == "discarded"


def test_an_unknown_id_is_an_error_that_says_where_to_look(connected: Run) -> None:
    for command in ("show", "retry", "discard"):
        ended = connected("failed", command, "no-such-id")
        assert (ended.status, "relay failed list" in ended.err) == (1, True)


# --- holds


def test_hold_and_release(connected: Run, ledger: Ledger) -> None:
    assert connected("hold", "acme", "--reason", "holidays").status == 0
    (account,) = connected("status", "--json").json["accounts"]
    assert account["hold"]["reason"] == "paused"
    assert account["hold"]["until"] is None
    assert account["holds"][0]["note"] == "holidays"
    assert "relay release acme" in connected("status").out
    assert connected("release", "acme", "--json").json["holds"] == ["paused"]
    assert connected("status", "--json").json["accounts"][0]["hold"] is None
    assert connected("hold", "nobody", "--reason", "x").status == 1
    assert connected("hold", "acme").status == 2


# --- wrong use


@pytest.mark.parametrize(
    "command",
    ["doctor", "find", "erase", "import", "operator", "snippet", "disconnect", "nonsense"],
)
def test_what_does_not_exist_yet_is_wrong_use(run: Run, command: str) -> None:
    assert run(command, "x").status == 2


def test_all_wrong_settings_are_named_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_MAX_ATTEMPTS", "many")
    monkeypatch.setenv("CTCT_API_URL", "nowhere")
    ended = run("status")
    assert ended.status == 2
    assert "RELAY_MAX_ATTEMPTS" in ended.err
    assert "CTCT_API_URL" in ended.err


def test_a_redis_that_is_away_is_one_clear_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    for command in (["status"], ["failed", "list"], ["forms", "list"], ["accounts"]):
        ended = run(*command)
        assert ended.status == 1
        assert ended.err.startswith("Redis does not answer")
