"""A small web server that runs beside a test, in a thread of its own."""

import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.ports import free_port


class QuietHandler(BaseHTTPRequestHandler):
    """Prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of it goes to the terminal."""


class SmallServer(ABC):
    """Listens on a free port of 127.0.0.1, from ``with`` to its end."""

    def __init__(self) -> None:
        self.port = free_port()

    @abstractmethod
    def make_handler(self) -> type[QuietHandler]:
        """Return what answers."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self.make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
