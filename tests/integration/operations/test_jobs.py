"""Jobs on the real server: which sign-ups they change, who goes on with them, what undoes them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis

from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.field_change import FieldChange
from shared.domain.form import ListRef
from shared.domain.job import JobAction, JobPace, JobState
from shared.domain.job_filter import JobFilter
from shared.domain.signup import Contact, DeathReason, Signup, State
from shared.ledger import keys
from shared.ledger.busy_accounts import BusyAccounts
from shared.ledger.jobs import EDITS_NEEDED, JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.job_progress import Job
from shared.operations.job_steps import JobSteps
from shared.operations.jobs import JobChoice, Jobs
from tests.support import builders
from tests.support.builders import accept, attempt, bury_claim, claimed, suspicion
from tests.support.job_steps import job_feeder, job_steps
from tests.support.stack import eventually
from worker.delivery.poller import DueWork
from worker.upkeep.job_runner import JobRunner

FAST = JobPace(per_second=1_000_000, per_day=1_000_000)
ALL = JobChoice()
_ACCEPTED = {"form", "lists", "contact", "unsubscribed"}


@pytest.fixture
def ledger(redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """With two accounts, of whose jobs a step is ten sign-ups."""
    monkeypatch.setattr("shared.ledger.limits.MOST_STEPPED", 10)
    for name in ("acme", "other"):
        Registry(redis_client).save_account(builders.account(name))
    return Ledger(redis_client)


@pytest.fixture
def steps(ledger: Ledger, redis_client: "redis.Redis") -> JobSteps:
    return job_steps(redis_client, FAST)


@pytest.fixture
def trail(redis_client: "redis.Redis") -> AuditTrail:
    return AuditTrail(redis_client)


@pytest.fixture
def jobs(steps: JobSteps, trail: AuditTrail, redis_client: "redis.Redis") -> Jobs:
    """Jobs of which nothing is done at once."""
    hours = iter(range(0, 10**9, 3600))
    return Jobs(Registry(redis_client), steps, trail, clock=lambda: float(next(hours)))


@pytest.fixture
def workers(steps: JobSteps, redis_client: "redis.Redis") -> Callable[[], None]:
    """Let a worker's poller find what there is to do, and its runner do that."""
    runner = JobRunner(steps, threading.Event())
    feeder = job_feeder(steps)
    due = DueWork(Registry(redis_client), BusyAccounts(redis_client), feeder, runner.note)

    def look() -> None:
        due.accounts()
        runner.look()

    return look


def dead_letters(ledger: Ledger, count: int, account: str = "acme", **of: Any) -> list[str]:
    """Return the ids of new dead letters, the oldest first. `of` is how they died, and what they
    were as they came."""
    what = {name: of.pop(name) for name in _ACCEPTED & of.keys()}
    ids = [accept(ledger, f"{n}@example.com", account=account, **what).id for n in range(count)]
    for _ in ids:
        bury_claim(ledger, claimed(ledger, account=account), **of)
    return ids


def found(ledger: Ledger, id: str) -> Signup:
    signup = ledger.find(id, ["acme", "other"])
    assert signup is not None
    return signup


def states(ledger: Ledger, ids: list[str]) -> set[str]:
    return {found(ledger, id).state for id in ids}


def started(job: Job | None) -> Job:
    assert job is not None
    return job


def assert_accounted_for(ledger: Ledger, account: str = "acme") -> None:
    it = ledger.figures(account)
    assert it.accepted == it.due + it.delivered + it.dead + it.discarded + it.quarantined


def discard(jobs: Jobs, choice: JobChoice = ALL, note: str = "") -> Job:
    return started(jobs.start(JobAction.DISCARD, choice, note=note))


# --- discarding many


def test_a_job_discards_what_was_dead_when_it_began(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    ids = dead_letters(ledger, 25) + dead_letters(ledger, 5, "other")
    job = discard(jobs)
    (later,) = dead_letters(ledger, 1)
    assert (job.state, job.total, job.changed, job.left(job.started_at) is None) == (
        JobState.RUNNING,
        30,
        0,
        False,
    )
    assert job.accounts == ["acme", "other"]

    workers()

    ended = jobs.one(job.id)
    assert (ended.state, ended.total, ended.changed, ended.unseen) == (JobState.DONE, 30, 30, 0)
    assert states(ledger, ids) == {State.DISCARDED}
    assert found(ledger, later).state == State.DEAD
    assert_accounted_for(ledger)


def test_a_small_job_has_ended_when_its_start_is_answered(
    ledger: Ledger, steps: JobSteps, trail: AuditTrail, redis_client: "redis.Redis"
) -> None:
    dead_letters(ledger, 25)
    jobs = Jobs(Registry(redis_client), steps, trail, clock=lambda: 0.0)
    job = discard(jobs)
    assert (job.state, job.changed) == (JobState.DONE, 25)
    assert jobs.start(JobAction.DISCARD, ALL) is None


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        (JobChoice(account="other"), 5),
        (JobChoice(reason=DeathReason.GAVE_UP), 3),
        (JobChoice(filter=JobFilter(form="club")), 4),
        (JobChoice(filter=JobFilter(words="NO SUCH")), 2),
        (JobChoice(filter=JobFilter(words="lists.not_found")), 2),
        (JobChoice(filter=JobFilter(form="club", words="no such")), 0),
    ],
)
def test_it_changes_those_that_match_and_no_others(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None], choice: JobChoice, count: int
) -> None:
    dead_letters(ledger, 12)
    dead_letters(ledger, 5, "other")
    dead_letters(ledger, 4, form="club")
    dead_letters(ledger, 3, reason=DeathReason.GAVE_UP)
    dead_letters(ledger, 2, message="no such list", error_key="lists.not_found")
    job = discard(jobs, choice)
    workers()
    assert (jobs.one(job.id).changed, jobs.one(job.id).state) == (count, JobState.DONE)
    assert ledger.figures("acme").discarded + ledger.figures("other").discarded == count


