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
    """What a user agreed to on the consent page, and for which application."""

    client_id: str
    account_id: str
    login: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires_at: float


class Codes:
    """Codes that wait to be exchanged; lost with the process. Guarded by the state's lock."""

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
        """Return what the code stands for, once; raise `InvalidGrant` otherwise.

        A code is spent by the first try, even one by another application.
        """
        consent = self._waiting.pop(code, None)
        if consent is None or consent.expires_at <= self._now():
            raise InvalidGrant
        if consent.client_id != client_id:
            raise InvalidGrant
        if consent.redirect_uri != redirect_uri:
            raise InvalidGrant(_OTHER_ADDRESS)
        return consent
