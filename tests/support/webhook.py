"""A small web server that takes what is posted to it: a webhook for tests to look into."""

import json
from typing import Any

from tests.support.small_server import QuietHandler, SmallServer


class Webhook(SmallServer):
    """`address` is how the alert library calls it, `page` how browsers do; `status` is what it
    answers from now on. `taken` has what was posted, `asked` the paths that were only asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.address = f"json://127.0.0.1:{self.port}/the-secret-path"
        self.page = f"http://127.0.0.1:{self.port}/the-secret-path"
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.asked: list[str] = []

    @property
    def titles(self) -> list[str]:
        return [str(message["title"]) for message in self.taken]

    def make_handler(self) -> type[QuietHandler]:
        webhook = self

        class Handler(QuietHandler):
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

        return Handler
