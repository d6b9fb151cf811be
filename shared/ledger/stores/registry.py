"""The accounts and forms that an operator has set up, as small JSON documents in Redis."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import redis

from shared.domain.account import Account, unknown_account
from shared.domain.form import Form
from shared.infrastructure.stored_records import (
    RecordKind,
    as_called,
    json_object,
    read_named,
    read_or_refuse,
)
from shared.ledger import keys
from shared.ledger.format import check_still_known
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.stores.retention import SETTLED, clear_some

T = TypeVar("T")

# Tokens that were used, and the evidence of consent.
_KEPT_OF_REMOVED_ACCOUNTS = (
    "tokens|token-spent|cleared|signup:.*|person:.*|typed:.*|consent-texts|addresses-replaced"
)


_once: ContextVar[dict[str, list[str]] | None] = ContextVar("names that were read", default=None)


@contextlib.contextmanager
def reading_names_once() -> Iterator[None]:
    """Have the names of accounts and forms be read once in here, by this thread. This is for what
    changes none of them, such as showing a page: all parts of it tell of the same ones."""
    before = _once.set({})
    try:
        yield
    finally:
        _once.reset(before)


class Registry:
    """Reads and writes accounts and forms by name. Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def accounts(self) -> list[Account]:
        """Return all accounts, sorted by name."""
        return self._all(RecordKind.ACCOUNT, keys.ACCOUNTS, Account.from_dict)

    def account_names(self) -> list[str]:
        """Return the names of all accounts, sorted. Costs far less than `accounts`."""
        return self._names(keys.ACCOUNTS)

    def accounts_named(self, names: Sequence[str]) -> list[Account]:
        """Return those of the accounts `names` that there are."""
        return self._named(RecordKind.ACCOUNT, keys.ACCOUNTS, names, Account.from_dict)

    def account(self, name: str) -> Account | None:
        """Return the account; raises `UnreadableRecord` if its record cannot be read."""
        return self._one(RecordKind.ACCOUNT, keys.ACCOUNTS, name, Account.from_dict)

    def known_account(self, name: str) -> Account:
        """Return the account as `account` does; raises `Refused` if there is none."""
        account = self.account(name)
        if account is None:
            raise unknown_account(name, self.account_names())
        return account

    def check_known(self, name: str) -> None:
        """Raise `Refused` if there is no such account. Its record may be unreadable."""
        names = self.account_names()
        if name not in names:
            raise unknown_account(name, names)

    def owners_of_records(self) -> list[str]:
        """Return the names of all accounts, and of removed ones of which records are left."""

        def read(reads: Any) -> None:
            reads.hkeys(keys.ACCOUNTS)
            reads.smembers(keys.REMOVED_ACCOUNTS)

        present, removed = self._read_all(read)
        return sorted({*map(str, present), *map(str, removed)})

    def save_account(self, account: Account) -> None:
        """Store the account, and by which API key it is reached, in one step."""
        saved = self._merged(keys.ACCOUNTS, account.name, account.to_dict())
        with redis_errors_translated(), self._client.pipeline(transaction=True) as step:
            step.hset(keys.ACCOUNTS, account.name, saved)
            step.set(keys.account(account.name) + "key", keys.api_key(account.client_id))
            step.execute()

    def undecided(self, name: str) -> dict[str, int]:
        """Return how many of the account's dead letters and quarantined sign-ups are left. Its
        figures have cleared ones, too."""
        states = ("dead", "quarantined")
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for state in states:
                reads.zcard(keys.account(name) + state)
            return dict(zip(states, reads.execute(), strict=True))

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
        """Delete all that is stored of a removed account, but for the evidence of consent. Safe to
        repeat.

        Its spent refresh tokens stay known, and the number of its last one: if an account of this
        name is connected again, none of them may be sent.
        """
        for state in SETTLED:
            while clear_some(Scripts(self._client), name, state, kept=None, consent_kept=None):
                pass
        prefix = keys.account(name)
        kept = re.compile(re.escape(prefix) + f"({_KEPT_OF_REMOVED_ACCOUNTS})")
        with redis_errors_translated():
            for key in self._client.scan_iter(f"{prefix}*", count=1000):
                if not kept.fullmatch(str(key)):
                    self._client.unlink(key)
        self._forget_if_empty(name)

    def forget_removed_accounts(self) -> None:
        """Forget the names of those removed accounts of which no record is left."""
        with redis_errors_translated():
            removed = sorted(map(str, self._client.smembers(keys.REMOVED_ACCOUNTS)))
        for name in removed:
            self._forget_if_empty(name)

    def _forget_if_empty(self, name: str) -> None:
        Scripts(self._client).run_for(
            name,
            "retention/forget_account",
            accounts=keys.ACCOUNTS,
            removed=keys.REMOVED_ACCOUNTS,
            name=name,
        )

    def forms(self) -> list[Form]:
        """Return all forms, sorted by name."""
        return self._all(RecordKind.FORM, keys.FORMS, Form.from_dict)

    def form_names(self) -> list[str]:
        """Return the names of all forms, sorted. Costs far less than `forms`."""
        return self._names(keys.FORMS)

    def forms_named(self, names: Sequence[str]) -> list[Form]:
        """Return those of the forms `names` that there are."""
        return self._named(RecordKind.FORM, keys.FORMS, names, Form.from_dict)

    def form(self, name: str) -> Form | None:
        """Return the form; raises `UnreadableRecord` if its record cannot be read."""
        return self._one(RecordKind.FORM, keys.FORMS, name, Form.from_dict)

    def save_form(self, form: Form) -> None:
        saved = self._merged(keys.FORMS, form.name, form.to_dict())
        with redis_errors_translated():
            self._client.hset(keys.FORMS, form.name, saved)

    def swap_form(self, form: Form, *, before: Form | None) -> bool:
        """Store the form in place of `before`, or as a new one if that is None. False if something
        else is there. Fields that only a newer version knows stay as they are."""
        with redis_errors_translated():
            stored = self._client.hget(keys.FORMS, form.name)
        now = None if stored is None else _read(RecordKind.FORM, form.name, stored, Form.from_dict)
        if now != before:
            return False
        swapped = Scripts(self._client).run(
            "forms/swap",
            forms=keys.FORMS,
            name=form.name,
            before=stored,
            saved=_with_newer_fields(stored, form.to_dict()),
        )
        return bool(swapped)

    def remove_form(self, name: str) -> bool:
        """Remove the form, and what was counted of its refusals; False when there was none."""
        with redis_errors_translated(), self._client.pipeline(transaction=True) as step:
            step.hdel(keys.FORMS, name)
            step.delete(*keys.of_form(name))
            step.hdel(keys.LAST_ACCEPTED, name)
            removed, *_ = step.execute()
        return bool(removed)

    def _merged(self, key: str, name: str, known: dict[str, Any]) -> str:
        with redis_errors_translated():
            return _with_newer_fields(self._client.hget(key, name), known)

    def _all(self, kind: RecordKind, key: str, read: Callable[[dict[str, Any]], T]) -> list[T]:
        stored = self._read(lambda reads: reads.hgetall(key))
        return _readable(kind, {name: stored[name] for name in sorted(stored)}, read)

    def _names(self, key: str) -> list[str]:
        known = _once.get()
        if known and key in known:
            return [*known[key]]
        names = sorted(self._read(lambda reads: reads.hkeys(key)))
        if known is not None:
            known[key] = [*names]
        return names

    def _named(
        self, kind: RecordKind, key: str, names: Sequence[str], read: Callable[[dict[str, Any]], T]
    ) -> list[T]:
        stored = self._read(lambda reads: reads.hmget(key, names)) if names else []
        found = {name: each for name, each in zip(names, stored, strict=True) if each is not None}
        return _readable(kind, found, read)

    def _one(
        self, kind: RecordKind, key: str, name: str, read: Callable[[dict[str, Any]], T]
    ) -> T | None:
        stored = self._read(lambda reads: reads.hget(key, name))
        return None if stored is None else _read(kind, name, stored, read)

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


def _with_newer_fields(stored: object, known: dict[str, Any]) -> str:
    """Return the record as JSON. Fields that only a newer version knows stay as they are."""
    newer: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        newer = json_object(str(stored))
    return json.dumps(newer | known)


def _read(kind: RecordKind, name: str, stored: object, read: Callable[[dict[str, Any]], T]) -> T:
    """Return the record. Raises `UnreadableRecord`."""
    return read_or_refuse(kind, name, lambda: as_called(name, read(json_object(str(stored)))))


def _readable(
    kind: RecordKind, stored: Mapping[str, str], read: Callable[[dict[str, Any]], T]
) -> list[T]:
    return list(read_named(kind, stored, lambda text: read(json_object(text))).values())
