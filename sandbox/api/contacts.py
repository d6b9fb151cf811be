"""The contacts of all accounts, and what a sign-up does to one.

The rules of ``POST /contacts/sign_up_form``: It is a partial update that adds lists and custom
fields to those of the contact. A deleted contact comes back. An update makes the permission
explicit, even after the person had unsubscribed. A new contact is explicit too, or pending while
Confirmed Opt-in is on. An unsubscribed contact can get one mail, ever, in which they can confirm
that they return.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sandbox.records import Records

_KIND = "contact"
_PLAIN = (
    "first_name",
    "last_name",
    "job_title",
    "company_name",
    "phone_number",
    "birthday_month",
    "birthday_day",
    "anniversary",
    "street_address",
    "sms_channel",
)


def iso(seconds: float) -> str:
    """Return a moment (seconds since 1970) as the API writes it: 2026-03-02T12:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Contact:
    contact_id: str
    account_id: str
    email: str
    created_at: float
    updated_at: float
    deleted_at: float | None = None
    permission: str = "explicit"
    confirm_status: str = "off"
    opt_in_date: float | None = None
    opt_out_date: float | None = None
    opt_out_reason: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    custom_fields: dict[str, str] = field(default_factory=dict)
    list_ids: list[str] = field(default_factory=list)
    asked_at: float | None = None  # when the one confirmation mail was sent
    asked_list_ids: list[str] = field(default_factory=list)

    @property
    def may_confirm(self) -> bool:
        """Whether a confirmation mail was sent that still counts."""
        asked = self.permission == "unsubscribed" and self.asked_at is not None
        return self.permission == "pending_confirmation" or asked

    @property
    def name(self) -> str:
        names = (self.properties.get("first_name"), self.properties.get("last_name"))
        return " ".join(name for name in names if name)


class Contacts:
    """Finds contacts by account and address (ignoring case), or by id.

    The state's lock guards them.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._by_email: dict[tuple[str, str], Contact] = {}
        self._by_id: dict[str, Contact] = {}
        self._by_account: defaultdict[str, list[Contact]] = defaultdict(list)
        for stored in records.all(_KIND):
            self._remember(Contact(**stored))

    def sign_up(
        self, account_id: str, payload: dict[str, Any], *, now: float, confirm: bool
    ) -> tuple[Contact, bool]:
        """Create or update the contact; return it, and whether it is new."""
        contact = self.find(account_id, payload.get("email_address", ""))
        created = contact is None
        if contact is None:
            contact = _new(account_id, payload, now=now, confirm=confirm)
            self._remember(contact)
        else:
            _opt_in(contact, now)
        _apply(contact, payload, now)
        self._save(contact)
        return contact, created

    def unsubscribe(self, contact: Contact, *, now: float) -> None:
        """Unsubscribe the contact, as their own click would."""
        contact.permission = "unsubscribed"
        contact.opt_out_date = contact.updated_at = now
        contact.list_ids = []
        self._save(contact)

    def send_confirmation(self, contact: Contact, list_ids: Iterable[str], *, now: float) -> None:
        """Send the mail in which the contact can confirm that they want these lists again."""
        contact.asked_at = contact.updated_at = now
        contact.asked_list_ids = [list_id.lower() for list_id in list_ids]
        self._save(contact)

    def confirm(self, contact: Contact, *, now: float) -> None:
        """Confirm, as the contact's own click in the mail would."""
        _opt_in(contact, now)
        contact.confirm_status = "confirmed"
        contact.updated_at = now
        contact.list_ids = list(dict.fromkeys([*contact.list_ids, *contact.asked_list_ids]))
        contact.asked_list_ids = []
        self._save(contact)

    def delete(self, contact: Contact, *, now: float) -> None:
        contact.deleted_at = contact.updated_at = now
        contact.list_ids = []
        self._save(contact)

    def leave_list(self, list_id: str) -> None:
        """Take all contacts off a deleted list."""
        for contact in self._by_id.values():
            if list_id in contact.list_ids:
                contact.list_ids.remove(list_id)
                self._save(contact)

    def find(self, account_id: str, email: str) -> Contact | None:
        return self._by_email.get((account_id, email.casefold()))

    def get(self, contact_id: str) -> Contact | None:
        return self._by_id.get(contact_id.lower())

    def of(self, account_id: str) -> Sequence[Contact]:
        """Return the contacts of an account in order of arrival, deleted ones included."""
        return self._by_account[account_id]

    def with_address(self, email: str, account_ids: Iterable[str]) -> Iterator[Contact]:
        """Yield the contacts with this address in these accounts."""
        for account_id in account_ids:
            contact = self.find(account_id, email)
            if contact is not None:
                yield contact

    def _remember(self, contact: Contact) -> None:
        self._by_id[contact.contact_id] = contact
        self._by_account[contact.account_id].append(contact)
        if contact.email:
            self._by_email[contact.account_id, contact.email.casefold()] = contact

    def _save(self, contact: Contact) -> None:
        self._records.put(_KIND, contact.contact_id, asdict(contact))


def _new(account_id: str, payload: dict[str, Any], *, now: float, confirm: bool) -> Contact:
    return Contact(
        contact_id=str(uuid4()),
        account_id=account_id,
        email=payload.get("email_address", ""),
        created_at=now,
        updated_at=now,
        permission="pending_confirmation" if confirm else "explicit",
        confirm_status="pending" if confirm else "off",
        opt_in_date=now,
    )


def _opt_in(contact: Contact, now: float) -> None:
    contact.deleted_at = None
    contact.permission = "explicit"
    contact.opt_in_date = now
    contact.opt_out_date = None
    contact.opt_out_reason = ""


def _apply(contact: Contact, payload: dict[str, Any], now: float) -> None:
    contact.updated_at = now
    contact.properties |= {name: payload[name] for name in _PLAIN if name in payload}
    for each in payload.get("custom_fields", ()):
        contact.custom_fields[each["custom_field_id"].lower()] = each["value"]
    joined = (list_id.lower() for list_id in payload["list_memberships"])
    contact.list_ids = list(dict.fromkeys([*contact.list_ids, *joined]))
