"""A job that discards 20,000 dead letters, and one that undoes it, while workers are killed."""

import time
from collections.abc import Callable
from functools import partial
from itertools import islice

import pytest

from shared.domain.job import JobAction, JobPace, JobState
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.job_progress import Job
from shared.operations.jobs import JobChoice, Jobs
from tests.support.builders import bury
from tests.support.job_steps import job_steps
from tests.support.many_dead_letters import copy_dead_letter
from tests.support.stack import Stack, eventually

MANY = 20_000
PACE = JobPace(per_second=100, per_day=9_500)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    stack = make_stack(rate=50)
    stack.open()
    with stack.valkey.client() as client:
        id = bury(Ledger(client), message="The list does not exist")
        copy_dead_letter(client, id, MANY - 1)
    return stack


@pytest.fixture
def jobs(stack: Stack) -> Jobs:
    client = stack.valkey.client()
    steps = job_steps(client, PACE)
    return Jobs(Registry(client), steps, AuditTrail(client), clock=time.monotonic)


def is_done(stack: Stack, jobs: Jobs, id: str, seen: dict[str, int]) -> bool:
    """Whether the job has ended. At every moment each sign-up is in one state, and no change is
    lost again."""
    job, account = jobs.one(id), stack.account()
    ended = sum(account[name] for name in ("delivered", "dead", "discarded", "quarantined"))
    assert account["accepted"] == account["due"] + ended == MANY
    assert job.changed + job.unseen == job.total == MANY
    assert job.changed >= seen.get(id, 0)
    seen[id] = job.changed
    return job.state == JobState.DONE


def see_it_through(stack: Stack, jobs: Jobs, job: Job | None) -> str:
    """Kill two workers in the middle of the job, and have a third one end it. Return its id."""
    assert job is not None and job.unseen > 0
    id, seen = job.id, {job.id: job.changed}
    for worker in stack.start_workers(2):
        eventually(partial(_goes_on, jobs, id, seen[id]), what="progress")
        stack.kill(worker)
        assert not is_done(stack, jobs, id, seen)
    (last,) = stack.start_workers()
    eventually(partial(is_done, stack, jobs, id, seen), within=120, what="the end")
    last.terminate()
    last.wait(timeout=60)
    return id


def _goes_on(jobs: Jobs, id: str, changed: int) -> bool:
    return jobs.one(id).changed > changed


@pytest.mark.slow
def test_no_kill_loses_a_change_or_makes_it_twice(stack: Stack, jobs: Jobs) -> None:
    discarding = jobs.start(JobAction.DISCARD, JobChoice(), note="chaos")
    id = see_it_through(stack, jobs, discarding)
    assert stack.account()["discarded"] == MANY

    see_it_through(stack, jobs, jobs.undo(id))
    assert stack.account()["dead"] == MANY
    with stack.valkey.client() as client:
        ledger = Ledger(client)
        events = [
            [event.get("event") for event in ledger.history(signup)]
            for signup in islice(ledger.dead_letters("acme"), 500)
        ]
    assert events == [[None, "discarded", "discard undone"]] * 500
