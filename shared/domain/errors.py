"""Every error that is ours, drawn as a tree; the branch decides what becomes of it.

RelayError
├── InvalidSignup        the visitor can fix it               -> 422, nothing stored
├── KeyReused            same Idempotency-Key, other content  -> 422, nothing stored
├── VisitorLimited       too many from one address            -> 429, nothing stored
├── LedgerUnavailable    Redis cannot take it just now        -> web's disk keeps it
│   └── SpoolRefused     nor can the disk                     -> 503, safe to send again
├── Refused              an operator asked for what cannot be -> exit 1, says what to do
├── SettingsError        settings are missing or wrong        -> exit 2, nothing starts
└── TokenError         no access token can be had
    ├── NotConnected     no tokens are stored                 -> hold `reconnect`, not probed
    ├── Revoked          the refresh token is proven dead     -> hold `reconnect`, not probed
    └── TokenUnavailable the token endpoint failed for now    -> hold `reconnect`, probed
        └── NotOurs      another installation keeps the tokens fresh; take over, or connect anew
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


class RelayError(Exception):
    """The root of the tree."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `code` is required, invalid, too_long or unknown_list."""

    field: str
    code: str
    message: str


class InvalidSignup(RelayError):
    """The fields do not make a sign-up; `errors` has one entry for each wrong field."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.code}" for error in errors))
        self.errors = errors


class KeyReused(RelayError):
    """The same Idempotency-Key came with other content."""


class VisitorLimited(RelayError):
    """This visitor's address has sent too many; `retry_after` says when to try again."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many sign-ups from one address")
        self.retry_after = retry_after


class LedgerUnavailable(RelayError):
    """Redis did not answer in time; whether it stored anything is unknown, asking again is safe."""


class SpoolRefused(LedgerUnavailable):
    """Redis is away, and the spool is off or full, or its disk fails; nothing was kept."""


class Refused(RelayError):
    """What was asked for cannot be done; the message says why and what to do instead."""


class SettingsError(RelayError):
    """Some settings are missing or wrong; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class TokenError(RelayError):
    """No access token can be had."""


class NotConnected(TokenError):
    """No tokens are stored for the account."""


class Revoked(TokenError):
    """Constant Contact refused the refresh token, and no other cause is left."""


class TokenUnavailable(TokenError):
    """The token endpoint failed or was refused for a passing reason; try again later.

    Nothing is asked of it before `retry_at`; None when nothing speaks against asking at once.
    """

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NotOurs(TokenUnavailable):
    """The tokens belong to another installation, whose copy this one seems to be."""
