"""Replays in the ledger: dead letters that wait to be sent again as one job.

A job has a part in each account that it concerns, under the same id. Each sign-up of it is either
a dead letter that waits in the job, or due like any other.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any

import redis

from shared.domain.replay import LEFT_OF_DAY, Obstacle, ReplayPace
from shared.infrastructure.stored_records import Kind, read_one
from shared.ledger.reading import pairs
from shared.ledger.script_library import Scripts, batches
from shared.ledger.time_units import from_milliseconds, moment

# So many dead letters take one step of the server a few milliseconds.
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPart:
    """One account's part of a replay.

    `total` = `waiting` + `under_way` + `delivered` + `dead` + `skipped` + `cancelled`. `dead` are
    dead letters again; `skipped` were changed by somebody before their turn came. `before` is how
    many wait in earlier replays of the account. `pace` is its share of the API key's pace, `today`
    how many requests of the day it may still use.
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
    pace: ReplayPace
    today: int


class Replays:
    """Every method raises `LedgerUnavailable` when Redis does not answer, and may be repeated."""

    def __init__(self, client: "redis.Redis", pace: ReplayPace) -> None:
        self._scripts = Scripts(client)
        self.pace = pace

    def add(self, account: str, replay: str, ids: Sequence[str], *, by: str, chosen: str) -> int:
        """Have these dead letters wait in the replay; return how many now do.

        Leaves out those that wait in another replay, or are no dead letters any more.
        """
        added = 0
        for batch in batches(ids, BATCH):
            added += self._scripts.run_for(
                account, "replays/add", job=replay, by=by, chosen=chosen, ids=list(batch)
            )
        return added

    def feed(self, account: str) -> int:
        """Make the account's next ones due, if pace, quota and holds allow; return how many."""
        return int(
            self._scripts.run_for(
                account, "replays/feed", per_second=self.pace.per_second, **self._bounds()
            )
        )

    def cancel(self, account: str, replay: str, *, by: str) -> int | None:
        """Leave dead those that wait in the replay; return how many. None: there is no such
        replay."""
        kept = int(self._scripts.run_for(account, "replays/cancel", job=replay, by=by))
        return None if kept < 0 else kept

    def parts(self, *accounts: str) -> list[ReplayPart]:
        """Return the accounts' parts of all replays, the latest of each account first."""
        answers = self._scripts.run_for_each(accounts, "replays/list", **self._bounds())
        return [
            part
            for account, answer in zip(accounts, answers, strict=True)
            for part in self._parts(account, *answer)
        ]

    def _parts(
        self, account: str, sharing: int, today: int, found: list[Any]
    ) -> Iterator[ReplayPart]:
        pace = ReplayPace(per_second=self.pace.per_second / sharing, per_day=self.pace.per_day)
        waiting = [each[2] for each in reversed(found)]
        before = list(accumulate(waiting, initial=0))[:-1][::-1]
        for each, ahead in zip(found, before, strict=True):
            read = partial(_read, account, each, before=ahead, pace=pace, today=today)
            if part := read_one(Kind.REPLAY, str(each[0]), read):
                yield part

    def _bounds(self) -> dict[str, float]:
        return {
            "deliveries_per_day": self.pace.per_day,
            "kept_share": LEFT_OF_DAY,
            "most_under_way": self.pace.most_under_way,
        }


def _read(
    account: str, stored: list[Any], *, before: int, pace: ReplayPace, today: int
) -> ReplayPart:
    id, flat, waiting, obstacle = stored
    job = dict(pairs(flat))
    json.loads(job["chosen"])  # raises for what nobody can show
    ended = {name: int(job[name]) for name in ("delivered", "dead")}
    return ReplayPart(
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
        **ended,
    )
