"""How long the day's calls last: a table of what is left, what waits and what comes."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.counts import Counts
from shared.domain.quota_forecast import arriving_per_second, forecast_quota

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HALF_A_DAY = 43_200


@pytest.mark.parametrize(
    ("left", "due", "per_hour", "runs_out", "waiting", "rest"),
    [
        pytest.param(5000, 100, 0, None, 0, 4900, id="only what waits is sent"),
        pytest.param(5000, 0, 100, None, 0, 3800, id="few come"),
        pytest.param(5000, 0, 500, timedelta(hours=10), 1000, 0, id="as many come as are sent"),
        pytest.param(7200, 9000, 0, timedelta(minutes=30), 1800, 0, id="a backlog at full pace"),
        pytest.param(
            7200, 3600, 3600, timedelta(hours=1), 39_600, 0, id="a backlog, then as they come"
        ),
        pytest.param(
            14_400, 0, 20_000, timedelta(hours=1), 225_600, 0, id="more than the pace allows"
        ),
        pytest.param(43_200 * 4, 0, 20_000, None, 0, 0, id="the pace is the limit, not the day"),
    ],
)
def test_what_becomes_of_the_calls_that_are_left(
    left: int, due: int, per_hour: int, runs_out: timedelta | None, waiting: int, rest: int
) -> None:
    found = forecast_quota(left=left, due=due, arriving=per_hour / 3600, per_second=4, now=NOON)
    assert found is not None
    assert found.runs_out_at == (None if runs_out is None else NOON + runs_out)
    assert (found.waiting, found.left) == (waiting, rest)


@pytest.mark.parametrize(("left", "due", "arriving"), [(0, 5, 1.0), (-3, 5, 1.0), (100, 0, 0.0)])
def test_there_is_nothing_to_foretell(left: int, due: int, arriving: float) -> None:
    assert forecast_quota(left=left, due=due, arriving=arriving, per_second=4, now=NOON) is None


def test_it_is_said_with_two_digits() -> None:
    runs_out = forecast_quota(left=2000, due=5234, arriving=0, per_second=4, now=NOON)
    assert runs_out is not None
    assert runs_out.sentence == (
        "At this pace today's requests run out at 12:08 UTC; about 3,200 will wait until 00:00 UTC."
    )
    lasts = forecast_quota(left=9012, due=7, arriving=0, per_second=4, now=NOON)
    assert lasts is not None
    assert lasts.sentence == "At this pace about 9,000 are left at 00:00 UTC."


@pytest.mark.parametrize(
    ("hour", "today", "arriving"),
    [
        pytest.param(7200, {"one": 9000}, {"one": 2.0}, id="one key"),
        pytest.param(7200, {"one": 9000, "two": 3000}, {"one": 1.5, "two": 0.5}, id="two keys"),
        pytest.param(7200, {"one": 9000, "new": 0}, {"one": 2.0, "new": 0}, id="one is idle"),
        pytest.param(0, {"one": 9000}, {"one": 0}, id="nothing of late"),
        pytest.param(3600, {"one": 0}, {"one": 0}, id="just after midnight"),
        pytest.param(3600, {}, {}, id="no key"),
    ],
)
def test_what_came_in_the_last_hour_is_split_as_what_came_today(
    hour: int, today: dict[str, int], arriving: dict[str, float]
) -> None:
    """What is in quarantine is not sent."""

    def counts(to_send: int) -> Counts:
        return Counts(accepted=to_send + 5, quarantined=5)

    found = arriving_per_second(counts(hour), {key: counts(of) for key, of in today.items()})
    assert found == arriving
