"""Applications: API keys, and their secrets, which are stored sealed.

The application in the settings serves every account without an application of its own. The secret
of any other is sealed together with the address of the authorization server that it was typed in
for, and goes to no other server.
"""

import json
import re
from dataclasses import dataclass, field

import redis

from shared.domain.errors import Refused
from shared.infrastructure.sealing import Sealer
from shared.ledger.stores import documents

_PLAIN = re.compile(r"[!-~]{4,200}")


@dataclass(frozen=True, slots=True)
class Application:
    """What Constant Contact's portal calls an application: its API key and its secret."""

    client_id: str
    client_secret: str = field(repr=False)

    @property
    def tail(self) -> str:
        """The end of the API key, by which people recognize it."""
        return f"…{self.client_id[-4:]}"


class Applications:
    """Finds the secret of an API key. Raises `LedgerUnavailable`."""

    def __init__(
        self, client: "redis.Redis", sealer: Sealer, default: Application, *, auth_url: str
    ) -> None:
        """`auth_url` is the authorization server that secrets would be sent to."""
        self.default = default
        self._auth_url = auth_url
        self._secrets = documents.applications(client)
        self._sealer = sealer

    def find(self, client_id: str) -> Application | None:
        """Return the application with this API key; None when its secret is not known, or is for
        another authorization server."""
        if client_id == self.default.client_id:
            return self.default
        sealed = self._secrets.find(client_id)
        if sealed is None:
            return None
        secret, auth_url = _opened(self._sealer.open(sealed))
        if auth_url is None:
            auth_url = self._adopt(client_id, sealed, secret)
        return Application(client_id, secret) if auth_url == self._auth_url else None

    def _adopt(self, client_id: str, sealed: str, secret: str) -> str | None:
        """Note that a secret from an older version is for this server, unless somebody else has
        noted another one meanwhile. Return the server."""
        self._swap(client_id, sealed, self._sealed(secret))
        stored = self._secrets.find(client_id)
        return _opened(self._sealer.open(stored))[1] if stored else None

    def move(self, client_id: str, before: str) -> None:
        """Have the secret sent to this server, if it went to the one at `before`."""
        if sealed := self._secrets.find(client_id):
            secret, auth_url = _opened(self._sealer.open(sealed))
            if auth_url == before:
                self._swap(client_id, sealed, self._sealed(secret))

    def keep(self, application: Application) -> None:
        """Store the application of an account.

        This replaces an older secret of the API key, for all accounts that use the key.
        """
        if application.client_id != self.default.client_id:
            self._secrets.save(application.client_id, self._sealed(application.client_secret))

    def forget(self, client_id: str) -> None:
        """Forget the secret of an API key that no account uses any more."""
        self._secrets.remove(client_id)

    def _swap(self, client_id: str, sealed: str, anew: str) -> None:
        """Put `anew` in the place of `sealed`, unless something else is there by now."""
        self._secrets.change(lambda all: {client_id: anew} if all.get(client_id) == sealed else {})

    def _sealed(self, secret: str) -> str:
        return self._sealer.seal(json.dumps([secret, self._auth_url]))


def _opened(text: str) -> tuple[str, str | None]:
    """Return a secret and its server; older versions sealed the secret alone."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return (found[0], found[1]) if isinstance(found, list) and len(found) == 2 else (text, None)


def check_application(client_id: str, client_secret: str) -> Application:
    """Return the two as an application. Raises `Refused` when one of them cannot be right, most
    likely because something else was pasted."""
    key, secret = client_id.strip(), client_secret.strip()
    for what, value in (("API key", key), ("secret", secret)):
        if not value:
            raise Refused(f"The {what} is missing. The portal shows it on the application's page.")
        if "@" in value and "." in value:
            raise Refused(f"The {what} looks like an e-mail address. Copy the {what} instead.")
        if "://" in value:
            raise Refused(f"The {what} looks like a web address. Copy the {what} itself.")
        if not _PLAIN.fullmatch(value):
            raise Refused(
                f"The {what} contains blanks or unusual characters, or it is too short or too long."
                " Copy only this value from the application's page."
            )
    if key == secret:
        raise Refused(
            "The API key and the secret are equal. The portal shows two different values."
        )
    return Application(key, secret)
