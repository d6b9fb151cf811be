"""Refusals, and what is known of a form's refusals, complete but for what the test is about."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.arrival_history import ArrivalHistory
from shared.domain.refusal import KeptRefusal, Refusal, RefusalCode, WrongField
from shared.domain.refusal_history import RefusalHistory, Streak
from shared.ledger.stores.form_counts import FormTally
from tests.support.builders import NOON

HOUR = timedelta(hours=1)


def refusal(code: str = "origin", **fields: Any) -> Refusal:
    """Return a refusal; visitors of several networks have sent its origin."""
    defaults = {
        "fields": (),
        "origin": "https://www.example.org",
        "client": "Chrome",
        "from_several": True,
    }
    return Refusal(**{"code": RefusalCode(code), **defaults, **fields})


def wrong(field: str, code: str, *, arrived: bool = True) -> WrongField:
    return WrongField(field=field, code=RefusalCode(code), arrived=arrived)


def kept(code: str = "origin", *, at: datetime = NOON, **fields: Any) -> KeptRefusal:
    return KeptRefusal(at=at, refusal=refusal(code, **fields))


def history(streak: Streak | None = None, **fields: Any) -> RefusalHistory:
    """Return what is known at noon of a form whose last refusal was for the origin."""
    defaults: dict[str, Any] = {
        "at": NOON,
        "refused": 0,
        "accepted": 0,
        "usual_hours": [],
        "usual_streaks": [],
        "last": [kept()],
    }
    return RefusalHistory(streak=streak, **(defaults | fields))


def arrivals(**fields: Any) -> ArrivalHistory:
    """Return what is known at noon of a form to which nothing came."""
    return ArrivalHistory(at=NOON, **fields)


def streak(
    count: int = 212,
    over: timedelta = 6 * HOUR,
    *,
    last: datetime = NOON,
    codes: dict[RefusalCode, int] | None = None,
    mendable: dict[WrongField, int] | None = None,
) -> Streak:
    """Return a streak of refusals for the origin, or for `codes`, that lasted for `over`."""
    return Streak(
        codes=codes or {RefusalCode.ORIGIN: count},
        since=last - over,
        last=last,
        mendable=mendable or {},
    )


def kept_tally(*last: Refusal) -> FormTally:
    """Return what a web process counted of the form `news` that has refused these just now."""
    codes = Counter(str(each.code) for each in last)
    times = range(len(last), 0, -1)
    return replace(
        refused_tally(),
        refused=codes,
        faults=len(last),
        streak=codes,
        last=[(timedelta(seconds=ago), each) for ago, each in zip(times, last, strict=True)],
    )


def refused_tally(name: str = "news", **refused: int) -> FormTally:
    """Return what a web process counted of a form whose refusals mean no fault of it."""
    return FormTally(
        form=name,
        account="acme",
        refused=refused,
        faults=0,
        streak={},
        streak_began_ago=timedelta(),
        streak_went_on_ago=timedelta(),
        last=[],
        unsent={},
    )
