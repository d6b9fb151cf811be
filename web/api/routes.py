"""All routes of the API."""

from web.api import (  # noqa: F401 - their routes are on `bp`
    accounts,
    bp,
    guard,
    openapi,
    replays,
    signups,
    status,
)
