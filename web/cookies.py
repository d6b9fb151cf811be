"""The cookies that we set: their names, which pages get them, and what protects them.

Over https and at a host of our own, a cookie's name begins with ``__Host-``. Browsers take such a
cookie from this host alone. Otherwise, a website on a neighbouring name could put one of its own in
place of ours. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Response, request

from shared.infrastructure.settings import Settings
from web.services import services


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie for the pages below `below`, such as `/console`. `plain_name` has no prefix."""

    plain_name: str
    below: str

    def name(self, settings: Settings) -> str:
        return f"__Host-{self.plain_name}" if settings.owns_https_host else self.plain_name

    def path(self, settings: Settings) -> str:
        """Return the path below which browsers send it: with the prefix, it must be all paths."""
        if settings.owns_https_host:
            return "/"
        return urlsplit(settings.public_url).path + self.below

    def value(self) -> str:
        """Return what this request's cookie holds; nothing if it has none."""
        return request.cookies.get(self.name(services().settings), "")

    def set(self, response: Response, value: str, life: timedelta) -> None:
        settings = services().settings
        response.set_cookie(
            self.name(settings),
            value,
            max_age=life,
            path=self.path(settings),
            secure=is_secure(settings),
            httponly=True,
            # Not strict: the login at Constant Contact returns here from another site.
            samesite="Lax",
        )


def is_secure(settings: Settings) -> bool:
    """Whether browsers may send our cookies over TLS alone."""
    return urlsplit(settings.public_url).scheme == "https"
