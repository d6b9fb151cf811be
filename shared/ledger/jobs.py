"""Jobs in the ledger: those that send many sign-ups, discard them, or undo that.

A job has a part in each account that it concerns, under the same id. Each sign-up of a job
that sends either waits in it as what it was, or is due like any other. A job of a filter goes
through an index of the account in steps, which any worker does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple, NotRequired, TypedDict

import redis

from shared.domain.job import LEFT_OF_DAY, JobAction, JobPace, Obstacle
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger import keys, limits
from shared.ledger.reading import pairs
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import from_milliseconds, moment, to_milliseconds

# The lists of forms, by the names of these.
ListIds = Mapping[str, Sequence[str]]


# What `JobLedger.feed` returns if the oldest job that sends has an edit, which Python makes.
EDITS_NEEDED = -1


class JobStep(NamedTuple):
    """A step of a job: the ids that are next in its index. `action` is what is done with those that
    match `filter` (JSON); `change` (JSON) is what an edit changes, or empty. `following` is where
    the step after this one begins."""

    action: str
    filter: str
    change: str
    cursor: str
    following: str
    ids: list[str]


class NextEdits(NamedTuple):
    """Which sign-ups come next in a job with an edit. `change` and `event`, which has who does
    it, are JSON."""

    job: str
    change: str
    event: str
    ids: list[str]


class MadeEdit(TypedDict):
    """A sign-up of `NextEdits`. Without `sent`, it stays as it is. With it, that is the line with
    what is sent from now on, and `event` is for its history."""

    id: str
    sent: NotRequired[str]
    event: NotRequired[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that goes through the sorted set `index` of an account, from the time `since` on.

    `chosen` and `filter` are JSON: what was chosen, for people, and what must match. `event` is for
    the history of each sign-up. `undone` is the job whose discarding it undoes. `lists` says by
    account to which lists a job to forms' lists sends. `change` (JSON) is what an edit changes.
    """

    id: str
    action: JobAction
    by: str
    chosen: str
    filter: str
    index: str
    since: datetime | None = None
    event: str = "{}"
    undone: str | None = None
    change: str | None = None
    lists: Mapping[str, ListIds] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPart:
    """One account's part of a job.

    `unseen` entries of its index are yet to be looked at. If it sends, `total` = `waiting` +
    `under_way` + `delivered` + `dead` + `skipped` + `cancelled`. `dead` are dead letters again;
    `skipped` were changed by somebody before their turn came. Of another job, what is in `total`
    and not `cancelled` is changed. `refused` matched, but could not be sent as they were: they are
    not in `total`. `before` is how many wait in earlier jobs of the account.
    `pace` is its share of the API key's pace, `today` how many requests of the day it may still
    use. `undone` is the job that it undoes, `change` what one with an edit changes (JSON).
    """

    account: str
    id: str
    by: str
    chosen: str
    started_at: datetime
    ended_at: datetime | None
    cancelled_at: datetime | None
    total: int
    waiting: int
    under_way: int
    delivered: int
    dead: int
    skipped: int
    cancelled: int
    obstacle: Obstacle | None
    before: int
    pace: JobPace
    today: int
    action: JobAction = JobAction.RETRY
    unseen: int = 0
    refused: int = 0
    note: str = ""
    undone: str | None = None
    change: str | None = None


