"""What the commands do with a stored record that nobody can read: they name it and go on."""

from collections.abc import Callable

import pytest
import redis

from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.values import NothingDue
from tests.support.builders import accept, claim
from tests.support.command_line import CommandLine

PREFIX = keys.account("acme")

COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("accounts", "list"),
    ("forms", "list"),
    ("failed", "list"),
    ("failed", "list", "--json"),
    ("failed", "replays"),
    ("quarantine", "list"),
    ("audit",),
    ("operator", "list"),
)


def broken_form(client: "redis.Redis") -> None:
    client.hset(keys.FORMS, "broken", "{?")


def broken_account(client: "redis.Redis") -> None:
    client.hset(keys.ACCOUNTS, "broken", "[1]")


def broken_operator(client: "redis.Redis") -> None:
    client.hset(keys.OPERATORS, "broken", "5")


def broken_signup(client: "redis.Redis") -> None:
    id = accept(Ledger(client)).id
    client.set(f"{PREFIX}signup:{id}", "?")
    assert isinstance(claim(Ledger(client)), NothingDue)


BROKEN: dict[str, Callable[["redis.Redis"], None]] = {
    "form": broken_form,
    "account": broken_account,
    "operator": broken_operator,
    "sign-up": broken_signup,
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_every_list_shows_the_rest_and_the_doctor_names_it(
    connected: CommandLine, redis_client: "redis.Redis", kind: str
) -> None:
    BROKEN[kind](redis_client)
    ran = {command: connected(*command) for command in COMMANDS}
    assert [each.status for each in ran.values()] == [0] * len(COMMANDS)
    assert any(f"left out: {kind}" in each.err for each in ran.values())
    examined = connected("doctor", "--json")
    (found,) = [each for each in examined.json["checks"] if each["name"].startswith("records")]
    assert found["verdict"] == "problem"
    assert kind in found["found"]
    assert "relay " in found["fix"]
    assert examined.status == 1


def test_an_unreadable_dead_letter_can_be_discarded_by_its_id(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    broken_signup(redis_client)
    (id,) = redis_client.zrange(f"{PREFIX}dead", 0, -1)
    shown = connected("failed", "show", str(id))
    assert (shown.status, "relay doctor" in shown.err) == (1, True)
    assert connected("failed", "discard", str(id), "--yes", "--json").json == {"discarded": [id]}
    assert Ledger(redis_client).figures("acme").discarded == 1


def test_the_advice_for_a_form_mends_it(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    redis_client.hset(keys.FORMS, "news", "{?")
    add = ("forms", "add", "news", "--account", "acme", "--list", "newsletter")
    assert connected(*add).status == 1
    assert redis_client.hget(keys.FORMS, "news") == "{?"
    assert connected(*add, "--replace").status == 0
    assert "left out" not in connected("forms", "list").err


def test_the_doctor_names_each_kind(connected: CommandLine, redis_client: "redis.Redis") -> None:
    for plant in BROKEN.values():
        plant(redis_client)
    redis_client.hset(keys.SPOOLS, "broken", "null")
    redis_client.hset(f"{PREFIX}totals", "dead", "many")
    checks = connected("doctor", "--json").json["checks"]
    named = [each["found"] for each in checks if each["name"].startswith("records")]
    for kind in (*BROKEN, "spool report", "count of account"):
        assert any(f": {kind} " in each for each in named), (kind, named)
    redis_client.hdel(f"{PREFIX}totals", "dead")
