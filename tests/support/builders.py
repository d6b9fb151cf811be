"""Plain values for tests, complete but for what the test is about."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.account import Account
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.signup import (
    ALONE,
    Consent,
    Contact,
    DeathReason,
    Signup,
    State,
    Submission,
    Suspicion,
)
from shared.ledger.ledger import Ledger
from shared.ledger.values import Accepted, Attempt, Claim, NothingDue, OnHold, PaceRules, Wait

LIST_ID = "0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
# So fast that no test that is not about the pace ever waits for it.
NO_PACE = PaceRules(requests_per_second=1_000_000, deliveries_per_day=1_000_000)


def account(name: str = "acme", **fields: Any) -> Account:
    return Account(**{"name": name, "client_id": "test-key", **fields})


def form(name: str = "news", **fields: Any) -> Form:
    defaults: dict[str, Any] = {
        "name": name,
        "account": "acme",
        "lists": (ListRef(LIST_ID, "Newsletter"),),
        "custom_fields": (
            CustomField("7f1d1c1e-0000-4000-8000-000000000001", "favourite_cake", "Favourite cake"),
        ),
    }
    return Form(**{**defaults, **fields})


def suspicion(*reasons: str, score: int = ALONE, **seen: str) -> Suspicion:
    return Suspicion(reasons, score, seen)


def submission(email: str = "ada@example.com", **fields: Any) -> Submission:
    """Return a checked sign-up. Its `quarantine` may be a reason alone."""
    if isinstance(fields.get("quarantine"), str):
        fields["quarantine"] = suspicion(fields["quarantine"])
    defaults: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "form": "news",
        "account": "acme",
        "contact": Contact(fields={"email_address": email}),
        "lists": (LIST_ID,),
        "consent": Consent(
            text="Yes, write to me.", version="1", box=None, address="192.0.2.1", page=None
        ),
    }
    return Submission(**{**defaults, **fields})


def signup(state: State = State.QUEUED, *, email: str = "ada@example.com", **fields: Any) -> Signup:
    """Return a stored sign-up."""
    sent = submission(email)
    given = {name: getattr(sent, name) for name in ("id", "account", "form", "contact", "lists")}
    defaults = {"consent": sent.consent, "received_at": NOON, "attempts": 1, "lost": 0}
    return Signup(state=state, **given | defaults | fields)


def accept(ledger: Ledger, email: str = "ada@example.com", **fields: Any) -> Accepted:
    """Accept a new sign-up of the person `email`; different each time unless `digest` says so.

    To be found by the address, it needs the person's real fingerprint as `person`.
    """
    names = ("idempotency_key", "visitor", "limit", "digest", "person_limit", "solution")
    given = {name: fields.pop(name, None) for name in names}
    person = fields.pop("person", f"person-{email}")
    sent = submission(email, **fields)
    given["digest"] = given["digest"] or sent.id
    return ledger.accept(sent, person=person, **given)


def claim(
    ledger: Ledger, *, account: str = "acme", lane: str = "", pace: PaceRules = NO_PACE
) -> Claim | Wait | OnHold | NothingDue:
    """Ask for the next claim, for a new lane unless one is named."""
    lane = lane or str(uuid.uuid4())
    return ledger.claim(account, lane=lane, lease=LEASE, pace=pace, jitter=0.0)


def claimed(ledger: Ledger, **options: Any) -> Claim:
    """Claim the next sign-up; the test fails when there is none."""
    result = claim(ledger, **options)
    assert isinstance(result, Claim), result
    return result


def attempt(status: int | None = 201, **fields: Any) -> Attempt:
    defaults: dict[str, Any] = {
        "at": NOON,
        "seconds": 0.1,
        "status": status,
        "error_key": None,
        "message": None,
        "tracking_id": None,
        "cause": f"HTTP {status}",
    }
    return Attempt(**{**defaults, **fields})


def bury(
    ledger: Ledger, email: str = "ada@example.com", *, person: str | None = None, **of: Any
) -> str:
    """Accept a sign-up of the person `email`, and have it be a dead letter."""
    accept(ledger, email, person=person or f"person-{email}")
    mine = claimed(ledger)
    bury_claim(ledger, mine, **of)
    return mine.id


def bury_claim(ledger: Ledger, claim: Claim, sent: Attempt | None = None, **of: Any) -> None:
    """Settle the claim as a dead letter, rejected unless `reason` says otherwise."""
    defaults: dict[str, Any] = {
        "reason": DeathReason.REJECTED,
        "error_key": "",
        "message": "",
        "account_is_well": True,
    }
    ledger.bury(claim, sent or attempt(400), **{**defaults, **of})
