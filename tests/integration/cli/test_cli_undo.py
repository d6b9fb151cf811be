"""`relay failed discard --note`, `undo`, `jobs` and `cancel` of a job: what they say and return."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest
import redis

from shared.domain.job import LARGE, JobAction, JobPace
from shared.infrastructure.timestamps import utc_now
from shared.ledger.jobs import JobLedger, NewJob
from shared.ledger.ledger import Ledger
from shared.operations.job_steps import JobSteps
from tests.support.builders import accept, bury
from tests.support.command_line import CommandLine
from tests.support.job_steps import job_steps


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def steps(redis_client: "redis.Redis") -> JobSteps:
    return job_steps(redis_client, JobPace(per_second=1000, per_day=1000))


def a_job(steps: JobSteps) -> str:
    """Begin a job that discards all dead letters, as the console does; return its id."""
    event = '{"event": "discarded", "by": "ada", "note": "tests", "counted": false}'
    job = NewJob(
        id="a-job",
        action=JobAction.DISCARD,
        by="ada",
        chosen='{"all": true}',
        filter="{}",
        index="dead",
        event=event,
    )
    assert steps.job_ledger.begin(["acme"], job) != [0]
    return job.id


@pytest.mark.parametrize("group", ["failed", "quarantine"])
def test_many_are_discarded_by_a_job_and_undone_as_one(
    connected: CommandLine, ledger: Ledger, steps: JobSteps, group: str
) -> None:
    make = bury if group == "failed" else partial(accept, quarantine="honeypot")
    for number in range(LARGE):
        make(ledger, f"{number}@example.com")
    before = connected(group, "list", "--json").json
    done = connected(group, "discard", "--all", "--yes", "--note", "our tests", "--json").json
    assert sorted(done["discarded"]) == sorted(each["id"] for each in before)
    assert connected(group, "list", "--json").json == []
    shown = connected("failed", "show", done["discarded"][0], "--json").json
    assert (shown["state"], shown["history"][-1]["note"]) == ("discarded", "our tests")
    (job,) = connected("failed", "jobs", "--json").json
    assert (job["id"], job["total"], job["note"]) == (done["job"], LARGE, "our tests")
    (entry,) = [e for e in connected("audit", "--json").json if e["action"] == "discard"]
    assert (entry["target"], entry["detail"]["count"]) == (job["id"], LARGE)

    undoing = connected("failed", "undo", "--job", done["job"], "--json").json["job"]
    steps.go_on("acme", undoing, enough=lambda: False)
    assert connected(group, "list", "--json").json == before


def test_one_that_somebody_settles_meanwhile_is_not_said_to_be_discarded(
    connected: CommandLine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [bury(ledger, f"{number}@example.com") for number in range(LARGE)]
    add = JobLedger.add

    def retried_first(jobs: JobLedger, *args: Any, **options: Any) -> int:
        ledger.requeue("acme", ids[3])
        return add(jobs, *args, **options)

    monkeypatch.setattr(JobLedger, "add", retried_first)
    done = connected("failed", "discard", "--all", "--yes", "--json").json
    assert sorted(done["discarded"]) == sorted({*ids} - {ids[3]})


def test_what_was_discarded_is_again_as_it_was(connected: CommandLine, ledger: Ledger) -> None:
    dead, caught = bury(ledger), accept(ledger, quarantine="honeypot").id
    before = connected("failed", "list", "--json").json
    connected("failed", "discard", dead, caught, "--note", "our own test", "--yes")
    shown = connected("failed", "show", dead, "--json").json
    assert (shown["state"], shown["history"][-1]["note"]) == ("discarded", "our own test")

    undone = connected("failed", "undo", dead, caught, "--json").json

    assert undone == {"restored": [dead, caught], "job": None, "count": 2}
    assert connected("failed", "list", "--json").json == before
    assert [each["id"] for each in connected("quarantine", "list", "--json").json] == [caught]
    shown = connected("failed", "show", dead, "--json").json
    assert shown["history"][-1]["event"] == "discard undone"
    assert datetime.fromisoformat(shown["history"][-1]["at"]) <= utc_now()


def test_only_what_is_discarded_can_be_undone(connected: CommandLine, ledger: Ledger) -> None:
    id = bury(ledger)
    refused = connected("failed", "undo", id)
    assert (refused.status, "is failed, not discarded" in refused.err) == (1, True)
    assert connected("failed", "undo").status == 2
    assert connected("failed", "undo", id, "--job", "a-job").status == 2
    assert connected("failed", "undo", "--job", "a-job").status == 1


def test_a_job_is_listed_and_undone(
    connected: CommandLine, ledger: Ledger, steps: JobSteps
) -> None:
    assert "No jobs." in connected("failed", "jobs").out
    for number in range(3):
        bury(ledger, f"{number}@example.com")
    id = a_job(steps)
    steps.go_on("acme", id, enough=lambda: False)
    (listed,) = connected("failed", "jobs", "--json").json
    expected = {"id": id, "action": "discard", "note": "tests", "state": "done", "total": 3}
    assert {name: listed[name] for name in expected} == expected
    assert "3 of 3 done, 3 discarded" in connected("failed", "jobs").out
    assert connected("failed", "replays", "--json").json == []

    undone = connected("failed", "undo", "--job", id, "--json").json

    assert (undone["count"], ledger.figures("acme").dead) == (3, 3)
    newest, _ = connected("failed", "jobs", "--json").json
    assert (newest["id"], newest["action"], newest["state"]) == (undone["job"], "undo", "done")
    assert "3 as before" in connected("failed", "jobs").out


def test_a_job_is_stopped(connected: CommandLine, ledger: Ledger, steps: JobSteps) -> None:
    bury(ledger)
    id = a_job(steps)
    assert "Stopped: 1 of 1 done, 1 cancelled." in connected("failed", "cancel", id).out
    stopped = connected("failed", "cancel", id, "--json").json
    assert (stopped["state"], stopped["cancelled"]) == ("cancelled", 1)
    assert ledger.figures("acme").dead == 1
