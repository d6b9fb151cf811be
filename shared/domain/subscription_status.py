"""Whether somebody who signed up may still be put onto the lists: one pure decision.

A person may unsubscribe while their sign-up waits, and a form may want to ask those who had
unsubscribed before. Either takes a look at how they stand with Constant Contact.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.outcome import DeadLetter
from shared.domain.signup import DeathReason, WhenUnsubscribed

# A sign-up that is older when it is sent is sent only after a look.
LATE = timedelta(hours=24)

_SUBSCRIBED = {"explicit", "implicit", "temp_hold"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStatus:
    """How a person stands with Constant Contact; all None for somebody it does not know.

    `permission` is such as ``explicit`` or ``unsubscribed``; `opted_out_at` has whole seconds,
    and may stay when the person subscribes again.
    """

    contact_id: str | None = None
    permission: str | None = None
    opted_out_at: datetime | None = None

    @property
    def unsubscribed(self) -> bool:
        """Whether signing up would put back someone who had left; also someone who has since
        been asked to confirm, and did not."""
        if self.permission == "unsubscribed":
            return True
        return self.opted_out_at is not None and self.permission not in _SUBSCRIBED


@dataclass(frozen=True, slots=True)
class LookUp:
    """See first how the person stands."""


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
    """Return what to do with the sign-up of a person who stands so.

    In doubt, which is when both fell into the same second or nobody knows when they left, the
    person left after signing up.
    """
    if not status.unsubscribed:
        return SignUp()
    left_at = status.opted_out_at
    if left_at is None and waited > LATE:
        return _unsubscribed_since("at a time that Constant Contact does not tell")
    if left_at is not None and left_at >= received_at.replace(microsecond=0):
        return _unsubscribed_since(f"at {left_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if policy == "ask" and status.contact_id:
        return Ask(status.contact_id)
    return SignUp()


def _unsubscribed_since(when: str) -> DeadLetter:
    message = f"the person unsubscribed {when}, after signing up"
    return DeadLetter(DeathReason.UNSUBSCRIBED_SINCE, message)
