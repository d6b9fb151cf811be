"""The alert that Redis does not work: sent once it lasts, and its end too."""

from datetime import timedelta

from shared.domain.redis_problem import RedisProblem
from shared.infrastructure.alert_services import MessageKind
from tests.support.fake_service import FakeService
from worker.alerts.redis_outage import RedisOutageAlert

LOADING = RedisProblem("Redis loads its data", "Wait.")


class Passing:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_that_redis_is_away_is_told_once_it_lasts_and_its_end_too() -> None:
    clock, one, other = Passing(), FakeService("json"), FakeService("mailto")
    watching = RedisOutageAlert([one, other], timedelta(seconds=60), clock)
    watching.away(LOADING)
    clock.seconds = 59
    watching.away(LOADING)
    assert one.sent == []
    clock.seconds, other.works = 60, False
    watching.away(LOADING)
    watching.away(LOADING)
    other.works = True
    watching.away(LOADING)
    clock.seconds = 90
    watching.answers()
    watching.answers()
    assert (
        one.sent
        == other.sent
        == [
            ("Redis loads its data; nothing is delivered", MessageKind.PROBLEM),
            ("Redis works again", MessageKind.OVER),
        ]
    )


def test_nobody_is_told_of_a_blip_of_redis() -> None:
    clock, service = Passing(), FakeService()
    watching = RedisOutageAlert([service], timedelta(seconds=60), clock)
    watching.away(LOADING)
    clock.seconds = 30
    watching.answers()
    clock.seconds = 80
    watching.away(LOADING)
    clock.seconds = 139
    watching.away(LOADING)
    assert service.sent == []
