"""`relay accounts remove`: when it is refused, and what it leaves."""

import json
from collections.abc import Callable

import pytest
import redis

from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.records import read_first_line
from shared.ledger.script_library import Scripts
from shared.ledger.spools import SpoolFigures
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import clear_some
from tests.support.builders import accept, attempt, bury, claimed
from tests.support.command_line import CommandLine
from tests.support.sandbox_server import SandboxServer


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def bare(connected: CommandLine) -> CommandLine:
    """An account `acme` without a form."""
    connected.sleep = lambda seconds: None
    assert connected("forms", "remove", "news", "--yes").status == 0
    return connected


def deliver(ledger: Ledger) -> None:
    accept(ledger)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")


def spool(ledger: Ledger) -> None:
    ledger.spools.note("spool", "host", SpoolFigures(count=1, bytes=1, oldest=None, refused=0))


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        pytest.param(accept, "waiting: 1. Wait until", id="due"),
        pytest.param(bury, "relay failed list --account acme", id="dead"),
        pytest.param(
            lambda ledger: accept(ledger, quarantine="honeypot"),
            "relay quarantine list --account acme",
            id="quarantined",
        ),
        pytest.param(spool, "relay status", id="spooled"),
    ],
)
def test_what_still_waits_for_something_is_not_removed(
    bare: CommandLine, ledger: Ledger, prepare: Callable[[Ledger], object], says: str
) -> None:
    prepare(ledger)
    ended = bare("accounts", "remove", "acme", "--yes")
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err
    assert [each["name"] for each in bare("accounts", "--json").json] == ["acme"]


def test_forms_that_use_it_are_named(connected: CommandLine) -> None:
    ended = connected("accounts", "remove", "acme", "--yes")
    assert ended.status == 1
    assert "acme has forms: news." in ended.err
    assert connected("accounts", "remove", "nobody", "--yes").status == 1


def test_what_comes_while_the_forms_are_being_forgotten_is_not_lost(
    bare: CommandLine, ledger: Ledger
) -> None:
    def sleep(seconds: float) -> None:
        assert seconds >= 3
        accept(ledger)

    bare.sleep = sleep
    ended = bare("accounts", "remove", "acme", "--yes")
    assert (ended.status, "waiting: 1" in ended.err) == (1, True)
    assert bare("status", "--json").json["accounts"][0]["due"] == 1


def test_only_evidence_of_consent_is_left(
    bare: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    deliver(ledger)
    discarded = accept(ledger, quarantine="honeypot").id
    bare("quarantine", "discard", discarded, "--yes")
    assert bare("connect", "acme", "--link", "--from", "Studio North").status == 0
    asked = bare("accounts", "remove", "acme")
    assert "1 delivered, 1 discarded." in asked.err

    assert bare("accounts", "remove", "acme", "--yes", "--json").json == {
        "name": "acme",
        "removed": True,
    }
    assert bare("status", "--json").json["accounts"] == []
    assert bare("accounts", "--json").json == []
    assert redis_client.hlen(keys.LINKS) == 0
    prefix = keys.account("acme")
    left = {str(key).removeprefix(prefix) for key in redis_client.scan_iter(f"{prefix}*")}
    of_people = {key for key in left if key.startswith(("signup:", "person:"))}
    assert left - of_people <= {"tokens", "token-spent", "cleared", "consent-texts"}
    for id in map(str, redis_client.zrange(f"{prefix}cleared", 0, -1)):
        record = str(redis_client.get(f"{prefix}signup:{id}"))
        assert read_first_line(record)["state"] == "cleared"
    assert redis_client.zcard(f"{prefix}cleared") == 2
    assert redis_client.hkeys(f"{keys.account('acme')}tokens") == ["version"]
    of_keys = redis_client.scan_iter(f"{keys.api_key('*')}*")
    for key in [*of_keys, *redis_client.scan_iter("relay:*:accounts")]:
        if redis_client.type(key) == "set":
            assert keys.account("acme") not in redis_client.smembers(key)
    assert bare("failed", "show", discarded).status == 1
    assert bare("doctor").status in (0, 1)


def test_what_a_killed_command_left_is_still_known(
    bare: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    deliver(ledger)
    registry = Registry(redis_client)
    assert registry.remove_account("acme")
    assert registry.account("acme") is None
    assert registry.owners_of_records() == ["acme"]
    registry.delete_records("acme")
    assert registry.owners_of_records() == ["acme"]  # evidence is left
    redis_client.delete(f"{keys.account('acme')}cleared")
    registry.forget_removed_accounts()
    assert registry.owners_of_records() == []


def test_an_account_whose_quarantine_was_cleared_can_be_removed(
    bare: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    accept(ledger, quarantine="honeypot")
    assert clear_some(Scripts(redis_client), "acme", "quarantined", kept=None, consent_kept=None)
    assert ledger.figures("acme").quarantined == 1
    assert bare("accounts", "remove", "acme", "--yes").status == 0


def test_its_name_is_free_again_and_its_counts_begin_anew(
    bare: CommandLine, ledger: Ledger, sandbox: SandboxServer
) -> None:
    deliver(ledger)
    assert bare("accounts", "remove", "acme", "--yes").status == 0
    tokens = json.dumps(sandbox.connect())
    assert bare("connect", "acme", "--tokens", "-", stdin=tokens).status == 0
    [account] = bare("status", "--json").json["accounts"]
    assert (account["accepted"], account["delivered"]) == (0, 0)
    deliver(ledger)
    assert bare("status", "--json").json["accounts"][0]["delivered"] == 1


def test_the_secret_of_an_api_key_goes_with_its_last_account(
    bare: CommandLine, redis_client: "redis.Redis"
) -> None:
    stored = json.loads(redis_client.hget(keys.ACCOUNTS, "acme") or "{}")
    own = json.dumps({**stored, "client_id": "own-key"})
    for name in ("acme", "blue"):
        redis_client.hset(keys.ACCOUNTS, name, own.replace('"name": "acme"', f'"name": "{name}"'))
    redis_client.hset(keys.APPLICATIONS, "own-key", "sealed")
    assert bare("accounts", "remove", "acme", "--yes").status == 0
    assert redis_client.hget(keys.APPLICATIONS, "own-key") == "sealed"
    assert bare("accounts", "remove", "blue", "--yes").status == 0
    assert redis_client.hget(keys.APPLICATIONS, "own-key") is None
