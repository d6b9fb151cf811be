"""The browsers that are signed in to Constant Contact, and as which user.

The real login outlives a consent. The next application gets the same account without a question,
unless it asks with ``prompt=login``. This is how people connect the wrong account.
"""

import secrets

# Cookies ignore ports, so the relay on the same host must not use this name.
COOKIE = "constant_contact_session"


class Sessions:
    """Open sessions by the value of the cookie; they end with the process.

    The state's lock guards them.
    """

    def __init__(self) -> None:
        self._who: dict[str, tuple[str, str]] = {}

    def begin(self, account_id: str, login: str) -> str:
        """Return the cookie's value for a new session."""
        session = secrets.token_urlsafe(16)
        self._who[session] = account_id, login
        return session

    def user_of(self, session: str) -> tuple[str, str] | None:
        """Return account id and login of a session; None for an unknown one."""
        return self._who.get(session)
