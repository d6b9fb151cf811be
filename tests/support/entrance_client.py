"""Test clients whose requests come in as visitors' do: through the ASGI entrance before Flask.

Set one as a Flask app's `test_client_class`. Each request has an event loop of its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient

from web.app import create_entrance
from web.server.entrance import Entrance

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CGI_NAMES = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


class EntranceClient(FlaskClient):
    """Its usual sign-ups take the fast path."""

    takes_fast_path = True

    def run_wsgi_app(self, environ: "WSGIEnvironment", buffered: bool = False) -> Any:
        flask: Any = self.application
        self.application = through_entrance(  # type: ignore[assignment]
            flask, takes_fast_path=self.takes_fast_path
        )
        try:
            return super().run_wsgi_app(environ, buffered)
        finally:
            self.application = flask


class ViewClient(EntranceClient):
    """Its sign-ups are left to the view, whatever they are."""

    takes_fast_path = False


def through_entrance(
    flask: Flask, *, takes_fast_path: bool = True
) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI app that has `flask` answer through the entrance."""

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Unlike `run`, this sets no handler of Ctrl-C: for that, it would describe the request.
        with asyncio.Runner() as runner:
            exchange = _exchange(flask, environ, takes_fast_path)
            start, *parts = runner.get_loop().run_until_complete(exchange)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
        start_response(f"{start['status']} -", headers)
        return [part["body"] for part in parts]

    return app


async def _exchange(
    flask: Flask, environ: "WSGIEnvironment", takes_fast_path: bool
) -> list[dict[str, Any]]:
    entrance = create_entrance(flask)
    if not takes_fast_path:
        entrance._fast_path.take = _leave_it  # type: ignore[method-assign]
    # Each loop connects anew, which a busy machine may hold up. A process does it once.
    entrance._fast_path.channel._pool.connection_kwargs["socket_connect_timeout"] = 5
    try:
        return await ask(entrance, environ)
    finally:
        await entrance.close()


async def _leave_it(*_: object, **__: object) -> None:
    """Stand for a fast path that takes nothing."""


async def ask(entrance: Entrance, environ: "WSGIEnvironment") -> list[dict[str, Any]]:
    """Return the messages that answer the request."""
    sent: list[dict[str, Any]] = []
    unread = [{"type": "http.request", "body": environ["wsgi.input"].read(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not unread:
            await asyncio.Event().wait()  # the client stays until it has the answer
        return unread.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await entrance(_scope(environ), receive, send)
    return sent


def _scope(environ: "WSGIEnvironment") -> dict[str, Any]:
    path = environ["PATH_INFO"].encode("latin-1")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path.decode(errors="replace"),
        "raw_path": quote(path).encode(),
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "server": (environ["SERVER_NAME"], environ["SERVER_PORT"]),
        "client": (environ.get("REMOTE_ADDR", "127.0.0.1"), "40000"),
        "headers": list(_headers(environ)),
    }


def _headers(environ: "WSGIEnvironment") -> Iterable[tuple[bytes, bytes]]:
    for key, value in environ.items():
        name = _CGI_NAMES.get(key) or key.removeprefix("HTTP_").lower().replace("_", "-")
        if (key in _CGI_NAMES or key.startswith("HTTP_")) and value:
            yield name.encode(), value.encode("latin-1")
