"""Authorization codes: good for one token call within five minutes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.oauth.issued_tokens import InvalidGrant

CODE_SECONDS = 300
_OTHER_ADDRESS = (
    "The 'redirect_uri' does not match the redirection URI used in the authorization request."
)


@dataclass(frozen=True, slots=True)
class Consent:
    """The scopes that a user allowed on the consent page, and the application they are for."""

    client_id: str
    account_id: str
    login: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires_at: float


class Codes:
    """Codes that nobody has exchanged yet; they end with the process.

    The state's lock guards them.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waiting: dict[str, Consent] = {}

    def issue(
        self,
        client_id: str,
        account_id: str,
        login: str,
        scopes: tuple[str, ...],
        redirect_uri: str,
    ) -> str:
        code = secrets.token_urlsafe(32)
        expires_at = self._now() + CODE_SECONDS
        self._waiting[code] = Consent(
            client_id, account_id, login, scopes, redirect_uri, expires_at
        )
        return code

    def redeem(self, client_id: str, code: str, redirect_uri: str) -> Consent:
        """Return the consent behind the code, once; raise `InvalidGrant` otherwise.

        The first try spends the code, even a try by another application.
        """
        consent = self._waiting.pop(code, None)
        if consent is None or consent.expires_at <= self._now():
            raise InvalidGrant
        if consent.client_id != client_id:
            raise InvalidGrant
        if consent.redirect_uri != redirect_uri:
            raise InvalidGrant(_OTHER_ADDRESS)
        return consent
