"""Authorization codes: good for one token call within five minutes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from shared.constant_contact.sandbox.tokens import InvalidGrant

CODE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user agreed to on the consent page."""

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

    def issue(self, account_id: str, login: str, scopes: tuple[str, ...], redirect_uri: str) -> str:
        code = secrets.token_urlsafe(32)
        expires_at = self._now() + CODE_SECONDS
        self._waiting[code] = Consent(account_id, login, scopes, redirect_uri, expires_at)
        return code

    def redeem(self, code: str, redirect_uri: str) -> Consent:
        """Return what the code stands for, once; raise `InvalidGrant` otherwise."""
        consent = self._waiting.pop(code, None)
        if consent is None or consent.expires_at <= self._now():
            raise InvalidGrant
        if consent.redirect_uri != redirect_uri:
            raise InvalidGrant
        return consent
