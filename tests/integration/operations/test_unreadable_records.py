"""One stored record that nobody can read takes no others with it, of whatever kind it is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.accounts.client_links import Links
from shared.domain.audit import Action
from shared.domain.errors import Refused, UnreadableRecord
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.stored_records import RecordKind, collecting
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.spools import SpoolFigures, Spools
from shared.ledger.stores.alert_log import AlertLedger, Throttle, accounts_on_record
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import Owner, SealedPair, TokenLedger
from shared.operations.forms.forms import Forms
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operators import Operators, Role
from shared.operations.sessions import Sessions, Visit
from tests.support import builders
from tests.support.builders import bury
from tests.support.garbage import GARBAGE

PREFIX = keys.account("acme")
HERE = TokenOrigin(api_url="https://api.example", auth_url="https://login.example")


@dataclass(frozen=True)
class Case:
    """Two records of a kind: `make` makes both and returns where the first one is; `read` reads
    all of the kind and returns how many it found."""

    kind: RecordKind
    make: Callable[["redis.Redis"], Any]
    read: Callable[["redis.Redis"], int]
    also: frozenset[str] = frozenset()  # kinds of garbage that make a fine record of this kind


Place = Callable[[bytes], Any]


def in_hash(client: "redis.Redis", key: str, field: str) -> Place:
    return lambda garbage: client.hset(key, field, garbage)


def accounts(client: "redis.Redis") -> Place:
    for name in ("acme", "blue"):
        Registry(client).save_account(builders.account(name))
    return in_hash(client, keys.ACCOUNTS, "acme")


def forms(client: "redis.Redis") -> Place:
    for name in ("news", "shop"):
        Registry(client).save_form(builders.form(name))
    return in_hash(client, keys.FORMS, "news")


def operators(client: "redis.Redis") -> Place:
    for name in ("ada", "bob"):
        Operators(client).add(name, Role.ADMIN, "a long password")
    return in_hash(client, keys.OPERATORS, "ada")


def operator_keys(client: "redis.Redis") -> Place:
    operators(client)
    for name in ("ada", "bob"):
        OperatorKeys(client, now=utc_now).issue(name)
    return in_hash(client, keys.OPERATOR_KEYS, "ada")


def sessions(client: "redis.Redis") -> Place:
    operators(client)
    bob = Operators(client).find("bob")
    assert bob is not None
    found = Sessions(client, now=utc_now)
    for id in ("one", "two"):
        found.begin(bob, id, Visit(address="192.0.2.1", browser="Firefox"))
    key = f"{keys.SESSIONS}bob"
    return in_hash(client, key, str(client.hkeys(key)[0]))


def read_sessions(client: "redis.Redis") -> int:
    bob = Operators(client).find("bob")
    assert bob is not None
    return len(Sessions(client, now=utc_now).all(bob))


def links_of(client: "redis.Redis") -> Links:
    return Links(client, secret_keys=("key",), public_url="http://127.0.0.1")


def links(client: "redis.Redis") -> Place:
    for _ in range(2):
        links_of(client).make(
            "acme", "key", asked_by="Ada", made_by="bob", replace=False, now=utc_now()
        )
    return in_hash(client, keys.LINKS, str(client.hkeys(keys.LINKS)[0]))


def spools(client: "redis.Redis") -> Place:
    for id in ("one", "two"):
        Spools(client).note(id, "host", SpoolFigures(count=1, bytes=1, oldest=timedelta()))
    return in_hash(client, keys.SPOOLS, "one")


def audit(client: "redis.Redis") -> Place:
    for name in ("one", "two"):
        AuditTrail(client).add(Action.ADD_FORM, target=name)

    def put(garbage: bytes) -> None:
        found: Any = client.zrange(keys.AUDIT, 0, 0, withscores=True)
        entry, at = found[0]
        client.zrem(keys.AUDIT, entry)
        client.zadd(keys.AUDIT, {garbage: at})

    return put


def alerts(client: "redis.Redis") -> Place:
    for kind in ("one", "two"):
        document = {"begun_at": 1, "services": {}, "account": kind, "over": "over"}
        client.hset(keys.ALERTS, kind, json.dumps(document))
    return in_hash(client, keys.ALERTS, "one")


def tokens(client: "redis.Redis") -> Place:
    accounts(client)
    pair = SealedPair(
        access="a", refresh="r", digest="d", life=timedelta(1), scopes=None, client_id="key"
    )
    for name in ("acme", "blue"):
        TokenLedger(client).store(name, pair, Owner("i", "s"), origin=HERE, spent="")
    return in_hash(client, f"{PREFIX}tokens", "expires_at")


def jobs(client: "redis.Redis") -> Place:
    accounts(client)
    for job in ("one", "two"):
        id = bury(Ledger(client), f"{job}@example.com")
        assert jobs_of(client).add("acme", job, [id], by="ada", chosen="{}")
    return in_hash(client, f"{PREFIX}replay:one", "started_at")


def jobs_of(client: "redis.Redis") -> JobLedger:
    from shared.domain.job import JobPace

    return JobLedger(client, JobPace(per_second=4, per_day=10_000))


def memory(client: "redis.Redis") -> Place:
    client.hset(keys.MEMORY, mapping={"short:1": "1000 5", "short:2": "2000 6"})
    return in_hash(client, keys.MEMORY, "short:1")


def refused(client: "redis.Redis") -> Place:
    forms(client)
    client.hset(f"{keys.REFUSALS}news", mapping={"invalid": 1, "required": 2})
    return in_hash(client, f"{keys.REFUSALS}news", "invalid")


def read_refused(client: "redis.Redis") -> int:
    news, shop = FormCounts(client).figures(Registry(client).forms(), ["acme"])
    assert shop.refused == {}
    return len(news.refused)


THROTTLE = Throttle(after=timedelta(minutes=1))

CASES = {
    "accounts": Case(RecordKind.ACCOUNT, accounts, lambda client: len(Registry(client).accounts())),
    "accounts by name": Case(
        RecordKind.ACCOUNT,
        accounts,
        lambda client: len(Registry(client).accounts_named(["acme", "blue"])),
    ),
    "forms": Case(RecordKind.FORM, forms, lambda client: len(Registry(client).forms())),
    "forms by name": Case(
        RecordKind.FORM, forms, lambda client: len(Registry(client).forms_named(["news", "shop"]))
    ),
    "operators": Case(RecordKind.OPERATOR, operators, lambda client: len(Operators(client).all())),
    "operators' keys": Case(
        RecordKind.OPERATOR_KEY,
        operator_keys,
        lambda client: len(OperatorKeys(client, now=utc_now).all()),
    ),
    "sessions": Case(RecordKind.SESSION, sessions, read_sessions),
    "links": Case(
        RecordKind.LINK, links, lambda client: len(links_of(client).of("acme", utc_now()))
    ),
    "spool reports": Case(RecordKind.SPOOL, spools, lambda client: len(Spools(client).all())),
    "audit entries": Case(
        RecordKind.AUDIT, audit, lambda client: len(list(AuditTrail(client).entries()))
    ),
    "alerts": Case(
        RecordKind.ALERT, alerts, lambda client: len(AlertLedger(client, THROTTLE).known())
    ),
    "accounts with alerts": Case(
        RecordKind.ALERT,
        alerts,
        lambda client: len(accounts_on_record(client)),
    ),
    "tokens": Case(
        RecordKind.TOKENS,
        tokens,
        lambda client: sum(map(bool, TokenLedger(client).read_all(["acme", "blue"]))),
        frozenset({"a number"}),
    ),
    "replays": Case(
        RecordKind.JOB,
        jobs,
        lambda client: len(jobs_of(client).parts("acme")),
        frozenset({"a number"}),
    ),
    "notes about memory": Case(
        RecordKind.MEMORY, memory, lambda client: len(ServerMemory(client)._samples())
    ),
    "counts of refusals": Case(RecordKind.COUNTS, refused, read_refused, frozenset({"a number"})),
}


@pytest.mark.parametrize("garbage", list(GARBAGE))
@pytest.mark.parametrize("name", list(CASES))
def test_the_others_are_read_and_it_is_reported(
    redis_client: "redis.Redis", name: str, garbage: str
) -> None:
    case = CASES[name]
    put = case.make(redis_client)
    assert case.read(redis_client) == 2
    put(GARBAGE[garbage])
    expected = 2 if garbage in case.also else 1
    with collecting() as unreadable:
        assert case.read(redis_client) == expected
    assert [each.kind for each in unreadable] == [case.kind] * (2 - expected)


# --- writing does not destroy it


def test_fields_of_a_newer_version_stay(redis_client: "redis.Redis") -> None:
    registry = Registry(redis_client)
    accounts(redis_client), forms(redis_client)
    for key, name in ((keys.ACCOUNTS, "acme"), (keys.FORMS, "news")):
        stored = json.loads(str(redis_client.hget(key, name)))
        redis_client.hset(key, name, json.dumps(stored | {"colour": "red"}))
    account, form = registry.account("acme"), registry.form("news")
    assert account is not None
    assert form is not None
    registry.save_account(account)
    Forms(registry, AuditTrail(redis_client), utc_now).switch(form, enabled=False)
    for key, name in ((keys.ACCOUNTS, "acme"), (keys.FORMS, "news")):
        assert json.loads(str(redis_client.hget(key, name)))["colour"] == "red"


@pytest.mark.parametrize(
    ("make", "key", "name", "change"),
    [
        (accounts, keys.ACCOUNTS, "acme", lambda c: Registry(c).account("acme")),
        (forms, keys.FORMS, "news", lambda c: Registry(c).form("news")),
        (operators, keys.OPERATORS, "ada", lambda c: Operators(c).set_password("ada")),
        (operators, keys.OPERATORS, "ada", lambda c: Operators(c).set_role("ada", Role.VIEWER)),
        (operators, keys.OPERATORS, "ada", lambda c: Operators(c).add("ada", Role.ADMIN)),
    ],
)
def test_a_change_is_refused_and_says_what_to_do(
    redis_client: "redis.Redis", make: Any, key: str, name: str, change: Any
) -> None:
    make(redis_client)(b"{?")
    with pytest.raises(Refused) as refused:
        change(redis_client)
    assert isinstance(refused.value, UnreadableRecord) or "already" in str(refused.value)
    assert redis_client.hget(key, name) == "{?"


def test_an_operator_who_cannot_be_read_can_be_removed_but_not_the_last_admin(
    redis_client: "redis.Redis",
) -> None:
    operators(redis_client)(b"{?")
    found = Operators(redis_client)
    with pytest.raises(Refused, match="last admin"):
        found.remove("bob")
    found.remove("ada")
    assert [each.name for each in found.all()] == ["bob"]


def test_nobody_signs_in_with_a_record_that_cannot_be_read(redis_client: "redis.Redis") -> None:
    operators(redis_client)(b"{?")
    found = Operators(redis_client)
    assert found.authenticate("ada", "a long password", address="192.0.2.1") is None
    assert found.authenticate("bob", "a long password", address="192.0.2.1") is not None


# --- the scripts


@pytest.mark.parametrize("garbage", list(GARBAGE))
def test_alerts_go_on_beside_one_that_nobody_can_read(
    redis_client: "redis.Redis", garbage: str
) -> None:
    from shared.domain.alert_condition import AlertCondition, Severity

    alerts(redis_client)(GARBAGE[garbage])
    redis_client.hset(keys.ALERTS, "gathering", GARBAGE[garbage])
    redis_client.hset(keys.ALERTS, "given", GARBAGE[garbage])
    now = utc_now()
    condition = AlertCondition(
        key="three",
        severity=Severity.WARNING,
        title="t",
        body="b",
        over="o",
        since=now - timedelta(days=1),
    )
    ledger = AlertLedger(redis_client, THROTTLE)
    found = ledger.next([condition], ["service"], taken_at=now)
    assert found is not None
    assert [part.key for part in found.parts] == ["three"]


def test_tokens_that_cannot_be_read_keep_no_others_from_being_refreshed(
    redis_client: "redis.Redis",
) -> None:
    tokens(redis_client)(b"soon")
    redis_client.hset(f"{PREFIX}tokens", "received_at", "then")
    due = TokenLedger(redis_client).find_due(
        ["acme", "blue"], Owner("i", "s"), origin=HERE, refresh_after=timedelta()
    )
    assert sorted(due) == ["acme", "blue"]


def test_a_job_that_cannot_be_read_stops_no_other(redis_client: "redis.Redis") -> None:
    jobs(redis_client)(b"?")
    redis_client.hset(f"{PREFIX}replay:one", mapping={"moved": "x", "dead": "y"})
    assert jobs_of(redis_client).feed("acme") == 1


def test_refusals_are_counted_beside_a_count_that_is_no_number(
    redis_client: "redis.Redis",
) -> None:
    refused(redis_client)(b"many")
    redis_client.hset(f"{keys.REFUSALS}news:recent", "x", "y")
    counts, of_origin = FormCounts(redis_client), {"invalid": 3, "origin": 4}
    tally = FormTally(
        form="news",
        account="acme",
        refused=of_origin,
        faults=7,
        streak=of_origin,
        streak_began_ago=timedelta(),
        streak_went_on_ago=timedelta(),
        last=[],
        unsent={"city": 1},
    )
    counts.add("process", 1, [tally])
    news, _ = counts.figures(Registry(redis_client).forms(), ["acme"])
    assert news.refused == {"origin": 4, "required": 2}
