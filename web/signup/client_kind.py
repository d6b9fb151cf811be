"""The kind of browser or tool that sent a request.

The whole User-Agent header is not kept, as it could single somebody out.
"""

import re

from shared.domain.refusal import BOT
from shared.domain.remembering import remembered

# The first that matches counts: most browsers also name the ones that they descend from.
_KINDS = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"(?<!cu)bot\b|crawl|spider|slurp|facebookexternalhit", BOT),  # CUBOT is a phone
        (r"^curl/", "curl"),
        (r"^wget", "wget"),
        (r"python|aiohttp|httpx", "python"),
        (r"node|undici|axios|^got\b|deno|^bun/", "node"),
        (r"wordpress", "WordPress"),
        (r"guzzle|^php|symfony", "PHP"),
        (r"go-http-client", "Go"),
        (r"okhttp|^java|apache-httpclient", "Java"),
        (r"ruby|faraday", "Ruby"),
        (r"postman|insomnia", "API tester"),
        (r"\bedg(e|a|ios)?/", "Edge"),
        (r"\bopr/|opera", "Opera"),
        (r"samsungbrowser", "Samsung Internet"),
        (r"firefox|fxios", "Firefox"),
        (r"chrome|chromium|crios", "Chrome"),
        (r"safari", "Safari"),
    )
)
# Longer than any browser's. Beyond that nothing is looked at.
_LONGEST = 500


def client_kind(user_agent: str | None) -> str:
    """Return the kind that the User-Agent header names; "other" if it is not known."""
    return _kind(user_agent[:_LONGEST]) if user_agent else "none"


@remembered(longest=_LONGEST)  # of so many patterns, a few headers are most of what comes
def _kind(user_agent: str) -> str:
    return next((kind for pattern, kind in _KINDS if pattern.search(user_agent)), "other")
