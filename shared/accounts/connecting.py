"""Connecting and disconnecting accounts. Connecting again under the same name renews a connection.

The flows are in modules of their own: `browser_flow` (also for a client's link), `device_flow`,
and `token_import`. All of them end in `account_connector`.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.accounts import problems
from shared.accounts.account_connector import AccountConnector
from shared.accounts.browser_flow import BrowserFlow
from shared.accounts.device_flow import DeviceFlow
from shared.accounts.token_import import TokenImport
from shared.constant_contact.applications import Application
from shared.domain.account import Account, HoldReason
from shared.domain.audit import Action
from shared.domain.check import Check, CheckResult
from shared.domain.errors import Refused, TokenError
from shared.infrastructure.timestamps import timestamp

# A person waits for this check, and the login page would show the same. Together with the start
# of a command, it takes less than five seconds.
APPLICATION_CHECK_DEADLINE = timedelta(seconds=4)
# More of a page than is needed to see what is wrong.
_LONGEST_PAGE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """Raises `Refused` and `LedgerUnavailable`. Safe between threads."""

    browser: BrowserFlow
    device: DeviceFlow
    tokens: TokenImport
    connector: AccountConnector
    redirect_uri: str
    now: Callable[[], datetime]

    def check_application(
        self,
        application: Application | None = None,
        within: timedelta = APPLICATION_CHECK_DEADLINE,
    ) -> Check:
        """Check whether Constant Contact would let a person log in for this application."""
        calls = self.connector.calls
        oauth = calls.oauth(application or calls.applications.default)
        url = oauth.authorization_url(self.redirect_uri, "preflight")
        response = oauth.look_at(url, within)
        if response is None:
            return problems.check_authorization_url(None, "", "", self.redirect_uri)
        location = response.headers.get("location", "")
        page = response.content[:_LONGEST_PAGE].decode(errors="replace")
        return problems.check_authorization_url(
            response.status_code, location, page, self.redirect_uri
        )

    def check_before_login(self, application: Application | None = None) -> Check:
        """Check the application and its secret, so that nobody logs in for nothing."""
        check = self.check_application(application)
        if check.verdict != CheckResult.OK:
            return check
        calls = self.connector.calls
        wanted = application or calls.applications.default
        error = calls.secret_error(wanted, self.redirect_uri, APPLICATION_CHECK_DEADLINE)
        own_key = wanted != calls.applications.default
        return problems.check_secret(error, own_key=own_key) if error else check

    def disconnect(self, name: str, *, by: str) -> Account:
        """Forget the account's tokens. Its accepted sign-ups stay, and wait."""
        connector = self.connector
        with connector.lock_account(name):
            account = connector.registry.known_account(name)
            connector.ledger.hold(
                name, HoldReason.RECONNECT, by=by, note="disconnected by an operator"
            )
            connector.vault.forget(name)
            account = dataclasses.replace(account, disconnected_at=timestamp(self.now()))
            connector.registry.save_account(account)
        connector.trail.add(Action.DISCONNECT, account=name)
        return account

    def claim_ownership(self, name: str) -> None:
        """Make this installation the one that keeps the account's tokens fresh."""
        connector = self.connector
        try:
            connector.vault.claim_ownership(name)
        except TokenError as error:
            raise Refused(str(error)) from error
        connector.trail.add(Action.TAKE_OVER, account=name)
        self._flow_again(name)

    def move_tokens(self, name: str) -> None:
        """Have the account's tokens, and the secret of its API key, sent to the addresses that are
        configured now. For a move of Constant Contact's."""
        connector = self.connector
        account = connector.registry.known_account(name)
        try:
            before = connector.vault.move(name)
        except TokenError as error:
            raise Refused(str(error)) from error
        if before is None:
            raise Refused(f"The tokens of {name} are from the addresses that are configured.")
        connector.calls.applications.move(account.client_id, before.auth_url)
        connector.trail.add(Action.MOVE_TOKENS, account=name, api_url=before.api_url)
        self._flow_again(name)

    def _flow_again(self, name: str) -> None:
        self.connector.ledger.lift(name, HoldReason.RECONNECT)
        self.connector.notify_workers(name)
