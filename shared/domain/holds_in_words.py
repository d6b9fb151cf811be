"""What holds mean for sign-ups that an operator sends, in sentences: before it and after. Pure.

Holds are those of an account and its API key, the gravest first. All must end before it sends.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.account import Hold, HoldReason
from shared.domain.durations import short_minute
from shared.domain.phrases import counted, sign_ups_wait

Holds = Sequence[Hold]


def is_on_hold(account: str, holds: Holds) -> str:
    """Return that it is on hold, and why, as a clause."""
    return f"{account} {_on_hold(holds)}"


def would_wait(account: str, holds: Holds, now: datetime, verb: str) -> str:
    """Return what becomes of a sign-up of the account that the reader sends, by this `verb`."""
    told = is_on_hold(account, holds)
    return f"{told}. What you {verb} there waits until {_end(holds, now)}."


def may_act_now(account: str, holds: Holds, now: datetime, verb: str) -> str:
    """Return that nobody needs to wait with what mends a sign-up of the account, and when it is
    sent then. `verb` is what the reader does."""
    told, when = is_on_hold(account, holds), sent_when(holds, now)
    return f"{told}. You can {verb} now: it is sent by itself {when}."


def sent_when(holds: Holds, now: datetime) -> str:
    """Return when what waits for the end of these holds is sent, as the end of a sentence."""
    end = known_end(holds)
    return f"after {short_minute(end, now)}" if end else f"when {_end(holds, now)}"


def goes_on(holds: Holds, now: datetime) -> str:
    """Return why a job waits for an account and what ends that, as what follows its name."""
    return f"{_on_hold(holds)}. It goes on by itself when {_end(holds, now)}."


def waits_now(account: str, holds: Holds, now: datetime) -> str:
    """Return what becomes of a sign-up of the account that was made due."""
    told = is_on_hold(account, holds)
    return f"It waits now, as {told}. It is sent when {_end(holds, now)}."


def what_follows(
    due: Counter[str], held: Mapping[str, Holds], now: datetime, done: str = "sent"
) -> list[str]:
    """Return what becomes of those that were made due, which are counted by account, so that they
    are `done`. `held` has the holds of the accounts that have some."""
    free = due.total() - sum(due[account] for account in held)
    first = [f"{counted(free, 'sign-up')} can be {done} now."] if free or not held else []
    return first + [_many_wait(due[name], name, holds, now) for name, holds in held.items()]


def after_connecting(account: str, holds: Holds, due: int, now: datetime) -> str | None:
    """Return what becomes of the `due` sign-ups of an account that was just connected; None if none
    waits and nothing keeps new ones."""
    waits = f"{sign_ups_wait(due)}. {_they_are(due)} sent"
    order = ", oldest first" if due > 1 else ""
    if not holds:
        return f"{waits} now{order}." if due else None
    probes = [hold.probe_at for hold in holds if hold.probe_at and not hold.until]
    probe = f" The next probe: {short_minute(min(probes), now)}." if probes else ""
    what = f"{waits}{order and f'{order},'}" if due else "New sign-ups are sent"
    return f"{is_on_hold(account, holds)}. {what} when {_end(holds, now)}.{probe}"


def _on_hold(holds: Holds) -> str:
    return f"is on hold ({' and '.join(str(hold.reason) for hold in holds)})"


def _many_wait(count: int, account: str, holds: Holds, now: datetime) -> str:
    first = f"{sign_ups_wait(count)} now, as {is_on_hold(account, holds)}."
    return f"{first} {_they_are(count)} sent when {_end(holds, now)}."


def _they_are(count: int) -> str:
    return "It is" if count == 1 else "They are"


def known_end(holds: Holds) -> datetime | None:
    """Return when the last of them ends; None if one of them has no known end, or there is none."""
    ends = [hold.until for hold in holds if hold.until]
    return max(ends) if ends and len(ends) == len(holds) else None


def _end(holds: Holds, now: datetime) -> str:
    """Return which event ends the waiting, and when, if all holds say so."""
    if any(hold.reason == HoldReason.PAUSED for hold in holds):
        others = ", and its other holds end" if holds[1:] else ""
        return f"an operator releases the account{others}"
    end = known_end(holds)
    return f"that ends: {short_minute(end, now)}" if end else "that ends"
