"""The checks of what is reached over the network: our own public address, and Constant Contact.

Pure: what was seen in, a `Check` out. shared/doctor/installation.py looks.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.domain.check import Check, advice, ok, problem

_PUBLIC, _PUBLIC_TITLE = "public_url", "The public address leads here"


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What came for GET /healthz at the public address: `body` is its JSON, if it was any; and
    `instance` the mark of the installation that says it answered, None when it says nothing."""

    status: int
    location: str | None
    body: object
    instance: str | None


def public_url(url: str, answer: HealthAnswer, own_mark: str) -> Check:
    """Judge who answers at RELAY_PUBLIC_URL; `own_mark` is what this installation would say."""
    if 300 <= answer.status < 400:
        return problem(
            _PUBLIC,
            _PUBLIC_TITLE,
            f"{url} answers with a redirect, to {_origin(answer.location) or 'nowhere'}.",
            "Set RELAY_PUBLIC_URL to the address it leads to: browsers lose what a form posts,"
            " and Constant Contact compares the redirect URI letter by letter.",
        )
    if answer.status != 200 or not _is_ours(answer.body):
        return problem(
            _PUBLIC,
            _PUBLIC_TITLE,
            f"Something else answers at {url}: HTTP {answer.status}.",
            "Let the proxy there pass everything on to `relay web`, or correct RELAY_PUBLIC_URL.",
        )
    if answer.instance is not None and answer.instance != own_mark:
        return problem(
            _PUBLIC,
            _PUBLIC_TITLE,
            f"A signup-relay answers at {url}, but one that goes by another name than this.",
            "Correct RELAY_PUBLIC_URL, or give all processes of one installation the same"
            " RELAY_INSTANCE.",
        )
    return _by_https(url)


def _is_ours(body: object) -> bool:
    return isinstance(body, dict) and body.get("ok") is True


def _by_https(url: str) -> Check:
    if url.startswith("https://") or is_loopback(url):
        return ok(_PUBLIC, _PUBLIC_TITLE, f"{url} is answered by this installation.")
    return advice(
        _PUBLIC,
        _PUBLIC_TITLE,
        f"{url} is answered by this installation, but not by https.",
        "Put a proxy with a certificate before it: what visitors type can be read on its way.",
    )


def public_url_silent(url: str, cause: str) -> Check:
    """Judge a public address where nothing answers; `cause` is our own error's text."""
    if is_loopback(url):
        return problem(
            _PUBLIC,
            _PUBLIC_TITLE,
            f"Nothing answers at {url} ({cause}).",
            "Start `relay web`; for visitors from elsewhere, set RELAY_PUBLIC_URL.",
        )
    return problem(
        _PUBLIC,
        _PUBLIC_TITLE,
        f"Nothing answers at {url} from here ({cause}).",
        "Start `relay web` and the proxy before it, or correct RELAY_PUBLIC_URL. If visitors reach"
        " it all the same, only this host does not.",
    )


_API, _API_TITLE = "constant_contact", "Constant Contact's API answers"


def constant_contact(url: str, status: int) -> Check:
    """Judge what the API answers with to a request without a token; a refusal is as it should
    be."""
    if status < 500:
        return ok(_API, _API_TITLE, f"{_origin(url)} does.")
    return problem(
        _API,
        _API_TITLE,
        f"{_origin(url)} fails (HTTP {status}): sign-ups are accepted and wait.",
        "Wait: all goes on by itself. Or look whether a proxy stands between, and at CTCT_API_URL.",
    )


def constant_contact_silent(url: str, cause: str) -> Check:
    """Judge an API that cannot be reached; `cause` is our own error's text."""
    return problem(
        _API,
        _API_TITLE,
        f"{_origin(url)} does not ({cause}): sign-ups are accepted and wait.",
        "Look whether this host may reach it: a firewall, DNS, or CTCT_API_URL.",
    )


def is_loopback(url: str) -> bool:
    """Whether the address can only mean the host that asks."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _origin(url: str | None) -> str | None:
    """Return scheme and host of an address, without a user, a path or a query."""
    try:
        parts = urlsplit(url or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme and parts.hostname else None
