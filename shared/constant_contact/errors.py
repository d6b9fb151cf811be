"""What calls of Constant Contact raise. Exceptions of the HTTP library end in `connection.py`.

ConnectionFailed         no usable answer came
└── DeadlineExceeded     the request took too long
ApiError                 a read failed; `answer` says how
├── Unauthorized         401: the access token is refused
├── Forbidden            403: a scope or privilege is missing, or the application is off
└── ApiUnavailable       no answer, 429, 5xx or something unreadable: it may work later
OAuthError               the token endpoint gave no tokens
├── InvalidGrant         the code or refresh token is refused; only this error says that it is bad
├── InvalidClient        the API key or its secret is refused
│   └── FlowNotAllowed   the application may not connect in this way
├── DevicePending        nobody has entered the device's code yet
├── DeviceDenied         the person refused, or the code expired
└── TokenEndpointFailed  no answer, or one that says nothing about the token
"""

from shared.domain.errors import RelayError
from shared.domain.outcome import ApiAnswer, means_spent_day

_DAY_IS_SPENT = "this API key has no requests left today, and gets new ones at 00:00 UTC"


class ConnectionFailed(RelayError):
    """No usable answer came. Whether the request was carried out is unknown."""


class DeadlineExceeded(ConnectionFailed):
    """The request was ended because it took too long."""


class ApiError(RelayError):
    """A read failed."""

    def __init__(self, what: str, answer: ApiAnswer) -> None:
        why = _DAY_IS_SPENT if means_spent_day(answer) else answer.cause
        super().__init__(f"Constant Contact did not give {what}: {why}")
        self.answer = answer


class Unauthorized(ApiError):
    """The access token is refused."""


class Forbidden(ApiError):
    """A scope or a privilege is missing, or the application is switched off."""


class ApiUnavailable(ApiError):
    """It may work later."""


class OAuthError(RelayError):
    """The token endpoint gave no tokens."""


class InvalidGrant(OAuthError):
    """The code or refresh token was refused: unknown, expired, revoked or used before."""


class InvalidClient(OAuthError):
    """The API key or its secret was refused."""


class FlowNotAllowed(InvalidClient):
    """The application may not connect in this way: this flow is switched off for it."""


class DevicePending(OAuthError):
    """Nobody has entered the device's code yet; `slow_down` asks for longer pauses."""

    def __init__(self, *, slow_down: bool) -> None:
        super().__init__("nobody has entered the code yet")
        self.slow_down = slow_down


class DeviceDenied(OAuthError):
    """The person refused access, or nobody entered the device's code in time (`expired`)."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("the code has expired" if expired else "access was not allowed")
        self.expired = expired


class TokenEndpointFailed(OAuthError):
    """No answer, or one that says nothing about the token. What happened to it is unknown."""
