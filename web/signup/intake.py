"""Intake: check a sign-up, screen it, have the ledger keep it, nudge the workers.

When `Intake.accept` returns, the sign-up is stored, in the ledger or, while Redis is away, on this
host's disk; until then nobody is told so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.domain.errors import FieldError, InvalidSignup, LedgerUnavailable, SpoolRefused
from shared.domain.field_checks import (
    CheckedFields,
    CheckEmail,
    check_fields,
    keep_unchecked,
)
from shared.domain.form import Form
from shared.domain.signup import Consent, Submission
from shared.infrastructure.addresses import client_network
from shared.infrastructure.settings import VisitorLimit
from shared.ledger.fingerprints import Fingerprints
from shared.ledger.values import Accepted
from web.signup.form_cache import Ask
from web.signup.screening import screen
from web.signup.spool_entry import Entry

IDEMPOTENCY_KEY_LIMIT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who posted from where: the visitor's network address, and the page the form stood on."""

    address: str
    page: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The sign-up is stored as `id`; a `duplicate` has the id of the first one."""

    id: str
    duplicate: bool


class Acceptor(Protocol):
    """The step of the ledger that intake needs."""

    def accept(
        self,
        submission: Submission,
        *,
        person: str,
        digest: str,
        idempotency_key: str | None,
        visitor: str | None,
        limit: VisitorLimit | None,
    ) -> Accepted:
        """Store the submission durably, once; safe to call twice.

        Raises `KeyReused`, `VisitorLimited` and `LedgerUnavailable`.
        """


class Disk(Protocol):
    """The steps of the spool that intake needs."""

    def add(self, entry: Entry) -> Accepted:
        """Keep the sign-up on the disk, once. Raises `KeyReused` and `SpoolRefused`."""

    def in_use(self) -> bool:
        """Whether anything waits there; never fails."""

    def add_behind(self, entry: Entry) -> Accepted | None:
        """Keep the sign-up behind what waits there and must reach the ledger first; None when
        nothing does. Raises as `add` does."""


class Notifier(Protocol):
    def notify_workers(self, account: str) -> None:
        """Have the workers look after `account`; returns at once and never fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """`fingerprints` may ask Redis the first time, so it is only called within `ask`. `drain` has
    the spool handed over to the ledger soon, and returns at once."""

    ledger: Acceptor
    fingerprints: Callable[[], Fingerprints]
    spool: Disk
    drain: Callable[[], None]
    notifier: Notifier
    check_email: CheckEmail
    new_id: Callable[[], str]
    limit: VisitorLimit | None

    def accept(
        self,
        form: Form,
        posted: Mapping[str, list[str]],
        visit: Visit,
        *,
        idempotency_key: str | None,
        ask: Ask,
    ) -> Receipt:
        """Store the sign-up and have it delivered.

        The same one again, or the same `idempotency_key`, gets the same receipt. Raises
        `InvalidSignup`, `KeyReused`, `VisitorLimited` and `LedgerUnavailable`.
        """
        quarantine = screen(posted)
        checked = self._check(posted, form, lenient=quarantine is not None)
        _check_key(idempotency_key)
        submission = Submission(
            id=self.new_id(),
            form=form.name,
            account=form.account,
            contact=checked.contact,
            lists=checked.lists,
            consent=_consent(form, checked, visit),
            quarantine=quarantine,
            unsubscribed=form.unsubscribed,
        )
        entry = Entry(
            submission=submission,
            compared_email=checked.compared_email,
            idempotency_key=idempotency_key,
        )
        accepted = self._keep(entry, visit, ask)
        if accepted.notify_workers:
            self.notifier.notify_workers(form.account)
        return Receipt(accepted.id, accepted.duplicate)

    def _check(
        self, posted: Mapping[str, list[str]], form: Form, *, lenient: bool
    ) -> CheckedFields:
        """Return the checked fields; `lenient` lets through what a robot got wrong, as it is to
        get the same answer as everyone."""
        try:
            return check_fields(posted, form, check_email=self.check_email)
        except InvalidSignup:
            if not lenient:
                raise
            return keep_unchecked(posted, form)

    def _keep(self, entry: Entry, visit: Visit, ask: Ask) -> Accepted:
        """Store the sign-up in the ledger, or on the disk while Redis is away."""
        if self.spool.in_use():
            behind = self._spool_behind(entry)
            if behind is not None:
                return behind
        try:
            return ask(lambda: self._store(entry, visit))
        except LedgerUnavailable as away:
            try:
                return self._spool(entry)
            except SpoolRefused as refused:
                raise SpoolRefused(f"{away}; {refused}") from away

    def _store(self, entry: Entry, visit: Visit) -> Accepted:
        fingerprints = self.fingerprints()
        return self.ledger.accept(
            entry.submission,
            person=entry.person(fingerprints),
            digest=entry.content(fingerprints),
            idempotency_key=entry.key(fingerprints),
            visitor=fingerprints.visitor(client_network(visit.address)),
            limit=self.limit,
        )

    def _spool_behind(self, entry: Entry) -> Accepted | None:
        """Keep the sign-up on the disk when an earlier one waits there that it must not overtake.

        With no room there, it had rather overtake than be refused.
        """
        try:
            return self.spool.add_behind(entry)
        except SpoolRefused:
            return None
        finally:
            self.drain()

    def _spool(self, entry: Entry) -> Accepted:
        """Keep the sign-up on the disk. Visitors are not limited there: what was counted of them
        is in Redis."""
        accepted = self.spool.add(entry)
        self.drain()
        return accepted


def _check_key(key: str | None) -> None:
    if key and len(key) > IDEMPOTENCY_KEY_LIMIT:
        message = f"An Idempotency-Key has at most {IDEMPOTENCY_KEY_LIMIT} characters."
        raise InvalidSignup([FieldError("Idempotency-Key", "too_long", message)])


def _consent(form: Form, checked: CheckedFields, visit: Visit) -> Consent:
    return Consent(
        text=form.consent_text,
        version=form.consent_version,
        box=checked.box,
        address=visit.address,
        page=visit.page,
    )
