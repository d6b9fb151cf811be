"""Signatures: whether Constant Contact's public keys say that it issued an access token.

Only for people to see. The keys are on a host that Constant Contact does not document, so
nothing depends on them.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from shared.constant_contact.answers import read_body
from shared.constant_contact.connection import Connection, ConnectionFailed
from shared.constant_contact.oauth import is_signed_by, issuer

_DEADLINE = timedelta(seconds=5)
_VENDOR = ".constantcontact.com"
# Plain letters only: of an odder address, two programs may each see another host in it.
_ISSUER = re.compile(r"https://((?:[a-z0-9-]+\.)+constantcontact\.com)((?:/[A-Za-z0-9_-]+)*)")


class KeySet:
    """Reads the issuer's keys, each time: accounts are connected rarely."""

    def __init__(self, auth_url: str, *, connect: Callable[[], Connection]) -> None:
        self._auth_url = auth_url
        self._connect = connect

    def is_right(self, access_token: str) -> bool | None:
        """Whether Constant Contact signed it; None when the keys cannot be had, or when it is no
        token that tells who issued it."""
        url = self._url(issuer(access_token))
        if url is None:
            return None
        with self._connect() as connection:
            try:
                response = connection.send("GET", url, deadline=_DEADLINE)
            except ConnectionFailed:
                return None
        keys = read_body(response) if response.status_code == 200 else None
        return is_signed_by(access_token, keys) if isinstance(keys, dict) else None

    def _url(self, issued_by: str | None) -> str | None:
        """Return where the issuer's keys are. The token is not trusted yet, so only the vendor's
        own hosts are asked; beside a stand-in for it, the stand-in."""
        found = _ISSUER.fullmatch(issued_by or "")
        if found is None:
            return None
        host, path = found.groups()
        own = urlsplit(self._auth_url)
        if (own.hostname or "").endswith(_VENDOR):
            return f"https://{host}{path}/v1/keys"
        return f"{own.scheme}://{own.netloc}{path}/v1/keys"
