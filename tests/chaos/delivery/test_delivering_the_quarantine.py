"""A job that delivers what is in quarantine anyway, while the workers that do it are killed."""

from collections.abc import Callable
from functools import partial

import pytest

from shared.domain.job import JobAction
from shared.domain.signup import State
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.job_progress import Job
from shared.operations.jobs import JobChoice, Jobs
from tests.chaos.delivery.test_large_job import MANY, PACE, RATE
from tests.support.builders import accept
from tests.support.job_steps import job_steps
from tests.support.stack import Stack, eventually


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """With `MANY` quarantined sign-ups, and three that cannot be sent as they are."""
    stack = make_stack(rate=RATE)
    stack.open()
    with stack.valkey.client() as client:
        ledger, form = Ledger(client), Registry(client).form("news")
        assert form is not None
        lists = tuple(each.id for each in form.lists)
        for number in range(MANY):
            accept(ledger, f"caught-{number}@example.com", lists=lists, quarantine="honeypot")
        for number in range(3):
            accept(ledger, f"wrong-{number}@example.com", lists=(), quarantine="honeypot")
    return stack


@pytest.fixture
def jobs(stack: Stack) -> Jobs:
    """Jobs of which workers do everything."""
    client, hours = stack.valkey.client(), iter(range(0, 10**9, 3600))
    steps = job_steps(client, PACE)
    return Jobs(Registry(client), steps, AuditTrail(client), clock=lambda: float(next(hours)))


def look(stack: Stack, jobs: Jobs, id: str, seen: dict[str, int]) -> Job:
    """Return the job. At every moment each sign-up is in one state, and nothing done is lost."""
    job, account = jobs.one(id), stack.account()
    ended = sum(account[name] for name in ("delivered", "dead", "discarded", "quarantined"))
    assert account["accepted"] == account["due"] + ended == MANY + 3
    assert job.done >= seen.get("done", 0)
    seen["done"] = job.done
    return job


def goes_on(stack: Stack, jobs: Jobs, id: str, seen: dict[str, int]) -> bool:
    before = seen.get("done", 0)
    return look(stack, jobs, id, seen).done > before


def is_over(stack: Stack, jobs: Jobs, id: str, seen: dict[str, int]) -> bool:
    return look(stack, jobs, id, seen).ended_at is not None


@pytest.mark.slow
def test_no_kill_loses_one_or_counts_it_twice(stack: Stack, jobs: Jobs) -> None:
    job = jobs.start(JobAction.DELIVER, JobChoice(state=State.QUARANTINED))
    assert job is not None and job.unseen == MANY + 3
    seen: dict[str, int] = {}
    stack.start("beat")
    for worker in stack.start_workers(2):
        eventually(partial(goes_on, stack, jobs, job.id, seen), what="progress")
        stack.kill(worker)
    stack.start_workers()
    eventually(partial(is_over, stack, jobs, job.id, seen), within=240, what="the end")
    ended, account = jobs.one(job.id), stack.account()
    assert (ended.delivered, ended.refused, account["quarantined"]) == (MANY, 3, 3)
    assert len(stack.deliveries()) == MANY
    stack.assert_accounted_for()
