"""How many requests an API key has made today, and has left: the one truth of all pages. Pure.

The API tells no count. So signup-relay counts its own requests, until Constant Contact says that
the day's requests are used up. From then on none is left, whatever our own count says.
"""

from dataclasses import dataclass
from datetime import date

from shared.domain.account import COUNTED_BY_API, Hold, HoldReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsToday:
    """`made` are those that signup-relay itself has made on this UTC day. `used_up`: Constant
    Contact says that none is left."""

    made: int
    used_up: bool = False

    def left(self, allowed: int) -> int:
        """Return how many of the `allowed` ones are left."""
        return 0 if self.used_up else max(0, allowed - self.made)

    def sentence(self, limit: int, whose: str = "") -> str:
        """Return all this for people. `whose` says which API key it is, such as " of its own key";
        empty if there is only one."""
        if self.used_up:
            return (
                f"Requests left today{whose}: none until 00:00 UTC, as Constant Contact says."
                f" signup-relay itself has made {self.made:,}."
            )
        return f"Requests today{whose}: {self.made:,} of {limit:,} (reset at 00:00 UTC)."


def left_in_words(left: int) -> str:
    """Return what a plan that sends sign-ups says of the requests that are left today."""
    if not left:
        return "0. New ones come at 00:00 UTC."
    return f"{left:,}. A fifth of these is kept for fresh sign-ups."


def is_counted_by_api(hold: Hold) -> bool:
    """Whether Constant Contact says that the quota is used up before our own count does."""
    return hold.reason == HoldReason.QUOTA and hold.by == COUNTED_BY_API


def requests_today(made: int, hold: Hold | None, today: date) -> RequestsToday:
    """Return what is known of an API key; `hold` is its hold `quota`.

    Such a hold outlasts midnight by some minutes, so that not all accounts begin at once. By then
    there are new requests, unless Constant Contact has refused one since.
    """
    if hold is None or not is_counted_by_api(hold):
        return RequestsToday(made=made)
    last_refused = hold.refused_at or hold.since
    return RequestsToday(made=made, used_up=last_refused.date() >= today)
