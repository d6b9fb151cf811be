"""Requests that hash passwords: one of strangers and one of known browsers at once, a few that
wait, and the others refused at once."""

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from web.request_ids import RequestId
from web.server.bodies import Body
from web.server.entrance import _work
from web.server.flask_threads import MOST_HASHING, FlaskThreads, RequestWork
from web.server.http_request import HttpRequest
from web.signup.receipt import HttpAnswer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "server": ("127.0.0.1", "80"),
    "client": ("127.0.0.1", "40000"),
    "headers": [],
}


class App:
    """Answers /hash only when `go_on` is set, and counts how many it has at once."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/hash":
            self._wait()
        start("200 OK", [])
        return [b"done"]

    def _wait(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go_on.wait(timeout=20)
        with self._lock:
            self.now -= 1


OTHERS = (RequestWork.SLOW, RequestWork.API, RequestWork.USUAL)


async def flood(app: App, hashing: int) -> tuple[list[HttpAnswer], list[HttpAnswer]]:
    """Return the answers to so many that hash, and to others which came meanwhile."""
    flask = FlaskThreads(app, prefix="", threads=18)

    def ask(path: str, work: RequestWork) -> Any:
        body = Body(content=b"", length=0)
        return flask.answer(HttpRequest(SCOPE, RequestId("own")), body, path=path, work=work)

    hashes = [
        asyncio.create_task(ask("/hash", work)) for work in MOST_HASHING for _ in range(hashing)
    ]
    others = [await asyncio.wait_for(ask("/", work), 10) for work in OTHERS]
    refused, _ = await asyncio.wait(hashes, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert len(refused) >= 1
    deadline = time.monotonic() + 10
    while app.now < len(MOST_HASHING) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    app.go_on.set()
    answers = await asyncio.gather(*hashes)
    again = [await ask("/hash", work) for work in MOST_HASHING]
    flask.close()
    return [*answers, *again], others


def test_five_hundred_at_once_keep_nobody_else_waiting() -> None:
    app = App()
    answers, others = asyncio.run(flood(app, 500))
    assert [other.status for other in others] == [200] * len(OTHERS)
    *at_once, again, again_known = (answer.status for answer in answers)
    for most, those in zip(MOST_HASHING.values(), (at_once[:500], at_once[500:]), strict=True):
        assert those == [200] * most + [429] * (500 - most)
    assert (again, again_known) == (200, 200)
    assert app.most == len(MOST_HASHING)
    refused = answers[499]
    assert dict(refused.headers)["Retry-After"] == "1"
    assert b"Nothing was changed" in refused.body


@pytest.mark.parametrize(
    ("path", "work"),
    [
        ("/console/sign-in", RequestWork.SLOW),
        ("/connect/link/x", RequestWork.SLOW),
        ("/api/v1/status", RequestWork.API),
        ("/f/news", RequestWork.USUAL),
        ("/", RequestWork.USUAL),
    ],
)
def test_which_threads_a_request_gets(path: str, work: RequestWork) -> None:
    assert _work(path) == work
