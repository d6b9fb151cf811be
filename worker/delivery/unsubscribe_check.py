"""The look at a person's subscription before their sign-up is sent, where one is needed.

The look takes the slot that came with the claim. Sending afterwards takes the next one: the claim
stays open, and asking for it again renews its lease, so that each request has a lease to itself.
"""

from shared.domain.outcome import NEEDED_PRIVILEGE, DeadLetter
from shared.domain.subscription_status import (
    Ask,
    LookUp,
    SignUp,
    SubscriptionStatus,
    decide_subscription,
    must_look,
)
from shared.ledger.values import Claim

NextCall = LookUp | SignUp | Ask

# What a login needs to look somebody up.
NEEDED_TO_LOOK = "contacts:read"


def needed_privilege(call: NextCall) -> str:
    """Return what the login must be allowed for this."""
    return NEEDED_TO_LOOK if isinstance(call, LookUp) else NEEDED_PRIVILEGE


class UnsubscribeCheck:
    """What one claim's look has found.

    It holds for this claim alone. A later claim of the same sign-up looks again.
    """

    def __init__(self) -> None:
        self.found: SignUp | Ask | DeadLetter | None = None

    def next_call(self, claim: Claim) -> NextCall | DeadLetter:
        """Return what to do next with the claimed sign-up."""
        if not must_look(claim.waited, claim.unsubscribed):
            return SignUp()
        return self.found or LookUp()

    def note(self, claim: Claim, status: SubscriptionStatus) -> None:
        """Note what the look found."""
        self.found = decide_subscription(
            status,
            received_at=claim.received_at,
            waited=claim.waited,
            policy=claim.unsubscribed,
        )
