"""Indexes of sign-ups are read page by page: what a page costs, and what moves in between."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

import pytest
import redis

from shared.domain.signup import Signup
from shared.infrastructure.settings import Settings
from shared.ledger import index_pages
from shared.ledger.index_pages import latest_first
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.factory import make_operations
from shared.operations.operations import Operations
from shared.operations.selection import Selection
from tests.support import builders
from tests.support.builders import accept, bury, bury_claim, claimed

INDEX = "relay:{acme}:dead"
Pages = Iterator[list[str]]


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pages, "PAGE", 3)


@pytest.fixture
def operations(settings: Settings, redis_client: "redis.Redis") -> Operations:
    for name in ("acme", "blue"):
        Registry(redis_client).save_account(builders.account(name))
    return make_operations(settings, redis_client, lambda account: None)


def pages_of(client: "redis.Redis", *accounts: str, since: float | None = None) -> Pages:
    pages = latest_first(client, accounts or ("acme",), "dead", since=since)
    return ([id for _, _, id in page] for page in pages)


def test_all_come_the_latest_first(redis_client: "redis.Redis") -> None:
    redis_client.zadd(INDEX, {str(score): score for score in range(10)})
    found = list(chain.from_iterable(pages_of(redis_client)))
    assert found == [str(score) for score in reversed(range(10))]


def test_the_accounts_come_together(redis_client: "redis.Redis") -> None:
    redis_client.zadd(INDEX, {str(score): score for score in (1, 4, 5, 6, 7, 8)})
    redis_client.zadd("relay:{blue}:dead", {str(score): score for score in (0, 2, 3, 9)})
    found = list(pages_of(redis_client, "acme", "blue", "none"))
    assert found == [["9", "8", "7"], ["6", "5", "4"], ["3", "2", "1"], ["0"]]


@pytest.mark.parametrize("tied", [2, 3, 4, 7])
def test_those_of_one_moment_are_neither_left_out_nor_repeated(
    redis_client: "redis.Redis", tied: int
) -> None:
    redis_client.zadd(INDEX, {f"tied-{number}": 5.25 for number in range(tied)})
    redis_client.zadd(INDEX, {"newer": 6, "older": 5, "oldest": 4})
    found = list(chain.from_iterable(pages_of(redis_client)))
    assert found[0] == "newer"
    assert found[-2:] == ["older", "oldest"]
    assert sorted(found[1:-2]) == [f"tied-{number}" for number in range(tied)]


def test_what_goes_and_comes_between_two_pages_moves_none_of_the_others(
    redis_client: "redis.Redis",
) -> None:
    redis_client.zadd(INDEX, {str(score): score for score in range(9)})
    pages = pages_of(redis_client)
    assert next(pages) == ["8", "7", "6"]
    redis_client.zrem(INDEX, "8", "7", "4")
    redis_client.zadd(INDEX, {"new": 20, "6": 21})
    assert list(pages) == [["5", "3", "2"], ["1", "0"]]


def test_reading_ends_where_it_is_asked_to(redis_client: "redis.Redis") -> None:
    redis_client.zadd(INDEX, {str(score): score for score in range(9)})
    assert list(pages_of(redis_client, since=5)) == [["8", "7", "6"], ["5"]]


COUNT = 60  # of each account


@pytest.fixture(params=["dead", "quarantined"])
def find(
    request: pytest.FixtureRequest,
    redis_client: "redis.Redis",
    operations: Operations,
    person: Callable[[str], str],
) -> Callable[..., list[Signup]]:
    """Finds dead letters, or quarantined sign-ups, of which there are many of many people."""
    ledger, is_dead = Ledger(redis_client), request.param == "dead"
    for number in range(COUNT):
        email = f"number-{number}@example.com"
        for account in ("acme", "blue"):
            quarantine = None if is_dead else "honeypot"
            accept(ledger, email, account=account, quarantine=quarantine, person=person(email))
            if is_dead:
                bury_claim(ledger, claimed(ledger, account=account))
    return operations.dead_letters.find if is_dead else operations.quarantine.find


@pytest.fixture
def bytes_read(redis_client: "redis.Redis") -> Callable[[], int]:
    """Tells how many bytes the server has sent since it was asked last."""
    sent = 0

    def since() -> int:
        nonlocal sent
        before, sent = sent, int(redis_client.info("stats")["total_net_output_bytes"])
        return sent - before

    return since


def test_the_first_page_reads_no_more_than_a_page(
    find: Callable[..., list[Signup]], bytes_read: Callable[[], int]
) -> None:
    bytes_read()
    assert len(find(Selection(), 3)) == 3
    page = bytes_read()
    assert len(find(Selection())) == 2 * COUNT
    assert page < bytes_read() / 10


def test_one_persons_are_found_without_reading_the_others(
    find: Callable[..., list[Signup]], bytes_read: Callable[[], int]
) -> None:
    find(Selection(email="number-1@example.com"))
    bytes_read()
    found = find(Selection(email="Number-7@example.com"))
    one = bytes_read()
    assert {each.account for each in found} == {"acme", "blue"}  # in the same millisecond, perhaps
    assert len(find(Selection())) == 2 * COUNT
    assert one < bytes_read() / 10


def test_those_since_a_moment_are_found_from_that_moment_on(
    redis_client: "redis.Redis", operations: Operations
) -> None:
    ledger = Ledger(redis_client)
    for number in range(7):
        bury(ledger, f"{number}@example.com")
    find = operations.dead_letters.find
    latest = find(Selection())
    since = latest[4].settled_at
    assert since is not None
    assert find(Selection(since=since)) == [
        each for each in latest if each.settled_at and each.settled_at >= since
    ]
    assert find(Selection(since=since + timedelta(hours=1))) == []
