"""The busy accounts: those with something due, now or later, and those whose jobs go on.

Workers look at these alone, so that it does not matter how many accounts are idle. Each step that
gives an account something to do notes it in its own script. Only a look takes out an account, in
one script with the check that it is idle. So none is missing while the ledger keeps what it has.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import redis

from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts


@dataclass(frozen=True, slots=True)
class AccountWork:
    """What there is to do for an account now: `due` for a lane, `feeding` for its jobs that send.
    `stepping` are the jobs that have an index to go through."""

    account: str
    due: bool
    feeding: bool
    stepping: tuple[str, ...] = ()


class BusyAccounts:
    """Every method raises `LedgerUnavailable` when Redis does not answer, and may be repeated."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def find_work(self) -> list[AccountWork]:
        """Return what there is to do now, of each account with anything."""
        with redis_errors_translated():
            prefixes = sorted(str(prefix) for prefix in self._client.smembers(keys.BUSY))
        accounts = [keys.account_of(prefix) for prefix in prefixes]
        answers = self._scripts.run_for_each(accounts, "accounts/find_work")
        return [
            AccountWork(account, bool(due), bool(feeding), tuple(map(str, stepping)))
            for account, (due, feeding, stepping) in zip(accounts, answers, strict=True)
            if due or feeding or stepping
        ]

    def find_again(self, accounts: Iterable[str]) -> int:
        """Note which of all `accounts` are busy; return how many. Needed for those that an older
        version made busy, and when `relay:busy` was lost."""
        return sum(self._scripts.run_for_all(accounts, "accounts/note_busy", noted=keys.BUSY))
