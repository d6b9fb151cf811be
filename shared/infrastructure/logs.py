"""Logs: constant messages with fields, one line each, without personal data and secrets."""

import logging
import re
import sys
import traceback
from typing import Any

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

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


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
        fields = "".join(f" {name}={_shown(value)}" for name, value in _fields(record))
        time = self.formatTime(record, self.datefmt)
        message = record.getMessage().replace("\n", "\\n")
        line = f"{time} {self._process:7} {record.levelname.lower():7} {message}{fields}"
        if record.exc_info:
            lines = "".join(traceback.format_exception(*record.exc_info)).rstrip().split("\n")
            line = "\n  ".join([line, *lines])
        return printable(redact(line))


def _fields(record: logging.LogRecord) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(record).items() if name not in _STANDARD]


def _shown(value: Any) -> str:
    """Return the value on one line: nobody may add a line to the log."""
    text = str(value)
    return repr(text) if " " in text or not text.isprintable() else text


def configure(process: str, level: int = logging.INFO) -> None:
    """Send all logs of this process, named `process`, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
