"""The accounts and forms that an operator has set up, as small JSON documents in Redis."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import redis

from shared.domain.account import Account
from shared.domain.form import Form
from shared.ledger import keys
from shared.ledger.format import check_still_known
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts


class Registry:
    """Reads and writes accounts and forms by name. Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def accounts(self) -> list[Account]:
        """Return all accounts, sorted by name."""
        stored = self._read(lambda reads: reads.hgetall(keys.ACCOUNTS))
        return [Account.from_dict(json.loads(stored[name])) for name in sorted(stored)]

    def account_names(self) -> list[str]:
        """Return the names of all accounts, sorted. Costs far less than `accounts`."""
        return sorted(self._read(lambda reads: reads.hkeys(keys.ACCOUNTS)))

    def accounts_named(self, names: Sequence[str]) -> list[Account]:
        """Return those of the accounts `names` that there are."""
        if not names:
            return []
        stored = self._read(lambda reads: reads.hmget(keys.ACCOUNTS, names))
        return [Account.from_dict(json.loads(each)) for each in stored if each]

    def account(self, name: str) -> Account | None:
        stored = self._read(lambda reads: reads.hget(keys.ACCOUNTS, name))
        return Account.from_dict(json.loads(stored)) if stored else None

    def owners_of_records(self) -> list[str]:
        """Return the names of all accounts, and of removed ones of which records are left."""

        def read(reads: Any) -> None:
            reads.hkeys(keys.ACCOUNTS)
            reads.smembers(keys.REMOVED_ACCOUNTS)

        present, removed = self._read_all(read)
        return sorted({*map(str, present), *map(str, removed)})

    def save_account(self, account: Account) -> None:
        """Store the account, and by which API key it is reached, in one step."""
        with redis_errors_translated(), self._client.pipeline(transaction=True) as step:
            step.hset(keys.ACCOUNTS, account.name, json.dumps(account.to_dict()))
            step.set(keys.account(account.name) + "key", keys.api_key(account.client_id))
            step.execute()

    def remove_account(self, name: str) -> bool:
        """Remove the account; False when something of it is due, dead or in quarantine."""
        removed = Scripts(self._client).run_for(
            name,
            "accounts/remove",
            accounts=keys.ACCOUNTS,
            removed=keys.REMOVED_ACCOUNTS,
            alerts=keys.DEAD_LETTER_ALERTS,
            name=name,
        )
        return bool(removed)

    def delete_records(self, name: str) -> None:
        """Delete all that is stored of a removed account. Safe to repeat.

        Its spent refresh tokens stay known, and the number of its last one: if an account of this
        name is connected again, none of them may be sent.
        """
        prefix = keys.account(name)
        kept = {f"{prefix}tokens", f"{prefix}token-spent"}
        with redis_errors_translated():
            for key in self._client.scan_iter(f"{prefix}*", count=1000):
                if key not in kept:
                    self._client.unlink(key)
            self._client.srem(keys.REMOVED_ACCOUNTS, name)

    def forms(self) -> list[Form]:
        """Return all forms, sorted by name."""
        stored = self._read(lambda reads: reads.hgetall(keys.FORMS))
        return [Form.from_dict(json.loads(stored[name])) for name in sorted(stored)]

    def form(self, name: str) -> Form | None:
        stored = self._read(lambda reads: reads.hget(keys.FORMS, name))
        return Form.from_dict(json.loads(stored)) if stored else None

    def save_form(self, form: Form) -> None:
        with redis_errors_translated():
            self._client.hset(keys.FORMS, form.name, json.dumps(form.to_dict()))

    def remove_form(self, name: str) -> bool:
        """Remove the form, and what was counted of its refusals; False when there was none."""
        with redis_errors_translated(), self._client.pipeline(transaction=True) as step:
            step.hdel(keys.FORMS, name)
            step.delete(*keys.of_form(name))
            removed, _ = step.execute()
        return bool(removed)

    def _read(self, read: Callable[[Any], object]) -> Any:
        """Return what `read` asks for, unless a newer version uses the ledger now."""
        (stored,) = self._read_all(read)
        return stored

    def _read_all(self, read: Callable[[Any], object]) -> list[Any]:
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            reads.hget(keys.FORMAT, "number")
            read(reads)
            number, *stored = reads.execute()
        check_still_known(number)
        return stored
