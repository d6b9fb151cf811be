"""Each API call of a lane is in the histogram of the metrics, and in its minute of the charts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.outcome import ApiAnswer
from shared.domain.subscription_status import SubscriptionStatus
from shared.ledger import keys
from tests.support.builders import NOON, accept, attempt, claimed
from tests.support.lane_rig import (
    CREATED,
    FORBIDDEN,
    UNAUTHORIZED,
    UNAVAILABLE,
    FakeContacts,
    LaneRig,
    SimulatedClock,
)
from tests.support.records import receive_earlier

TIMED_OUT = ApiAnswer(status=None, message="no answer in time")
REJECTED = ApiAnswer(status=400, message="no")
LEFT = SubscriptionStatus(contact_id="c-1", permission="unsubscribed", opted_out_at=NOON)


@dataclass
class SlowContacts(FakeContacts):
    """Every call takes as long by the clock."""

    clock: SimulatedClock = field(default_factory=SimulatedClock)
    seconds: float = 0.4

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
        self.clock.sleep(self.seconds)
        return super().sign_up(access_token, body)

    def look_up(self, access_token: str, email: str) -> Any:
        self.clock.sleep(self.seconds)
        return super().look_up(access_token, email)


def run(rig: LaneRig, *answers: ApiAnswer, **contacts: Any) -> None:
    rig.contacts = SlowContacts(list(answers), clock=rig.clock, **contacts)
    rig.lane(tools=rig.tools()).run()


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ((CREATED,), 1),
        ((REJECTED,), 1),
        ((UNAVAILABLE,), 1),
        ((TIMED_OUT,), 1),
        ((UNAUTHORIZED, CREATED), 2),
        ((FORBIDDEN, CREATED), 2),
        ((ApiAnswer(status=429, error_key="quota_exceeded"),), 1),
    ],
)
def test_a_call_counts_whatever_came_of_it(
    rig: LaneRig, answers: tuple[ApiAnswer, ...], calls: int
) -> None:
    accept(rig.ledger)
    run(rig, *answers)
    times = rig.ledger.call_times()
    assert times.counts == {"0.5": calls}
    assert times.seconds == pytest.approx(0.4 * calls)


def test_a_look_at_the_person_counts_even_if_nothing_is_sent(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    receive_earlier(
        rig.client, f"{keys.account('acme')}signup:{id}", by=timedelta(days=2000)
    )  # before NOON
    run(rig, CREATED, standings=[LEFT], seconds=0.01)
    assert rig.contacts.sent == []
    assert rig.ledger.call_times().counts == {"0.05": 1}


def test_the_minute_has_the_number_and_the_sum(rig: LaneRig, redis_client: "redis.Redis") -> None:
    for _ in range(3):
        accept(rig.ledger)
    run(rig, CREATED, seconds=0.25)
    minutes: list[Any] = [redis_client.hgetall(key) for key in redis_client.keys("*stats:*")]
    counts = [(int(each["calls"]), int(each["call_ms"])) for each in minutes if "calls" in each]
    assert tuple(map(sum, zip(*counts, strict=True))) == (3, 750)


def test_a_claim_that_another_one_superseded_adds_nothing(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    first = replace(claimed(rig.ledger, lane="first"), took=(0.4,))
    rig.make_due(id, "fresh")
    claimed(rig.ledger, lane="second")
    assert not rig.ledger.deliver(first, attempt(), contact_id="c", action="created")
    assert rig.ledger.call_times().counts == {}
