"""What a job may use of a day, and how long it takes with that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.job import (
    JobAction,
    JobPace,
    JobState,
    Obstacle,
    TimeToSend,
    for_jobs,
    plan_sending,
    time_to_send,
)
from shared.ledger.jobs import JobPart
from shared.operations.job_progress import Job, joined

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
TEN_IN_THE_EVENING = datetime(2026, 3, 1, 22, tzinfo=UTC)
PACE = JobPace.of(requests_per_second=4, deliveries_per_day=9_500)


def part(account: str = "acme", id: str = "a", **fields: Any) -> JobPart:
    counts = ("total", "waiting", "under_way", "delivered", "dead", "skipped", "cancelled")
    defaults: dict[str, Any] = {
        "account": account,
        "id": id,
        "by": "ada",
        "chosen": "{}",
        "started_at": TEN_IN_THE_EVENING,
        "ended_at": None,
        "cancelled_at": None,
        "obstacle": None,
        "before": 0,
        "pace": PACE,
        "today": 10_000,
        **dict.fromkeys(counts, 0),
    }
    return JobPart(**{**defaults, **fields})


def test_some_jobs_send_and_some_of_these_send_again() -> None:
    retries = {"retry", "retry_form_lists", "retry_edited"}
    assert {each for each in JobAction if each.retries} == retries
    assert {each for each in JobAction if each.sends} == retries | {"deliver"}


@pytest.mark.parametrize(
    ("rate", "per_second", "most"), [(4, 2, 100), (20, 10, 100), (100, 50, 500)]
)
def test_jobs_get_half_the_rate_and_ten_seconds_of_it_at_a_time(
    rate: float, per_second: float, most: int
) -> None:
    pace = JobPace.of(requests_per_second=rate, deliveries_per_day=9_500)
    assert (pace.per_second, pace.most_under_way) == (per_second, most)


@pytest.mark.parametrize(("left", "may"), [(9_500, 7_600), (5, 4), (4, 3), (1, 0), (0, 0), (-9, 0)])
def test_a_fifth_of_what_is_left_stays_for_fresh_signups(left: int, may: int) -> None:
    assert for_jobs(left) == may


@pytest.mark.parametrize(
    ("count", "today", "takes"),
    [
        (1_000, 7_600, timedelta(seconds=500)),
        (1_000, 1_000, timedelta(seconds=500)),
        (1_000, 400, timedelta(hours=2, seconds=300)),  # 600 more from midnight on
        (1_000, 0, timedelta(hours=2, seconds=500)),
        (7_600, 0, timedelta(hours=2, seconds=3_800)),  # the whole of the next day's part
        (7_601, 0, timedelta(hours=26, seconds=0.5)),
        (0, 0, timedelta()),
    ],
)
def test_what_the_day_does_not_allow_comes_on_the_next_days(
    count: int, today: int, takes: timedelta
) -> None:
    assert time_to_send(count, PACE, today=today, now=TEN_IN_THE_EVENING) == takes


@pytest.mark.parametrize(
    ("count", "today", "begins_at", "sending"),
    [
        (12, 100, None, timedelta(seconds=6)),
        (12, 0, MIDNIGHT, timedelta(seconds=6)),
        (7_601, 0, MIDNIGHT, timedelta(days=1, seconds=0.5)),
        (1_000, 400, None, timedelta(hours=2, seconds=300)),  # it begins at once
        (0, 0, None, timedelta()),
    ],
)
def test_a_wait_for_midnight_is_no_time_of_sending(
    count: int, today: int, begins_at: datetime | None, sending: timedelta
) -> None:
    takes = plan_sending(count, PACE, today=today, now=TEN_IN_THE_EVENING)
    assert takes == TimeToSend(sending=sending, begins_at=begins_at)
    in_all = time_to_send(count, PACE, today=today, now=TEN_IN_THE_EVENING)
    assert takes.total(TEN_IN_THE_EVENING) == in_all


def test_the_next_day_begins_at_midnight_to_the_microsecond() -> None:
    now = datetime(2026, 3, 1, 22, 59, 59, 999_999, tzinfo=UTC)
    waits = timedelta(hours=1, microseconds=1)
    assert time_to_send(1, PACE, today=0, now=now) == waits + timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (Obstacle.HOLD, "its account is on hold"),
        (Obstacle.BEHIND, "an earlier job of its account comes first"),
        (
            Obstacle.QUOTA,
            "the rest of today's quota is for fresh sign-ups; it continues at 00:00 UTC",
        ),
        (Obstacle.UNDER_WAY, "for the sign-ups that are being sent now"),
    ],
)
def test_why_a_job_waits(obstacle: Obstacle, words: str) -> None:
    assert obstacle.in_words == words


def test_a_key_of_hardly_any_requests_never_divides_by_nothing() -> None:
    pace = JobPace.of(requests_per_second=4, deliveries_per_day=1)
    assert time_to_send(3, pace, today=0, now=TEN_IN_THE_EVENING) == timedelta(
        days=2, hours=2, seconds=0.5
    )


def test_a_job_is_the_sum_of_its_accounts_parts() -> None:
    one = part(total=300, waiting=100, under_way=50, delivered=140, dead=10)
    two = part("other", total=20, waiting=10, delivered=4, skipped=5, cancelled=1)
    (job,) = joined([one, two])
    assert job.accounts == ["acme", "other"]
    assert (job.total, job.waiting, job.done) == (320, 110, 160)
    assert (job.delivered, job.dead, job.skipped) == (144, 10, 5)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ([part()], JobState.RUNNING),
        ([part(obstacle=Obstacle.HOLD)], JobState.WAITING),
        ([part(obstacle=Obstacle.HOLD), part("other")], JobState.RUNNING),
        ([part(obstacle=Obstacle.UNDER_WAY)], JobState.RUNNING),
        (
            [part(obstacle=Obstacle.QUOTA), part("other", ended_at=TEN_IN_THE_EVENING)],
            JobState.WAITING,
        ),
        ([part(ended_at=TEN_IN_THE_EVENING), part("other")], JobState.RUNNING),
        ([part(ended_at=TEN_IN_THE_EVENING)], JobState.DONE),
        ([part(cancelled_at=TEN_IN_THE_EVENING), part("other")], JobState.CANCELLED),
    ],
)
def test_the_state_is_that_of_all_its_parts(parts: list[JobPart], state: JobState) -> None:
    (job,) = joined(parts)
    assert job.state == state


HELD: dict[str, Any] = {"obstacle": Obstacle.HOLD, "under_way": 12}


@pytest.mark.parametrize(
    ("parts", "on_hold", "held", "sending", "waits_for"),
    [
        pytest.param([part(under_way=12)], [], 0, 12, None, id="being sent"),
        pytest.param([part(**HELD)], ["acme"], 12, 0, Obstacle.HOLD, id="on hold"),
        pytest.param(
            [part(**HELD), part("other", under_way=3)], ["acme"], 12, 3, None, id="one of two"
        ),
        pytest.param(
            [part(under_way=100, waiting=9, obstacle=Obstacle.UNDER_WAY)],
            [],
            0,
            100,
            None,
            id="as many as may fail again are being sent",
        ),
        pytest.param(
            [part(waiting=9, obstacle=Obstacle.QUOTA)], [], 0, 0, Obstacle.QUOTA, id="quota"
        ),
        pytest.param(
            [part(action=JobAction.DISCARD, **HELD)], [], 0, 12, None, id="a hold stops no discard"
        ),
        pytest.param([part(ended_at=TEN_IN_THE_EVENING)], [], 0, 0, None, id="ended"),
    ],
)
def test_a_job_waits_or_sends_and_says_one_of_both(
    parts: list[JobPart],
    on_hold: list[str],
    held: int,
    sending: int,
    waits_for: Obstacle | None,
) -> None:
    (job,) = joined(parts)
    assert (job.on_hold, job.held, job.sending) == (on_hold, held, sending)
    assert job.waits_for == waits_for


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"waiting": 100}, timedelta(seconds=50)),
        ({"waiting": 100, "before": 100}, timedelta(seconds=100)),
        ({"waiting": 100, "obstacle": Obstacle.BEHIND, "before": 20}, timedelta(seconds=60)),
        ({"waiting": 100, "obstacle": Obstacle.QUOTA, "today": 0}, timedelta(hours=2, seconds=50)),
        ({"waiting": 100, "obstacle": Obstacle.HOLD}, None),
        ({"waiting": 100, "obstacle": Obstacle.UNDER_WAY}, None),
        ({"ended_at": TEN_IN_THE_EVENING}, None),
    ],
)
def test_how_long_it_still_takes_is_told_where_it_is_known(
    fields: dict[str, Any], left: timedelta | None
) -> None:
    (job,) = joined([part(**fields)])
    assert job.left(TEN_IN_THE_EVENING) == left
    ends = TEN_IN_THE_EVENING + left if left is not None else None
    assert job.ends_about(TEN_IN_THE_EVENING) == ends


QUOTA = Hold(reason=HoldReason.QUOTA, since=TEN_IN_THE_EVENING, until=MIDNIGHT)
OUTAGE = Hold(reason=HoldReason.OUTAGE, since=TEN_IN_THE_EVENING)


@pytest.mark.parametrize(
    ("parts", "holds", "at", "left"),
    [
        pytest.param([part(**HELD)], [QUOTA], MIDNIGHT, timedelta(seconds=6), id="a known end"),
        pytest.param(
            [part(waiting=8, before=10, **HELD)],
            [QUOTA],
            MIDNIGHT,
            timedelta(seconds=15),
            id="earlier jobs come first",
        ),
        pytest.param([part(**HELD)], [QUOTA, OUTAGE], None, None, id="one has no known end"),
        pytest.param([part(**HELD)], [], None, None, id="no hold is left"),
        pytest.param([part(**HELD), part("other", waiting=9)], [QUOTA], None, None, id="a part"),
        pytest.param([part(waiting=9)], [QUOTA], None, None, id="it does not wait"),
    ],
)
def test_when_a_job_goes_on_is_told_where_it_is_known(
    parts: list[JobPart], holds: list[Hold], at: datetime | None, left: timedelta | None
) -> None:
    job = Job(tuple(parts), {"acme": holds})
    assert (job.resumes_at, job.left_then(TEN_IN_THE_EVENING)) == (at, left)
    if job.left(TEN_IN_THE_EVENING) is None:
        ends = at + left if at and left is not None else None
        assert job.ends_about(TEN_IN_THE_EVENING) == ends


def test_a_job_to_lists_names_them_and_chose_nothing_by_them() -> None:
    (job,) = joined([part(chosen='{"form": "cakes", "lists": ["News"]}')])
    assert (job.lists, job.chosen_in_words) == (["News"], "form cakes")


def test_the_latest_job_comes_first() -> None:
    later = part(id="b", started_at=TEN_IN_THE_EVENING + timedelta(seconds=1))
    assert [job.id for job in joined([part(), later])] == ["b", "a"]
