"""A customer's own website on a host of its own, whose pages post to us."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from tests.support.small_server import QuietHandler, SmallServer


class Website(SmallServer):
    """Serves the page of each path, with `headers`. A query `?policy=…` becomes the page's
    Referrer-Policy."""

    def __init__(self, pages: Mapping[str, str], headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._pages = pages
        self._headers = headers or {}

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def make_handler(self) -> type[QuietHandler]:
        pages, headers = self._pages, self._headers

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                page = pages.get(address.path)
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                for policy in parse_qs(address.query).get("policy", []):
                    self.send_header("Referrer-Policy", policy)
                self.end_headers()
                self.wfile.write(f"<!doctype html><title>x</title>{page or ''}".encode())

        return Handler
