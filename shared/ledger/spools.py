"""Reports of what waits on the disks of web hosts, as each last sent it to Redis."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import redis

from shared.infrastructure.stored_records import RecordKind, json_object, read_all
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.time_units import from_milliseconds, in_milliseconds, to_milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFigures:
    """How many sign-ups one spool has, of how many bytes, and how long the `oldest` has waited.

    `refused` is how many of them the ledger has refused; they do not block the others.
    """

    count: int
    bytes: int
    oldest: timedelta | None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class SpoolReport:
    """A report of the spool `id` on `host`. `seen` is how long ago it was sent."""

    id: str
    host: str
    figures: SpoolFigures
    seen: timedelta


def damaged_name(folder: Path, now: datetime) -> Path:
    """Return the path to which a damaged spool in `folder` is moved."""
    return folder.with_name(f"{folder.name}.damaged-{now:%Y%m%dT%H%M%S.%f}")


def damaged_ones(folder: Path) -> Sequence[Path]:
    """Return the damaged spools that were moved from `folder`, the oldest first."""
    return sorted(folder.parent.glob(f"{folder.name}.damaged-*"))


def not_empty(
    reported: Iterable[SpoolReport], here: Iterable[SpoolReport]
) -> tuple[SpoolReport, ...]:
    """Return every spool that is not empty: this host's as it is now, others as last reported."""
    reports = {report.id: report for report in (*reported, *here)}
    return tuple(report for report in reports.values() if report.figures.count)


class Spools:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def note(self, id: str, host: str, figures: SpoolFigures) -> None:
        """Note how much is in the spool `id`; an empty one is forgotten."""
        with redis_errors_translated():
            if figures.count:
                stored = to_stored(host, figures, redis_time(self._client))
                self._client.hset(keys.SPOOLS, id, stored)
            else:
                self._client.hdel(keys.SPOOLS, id)

    def all(self) -> list[SpoolReport]:
        """Return every spool that was not empty when its host last reported."""
        with redis_errors_translated():
            now = redis_time(self._client)
            stored = self._client.hgetall(keys.SPOOLS)
        reports = dict(sorted((str(id), str(each)) for id, each in stored.items()))
        read = read_all(RecordKind.SPOOL, reports, lambda each: from_stored("", each, now))
        return [replace(report, id=id) for id, report in read.items()]


def to_stored(host: str, figures: SpoolFigures, at: datetime) -> str:
    """Return a report as Redis keeps it; `at` is by Redis' clock."""
    return json.dumps(
        {
            "host": host,
            "count": figures.count,
            "bytes": figures.bytes,
            "oldest": None if figures.oldest is None else in_milliseconds(figures.oldest),
            "refused": figures.refused,
            "seen_at": to_milliseconds(at),
        }
    )


def from_stored(id: str, stored: str, now: datetime) -> SpoolReport:
    """Return the report that `to_stored` wrote; the oldest has waited for longer by `now`."""
    found = json_object(stored)
    seen = max(timedelta(), now - from_milliseconds(found["seen_at"]))
    waited = found["oldest"]
    figures = SpoolFigures(
        count=found["count"],
        bytes=found["bytes"],
        oldest=None if waited is None else timedelta(milliseconds=waited) + seen,
        refused=found["refused"],
    )
    return SpoolReport(id, found["host"], figures, seen)
