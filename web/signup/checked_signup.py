"""A checked sign-up: what the ledger or the spool is given, and how the spool stores it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.domain.signup import Consent, Contact, Submission, Suspicion
from shared.ledger.stores.fingerprints import Fingerprints


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSignup:
    """A checked sign-up, with the values that its fingerprints are made from.

    `solution` names the captcha's challenge that was solved for it. The disk does not keep it: only
    Redis knows which ones are used up.
    """

    submission: Submission
    compared_email: str = field(repr=False)
    idempotency_key: str | None = field(repr=False)
    solution: str | None = None

    def person(self, fingerprints: Fingerprints) -> str:
        return fingerprints.person(self.compared_email)

    def content(self, fingerprints: Fingerprints) -> str:
        return fingerprints.content(self.submission, self.compared_email)

    def key(self, fingerprints: Fingerprints) -> str | None:
        if not self.idempotency_key:
            return None
        return fingerprints.idempotency_key(self.submission.form, self.idempotency_key)

    def to_json(self) -> str:
        submission = self.submission
        document = {
            "id": submission.id,
            "form": submission.form,
            "account": submission.account,
            "contact": submission.contact.to_dict(),
            "lists": submission.lists,
            "consent": asdict(submission.consent),
            "quarantine": submission.quarantine and submission.quarantine.to_dict(),
            "unsubscribed": submission.unsubscribed,
            "request_id": submission.request_id,
            "compared_email": self.compared_email,
            "idempotency_key": self.idempotency_key,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, stored: str) -> "CheckedSignup":
        """Return what `to_json` wrote. Raises any error for other text."""
        document: dict[str, Any] = json.loads(stored)
        submission = Submission(
            id=document["id"],
            form=document["form"],
            account=document["account"],
            contact=_contact(document["contact"]),
            lists=tuple(document["lists"]),
            consent=Consent(**document["consent"]),
            quarantine=_quarantine(document["quarantine"]),
            unsubscribed=document["unsubscribed"],
            request_id=document.get("request_id"),  # none from before there were any
        )
        return cls(
            submission=submission,
            compared_email=document["compared_email"],
            idempotency_key=document["idempotency_key"],
        )


def _contact(stored: str | dict[str, Any]) -> Contact:
    """Return the stored contact, which an earlier version wrote as a text of its own."""
    return Contact.from_dict(json.loads(stored) if isinstance(stored, str) else stored)


def _quarantine(stored: str | dict[str, Any] | None) -> Suspicion | None:
    return None if stored is None else Suspicion.from_stored(stored)
