"""Whether somebody who signed up may still be put onto the lists: one pure decision.

A person may unsubscribe while their sign-up waits, and a form may ask those who had unsubscribed
before. Both cases need a look at the person's subscription at Constant Contact.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.outcome import DeadLetter
from shared.domain.signup import DeathReason, WhenUnsubscribed

# A sign-up that is older than this is sent only after a look.
LATE = timedelta(hours=24)

_SUBSCRIBED = {"explicit", "implicit", "temp_hold"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStatus:
    """A person's subscription at Constant Contact; all None for somebody it does not know.

    `permission` is such as ``explicit`` or ``unsubscribed``; `opted_out_at` has whole seconds,
    and may stay when the person subscribes again.
    """

    contact_id: str | None = None
    permission: str | None = None
    opted_out_at: datetime | None = None

    @property
    def unsubscribed(self) -> bool:
        """Whether signing up would put back someone who had unsubscribed. This includes people
        who were asked to confirm since, and did not."""
        if self.permission == "unsubscribed":
            return True
        return self.opted_out_at is not None and self.permission not in _SUBSCRIBED


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look up the person's subscription first."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """Put the person onto the lists."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Have Constant Contact ask the person to confirm; until then they stay unsubscribed."""

    contact_id: str


def must_look(waited: timedelta, policy: WhenUnsubscribed) -> bool:
    """Whether a sign-up received `waited` ago, time on hold included, needs a look first."""
    return policy == "ask" or waited > LATE


def decide_subscription(
    status: SubscriptionStatus,
    *,
    received_at: datetime,
    waited: timedelta,
    policy: WhenUnsubscribed,
) -> SignUp | Ask | DeadLetter:
    """Return what to do with the sign-up of a person with this status.

    If the order is unknown, assume that they unsubscribed after signing up. It is unknown when
    both happened in the same second, or nobody knows when they unsubscribed.
    """
    if not status.unsubscribed:
        return SignUp()
    left_at = status.opted_out_at
    if left_at is None and waited > LATE:
        return _unsubscribed("the person unsubscribed, and Constant Contact does not say when")
    if left_at is not None and left_at >= received_at.replace(microsecond=0):
        return _unsubscribed(f"the person unsubscribed at {_utc(left_at)}, after signing up")
    if policy == "ask" and status.contact_id:
        return Ask(status.contact_id)
    return SignUp()


def _unsubscribed(message: str) -> DeadLetter:
    return DeadLetter(DeathReason.UNSUBSCRIBED_SINCE, message)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