class JobLedger:
    """Every method raises `LedgerUnavailable` when Redis does not answer, and may be repeated."""

    def __init__(self, client: "redis.Redis", pace: JobPace) -> None:
        self._client: Any = client
        self._scripts = Scripts(client)
        self.pace = pace

    def add(
        self,
        account: str,
        job: str,
        ids: Sequence[str],
        *,
        by: str,
        chosen: str,
        action: JobAction = JobAction.RETRY,
        event: str = "{}",
        change: str | None = None,
        lists: ListIds | None = None,
        refused: int = 0,
    ) -> int:
        """Have these sign-ups wait in the job, or have the job discard them; return how many
        were changed. `refused` others were chosen, and cannot be sent.

        Leaves out those that wait in another job, or were settled otherwise meanwhile.
        """
        added = 0
        for batch in batches(ids, limits.MOST_STEPPED):
            added += self._scripts.run_for(
                account,
                "jobs/add",
                job=job,
                action=action,
                by=by,
                chosen=chosen,
                event=event,
                ids=list(batch),
                edit=change,
                lists=lists,
                refused=refused,
            )
        return added

    def begin(self, accounts: Sequence[str], job: NewJob) -> list[int]:
        """Begin the job in each account; return how many sign-ups of each it will look at."""
        values = {
            "job": job.id,
            "action": job.action,
            "by": job.by,
            "chosen": job.chosen,
            "filter": job.filter,
            "index": job.index,
            "since": job.since,
            "event": job.event,
            "undone": job.undone,
            "edit": job.change,
        }
        each = ({**values, "account": name, "lists": job.lists.get(name)} for name in accounts)
        return list(map(int, self._scripts.run_with_each("jobs/begin", each)))

    def next_step(self, account: str, job: str) -> JobStep | None:
        """Return the job's next step; None when there is none left."""
        found = self._scripts.run_for(account, "jobs/read", job=job)
        return JobStep(*found) if found else None

    def do_step(
        self, account: str, job: str, step: JobStep, matching: Sequence[str], refused: int = 0
    ) -> int | None:
        """Do the step with those of its ids that match; return how many were changed. None: another
        worker did it, or somebody cancelled the job. `refused` others cannot be sent as they
        are."""
        changed = int(
            self._scripts.run_for(
                account,
                "jobs/step",
                job=job,
                cursor=step.cursor,
                following=step.following,
                ids=list(matching),
                refused=refused,
            )
        )
        return None if changed < 0 else changed

    def counts(self, accounts: Sequence[str], index: str, since: datetime | None) -> list[int]:
        """Return how many entries this index of each account has, from the time `since` on."""
        least = "-inf" if since is None else to_milliseconds(since)
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in accounts:
                reads.zcount(f"{keys.account(account)}{index}", least, "+inf")
            return [int(count) for count in reads.execute()]

    def feed(self, account: str, job: str | None = None, edits: Sequence[MadeEdit] = ()) -> int:
        """Make the account's next ones due, if pace, quota and holds allow; return how many.

        `edits` are those of the sign-ups that come next in `job`, a job with an edit. Returns
        `EDITS_NEEDED` if they are missing.
        """
        made = {"job": job, "signups": edits} if job and edits else None
        return int(
            self._scripts.run_for(
                account,
                "jobs/feed",
                per_second=self.pace.per_second,
                edits=made,
                **self._bounds(),
            )
        )

    def next_edits(self, account: str) -> NextEdits | None:
        """Return what the account's oldest job needs edits for; None if it needs none."""
        most = self.pace.most_under_way
        found = self._scripts.run_for(account, "jobs/next_edits", most=most)
        return NextEdits(*found) if found else None

    def cancel(self, account: str, job: str, *, by: str) -> int | None:
        """Leave as they are those that the job has not changed; return how many. None: there is no
        such job."""
        kept = int(self._scripts.run_for(account, "jobs/cancel", job=job, by=by))
        return None if kept < 0 else kept

    def parts(self, *accounts: str) -> list[JobPart]:
        """Return the accounts' parts of all jobs, the latest of each account first."""
        answers = self._scripts.run_for_each(accounts, "jobs/list", **self._bounds())
        return [
            part
            for account, answer in zip(accounts, answers, strict=True)
            for part in self._parts(account, *answer)
        ]

    def _parts(self, account: str, sharing: int, today: int, found: list[Any]) -> Iterator[JobPart]:
        pace = JobPace(per_second=self.pace.per_second / sharing, per_day=self.pace.per_day)
        waiting = [each[2] for each in reversed(found)]
        before = list(accumulate(waiting, initial=0))[:-1][::-1]
        for each, ahead in zip(found, before, strict=True):
            read = partial(_read, account, each, before=ahead, pace=pace, today=today)
            if part := read_one(RecordKind.JOB, str(each[0]), read):
                yield part

    def _bounds(self) -> dict[str, float]:
        return {
            "deliveries_per_day": self.pace.per_day,
            "kept_share": LEFT_OF_DAY,
            "most_under_way": self.pace.most_under_way,
        }


def _read(account: str, stored: list[Any], *, before: int, pace: JobPace, today: int) -> JobPart:
    id, flat, waiting, obstacle, unseen = stored
    job = dict(pairs(flat))
    for text in (job["chosen"], job.get("change", "{}")):
        json.loads(text)  # raises for what nobody can show
    ended = {name: int(job[name]) for name in ("delivered", "dead")}
    return JobPart(
        account=account,
        id=id,
        by=job["by"],
        chosen=job["chosen"],
        started_at=from_milliseconds(job["started_at"]),
        ended_at=moment(job.get("ended_at")),
        cancelled_at=moment(job.get("cancelled_at")),
        total=int(job["total"]),
        waiting=waiting,
        under_way=int(job["moved"]) - sum(ended.values()),
        skipped=int(job["skipped"]),
        cancelled=int(job["cancelled"]),
        obstacle=Obstacle(obstacle) if obstacle else None,
        before=before,
        pace=pace,
        today=today,
        action=JobAction(job.get("action", JobAction.RETRY)),
        unseen=unseen,
        refused=int(job.get("refused", 0)),
        note=str(json_object(job.get("event") or "{}").get("note", "")),
        undone=job.get("undone"),
        change=job.get("change"),
        **ended,
    )
