"""Looking through the audit trail: filters, and pages that go on where the last one ended."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from shared.domain.audit import Action, Actor, Via
from shared.domain.errors import Refused
from shared.ledger import keys
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations import audit_search
from shared.operations.audit_search import AuditFilter, AuditPage, AuditSearch, read_filter

ADA = Actor("ada", Via.CONSOLE, "192.0.2.7")
STRANGER = Actor(None, Via.CONSOLE, "203.0.113.9")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "0199f3a0-0000-7000-8000-000000000001"


@pytest.fixture
def trail(redis_client: "redis.Redis") -> AuditTrail:
    return AuditTrail(redis_client)


@pytest.fixture
def search(trail: AuditTrail) -> AuditSearch:
    return AuditSearch(trail)


def put(client: "redis.Redis", at: datetime, target: str, **fields: Any) -> None:
    """Store an entry of that time, which a script would take from Redis' clock."""
    found = {"actor": "ada", "via": "cli", "action": "hold", "account": "acme", "address": None}
    document = {"id": target, "target": target, "detail": {}, **found, **fields}
    client.zadd(keys.AUDIT, {json.dumps(document): at.timestamp() * 1000})


def targets(page: AuditPage) -> list[str | None]:
    return [entry.target for entry in page.entries]


def all_pages(search: AuditSearch, chosen: AuditFilter, limit: int) -> list[AuditPage]:
    pages = [search.page(chosen, limit=limit)]
    while pages[-1].next:
        pages.append(search.page(chosen, pages[-1].next, limit=limit))
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_pages_have_every_entry_once_also_those_of_one_moment(
    search: AuditSearch,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    at_once: int,
) -> None:
    monkeypatch.setattr("shared.ledger.stores.audit_trail._READ_AT_ONCE", at_once)
    for number in range(20):
        put(redis_client, NOON + timedelta(seconds=number // 6), f"{number:02}")
    pages = all_pages(search, AuditFilter(), limit)
    found = list(itertools.chain.from_iterable(map(targets, pages)))
    assert found == [f"{number:02}" for number in reversed(range(20))]
    assert {len(page.entries) for page in pages[:-1]} <= {limit}


def test_what_is_added_meanwhile_moves_no_page(
    search: AuditSearch, redis_client: "redis.Redis"
) -> None:
    for number in range(4):
        put(redis_client, NOON + timedelta(seconds=number), str(number))
    first = search.page(AuditFilter(), limit=2)
    put(redis_client, NOON + timedelta(minutes=1), "new")
    assert targets(first) == ["3", "2"]
    assert targets(search.page(AuditFilter(), first.next, limit=2)) == ["1", "0"]


def test_a_page_reads_so_many_and_then_offers_to_search_on(
    search: AuditSearch, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search, "MOST_READ", 5)
    for number in range(12):
        actor = "olga" if number == 0 else "ada"
        put(redis_client, NOON + timedelta(seconds=number), str(number), actor=actor)
    pages = all_pages(search, AuditFilter(actor="olga"), 3)
    assert [page.read for page in pages] == [5, 5, 2]
    assert [targets(page) for page in pages] == [[], [], ["0"]]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "edit hold olga"),
        ({"actor": "olga"}, "olga"),
        ({"actor": "ol"}, ""),
        ({"action": "edit"}, "edit"),
        ({"account": "acme"}, "edit hold olga"),
        ({"account": "spare"}, ""),
        ({"target": ID}, "edit"),
        ({"target": "1CUDKFr3FUkCZ5GXZXGeME"}, "edit"),
        ({"target": "hold"}, "hold"),
        ({"since": "2026-03-02"}, "edit hold"),
        ({"since": "2026-03-01T12:00:01"}, "edit hold"),
        ({"until": "2026-03-01"}, "olga"),
        ({"since": "2026-03-01", "until": "2026-03-02"}, "hold olga"),
        ({"until": "2026-03-02T12:00:00Z"}, "olga"),
        ({"actor": "  ", "since": ""}, "edit hold olga"),
    ],
)
def test_filters(
    search: AuditSearch, redis_client: "redis.Redis", given: dict[str, str], found: str
) -> None:
    put(redis_client, NOON, "olga", actor="olga")
    put(redis_client, NOON + timedelta(days=1), "hold")
    ids = {"count": 2, "ids": [ID, "other"]}
    put(redis_client, NOON + timedelta(days=2), "edit", action="edit", detail=ids)
    assert " ".join(map(str, targets(search.page(read_filter(given))))) == found


