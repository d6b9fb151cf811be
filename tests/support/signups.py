"""Sign-ups in every state, for tests of the pages and operations that show them.

made = Made(ledger, person_of)
id = made.dead("ada@example.com")
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.domain.signup import DeathReason
from shared.ledger.ledger import Ledger
from tests.support.builders import accept, attempt, bury_claim, claimed

ADA = "ada.lovelace@example.com"


@dataclass(frozen=True, slots=True)
class Made:
    """Makes sign-ups. `person_of` returns the fingerprint of an address, so that they are found."""

    ledger: Ledger
    person_of: Callable[[str], str]

    def queued(self, email: str = ADA, **fields: Any) -> str:
        return accept(self.ledger, email, person=self.person_of(email), **fields).id

    def quarantined(self, email: str = ADA, reason: str = "honeypot", **fields: Any) -> str:
        return self.queued(email, quarantine=reason, **fields)

    def delivering(self, email: str = ADA, **fields: Any) -> str:
        self.queued(email, **fields)
        return claimed(self.ledger).id

    def delivered(self, email: str = ADA, contact_id: str = "a-contact", **fields: Any) -> str:
        self.queued(email, **fields)
        claim = claimed(self.ledger)
        self.ledger.deliver(claim, attempt(), contact_id=contact_id, action="created")
        return claim.id

    def retrying(self, email: str = ADA, message: str = "HTTP 503: busy", **fields: Any) -> str:
        self.queued(email, **fields)
        claim = claimed(self.ledger)
        failed = attempt(503, message="busy", tracking_id="track-503")
        wait = timedelta(minutes=10)
        self.ledger.retry(claim, failed, wait=wait, error_key="", message=message)
        return claim.id

    def dead(
        self,
        email: str = ADA,
        *,
        reason: DeathReason = DeathReason.REJECTED,
        error_key: str = "contacts.api.validation.error",
        message: str = "HTTP 400: email_address is in an invalid format",
        **fields: Any,
    ) -> str:
        self.queued(email, **fields)
        claim = claimed(self.ledger)
        refused = attempt(400, error_key=error_key, message=message, tracking_id="track-400")
        bury_claim(self.ledger, claim, refused, reason=reason, error_key=error_key, message=message)
        return claim.id

    def discarded(self, email: str = ADA, **fields: Any) -> str:
        id = self.dead(email, **fields)
        self.ledger.discard("acme", id)
        return id
