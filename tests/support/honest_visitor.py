"""A visitor who loads a form and signs up, again and again, and measures how long that takes."""

import http.client
import itertools
import time
from urllib.parse import urlencode

from tests.support.beside import Beside


class HonestVisitor(Beside):
    """Every 100 ms, loads the form, signs up as somebody new, and asks for web's health.

    `seconds` has the duration of each request, `refused` each answer that was not as usual.
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.refused: list[str] = []
        self.rounds = self.signed_up = 0
        self._port = port

    def _run(self) -> None:
        for number in itertools.count():
            body = urlencode({"email": f"honest-{id(self)}-{number}@example.com"})
            self._ask("GET", "/f/news", 200)
            self.signed_up += self._ask("POST", "/f/news", 303, body)
            self._ask("GET", "/healthz", 200)
            self.rounds += 1
            if self._ended.wait(0.1):
                return

    def _ask(self, method: str, path: str, expected: int, body: str | None = None) -> bool:
        """Return whether the answer was as usual."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.refused.append(f"{method} {path}: {type(error).__name__}")
            return False
        finally:
            connection.close()
            self.seconds.append(time.monotonic() - begun)
        if status != expected:
            self.refused.append(f"{method} {path}: {status}")
        return status == expected
