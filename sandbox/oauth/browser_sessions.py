"""Who is signed in to Constant Contact in which browser.

The real login outlives a consent: the next application gets the same account without a
question, unless it asks with ``prompt=login``. That is how wrong accounts get connected.
"""

import secrets

# Cookies know no ports: the name must not be one that the relay uses on the same host.
COOKIE = "constant_contact_session"


class Sessions:
    """Open sessions by the value of the cookie; lost with the process. Guarded by the
    state's lock."""

    def __init__(self) -> None:
        self._who: dict[str, tuple[str, str]] = {}

    def begin(self, account_id: str, login: str) -> str:
        """Return the cookie's value for a new session."""
        session = secrets.token_urlsafe(16)
        self._who[session] = account_id, login
        return session

    def who(self, session: str) -> tuple[str, str] | None:
        """Return account id and login of a session; None for one that is not known."""
        return self._who.get(session)