@pytest.mark.parametrize(
    "given",
    [
        {"action": "fly"},
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"refused": "maybe"},
    ],
)
def test_a_wrong_filter_is_named_and_not_repeated(given: dict[str, str]) -> None:
    [(name, value)] = given.items()
    with pytest.raises(Refused, match=f"The filter {name} ") as refused:
        read_filter(given)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "cursor",
    ["x", "1", "1:", "-1:1", "1:-1", "1e9:1", "nan:1", "inf:1", "1:9999999", "1:1\n", "\u0661:1"],
)
def test_a_made_up_cursor_is_refused(search: AuditSearch, cursor: str) -> None:
    with pytest.raises(Refused, match="no place in the audit trail"):
        search.page(AuditFilter(), cursor)


# --- refused sign-ins


@pytest.mark.parametrize(
    ("given", "causes", "left_out"),
    [
        ({}, [None, "wrong_code"], 2),
        ({"refused": "shown"}, [None, "wrong_code", "too_many_tries", "wrong_password"], 0),
        ({"refused": "only"}, ["wrong_code", "too_many_tries", "wrong_password"], 0),
        ({"action": "sign_in_refused"}, ["wrong_code", "too_many_tries", "wrong_password"], 0),
        ({"actor": "ada"}, [None], 0),
    ],
)
def test_strangers_do_not_drown_the_trail_and_a_refused_code_is_always_seen(
    search: AuditSearch,
    redis_client: "redis.Redis",
    given: dict[str, str],
    causes: list[str | None],
    left_out: int,
) -> None:
    for number, cause in enumerate(("wrong_password", "too_many_tries", "wrong_code")):
        put(
            redis_client,
            NOON + timedelta(seconds=number),
            str(number),
            actor=None,
            action="sign_in_refused",
            detail={"cause": cause, "tries": 1},
        )
    put(redis_client, NOON + timedelta(seconds=3), "acme")
    page = search.page(read_filter(given))
    assert [entry.detail.get("cause") for entry in page.entries] == causes
    assert page.left_out == left_out


def test_what_the_trail_itself_writes_is_found(search: AuditSearch, trail: AuditTrail) -> None:
    trail.add(Action.HOLD, who=ADA, account="acme")
    trail.add_refused_sign_in(STRANGER, None, "wrong_password")
    assert [entry.action for entry in search.page(AuditFilter()).entries] == ["hold"]
    [refused] = search.page(read_filter({"refused": "only"})).entries
    assert refused.detail == {"cause": "wrong_password", "tries": 1}


# --- exports


def test_an_export_has_all_that_match(
    search: AuditSearch, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search, "PAGE", 2)
    for number in range(5):
        put(redis_client, NOON + timedelta(seconds=number), str(number))
    put(redis_client, NOON, "spare", account="spare")
    found = search.export(AuditFilter(account="acme"))
    assert [entry.target for entry in found] == list("43210")


@pytest.mark.parametrize("limit", ["MOST_EXPORTED", "MOST_READ_FOR_EXPORT"])
def test_an_export_is_whole_or_refused(
    search: AuditSearch, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    for number in range(3):
        put(redis_client, NOON + timedelta(seconds=number), str(number))
    monkeypatch.setattr(audit_search, limit, 3)
    assert len(search.export(AuditFilter())) == 3
    monkeypatch.setattr(audit_search, limit, 2)
    with pytest.raises(Refused, match="Choose a shorter time"):
        search.export(AuditFilter())