def test_a_filter_of_time_is_about_when_it_was_received(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    ids = dead_letters(ledger, 3)
    received = [found(ledger, id).received_at for id in ids]
    job = discard(jobs, JobChoice(filter=JobFilter(since=received[1], until=received[2])))
    workers()
    assert jobs.one(job.id).changed == 1
    assert found(ledger, ids[1]).state == State.DISCARDED


def test_those_that_died_before_are_not_looked_at(ledger: Ledger, jobs: Jobs) -> None:
    died = [found(ledger, id).settled_at or builders.NOON for id in dead_letters(ledger, 9)]
    count = sum(each >= died[8] for each in died)
    assert jobs.count(JobChoice(died_since=died[8])) == {"acme": count}
    assert discard(jobs, JobChoice(died_since=died[8])).total == count < 9


def test_quarantined_ones_are_discarded_as_well(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    caught = [accept(ledger, quarantine="honeypot").id for _ in range(12)]
    job = discard(jobs, JobChoice(state=State.QUARANTINED))
    workers()
    assert states(ledger, caught) == {State.DISCARDED}
    started(jobs.undo(job.id))
    workers()
    assert states(ledger, caught) == {State.QUARANTINED}
    assert ledger.figures("acme").quarantined == 12
    assert_accounted_for(ledger)


def test_what_somebody_has_retried_meanwhile_is_left_alone(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    ids = dead_letters(ledger, 3)
    job = discard(jobs)
    ledger.requeue("acme", ids[0])
    ledger.requeue("acme", ids[1])
    while (claim := claimed(ledger)).id != ids[1]:
        ledger.deliver(claim, attempt(), contact_id="c", action="created")
    bury_claim(ledger, claim)  # it is dead again, for a new reason
    workers()
    assert jobs.one(job.id).changed == 1
    assert [found(ledger, id).state for id in ids[1:]] == [State.DEAD, State.DISCARDED]


def test_what_died_again_after_a_step_was_read_is_left_alone(
    ledger: Ledger, jobs: Jobs, steps: JobSteps
) -> None:
    """Its new reason may be another one than the operator chose."""
    (id,) = dead_letters(ledger, 1)
    job = discard(jobs)
    step = steps.job_ledger.next_step("acme", job.id)
    assert step
    ledger.requeue("acme", id)
    bury_claim(ledger, claimed(ledger))
    assert steps.job_ledger.do_step("acme", job.id, step, step.ids) == 0
    assert found(ledger, id).state == State.DEAD


def test_a_step_that_two_workers_have_read_is_done_once(
    ledger: Ledger, jobs: Jobs, steps: JobSteps
) -> None:
    dead_letters(ledger, 25)
    job = discard(jobs)
    step = steps.job_ledger.next_step("acme", job.id)
    assert step
    assert steps.job_ledger.do_step("acme", job.id, step, step.ids) == len(step.ids)
    following = steps.job_ledger.next_step("acme", job.id)
    assert following
    ledger.undo_discard("acme", step.ids[0])  # an operator wants this one back
    assert steps.job_ledger.do_step("acme", job.id, step, step.ids) is None
    assert found(ledger, step.ids[0]).state == State.DEAD
    assert steps.job_ledger.next_step("acme", job.id) == following


def test_a_stopped_job_leaves_the_rest(ledger: Ledger, jobs: Jobs, steps: JobSteps) -> None:
    dead_letters(ledger, 25)
    job = discard(jobs)
    step = steps.job_ledger.next_step("acme", job.id)
    assert step
    steps.job_ledger.do_step("acme", job.id, step, step.ids)

    left = 25 - len(step.ids)  # ten, or some more of the same millisecond
    assert jobs.cancel(job.id) == jobs.cancel(job.id) == left

    late = steps.job_ledger.do_step("acme", job.id, step, step.ids)  # its answer got lost
    stopped = jobs.one(job.id)
    assert late is None and steps.job_ledger.next_step("acme", job.id) is None
    assert (stopped.state, stopped.changed, stopped.cancelled) == (
        JobState.CANCELLED,
        25 - left,
        left,
    )
    assert stopped.ended_at is not None
    assert ledger.figures("acme").dead == left
    with pytest.raises(Refused, match="There is no job"):
        jobs.cancel("no such")


def test_several_workers_do_each_step_once(ledger: Ledger, jobs: Jobs, steps: JobSteps) -> None:
    ids = dead_letters(ledger, 120)
    job = discard(jobs)
    together = threading.Barrier(3)

    def work() -> None:
        together.wait(timeout=30)
        JobRunner(steps, threading.Event())
        assert steps.go_on("acme", job.id, enough=lambda: False)

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(work) for _ in range(3)]:
            done.result()
    assert jobs.one(job.id).changed == 120
    assert states(ledger, ids) == {State.DISCARDED}
    assert all(len(ledger.history(found(ledger, id))) == 2 for id in ids)
    assert_accounted_for(ledger)


def test_a_worker_that_died_is_followed_by_the_next(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    dead_letters(ledger, 25)
    job = discard(jobs)
    step = steps.job_ledger.next_step("acme", job.id)  # the one that read it is gone
    assert step
    workers()
    assert jobs.one(job.id).state == JobState.DONE
    assert steps.job_ledger.do_step("acme", job.id, step, step.ids) is None
    assert ledger.figures("acme").discarded == 25


def test_the_history_and_the_trail_say_who_discarded_it_and_why(
    ledger: Ledger, jobs: Jobs, trail: AuditTrail, workers: Callable[[], None]
) -> None:
    (id,) = dead_letters(ledger, 1)
    job = discard(jobs, note="a test by ada@example.com")
    workers()
    newest = ledger.history(found(ledger, id))[-1]
    said = {name: newest[name] for name in ("event", "by", "via", "note", "counted")}
    assert said == {
        "event": "discarded",
        "by": "signup-relay",
        "via": "cli",
        "note": "a test by [address]",
        "counted": False,
    }
    assert jobs.one(job.id).note == "a test by [address]"
    entry = next(trail.entries(1))
    assert (entry.action, entry.account, entry.target) == (Action.DISCARD, "acme", job.id)
    assert entry.detail == {"count": 1, "note": "a test by [address]"}


# --- undoing


def test_what_a_job_discarded_is_again_as_it_was(
    ledger: Ledger, jobs: Jobs, trail: AuditTrail, workers: Callable[[], None]
) -> None:
    ids = dead_letters(ledger, 25, message="no such list", error_key="lists.not_found")
    before = [found(ledger, id) for id in ids]
    job = discard(jobs)
    workers()
    (other,) = dead_letters(ledger, 1)
    ledger.discard("acme", other)

    undoing = started(jobs.undo(job.id))
    workers()

    assert [found(ledger, id) for id in ids] == before
    assert found(ledger, other).state == State.DISCARDED
    ended = jobs.one(undoing.id)
    assert (ended.state, ended.changed, ended.undone) == (JobState.DONE, 25, job.id)
    assert jobs.undo(job.id) is None or started(jobs.undo(job.id)).changed == 0
    assert_accounted_for(ledger)
    entries = [each for each in trail.entries() if each.target == undoing.id]
    assert [(each.action, each.detail["undone"]) for each in entries] == [
        (Action.UNDO_DISCARD, job.id)
    ]
    assert ledger.history(found(ledger, ids[0]))[-1]["event"] == "discard undone"


def test_what_was_discarded_again_by_hand_stays_discarded(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    first, _second = dead_letters(ledger, 2)
    job = discard(jobs)
    workers()
    ledger.undo_discard("acme", first)
    ledger.discard("acme", first)
    started(jobs.undo(job.id))
    workers()
    assert found(ledger, first).state == State.DISCARDED
    assert ledger.figures("acme").dead == 1


def test_only_an_ended_job_that_discards_can_be_undone(ledger: Ledger, jobs: Jobs) -> None:
    dead_letters(ledger, 11)
    job = discard(jobs)
    with pytest.raises(Refused, match="Stop it first"):
        jobs.undo(job.id)
    jobs.cancel(job.id)
    assert jobs.undo(job.id) is None
    job = started(jobs.start(JobAction.RETRY, ALL))
    with pytest.raises(Refused, match="nothing to undo"):
        jobs.undo(job.id)


def test_a_dead_letter_comes_back_with_its_reason_into_all_its_lists(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    (id,) = dead_letters(ledger, 1, reason=DeathReason.GAVE_UP, message="HTTP 503")
    before, names = found(ledger, id), ("dead", "dead:gave_up")
    when = [redis_client.zscore(f"{keys.account('acme')}{name}", id) for name in names]
    assert not ledger.undo_discard("acme", id)
    assert ledger.discard("acme", id)
    assert ledger.undo_discard("acme", id)
    assert not ledger.undo_discard("acme", id)  # its answer got lost
    assert found(ledger, id) == before
    assert [redis_client.zscore(f"{keys.account('acme')}{name}", id) for name in names] == when
    assert ledger.requeue("acme", id)
    assert_accounted_for(ledger)


# --- jobs of a filter


def test_a_job_collects_first_and_then_sends_the_oldest_first(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    ids = dead_letters(ledger, 25)
    job = started(jobs.start(JobAction.RETRY, JobChoice(account="acme")))
    assert (job.state, job.total, job.waiting, job.done) == (JobState.RUNNING, 25, 25, 0)
    assert steps.job_ledger.feed("acme") == 0

    workers()
    collected = jobs.one(job.id)
    assert (collected.total, collected.unseen, collected.waiting) == (25, 0, 25)
    assert steps.job_ledger.feed("acme") == 25
    for id in ids:
        claim = claimed(ledger)
        assert claim.id == id
        ledger.deliver(claim, attempt(), contact_id="c", action="created")
    ended = jobs.one(job.id)
    assert (ended.state, ended.delivered, ended.done) == (JobState.DONE, 25, 25)


def test_what_waits_in_another_job_stays_there(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    dead_letters(ledger, 12)
    first = started(jobs.start(JobAction.RETRY, ALL))
    second = started(jobs.start(JobAction.RETRY, ALL))
    workers()
    assert [jobs.one(job.id).total for job in (first, second)] == [12, 0]
    assert jobs.one(second.id).state == JobState.DONE


def test_a_job_is_cancelled_while_it_collects(ledger: Ledger, jobs: Jobs, steps: JobSteps) -> None:
    dead_letters(ledger, 25)
    job = started(jobs.start(JobAction.RETRY, ALL))
    step = steps.job_ledger.next_step("acme", job.id)
    assert step
    steps.job_ledger.do_step("acme", job.id, step, step.ids)
    assert jobs.cancel(job.id) == 25
    stopped = jobs.one(job.id)
    assert (stopped.state, stopped.total, stopped.cancelled) == (JobState.CANCELLED, 25, 25)
    assert (steps.job_ledger.feed("acme"), ledger.figures("acme").dead) == (0, 25)


def test_a_job_of_nothing_that_matches_has_ended(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None]
) -> None:
    dead_letters(ledger, 12)
    job = started(jobs.start(JobAction.RETRY, JobChoice(filter=JobFilter(form="club"))))
    workers()
    assert (jobs.one(job.id).state, jobs.one(job.id).total) == (JobState.DONE, 0)


def test_a_stored_filter_is_the_one_that_was_stored() -> None:
    whole = JobFilter(form="news", words="no such", since=builders.NOON, until=builders.NOON)
    assert JobFilter.from_json(whole.to_json()) == whole
    assert JobFilter.from_json(JobFilter().to_json()).is_empty
    assert not replace(whole, form=None).is_empty


# --- delivering what is in quarantine anyway


def caught(ledger: Ledger, count: int, **of: Any) -> list[str]:
    """Return the ids of new quarantined sign-ups, the oldest first."""
    of = {"quarantine": "honeypot", **of}
    return [accept(ledger, f"{number}@example.com", **of).id for number in range(count)]


def delivering(jobs: Jobs, **filter: Any) -> Job:
    choice = JobChoice(state=State.QUARANTINED, filter=JobFilter(**filter))
    return started(jobs.start(JobAction.DELIVER, choice))


def deliver_next(ledger: Ledger) -> str:
    claim = claimed(ledger)
    ledger.deliver(claim, attempt(), contact_id="c", action="created")
    return claim.id


def test_what_is_delivered_by_a_job_waits_in_quarantine_for_its_turn(
    ledger: Ledger,
    jobs: Jobs,
    steps: JobSteps,
    trail: AuditTrail,
    workers: Callable[[], None],
    redis_client: "redis.Redis",
) -> None:
    ids = caught(ledger, 25)
    job = delivering(jobs)
    # A job is about all that came until its millisecond has ended.
    began = redis_time(redis_client)
    eventually(lambda: redis_time(redis_client) > began + timedelta(milliseconds=1))
    (later,) = caught(ledger, 1)
    assert steps.job_ledger.feed("acme") == 0  # it has collected nothing yet
    workers()
    assert states(ledger, ids) == {State.QUARANTINED}
    assert ledger.outlook(found(ledger, ids[0])).job == job.id
    assert (jobs.one(job.id).total, jobs.one(job.id).waiting) == (25, 25)

    assert steps.job_ledger.feed("acme") == 25

    assert_accounted_for(ledger)
    assert (ledger.figures("acme").due, ledger.figures("acme").quarantined) == (25, 1)
    assert [deliver_next(ledger) for _ in ids] == ids
    ended = jobs.one(job.id)
    assert (ended.state, ended.delivered, ended.done) == (JobState.DONE, 25, 25)
    assert found(ledger, later).state == State.QUARANTINED
    event = ledger.history(found(ledger, ids[0]))[0]
    assert (event["event"], event["by"]) == ("delivered from quarantine", job.by)
    entry = next(trail.entries(1))
    assert (entry.action, entry.target, entry.detail) == (Action.DELIVER, job.id, {"count": 25})


@pytest.mark.parametrize(
    ("filter", "count"),
    [({"reason": "too_fast"}, 7), ({"reason": "honeypot"}, 5), ({"form": "club"}, 4)],
    ids=["the second of its reasons", "the first of its reasons", "a form"],
)
def test_a_job_delivers_by_any_of_the_reasons(
    ledger: Ledger, jobs: Jobs, workers: Callable[[], None], filter: dict[str, str], count: int
) -> None:
    caught(ledger, 3, quarantine=suspicion("links_in_name", "too_fast"))
    caught(ledger, 4, quarantine="too_fast", form="club")
    caught(ledger, 5)
    job = delivering(jobs, **filter)
    workers()
    assert jobs.one(job.id).total == count


def test_what_cannot_be_sent_as_it_is_stays_and_is_counted(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    sound = caught(ledger, 12)
    wrong = [
        *caught(ledger, 1, contact=Contact(fields={"email_address": "no address"})),
        *caught(ledger, 2, lists=()),
    ]
    job = delivering(jobs)
    workers()
    steps.job_ledger.feed("acme")
    collected = jobs.one(job.id)
    assert (collected.total, collected.under_way, collected.refused) == (12, 12, 3)
    assert states(ledger, sound) == {State.QUEUED}
    assert states(ledger, wrong) == {State.QUARANTINED}


def test_what_somebody_decided_before_its_turn_is_left_out(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    discarded, sent, edited, waiting = caught(ledger, 4)
    job = delivering(jobs)
    workers()
    ledger.discard("acme", discarded)
    ledger.deliver_anyway(found(ledger, sent))
    as_it_was = found(ledger, edited)
    ledger.edit(as_it_was, as_it_was.contact, person="person-2@example.com", change="{}")
    assert steps.job_ledger.feed("acme") == 1
    assert [found(ledger, id).state for id in (discarded, sent, edited, waiting)] == [
        State.DISCARDED,
        State.QUEUED,
        State.QUARANTINED,
        State.QUEUED,
    ]
    assert {deliver_next(ledger), deliver_next(ledger)} == {sent, waiting}
    ended = jobs.one(job.id)
    assert (ended.state, ended.delivered, ended.skipped) == (JobState.DONE, 1, 3)
    assert_accounted_for(ledger)


def test_a_stopped_job_leaves_in_quarantine_what_waits(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    ids = caught(ledger, 12)
    job = delivering(jobs)
    step = steps.job_ledger.next_step("acme", job.id)
    assert step
    steps.job_ledger.do_step("acme", job.id, step, step.ids)
    assert jobs.cancel(job.id) == jobs.cancel(job.id)
    assert steps.job_ledger.feed("acme") == 0
    assert states(ledger, ids) == {State.QUARANTINED}
    assert jobs.one(job.id).state == JobState.CANCELLED
    delivering(jobs)  # they can be chosen again
    workers()
    assert steps.job_ledger.feed("acme") == 12
    assert_accounted_for(ledger)


def test_two_jobs_deliver_a_signup_once(
    ledger: Ledger, jobs: Jobs, steps: JobSteps, workers: Callable[[], None]
) -> None:
    ids = caught(ledger, 12)
    first, second = delivering(jobs), delivering(jobs)
    workers()
    assert [jobs.one(job.id).total for job in (first, second)] == [12, 0]
    assert steps.job_ledger.feed("acme") == 12
    assert steps.job_ledger.feed("acme") == 0
    assert [len(ledger.history(found(ledger, id))) for id in ids] == [1] * 12


# --- sending to the lists that forms have now

OLD, NEW = "0190163d-0000-4000-8000-00000000001d", "0190163d-0000-4000-8000-0000000000ee"


@dataclass(frozen=True)
class Rig:
    """Two accounts, and what sends their dead letters to the lists of forms."""

    ledger: Ledger
    jobs: Jobs
    steps: JobSteps
    workers: Callable[[], None]
    trail: AuditTrail
    client: "redis.Redis"

    def form_with(self, *lists: str, name: str = "news", **of: Any) -> None:
        """Store the form with lists of these ids."""
        refs = tuple(ListRef(id, f"List {id}") for id in lists)
        Registry(self.client).save_form(builders.form(name, lists=refs, **of))

    def begin(self) -> Job:
        return started(self.jobs.start(JobAction.RETRY_FORM_LISTS, ALL))

    def collected(self) -> Job:
        """Return a job that has collected its dead letters, and has sent none."""
        job = self.begin()
        self.workers()
        return job

    def feed(self) -> int:
        return self.steps.job_ledger.feed("acme")


@pytest.fixture
def rig(
    ledger: Ledger,
    jobs: Jobs,
    steps: JobSteps,
    workers: Callable[[], None],
    trail: AuditTrail,
    redis_client: "redis.Redis",
) -> Rig:
    return Rig(ledger, jobs, steps, workers, trail, redis_client)


def lists_of(ledger: Ledger, ids: list[str]) -> set[tuple[str, ...]]:
    return {found(ledger, id).lists for id in ids}


def events(ledger: Ledger, id: str) -> list[str]:
    return [each["event"] for each in ledger.history(found(ledger, id)) if "event" in each]


def test_each_goes_to_the_lists_of_its_form_when_its_turn_comes(rig: Rig) -> None:
    ids = dead_letters(rig.ledger, 25, lists=(OLD, "another"))
    club = dead_letters(rig.ledger, 3, form="club", lists=(OLD,))
    rig.form_with(NEW)
    rig.form_with("of the club", NEW, name="club")
    job = rig.collected()
    assert lists_of(rig.ledger, ids) == {(OLD, "another")}  # as it was, until its turn comes
    assert_accounted_for(rig.ledger)

    assert rig.feed() == 28

    assert (lists_of(rig.ledger, ids), lists_of(rig.ledger, club)) == (
        {(NEW,)},
        {("of the club", NEW)},
    )
    assert_accounted_for(rig.ledger)
    _, edited, retried = rig.ledger.history(found(rig.ledger, ids[0]))
    said = {"by": "signup-relay", "via": "cli", "counted": False, "fields": ["lists"]}
    said |= {"event": "edited", "before": {"lists": f"{OLD}, another"}}
    assert {name: edited[name] for name in said} == said
    assert (retried["event"], retried["by"]) == ("retried", job.by)
    assert found(rig.ledger, ids[0]).edits == 1
    assert sorted(deliver_next(rig.ledger) for _ in [*ids, *club]) == sorted([*ids, *club])
    assert (rig.jobs.one(job.id).state, rig.jobs.one(job.id).delivered) == (JobState.DONE, 28)
    entries = [each for each in rig.trail.entries() if each.target == job.id]
    assert [(each.action, each.detail) for each in entries] == [
        (Action.REPLAY, {"count": 28, "form_lists": True})
    ]


def test_nothing_but_the_lists_is_changed_in_what_is_sent(rig: Rig) -> None:
    typed = Contact(
        fields={"email_address": "0@example.com", "first_name": 'Zoë "lists":["x"] ]/\\'},
        other={"lists": '{"lists":[]}', "empty": ""},
    )
    (id,) = dead_letters(rig.ledger, 1, lists=(OLD,), contact=typed, unsubscribed="ask")
    before = found(rig.ledger, id)
    rig.form_with(NEW)
    rig.collected()
    rig.feed()
    after = found(rig.ledger, id)
    same = ("contact", "consent", "unsubscribed", "received_at", "form", "person")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert (after.state, after.lists) == (State.QUEUED, (NEW,))


def test_those_whose_form_is_gone_or_has_no_list_stay_and_are_counted(rig: Rig) -> None:
    sent = dead_letters(rig.ledger, 12, lists=(OLD,))
    gone = dead_letters(rig.ledger, 2, form="gone", lists=(OLD,))
    empty = dead_letters(rig.ledger, 3, form="empty", lists=(OLD,))
    moved = dead_letters(rig.ledger, 4, form="moved", lists=(OLD,))
    rig.form_with(NEW)
    rig.form_with(name="empty")
    rig.form_with(NEW, name="moved", account="other")
    job = rig.collected()
    assert rig.feed() == 12
    collected = rig.jobs.one(job.id)
    assert (collected.total, collected.under_way, collected.refused) == (12, 12, 9)
    stay = [*gone, *empty, *moved]
    assert (states(rig.ledger, sent), states(rig.ledger, stay)) == ({State.QUEUED}, {State.DEAD})
    assert {len(rig.ledger.history(found(rig.ledger, id))) for id in stay} == {1}
    for _ in sent:
        deliver_next(rig.ledger)
    assert rig.jobs.one(job.id).state == JobState.DONE
    assert rig.client.keys("*:lists") == []
    assert_accounted_for(rig.ledger)


def test_chosen_ones_go_by_a_job_however_few(rig: Rig) -> None:
    chosen = dead_letters(rig.ledger, 3, lists=(OLD,))
    gone = dead_letters(rig.ledger, 2, form="gone", lists=(OLD,))
    rig.form_with(NEW)
    signups = [found(rig.ledger, id) for id in [*chosen[:2], *gone]]
    job = started(rig.jobs.start_with(JobAction.RETRY_FORM_LISTS, signups, '{"ids": 4}'))
    assert (job.total, job.refused) == (2, 2)
    assert rig.feed() == 2
    assert lists_of(rig.ledger, chosen) == {(NEW,), (OLD,)}
    left = [found(rig.ledger, id) for id in gone]
    assert rig.jobs.start_with(JobAction.RETRY_FORM_LISTS, left, "{}") is None


def test_it_goes_where_the_form_led_when_the_job_began(rig: Rig) -> None:
    """The operator has read the names of these lists, and of no others."""
    ids = dead_letters(rig.ledger, 3, lists=(OLD,))
    rig.form_with(NEW)
    rig.begin()
    rig.form_with("a third")
    rig.workers()
    rig.feed()
    assert lists_of(rig.ledger, ids) == {(NEW,)}


def test_what_is_for_these_lists_already_is_retried_without_an_edit(rig: Rig) -> None:
    (id,) = dead_letters(rig.ledger, 1, lists=(OLD, NEW))
    rig.form_with(OLD, NEW)
    rig.collected()
    assert rig.feed() == 1
    assert (events(rig.ledger, id), found(rig.ledger, id).edits) == (["retried"], 0)


def test_what_somebody_changes_before_its_turn_keeps_what_they_made_of_it(rig: Rig) -> None:
    edited, discarded, retried, waiting = dead_letters(rig.ledger, 4, lists=(OLD,))
    rig.form_with(NEW)
    job = rig.collected()
    as_it_was = found(rig.ledger, edited)
    assert rig.ledger.edit(as_it_was, as_it_was.contact, person=as_it_was.person, change="{}")
    assert rig.ledger.discard("acme", discarded)
    assert rig.ledger.requeue("acme", retried)
    assert rig.feed() == 1
    assert lists_of(rig.ledger, [edited, discarded, retried]) == {(OLD,)}
    assert found(rig.ledger, waiting).lists == (NEW,)
    assert states(rig.ledger, [edited]) == {State.DEAD}
    assert (rig.jobs.one(job.id).skipped, rig.jobs.one(job.id).under_way) == (3, 1)
    assert_accounted_for(rig.ledger)


def test_who_edits_or_discards_at_the_same_moment_is_first_or_refused(rig: Rig) -> None:
    """Each sign-up is sent once, by the job with its lists or as somebody else made it."""
    ids = dead_letters(rig.ledger, 60, lists=(OLD,))
    read = [found(rig.ledger, id) for id in ids]
    rig.form_with(NEW)
    job = rig.collected()
    slow = JobLedger(rig.client, JobPace(per_second=20, per_day=1_000_000))
    together = threading.Barrier(3)

    def feed() -> int:
        together.wait(timeout=30)
        return sum(slow.feed("acme") for _ in range(200))

    def edit() -> list[str]:
        together.wait(timeout=30)
        edit = partial(rig.ledger.edit, change='{"event": "edited", "at": 1}')
        return [s.id for s in read[::2] if edit(s, s.contact, person=s.person)]

    def discard() -> list[str]:
        together.wait(timeout=30)
        return [id for id in reversed(ids[1::2]) if rig.ledger.discard("acme", id)]

    with ThreadPoolExecutor(3) as threads:
        fed, edits, discards = threads.submit(feed), threads.submit(edit), threads.submit(discard)
        sent, changed, gone = fed.result(), set(edits.result()), set(discards.result())
    sent += rig.feed()  # what was left

    assert sent + len(changed) + len(gone) == 60
    by_job = [id for id in ids if id not in changed | gone]
    assert lists_of(rig.ledger, by_job) == ({(NEW,)} if by_job else set())
    assert lists_of(rig.ledger, sorted(changed | gone)) <= {(OLD,)}
    assert {tuple(events(rig.ledger, id)) for id in by_job} <= {("edited", "retried")}
    assert {tuple(events(rig.ledger, id)) for id in changed} <= {("edited",)}
    assert {tuple(events(rig.ledger, id)) for id in gone} <= {("discarded",)}
    now = rig.jobs.one(job.id)
    assert (now.under_way, now.skipped, now.waiting) == (sent, 60 - sent, 0)
    assert_accounted_for(rig.ledger)


def test_a_stopped_job_changes_no_lists_of_what_waits(rig: Rig) -> None:
    ids = dead_letters(rig.ledger, 25, lists=(OLD,))
    rig.form_with(NEW)
    job = rig.collected()
    assert rig.jobs.cancel(job.id) == 25
    assert rig.feed() == 0
    assert lists_of(rig.ledger, ids) == {(OLD,)}
    assert next(rig.trail.entries(1)).action == Action.CANCEL_REPLAY
    assert rig.jobs.one(job.id).state == JobState.CANCELLED
    rig.collected()  # they can be chosen again
    assert rig.feed() == 25
    assert lists_of(rig.ledger, ids) == {(NEW,)}


def test_a_record_of_another_version_is_left_out_and_stops_no_other(rig: Rig) -> None:
    other, id = dead_letters(rig.ledger, 2, lists=(OLD,))
    rig.form_with(NEW)
    key = f"{keys.account('acme')}signup:{other}"
    record = str(rig.client.get(key))
    rig.client.set(key, record.replace('{"lists":', '{"new":1,"lists":'))
    job = rig.collected()
    assert rig.feed() == 1
    assert found(rig.ledger, id).lists == (NEW,)
    assert (found(rig.ledger, other).state, found(rig.ledger, other).lists) == (State.DEAD, (OLD,))
    assert rig.jobs.one(job.id).skipped == 1


# --- sending with fields left out, or set to one value


def people_with(ledger: Ledger, *fields: dict[str, str]) -> list[str]:
    """Return the ids of new dead letters with these fields."""
    contacts = [
        Contact(fields={"email_address": f"{n}@example.com"} | each)
        for n, each in enumerate(fields)
    ]
    return [dead_letters(ledger, 1, contact=contact)[0] for contact in contacts]


def edited(rig: Rig, change: FieldChange, choice: JobChoice = ALL) -> Job:
    """Return a job with this change that has collected its dead letters, and has sent none."""
    job = started(rig.jobs.start(JobAction.RETRY_EDITED, choice, change=change))
    assert rig.steps.go_on("acme", job.id, enough=lambda: False)
    return rig.jobs.one(job.id)


def test_fields_are_left_out_of_each_when_its_turn_comes(rig: Rig) -> None:
    born = {"birthday_month": "13", "birthday_day": "4", "first_name": "Ada"}
    ids = people_with(rig.ledger, *[born] * 12)
    plain, broken = people_with(rig.ledger, {}, born | {"country": "x" * 99})
    before = found(rig.ledger, ids[0])
    job = edited(rig, FieldChange.chosen(["birthday"], []))
    assert (job.total, job.refused) == (12, 2)
    assert found(rig.ledger, ids[0]).contact == before.contact  # until its turn comes

    assert rig.steps.job_ledger.feed("acme") == EDITS_NEEDED
    assert job_feeder(rig.steps).feed("acme") == 12

    assert states(rig.ledger, [plain, broken]) == {State.DEAD}
    assert found(rig.ledger, broken).contact.fields["birthday_month"] == "13"
    after = found(rig.ledger, ids[0])
    assert after.contact.fields == {"email_address": "0@example.com", "first_name": "Ada"}
    assert (after.state, after.edits) == (State.QUEUED, 1)
    same = ("consent", "lists", "unsubscribed", "received_at", "person")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    _, event, retried = rig.ledger.history(after)
    said = {"event": "edited", "fields": ["birthday_day", "birthday_month"], "counted": False}
    said |= {"before": {"birthday_month": "13", "birthday_day": "4"}}
    said |= {"by": "signup-relay", "via": "cli"}
    assert {name: event[name] for name in said} == said
    assert retried["event"] == "retried"
    assert sorted(deliver_next(rig.ledger) for _ in ids) == sorted(ids)
    ended = rig.jobs.one(job.id)
    assert (ended.state, ended.delivered, ended.change) == (JobState.DONE, 12, job.change)
    (entry,) = [each for each in rig.trail.entries() if each.target == job.id]
    assert entry.detail == {"count": 14, "without": ["birthday_day", "birthday_month"]}
    assert_accounted_for(rig.ledger)


def test_a_stopped_edit_leaves_what_waits_as_it_was(rig: Rig) -> None:
    ids = people_with(rig.ledger, {"city": "Paris"}, {"city": "Rome"})
    job = edited(rig, FieldChange.chosen([], [("city", "London")]))
    wanted = rig.steps.job_ledger.next_edits("acme")
    assert wanted and wanted.ids == ids
    rig.jobs.cancel(job.id)
    assert job_feeder(rig.steps).feed("acme") == 0
    assert [found(rig.ledger, id).contact.fields["city"] for id in ids] == ["Paris", "Rome"]
    assert states(rig.ledger, ids) == {State.DEAD}


def test_what_somebody_edits_meanwhile_is_passed_over_by_an_edit(rig: Rig) -> None:
    first, second = people_with(rig.ledger, {"city": "Paris"}, {"city": "Rome"})
    job = edited(rig, FieldChange.chosen([], [("city", "London")]))
    feeder = job_feeder(rig.steps)
    wanted = rig.steps.job_ledger.next_edits("acme")
    assert wanted
    late = list(feeder.made("acme", wanted))
    signup = found(rig.ledger, first)
    other = replace(signup.contact, fields=signup.contact.fields | {"city": "Oslo"})
    rig.ledger.edit(signup, other, person=signup.person, change="{}")
    assert rig.steps.job_ledger.feed("acme", wanted.job, late) == 1
    assert rig.steps.job_ledger.feed("acme", wanted.job, late) == 0
    assert found(rig.ledger, first).contact.fields["city"] == "Oslo"
    assert found(rig.ledger, second).contact.fields["city"] == "London"
    assert (rig.jobs.one(job.id).under_way, rig.jobs.one(job.id).skipped) == (1, 1)
    assert_accounted_for(rig.ledger)


def test_a_few_that_are_chosen_are_edited_by_a_job(rig: Rig) -> None:
    ids = people_with(rig.ledger, {"city": "Paris"}, {"city": "London"})
    change = FieldChange.chosen([], [("city", "London")])
    signups = [found(rig.ledger, id) for id in ids]
    job = started(rig.jobs.start_with(JobAction.RETRY_EDITED, signups, "{}", change=change))
    assert (job.total, job.refused) == (1, 1)
    assert job_feeder(rig.steps).feed("acme") == 1
    assert states(rig.ledger, ids[1:]) == {State.DEAD}


def test_a_job_whose_edit_nobody_can_read_is_left_out(rig: Rig) -> None:
    people_with(rig.ledger, {"city": "Paris"})
    job = edited(rig, FieldChange.chosen(["city"], []))
    other = discard(rig.jobs)
    rig.client.hset(f"{keys.account('acme')}replay:{job.id}", "change", "{no")
    assert [each.id for each in rig.jobs.all()] == [other.id]
