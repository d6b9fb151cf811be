"""What the ledger gets and what it answers, as plain values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.account import Hold, HoldReason
from shared.domain.outcome import ApiAnswer
from shared.domain.signup import Contact, WhenUnsubscribed
from shared.domain.totals import Totals
from shared.ledger import limits
from shared.ledger.records import packed
from shared.ledger.time_units import to_milliseconds

# The last claim that a sign-up may lose has its worker's process to itself.
LOST_BEFORE_ALONE = limits.MOST_LOST - 1
# In place of the reason of dead letters that were cleared before that was counted.
UNKNOWN_REASON = "unknown"


@dataclass(frozen=True, slots=True)
class Accepted:
    """`id` is the first one's when this is a `duplicate`. `notify_workers` asks for a Celery
    message."""

    id: str
    duplicate: bool
    notify_workers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to send one sign-up, once, at its slot.

    `number` is the fence of every later write. `start_in` is how long until its slot, from the
    moment the ledger answered. `more` says that another sign-up is due, too. `age` leaves out the
    time on hold and begins anew when the sign-up is requeued; `waited` is all the time since
    `received_at`. `lost` counts the claims whose workers were lost. `probes` names the holds that
    its outcome ends or prolongs. `token_version` is that of the account's tokens, 0 without any.
    `took` has the seconds of each API call that was made with it.
    """

    account: str
    id: str
    form: str
    number: str
    attempts: int
    contact: Contact = field(repr=False)
    lists: tuple[str, ...]
    start_in: timedelta
    age: timedelta
    received_at: datetime
    waited: timedelta
    unsubscribed: WhenUnsubscribed
    more: bool
    token_version: int
    lost: int = 0
    request_id: str | None = None
    probes: frozenset[HoldReason] = frozenset()
    took: tuple[float, ...] = ()

    @property
    def log_fields(self) -> dict[str, str]:
        """By what the log knows the sign-up and the request that brought it."""
        return {
            "account": self.account,
            "form": self.form,
            "signup": self.id,
            "request_id": self.request_id or self.id,
        }

    @property
    def suspect(self) -> bool:
        """Whether it may have ended its workers, and must be sent without others beside it."""
        return self.lost >= LOST_BEFORE_ALONE


@dataclass(frozen=True, slots=True)
class Wait:
    """The pace or another account's turn forbids it for now: ask again after `delay`."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class OnHold:
    """The account or its API key is on hold."""

    reason: HoldReason


@dataclass(frozen=True, slots=True)
class NothingDue:
    """Nothing is due; the lane is closed and the next accepted sign-up notifies again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceRules:
    """What one API key allows: requests a second in all, and requests a day for deliveries."""

    requests_per_second: float
    deliveries_per_day: int
    lookahead: timedelta = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to send, as the history has it; `status` is None when no answer came."""

    at: datetime
    seconds: float
    status: int | None
    error_key: str | None
    message: str | None
    tracking_id: str | None
    cause: str
    counted: bool = True

    @classmethod
    def of(cls, answer: ApiAnswer, *, at: datetime, seconds: float) -> "Attempt":
        """Return the attempt that began `at` and brought `answer` after `seconds`."""
        return cls(
            at=at,
            seconds=seconds,
            status=answer.status,
            error_key=answer.error_key,
            message=answer.message,
            tracking_id=answer.tracking_id,
            cause=answer.cause,
        )

    def uncounted(self) -> "Attempt":
        return replace(self, counted=False)

    def to_json(self) -> str:
        """Return it as the history has it, with the values of `records.ATTEMPT`."""
        return packed(
            to_milliseconds(self.at),
            round(self.seconds, 3),
            self.status,
            self.tracking_id,
            self.error_key,
            self.message,
            None if self.counted else False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Totals):
    """The totals of one account, its holds, and its oldest due sign-up's age.

    `left` has how many have left a count in all, such as by a retry: of `discarded`, `quarantined`
    and of `dead:<reason>`.
    """

    oldest_due: timedelta | None = None
    holds: tuple[Hold, ...] = ()
    dead_by_reason: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def ever_discarded(self) -> int:
        return self.discarded + self.left.get("discarded", 0)

    @property
    def ever_quarantined(self) -> int:
        return self.quarantined + self.left.get("quarantined", 0)

    @property
    def ever_dead(self) -> dict[str, int]:
        """How often a sign-up became a dead letter, by reason."""
        left = {name: count for name, count in self.left.items() if name.startswith("dead:")}
        ever = Counter(dict(self.dead_by_reason))
        ever.update({name.removeprefix("dead:"): count for name, count in left.items()})
        return dict(ever)
