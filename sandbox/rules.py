"""What can be changed while the sandbox runs, with ``POST /sandbox/control``."""

from dataclasses import dataclass, field
from typing import Literal, Self

from sandbox.config import SandboxConfig

# The published schema says 50 for sign_up_form and 80 elsewhere; which of the two the
# real service enforces is not known, so both can be had.
EMAIL_MAX = 80

# Twice what the token endpoint's own limit asks for.
DEVICE_INTERVAL_SECONDS = 2

# "wrong_key": another key, under the id of the one that signs.
Jwks = Literal["on", "off", "wrong_key"]


@dataclass(slots=True, kw_only=True)
class Rules:
    """The rules in force now. `Rules.of` gives those the sandbox starts with.

    ``clock_offset_seconds`` is how far the sandbox's clock is ahead of the host's;
    ``device_refresh`` is whether the device grant brings a refresh token.
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
