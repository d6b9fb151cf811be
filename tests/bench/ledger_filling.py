"""Fills a ledger with sign-ups of ordinary size in any state, hundreds in each round trip.

Each has a person, a visitor's address and an id of its own, and what web stores for it: a name, an
e-mail address, a consent text with a ticked box, and the page.
"""

import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import redis

from shared.domain.call_times import to_counts
from shared.domain.form import Form, ListRef
from shared.domain.signup import (
    ALONE,
    Consent,
    Contact,
    DeathReason,
    Submission,
    Suspicion,
)
from shared.infrastructure.addresses import wider_network
from shared.infrastructure.settings import RateLimit
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.reading import read_claim
from shared.ledger.script_library import ScriptCall, Scripts
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.values import Attempt, Claim
from tests.bench.correctness import expect
from web.signup.signup_ids import SignupIds

FORM = Form(
    name="newsletter",
    account="bakery",
    lists=(ListRef("0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0", "Newsletter"),),
    consent_text="Yes, send me the newsletter. I can unsubscribe at any time.",
    consent_box="required",
)
PAGE = "https://www.example.com/newsletter"
USUAL_LIMIT = RateLimit(30, timedelta(minutes=1))

_BATCH = 500
_SECONDS = 0.384  # of each API call
_FIRST_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Margaret")
_LAST_NAMES = ("Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth", "Allen", "Turing", "Hamilton")


def email(number: int) -> str:
    first, last = _name(number)
    return f"{first.lower()}.{last.lower()}{number}@example.com"


def _name(number: int) -> tuple[str, str]:
    return _FIRST_NAMES[number % 8], _LAST_NAMES[number // 8 % 8]


class LedgerFiller:
    """Numbers people from `first` on. A step that does not do what it should is a `LostSignups`."""

    def __init__(
        self, client: "redis.Redis", *, limit: RateLimit | None = None, first: int = 0
    ) -> None:
        self.fingerprints = Fingerprints(secrets.token_urlsafe(32))
        self._ledger = Ledger(client)
        self._scripts = Scripts(client)
        self._limit = limit
        self._next = first
        self._new_id = SignupIds(os.urandom).new

    def accept(self, account: str, count: int, *, quarantine: str | None = None) -> list[str]:
        """Return the ids of the accepted sign-ups."""
        calls = (self._accept_call(account, quarantine) for _ in range(count))
        answers = self._run(calls)
        expect("accepted", {answer[0] for answer in answers}, {"accepted"})
        return [str(answer[1]) for answer in answers]

    def deliver(self, account: str, count: int) -> None:
        """Deliver the next ones, each at its first attempt."""
        contact = {"contact_id": str(uuid.uuid4()), "action": "created"}
        self._settle(account, count, "signups/deliver", _created, **contact)

    def bury(self, account: str, count: int) -> None:
        """Have the API refuse the next ones for what they are."""
        why = {
            "reason": DeathReason.REJECTED,
            "error_key": "contacts.api.validation.error",
            "message": "The e-mail address is not valid.",
            "account_is_well": True,
            "api_failed": False,
        }
        self._settle(account, count, "signups/bury", _refused, **why)

    def _settle(
        self, account: str, count: int, script: str, sent: Callable[[], Attempt], **how: Any
    ) -> None:
        claims = self._claim(account, count)
        calls = (
            self._scripts.call(
                script,
                account=keys.account(account),
                calls=keys.CALLS,
                id=claim.id,
                number=claim.number,
                took=to_counts([_SECONDS]),
                attempt=sent().to_json(),
                **how,
            )
            for claim in claims
        )
        expect("settled", set(self._run(calls)), {"open"})

    def _claim(self, account: str, count: int) -> list[Claim]:
        calls = (self._claim_call(account) for _ in range(count))
        answers = self._run(calls)
        expect("claimed", {answer[0] for answer in answers}, {"claimed"})
        return [read_claim(account, details) for _, *details in answers]

    def _claim_call(self, account: str) -> ScriptCall:
        return self._scripts.call(
            "signups/claim",
            account=keys.account(account),
            lane=str(uuid.uuid4()),
            lease=timedelta(minutes=1),
            requests_per_second=1_000_000,  # nothing waits for its slot
            deliveries_per_day=10_000_000,
            lookahead=timedelta(milliseconds=50),
            jitter=0.0,
            lead=timedelta(),
        )

    def _accept_call(self, account: str, quarantine: str | None) -> ScriptCall:
        number, self._next = self._next, self._next + 1
        sent = _submission(self._new_id(), account, number, quarantine)
        compared = sent.contact.email
        return self._ledger.accept_call(
            sent,
            person=self.fingerprints.person(compared),
            digest=self.fingerprints.content(sent, compared),
            idempotency_key=None,
            visitor=self.fingerprints.visitor_in(*wider_network(sent.consent.address)),
            limit=self._limit,
        )

    def _run(self, calls: Iterator[ScriptCall]) -> list[Any]:
        answers: list[Any] = []
        while batch := list(islice(calls, _BATCH)):
            answers += self._scripts.execute_all(batch)
        return answers


def _submission(id: str, account: str, number: int, quarantine: str | None) -> Submission:
    first, last = _name(number)
    return Submission(
        id=id,
        form=FORM.name,
        account=account,
        contact=Contact(
            fields={"email_address": email(number), "first_name": first, "last_name": last}
        ),
        lists=tuple(each.id for each in FORM.lists),
        consent=Consent(
            text=FORM.consent_text,
            version=FORM.consent_version,
            box=True,
            posted="on",
            address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            page=PAGE,
        ),
        quarantine=Suspicion((quarantine,), ALONE) if quarantine else None,
    )


def _created() -> Attempt:
    return _attempt(201, None, None)


def _refused() -> Attempt:
    return _attempt(400, "contacts.api.validation.error", "The e-mail address is not valid.")


def _attempt(status: int, error_key: str | None, message: str | None) -> Attempt:
    return Attempt(
        at=datetime.now(UTC),
        seconds=_SECONDS,
        status=status,
        error_key=error_key,
        message=message,
        tracking_id=str(uuid.uuid4()),
        cause=f"HTTP {status}",
    )
