"""Device codes: a device gets one and polls with it while a person decides in a browser."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.error_answers import OAuthError
from sandbox.oauth.authorization_codes import Consent
from sandbox.oauth.issued_tokens import InvalidGrant

DEVICE_SECONDS = 600
# A device that polls too fast adds this to its interval (RFC 8628, section 3.5).
SLOW_DOWN_SECONDS = 5

# No vowels, so that no code is a word, and no letter that looks like a digit.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(slots=True)
class _Pending:
    client_id: str
    user_code: str
    scopes: tuple[str, ...]
    expires_at: float
    interval: float
    polled_at: float = 0
    decided: bool = False
    account_id: str | None = None
    login: str | None = None


class Devices:
    """Device codes that nobody has redeemed; they end with the process.

    The state's lock guards them.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pending: dict[str, _Pending] = {}

    def begin(self, client_id: str, scopes: tuple[str, ...], *, interval: float) -> tuple[str, str]:
        """Return a new device code and the user code that belongs to it.

        ``interval`` is the number of seconds that the device must leave between two polls.
        """
        device_code = secrets.token_urlsafe(32)
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        expires_at = self._now() + DEVICE_SECONDS
        self._pending[device_code] = _Pending(client_id, user_code, scopes, expires_at, interval)
        return device_code, user_code

    def request_of(self, user_code: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the device's application and the scopes it asks for; None for an unknown code."""
        pending = self._find(user_code)
        return (pending.client_id, pending.scopes) if pending else None

    def decide(self, user_code: str, account_id: str | None, login: str | None) -> bool:
        """Record who let the device in; None means refused. Return False for an unknown code."""
        pending = self._find(user_code)
        if pending is None:
            return False
        pending.decided, pending.account_id, pending.login = True, account_id, login
        return True

    def redeem(self, client_id: str, device_code: str) -> Consent:
        """Return the consent, once; until then raise the error that answers the device's poll."""
        pending = self._pending.get(device_code)
        if pending is None or pending.client_id != client_id:
            raise InvalidGrant
        now = self._now()
        too_soon = now < pending.polled_at + pending.interval
        pending.polled_at = now
        if pending.expires_at <= now:
            raise OAuthError("expired_token", "The device code has expired.")
        if not pending.decided:
            if too_soon:
                pending.interval += SLOW_DOWN_SECONDS
                raise OAuthError("slow_down", "The device is polling too fast.")
            raise OAuthError("authorization_pending", "The authorization request is pending.")
        del self._pending[device_code]
        if pending.account_id is None or pending.login is None:
            raise OAuthError("access_denied", "The user denied the request.")
        return Consent(client_id, pending.account_id, pending.login, pending.scopes, "", now)

    def _find(self, user_code: str) -> _Pending | None:
        wanted = user_code.strip().upper()
        for pending in self._pending.values():
            if pending.user_code == wanted and not pending.decided:
                return pending if pending.expires_at > self._now() else None
        return None
