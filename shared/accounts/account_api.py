"""Reads an account's lists and custom fields with its stored tokens, and caches the lists.

A page that asks the API for the lists each time would use up the day's requests, and would show
nothing while the API fails. So the lists are cached, with their age.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import redis

from shared.accounts.list_cache import ListCache, Lists
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.errors import ApiError, Unauthorized
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account
from shared.domain.errors import LedgerUnavailable, Refused, TokenError
from shared.domain.form import CustomField
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry

# Pages show lists that are not older than this without asking the API.
FRESH = timedelta(minutes=15)

T = TypeVar("T")


class ApiCallFailed(Refused):
    """Constant Contact did not give what was asked for, or there is no access token to ask with."""


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
        self._cache = ListCache(client)
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
        cached = self._cache.read(account)
        if cached is not None and self._now() - cached.read_at < max_age:
            return cached
        try:
            found = self.read(account.name, lambda api, token: api.lists(token))
        except (ApiCallFailed, LedgerUnavailable) as error:
            if cached is None:
                raise
            return Lists(cached.lists, cached.read_at, f"{str(error).removesuffix('.')}.")
        lists = Lists(tuple(found), self._now())
        self._cache.write(account, lists)
        return lists

    def last_lists(self, name: str) -> Lists | None:
        """Return the lists as they were last read, without a request; None if they never were."""
        return self._cache.read(self._registry.known_account(name))

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
