"""`relay audit`, and that every command that changes something adds an entry to the trail.

Each new command needs a line here, as tests/architecture/test_audit_entries.py demands.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.audit import Action
from shared.domain.job import LARGE
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.operations.operators import Operators
from tests.support.builders import accept, bury_claim, claimed
from tests.support.command_line import CommandLine, Ran, settings_for
from tests.support.person import EMAIL, NAME, traces_in_redis
from tests.support.phone import Phone
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from tests.support.webhook import Webhook
from web.app import create_app

# These start processes. The first operator and the demo of `relay up` have entries, too.
STARTS = {"beat", "sandbox", "up", "web", "worker"}
READS = {
    *("accounts links", "accounts list", "accounts show", "alerts list", "audit", "consent"),
    *(
        "doctor",
        "failed jobs",
        "failed list",
        "failed replays",
        "failed show",
        "find",
        "forms list",
    ),
    *("forms show", "lists", "operator list", "quarantine list", "snippet", "status"),
}


class Scene:
    """Accounts `acme`, with a form `news`, and `spare`, and sign-ups to do something with."""

    def __init__(
        self, run: CommandLine, sandbox: SandboxServer, ledger: Ledger, client: "redis.Redis"
    ) -> None:
        self.client = client
        self.run = run
        self.sandbox = sandbox
        self.ledger = ledger

    def dead(self, count: int = 1) -> list[str]:
        ids = [accept(self.ledger, f"{number}@example.com").id for number in range(count)]
        for _ in ids:
            bury_claim(self.ledger, claimed(self.ledger))
        return ids

    def discarded(self) -> str:
        (id,) = self.dead()
        self.run("failed", "discard", id, "--yes")
        return id

    def caught(self) -> str:
        return accept(self.ledger, quarantine="honeypot").id

    def connect(self, *options: str, organization: str = "Acme Bakery", name: str = "acme") -> Ran:
        tokens = json.dumps(self.sandbox.connect(organization=organization))
        return self.run("connect", name, "--tokens", "-", *options, stdin=tokens)

    def moved(self, *command: str) -> Ran:
        """Run it after `acme` has got its tokens at another address."""
        address = "https://api.example/v3 https://login.example"
        self.ledger._client.hset("relay:{acme}:tokens", "origin", address)
        return self.run(*command)

    def link(self) -> str:
        made = self.run("connect", "acme", "--link", "--from", "Studio North", "--json")
        return str(made.json["id"])

    def reset_second_factor(self) -> Ran:
        Operators(self.client).set_password("ada", PASSWORD)
        phone = Phone()
        phone.switch_on(phone.factors(self.client), "ada", PASSWORD)
        return self.run("operator", "reset-second-factor", "ada")

    def job(self) -> str:
        self.dead(LARGE)
        return str(self.run("failed", "retry", "--all", "--json").json["replay"])


PASSWORD = "a password for tests"
FORM = ("forms", "add", "club", "--account", "acme", "--list", "newsletter")
TEST = ("accounts", "test", "acme", "--email", EMAIL, "--list", "newsletter", "--wait", "1")

# By command: what runs it, and what it comes to.
CHANGES: dict[str, tuple[Action, Callable[[Scene], Ran]]] = {
    "accounts move-tokens": (
        Action.MOVE_TOKENS,
        lambda scene: scene.moved("accounts", "move-tokens", "acme", "--yes"),
    ),
    "accounts remove": (
        Action.REMOVE_ACCOUNT,
        lambda scene: scene.run("accounts", "remove", "spare", "--yes"),
    ),
    "accounts take-over": (
        Action.TAKE_OVER,
        lambda scene: scene.run("accounts", "take-over", "acme", "--yes"),
    ),
    "accounts test": (Action.TEST_SIGNUP, lambda scene: scene.run(*TEST)),
    "accounts withdraw": (
        Action.WITHDRAW_LINK,
        lambda scene: scene.run("accounts", "withdraw", scene.link()),
    ),
    "alerts test": (Action.TEST_ALERTS, lambda scene: scene.run("alerts", "test")),
    "backup-made": (Action.BACKUP, lambda scene: scene.run("backup-made")),
    "connect": (Action.CONNECT, lambda scene: scene.connect()),
    "disconnect": (Action.DISCONNECT, lambda scene: scene.run("disconnect", "acme", "--yes")),
    "erase": (Action.ERASE, lambda scene: scene.run("erase", EMAIL, "--yes")),
    "failed cancel": (
        Action.CANCEL_REPLAY,
        lambda scene: scene.run("failed", "cancel", scene.job()),
    ),
    "failed discard": (
        Action.DISCARD,
        lambda scene: scene.run("failed", "discard", *scene.dead(), "--yes"),
    ),
    "failed edit": (
        Action.EDIT,
        lambda scene: scene.run("failed", "edit", *scene.dead(), "--set", f"first_name={NAME}"),
    ),
    "failed export": (Action.EXPORT, lambda scene: scene.run("failed", "export")),
    "failed retry": (Action.RETRY, lambda scene: scene.run("failed", "retry", *scene.dead())),
    "failed undo": (
        Action.UNDO_DISCARD,
        lambda scene: scene.run("failed", "undo", scene.discarded()),
    ),
    "forms add": (Action.ADD_FORM, lambda scene: scene.run(*FORM)),
    "forms disable": (Action.DISABLE_FORM, lambda scene: scene.run("forms", "disable", "news")),
    "forms edit": (
        Action.REPLACE_FORM,
        lambda scene: scene.run("forms", "edit", "news", "--title", "News"),
    ),
    "forms enable": (Action.ENABLE_FORM, lambda scene: scene.run("forms", "enable", "news")),
    "forms remove": (
        Action.REMOVE_FORM,
        lambda scene: scene.run("forms", "remove", "news", "--yes"),
    ),
    "hold": (Action.HOLD, lambda scene: scene.run("hold", "acme", "--reason", "a long lunch")),
    "operator add": (
        Action.ADD_OPERATOR,
        lambda scene: scene.run("operator", "add", "max", "--role", "viewer"),
    ),
    "operator key": (Action.MAKE_KEY, lambda scene: scene.run("operator", "key", "ada")),
    "operator end-sessions": (
        Action.END_SESSIONS,
        lambda scene: scene.run("operator", "end-sessions", "ada"),
    ),
    "operator password": (
        Action.SET_PASSWORD,
        lambda scene: scene.run("operator", "password", "ada"),
    ),
    "operator remove": (
        Action.REMOVE_OPERATOR,
        lambda scene: scene.run("operator", "remove", "ada", "--yes"),
    ),
    "operator reset-second-factor": (Action.RESET_SECOND_FACTOR, Scene.reset_second_factor),
    "operator role": (
        Action.SET_ROLE,
        lambda scene: scene.run("operator", "role", "ada", "viewer"),
    ),
    "quarantine deliver": (
        Action.DELIVER,
        lambda scene: scene.run("quarantine", "deliver", scene.caught()),
    ),
    "quarantine discard": (
        Action.DISCARD,
        lambda scene: scene.run("quarantine", "discard", scene.caught(), "--yes"),
    ),
    "release": (Action.RELEASE, lambda scene: scene.run("release", "acme")),
    "rotate-secrets": (Action.ROTATE_SECRETS, lambda scene: scene.run("rotate-secrets")),
}


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def scene(
    connected: CommandLine, sandbox: SandboxServer, ledger: Ledger, redis_client: "redis.Redis"
) -> Iterator[Scene]:
    found = Scene(connected, sandbox, ledger, redis_client)
    connected.sleep = lambda seconds: None
    found.connect(name="spare", organization="Blue Door Books")
    for name in ("ada", "grace"):
        connected("operator", "add", name, "--role", "admin")
    with Webhook() as webhook:
        connected.set(RELAY_ALERTS=webhook.address)
        yield found


def entries(run: CommandLine) -> list[dict[str, Any]]:
    return list(run("audit", "--json").json)


@pytest.mark.parametrize("command", CHANGES)
def test_every_command_that_changes_something_adds_an_entry(scene: Scene, command: str) -> None:
    before = len(entries(scene.run))
    action, change = CHANGES[command]
    change(scene)
    newest, *_ = found = entries(scene.run)
    assert len(found) > before
    assert newest["action"] == action
    assert (newest["via"], newest["address"]) == ("cli", None)
    assert newest["actor"]
    assert newest["at"].endswith("Z")
    keys = {"at", "actor", "via", "action", "account", "target", "address", "detail"}
    assert set(newest) == keys


@pytest.mark.parametrize("command", sorted(READS))
def test_a_command_that_only_looks_adds_none(scene: Scene, command: str) -> None:
    (id,) = scene.dead()
    arguments = {
        "accounts links": ["acme"],
        "accounts show": ["acme"],
        "consent": [EMAIL],
        "failed show": [id],
        "find": [EMAIL],
        "forms show": ["news"],
        "lists": ["acme"],
        "snippet": ["news"],
    }
    before = entries(scene.run)
    scene.run(*command.split(), *arguments.get(command, []))
    assert entries(scene.run) == before


def test_what_has_another_name_in_the_trail(scene: Scene) -> None:
    scene.link()
    assert entries(scene.run)[0]["action"] == "make_link"
    scene.run(*FORM, "--replace")
    scene.run(*FORM, "--replace")
    assert [each["action"] for each in entries(scene.run)[:2]] == ["replace_form", "add_form"]
    job = scene.job()
    newest = entries(scene.run)[0]
    assert (newest["action"], newest["target"]) == ("replay", job)
    assert newest["detail"] == {"count": LARGE}
    scene.run("accounts", "remove", "spare", "--yes")
    scene.connect("--replace", organization="Blue Door Books")
    assert entries(scene.run)[0]["action"] == "replace_account"


def test_many_sign_ups_are_one_entry_for_each_account(scene: Scene) -> None:
    ids = scene.dead(30)
    scene.run("failed", "discard", "--all", "--yes")
    newest = entries(scene.run)[0]
    assert (newest["account"], newest["target"]) == ("acme", None)
    assert newest["detail"]["count"] == 30
    assert len(newest["detail"]["ids"]) == 20
    assert set(newest["detail"]["ids"]) < set(ids)


def test_the_detail_says_what_was_done_and_names_fields_only(scene: Scene) -> None:
    (id,) = scene.dead()
    scene.run("failed", "edit", id, "--set", f"first_name={NAME}", "--set", f"email={EMAIL}")
    newest = entries(scene.run)[0]
    assert (newest["account"], newest["target"]) == ("acme", id)
    assert newest["detail"] == {"fields": ["email", "first_name"]}


def test_people_read_the_newest_first(scene: Scene) -> None:
    scene.run("hold", "acme", "--reason", "a long lunch")
    scene.run("release", "acme")
    lines = scene.run("audit").out.splitlines()
    assert "release" in lines[2] and "holds: paused" in lines[2]
    assert "hold" in lines[3] and "reason: a long lunch" in lines[3]


def test_people_see_some_of_many_ids_and_words_instead_of_code(scene: Scene) -> None:
    scene.run("failed", "discard", *scene.dead(4), "--yes")
    scene.link()
    scene.run("rotate-secrets")
    rotated, link, discarded = scene.run("audit").out.splitlines()[2:5]
    assert rotated.endswith(
        "resealed: tokens 0, applications 0, fingerprint_key 0, kept_tokens 0, second_factors 0,"
        " unopened: 0"
    )
    assert link.endswith("replace: no")
    assert "count: 4, ids: " in discarded and discarded.endswith("…")
    assert discarded.count("-") == 2 + 3 * 4 + 2  # the date, three ids, no target, no address


def test_with_nothing_done_yet_it_says_so(run: CommandLine) -> None:
    assert entries(run) == []
    assert run("audit").out == "No entries in the audit trail.\n"


# --- what it must not tell


def test_no_entry_tells_who_signed_up(
    scene: Scene,
    valkey: ValkeyServer,
    sandbox: SandboxServer,
    ledger: Ledger,
    redis_client: "redis.Redis",
    tmp_path: Path,
) -> None:
    """So erasing a person need not touch the trail."""
    app = create_app(Settings.from_env(settings_for(valkey, sandbox, tmp_path)))
    visitor = app.test_client()

    def sign_up(**fields: str) -> str:
        answer = visitor.post(
            "/f/news",
            data={"email": EMAIL, "first_name": NAME, **fields},
            headers={"Accept": "application/json"},
            environ_base={"REMOTE_ADDR": "198.51.100.77"},
        )
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["id"])

    run, id = scene.run, sign_up()
    bury_claim(ledger, claimed(ledger))
    run("failed", "edit", id, "--set", f"first_name={NAME}nne")
    run("failed", "retry", "--email", EMAIL)
    bury_claim(ledger, claimed(ledger))
    run("failed", "discard", "--email", EMAIL, "--yes")
    sign_up(_gotcha="filled in", last_name="No. 2")
    run("quarantine", "deliver", "--email", EMAIL)
    run("hold", "acme", "--reason", f"{EMAIL} complained")
    run(*TEST)
    assert run("erase", EMAIL, "--yes", "--json").json == {"erased": 3}

    actions = [each["action"] for each in entries(run)]
    done = ["erase", "test_signup", "hold", "deliver", "discard", "retry", "edit"]
    assert actions[: len(done)] == done
    assert entries(run)[0]["detail"] == {"count": 3}
    assert entries(run)[2]["detail"] == {"reason": "[address] complained"}
    told = run("audit", "--json").out + run("audit").out
    assert "@" not in told
    assert NAME.lower() not in told.lower()
    kept = "relay:{acme}:holds"  # the operator's own words, until the pause ends
    assert [key for key in traces_in_redis(redis_client) if key != kept] == []


# --- what cannot be written


def test_a_change_is_made_and_logged_if_the_trail_takes_no_entry(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shared.ledger.keys.AUDIT", "relay:format")  # no sorted set
    assert scene.run("hold", "acme", "--reason", "a long lunch").status == 0
    assert scene.run("status", "--json").json["accounts"][0]["hold"]["reason"] == "paused"
    (line,) = [each.getMessage() for each in caplog.records if "audit" in each.getMessage()]
    assert line.startswith("no entry in the audit trail: {")
    assert '"action": "hold"' in line and '"account": "acme"' in line
