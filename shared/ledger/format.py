"""The ledger's format: the shape of its records, and how older records get the newest shape.

`relay:format` has the number of the ledger's format. A process that knows only older formats
refuses to start. A process that knows a newer format writes that number before anything else.
From then on, the ledger refuses every step of the older version's processes (`version_guard`). The
workers upgrade the records, some at a time, while everything runs. Until that is done, the ledger
has records of several formats, so a version must understand the older ones, too.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import redis

from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.format import check_known
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import (
    NEWER_FORMAT,
    newer_format,
    redis_errors_translated,
)
from shared.ledger.upgrades import add_to_lists, count_for_forms, pack_records

log = logging.getLogger(__name__)

# Upgrades some records. It takes a cursor, which is "" at the beginning. It returns the next
# cursor, or None after the last record.
Step = Callable[["redis.Redis", str], str | None]

# The steps from format 1 to 2, from 2 to 3, and so on. A step may run again from any cursor that
# it returned, in several processes at once, and while sign-ups come and go. So it changes each
# record in one script, and leaves a record that has the new shape as it is.
STEPS: tuple[Step, ...] = (count_for_forms, pack_records, add_to_lists)
NEWEST = 1 + len(STEPS)

# An older ledger without a number has at least one of these.
_EVER_THERE = (keys.ACCOUNTS, keys.FORMS, keys.OPERATORS, keys.FINGERPRINT_KEY)


def open_ledger(
    client: "redis.Redis", steps: tuple[Step, ...] = STEPS, *, may_upgrade: bool = True
) -> None:
    """Make sure that this version knows the ledger's format. Call this before anything else.

    An empty ledger gets this version's format. So does an older ledger, and the workers upgrade
    its records from then on. A command must not start that, as it would stop the older version's
    processes: without `may_upgrade`, an older ledger is refused.

    Raises `Refused`, for a newer ledger too, and `LedgerUnavailable`.
    """
    newest = 1 + len(steps)

    def mark(pipeline: Any) -> None:
        found = _number(pipeline, newest)
        check_known("The ledger", found, newest)
        if found < newest and not may_upgrade:
            raise Refused(_too_old(found, newest))
        is_new = found == newest and not pipeline.hexists(keys.FORMAT, "number")
        seconds, _ = pipeline.time()
        pipeline.multi()
        if is_new:  # so no minute before this one has figures to roll up
            pipeline.hsetnx(keys.ROLL_UP, "rolled_to", int(seconds) // 60)
        pipeline.hsetnx(keys.FORMAT, "upgraded", found)
        pipeline.hset(keys.FORMAT, "number", newest)

    with redis_errors_translated():
        if client.hget(keys.FORMAT, "number") != str(newest):
            client.transaction(mark, keys.FORMAT)


def open_if_there(client: "redis.Redis") -> None:
    """Open the ledger, unless Redis is away. Workers and web try again when it is back."""
    with contextlib.suppress(LedgerUnavailable):
        open_ledger(client)


def _number(client: Any, newest: int) -> int:
    stored = client.hget(keys.FORMAT, "number")
    if stored:
        return int(stored)
    return 1 if client.exists(*_EVER_THERE) else newest


def _too_old(found: int, newest: int) -> str:
    return (
        f"The ledger still has format {found}, and this version of signup-relay has format"
        f" {newest}. Stop the older version's processes and start this version's; they upgrade it."
        " Then run this command again. Nothing was changed."
    )


def upgrade_some(client: "redis.Redis", steps: tuple[Step, ...] = STEPS) -> bool:
    """Upgrade some records and note the progress. Return False if nothing is left to do.

    The ledger must have been opened. Safe to repeat, and in several processes at once.
    """

    def note(pipeline: Any) -> None:
        unchanged = _progress(pipeline) == before
        pipeline.multi()
        if unchanged and following is None:
            pipeline.hincrby(keys.FORMAT, "upgraded", 1)
            pipeline.hdel(keys.FORMAT, "cursor")
        elif unchanged:
            pipeline.hset(keys.FORMAT, "cursor", following)

    with redis_errors_translated():
        before = upgraded, cursor = _progress(client)
        if upgraded > len(steps):
            return False
        following = steps[upgraded - 1](client, cursor)
        client.transaction(note, keys.FORMAT)
    if following is None:
        log.info("all records upgraded", extra={"format": upgraded + 1})
    return True


def all_upgraded(client: "redis.Redis", steps: tuple[Step, ...] = STEPS) -> bool:
    """Return whether no record has an older format any more."""
    with redis_errors_translated():
        upgraded = client.hget(keys.FORMAT, "upgraded")
    return int(upgraded or 0) > len(steps)


def _progress(client: Any) -> tuple[int, str]:
    """Return the format that all records have at least, and the cursor of the step from there."""
    upgraded, cursor = client.hmget(keys.FORMAT, "upgraded", "cursor")
    return int(upgraded), cursor or ""


# --- while a process runs


def version_guard(newest: int = NEWEST) -> str:
    """Return the first lines of every script. They refuse a ledger that has become newer."""
    return f"""\
do
  local number = redis.call("HGET", "{keys.FORMAT}", "number")
  if tonumber(number or 0) > {newest} then
    return redis.error_reply("{NEWER_FORMAT} " .. number)
  end
end
"""


def check_still_known(number: str | None, newest: int = NEWEST) -> None:
    """Raise `LedgerUnavailable` if the ledger's `number` has become newer meanwhile."""
    if int(number or 0) > newest:
        raise newer_format(str(number))
