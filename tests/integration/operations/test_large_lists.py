"""Lists and groups among many dead letters: a page costs what it costs among few."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from shared.domain.signup import State
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.format import open_ledger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.factory import make_operations
from shared.operations.signup_lists import MOST_READ, SignupFilter, SignupLists
from tests.support import builders
from tests.support.builders import bury

FEW, MANY = 1_000, 200_000
# In one step, so that the server does not stand still for seconds.
_AT_ONCE = 10_000

# Copies a dead letter so many times, each received a second before the last one.
_COPY = """
local account, id, from, to = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local record = redis.call("GET", account .. "signup:" .. id)
local received = string.match(record, '"(%d+%.%d+)"')
local before, after = string.match(record, '^(.-)"' .. received .. '"(.*)$')
local group = redis.call("HKEYS", account .. "dead-groups")[1]
for number = from, to do
  local copy = string.format("%s-%06d", string.sub(id, 1, 29), number)
  local at = string.format("%.3f", tonumber(received) - number * 1000)
  redis.call("SET", account .. "signup:" .. copy, before .. '"' .. at .. '"' .. after)
  for _, set in ipairs({ "dead", "dead:rejected", "dead-group:" .. group }) do
    redis.call("ZADD", account .. set, at, copy)
  end
end
return to
"""


class Rig:
    """Two accounts. In `acme`, one person's sign-up dies again and again."""

    def __init__(self, client: "redis.Redis", lists: SignupLists) -> None:
        self.client, self.lists = client, lists
        open_ledger(client)
        for name in ("acme", "blue"):
            Registry(client).save_account(builders.account(name))
        Registry(client).save_form(builders.form("news"))
        self._first = bury(
            Ledger(client), error_key="lists.unknown", message="HTTP 400: no such list"
        )
        self._count = 1

    def fill(self, count: int) -> None:
        """Have so many dead letters in all."""
        while self._count < count:
            last = min(count, self._count + _AT_ONCE) - 1
            self.client.eval(_COPY, 1, keys.account("acme"), self._first, self._count, last)
            self._count = last + 1

    def cost(self, look: Callable[[], object]) -> Counter[str]:
        """Return how often the server does what while somebody looks, and in how many µs."""
        self.client.config_resetstat()
        look()
        stats = self.client.info("commandstats")
        ours = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
        return Counter({name: calls for name, calls in ours.items() if "config" not in name})

    def looks(self) -> dict[str, Callable[[], object]]:
        dead = SignupFilter(states=frozenset({State.DEAD}))
        (group,) = self.lists.groups()
        newest = self.lists.page(dead, limit=1).signups[0]
        filters = {
            "dead": dead,
            "all": SignupFilter(),
            "of a reason": SignupFilter(reason="rejected"),
            "of a form": SignupFilter(states=frozenset({State.DEAD}), form="news"),
            "of a group": SignupFilter(group=group.id),
            "with these words": SignupFilter(words="no such"),
            "until then": SignupFilter(until=newest.received_at - timedelta(minutes=10)),
        }
        further = self.lists.page(dead, limit=200).next
        return {
            "groups": self.lists.groups,
            "reasons": self.lists.dead_by_reason,
            "a later page": lambda: self.lists.page(dead, cursor=further, limit=50),
            **{
                name: lambda chosen=chosen: self.lists.page(chosen, limit=50)  # type: ignore[misc]
                for name, chosen in filters.items()
            },
        }

    def costs(self) -> dict[str, Counter[str]]:
        return {name: self.cost(look) for name, look in self.looks().items()}


@pytest.fixture
def rig(settings: Settings, redis_client: "redis.Redis") -> Rig:
    return Rig(redis_client, make_operations(settings, redis_client, lambda _: None).lists)


@pytest.mark.slow
def test_a_page_costs_the_same_among_many(rig: Rig) -> None:
    rig.fill(FEW)
    few = rig.costs()
    rig.fill(MANY)
    many = rig.costs()
    assert many.keys() == few.keys()
    for name, counts in few.items():
        assert counts.total() > 0
        assert many[name].total() <= 1.5 * counts.total(), (name, counts, many[name])
    (group,) = rig.lists.groups()
    assert group.count == MANY


def test_what_matches_nothing_ends_after_so_many_records_and_goes_on_from_there(rig: Rig) -> None:
    rig.fill(2 * MOST_READ + 10)
    nothing = SignupFilter(words="something else")
    read, cursor = [], None
    while True:
        page = rig.lists.page(nothing, cursor=cursor)
        assert page.signups == []
        read.append(page.read)
        cursor = page.next
        if cursor is None:
            break
    assert read == [MOST_READ, MOST_READ, 10]
