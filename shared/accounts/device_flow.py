"""Connect an account by OAuth's device flow: a person enters a code in any browser."""

from dataclasses import dataclass

from shared.accounts import problems
from shared.accounts.account_connector import AccountConnector, Connected
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.constant_contact.applications import Application
from shared.constant_contact.errors import InvalidClient, InvalidGrant, OAuthError
from shared.constant_contact.oauth import DeviceCode
from shared.constant_contact.token_vault import CALL_DEADLINE
from shared.domain.account import check_name
from shared.domain.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFlow:
    """Raises `Refused`, of which `ConnectStopped` is one, and `LedgerUnavailable`. Safe between
    threads."""

    connector: AccountConnector
    redirect_uri: str

    def start(self, application: Application | None = None) -> DeviceCode:
        """Return the code that a person enters in any browser, and what to poll with."""
        calls = self.connector.calls
        try:
            return calls.oauth(calls.known(application)).begin_device(CALL_DEADLINE)
        except InvalidClient as error:
            raise Refused(problems.explain_device(error)) from error
        except OAuthError as error:
            raise ConnectFailed(
                f"Constant Contact gave no device code ({error}). Nothing was changed. Try again."
            ) from error

    def poll(
        self,
        name: str,
        code: DeviceCode,
        *,
        by: str,
        application: Application | None = None,
        replace: bool = False,
    ) -> Connected:
        """Connect if the code was entered.

        Raises `DevicePending` before that, `DeviceDenied` when it never will be, and
        `TokenEndpointFailed` when it is worth asking again.
        """
        check_name(name)
        calls = self.connector.calls
        application = calls.known(application)
        try:
            tokens = calls.call(
                application, lambda endpoint: endpoint.poll_device(code.device_code)
            )
        except InvalidGrant as error:
            raise Refused("Constant Contact no longer knows this code. Start again.") from error
        if tokens.refresh_token is None:
            raise Refused(
                "Constant Contact sent no refresh token to a device, so the connection would end"
                f" within a day. Use a browser instead: relay connect {name} --url, or --link."
            )
        request = ConnectRequest(
            account=name,
            client_id=application.client_id,
            redirect_uri=self.redirect_uri,
            by=by,
            started_from=StartedFrom.TERMINAL,
            replace=replace,
        )
        return self.connector.connect_or_save(request, tokens)
