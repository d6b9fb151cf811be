"""The audit trail's store: what it keeps, for how long, and how little strangers can put there."""

import json
import logging
import time
from datetime import timedelta

import pytest
import redis

from shared.domain.audit import Action, Actor, AuditEntry, Via, acting_as
from shared.ledger import keys, limits
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Operators, Role

ADA = Actor("ada", Via.CONSOLE, "192.0.2.7")
STRANGER = Actor(None, Via.CONSOLE, "203.0.113.9")
PASSWORD = "a password for tests"


@pytest.fixture
def trail(redis_client: "redis.Redis") -> AuditTrail:
    return AuditTrail(redis_client)


def actions(trail: AuditTrail) -> list[str]:
    return [entry.action for entry in trail.entries()]


def test_an_entry_says_who_did_what_from_where(trail: AuditTrail) -> None:
    with acting_as(ADA):
        trail.add(Action.EDIT, account="acme", target="an-id", fields=["email"])
    (entry,) = trail.entries()
    assert entry == AuditEntry(
        at=entry.at,
        actor="ada",
        via="console",
        action="edit",
        account="acme",
        target="an-id",
        address="192.0.2.7",
        detail={"fields": ["email"]},
    )


def test_the_newest_come_first_however_many(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.stores.audit_trail._READ_AT_ONCE", 3)
    for number in range(7):
        trail.add(Action.HOLD, target=str(number))
    assert [entry.target for entry in trail.entries()] == list("6543210")
    assert [entry.target for entry in trail.entries(4)] == list("6543")
    assert [entry.target for entry in trail.entries(50)] == list("6543210")


def test_what_is_done_twice_has_two_entries(trail: AuditTrail) -> None:
    for _ in range(2):
        trail.add(Action.HOLD, account="acme")
    assert actions(trail) == ["hold", "hold"]


def test_texts_have_no_addresses_and_no_secrets_and_are_not_long(trail: AuditTrail) -> None:
    trail.add(Action.HOLD, a="ask bob@example.com", b=["eyJx.abc.def"], c="x " * 1000)
    (entry,) = trail.entries()
    assert entry.detail == {"a": "ask [address]", "b": ["[secret]"], "c": "x " * 100}


def test_an_address_at_the_end_of_what_is_kept_is_not_cut_in_half(trail: AuditTrail) -> None:
    trail.add(Action.HOLD, reason="x " * 95 + "ada.lovelace@example.com")
    (entry,) = trail.entries()
    assert entry.detail["reason"].endswith("x [address]")


def test_a_user_named_like_an_address_is_known_by_the_first_part(trail: AuditTrail) -> None:
    trail.add(Action.HOLD, who=Actor("ada@corp.example", Via.CLI))
    (entry,) = trail.entries()
    assert entry.actor == "ada"


# --- how long


def age(client: "redis.Redis", by: timedelta) -> None:
    """Let all entries be as much older."""
    for member in client.zrange(keys.AUDIT, 0, -1):
        client.zincrby(keys.AUDIT, -by / timedelta(milliseconds=1), str(member))


def test_entries_whose_time_is_over_are_removed_and_no_others(
    trail: AuditTrail, redis_client: "redis.Redis"
) -> None:
    trail.add(Action.HOLD)
    age(redis_client, timedelta(days=1, seconds=1))
    trail.add(Action.RELEASE)
    age(redis_client, timedelta(days=1) - timedelta(seconds=20))
    trail.add(Action.RETRY)
    trail.trim(timedelta(days=1))
    assert actions(trail) == ["retry", "release"]


# --- refused sign-ins


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    found = Operators(redis_client)
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


def refused(trail: AuditTrail) -> list[AuditEntry]:
    return [entry for entry in trail.entries() if entry.action == "sign_in_refused"]


def test_signing_in_and_out_is_in_the_trail(operators: Operators, trail: AuditTrail) -> None:
    operators.sign_in("ada", address="192.0.2.7")
    operators.sign_out("ada", address="192.0.2.7")
    out, came, *_ = trail.entries()
    assert (out.action, came.action) == ("sign_out", "sign_in")
    assert {(each.actor, each.via, each.address) for each in (out, came)} == {
        ("ada", "console", "192.0.2.7")
    }


def test_refused_ones_of_one_address_within_a_minute_are_one_entry(trail: AuditTrail) -> None:
    for _ in range(5):
        trail.add_refused_sign_in(STRANGER, "ada", "wrong_password")
    trail.add(Action.HOLD)
    trail.add_refused_sign_in(STRANGER, None, "wrong_password")
    trail.add_refused_sign_in(Actor(None, Via.CONSOLE, "203.0.113.8"), "ada", "wrong_password")
    trail.add_refused_sign_in(STRANGER, "ada", "too_many_tries")
    found = [(each.target, each.address, each.detail["tries"]) for each in refused(trail)]
    counted = [("ada", "203.0.113.8", 1), (None, "203.0.113.9", 1), ("ada", "203.0.113.9", 6)]
    assert sum(tries for *_, tries in found) == 8
    # A new minute may have begun in between.
    assert {each[:2] for each in found} == {each[:2] for each in counted}
    assert len(found) <= 2 * len(counted)


def test_a_later_minute_has_an_entry_of_its_own(
    trail: AuditTrail, redis_client: "redis.Redis"
) -> None:
    trail.add_refused_sign_in(STRANGER, "ada", "wrong_password")
    age(redis_client, timedelta(minutes=1))
    trail.add_refused_sign_in(STRANGER, "ada", "wrong_password")
    assert [each.detail["tries"] for each in refused(trail)] == [1, 1]


def test_strangers_fill_no_trail(
    trail: AuditTrail, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_REFUSALS_AUDITED", 10)
    for number in range(50):
        stranger = Actor(None, Via.CONSOLE, f"2001:db8:0:{number:x}::1")
        trail.add_refused_sign_in(stranger, None, "wrong_password")
    newest, *others = refused(trail)
    assert len(others) == 10
    assert "more refused sign-ins" in newest.detail["note"]
    assert (newest.address, newest.target) == (None, None)
    assert 0 < redis_client.pttl(keys.AUDIT_REFUSED) <= 86_400_000
    trail.add(Action.HOLD)
    assert actions(trail)[0] == "hold"


@pytest.mark.parametrize(
    ("before", "cause", "entries"),
    [
        ("wrong_password", "wrong_code", 2),
        ("wrong_code", "wrong_password", 2),
        ("wrong_code", "too_many_codes", 2),
        ("wrong_code", "too_many_tries", 2),
        ("wrong_password", "too_many_tries", 1),
        ("wrong_code", "wrong_code", 1),
    ],
)
def test_no_refusal_hides_one_of_another_cause(
    trail: AuditTrail, redis_client: "redis.Redis", before: str, cause: str, entries: int
) -> None:
    while redis_client.time()[0] % 60 > 55:  # so that both are in one minute
        time.sleep(0.2)
    trail.add_refused_sign_in(STRANGER, "ada", before)
    trail.add_refused_sign_in(STRANGER, "ada", cause)
    found = refused(trail)
    assert [each.detail["cause"] for each in found] == [cause, before][-entries:]
    assert sum(each.detail["tries"] for each in found) == 2


def test_addresses_of_one_network_are_one_entry_that_names_it(
    trail: AuditTrail, redis_client: "redis.Redis"
) -> None:
    for number in range(50):
        stranger = Actor(None, Via.CONSOLE, f"2001:db8:aaaa:1::{number:x}")
        trail.add_refused_sign_in(stranger, None, "too_many_tries")
    found = refused(trail)
    assert len(found) <= 2  # as a new minute may have begun
    assert {each.detail["network"] for each in found} == {"2001:db8:aaaa:1::/64"}
    assert sum(each.detail["tries"] for each in found) == 50


def test_strangers_use_up_no_entries_of_codes(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_REFUSALS_AUDITED", 10)
    for number in range(20):
        stranger = Actor(None, Via.CONSOLE, f"203.0.113.{number}")
        trail.add_refused_sign_in(stranger, None, "wrong_password")
    trail.add_refused_sign_in(STRANGER, "ada", "wrong_code")
    assert refused(trail)[0].detail == {"cause": "wrong_code", "tries": 1}


@pytest.mark.parametrize(
    ("name", "named"), [("ada", "ada"), ("hunter2-my-password", None), ("eve@example.com", None)]
)
def test_a_name_is_kept_only_if_an_operator_has_it(
    operators: Operators,
    trail: AuditTrail,
    caplog: pytest.LogCaptureFixture,
    name: str,
    named: str | None,
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(MOST_TRIES):
        assert operators.authenticate(name, "wrong", address="203.0.113.9") is None
    assert {each.target for each in refused(trail)} == {named}
    lines = [vars(record) for record in caplog.records if record.message == "sign-in refused"]
    assert [line.get("operator") for line in lines] == [named] * MOST_TRIES
    stored = json.dumps([each.detail for each in trail.entries()])
    assert "wrong" not in stored.replace("wrong_password", "")


def test_the_last_entry_of_an_action_is_found(trail: AuditTrail) -> None:
    assert trail.last(Action.BACKUP) is None
    for actor in (ADA, STRANGER):
        trail.add(Action.BACKUP, who=actor)
    trail.add(Action.HOLD)
    found = trail.last(Action.BACKUP)
    assert found is not None and found.address == STRANGER.address
