"""The entrance: every request of a serving process, from ASGI to the answer.

The body is read first, whole. Then Flask answers, on a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.infrastructure.addresses import client_network
from web.server.bodies import BodyReader, Receive
from web.server.flask_threads import FlaskThreads
from web.server.http_request import HttpRequest
from web.signup.reading.request_body import BODY_LIMIT
from web.signup.receipt import Answer

Send = Callable[[dict[str, Any]], Awaitable[None]]

# For all that is no sign-up: the longest that an operator or a client sends is an address.
OTHER_LIMIT = 16 * 1024


class Entrance:
    """The ASGI app. `route` makes of a path what the app's routes have; `find_visitor` returns the
    address of the visitor who sent a request. `close` ends what the process has open.
    """

    def __init__(
        self,
        *,
        bodies: BodyReader,
        flask: FlaskThreads,
        route: Callable[[str], str],
        find_visitor: Callable[[HttpRequest], str],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.close = close
        self._bodies = bodies
        self._flask = flask
        self._route = route
        self._find_visitor = find_visitor

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer the server when it starts and when it ends."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = HttpRequest(scope)
        visitor = self._find_visitor(request)
        form = self._form(request)
        body = await self._bodies.read(
            receive,
            request.length,
            limit=OTHER_LIMIT if form is None else BODY_LIMIT,
            network=client_network(visitor),
        )
        await _send(send, await self._flask.answer(request, body))
        if body.too_large:
            await self._bodies.drop_rest(receive)

    def _form(self, request: HttpRequest) -> str | None:
        """Return the name of the form that the request is for; None for other requests."""
        parts = self._route(request.path).split("/")
        return parts[2] if len(parts) == 3 and parts[1] == "f" else None


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
