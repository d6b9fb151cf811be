"""One kept-alive HTTP connection for one lane, with a deadline that really ends a request.

The timeouts of HTTP libraries are per read: a server that sends one byte a second would keep a
lane for ever. Here every read and every write gets only the time that is left. That needs the
socket itself, so neither `urllib3` nor `requests` is used. Foreign exceptions end here, too.
"""

import io
import socket
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from http.client import HTTPException
from typing import Any, Self

import certifi

from shared.constant_contact.errors import ConnectionFailed, DeadlineExceeded
from shared.constant_contact.http_message import (
    Address,
    basic_auth,
    read_response,
    read_url,
    request_bytes,
)
from shared.constant_contact.response import Response

CONNECT_DEADLINE = timedelta(seconds=10)

_FOREIGN = (HTTPException, OSError, ValueError)


class Connection:
    """At most one connection, to one host at a time. Not for several threads at once.

    Neither .netrc nor proxy variables change what is sent, and cookies are not kept.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._origin: tuple[bool, str, int] | None = None

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
        sock, address = self._opened(url, deadline)
        headers = {**(basic_auth(*auth) if auth else {}), **(headers or {})}
        try:
            _send(sock, request_bytes(method, address, headers, json=json, data=data), ends_at)
            response, is_last = read_response(method, _TimedReader(sock, ends_at))
        except _FOREIGN as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise _too_late(deadline) from error
            raise ConnectionFailed(f"the connection broke: {_words(error)}") from error
        if is_last:
            self.close()
        return response

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """The certificate of the server on the other end, as `ssl` tells it; None without TLS."""
        return self._socket.getpeercert() if isinstance(self._socket, ssl.SSLSocket) else None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, url: str, deadline: timedelta) -> tuple[socket.socket, Address]:
        try:
            address = read_url(url)
            return self._connected(address, deadline.total_seconds()), address
        except _FOREIGN as error:
            raise ConnectionFailed(f"could not connect: {_words(error)}") from error

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        """Return the connection that is kept, if it is live and to this host; else a new one."""
        if self._socket and self._origin == address.origin and _is_live(self._socket):
            return self._socket
        self.close()
        self._socket, self._origin = _connect(address, seconds), address.origin
        return self._socket


def _is_live(sock: socket.socket) -> bool:
    """Whether the server has neither closed the connection nor said something unasked."""
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):  # TLS may have had something to tell
        return True
    except OSError:
        pass
    return False


def _connect(address: Address, seconds: float) -> socket.socket:
    """Return a new connection. Its steps share the `seconds`: every address, and TLS."""
    host, port = address.host, address.port
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    sock = socket.create_connection((host, port), timeout=seconds / (len(addresses) + 1))
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _tls().wrap_socket(sock, server_hostname=host) if address.tls else sock
    except BaseException:
        sock.close()
        raise


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _send(sock: socket.socket, message: bytes, ends_at: float) -> None:
    left = memoryview(message)
    while left:
        sock.settimeout(_seconds_until(ends_at))
        left = left[sock.send(left) :]


class _TimedReader(io.RawIOBase):
    """Reads from the socket until `ends_at`. Raises `TimeoutError` after that."""

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._socket = sock
        self._ends_at = ends_at

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_seconds_until(self._ends_at))
        return self._socket.recv_into(buffer)


def _seconds_until(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _too_late(deadline: timedelta) -> DeadlineExceeded:
    return DeadlineExceeded(f"no answer within {deadline.total_seconds():g} s")


def _words(error: Exception) -> str:
    """Return what happened. The error's own text is left out unless it is the operating system's,
    as libraries quote URLs in theirs."""
    match error:
        case TimeoutError():
            return "timed out"
        case OSError(strerror=str(text)):
            return text
    return type(error).__name__
