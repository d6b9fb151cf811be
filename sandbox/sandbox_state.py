"""Everything the sandbox knows, in memory, under one lock.

Routes take the lock only while they read or change something, never while they wait. A lock
that is held for microseconds serves hundreds of calls a second.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from flask import current_app

from sandbox.api.contacts import Contacts, iso
from sandbox.api.sample_accounts import Account, User, lists_for, sample_accounts
from sandbox.calls.faults import Faults
from sandbox.calls.limits import KeyLimits, RateLimit
from sandbox.calls.stats import Stats
from sandbox.config import Clock, SandboxConfig
from sandbox.oauth.authorization_codes import Codes
from sandbox.oauth.browser_sessions import Sessions
from sandbox.oauth.device_codes import Devices
from sandbox.oauth.issued_tokens import Tokens
from sandbox.oauth.registered_applications import Application, Applications
from sandbox.records import open_records
from sandbox.rules import Rules

_LISTS, _DELETED_LIST = "lists", "deleted_list"


class State:
    """The sandbox's whole memory; `reset` empties it."""

    settings: Rules
    applications: Applications
    accounts: dict[str, Account]
    contacts: Contacts
    tokens: Tokens
    codes: Codes
    devices: Devices
    sessions: Sessions
    faults: Faults
    stats: Stats
    limits: defaultdict[str, KeyLimits]
    token_limit: RateLimit

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.config = config
        self._clock = clock
        self.lock = threading.RLock()
        self._records = open_records(config.database)
        self._changing: set[tuple[str, str]] = set()
        self._load()

    def reset(self) -> None:
        """Forget everything: contacts, tokens, faults, figures and rules."""
        with self.lock:
            self.faults.clear()
            self._records.clear()
            self._load()

    def now(self) -> float:
        """Return the time by the sandbox's clock, in seconds since 1970."""
        return self._clock.now() + self.rules.clock_offset_seconds

    def monotonic(self) -> float:
        """Return the time in which the seconds of the rate limits are measured."""
        return self._clock.monotonic()

    def rotating(self, application: Application) -> bool:
        """Return whether the application's refresh tokens work only once."""
        own = application.rotating
        return self.rules.rotating if own is None else own

    def organizations(self, wanted: str | None) -> list[Account]:
        """Return the accounts with this name or id; all of them for None."""
        return [
            each
            for each in self.accounts.values()
            if wanted is None or wanted in (each.id, each.organization)
        ]

    def user(self, account_id: str, login: str) -> User:
        user = self.accounts[account_id].user(login)
        if user is None:
            raise LookupError(f"{login} is no user of {account_id}")
        return user

    def delete_list(self, wanted: str, accounts: Iterable[Account]) -> bool:
        """Delete the lists with this name or id; return whether there was any."""
        found = False
        for account in accounts:
            for each in account.lists.values():
                if wanted in (each.list_id, each.name) and each.deleted_at is None:
                    found = True
                    each.deleted_at = iso(self.now())
                    self.contacts.leave_list(each.list_id)
                    self._save_deletion(account.id, each.list_id, each.deleted_at)
        return found

    def set_lists(self, account: Account, count: int) -> None:
        """Give the account exactly so many lists, none of them deleted."""
        lists = lists_for(account, count)
        for gone in account.lists.keys() - lists.keys():
            self.contacts.leave_list(gone)
        for each in account.lists.values():
            self._records.drop(_DELETED_LIST, each.list_id)
        account.lists = lists
        self._records.put(_LISTS, account.id, {"account_id": account.id, "count": count})

    def begin_change(self, key: tuple[str, str]) -> bool:
        """Mark the contact with this account and address as being changed.

        Returns False if another call is changing it already.
        """
        with self.lock:
            if key in self._changing:
                return False
            self._changing.add(key)
            return True

    def end_change(self, key: tuple[str, str]) -> None:
        with self.lock:
            self._changing.discard(key)

    def _load(self) -> None:
        self.rules = Rules.of(self.config)
        self.applications = Applications(self._records, self.config)
        self.accounts = self._load_accounts()
        self.contacts = Contacts(self._records)
        self.tokens = Tokens(self._records, first_id=self.config.client_id, now=self.now)
        self.codes = Codes(self.now)
        self.devices = Devices(self.now)
        self.sessions = Sessions()
        self.faults = Faults()
        self.stats = Stats()
        self.limits = defaultdict(KeyLimits)
        self.token_limit = RateLimit()

    def _load_accounts(self) -> dict[str, Account]:
        accounts = sample_accounts()
        for account in accounts.values():
            account.confirmed_opt_in = self.config.confirmed_opt_in
        for kept in self._records.all(_LISTS):
            account = accounts[kept["account_id"]]
            account.lists = lists_for(account, kept["count"])
        for gone in self._records.all(_DELETED_LIST):
            accounts[gone["account_id"]].lists[gone["list_id"]].deleted_at = gone["at"]
        return accounts

    def _save_deletion(self, account_id: str, list_id: str, at: str) -> None:
        body: dict[str, Any] = {"account_id": account_id, "list_id": list_id, "at": at}
        self._records.put(_DELETED_LIST, list_id, body)


def current_state() -> State:
    """Return the state of the app that answers this request."""
    return cast(State, current_app.extensions["sandbox"])
