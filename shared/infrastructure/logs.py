"""Logs: constant messages with fields, one line each, without personal data and secrets."""

import contextlib
import json
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from shared.domain.printable import printable

# Strangers choose what is redacted, so each pattern takes time in proportion to the text: it begins
# only where a run begins, and gives nothing of the run back (`++`).

# Not the `…@` that replaces the credentials of a URL.
_LOCAL = r"[^\s@<>\"'(),:;\\\[\]=&?/…]"
_EMAIL = re.compile(
    rf"(?<!{_LOCAL}){_LOCAL}++@[^\s@<>\"'(),:;\\\[\]&.]++\.[^\s@<>\"'(),:;\\\[\]&]+"
)
# What is left of a run at the end of a text that was cut there.
_LAST_RUN = re.compile(r"(?<![^\s<>\"'(),:;\\\[\]=&?/])[^\s<>\"'(),:;\\\[\]=&?/]++\Z")
# A JWT, a bearer token, or any long run without spaces that is not a UUID, a path or the name of a
# setting, such as some of Celery's: words of one case with underscores between them.
_NO_NAME = r"(?!(?:[a-z]+(?:_[a-z]+)+|[A-Z]+(?:_[A-Z]+)+)(?![\w+=-]))"
_TOKEN = re.compile(
    r"(?<![\w-])eyJ[\w-]++\.[\w-]++\.[\w-]*+|(?i:bearer)\s++\S+"
    rf"|\b{_NO_NAME}[A-Za-z0-9_+-]{{41,}}={{0,2}}"
)
_CREDENTIALS = re.compile(r"((?<!\w)\w++://)[^/\s@]++@")

LogFormat = Literal["text", "json"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# What this thread works on, such as a sign-up: fields of every line that is logged meanwhile.
_context: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default=MappingProxyType({}))


def redact(text: str) -> str:
    """Return `text` without e-mail addresses, tokens and passwords in URLs."""
    text = _CREDENTIALS.sub(r"\1…@", text)
    return _TOKEN.sub("[secret]", _EMAIL.sub("[address]", text))


def redacted_start(text: str, longest: int) -> str:
    """Return the start of `text`, redacted. It is cut first, as strangers may send a megabyte. Half
    an address or a token at the cut is left out."""
    some = text[: 2 * longest]
    if len(some) < len(text):
        some = _LAST_RUN.sub("…", some)
    return redact(some)[:longest]


class LineFormatter(logging.Formatter):
    """One line per record: time, process, level, message, then the record's fields.

    Messages and tracebacks of libraries are redacted, too. Nothing in them adds a line that could
    be a record's: only tracebacks have several lines, and each begins with blanks.
    """

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        if fields.get("request_id") == fields.get("signup"):  # as it is for most sign-ups
            fields.pop("request_id", None)
        shown = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
        time = self.formatTime(record, self.datefmt)
        message = record.getMessage().replace("\n", "\\n")
        line = f"{time} {self._process:7} {record.levelname.lower():7} {message}{shown}"
        if exception := _exception(record):
            line = "\n  ".join([line, *exception.split("\n")])
        return printable(redact(line))


class JsonFormatter(logging.Formatter):
    """One JSON object per record, on one line, a traceback in it. Every text in it is redacted."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        known: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": self._process,
            "pid": record.process,
        }
        if exception := _exception(record):
            known["exception"] = exception
        more = {name: value for name, value in _fields(record).items() if name not in known}
        return json.dumps(_redacted({**known, **more}))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _redacted(value: Any) -> Any:
    """Return the value as JSON can have it, each text in it redacted."""
    match value:
        case None | bool() | int():
            return value
        case dict():
            return {redact(str(name)): _redacted(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(each) for each in value]
        case float() if math.isfinite(value):
            return value
    return redact(str(value))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    own = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {**_context.get(), **own}


def _exception(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return "".join(traceback.format_exception(*record.exc_info)).rstrip()


def _shown(value: Any) -> str:
    """Return the value on one line: nobody may add a line to the log."""
    text = str(value)
    return repr(text) if " " in text or not text.isprintable() else text


@contextlib.contextmanager
def log_fields(**fields: Any) -> Iterator[None]:
    """Have every line that this thread logs meanwhile have these fields, too."""
    before = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(before)


def configure(process: str, format: LogFormat, level: int = logging.INFO) -> None:
    """Send all logs of this process, named `process`, to standard error: also Python's warnings,
    and errors that nothing has caught."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process) if format == "json" else LineFormatter(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = lambda *error: _log_uncaught("an error ended the process", error)
    sys.unraisablehook = lambda found: _log_uncaught(
        "an error was ignored", (found.exc_type, found.exc_value, found.exc_traceback)
    )
    threading.excepthook = lambda found: _log_uncaught(
        "an error ended a thread", (found.exc_type, found.exc_value, found.exc_traceback)
    )


def _log_uncaught(message: str, error: tuple[Any, Any, Any]) -> None:
    if not issubclass(error[0], KeyboardInterrupt | SystemExit):
        logging.getLogger(__name__).critical(message, exc_info=error)
