"""How often sign-ups usually come for an account, and when one was last delivered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import redis

from shared.infrastructure.stored_records import RecordKind, read_one
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import duration, from_milliseconds, moment


@dataclass(frozen=True, slots=True)
class SignupBaseline:
    """When the account's last sign-up came, as of the last look, and the `longest` time that
    usually passes without one. After `unusual` without one something may be wrong; None while too
    little is known."""

    last_at: datetime
    longest: timedelta
    unusual: timedelta | None


class SignupBaselines:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def baselines(self, accounts: Iterable[str]) -> Iterator[SignupBaseline]:
        """Note for each account whether sign-ups have come since the last look, and yield its
        baseline.

        Those in quarantine do not count: robots come when no one else can.
        """
        for last_at, longest, unusual in self._scripts.run_for_each(
            accounts, "accounts/signup_baseline"
        ):
            yield SignupBaseline(
                last_at=from_milliseconds(last_at),
                longest=duration(int(longest)),
                unusual=duration(int(unusual)) if unusual else None,
            )

    def last_deliveries(self, accounts: Iterable[str]) -> list[datetime | None]:
        """Return when each account's last sign-up was delivered; None when none ever was.

        If that was before format 4, it is when a call with the account's token last succeeded.
        """
        names = list(accounts)
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in names:
                prefix = keys.account(account)
                reads.get(f"{prefix}delivered-at")
                reads.hget(f"{prefix}totals", "delivered")
                reads.get(f"{prefix}succeeded-at")
            found = reads.execute()
        lasts = [
            delivered_at or (succeeded_at if ever else None)
            for delivered_at, ever, succeeded_at in zip(*[iter(found)] * 3, strict=True)
        ]
        return [
            read_one(RecordKind.SUCCESS, account, partial(moment, last))
            for account, last in zip(names, lasts, strict=True)
        ]
