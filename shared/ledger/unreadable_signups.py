"""Sign-ups whose records nobody can read: which there are, and that no others wait behind them.

As soon as one would be claimed, it becomes a dead letter (`scripts/lib/lines.lua`).
"""

from collections.abc import Iterator, Sequence

import redis

from shared.domain.signup import DeathReason
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts, batches

_KEYS_AT_ONCE = 500


class UnreadableSignups:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def find(self, ids: Sequence[str], accounts: Sequence[str]) -> list[tuple[str, str]]:
        """Return account and id of those that are dead letters."""
        wanted = [(account, id) for account in accounts for id in ids]
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account, id in wanted:
                reads.zscore(_dead_letters(account), id)
            scores = reads.execute()
        return [each for each, score in zip(wanted, scores, strict=True) if score is not None]

    def latest(self, account: str, most: int) -> list[str]:
        """Return the ids of the account's latest ones."""
        with redis_errors_translated():
            found = self._client.zrange(_dead_letters(account), 0, most - 1, desc=True)
        return list(map(str, found))

    def accounts(self, among: Sequence[str]) -> Iterator[str]:
        """Yield those of the accounts in which sign-ups may wait behind such a one."""
        for some in batches(among):
            with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
                for account in some:
                    reads.exists(_not_looked_for(account))
                found = reads.execute()
            yield from (account for account, exists in zip(some, found, strict=True) if exists)

    def mend_lines(self, account: str) -> int:
        """Have people's later sign-ups be sent who had one that nobody can read; return how many
        of these there were. It goes through all keys of the account's people."""
        with redis_errors_translated():
            ids = list(map(str, self._client.zrange(_not_looked_for(account), 0, -1)))
            if not ids:
                return 0
            lines = self._client.scan_iter(f"{keys.account(account)}person:*", count=1000)
            for some in batches(lines, _KEYS_AT_ONCE):
                self._mend(account, list(map(str, some)), ids)
            self._client.zrem(_not_looked_for(account), *ids)
        return len(ids)

    def _mend(self, account: str, lines: Sequence[str], ids: Sequence[str]) -> None:
        with self._client.pipeline(transaction=False) as reads:
            wanted = [(line, id) for line in lines for id in ids]
            for line, id in wanted:
                reads.zscore(line, id)
            places = reads.execute()
        for (line, _), place in zip(wanted, places, strict=True):
            if place is not None and place > 0:
                person = line.removeprefix(f"{keys.account(account)}person:")
                self._scripts.run_for(account, "signups/mend_line", person=person)


def _dead_letters(account: str) -> str:
    return f"{keys.account(account)}dead:{DeathReason.UNREADABLE}"


def _not_looked_for(account: str) -> str:
    """Return the key of those whose people's lines are yet to be found."""
    return f"{keys.account(account)}unreadable"
