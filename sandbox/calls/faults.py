"""Faults on demand: slow, broken, refused and lost answers.

A fault applies to a path prefix, or to the token calls of one grant type. It lasts for a number
of calls, or until a control call clears it. If several faults match a call, it waits for the
slowest and gets the answer of the one that was set first.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, json

from sandbox import error_answers
from sandbox.oauth.issued_tokens import GRANT_TYPES

_HTML = "<!doctype html><title>Error</title><h1>502 Bad Gateway</h1><hr><p>cloudfront</p>"

_DRIP_PAUSE = 0.1
_PIECE = 1 << 16
# How many bytes a reset withholds of a body that has no other end.
_NEVER_SENT = 64

# A fault with one of these answers in place of the API.
_KEYS_OF_ANSWERS = frozenset(
    {
        *("status", "retry_after", "hang_seconds", "drip_seconds", "content_type", "blanks"),
        *("body", "html", "empty", "reset", "throttle_storm", "quota_exceeded", "redirect"),
        *("truncated", "oauth_error"),
    }
)
_LATENCIES = frozenset({"latency_ms", "answer_latency_ms"})
_EFFECTS = _KEYS_OF_ANSWERS | _LATENCIES | {"lost_answer"}
KEYS = _EFFECTS | {"path", "grant_type", "count"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer in place of the API's own.

    ``blanks`` and a drip of ``drip_seconds`` come before the body. The connection closes when
    ``missing`` bytes of the body are still to come.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    blanks: int = 0
    drip_seconds: float = 0
    hang_seconds: float = 0

    def response(self, cleared: threading.Event) -> Response:
        """Return it as a response; the drip ends early when the faults are ``cleared``."""
        in_pieces = self.missing or self.blanks or self.drip_seconds
        body = self._pieces(cleared) if in_pieces else self.body
        made = Response(body, status=self.status, content_type=self.content_type)
        if self.missing:
            made.headers["Content-Length"] = str(self.blanks + len(self.body) + self.missing)
        made.headers.extend(dict(self.headers))
        return made

    def _pieces(self, cleared: threading.Event) -> Iterator[bytes]:
        for _ in range(int(self.drip_seconds / _DRIP_PAUSE)):
            yield b" "
            if cleared.wait(_DRIP_PAUSE):
                break
        for sent in range(0, self.blanks, _PIECE):
            yield b" " * min(_PIECE, self.blanks - sent)
        yield self.body
        if self.missing:
            # The caller should get what was sent before the connection closes.
            time.sleep(0.01)
            raise ConnectionAbortedError("the connection was cut on demand")


@dataclass(slots=True)
class Fault:
    """``answer``, if any, replaces the work, or with ``after_work`` only the answer to it.

    The call waits ``latency_seconds`` before the work and ``answer_latency_seconds`` after it.
    """

    spec: dict[str, Any]
    path: str
    grant_type: str | None
    left: int | None
    latency_seconds: float
    answer_latency_seconds: float
    answer: Answer | None
    after_work: bool

    def matches(self, path: str, grant_type: str | None) -> bool:
        return path.startswith(self.path) and self.grant_type in (None, grant_type)

    def use(self) -> None:
        if self.left is not None:
            self.left -= 1


@dataclass(frozen=True, slots=True)
class FaultEffect:
    """The effect of the faults in force on one call."""

    latency_seconds: float = 0
    answer_latency_seconds: float = 0
    instead: Answer | None = None
    after_work: Answer | None = None


class Faults:
    """The faults in force. The state's lock guards all but `wait`."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        # Set when the present faults are cleared. Later faults get an event of their own.
        self.cleared = threading.Event()

    def add(self, spec: dict[str, Any]) -> None:
        """Put a fault in force; raise ValueError if its description is invalid."""
        self._faults.append(fault_from(spec))

    def clear(self) -> None:
        """End all faults; calls that hang or wait for one continue at once."""
        self._faults.clear()
        self.cleared.set()
        self.cleared = threading.Event()

    def use(self, path: str, grant_type: str | None = None) -> FaultEffect:
        """Return the effect of the faults that match a call; this uses each of them once.

        ``grant_type`` is that of a token call.
        """
        matching = [each for each in self._faults if each.matches(path, grant_type)]
        slow = [each for each in matching if each.answer is None]
        answering = next((each for each in matching if each.answer), None)
        used = [*slow, answering] if answering else slow
        for each in used:
            each.use()
        self._faults = [each for each in self._faults if each.left is None or each.left > 0]
        answer = answering.answer if answering else None
        after_work = answering is not None and answering.after_work
        return FaultEffect(
            latency_seconds=max((each.latency_seconds for each in used), default=0),
            answer_latency_seconds=max((each.answer_latency_seconds for each in used), default=0),
            instead=None if after_work else answer,
            after_work=answer if after_work else None,
        )

    def wait(self, seconds: float) -> None:
        """Sleep for ``seconds``, or until the faults are cleared."""
        if seconds > 0:
            self.cleared.wait(seconds)

    def as_json(self) -> list[dict[str, Any]]:
        return [each.spec | {"path": each.path, "count": each.left} for each in self._faults]


