"""Calls Constant Contact for one application, and turns its errors into sentences for people."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.accounts import problems
from shared.constant_contact.applications import Application, Applications
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.errors import (
    ApiError,
    ApiUnavailable,
    InvalidClient,
    InvalidGrant,
    OAuthError,
    TokenEndpointFailed,
    Unauthorized,
)
from shared.constant_contact.oauth import OAuth, TokenEndpoint
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import CALL_DEADLINE
from shared.domain.errors import Refused, TokenUnavailable
from shared.domain.phrases import sentence

# No server issued this token or code. Only a server that accepts the secret says that it is bad.
_NO_TOKEN = "none"  # noqa: S105 - no token

T = TypeVar("T")


class ConnectStopped(Refused):
    """Connecting stopped before anything was stored for the account.

    `pending_id` is what `resume` goes on with, without another login; None where nothing was
    saved.
    """

    def __init__(self, message: str, pending_id: str | None = None) -> None:
        super().__init__(message)
        self.pending_id = pending_id


class ConnectFailed(ConnectStopped):
    """The account cannot be connected now; trying again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCalls:
    """Raises `Refused`, of which `ConnectFailed` is one, and `LedgerUnavailable`.

    `api` makes a client of the API for an API key, for each use: this is safe between threads.
    """

    applications: Applications
    oauth: Callable[[Application], OAuth]
    api: Callable[[str], ConstantContact]

    def known(self, application: Application | None) -> Application:
        """Return the application to connect with, by default that of the settings.

        Afterwards its secret can be found by its API key.
        """
        default = self.applications.default
        if application is None or application == default:
            return default
        if application.client_id == default.client_id:
            raise Refused(
                "This API key is the one in CTCT_CLIENT_ID, but its secret is another one."
                " Put the new secret into CTCT_CLIENT_SECRET."
            )
        before = self.applications.find(application.client_id)
        if before == application:
            return application
        if before is not None:
            self._check_secret(application)
        self.applications.keep(application)
        return application

    def _check_secret(self, application: Application) -> None:
        """Raise `Refused` unless the secret is right: other accounts use the one before."""
        try:
            self.call(application, lambda endpoint: endpoint.refresh(_NO_TOKEN))
        except InvalidGrant:
            return  # so the server has accepted the secret
        except OAuthError as error:
            raise ConnectFailed(
                "signup-relay knows another secret for this API key, and could not ask Constant"
                f" Contact which one is right ({error}). Nothing was changed. Try again later."
            ) from error

    def secret_error(
        self, application: Application, redirect_uri: str, deadline: timedelta
    ) -> InvalidClient | None:
        """Return how Constant Contact refuses the application's secret; None where it does not, or
        does not say. Asking with a code that nobody issued starts nothing."""
        try:
            with self.oauth(application).endpoint(deadline) as endpoint:
                endpoint.exchange_code(_NO_TOKEN, redirect_uri)
        except InvalidClient as error:
            return error
        except (OAuthError, TokenUnavailable):
            return None
        return None

    def find(self, client_id: str) -> Application:
        """Return the application with this API key."""
        application = self.applications.find(client_id)
        if application is None:
            raise Refused("The API key of this request is no longer known. Start again.")
        return application

    def ask(self, client_id: str, read: Callable[[ConstantContact], T]) -> T:
        """Use the API; only `Unauthorized` passes as it is."""
        with contextlib.closing(self.api(client_id)) as api:
            try:
                return read(api)
            except Unauthorized:
                raise
            # The pacer raises `Refused`: the quota is used up, or the key has to rest.
            except (ApiUnavailable, Refused) as error:
                raise ConnectFailed(
                    f"{_capitalized(error)}. Nothing was changed. Try again later."
                ) from error
            except ApiError as error:
                raise Refused(sentence(str(error))) from error

    def call(self, application: Application, call: Callable[[TokenEndpoint], TokenSet]) -> TokenSet:
        """Use the token endpoint once; what it says about the grant passes as it is."""
        try:
            with self.oauth(application).endpoint(CALL_DEADLINE) as endpoint:
                return call(endpoint)
        except InvalidClient as error:
            own = application != self.applications.default
            raise Refused(problems.explain_client(error, own_key=own)) from error
        except TokenUnavailable as error:
            raise TokenEndpointFailed(str(error)) from error


def _capitalized(error: Exception) -> str:
    said = str(error).removesuffix(".")
    return said[:1].upper() + said[1:]
