"""The look at how a person stands before their sign-up is sent, where one is needed.

The look takes the slot that came with the claim. Sending afterwards takes the next one: the claim
stays open, and asking for it again renews its lease, so that each request has a lease to itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.domain.outcome import NEEDED_PRIVILEGE, Answer, DeadLetter
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


class People(Protocol):
    """The calls of Constant Contact that concern one person."""

    def look_up(self, access_token: str, email: str) -> tuple[Answer, SubscriptionStatus | None]:
        """Return how the person stands; None when the answer does not tell."""

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> Answer: ...

    def ask(self, access_token: str, contact_id: str, lists: Sequence[str]) -> Answer:
        """Have the person asked to confirm that they want to be put back."""


def needed_privilege(next_call: NextCall) -> str:
    """Return what the login must be allowed for this."""
    return NEEDED_TO_LOOK if isinstance(next_call, LookUp) else NEEDED_PRIVILEGE


class UnsubscribeCheck:
    """What one lane has found out about the sign-up that it has claimed."""

    def __init__(self) -> None:
        self._found: tuple[str, SignUp | Ask | DeadLetter] | None = None  # by the claim's number

    def next_call(self, claim: Claim) -> NextCall | DeadLetter:
        """Return what is to be done next with the claimed sign-up.

        What was found holds for this claim alone: whoever claims the sign-up later looks again.
        """
        if not must_look(claim.waited, claim.unsubscribed):
            return SignUp()
        if self._found is not None and self._found[0] == claim.number:
            return self._found[1]
        return LookUp()

    def send(
        self,
        next_call: NextCall,
        claim: Claim,
        body: Mapping[str, Any],
        people: People,
        access: str,
    ) -> Answer:
        """Make the one request of the next_call; `body` is that of a sign-up."""
        match next_call:
            case LookUp():
                answer, status = people.look_up(access, claim.contact.email)
                if status is not None:
                    self._note(claim, status)
                return answer
            case Ask(contact_id):
                return people.ask(access, contact_id, claim.lists)
            case SignUp():
                return people.sign_up(access, body)

    def _note(self, claim: Claim, status: SubscriptionStatus) -> None:
        decision = decide_subscription(
            status,
            received_at=claim.received_at,
            waited=claim.waited,
            policy=claim.unsubscribed,
        )
        self._found = (claim.number, decision)
