"""Flask on a few threads, behind the event loop that reads requests and sends answers.

A thread has the whole body in memory and returns the whole answer. So it never waits for a visitor.
Large files follow part by part (`files`).
"""

import asyncio
import contextlib
import io
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from shared.infrastructure.logs import log_fields
from web.request_ids import HEADER, REQUEST_ID
from web.security_headers import security_headers
from web.server.bodies import Body
from web.server.http_request import HttpRequest
from web.signup.receipt import HttpAnswer
from web.streamed_files import STREAMED

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


# Of all threads. Scripts have threads of their own: many requests with long answers keep neither
# visitors nor operators waiting.
SLOW_THREADS = 4
API_THREADS = 2


class RequestWork(Enum):
    """What a request asks for, and so which threads answer it."""

    USUAL = auto()
    SLOW = auto()  #: may ask Constant Contact
    FILE = auto()  #: the same, and the answer is a file of any size
    API = auto()  #: is a script's
    HASHING = auto()  #: compares a password with its hash, for a stranger
    HASHING_KNOWN = auto()  #: does that, or makes a hash, for a browser that signed in before


# So many hash or wait for it. Each hash takes a core for 60 ms, and 32 MiB: so strangers have one
# thread, and known browsers another, and no operator who is signed in waits for those who sign in.
# The last stranger waits half a second, and the last known browser two. Further ones are refused.
MOST_HASHING = {RequestWork.HASHING: 8, RequestWork.HASHING_KNOWN: 32}


class FlaskThreads:
    """Runs a WSGI app on at most `threads` threads.

    Requests that may take long share `SLOW_THREADS` of them, and scripts `API_THREADS`. So they
    never hold all. Each kind of `MOST_HASHING` has one. Used by one event loop alone.
    """

    def __init__(self, app: "WSGIApplication", *, prefix: str, threads: int) -> None:
        """The app's own addresses begin with `prefix`."""
        self._app = app
        self._prefix = prefix
        counts = {
            RequestWork.SLOW: SLOW_THREADS,
            RequestWork.API: API_THREADS,
            **dict.fromkeys(MOST_HASHING, 1),
        }
        counts[RequestWork.USUAL] = threads - sum(counts.values())
        self._pools = {
            work: ThreadPoolExecutor(count, thread_name_prefix=f"flask-{work.name.lower()}")
            for work, count in counts.items()
        }
        self._pools[RequestWork.FILE] = self._pools[RequestWork.SLOW]
        self._hashing = dict.fromkeys(MOST_HASHING, 0)

    async def answer(
        self, request: HttpRequest, body: Body, *, path: str, work: RequestWork, **extra: Any
    ) -> HttpAnswer:
        """Return the app's answer at `path`. `extra` is added to the WSGI environment."""
        place = {"SCRIPT_NAME": self._prefix, "PATH_INFO": path.encode().decode("latin-1")}
        run = partial(self._run, environ_of(request, body) | place | extra)
        if work not in MOST_HASHING:
            return await self._on_a_thread(work, run)
        if self._hashing[work] >= MOST_HASHING[work]:
            return please_wait("Many people are signing in just now.", 1)
        self._hashing[work] += 1
        try:
            return await self._on_a_thread(work, run)
        finally:
            self._hashing[work] -= 1

    async def _on_a_thread(self, work: RequestWork, run: Callable[[], HttpAnswer]) -> HttpAnswer:
        return await asyncio.get_running_loop().run_in_executor(self._pools[work], run)

    def close(self) -> None:
        """End the threads once they have answered."""
        for pool in self._pools.values():
            pool.shutdown()

    def _run(self, environ: "WSGIEnvironment") -> HttpAnswer:
        with log_fields(request_id=environ[REQUEST_ID].shown()):
            found = Response.from_app(self._app, environ)
            if found.headers.pop(STREAMED, None):
                rest = ClosingIterator(found.iter_encoded(), found.close)
                return HttpAnswer(found.status_code, list(found.headers), rest=rest)
            with contextlib.closing(found):
                body = found.get_data()
        signup = found.headers.pop(HEADER, None)
        return HttpAnswer(found.status_code, list(found.headers), body, signup)


def environ_of(request: HttpRequest, body: Body) -> "WSGIEnvironment":
    """Return the WSGI environment (PEP 3333) of a request whose body was read, but for its path
    and the visitor's address."""
    scope = request.scope
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.head.query.decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "CONTENT_TYPE": request.head.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(body.length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body.content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        REQUEST_ID: request.id,
    }
    for name, value in request.head.headers.items():
        if name not in _OF_THE_BODY:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    if not _has_routes(request.head.host):
        environ["HTTP_HOST"] = ""
    return environ


def _has_routes(host: str) -> bool:
    """Whether Flask finds routes under `host`. It looks at each name as DNS would have it, and
    fails with a name that DNS cannot have."""
    try:
        host.partition(":")[0].encode("idna")
    except UnicodeError:
        return False
    return True


# A chunked body has arrived whole, so it has a length like any other.
_OF_THE_BODY = {"content-type", "content-length", "transfer-encoding"}


def please_wait(why: str, seconds: int) -> HttpAnswer:
    """Return the answer to a request that reached no thread."""
    wait = "a second" if seconds == 1 else f"{seconds} seconds"
    page = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>One moment</title>
<h1>One moment</h1>
<p>{why} Nothing was changed.
Wait {wait}, then reload this page.</p>
</html>
"""
    headers = [
        *security_headers().items(),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(seconds)),
    ]
    return HttpAnswer(429, headers, page.encode())
