"""Keeps every account's tokens fresh, also those of accounts with nothing to deliver."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.constant_contact.errors import ApiError, Unauthorized
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account
from shared.domain.errors import LedgerUnavailable, OtherOrigin, Refused, Revoked, TokenError
from shared.ledger.stores.registry import Registry
from worker.delivery.holds import AccountHolds

log = logging.getLogger(__name__)


@dataclass(slots=True)
class TokenRefresher:
    """Refreshes tokens that are due, and keeps the holds of accounts without a token right.

    `try_token` calls the API for an API key with an access token; it raises `Unauthorized`.
    """

    registry: Registry
    vault: TokenVault
    holds: AccountHolds
    try_token: Callable[[str, str], object]
    _failed: dict[str, str] = field(default_factory=dict)  # account -> why
    _tried: dict[str, int] = field(default_factory=dict)  # account -> version

    def refresh_all(self) -> None:
        """Refresh all tokens that are due. A failure of one does not stop the others."""
        due = self.vault.find_due(self.registry.account_names())
        for repaired in self._failed.keys() - set(due):  # such as by a lane
            del self._failed[repaired]
        for account in self.registry.accounts_named(due):
            try:
                self._refresh(account.name)
            except (TokenError, Refused, LedgerUnavailable) as error:
                self._log_failure(account.name, str(error))
                if isinstance(error, Revoked):
                    self._hold_at_the_end(account, error)
                elif isinstance(error, OtherOrigin) and self.vault.has_key(account.client_id):
                    # Others, such as the demo's account beside real ones, are held if a sign-up
                    # comes.
                    self.holds.hold_without_token(account.name, str(error), probed=True)

    def _refresh(self, account: str) -> None:
        self.vault.refresh_due(account)
        if not self.vault.has_failed(account):
            self.holds.end_hold_without_token(account)
        self._failed.pop(account, None)

    def _hold_at_the_end(self, account: Account, error: Revoked) -> None:
        """Hold the account, unless its last access token still works."""
        if self.vault.stored(account.name).end is None or self._is_refused(account):
            self.holds.hold_without_token(account.name, str(error), probed=False)

    def _is_refused(self, account: Account) -> bool:
        """Try the last access token, once for each: what ended the refresh token may have ended it,
        too."""
        token = self.vault.stored_token(account.name)
        if self._tried.get(account.name) == token.version:
            return False
        try:
            self.try_token(account.client_id, token.access)
        except Unauthorized:
            self.vault.note_access_refused(account.name, token.version)
            return True
        except (ApiError, Refused):  # it did not say; the next look asks again
            return False
        self._tried[account.name] = token.version
        return False

    def _log_failure(self, account: str, cause: str) -> None:
        """Log it once, and not at every look until it is repaired."""
        if self._failed.get(account) != cause:
            self._failed[account] = cause
            log.warning("tokens not refreshed", extra={"account": account, "cause": cause})
