"""The filters of jobs: what is stored of them is what they ask for."""

from datetime import UTC, datetime

from shared.domain.job_filter import JobFilter

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_stored_filter_is_the_same_with_all_that_it_asks_for() -> None:
    every = JobFilter(
        form="news", since=NOON, until=NOON, settled_since=NOON, words="list", reason="honeypot"
    )
    for chosen in (every, JobFilter()):
        assert JobFilter.from_json(chosen.to_json()) == chosen
