"""The entrance: every request of a serving process, from ASGI to the answer.

The body is read first, whole. A usual sign-up is then taken here, in the event loop. Flask answers
all else, on threads.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from shared.infrastructure.addresses import client_network
from web.console.hashing_gate import HashingGate
from web.request_ids import RequestIds
from web.security_headers import security_headers
from web.server.bodies import Body, BodyReader, Receive
from web.server.files import MOST_FILES, FileSender, Send
from web.server.flask_threads import FlaskThreads, RequestWork, please_wait
from web.server.http_request import HttpRequest
from web.signup.fast_path import LARGEST_BODY, FastPath, NotStored
from web.signup.problem_answers import REFUSED_UNREAD, TOO_MANY_REFUSED
from web.signup.reading.request_body import BODY_LIMIT
from web.signup.receipt import BodyParts, HttpAnswer
from web.signup.refused_requests import RefusedRequests
from web.signup.routes import NOT_STORED
from web.visitor_address import VisitorAddress

log = logging.getLogger(__name__)

# For all that is no sign-up: the longest that an operator or a client sends is an address.
OTHER_LIMIT = 16 * 1024
# The paths that answer with a file of any size.
FILES_AT = {"/console/failed/export"}
# By the first part of a path. Below the slow ones, Constant Contact is asked, or all accounts are
# read.
WORK_AT = {
    "console": RequestWork.SLOW,
    "connect": RequestWork.SLOW,
    "api": RequestWork.API,
    "metrics": RequestWork.SLOW,
}


class Entrance:
    """The ASGI app. `route` makes of a path what the app's routes have; `on_all` are headers of
    every answer; `close` ends what the process has open."""

    def __init__(
        self,
        *,
        bodies: BodyReader,
        fast_path: FastPath,
        flask: FlaskThreads,
        files: FileSender,
        gate: HashingGate,
        route: Callable[[str], str],
        visitors: VisitorAddress,
        refused: RefusedRequests,
        request_ids: RequestIds,
        on_all: Mapping[str, str],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.close = close
        self._bodies = bodies
        self._fast_path = fast_path
        self._flask = flask
        self._files = files
        self._gate = gate
        self._route = route
        self._visitors = visitors
        self._refused = refused
        self._request_ids = request_ids
        self._on_all = _encoded(on_all.items())

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = HttpRequest(scope, self._request_ids.of(scope["headers"]))
        if unfit := _unfit(request):
            await self._send(send, request, unfit, last=True)
            await self._bodies.drop_rest(receive)
        else:
            await self._serve(request, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer the server when it starts and when it ends."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        visitor = self._visitors.find(request.peer, request.head.headers, method=request.method)
        path = self._route(request.path)
        body = await self._bodies.read(
            receive,
            request.length,
            limit=OTHER_LIMIT if _form_at(path) is None else BODY_LIMIT,
            network=client_network(visitor),
        )
        answer = await self._answer(request, body, path=path, visitor=visitor)
        if answer.rest:
            await self._send_file(send, receive, request, answer, answer.rest)
            return
        await self._send(send, request, answer, last=not body.whole)
        if body.too_large:
            await self._bodies.drop_rest(receive)

    async def _answer(
        self, request: HttpRequest, body: Body, *, path: str, visitor: str
    ) -> HttpAnswer:
        form = _form_at(path)
        if form is not None and request.method == "POST":
            return await self._sign_up(form, request, body, path=path, visitor=visitor)
        return await self._answer_by_flask(request, body, path=path, visitor=visitor)

    async def _sign_up(
        self, form: str, request: HttpRequest, body: Body, *, path: str, visitor: str
    ) -> HttpAnswer:
        wait, taken = self._refused.wait(form, visitor), None
        unread = wait is not None and (len(body.content) > LARGEST_BODY or not body.whole)
        if body.whole and not unread:
            taken = await self._take(form, request, body, visitor)
        if isinstance(taken, HttpAnswer):
            return taken
        known = {NOT_STORED: taken, TOO_MANY_REFUSED: wait, REFUSED_UNREAD: unread}
        answer = await self._answer_by_flask(request, body, path=path, visitor=visitor, **known)
        self._refused.note(form, visitor, answer.status)
        return answer

    async def _answer_by_flask(
        self, request: HttpRequest, body: Body, *, path: str, visitor: str, **known: Any
    ) -> HttpAnswer:
        sender = self._gate.sender(request, path=path, address=visitor)
        if sender and (refusal := self._gate.refusal(sender)):
            return refusal
        work = sender.work if sender else _work(path)
        if work == RequestWork.FILE and self._files.is_full:
            return _files_are_full()
        answer = await self._flask.answer(
            request, body, path=path, work=work, REMOTE_ADDR=visitor, **known
        )
        if sender:
            self._gate.note(sender, answer.status)
        return answer

    async def _send_file(
        self,
        send: Send,
        receive: Receive,
        request: HttpRequest,
        answer: HttpAnswer,
        rest: BodyParts,
    ) -> None:
        """Send the file, unless others have taken the last place meanwhile."""
        if self._files.is_full:
            rest.close()
            await self._send(send, request, _files_are_full())
            return
        with self._files.place():
            await self._send(send, request, answer)
            of = request.id.shown()
            await self._files.send(rest, send, receive, request_id=of)

    async def _send(
        self, send: Send, request: HttpRequest, answer: HttpAnswer, *, last: bool = False
    ) -> None:
        """Send the answer. The `last` one of its connection says so: granian closes that after a
        body that was not read in time, and a proxy would send its next request there."""
        shown = request.id.shown(answer.signup)
        headers = [*_encoded(answer.headers), *self._on_all, (b"x-request-id", shown.encode())]
        if last:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        more = answer.rest is not None
        await send({"type": "http.response.body", "body": answer.body, "more_body": more})

    async def _take(
        self, form: str, request: HttpRequest, body: Body, visitor: str
    ) -> HttpAnswer | NotStored | None:
        try:
            return await self._fast_path.take(
                form, request.head, body.content, address=visitor, request=request.id
            )
        except Exception as error:  # noqa: BLE001 - any error: the view takes it, and logs its own
            cause, of = type(error).__name__, request.id.shown()
            log.warning("the view takes over a sign-up", extra={"cause": cause, "request_id": of})
            return None


def _work(path: str) -> RequestWork:
    return (
        RequestWork.FILE if path in FILES_AT else WORK_AT.get(path.split("/")[1], RequestWork.USUAL)
    )


def _files_are_full() -> HttpAnswer:
    return please_wait(f"{MOST_FILES} exports are being sent just now.", 30)


def _unfit(request: HttpRequest) -> HttpAnswer | None:
    """Return the refusal of a request that means no one thing; None for any other."""
    if not request.has_one_host:
        return _ONE_HOST
    return None if request.is_plain else _ENCODED


def _form_at(path: str) -> str | None:
    """Return the name of the form whose page is at `path`; None for other paths."""
    parts = path.split("/")
    return parts[2] if len(parts) == 3 and parts[1] == "f" else None


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _refusal(status: int, text: bytes) -> HttpAnswer:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return HttpAnswer(status, [*security_headers().items(), *headers.items()], text)


_ONE_HOST = _refusal(
    400,
    b"This request needs one Host header, and only one, in ASCII. Nothing was stored.\n",
)
_ENCODED = _refusal(
    501,
    b"The body is compressed (Transfer-Encoding). Please send it uncompressed. Nothing was stored."
    b"\n",
)
