"""Keeps the sandbox of `relay up` and real accounts apart.

The sandbox takes another port when its own is taken. So the data folder remembers where it was: the
accounts that were connected there follow it, and all others are real.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from shared.constant_contact.applications import Application, Applications
from shared.domain.account import Account
from shared.domain.errors import Refused
from shared.domain.token_origin import TokenOrigin
from shared.domain.web_addresses import is_loopback_host
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import API_URL, AUTH_URL, Settings
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import StoredTokens, TokenLedger

_ADDRESSES = "sandbox-addresses"
# Each is a port that was free for a while.
_MOST_ADDRESSES = 100

CONSTANT_CONTACT = TokenOrigin(api_url=API_URL, auth_url=AUTH_URL)

_TO_DO = (
    "Nothing was started, and nothing is lost. Set CTCT_CLIENT_ID and CTCT_CLIENT_SECRET to use"
    " Constant Contact. To start the sandbox all the same: relay up --sandbox"
)


def check_public_url(settings: Settings) -> None:
    """Raise `Refused` where a public address says that strangers sign up at a sandbox."""
    if not settings.has_local_address:
        raise Refused(
            f"CTCT_CLIENT_ID is not set, so sign-ups at {settings.public_url} would go to the"
            f" sandbox, which stands in for Constant Contact. {_TO_DO}"
        )


def how_others_come(settings: Settings) -> str | None:
    """Return the setting that lets others than this machine sign up; None if there is none."""
    if not is_loopback_host(settings.bind.host):
        return f"RELAY_BIND is {settings.bind}"
    if settings.trusted_proxies:
        return f"RELAY_TRUSTED_PROXIES is {settings.trusted_proxies}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSandbox:
    """The sandbox that a `relay up` starts: `settings` have its addresses and its API key."""

    settings: Settings
    client: "redis.Redis"

    def check_no_real_account(self) -> None:
        """Raise `Refused` if an account of the ledger was not connected at this sandbox."""
        names = [account.name for account, _ in self._real()]
        if names:
            raise Refused(
                f"CTCT_CLIENT_ID is not set, and these accounts are not the sandbox's:"
                f" {', '.join(names)}. {_TO_DO}"
            )

    def keep_apart(self) -> None:
        """Give the sandbox's accounts its present address, and real ones that of Constant Contact,
        if older tokens have none."""
        tokens, applications = TokenLedger(self.client), self._applications
        for account, stored in self._real():
            if stored and stored.origin is None:
                tokens.set_origin(account.name, None, CONSTANT_CONTACT)
                applications(CONSTANT_CONTACT).find(account.client_id)  # which notes the address
        here, before = self.settings.token_origin, self._addresses()
        self._remember([*(each for each in before if each != str(here)), str(here)])
        for account, stored in self._accounts():
            if not stored or not stored.origin:
                continue
            if str(stored.origin) in before or self._is_a_sandboxs(account, stored.origin):
                tokens.set_origin(account.name, stored.origin, here)
                applications(here).move(account.client_id, stored.origin.auth_url)

    def _real(self) -> Iterator[tuple[Account, StoredTokens | None]]:
        ours = {*self._addresses(), str(self.settings.token_origin)}
        for account, stored in self._accounts():
            origin = stored.origin if stored else None
            if str(origin) not in ours and not self._is_a_sandboxs(account, origin):
                yield account, stored

    def _is_a_sandboxs(self, account: Account, origin: TokenOrigin | None) -> bool:
        """Whether the account has a sandbox's API key, and tokens from this machine, if any. The
        data folder may have been lost, or be another one."""
        here = origin is None or origin.api_url.startswith("http://127.0.0.1:")
        return here and account.client_id == self.settings.client_id

    def _accounts(self) -> Iterator[tuple[Account, StoredTokens | None]]:
        accounts = Registry(self.client).accounts()
        stored = TokenLedger(self.client).read_all([account.name for account in accounts])
        return zip(accounts, stored, strict=True)

    def _applications(self, origin: TokenOrigin) -> Applications:
        default = Application(self.settings.client_id, self.settings.client_secret)
        sealer = Sealer(self.settings.secret_keys)
        return Applications(self.client, sealer, default, auth_url=origin.auth_url)

    def _addresses(self) -> list[str]:
        with contextlib.suppress(OSError):
            return self._file.read_text(encoding="utf-8").splitlines()
        return []

    def _remember(self, addresses: list[str]) -> None:
        self._file.write_text("\n".join(addresses[-_MOST_ADDRESSES:]) + "\n", encoding="utf-8")

    @property
    def _file(self) -> Path:
        return self.settings.data_dir / _ADDRESSES
