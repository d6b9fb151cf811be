"""Intake: check a sign-up, screen it, store it, notify the workers.

When `Intake.accept` returns, the sign-up is stored: in the ledger or, while Redis is away, on this
host's disk. The visitor gets a confirmation only after that.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Unpack

from shared.domain.errors import (
    FieldError,
    InvalidSignup,
    LedgerUnavailable,
    SpoolRefused,
    VisitorLimited,
)
from shared.domain.form import Form
from shared.domain.reading.field_checks import (
    CheckedFields,
    CheckEmail,
    check_fields,
    keep_unchecked,
)
from shared.domain.signup import ALONE, Consent, QuarantineReason, Submission, Suspicion
from shared.domain.texts import lazy_ngettext
from shared.infrastructure.addresses import wider_network
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import AcceptDetails
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.values import Accepted
from web.request_ids import RequestId
from web.signup.checked_signup import CheckedSignup
from web.signup.consent_evidence import OurConsents, consent_of
from web.signup.form_cache import AskRedis
from web.signup.screening import Screening, screen, trap
from web.signup.time_token import TimeTokens
from web.signup.visitor_counts import VisitorCounts
from web.signup.visitors import Visitor

IDEMPOTENCY_KEY_LIMIT = 255


class SignupLedger(Protocol):
    """The step of the ledger that intake needs."""

    def accept(self, submission: Submission, **details: Unpack[AcceptDetails]) -> Accepted:
        """Store the submission durably, once. Safe to repeat.

        Raises `KeyReused`, `VisitorLimited` and `LedgerUnavailable`.
        """


class SignupSpool(Protocol):
    """The steps of the spool that intake needs."""

    def add(self, signup: CheckedSignup, *, admit: Callable[[], None]) -> Accepted:
        """Store the sign-up on the disk, once. Raises `KeyReused` and `SpoolRefused`.

        `admit` is called for all but a visitor's own repeats. What it raises passes through.
        """

    def in_use(self) -> bool:
        """Whether the spool holds any sign-up. Never fails."""

    def add_behind(self, signup: CheckedSignup, *, admit: Callable[[], None]) -> Accepted | None:
        """Store the sign-up if an earlier one in the spool must reach the ledger first.

        Return None if there is none. Raises as `add` does.
        """


class KnownFingerprints:
    """The ledger's fingerprints, loaded once. `known` is None until then."""

    def __init__(self, load: Callable[[], Fingerprints]) -> None:
        self._load = load
        self.known: Fingerprints | None = None

    def __call__(self) -> Fingerprints:
        if self.known is None:
            self.known = self._load()
        return self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """`fingerprints` asks Redis the first time, so it is only called within `ask`.

    `drain` starts handing the spool over to the ledger, and returns at once. `note_accepted` gets
    the names of fields that were kept, but are not sent; `note_screened` is for what looks like
    spam. The ledger counts visitors' sign-ups against the `limit`. `find_solution` names the
    captcha's challenge of the form that is solved by what was posted. This process has `own_counts`
    for those that go to the disk.
    """

    ledger: SignupLedger
    fingerprints: KnownFingerprints
    spool: SignupSpool
    drain: Callable[[], None]
    notify_workers: Callable[[str], None]
    note_accepted: Callable[[Form, Collection[str]], None]
    note_screened: Callable[[Form], None]
    check_email: CheckEmail
    find_solution: Callable[[str, Mapping[str, list[str]]], str | None]
    our_consents: OurConsents
    time_tokens: TimeTokens
    limit: RateLimit | None
    person_limit: RateLimit | None
    own_counts: VisitorCounts | None

    def check(
        self,
        form: Form,
        posted: Mapping[str, list[str]],
        visitor: Visitor,
        *,
        idempotency_key: str | None,
        request: RequestId,
    ) -> CheckedSignup:
        """Return the sign-up, ready to be stored, with the id of its request. Raises
        `InvalidSignup`."""
        trapped = trap(posted)
        checked = self._check(posted, form, visitor, lenient=trapped is not None)
        _check_key(idempotency_key)
        screening = screen(
            checked.contact,
            trapped,
            age=self.time_tokens.age_of(form.name, posted) if form.spam_threshold else None,
            threshold=form.spam_threshold,
        )
        solution = None
        if form.captcha != "none":
            solution = self.find_solution(form.name, posted)
            screening = screening if solution else Screening(_unsolved(screening.quarantine))
        consent = consent_of(form, checked, posted, visitor, self.our_consents)
        return CheckedSignup(
            submission=_submission(form, checked, consent, screening, request),
            compared_email=checked.compared_email,
            idempotency_key=idempotency_key,
            solution=solution,
        )

    def store(
        self, form: Form, signup: CheckedSignup, visitor: Visitor, *, ask: AskRedis
    ) -> Accepted:
        """Store the sign-up and have it delivered.

        The same content again, or the same `idempotency_key`, gets the id of the first. Raises
        `KeyReused`, `VisitorLimited` and `LedgerUnavailable`.
        """
        return self.note(form, signup, self._store(signup, visitor, ask))

    def accept_details(self, signup: CheckedSignup, visitor: Visitor) -> AcceptDetails | None:
        """Return the fingerprints with which the ledger can accept the sign-up at once.

        None if Redis has to tell their key first.
        """
        fingerprints = self.fingerprints.known
        return self._details(signup, visitor, fingerprints) if fingerprints else None

    def store_on_disk(
        self, form: Form, signup: CheckedSignup, visitor: Visitor, away: LedgerUnavailable
    ) -> Accepted:
        """Store the sign-up on the disk, as the ledger could not: `away`. Raises as `store`."""
        return self.note(form, signup, self._spool(signup, visitor, away))

    def note(self, form: Form, signup: CheckedSignup, accepted: Accepted) -> Accepted:
        """Have the stored sign-up delivered, and counted for its form. Never fails."""
        if accepted.notify_workers:
            self.notify_workers(form.account)
        if accepted.duplicate:
            return accepted
        if signup.submission.quarantine:
            self.note_screened(form)
        else:
            self.note_accepted(form, signup.submission.contact.other)
        return accepted

    def _check(
        self, posted: Mapping[str, list[str]], form: Form, visitor: Visitor, *, lenient: bool
    ) -> CheckedFields:
        """Return the checked fields.

        With `lenient`, wrong fields pass: a robot must get the same answer as everyone. What only
        looks like spam is refused as anything else is, so its answer tells nothing either.
        """
        check = keep_unchecked if lenient else check_fields
        arrived = visitor.arrived() if form.sources else {}
        return check(posted, form, check_email=self.check_email, arrived=arrived)

    def _store(self, signup: CheckedSignup, visitor: Visitor, ask: AskRedis) -> Accepted:
        """Store the sign-up in the ledger, or on the disk while Redis is away."""
        if self.spool.in_use():
            behind = self._spool_behind(signup, visitor)
            if behind is not None:
                return behind
        try:
            return ask(lambda: self._store_in_ledger(signup, visitor))
        except LedgerUnavailable as away:
            return self._spool(signup, visitor, away)

    def _store_in_ledger(self, signup: CheckedSignup, visitor: Visitor) -> Accepted:
        details = self._details(signup, visitor, self.fingerprints())
        return self.ledger.accept(signup.submission, **details)

    def _details(
        self, signup: CheckedSignup, visitor: Visitor, fingerprints: Fingerprints
    ) -> AcceptDetails:
        return AcceptDetails(
            person=signup.person(fingerprints),
            digest=signup.content(fingerprints),
            idempotency_key=signup.key(fingerprints),
            visitor=fingerprints.visitor_in(*wider_network(visitor.address)),
            limit=self.limit,
            person_limit=self.person_limit,
            solution=signup.solution,
        )

    def _spool_behind(self, signup: CheckedSignup, visitor: Visitor) -> Accepted | None:
        """Store the sign-up on the disk if it must not overtake an earlier one there.

        If the disk has no room, it overtakes rather than being refused.
        """
        try:
            return self.spool.add_behind(signup, admit=partial(self._admit, visitor))
        except SpoolRefused:
            return None
        finally:
            self.drain()

    def _spool(self, signup: CheckedSignup, visitor: Visitor, away: LedgerUnavailable) -> Accepted:
        try:
            accepted = self.spool.add(signup, admit=partial(self._admit, visitor))
        except SpoolRefused as refused:
            raise SpoolRefused(f"{away}; {refused}") from away
        self.drain()
        return accepted

    def _admit(self, visitor: Visitor) -> None:
        """Count a sign-up that goes to the disk. Raises `VisitorLimited`."""
        if self.own_counts:
            wait = self.own_counts.count(visitor.address)
            if wait is not None:
                raise VisitorLimited(wait)


def _check_key(key: str | None) -> None:
    if key and len(key) > IDEMPOTENCY_KEY_LIMIT:
        too_long = lazy_ngettext(
            "An Idempotency-Key can have at most %(count)s character.",
            "An Idempotency-Key can have at most %(count)s characters.",
            IDEMPOTENCY_KEY_LIMIT,
        )
        raise InvalidSignup([FieldError("Idempotency-Key", "too_long", too_long)])


def _unsolved(quarantine: Suspicion | None) -> Suspicion:
    """Return why the sign-up is quarantined, besides what made it suspicious already."""
    others, seen = (quarantine.reasons, quarantine.seen) if quarantine else ((), {})
    score = ALONE + (quarantine.score if quarantine else 0)
    return Suspicion((str(QuarantineReason.CAPTCHA), *others), score, seen)


def _submission(
    form: Form,
    checked: CheckedFields,
    consent: Consent,
    screening: Screening,
    request: RequestId,
) -> Submission:
    return Submission(
        id=request.own,
        form=form.name,
        account=form.account,
        contact=checked.contact,
        lists=checked.lists,
        consent=consent,
        quarantine=screening.quarantine,
        if_busy=screening.if_busy,
        unsubscribed=form.unsubscribed,
        request_id=request.given,
    )
