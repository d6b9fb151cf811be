"""When a connection that works now will end, unless somebody connects the account again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Constant Contact ends a refresh token that nobody has used for so long.
UNUSED_LIFE = timedelta(days=180)
# Longer than an operator's holiday.
WARN_BEFORE = timedelta(days=21)


# Why a refresh failed, where only a person can mend it: the secret was renewed, or is wrong.
SECRET_REFUSED = "Constant Contact does not accept the API key with this secret"  # noqa: S105 - a message


class EndCause(StrEnum):
    """Why a connection will end."""

    REFUSED = "refused"  #: the refresh token is refused; the last access token still works
    CLIENT = "client"  #: the API key's secret is refused; the last access token still works
    UNUSED = "unused"  #: the refresh token was not used for almost 180 days


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionEnd:
    """The end of a connection that works until `at`."""

    cause: EndCause
    at: datetime


def end_after_refusal(
    *, now: datetime, expires_at: datetime, access_refused: bool
) -> ConnectionEnd | None:
    """Return when a connection ends whose refresh token is refused; None when it has ended."""
    works = now < expires_at and not access_refused
    return ConnectionEnd(cause=EndCause.REFUSED, at=expires_at) if works else None


def end_of_secret(*, now: datetime, expires_at: datetime) -> ConnectionEnd | None:
    """Return when a connection ends whose secret is refused; None when it has ended."""
    return ConnectionEnd(cause=EndCause.CLIENT, at=expires_at) if now < expires_at else None


def end_without_use(*, now: datetime, used_at: datetime) -> ConnectionEnd | None:
    """Return when a refresh token ends that was last used at `used_at`; None when that is far.

    The time may be over: nobody knows before the token is tried.
    """
    at = used_at + UNUSED_LIFE
    return ConnectionEnd(cause=EndCause.UNUSED, at=at) if at - now <= WARN_BEFORE else None