def fault_from(spec: dict[str, Any]) -> Fault:
    """Return the fault that a control call describes; raise ValueError if it is invalid."""
    lost = bool(spec.get("lost_answer"))
    answering = lost or bool(_KEYS_OF_ANSWERS & spec.keys())
    if not answering and not _LATENCIES & spec.keys():
        raise ValueError("a fault needs at least one of: " + ", ".join(sorted(_EFFECTS)))
    count = spec.get("count")
    if count is not None and (type(count) is not int or count < 1):
        raise ValueError("count must be a whole number from 1")
    grant_type = spec.get("grant_type")
    if grant_type not in (None, *GRANT_TYPES):
        raise ValueError("grant_type must be one of: " + ", ".join(GRANT_TYPES))
    of_tokens = "grant_type" in spec or "oauth_error" in spec
    return Fault(
        spec=spec,
        path=str(spec.get("path", "/oauth2" if of_tokens else "/v3")),
        grant_type=grant_type,
        left=count,
        latency_seconds=float(spec.get("latency_ms", 0)) / 1000,
        answer_latency_seconds=float(spec.get("answer_latency_ms", 0)) / 1000,
        answer=_answer(spec) if answering else None,
        after_work=lost,
    )


def _answer(spec: dict[str, Any]) -> Answer:
    status, body, content_type = _content(spec)
    missing = _NEVER_SENT if spec.get("reset") else 0
    if spec.get("truncated"):
        body, missing = body[: len(body) // 2], len(body) - len(body) // 2
    headers = {}
    if "retry_after" in spec:
        headers["Retry-After"] = str(spec["retry_after"])
    if "redirect" in spec:
        headers["Location"] = str(spec["redirect"])
    return Answer(
        status=int(spec.get("status", status)),
        body=body,
        content_type=str(spec.get("content_type", content_type)),
        headers=headers,
        missing=missing,
        blanks=int(spec.get("blanks", 0)),
        drip_seconds=float(spec.get("drip_seconds", 0)),
        hang_seconds=float(spec.get("hang_seconds", 0)),
    )


def _content(spec: dict[str, Any]) -> tuple[int, bytes, str]:
    """Return the usual status of this kind of answer, its body and its content type."""
    json_type = "application/json"
    match spec:
        case {"html": html}:
            return 502, (html if isinstance(html, str) else _HTML).encode(), "text/html"
        case {"empty": True}:
            return 200, b"", json_type
        case {"redirect": _}:
            return 302, b"", "text/html"
        case {"body": body}:
            return 200, json.dumps(body).encode(), json_type
        case {"oauth_error": error}:
            refusal = error_answers.OAuthError(str(error), "Refused on demand.")
            return 400, json.dumps(refusal.body).encode(), json_type
        case {"throttle_storm": True}:
            return 429, json.dumps(error_answers.refused("throttled").body).encode(), json_type
        case {"quota_exceeded": True}:
            return 429, json.dumps(error_answers.refused("quota_exceeded").body).encode(), json_type
        case {"reset": True}:
            return 200, b"", json_type
        case {"hang_seconds": _}:
            status = spec.get("status", 504)
        case {"retry_after": _}:
            status = spec.get("status", 503)
        case _:
            status = spec.get("status", 500)
    return status, json.dumps(error_answers.body_for(status)).encode(), json_type
