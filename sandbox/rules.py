"""The rules that ``POST /sandbox/control`` can change while the sandbox runs."""

from dataclasses import dataclass, field
from typing import Literal, Self

from sandbox.config import SandboxConfig

# The published schema says 50 for sign_up_form and 80 elsewhere. Nobody knows which of them
# the real service enforces, so a control call can set either.
EMAIL_MAX = 80

# Twice as long as the token endpoint's limit requires.
DEVICE_INTERVAL_SECONDS = 2

# "wrong_key": a different key under the id of the signing key.
Jwks = Literal["on", "off", "wrong_key"]


@dataclass(slots=True, kw_only=True)
class Rules:
    """The rules in force now. `Rules.of` returns those that the sandbox starts with.

    ``clock_offset_seconds``: how far the sandbox's clock is ahead of the host's.
    ``device_refresh``: the device grant brings a refresh token.
    """

    requests_per_second: int
    requests_per_day: int
    token_requests_per_second: int
    rotating: bool
    access_token_seconds: int
    fixed_window: bool = False
    email_max: int = EMAIL_MAX
    unknown_list_status: int = 404
    reuse_revokes: bool = False
    device_refresh: bool = True
    device_interval_seconds: float = DEVICE_INTERVAL_SECONDS
    jwks: Jwks = "on"
    clock_offset_seconds: float = 0
    refused_emails: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, config: SandboxConfig) -> Self:
        return cls(
            requests_per_second=config.requests_per_second,
            requests_per_day=config.requests_per_day,
            token_requests_per_second=config.token_requests_per_second,
            rotating=config.rotating,
            access_token_seconds=config.access_token_seconds,
        )
