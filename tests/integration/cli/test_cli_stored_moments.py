"""Times and numbers that something else wrote break no page and no command."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.accounts.client_links import Links
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.records import FIELDS
from shared.operations.operators import Role
from tests.support.builders import accept, bury
from tests.support.command_line import CommandLine, settings_for
from tests.support.console_browser import SignedIn
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from web.app import create_app

PREFIX = keys.account("acme")
COMMANDS = (
    *(("status",), ("status", "--json"), ("accounts", "list"), ("accounts", "list", "--json")),
    *(("accounts", "show", "acme"), ("accounts", "links", "acme"), ("failed", "list"), ("audit",)),
    *(("audit", "--json"), ("quarantine", "list"), ("find", "ada@example.com"), ("forms", "list")),
    *(("failed", "replays"), ("connect", "acme", "--link")),
)
UNREADABLE = ("account", "form", "operator", "link")
PAGES = ("", "accounts/acme", "connect", "profile", "doctor")


@pytest.fixture
def browser(
    connected: CommandLine, valkey: ValkeyServer, sandbox: SandboxServer, tmp_path: Path
) -> SignedIn:
    app = create_app(Settings.from_env(settings_for(valkey, sandbox, tmp_path)))
    return SignedIn(app, Role.ADMIN, "vic")


def dead_at(client: "redis.Redis", email: str, **times: Any) -> None:
    """Store a dead letter with these times in its record."""
    id = bury(Ledger(client), email)
    first, rest = str(client.get(f"{PREFIX}signup:{id}")).split("\n", 1)
    values = json.loads(first)
    for name, value in times.items():
        values[FIELDS.index(name)] = value
    client.set(f"{PREFIX}signup:{id}", f"{json.dumps(values)}\n{rest}")


def write_numbers(client: "redis.Redis", number: str) -> None:
    for field in ("expires_at", "received_at", "refreshed_at", "retry_at", "replaced_at"):
        client.hset(f"{PREFIX}tokens", field, number)
    client.set(f"{PREFIX}succeeded-at", number)
    for name in ("delivered", "dead", "consent", "addresses"):
        client.hset(keys.RETENTION, name, number)
    dead_at(client, "ada@example.com", received_at=number)
    dead_at(client, "bob@example.com", settled_at=number)
    client.hset(f"{PREFIX}holds", "paused", json.dumps({"since": number, "until": number}))
    client.hset(keys.SPOOLS, "id", json.dumps({"host": "h", "seen_at": number, "oldest": number}))
    client.hset(keys.MEMORY, "short:1", f"{number} 5")
    client.hset(f"{PREFIX}totals", "accepted", number)
    entry = {"id": "1", "actor": "ada", "via": "cli", "action": "hold", "target": None}
    client.zadd(keys.AUDIT, {json.dumps(entry): float(number)})
    for index in ("dead", "quarantined", "delivered", "unsettled", "due:fresh"):
        client.zadd(f"{PREFIX}{index}", {accept(Ledger(client)).id: float(number)})


@pytest.mark.parametrize("number", ["9" * 20, "-1e20"])
def test_no_stored_number_breaks_a_page_or_a_command(
    connected: CommandLine, redis_client: "redis.Redis", browser: SignedIn, number: str
) -> None:
    write_numbers(redis_client, number)
    shows_all(connected, browser)


@pytest.mark.parametrize("text", ["2026-11-27T03:00:00", "9999-12-31T23:59:59Z"])
def test_no_stored_text_and_no_name_breaks_a_page_or_a_command(
    connected: CommandLine, redis_client: "redis.Redis", browser: SignedIn, text: str
) -> None:
    session = {"epoch": 1, "begun_at": text, "seen_at": text, "address": "x", "browser": "y"}
    redis_client.hset(f"{keys.SESSIONS}vic", "bad", json.dumps(session))
    links = Links(redis_client, secret_keys=("key",), public_url="http://127.0.0.1")
    for field in ("made_at", "expires_at"):
        link = links.make("acme", "key", asked_by="Ada", made_by="b", replace=False, now=utc_now())
        redis_client.hset(keys.LINKS, link.id, json.dumps(link.to_dict() | {field: text}))
    account = json.loads(str(redis_client.hget(keys.ACCOUNTS, "acme")))
    for field in ("connected_at", "disconnected_at"):
        other = account | {"name": field, field: text}
        redis_client.hset(keys.ACCOUNTS, field, json.dumps(other))
    for key in (keys.ACCOUNTS, keys.FORMS, keys.OPERATORS):
        redis_client.hset(key, "other", str(redis_client.hvals(key)[0]))
    cached = {"of": account["encoded_account_id"], "lists": [], "read_at": text}
    redis_client.set(f"{PREFIX}lists", json.dumps(cached))
    shows_all(connected, browser)
    browser.sign_in()  # although a session of theirs cannot be read
    examined = connected("doctor", "--json").json["checks"]
    assert {f"records_{kind}" for kind in UNREADABLE} <= {each["name"] for each in examined}


def shows_all(run: CommandLine, browser: SignedIn) -> None:
    ran = {command: run(*command) for command in COMMANDS}
    assert {command: each.err for command, each in ran.items() if each.status} == {}
    shown = {page: browser.get(f"/console/{page}").status_code for page in PAGES}
    assert set(shown.values()) == {200}, shown
