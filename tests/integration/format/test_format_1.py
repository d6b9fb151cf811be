"""What ledgers held before they had a format number is still understood, every kind of it."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from shared.domain.signup import DeathReason, State
from shared.infrastructure.settings import Settings
from shared.ledger.format import open_ledger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support.command_line import CommandLine
from tests.support.dumps.loader import FORMAT_1, restore
from tests.support.records import record_of_any_format
from web.app import create_app

DUE = (State.QUEUED, State.DELIVERING, State.RETRYING)
NAMES = ["acme", "books", "club", "diner", "estate", "former", "gym", "library"]


@pytest.fixture
def client(redis_client: "redis.Redis", tmp_path: Path) -> "redis.Redis":
    """A client of the ledger in the dump, which processes of this version have taken over."""
    restore(FORMAT_1, redis_client, tmp_path)
    open_ledger(redis_client)
    return redis_client


@pytest.fixture
def on_dump(run: CommandLine, client: "redis.Redis") -> CommandLine:
    """Runs commands on the ledger in the dump."""
    return run


@pytest.fixture
def visitor(client: "redis.Redis", settings: Settings) -> FlaskClient:
    """A browser of a web on the ledger in the dump, with a disk of its own."""
    return create_app(settings).test_client()


def states_of(client: "redis.Redis", account: str = "*") -> dict[str, str]:
    """Return the state of every sign-up, by its id."""
    return {
        str(key).rpartition(":")[2]: record_of_any_format(client, key)["state"]
        for key in client.scan_iter(f"relay:{{{account}}}:signup:*")
    }


# --- the ledger


def test_every_sign_up_is_counted_in_its_state(client: "redis.Redis") -> None:
    ledger = Ledger(client)
    assert [account.name for account in Registry(client).accounts()] == NAMES
    for name in NAMES:
        found = states_of(client, name).values()
        states = Counter("due" if state in DUE else state for state in found)
        figures = ledger.figures(name)
        assert figures.accepted == states.total() > 0
        assert Counter({name: getattr(figures, name) for name in states}) == states


def test_it_has_every_state_and_every_reason(client: "redis.Redis") -> None:
    assert set(states_of(client).values()) == set(State)
    records = [record_of_any_format(client, key) for key in client.scan_iter("*:signup:*")]
    dead = {record.get("reason") for record in records}
    assert dead - {None, "honeypot"} == set(DeathReason) - {DeathReason.UNREADABLE}


# --- the command line


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "accounts list",
        "accounts links club",
        "forms list",
        "forms show everything",
        "failed list",
        "failed replays",
        "operator list",
    ],
)
def test_a_command_shows_it(command: str, on_dump: CommandLine) -> None:
    shown = on_dump(*command.split())
    assert shown.status == 0, shown.err
    assert shown.out
    assert on_dump(*command.split(), "--json").json


def test_every_sign_up_can_be_shown(on_dump: CommandLine, client: "redis.Redis") -> None:
    for id, state in states_of(client).items():
        assert on_dump("failed", "show", id, "--json").json["state"] == state


def test_all_that_is_sealed_opens(on_dump: CommandLine) -> None:
    assert on_dump("rotate-secrets", "--json").json["unopened"] == []
    accounts = on_dump("status", "--json").json["accounts"]
    assert [each["name"] for each in accounts if each["token"] is None] == ["former"]


def test_dead_letters_are_edited_retried_and_discarded(
    on_dump: CommandLine, client: "redis.Redis"
) -> None:
    first, second, *_ = (
        letter["id"] for letter in on_dump("failed", "list", "--account", "gym", "--json").json
    )
    assert on_dump("failed", "edit", first, "--set", "email=gina.new@example.com").status == 0
    assert on_dump("failed", "retry", first).status == 0
    assert on_dump("failed", "discard", second, stdin="y\n").status == 0
    states = states_of(client, "gym")
    assert (states[first], states[second]) == (State.QUEUED, State.DISCARDED)


def test_a_waiting_job_is_cancelled(on_dump: CommandLine) -> None:
    jobs = on_dump("failed", "replays", "--json").json
    assert Counter(each["state"] for each in jobs) == {
        "done": 1,
        "cancelled": 1,
        "running": 1,
        "waiting": 2,
    }
    (held,) = [each["id"] for each in jobs if each["account"] == "gym"]
    assert on_dump("failed", "cancel", held).status == 0


# --- web


@pytest.mark.parametrize(("form", "status"), [("news", 200), ("everything", 200), ("closed", 410)])
def test_a_form_is_shown(form: str, status: int, visitor: FlaskClient) -> None:
    assert visitor.get(f"/f/{form}").status_code == status


def test_the_same_sign_up_again_is_a_duplicate(visitor: FlaskClient, client: "redis.Redis") -> None:
    before = Ledger(client).figures("acme").accepted
    sent = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    wants_json = {"Accept": "application/json"}
    by_content = visitor.post("/f/news", data=sent, headers=wants_json)
    by_key = visitor.post(
        "/f/news", data=sent, headers=wants_json | {"Idempotency-Key": "order-1001"}
    )
    ids = {answer.get_json()["id"] for answer in (by_content, by_key)}
    assert len(ids) == 1
    assert ids <= states_of(client, "acme").keys()
    assert Ledger(client).figures("acme").accepted == before


def test_operators_sign_in_and_see_every_account(visitor: FlaskClient) -> None:
    secret = {"name": "admin", "password": "a password for tests"}
    assert visitor.post("/console/sign-in", data=secret).status_code == 303
    for page in ("/console/", *(f"/console/accounts/{name}" for name in NAMES)):
        assert visitor.get(page).status_code == 200, page


def test_web_knows_the_forms_while_redis_is_away(
    client: "redis.Redis", settings_with: Callable[..., Settings], tmp_path: Path
) -> None:
    away = settings_with(
        redis_url="redis://127.0.0.1:9/0", broker_url="redis://127.0.0.1:9/1", data_dir=tmp_path
    )
    visitor = create_app(away).test_client()
    sent = visitor.post(
        "/f/news", data={"email": "new@example.com"}, headers={"Accept": "application/json"}
    )
    assert sent.status_code == 202
