"""A small web server that takes what is posted to it: a webhook for tests to look into."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from shared.addresses import free_port


class Webhook:
    """Listens on a free port of 127.0.0.1, from ``with`` to its end.

    `address` is how the alert library calls it, `page` how browsers do; `status` is what it
    answers from now on. `taken` has what was posted, `asked` the paths that were only asked for.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"json://127.0.0.1:{self.port}/the-secret-path"
        self.page = f"http://127.0.0.1:{self.port}/the-secret-path"
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.asked: list[str] = []

    @property
    def titles(self) -> list[str]:
        return [str(message["title"]) for message in self.taken]

    def __enter__(self) -> Self:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if webhook.status == 200:
                    webhook.taken.append(json.loads(body))
                self.send_response(webhook.status)
                self.end_headers()

            def do_GET(self) -> None:
                webhook.asked.append(self.path)
                self.send_response(webhook.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing of it goes to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
