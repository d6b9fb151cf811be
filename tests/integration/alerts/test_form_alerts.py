"""From a form's refusals to an alert, and to the word that they are over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.ledger.ledger import Ledger
from shared.ledger.limits import ARRIVAL_DAYS
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.stores.alert_log import AlertLedger, Throttle
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.ledger.stores.registry import Registry
from tests.support.builders import accept, account, form
from tests.support.fake_service import FakeService
from tests.support.refusals import refusal, refused_tally
from worker.alerts.dispatcher import AlertDispatcher
from worker.alerts.snapshot import SnapshotReader

MINUTE = timedelta(minutes=1)
NEWS = form(origins=("https://www.example.com",))
BEGUN = "news: the form refuses every sign-up"
OVER = "news: the form no longer refuses every sign-up"


class Looks:
    """Looks for alerts, and returns the titles of what was sent."""

    def __init__(self, client: "redis.Redis") -> None:
        self._service = FakeService()
        self._dispatcher = AlertDispatcher(
            SnapshotReader(client, "https://signup.example.com").take,
            AlertLedger(client, Throttle(after=timedelta())),
            [self._service],
            stopping=lambda: False,
        )

    def __call__(self) -> list[str]:
        self._service.sent.clear()
        self._dispatcher.dispatch()
        return [title for title, _ in self._service.sent]


@pytest.fixture
def look(redis_client: "redis.Redis") -> Looks:
    """Look at an account with a form."""
    Registry(redis_client).save_account(account())
    Registry(redis_client).save_form(NEWS)
    processes = Ledger(redis_client).processes
    processes.worker_alive("worker-1")
    processes.beat_alive("beat-1")
    return Looks(redis_client)


@pytest.fixture
def refuse(redis_client: "redis.Redis") -> Callable[..., None]:
    """Have the form refuse foreign pages over the last twenty minutes."""
    numbers = iter(range(1, 100))

    def refused(times: int = 5) -> None:
        tally = FormTally(
            form="news",
            account="acme",
            refused={"origin": times},
            faults=times,
            streak={"origin": times},
            streak_began_ago=20 * MINUTE,
            streak_went_on_ago=timedelta(),
            last=[(timedelta(), refusal())],
            unsent={},
        )
        FormCounts(redis_client).add("web-1", next(numbers), [tally])

    return refused


@pytest.fixture
def broken(look: Looks, refuse: Callable[..., None]) -> Looks:
    """Look at a form that refuses everything, of which operators have been told."""
    refuse()
    assert look() == [BEGUN]
    assert look() == []
    return look


def test_too_few_are_no_alert(look: Looks, refuse: Callable[..., None]) -> None:
    refuse(4)
    assert look() == []


def test_an_accepted_sign_up_ends_it(broken: Looks, redis_client: "redis.Redis") -> None:
    accept(Ledger(redis_client))
    assert broken() == [OVER]
    assert broken() == []


def test_a_quarantined_sign_up_does_not(broken: Looks, redis_client: "redis.Redis") -> None:
    accept(Ledger(redis_client), quarantine="honeypot")
    assert broken() == []


@pytest.mark.parametrize("change", ["removed", "disabled", "given the origin"])
def test_an_operator_ends_it(broken: Looks, redis_client: "redis.Redis", change: str) -> None:
    registry = Registry(redis_client)
    match change:
        case "removed":
            registry.remove_form("news")
        case "disabled":
            registry.save_form(replace(NEWS, enabled=False))
        case _:
            registry.save_form(replace(NEWS, origins=(*NEWS.origins, "https://www.example.org")))
    assert broken() == [OVER]


# --- what comes to a form


@pytest.fixture
def come(redis_client: "redis.Redis") -> Callable[..., None]:
    """Have web count sign-ups of the form."""
    numbers = iter(range(1, 100))

    def counted(passed: int = 0, screened: int = 0) -> None:
        tally = replace(refused_tally(), passed=passed, screened=screened)
        FormCounts(redis_client).add("web-2", next(numbers), [tally])

    return counted


def on_days_before(client: "redis.Redis", busiest: int, *, days: int) -> None:
    """Have had so many sign-ups in the busiest hour of each of the days before today."""
    today = int(redis_time(client).timestamp() // 86_400)
    for before in range(1, days + 1):
        client.hset("relay:arrivals:news:days", f"{today - before}", f"{busiest} 0")


def test_far_more_than_usual_is_told_and_so_is_its_end(
    look: Looks, come: Callable[..., None], redis_client: "redis.Redis"
) -> None:
    on_days_before(redis_client, 10, days=5)
    come(30)
    assert look() == []
    come(20)
    assert look() == ["news: far more sign-ups than usual"]
    assert look() == []
    on_days_before(redis_client, 11, days=1)  # as if the last hour were less
    assert look() == ["news: sign-ups come at a usual rate again"]
    assert Ledger(redis_client).figures("acme").quarantined == 0


def test_a_new_form_may_begin_with_a_campaign(look: Looks, come: Callable[..., None]) -> None:
    come(5_000)
    assert look() == []


def test_a_wave_of_robots_is_told_and_so_is_its_end(look: Looks, come: Callable[..., None]) -> None:
    come(passed=15, screened=19)
    assert look() == []
    come(screened=1)
    assert look() == ["news: most of its sign-ups go to quarantine"]
    come(passed=10)
    assert look() == ["news: most sign-ups are no longer quarantined"]


def test_a_form_that_lets_nothing_pass_is_told_after_a_day(
    look: Looks, come: Callable[..., None], redis_client: "redis.Redis"
) -> None:
    come(screened=10)
    assert look() == []
    a_day_ago = redis_time(redis_client).timestamp() * 1000 - 86_400_000
    redis_client.hset("relay:arrivals:news", "streak_since", a_day_ago)
    assert look() == ["news: most of its sign-ups go to quarantine"]
    come(passed=1)
    assert look() == ["news: most sign-ups are no longer quarantined"]


def test_old_slots_are_forgotten(
    come: Callable[..., None], look: Looks, redis_client: "redis.Redis"
) -> None:
    redis_client.hset("relay:arrivals:news", mapping={"passed:1": 7, "screened:1": 7})
    come(1)
    kept = set(map(str, redis_client.hkeys("relay:arrivals:news")))
    assert not {"passed:1", "screened:1"} & kept
    assert kept >= {"day", "busiest", "most"}


def test_a_day_that_is_over_is_among_those_before(
    come: Callable[..., None], look: Looks, redis_client: "redis.Redis"
) -> None:
    come(passed=7, screened=3)
    yesterday = int(redis_time(redis_client).timestamp() // 86_400) - 1
    redis_client.hset("relay:arrivals:news", "day", yesterday)
    on_days_before(redis_client, 10, days=50)
    [before] = FormCounts(redis_client).arrivals([NEWS])
    assert (before.busiest_hours[-1], before.screened_hours) == (7, [3])
    come(1)
    assert redis_client.hget("relay:arrivals:news:days", str(yesterday)) == "7 3"
    assert redis_client.hlen("relay:arrivals:news:days") == ARRIVAL_DAYS - 1
    [after] = FormCounts(redis_client).arrivals([NEWS])
    assert after.busiest_hours == before.busiest_hours


def test_a_removed_form_leaves_nothing(
    come: Callable[..., None], look: Looks, redis_client: "redis.Redis"
) -> None:
    come(1)
    assert redis_client.exists("relay:arrivals:news")
    Registry(redis_client).remove_form("news")
    assert not redis_client.exists("relay:arrivals:news")
