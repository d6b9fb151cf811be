"""All errors of signup-relay, as a tree. The branch decides what happens next.

RelayError
├── InvalidSignup        the visitor can fix it               -> 422, nothing stored
├── KeyReused            same Idempotency-Key, other content  -> 422, nothing stored
├── VisitorLimited       too many from one address            -> 429, nothing stored
├── LedgerUnavailable    Redis cannot store it now            -> web stores it on disk
│   └── SpoolRefused     the disk cannot either               -> 503, safe to send again
├── Refused              an operator's request is impossible  -> exit 1, says what to do
│   ├── WrongFilter      of a list                            -> 422, names the filter
│   ├── TooManyTries     to sign in                           -> 429, nothing was compared
│   ├── WrongPassword    of who is signed in, asked once more -> 422, nothing was changed
│   ├── WrongCode        wrong, or used before                -> 401 or 422
│   │   └── WrongPresentCode  of the app that another one is to replace
│   ├── NoSuchSignup     no sign-up has the id                -> exit 1; 404
│   ├── NoSuchAccount    no account has the name              -> exit 1; 404
│   ├── NoSuchJob        no job has the id                    -> exit 1; 404
│   └── UnreadableRecord a stored record cannot be read       -> exit 1, nothing was changed
├── SettingsError        settings are missing or wrong        -> exit 2, nothing starts
└── TokenError           no access token is available
    ├── NotConnected     no tokens are stored                 -> hold `reconnect`, not probed
    ├── Revoked          the refresh token is proven dead     -> hold `reconnect`, not probed
    └── TokenUnavailable the token endpoint failed for now    -> hold `reconnect`, probed
        ├── NotOurs      another installation owns the tokens: on a copy, connect another
        │                account; after a move, `relay accounts take-over`
        └── OtherOrigin  they were got at other addresses than are configured: put those back;
                         after a move of Constant Contact's, `relay accounts move-tokens`
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.phrases import counted
from shared.domain.redis_problem import RedisProblem
from shared.domain.texts import Text


class RelayError(Exception):
    """The root of the tree."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """The error of one field. `code` is required, invalid, too_long or unknown_list."""

    field: str
    code: str
    text: Text | str

    @property
    def message(self) -> str:
        """The text in English. Visitors read it in their language."""
        return str(self.text)


class InvalidSignup(RelayError):
    """Some fields are wrong. `errors` has one entry for each.

    `missing_field` is the name of the field that nothing on the page means. Then the page's owner
    must mend it, not the visitor.
    """

    def __init__(self, errors: list[FieldError], *, missing_field: str | None = None) -> None:
        super().__init__("; ".join(f"{error.field}: {error.code}" for error in errors))
        self.errors = errors
        self.missing_field = missing_field


class KeyReused(RelayError):
    """The same Idempotency-Key came with other content."""


class VisitorLimited(RelayError):
    """This visitor's network has sent too many sign-ups; try again after `retry_after`."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many sign-ups from one address")
        self.retry_after = retry_after


class LedgerUnavailable(RelayError):
    """Redis did not answer in time, or refused. It may have stored something; repeating the call
    is safe. `problem` is what people read about it; its `what` is the text of the error."""

    def __init__(self, problem: RedisProblem | str = "Redis does not answer") -> None:
        self.problem = RedisProblem(problem) if isinstance(problem, str) else problem
        super().__init__(self.problem.what)


class SpoolRefused(LedgerUnavailable):
    """Redis is away, and the spool is off or full, or its disk fails. Nothing was stored."""


class Refused(RelayError):
    """The request is impossible. The message says why, and what to do instead."""


def _rounded_up(seconds: int) -> str:
    if seconds < 60:
        return counted(seconds, "second")
    minutes = -(-seconds // 60)
    return counted(minutes, "minute") if minutes < 120 else counted(-(-minutes // 60), "hour")


class WrongFilter(Refused):
    """A filter of a list is wrong; `name` says which one."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class TooManyTries(Refused):
    """Too many wrong names, passwords or codes; try again after `retry_after`. `advice` says what
    else helps."""

    def __init__(self, retry_after: timedelta, advice: str = "") -> None:
        wait = _rounded_up(math.ceil(retry_after.total_seconds()))
        super().__init__(f"Too many tries. Please wait {wait}, then try again.{advice}")
        self.retry_after = retry_after


class WrongPassword(Refused):
    """Who is signed in gave a password that is not theirs."""

    def __init__(self) -> None:
        super().__init__("This is not your current password.")


class WrongCode(Refused):
    """The code of the second factor is wrong, or somebody has used it."""

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong, or was used before. Wait until your app shows the next one."
        )


class WrongPresentCode(WrongCode):
    """The same, of the second factor that is to be replaced."""


class NoSuchSignup(Refused):
    """No sign-up has this id, in no account."""

    def __init__(self, id: str) -> None:
        super().__init__(
            f"There is no sign-up {id}. List failed ones with: relay failed list. List"
            " quarantined sign-ups with: relay quarantine list"
        )


class NoSuchAccount(Refused):
    """No account has this name."""


class NoSuchJob(Refused):
    """No job has this id, or it ended long ago."""


class UnreadableRecord(Refused):
    """Something else than this version wrote a stored record. `record` says which one it is."""

    def __init__(self, record: str) -> None:
        super().__init__(
            f"The stored record of this cannot be read: {record}. It was not changed, and other"
            " records are not affected. See what to do with: relay doctor"
        )


class SettingsError(RelayError):
    """Some settings are missing or wrong; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class TokenError(RelayError):
    """No access token is available."""


class NotConnected(TokenError):
    """No tokens are stored for the account."""


class Revoked(TokenError):
    """Constant Contact refused the refresh token, and no other cause is possible."""


class TokenUnavailable(TokenError):
    """The token endpoint failed, or refused us, for a temporary reason.

    No call is made before `retry_at`; None means that a call may be made at once.
    """

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class OtherOrigin(TokenUnavailable):
    """The tokens were got at another API, or authorization server, than the one that is configured.
    They are sent to no other."""


class NotOurs(TokenUnavailable):
    """The tokens belong to another installation. This one seems to be a copy of it."""
