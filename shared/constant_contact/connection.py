"""One kept-alive HTTP connection for one lane, with a deadline that really ends a request.

The timeouts of `requests` are per read: a server that sends a byte a second would keep
a lane for ever. Here a timer shuts the socket down when the whole request has taken too
long, whatever it is doing then. Foreign exceptions end here, too.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from shared.domain.errors import RelayError

# More than any answer that makes sense here; the largest page of lists is far smaller.
LARGEST_ANSWER = 1 << 20
CONNECT_DEADLINE = timedelta(seconds=10)


class _AnswerTooLong(ValueError):
    """The answer has more than `LARGEST_ANSWER` bytes."""


_FOREIGN = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


class ConnectionFailed(RelayError):
    """No usable answer came. Whether the request was carried out is unknown."""


class DeadlineExceeded(ConnectionFailed):
    """The request was ended because it took too long."""


class Connection:
    """At most one connection, to one host at a time. Not for several threads at once."""

    def __init__(self) -> None:
        self._session = requests.Session()
        # Neither .netrc nor proxy variables may change what is sent, nor may a cookie.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = "signup-relay"
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._kept: HTTPConnection | None = None

    def open(self, url: str, *, deadline: timedelta = CONNECT_DEADLINE) -> None:
        """Make sure that a live connection to the host of `url` stands.

        To be called before a slot of the pace is taken, so that a handshake does not
        delay the request past its slot. One that the server dropped is replaced.
        """
        try:
            self._connect(url, deadline.total_seconds())
        except _FOREIGN as error:
            self.close()
            raise ConnectionFailed(f"could not connect: {_words(error)}") from error

    def send(
        self,
        method: str,
        url: str,
        *,
        deadline: timedelta,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer with its body read; redirects are answers like any other.

        `deadline` is for all of it: connecting, sending, headers and body. Raises
        `DeadlineExceeded` and `ConnectionFailed`.
        """
        ends_at = time.monotonic() + deadline.total_seconds()
        self.open(url, deadline=deadline)
        if time.monotonic() >= ends_at:  # looking the host up took all of it, which nothing bounds
            raise _too_late(deadline)
        with self._watched(ends_at) as expired:
            try:
                response = self._session.request(
                    method,
                    url,
                    headers=headers,
                    params=params,
                    json=json,
                    data=data,
                    auth=auth,
                    timeout=max(0.001, ends_at - time.monotonic()),
                    stream=True,
                    allow_redirects=False,
                )
                _read_body(response)
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
        self._kept = None
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self, url: str, seconds: float) -> None:
        pool = self._pool(url)
        kept = pool._get_conn()  # closes it when the other side has hung up
        try:
            self._kept = kept if isinstance(kept, HTTPConnection) else None
            if kept.is_closed:
                kept.timeout = seconds / _tries(pool)
                kept.connect()
        except BaseException:
            kept.close()
            raise
        finally:
            pool._put_conn(kept)

    def _pool(self, url: str) -> HTTPConnectionPool:
        """Return the pool from which requests will take its connection for `url`."""
        request = self._session.prepare_request(requests.Request("GET", url))
        pool = self._adapter.get_connection_with_tls_context(request, verify=True)
        self._adapter.cert_verify(pool, url, True, None)  # type: ignore[no-untyped-call]
        return cast(HTTPConnectionPool, pool)

    @contextlib.contextmanager
    def _watched(self, ends_at: float) -> Iterator[threading.Event]:
        """Shut the socket down at `ends_at`; the event tells that this happened."""
        kept, expired = self._kept, threading.Event()
        first = kept.sock if kept else None

        def expire() -> None:
            expired.set()
            # http.client lets go of a socket that will not be kept, while it still reads
            # from it; and urllib3 may have connected anew. So both are shut down.
            for sock in (first, kept.sock if kept else None):
                _shut_down(sock)

        timer = threading.Timer(max(0.0, ends_at - time.monotonic()), expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()


def _shut_down(sock: socket.socket | None) -> None:
    if sock is not None:
        with contextlib.suppress(OSError):  # it was closed in the meantime
            sock.shutdown(socket.SHUT_RDWR)


def _tries(pool: HTTPConnectionPool) -> int:
    """Return how many steps of connecting have a timeout each: every address, and TLS."""
    addresses = socket.getaddrinfo(pool.host, pool.port, type=socket.SOCK_STREAM)
    return len(addresses) + 1


def _read_body(response: requests.Response) -> None:
    body = bytearray()
    with contextlib.closing(response):
        for chunk in response.iter_content(1 << 16):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _AnswerTooLong
    response._content = bytes(body)


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
