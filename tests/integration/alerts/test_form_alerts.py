"""From a form's refusals to an alert, and to the word that they are over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.ledger.ledger import Ledger
from shared.ledger.stores.alert_log import AlertLedger, Throttle
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.ledger.stores.registry import Registry
from tests.support.builders import accept, account, form
from tests.support.fake_service import FakeService
from tests.support.refusals import refusal
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
