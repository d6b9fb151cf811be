"""What a form's last sign-ups mean: whether far more come than is usual, or most are quarantined.

Pure. A campaign brings many times the usual number within minutes, and robots come every night. So
a form is compared with its own busiest hours, and no finding changes what happens to a sign-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from shared.domain.durations import minute

# A form with sign-ups on fewer days has no usual hour yet.
NEEDED_DAYS = 5
# Fewer are no spike, whatever is usual.
LEAST_OF_A_SPIKE = 50
# So many times the busiest hour of the days before, among which earlier campaigns are.
TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalHistory:
    """A form's accepted sign-ups: those that `passed` and those that were `screened`, so that they
    went to quarantine at once, in the last hour.

    `busiest_hours` has the most that passed in an hour, of each day before today on which any did;
    `screened_hours` has the same of screened ones. `streak` is how many were screened since the
    last one that passed, the first of them at `streak_since`. `ever_passed`: whether any did.
    """

    at: datetime
    passed: int = 0
    screened: int = 0
    busiest_hours: Sequence[int] = ()
    screened_hours: Sequence[int] = ()
    streak: int = 0
    streak_since: datetime | None = None
    ever_passed: bool = True

    @property
    def screened_share(self) -> float:
        """The share of the last hour's sign-ups that went to quarantine."""
        return self.screened / max(1, self.passed + self.screened)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningThresholds:
    """When a form quarantines too much.

    It quarantines everything when a streak has `fewest` over `span`. It quarantines much when
    `fewest_of_many` were screened in an hour, `times` as many as are usual, and at least half.
    """

    fewest: int
    span: timedelta
    fewest_of_many: int
    times: int


# Somebody is woken up for it.
FOR_ALERTS = ScreeningThresholds(fewest=10, span=timedelta(days=1), fewest_of_many=20, times=3)
# Somebody has asked.
FOR_REPORTS = ScreeningThresholds(fewest=5, span=timedelta(), fewest_of_many=5, times=0)

_MUCH = 0.5
# People who sign up once a month leave robots among themselves for longer. After this, it is usual.
_NEWS = timedelta(days=14)


def quarantined_in_words(history: ArrivalHistory, since: datetime | None) -> str:
    """Return how many were quarantined, as a sentence: all `since` then, or of the last hour."""
    if since:
        return (
            f"each of the last {history.streak:,} sign-ups was quarantined, since {minute(since)}."
        )
    of = history.passed + history.screened
    return f"{history.screened:,} of {of:,} sign-ups of the last hour were quarantined."


def usual_busiest_hour(history: ArrivalHistory) -> int | None:
    """Return how many sign-ups passed in the busiest hour of the days before; None if too few days
    are known."""
    if len(history.busiest_hours) < NEEDED_DAYS:
        return None
    return max(history.busiest_hours)


def is_spike(history: ArrivalHistory) -> bool:
    """Whether far more sign-ups passed in the last hour than ever on the days before."""
    usual = usual_busiest_hour(history)
    return usual is not None and history.passed >= max(LEAST_OF_A_SPIKE, TIMES * usual)


def quarantines_all(history: ArrivalHistory, thresholds: ScreeningThresholds) -> datetime | None:
    """Return since when every sign-up of the form was quarantined; None if that is not so, or is
    usual for it."""
    since = history.streak_since
    if since is None or history.streak < thresholds.fewest:
        return None
    is_usual = history.ever_passed and len(history.busiest_hours) < NEEDED_DAYS
    lasted = history.at - since
    return since if thresholds.span <= lasted < _NEWS and not is_usual else None


def quarantines_much(history: ArrivalHistory, thresholds: ScreeningThresholds) -> bool:
    """Whether most sign-ups of the last hour were quarantined, and more than usual."""
    usual = median(history.screened_hours) if history.screened_hours else 0
    fewest = max(thresholds.fewest_of_many, thresholds.times * usual)
    return history.screened >= fewest and history.screened_share >= _MUCH
