"""One person's data: what there is, what they consented to, and erasing it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Protocol

import redis

from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.reading.field_checks import CheckEmail
from shared.domain.signup import Evidence
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.people import Erasure, People
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from shared.ledger.stores.registry import Registry

SPOOLED = "spooled"  # the state of what waits on this host's disk

STAYS = (
    "The contact at Constant Contact stays: delete it there, too. Other web hosts drop what their"
    " disks still have of the person when they hand it over. A keyed digest of the address is kept"
    " for a year, so that they know."
)
_REWRITING = (
    "Redis is rewriting its append-only file now. Until that is done, older lines of the file"
    " still have the data. So do backups."
)
_NOT_REWRITING = (
    "Older lines of Redis' append-only file still have the data until its next rewrite. Redis was"
    " asked for one and answered: {why}. Ask again with: redis-cli BGREWRITEAOF. Backups have the"
    " data, too."
)
_NOT_FORGETTING = (
    "Redis' log of slow calls may still quote the data. Redis was asked to empty it and answered:"
    " {why}. Ask again with: redis-cli SLOWLOG RESET."
)

# How often to look whether a worker has settled what it is sending.
_LOOK_EVERY = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class FoundSignup:
    """A sign-up of a person, and its state: one of the ledger's, or `SPOOLED`."""

    id: str
    account: str
    form: str
    state: str
    received_at: datetime


class PeopleOnDisk(Protocol):
    """What this host's disk has of people, by their addresses in the form for comparing."""

    def find(self, compared: Sequence[str]) -> list[FoundSignup]:
        """Return their sign-ups that wait on this host's disk."""

    def find_id(self, id: str) -> FoundSignup | None:
        """Return the sign-up with this id if it waits on this host's disk."""

    def erase(self, compared: Sequence[str]) -> int:
        """Erase these. Return how many there were that the ledger did not have, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`.

    `longest_sending` is how long a worker may send one sign-up; `sleep` takes seconds.
    """

    people: People
    registry: Registry
    trail: AuditTrail
    disk: PeopleOnDisk
    fingerprints: Callable[[], Fingerprints]
    check_email: CheckEmail
    longest_sending: timedelta
    sleep: Callable[[float], None]

    def find(self, email: str) -> list[FoundSignup]:
        """Return the person's sign-ups over all accounts and on this host's disk, oldest first."""
        accounts, compared = self.registry.owners_of_records(), self._compared(email)
        stored = (self.people.signups(accounts, person) for person in self._persons(compared))
        found = {
            each.id: FoundSignup(each.id, each.account, each.form, each.state, each.received_at)
            for each in chain.from_iterable(stored)
        }
        spooled = [each for each in self.disk.find(compared) if each.id not in found]
        return sorted([*found.values(), *spooled], key=lambda each: each.received_at)

    def consent(self, email: str) -> list[Evidence]:
        """Return what the person consented to, oldest first, also where retention has cleared the
        sign-up since."""
        accounts = self.registry.owners_of_records()
        found = (
            self.people.evidence(accounts, person)
            for person in self._persons(self._compared(email))
        )
        once = {each.id: each for each in chain.from_iterable(found)}
        return sorted(once.values(), key=lambda each: each.given_at)

    def erase(self, email: str) -> int:
        """Erase all that is stored of the person. Return how many sign-ups there were.

        What other hosts' disks have is dropped when they hand it over. A sign-up that a worker is
        sending at this moment is waited for. Safe to repeat.
        """
        compared = self._compared(email)
        persons = list(self._persons(compared))
        for person in persons:
            self.people.note_erased(person)
        # First what the disk has, as the ledger must still know which of it has come already.
        erased = self.disk.erase(compared)
        accounts = self.registry.owners_of_records()
        try:
            erased += self._erase(accounts, persons)
        except Refused:
            self.trail.add(Action.ERASE, count=None, note="some were still being sent")
            raise
        self.trail.add(Action.ERASE, count=erased)
        return erased

    def forget_traces(self) -> list[str]:
        """Have Redis forget what was erased, also in its files. Return sentences: what stays, if it
        cannot."""
        not_rewriting, not_forgetting = self.people.forget_traces()
        found = [_NOT_REWRITING.format(why=not_rewriting) if not_rewriting else _REWRITING]
        if not_forgetting:
            found.append(_NOT_FORGETTING.format(why=not_forgetting))
        return found

    def _erase(self, accounts: Sequence[str], persons: Iterable[str]) -> int:
        found = {each: person for person in persons for each in self.people.ids(accounts, person)}
        ids = [(*each, person) for each, person in found.items()]
        sending = [each for each in ids if self.people.erase(*each) == Erasure.SENDING]
        waited = timedelta()
        while sending:
            if waited > self.longest_sending:
                raise Refused(
                    f"{len(sending)} of the sign-ups are still being sent. All others are erased."
                    " Try again in a minute."
                )
            self.sleep(_LOOK_EVERY.total_seconds())
            waited += _LOOK_EVERY
            sending = [each for each in sending if self.people.erase(*each) == Erasure.SENDING]
        return len(ids)

    def _persons(self, compared: Sequence[str]) -> Iterator[str]:
        fingerprints = self.fingerprints()
        return (fingerprints.person(each) for each in compared)

    def _compared(self, email: str) -> list[str]:
        if not email.strip():
            raise Refused("Name an e-mail address.")
        return compared_forms(email, self.check_email)


def compared_forms(email: str, check_email: CheckEmail) -> list[str]:
    """Return the address in the form for comparing. What looked like spam may be stored under an
    address that is none, as it was typed."""
    forms = [email.strip().lower(), email.lower()]
    with contextlib.suppress(ValueError):
        forms.insert(0, check_email(email))
    return list(dict.fromkeys(forms))


def make_personal_data(
    settings: Settings,
    client: "redis.Redis",
    disk: PeopleOnDisk,
    *,
    longest_sending: timedelta,
    sleep: Callable[[float], None],
) -> PersonalData:
    return PersonalData(
        people=People(client),
        registry=Registry(client),
        trail=AuditTrail(client),
        disk=disk,
        fingerprints=partial(load_fingerprints, client, Sealer(settings.secret_keys)),
        check_email=check_email,
        longest_sending=longest_sending,
        sleep=sleep,
    )
