"""The names of this server: what a request for the pages of operators must have as its `Host`.

A stranger's page can have its own name lead to 127.0.0.1 (DNS rebinding). To the browser of an
operator, that page and the console are then one site. The name in `Host` gives it away.

Visitors' pages and health answer under every name. They have nothing that a page could not ask for
itself, and no sign-up may get lost because a proxy does not pass the name on.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from flask import render_template, request
from flask.typing import ResponseReturnValue

from shared.domain.web_addresses import dns_name, is_loopback_host
from shared.infrastructure.addresses import plain_address
from shared.infrastructure.settings import Settings
from web.services import services

# The first parts of operators' paths. Clients whom an operator sends a link come there, too.
CHECKED = ("console", "connect")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]*)?", re.ASCII)
_LONGEST_SHOWN = 100


def check_host() -> ResponseReturnValue | None:
    """Refuse a request for an operator's page under a name that is not ours."""
    host, settings = request.headers.get("Host", ""), services().settings
    if request.path.split("/")[1] not in CHECKED or is_ours(host, settings):
        return None
    page = render_template(
        "other_host.html",
        host=host if name_in(host) and len(host) <= _LONGEST_SHOWN else None,
        public_url=settings.public_url,
    )
    return page, 421


def is_ours(host: str, settings: Settings) -> bool:
    """Whether `host`, a `Host` header, names this server: as RELAY_PUBLIC_URL or RELAY_BIND does,
    or as loopback. Ports do not count, since tunnels and containers change them.

    If web listens everywhere, any address will do: a name leads a browser astray, no address does.
    """
    name = name_in(host)
    if name is None:
        return False
    bound = settings.bind.host
    named = urlsplit(settings.public_url).hostname or ""
    if name in (_plain(named), _plain(bound)) or is_loopback_host(name):
        return True
    return _is_unspecified(bound) and plain_address(name) is not None


def name_in(host: str) -> str | None:
    """Return the name or address in a `Host` header; None for other text."""
    found = _HOST.fullmatch(host.lower())
    return _plain(found[1].strip("[]")) if found else None


def _plain(name: str) -> str:
    """Return the name or address as browsers send it, without the dot that may end a name."""
    return plain_address(name) or dns_name(name.lower().removesuffix("."))


def _is_unspecified(host: str) -> bool:
    """Whether a server that listens at `host` listens at every address of its machine."""
    address = plain_address(host)
    return address is not None and ipaddress.ip_address(address).is_unspecified
