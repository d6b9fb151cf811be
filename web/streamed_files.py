"""Files of any size, which are sent part by part while they are made (`web/server/files.py`)."""

from collections.abc import Iterator

from flask import Response

# Only the server sees it.
STREAMED = "X-Relay-Streamed"


def streamed_file(parts: Iterator[str], *, name: str, mimetype: str) -> Response:
    """Return the answer with the file. Its parts are made after the request has ended, so they must
    not need it. An empty part is a moment without anything to send."""
    headers = {
        "Content-Disposition": f"attachment; filename={name}",
        "X-Accel-Buffering": "no",  # else nginx keeps the file's beginning, or a copy on its disk
        STREAMED: "yes",
    }
    return Response(parts, mimetype=mimetype, headers=headers)
