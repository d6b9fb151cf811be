"""One kept-alive HTTP connection for one lane, with a deadline that really ends a request.

The timeouts of HTTP libraries are per read: a server that sends one byte a second would keep a
lane for ever. Here a timer shuts the socket down when the whole request has taken too long,
whatever it is doing then. Only `urllib3.connection` gives access to the socket, so neither its
pools nor `requests` are used. Foreign exceptions end here, too.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.client import HTTPException
from json import dumps
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import certifi
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import Url, make_headers, parse_url

from shared.constant_contact.errors import ConnectionFailed, DeadlineExceeded
from shared.constant_contact.response import Response

# More than any answer that makes sense here; the largest page of lists is far smaller.
LARGEST_ANSWER = 1 << 20
CONNECT_DEADLINE = timedelta(seconds=10)


class _AnswerTooLong(ValueError):
    """The answer has more than `LARGEST_ANSWER` bytes."""


_FOREIGN = (HTTPError, HTTPException, OSError, ValueError)


class Connection:
    """At most one connection, to one host at a time. Not for several threads at once.

    Neither .netrc nor proxy variables change what is sent, and cookies are not kept.
    """

    def __init__(self) -> None:
        self._http: HTTPConnection | None = None
        self._origin: tuple[str | None, ...] | None = None
        # Its warnings quote whole URLs, and some of these are secret.
        logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

    def open(self, url: str, *, deadline: timedelta = CONNECT_DEADLINE) -> None:
        """Make sure that there is a live connection to the host of `url`.

        To be called before a slot of the pace is taken, so that a TLS handshake does not
        delay the request past its slot. One that the server dropped is replaced.
        """
        self._opened(url, deadline)

    def send(
        self,
        method: str,
        url: str,
        *,
        deadline: timedelta,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Response:
        """Return the answer with its body read; redirects are answers like any other.

        `deadline` is for all of it: connecting, sending, headers and body. Raises
        `DeadlineExceeded` and `ConnectionFailed`.
        """
        ends_at = time.monotonic() + deadline.total_seconds()
        http = self._opened(url, deadline)
        if time.monotonic() >= ends_at:  # looking the host up took all of it, which nothing bounds
            raise _too_late(deadline)
        with _shut_down_at(ends_at, http) as expired:
            try:
                http.timeout = max(0.001, ends_at - time.monotonic())
                body, content_type = _encoded(json, data)
                http.request(
                    method,
                    parse_url(url).request_uri,
                    body,
                    {**_headers(auth), **content_type, **(headers or {})},
                    preload_content=False,
                )
                response = _read(http.getresponse())
            except _FOREIGN as error:
                self.close()
                if expired.is_set() or time.monotonic() >= ends_at:
                    raise _too_late(deadline) from error
                raise ConnectionFailed(f"the connection broke: {_words(error)}") from error
        # A body without a length ends where the connection does, so one that was cut
        # off at the deadline would pass for a whole one.
        if expired.is_set():
            self.close()
            raise _too_late(deadline)
        return response

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
        self._http = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self, url: str, deadline: timedelta) -> HTTPConnection:
        try:
            return self._connected(parse_url(url), deadline.total_seconds())
        except _FOREIGN as error:
            raise ConnectionFailed(f"could not connect: {_words(error)}") from error

    def _connected(self, url: Url, seconds: float) -> HTTPConnection:
        """Return the connection that is kept, if it is live and to this host; else a new one."""
        origin = (url.scheme, url.netloc)
        if self._http is not None and self._http.is_connected and self._origin == origin:
            return self._http
        self.close()
        http = _connection_to(url)
        http.timeout = seconds / _steps(http)
        try:
            http.connect()
        except BaseException:
            http.close()
            raise
        self._http, self._origin = http, origin
        return http


def _connection_to(url: Url) -> HTTPConnection:
    if not url.host:
        raise ValueError("no host")
    host = url.host.strip("[]")
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, ca_certs=certifi.where())
    return HTTPConnection(host, url.port)


def _steps(http: HTTPConnection) -> int:
    """Return how many steps of connecting have a timeout each: every address, and TLS."""
    return len(socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)) + 1


@contextlib.contextmanager
def _shut_down_at(ends_at: float, http: HTTPConnection) -> Iterator[threading.Event]:
    """Shut the socket down at `ends_at`; the event tells that this happened."""
    # Kept here: http.client lets go of a socket that will be closed, while it still reads from it.
    sock, expired = http.sock, threading.Event()

    def expire() -> None:
        expired.set()
        with contextlib.suppress(OSError):  # it was closed in the meantime
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, ends_at - time.monotonic()), expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


def _headers(auth: tuple[str, str] | None) -> dict[str, str]:
    basic = ":".join(auth) if auth else None
    return {"Accept": "*/*"} | make_headers(
        accept_encoding=True, user_agent="signup-relay", basic_auth=basic
    )


def _encoded(json: Any, data: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    """Return the body, and the header that says what it is."""
    if json is not None:
        return dumps(json, allow_nan=False).encode(), {"Content-Type": "application/json"}
    if data is not None:
        form = "application/x-www-form-urlencoded"
        return urlencode(data).encode(), {"Content-Type": form}
    return None, {}


def _read(answer: BaseHTTPResponse) -> Response:
    body = bytearray()
    with contextlib.closing(answer):
        for chunk in answer.stream(1 << 16):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _AnswerTooLong
    return Response(answer.status, answer.headers, bytes(body))


def _too_late(deadline: timedelta) -> DeadlineExceeded:
    return DeadlineExceeded(f"no answer within {deadline.total_seconds():g} s")


def _words(error: BaseException) -> str:
    """Return what happened, by the innermost cause. Its own text is left out unless it is
    the operating system's, as libraries quote URLs in theirs."""
    inmost = error
    while (inner := inmost.__cause__ or inmost.__context__ or _wrapped(inmost)) is not None:
        inmost = inner
    match inmost:
        case TimeoutError():
            return "timed out"
        case OSError(strerror=str(text)):
            return text
        case _:
            return type(inmost).__name__.lstrip("_")


def _wrapped(error: BaseException) -> BaseException | None:
    return next((arg for arg in error.args if isinstance(arg, BaseException)), None)
