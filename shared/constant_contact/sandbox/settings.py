"""What can be changed while the sandbox runs, with ``POST /sandbox/control``."""

from dataclasses import dataclass, field
from typing import Self

from shared.constant_contact.sandbox.config import SandboxConfig

# The published schema says 50 for sign_up_form and 80 elsewhere; which of the two the
# real service enforces is not known, so both can be had.
EMAIL_MAX = 80


@dataclass(slots=True, kw_only=True)
class Settings:
    """The rules in force now. `Settings.of` gives those the sandbox starts with."""

    requests_per_second: int
    requests_per_day: int
    token_requests_per_second: int
    rotating: bool
    access_token_seconds: int
    confirmed_opt_in: bool
    fixed_window: bool = False
    email_max: int = EMAIL_MAX
    unknown_list_status: int = 404
    reuse_revokes: bool = False
    refused_emails: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, config: SandboxConfig) -> Self:
        return cls(
            requests_per_second=config.requests_per_second,
            requests_per_day=config.requests_per_day,
            token_requests_per_second=config.token_requests_per_second,
            rotating=config.rotating,
            access_token_seconds=config.access_token_seconds,
            confirmed_opt_in=config.confirmed_opt_in,
        )
