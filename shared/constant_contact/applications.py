"""Applications: API keys, and their secrets, which are stored sealed.

The application in the settings serves every account without an application of its own.
"""

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

    def __init__(self, client: "redis.Redis", sealer: Sealer, default: Application) -> None:
        self.default = default
        self._secrets = documents.applications(client)
        self._sealer = sealer

    def find(self, client_id: str) -> Application | None:
        """Return the application with this API key; None when its secret is not known."""
        if client_id == self.default.client_id:
            return self.default
        sealed = self._secrets.find(client_id)
        return Application(client_id, self._sealer.open(sealed)) if sealed else None

    def keep(self, application: Application) -> None:
        """Store the application of an account.

        This replaces an older secret of the API key, for all accounts that use the key.
        """
        if application.client_id != self.default.client_id:
            sealed = self._sealer.seal(application.client_secret)
            self._secrets.save(application.client_id, sealed)

    def forget(self, client_id: str) -> None:
        """Forget the secret of an API key that no account uses any more."""
        self._secrets.remove(client_id)


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
