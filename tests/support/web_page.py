"""A small web server that answers every request in the same way."""

from tests.support.small_server import QuietHandler, SmallServer


class WebPage(SmallServer):
    """Its answer may be changed at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b'{"ok": true}'

    def make_handler(self) -> type[QuietHandler]:
        page = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

        return Handler
