"""Reads an account's lists and custom fields with its stored tokens, and caches the lists.

A page that asks the API for the lists each time would use up the day's requests, and would show
nothing while the API fails. So the lists are cached, with their age.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import redis

from shared.constant_contact.client import ConstantContact, ContactList
from shared.constant_contact.errors import ApiError, Unauthorized
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account
from shared.domain.errors import LedgerUnavailable, Refused, TokenError
from shared.domain.form import CustomField
from shared.domain.moments import read_moment
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger.ledger import Ledger
from shared.ledger.stores import stored_texts
from shared.ledger.stores.registry import Registry

# Pages show lists that are not older than this without asking the API.
FRESH = timedelta(minutes=15)

T = TypeVar("T")


class ApiCallFailed(Refused):
    """Constant Contact did not give what was asked for, or there is no access token to ask with."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Contact lists as of `read_at`. `error` says why they could not be read again."""

    lists: tuple[ContactList, ...]
    read_at: datetime
    error: str | None = None

    def named(self, id: str) -> str:
        """Return the name of the list with this id; the id when there is no such list."""
        return next((each.name for each in self.lists if each.id == id), id)


class AccountApi:
    """Raises `Refused` for an unknown account, `ApiCallFailed`, and `LedgerUnavailable`."""

    def __init__(
        self,
        client: "redis.Redis",
        registry: Registry,
        vault: TokenVault,
        ledger: Ledger,
        *,
        make_client: Callable[[str], ConstantContact],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._registry = registry
        self._vault = vault
        self._ledger = ledger
        self._make_client = make_client
        self._now = now

    def check_known(self, name: str) -> None:
        """Raise `Refused` unless there is such an account."""
        self._registry.known_account(name)

    def lists(self, name: str, *, max_age: timedelta = timedelta()) -> Lists:
        """Return all lists: cached ones up to `max_age`, older ones only if they cannot be read.

        That is when the API fails, or Redis takes no writes: each request to the API is counted.
        """
        account = self._registry.known_account(name)
        cached = self._cached(account)
        if cached is not None and self._now() - cached.read_at < max_age:
            return cached
        try:
            found = self.read(account.name, lambda api, token: api.lists(token))
        except (ApiCallFailed, LedgerUnavailable) as error:
            if cached is None:
                raise
            return Lists(cached.lists, cached.read_at, f"{str(error).removesuffix('.')}.")
        lists = Lists(tuple(found), self._now())
        self._cache(account, lists)
        return lists

    def last_lists(self, name: str) -> Lists | None:
        """Return the lists as they were last read, without a request; None if they never were."""
        return self._cached(self._registry.known_account(name))

    def custom_fields(self, name: str, *, of_text: bool = False) -> list[CustomField]:
        """Return all custom fields of a connected account, or only those that take any text."""
        self._registry.known_account(name)
        return self.read(name, lambda api, token: api.custom_fields(token, of_text=of_text))

    def read(self, name: str, read: Callable[[ConstantContact, str], T]) -> T:
        """Return what `read` gets from the API with a token that works."""
        account = self._registry.known_account(name)
        try:
            found = self._read(account, read)
        # The pacer raises `Refused`: the quota is used up, or the key has to rest.
        except (ApiError, TokenError, Refused) as error:
            raise ApiCallFailed(f"{str(error).removesuffix('.')}.") from error
        self._ledger.note_success(name)
        return found

    def _read(self, account: Account, read: Callable[[ConstantContact, str], T]) -> T:
        with contextlib.closing(self._make_client(account.client_id)) as api:
            token = self._vault.fresh(account.name)
            try:
                return read(api, token.access)
            except Unauthorized:
                return read(api, self._vault.renew(account.name, token.version).access)

    def _cache(self, account: Account, lists: Lists) -> None:
        cached = {
            "of": _identity(account),
            "read_at": lists.read_at.isoformat(),
            "lists": [asdict(each) for each in lists.lists],
        }
        stored_texts.contact_lists(self._client, account.name).write(json.dumps(cached))

    def _cached(self, account: Account) -> Lists | None:
        """Return the cached lists; None when they belong to another account that had this name."""
        stored = stored_texts.contact_lists(self._client, account.name).read()
        if not stored:
            return None
        read = partial(_cached_lists, stored, _identity(account))
        return read_one(RecordKind.LISTS, account.name, read)


def _cached_lists(stored: str, identity: str | None) -> Lists | None:
    found = json_object(stored)
    if found.get("of") != identity:
        return None
    lists = tuple(ContactList(**each) for each in found["lists"])
    return Lists(lists, read_moment(found["read_at"]))


def _identity(account: Account) -> str | None:
    """Return what differs when the name belongs to another account than before, or may do so."""
    return account.encoded_account_id or account.connected_at
