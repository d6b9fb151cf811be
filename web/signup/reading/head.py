"""The head of a request, as plain values: what taking a sign-up needs of it besides its body.

So the same code reads a request in the event loop and in Flask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from werkzeug.http import parse_options_header

from shared.domain.remembering import remembered
from web.signup.reading.body_kind import ContentType

# Browsers send no longer headers of the kinds that we read.
LONGEST_USUAL = 300
# Beyond that nothing is looked at: a header can have 28 KiB of parameters, all for the event loop.
LONGEST_READ = 1000
# Of the query. Several places ask for one, and a robot may send thousands.
MOST_ARGUMENTS = 100


@dataclass(frozen=True, slots=True)
class Head:
    """`headers` have their names in lower case. `query` is the query string as it came."""

    headers: Mapping[str, str]
    query: bytes = b""

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def content_type(self) -> ContentType:
        return _content_type(self.headers.get("content-type", "")[:LONGEST_READ])

    def arguments(self) -> dict[str, str]:
        """Return the first value of each name among the query's first `MOST_ARGUMENTS`."""
        if not self.query:
            return {}
        read = b"&".join(self.query.split(b"&", MOST_ARGUMENTS)[:MOST_ARGUMENTS])
        found = parse_qs(read.decode("latin-1"), keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}


@remembered(longest=LONGEST_USUAL)  # a website's pages all send the same
def _content_type(value: str) -> ContentType:
    mimetype, parameters = parse_options_header(value)
    return ContentType(
        mimetype=mimetype.lower(),
        charset=parameters.get("charset"),
        boundary=parameters.get("boundary"),
    )
