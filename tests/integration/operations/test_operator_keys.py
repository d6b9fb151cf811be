"""Operators' keys for the API: whom a key stands for, when it ends, and what is stored of it."""

import json
from datetime import timedelta

import pytest
import redis

from shared.domain.audit import Action
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.logs import redact
from shared.ledger import keys
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.operator_keys import NOTE_USE_EVERY, OperatorKeys
from shared.operations.operators import Operator, Operators, Role
from tests.support.hand_set_clock import HandSetTime

PASSWORD = "a password for tests"


@pytest.fixture
def clock() -> HandSetTime:
    return HandSetTime()


@pytest.fixture
def operator_keys(redis_client: "redis.Redis", clock: HandSetTime) -> OperatorKeys:
    return OperatorKeys(redis_client, now=clock)


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    """There are an admin `ada` and a viewer `v.1-x_`."""
    found = Operators(redis_client)
    found.add("ada", Role.ADMIN, PASSWORD)
    found.add("v.1-x_", Role.VIEWER, PASSWORD)
    return found


@pytest.fixture
def key(operator_keys: OperatorKeys, operators: Operators) -> str:
    return operator_keys.issue("ada")


def stands_for(operator_keys: OperatorKeys, key: str) -> tuple[str, Role] | None:
    found: Operator | None = operator_keys.find(key)
    return (found.name, found.role) if found else None


def test_each_key_stands_for_its_own_operator(operator_keys: OperatorKeys, key: str) -> None:
    viewers = operator_keys.issue("v.1-x_")
    assert stands_for(operator_keys, key) == ("ada", Role.ADMIN)
    assert stands_for(operator_keys, viewers) == ("v.1-x_", Role.VIEWER)


def test_nothing_else_opens_anything(operator_keys: OperatorKeys, key: str) -> None:
    beginning, _, secret = key.rpartition(".")
    wrong = [
        *("", ".", "relay_", "relay_ada", "relay_ada.", f"relay_.{secret}", secret, beginning),
        *(key[:-1], f"{key}x", f" {key}", f"{key}\n", key.upper(), key.removeprefix("relay_")),
        *(f"relay_v.1-x_.{secret}", f"relay_eve.{secret}", "relay_ada.\udc80", "relay_ä.ö"),
        str(operator_keys.all()["ada"].digest),
    ]
    assert [each for each in wrong if operator_keys.find(each)] == []


def test_a_new_key_ends_the_one_before(operator_keys: OperatorKeys, key: str) -> None:
    second = operator_keys.issue("ada")
    assert second != key
    assert operator_keys.find(key) is None
    assert stands_for(operator_keys, second) == ("ada", Role.ADMIN)


def test_the_role_is_the_one_of_now(
    operator_keys: OperatorKeys, operators: Operators, key: str
) -> None:
    operators.add("max", Role.ADMIN, PASSWORD)
    operators.set_role("ada", Role.VIEWER)
    assert stands_for(operator_keys, key) == ("ada", Role.VIEWER)


def test_a_new_password_leaves_the_key(
    operator_keys: OperatorKeys, operators: Operators, key: str
) -> None:
    operators.set_password("ada")
    assert stands_for(operator_keys, key) == ("ada", Role.ADMIN)


def test_the_key_of_a_removed_operator_ends_for_good(
    operator_keys: OperatorKeys, operators: Operators, key: str
) -> None:
    operators.add("max", Role.ADMIN, PASSWORD)
    operators.remove("ada")
    assert operator_keys.find(key) is None
    assert operator_keys.all() == {}
    operators.add("ada", Role.ADMIN, PASSWORD)
    assert operator_keys.find(key) is None


def test_a_new_operator_has_no_key_of_one_whom_an_older_version_removed(
    operator_keys: OperatorKeys, operators: Operators, key: str, redis_client: "redis.Redis"
) -> None:
    redis_client.hdel(keys.OPERATORS, "ada")
    assert operator_keys.find(key) is None
    operators.add("ada", Role.ADMIN, PASSWORD)
    assert operator_keys.find(key) is None


def test_adding_somebody_again_leaves_their_key(
    operator_keys: OperatorKeys, operators: Operators, key: str
) -> None:
    with pytest.raises(Refused):
        operators.add("ada", Role.VIEWER, PASSWORD)
    assert stands_for(operator_keys, key) == ("ada", Role.ADMIN)


def test_a_revoked_key_ends(operator_keys: OperatorKeys, key: str) -> None:
    assert operator_keys.revoke("ada")
    assert operator_keys.find(key) is None
    assert operator_keys.of("ada") is None
    assert not operator_keys.revoke("ada")


def test_only_an_operator_gets_a_key(operator_keys: OperatorKeys, operators: Operators) -> None:
    with pytest.raises(Refused, match="There is no operator eve"):
        operator_keys.issue("eve")
    assert operator_keys.all() == {}


def test_redis_has_nothing_that_opens(
    operator_keys: OperatorKeys, key: str, redis_client: "redis.Redis"
) -> None:
    secret = key.rpartition(".")[2]
    assert len(secret) >= 43
    for stored in redis_client.hgetall(keys.OPERATOR_KEYS).values():
        assert secret not in stored
    assert secret not in str(list(AuditTrail(redis_client).entries()))
    assert secret not in repr(operator_keys.all())
    assert secret not in redact(f"somebody sent {key} somewhere")


def test_making_and_revoking_leave_entries(
    operator_keys: OperatorKeys, key: str, redis_client: "redis.Redis"
) -> None:
    operator_keys.revoke("ada")
    revoked, made, *_ = AuditTrail(redis_client).entries()
    assert (made.action, made.target) == (Action.MAKE_KEY, "ada")
    assert (revoked.action, revoked.target) == (Action.REVOKE_KEY, "ada")


# --- its use


def test_when_it_was_made_and_used_is_known_to_a_minute(
    operator_keys: OperatorKeys, key: str, clock: HandSetTime
) -> None:
    made_at = clock.at
    known = operator_keys.of("ada")
    assert known and (known.made_at, known.used_at) == (made_at, None)
    uses = []
    for _ in range(3):
        clock.at += NOTE_USE_EVERY / 2 + timedelta(seconds=1)
        operator_keys.find(key)
        known = operator_keys.of("ada")
        assert known and known.made_at == made_at
        uses.append(known.used_at)
    assert uses == [uses[0], uses[0], clock.at]


def test_a_wrong_key_is_no_use(operator_keys: OperatorKeys, key: str) -> None:
    operator_keys.find(f"{key}x")
    known = operator_keys.of("ada")
    assert known and known.used_at is None


def test_noting_a_use_brings_no_revoked_key_back(
    operator_keys: OperatorKeys, key: str, redis_client: "redis.Redis"
) -> None:
    operator_keys.revoke("ada")
    operator_keys._note_use("ada", key)
    assert operator_keys.of("ada") is None
    second = operator_keys.issue("ada")
    operator_keys._note_use("ada", key)
    assert json.loads(str(redis_client.hget(keys.OPERATOR_KEYS, "ada"))).get("used_at") is None
    assert operator_keys.find(second) is not None


def test_a_redis_that_takes_no_writes_keeps_nobody_out(
    operator_keys: OperatorKeys, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise LedgerUnavailable("full")

    monkeypatch.setattr("shared.ledger.stores.documents.Documents.change", full)
    assert stands_for(operator_keys, key) == ("ada", Role.ADMIN)
