"""Connect an account with tokens that somebody already has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.accounts.account_connector import AccountConnector, Connected, refresh_token_of
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.accounts.connect_store import ConnectStore
from shared.constant_contact.applications import Application
from shared.constant_contact.errors import InvalidGrant, OAuthError, Unauthorized
from shared.constant_contact.token_set import TokenSet
from shared.domain.account import check_name
from shared.domain.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenImport:
    """Raises `Refused`, of which `ConnectStopped` is one, and `LedgerUnavailable`. Safe between
    threads."""

    connector: AccountConnector
    store: ConnectStore
    redirect_uri: str
    now: Callable[[], datetime]

    def connect(
        self,
        name: str,
        given: Mapping[str, Any],
        *,
        by: str,
        application: Application | None = None,
        replace: bool = False,
    ) -> Connected:
        """Connect with ``{"access_token", "refresh_token", "expires_in"}``, once they work."""
        check_name(name)
        request = ConnectRequest(
            account=name,
            client_id=self.connector.calls.known(application).client_id,
            redirect_uri=self.redirect_uri,
            by=by,
            started_from=StartedFrom.TERMINAL,
            replace=replace,
        )
        tokens = TokenSet.from_json(given)
        if tokens is None:
            raise Refused('The input has no "access_token", or one that no token can look like.')
        refresh_token = refresh_token_of(tokens)
        with self.store.lock(refresh_token) as locked:
            if not locked:
                raise Refused("Another command is connecting with these tokens just now.")
            return self._connect(request, tokens, refresh_token)

    def _connect(self, request: ConnectRequest, given: TokenSet, refresh_token: str) -> Connected:
        self.connector.check_unspent(request, refresh_token)
        tokens = self._working(request.client_id, given, refresh_token)
        spent = None if tokens is given else refresh_token
        connected = self.connector.connect(request, tokens, spent=spent)
        self.store.forget_refreshed(refresh_token)
        return connected

    def _working(self, client_id: str, tokens: TokenSet, refresh_token: str) -> TokenSet:
        """Return `tokens` if the API accepts them, else the result of one refresh."""
        try:
            self.connector.calls.ask(client_id, lambda api: api.privileges(tokens.access_token))
        except Unauthorized:
            before = self.store.refreshed(refresh_token)
            return before or self._refresh(client_id, refresh_token)
        return tokens

    def _refresh(self, client_id: str, refresh_token: str) -> TokenSet:
        """Refresh, and save the new tokens in case connecting fails after that.

        A rotating refresh token is spent now, and the person who gave it has no other.
        """
        calls = self.connector.calls
        try:
            tokens = calls.call(
                calls.find(client_id), lambda endpoint: endpoint.refresh(refresh_token)
            )
        except InvalidGrant as error:
            raise Refused(
                "Constant Contact refuses both tokens. They are too old, were used elsewhere, or"
                " belong to another API key. Nothing was changed."
            ) from error
        except OAuthError as error:
            raise ConnectFailed(
                "Constant Contact refuses the access token, and refreshing it failed"
                f" ({error}). Nothing was changed. Try again with the same tokens."
            ) from error
        self.store.save_refreshed(refresh_token, tokens, self.now())
        return tokens
