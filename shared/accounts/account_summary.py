"""Account summaries: whose account it is, how it is connected, and whether that works."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account, Hold, HoldReason
from shared.domain.connection_end import ConnectionEnd
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.timestamps import timestamp
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import Replacement, StoredTokens
from shared.ledger.values import Figures


class ConnectionStatus(StrEnum):
    """The state of an account's connection."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  #: an operator ended it
    UNUSABLE = "unusable"  #: its tokens are gone, or its API key's secret is no longer known
    REVOKED = "revoked"  #: Constant Contact refuses its refresh token, and will not accept it again
    ELSEWHERE = "elsewhere"  #: its tokens are from other addresses than are configured
    FOREIGN = "foreign"  #: another installation keeps its tokens fresh
    FAILING = "failing"  #: the last refresh failed; signup-relay tries again by itself

    @property
    def label(self) -> str:
        """What people read, on every page and in every table."""
        return _LABELS.get(self, str(self))


# As the hold and the button are called, where the value is another word.
_LABELS = {
    ConnectionStatus.UNUSABLE: "not usable",
    ConnectionStatus.REVOKED: "reconnect needed",
    ConnectionStatus.ELSEWHERE: "from another API address",
    ConnectionStatus.FOREIGN: "kept by another installation",
    ConnectionStatus.FAILING: "refresh failing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """All that is known of a connection, and the account's figures. Times are in UTC; what is not
    known is None.

    `end` is when the connection will end, although it works now.
    """

    account: Account
    status: ConnectionStatus
    own_key: bool
    holds: tuple[Hold, ...]
    scopes: frozenset[str] | None = None
    token_kind: str | None = None
    expires_at: datetime | None = None
    refreshed_at: datetime | None = None
    next_refresh_at: datetime | None = None
    last_success_at: datetime | None = None
    owner: str | None = None
    end: ConnectionEnd | None = None
    origin: TokenOrigin | None = None
    replacement: Replacement | None = None
    figures: Figures = field(default_factory=Figures)

    @property
    def origin_told(self) -> str:
        """Where its tokens were got, for people."""
        return f"{self.origin.api_url} and {self.origin.auth_url}" if self.origin else "not known"

    @property
    def is_sandbox(self) -> bool:
        """Whether its sign-ups go to a stand-in for Constant Contact."""
        return self.origin is not None and self.origin.is_sandbox

    @property
    def key_tail(self) -> str:
        """The end of the API key."""
        return f"…{self.account.client_id[-4:]}"

    def to_dict(self) -> dict[str, Any]:
        return self.account.to_dict() | {
            "standing": str(self.status),
            "key_tail": self.key_tail,
            "own_key": self.own_key,
            "scopes": None if self.scopes is None else sorted(self.scopes),
            "token_kind": self.token_kind,
            "expires_at": timestamp(self.expires_at),
            "refreshed_at": timestamp(self.refreshed_at),
            "next_refresh_at": timestamp(self.next_refresh_at),
            "last_success_at": timestamp(self.last_success_at),
            "owner": self.owner,
            "api_url": self.origin.api_url if self.origin else None,
            "sandbox": self.is_sandbox,
            "works_until": timestamp(self.end.at if self.end else None),
            "holds": [str(hold.reason) for hold in self.holds],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummaries:
    """Makes the account summaries from what is stored; asks Constant Contact nothing."""

    registry: Registry
    vault: TokenVault
    ledger: Ledger
    default_client_id: str
    now: Callable[[], datetime]

    def all(self) -> list[AccountSummary]:
        """Return every account's summary, sorted by name."""
        return list(self._summaries(self.registry.accounts()))

    def named(self, names: Sequence[str]) -> list[AccountSummary]:
        """Return the summaries of those of the accounts `names` that there are."""
        return list(self._summaries(self.registry.accounts_named(names)))

    def summary(self, name: str) -> AccountSummary:
        (summary,) = self._summaries([self.registry.known_account(name)])
        return summary

    def _summaries(self, accounts: Sequence[Account]) -> Iterator[AccountSummary]:
        names = [account.name for account in accounts]
        for account, stored, figures, last_success in zip(
            accounts,
            self.vault.stored_of(names),
            self.ledger.figures_of(names),
            self.ledger.last_successes(names),
            strict=True,
        ):
            status = self._status(account, stored)
            yield AccountSummary(
                account=account,
                status=status,
                own_key=account.client_id != self.default_client_id,
                holds=figures.holds,
                end=_end(status, stored, figures.holds),
                last_success_at=last_success,
                figures=figures,
                **(self._of_tokens(stored) if stored else {}),
            )

    def _of_tokens(self, stored: StoredTokens) -> dict[str, Any]:
        return {
            "scopes": stored.scopes,
            "token_kind": stored.kind,
            "expires_at": stored.expires_at,
            "refreshed_at": stored.refreshed_at,
            "next_refresh_at": None if stored.revoked else self.vault.next_refresh(stored),
            "owner": stored.owner.instance if stored.owner else None,
            "origin": stored.origin,
            "replacement": stored.replacement,
        }

    def _status(self, account: Account, stored: StoredTokens | None) -> ConnectionStatus:
        if stored is None:
            ended = account.disconnected_at is not None
            return ConnectionStatus.DISCONNECTED if ended else ConnectionStatus.UNUSABLE
        if self.vault.is_elsewhere(stored):
            return ConnectionStatus.ELSEWHERE
        if stored.revoked:
            return ConnectionStatus.REVOKED
        if self.vault.is_foreign(stored):
            return ConnectionStatus.FOREIGN
        return ConnectionStatus.FAILING if stored.failures else ConnectionStatus.CONNECTED


def _end(
    status: ConnectionStatus, stored: StoredTokens | None, holds: Iterable[Hold]
) -> ConnectionEnd | None:
    """Return when a connection will end that works now: no hold `reconnect` says otherwise, and
    this installation keeps it."""
    held = any(hold.reason == HoldReason.RECONNECT for hold in holds)
    ours = status not in (ConnectionStatus.FOREIGN, ConnectionStatus.ELSEWHERE)
    return stored.end if stored and ours and not held else None
