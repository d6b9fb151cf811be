"""Flask on a few threads, behind the event loop that reads requests and sends answers.

A thread has the whole body in memory and returns the whole answer. So it never waits for a visitor.
"""

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from web.server.bodies import Body
from web.server.http_request import HttpRequest
from web.signup.receipt import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


# Of all threads. More would hash more passwords at a time, with 32 MiB each.
SLOW_THREADS = 4


class FlaskThreads:
    """Runs a WSGI app on at most `threads` threads.

    Requests that may take long share `SLOW_THREADS` of them. So they never hold all.
    """

    def __init__(self, app: "WSGIApplication", *, prefix: str, threads: int) -> None:
        """The app's own addresses begin with `prefix`."""
        self._app = app
        self._prefix = prefix
        self._pool = ThreadPoolExecutor(threads - SLOW_THREADS, thread_name_prefix="flask")
        self._slow_pool = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="flask-slow")

    async def answer(
        self, request: HttpRequest, body: Body, *, path: str, slow: bool = False, **extra: Any
    ) -> Answer:
        """Return the app's answer at `path`. `extra` is added to the WSGI environment."""
        place = {"SCRIPT_NAME": self._prefix, "PATH_INFO": path.encode().decode("latin-1")}
        environ = environ_of(request, body) | place | extra
        pool = self._slow_pool if slow else self._pool
        return await asyncio.get_running_loop().run_in_executor(pool, self._run, environ)

    def close(self) -> None:
        """End the threads once they have answered."""
        self._pool.shutdown()
        self._slow_pool.shutdown()

    def _run(self, environ: "WSGIEnvironment") -> Answer:
        found = Response.from_app(self._app, environ, buffered=True)
        return Answer(found.status_code, list(found.headers), found.get_data())


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
    }
    for name, value in request.head.headers.items():
        if name not in _OF_THE_BODY:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return environ


# A chunked body has arrived whole, so it has a length like any other.
_OF_THE_BODY = {"content-type", "content-length", "transfer-encoding"}
