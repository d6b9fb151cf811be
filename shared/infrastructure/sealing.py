"""Sealing: how tokens and keys are encrypted before they are stored in Redis."""

import base64
import hashlib
import hmac
from functools import cached_property
from typing import TYPE_CHECKING

from shared.domain.errors import Refused

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Sealer:
    """Seals with the first of RELAY_SECRET_KEY's keys, opens with any of them."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    @cached_property
    def _fernet(self) -> "MultiFernet":
        # Imported here: it takes 40 ms, and most commands open nothing.
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(_fernet_key(key)) for key in self._keys])

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret; raises `Refused` when none of the keys sealed it."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Refused(
                "RELAY_SECRET_KEY cannot open the secrets that are stored in Redis. Add the old key"
                " to it again, after a comma if a new key comes first."
            ) from error


def _fernet_key(secret: str) -> bytes:
    """Return a key in the form that Fernet wants, from any secret."""
    return base64.urlsafe_b64encode(
        hashlib.sha256(b"signup-relay seal\0" + secret.encode()).digest()
    )


def derived_key(secret: str, purpose: str) -> str:
    """Return a key for one purpose only, which does not reveal `secret`."""
    return hmac.new(secret.encode(), f"signup-relay {purpose}".encode(), "sha256").hexdigest()
