"""A limit of the requests that a form refuses, so that robots' cost little.

Any website can make its visitors' browsers post wrong sign-ups here. So what an address has sent to
one form says nothing of another form. Beyond the limit, right sign-ups are still taken: only what
costs much is refused unread.

Each serving process counts by itself, also while Redis is away. Processes share the limit out, but
none gets so little that the visitors of an office, who mistype now and then, would notice.
"""

import math
from collections.abc import Callable
from datetime import timedelta

from shared.infrastructure.settings import RateLimit
from web.signup.visitor_counts import VisitorCounts

MINUTE = timedelta(minutes=1)
# Of one address in a minute, in all processes. A robot sends as many in a second.
MOST_REFUSED = 120
# Where RELAY_VISITOR_LIMIT lets more sign-ups in, as many visitors share an address.
REFUSED_FOR_EACH_SIGNUP = 4
# Answers to requests whose bodies were looked at. All others cost next to nothing: to a page
# elsewhere (403), of a form that is not there (404) or closed (410), of the visitor limit (429).
COUNTED = frozenset({400, 413, 415, 422})
# In one process: one visitor's requests may all come to the same.
LEAST_SHARE = 30


def refused_limit(visitor_limit: RateLimit, processes: int) -> RateLimit:
    """Return how many refused requests of one address a process takes."""
    signups = math.ceil(visitor_limit.count * (MINUTE / visitor_limit.window))
    most = max(MOST_REFUSED, REFUSED_FOR_EACH_SIGNUP * signups)
    return RateLimit(max(LEAST_SHARE, math.ceil(most / processes)), MINUTE)


class RefusedRequests:
    """Counts for each form, by address and by network. `limit` is None for no limit. `clock` is
    monotonic, in seconds."""

    def __init__(self, limit: RateLimit | None, *, clock: Callable[[], float]) -> None:
        self._counts = VisitorCounts(limit, clock=clock) if limit else None

    def wait(self, form: str, address: str) -> timedelta | None:
        """Return for how long too many requests of this address to the form were refused.

        None if they were not too many.
        """
        return self._counts.wait(address, at=form.strip()) if self._counts else None

    def note(self, form: str, address: str, status: int) -> None:
        """Count a request to the form that got this HTTP status, if that is a refusal."""
        if self._counts and status in COUNTED:
            self._counts.count(address, at=form.strip())
