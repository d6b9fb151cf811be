"""The doctor's requests to web: to the public address as a visitor's, or straight to web."""

import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from shared.constant_contact.answers import read_body
from shared.constant_contact.connection import Connection
from shared.constant_contact.errors import ConnectionFailed
from shared.doctor.deploy.visit import Seen
from shared.doctor.network_checks import HealthAnswer

# Eight requests follow each other, and a healthy proxy answers each within milliseconds.
ANSWER_WITHIN = timedelta(seconds=4)
_NOT_REACHED = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswer:
    """`seen` is what web tells of the request, if it knows the doctor. `certificate_until` is None
    without TLS."""

    status: int
    headers: Mapping[str, str]
    body: object = None
    certificate_until: datetime | None = None

    @property
    def seen(self) -> Seen | None:
        return Seen.in_body(self.body)

    def as_health(self) -> HealthAnswer:
        return HealthAnswer.of(self.status, self.headers, self.body)


def ask(
    url: str, headers: Mapping[str, str], *, post: Mapping[str, str] | None = None
) -> WebAnswer:
    """GET the page at `url`, or post a form to it. Raises `ConnectionFailed`."""
    with Connection() as connection:
        connection.open(url, deadline=ANSWER_WITHIN)
        certificate = connection.certificate
        method = "GET" if post is None else "POST"
        answer = connection.send(method, url, deadline=ANSWER_WITHIN, headers=headers, data=post)
    return WebAnswer(
        status=answer.status_code,
        headers=answer.headers,
        body=read_body(answer),
        certificate_until=_end_of(certificate),
    )


def _end_of(certificate: Mapping[str, object] | None) -> datetime | None:
    ends = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC) if ends else None


def may_be_out_of_reach(url: str, error: ConnectionFailed) -> bool:
    """Return whether `error` may be this host's alone, so that visitors reach `url` all the same.

    Some networks let no host inside reach the public address ("hairpin NAT"). If the address is
    one of this host itself, nobody reaches it.
    """
    cause = error.__cause__
    silent = isinstance(cause, TimeoutError) or getattr(cause, "errno", None) in _NOT_REACHED
    return silent and not _is_this_host(url)


def certificate_refusal(error: ConnectionFailed) -> str | None:
    """Return why the server's certificate was refused; None if that was not the cause."""
    cause = error.__cause__
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else None


def is_unknown_name(error: ConnectionFailed) -> bool:
    """Return whether the host's name has no address."""
    cause = error.__cause__
    return isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN


def _is_this_host(url: str) -> bool:
    """Return whether the name in `url` leads to an address of this host: only then can a socket
    have it."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_is_own(family, address[0]) for family, *_, address in found)


def _is_own(family: int, address: object) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
