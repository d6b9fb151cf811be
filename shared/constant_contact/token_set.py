"""Tokens as the token endpoint gives them, and what they tell about themselves."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

# "A static 24 hours", says Constant Contact. Used when neither the answer nor the token tells.
USUAL_LIFE = timedelta(hours=24)
_LONGEST_LIFE = timedelta(days=366)
_LAST_SECOND = 253402300799  # of the year 9999
# What RFC 6749 allows in a token, without the blank: it goes into a header as it is. The names of
# scopes have the same letters.
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """The answer of the token endpoint. `refresh_token` is None without offline_access."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: timedelta | None
    scope: str | None = None

    @classmethod
    def from_json(cls, body: Any) -> "TokenSet | None":
        """Return the tokens in `body`, or None when there is no access token in it."""
        if not isinstance(body, dict) or not _is_token(body.get("access_token")):
            return None
        refresh_token, scope = body.get("refresh_token"), body.get("scope")
        return cls(
            access_token=body["access_token"],
            refresh_token=refresh_token if _is_token(refresh_token) else None,
            expires_in=duration_in(body.get("expires_in")),
            scope=scope if is_filled(scope) else None,
        )

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return what `from_json` reads, as if it had been received `now`."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": self.life(now).total_seconds(),
            "scope": self.scope,
        }

    def life(self, now: datetime) -> timedelta:
        """Return how long the access token is valid from `now`, when it was just received."""
        if self.expires_in is not None:
            return self.expires_in
        expires_at = _claims(self.access_token).get("exp")
        if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
            return USUAL_LIFE
        # Limited first: a whole number may have more digits than Python can calculate with.
        left = max(0.0, max(0, min(expires_at, _LAST_SECOND)) - now.timestamp())
        return timedelta(seconds=min(left, _LONGEST_LIFE.total_seconds()))

    def login(self) -> str | None:
        """Return who logged in, if the token tells."""
        login = _claims(self.access_token).get("sub")
        # Halves of characters can neither be stored nor shown.
        return login.encode(errors="replace").decode() or None if isinstance(login, str) else None

    def scopes(self) -> frozenset[str] | None:
        """Return the scopes that the token or the answer names; None when unknown."""
        claimed = _claims(self.access_token).get("scp")
        if isinstance(claimed, list):
            return frozenset(filter(_is_token, claimed))
        return frozenset(filter(_is_token, self.scope.split())) if self.scope else None


def _claims(access_token: str) -> dict[str, Any]:
    """Return the claims of a JWT, or none for any other token.

    Not verified on purpose: only the API decides whether a token is good, and the keys to
    verify it with are on a host that Constant Contact does not document.
    """
    import jwt  # takes 80 ms, and few commands read a token

    try:
        claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    except (jwt.PyJWTError, KeyError, ValueError, AttributeError, TypeError):
        return {}
    return claims


def is_filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def duration_in(value: object) -> timedelta | None:
    """Return `expires_in`, a number or a number in quotes, as a duration."""
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < seconds <= _LONGEST_LIFE.total_seconds():
        return None
    return timedelta(seconds=seconds)
