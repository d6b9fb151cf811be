"""A test sign-up: sent to one's own address, followed, read back, and removed.

It goes the same way as a visitor's: ledger, lane, pace, API. One that an operator sends to a form
is taken in by web, like all that come to the form. Only a test shows which permission the contact
got, and so whether Confirmed Opt-in is on.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis

from shared.accounts.account_api import FRESH, AccountApi, ApiCallFailed
from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.form import Form
from shared.domain.reading.field_checks import CheckEmail
from shared.domain.signup import Consent, Contact, Signup, State, Submission
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger.ledger import Ledger
from shared.ledger.stores import stored_texts
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import Fingerprints

# No form can have this name, since it does not begin with a letter or digit.
TEST_FORM = "-test-"
_FOLLOWED = timedelta(days=1)
# A page asks for progress every second. Constant Contact is asked at growing intervals, and not
# for ever: each read uses up a request of the day.
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)
_MOST_READS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSignup:
    """How far a test sign-up has got. What is not known yet is None.

    `form` is the one that it was sent to. `lists` are names. `permission` is the API's word, and
    `meaning` explains it. `removable` says that this sign-up created the contact, so that it can be
    removed without harm.
    """

    id: str
    account: str
    email: str = field(repr=False)
    state: State
    attempts: int
    cause: str | None
    action: str | None
    form: str | None = None
    lists: tuple[str, ...] | None = None
    permission: str | None = None
    meaning: str | None = None
    trouble: str | None = None
    removed: bool = False

    @property
    def removable(self) -> bool:
        return self.action == "created" and not self.removed

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        if self.state == State.DELIVERED:
            return self.permission is not None or self.removed
        return self.state in (State.DEAD, State.DISCARDED, State.QUARANTINED)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"removable": self.removable}


@dataclass(eq=False)
class TestSignups:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`."""

    client: "redis.Redis"
    ledger: Ledger
    api: AccountApi
    fingerprints: Callable[[], Fingerprints]
    check_email: CheckEmail
    new_id: Callable[[], str]
    notify_workers: Callable[[str], None]
    now: Callable[[], datetime]

    def start(self, account: str, email: str, wanted_list: str, *, by: str) -> TestSignup:
        """Accept a sign-up of `email` for the list with this name or id, like a visitor's."""
        compared = self._compared(email)
        chosen = self._list_id(account, wanted_list)
        submission = Submission(
            id=self.new_id(),
            form=TEST_FORM,
            account=account,
            contact=Contact(fields={"email_address": email.strip()}),
            lists=(chosen,),
            consent=Consent(
                text=f"A test sign-up by {by}.", version=TEST_FORM, box=None, address="", page=None
            ),
        )
        self.ledger.accept(
            submission,
            person=self.fingerprints().person(compared),
            digest=submission.id,  # unique, so that a second test is no duplicate
            idempotency_key=None,
            visitor=None,
            limit=None,
        )
        AuditTrail(self.client).add(Action.TEST_SIGNUP, account=account, target=submission.id)
        self.notify_workers(account)
        return self._test_signup(self._signup(account, submission.id), {})

    def follow_form(self, form: Form, id: str) -> None:
        """Have the sign-up `id`, which an operator has sent to the form, be followed as a test."""
        self._keep(form.account, id, {"form": form.name})
        AuditTrail(self.client).add(
            Action.TEST_SIGNUP, account=form.account, target=id, form=form.name
        )

    def follow(self, account: str, id: str) -> TestSignup:
        """Return how far it has got; reads the contact back after the delivery."""
        signup, seen = self._signup(account, id), self._seen(account, id)
        if signup.state == State.DELIVERED and self._is_worth_reading(seen):
            kept = {"form": seen["form"]} if "form" in seen else {}
            seen = kept | self._read_back(signup, reads=seen.get("reads", 0) + 1)
            self._keep(account, id, seen)
        return self._test_signup(signup, seen)

    def _is_worth_reading(self, seen: dict[str, Any]) -> bool:
        """Whether it is time to ask Constant Contact for something that is not known yet."""
        if "permission" in seen or "removed" in seen or seen.get("reads", 0) >= _MOST_READS:
            return False
        return self.now().timestamp() >= float(seen.get("again_at", 0))

    def remove(self, account: str, id: str) -> TestSignup:
        """Delete the contact that the test created. Raises `Refused` when it created none."""
        signup = self._signup(account, id)
        contact_id = signup.contact_id
        if contact_id is None:
            raise Refused(
                "This test sign-up has not been delivered, so there is no contact to remove."
            )
        if signup.action != "created":
            raise Refused(
                "This address was a contact before the test, so the contact is not removed. In"
                " Constant Contact, you can undo what the test added."
            )
        self.api.read(account, lambda api, token: api.delete_contact(token, contact_id))
        AuditTrail(self.client).add(Action.REMOVE_TEST_CONTACT, account=account, target=id)
        seen = {**self._seen(account, id), "removed": True}
        self._keep(account, id, seen)
        return self._test_signup(signup, seen)

    def _compared(self, email: str) -> str:
        try:
            return self.check_email(email.strip())
        except ValueError as error:
            raise Refused(f"This is not an e-mail address: {error}") from error

    def _list_id(self, account: str, wanted: str) -> str:
        lists = self.api.lists(account, max_age=FRESH).lists
        same = wanted.strip().casefold()
        for each in lists:
            if same in (each.id.casefold(), each.name.strip().casefold()):
                return each.id
        names = ", ".join(sorted(each.name for each in lists)) or "none"
        raise Refused(f"There is no list {wanted!r}. The account's lists: {names}.")

    def _signup(self, account: str, id: str) -> Signup:
        signup = self.ledger.find(id, [account])
        if signup is None or not self._is_test(signup):
            raise Refused(f"There is no test sign-up {id} in {account}.")
        return signup

    def _is_test(self, signup: Signup) -> bool:
        return signup.form == TEST_FORM or "form" in self._seen(signup.account, signup.id)

    def _read_back(self, signup: Signup, *, reads: int) -> dict[str, Any]:
        """Return what was seen, or the error, and when to ask again."""
        try:
            seen = self._ask(signup)
        except ApiCallFailed as error:
            seen = {"trouble": str(error)}
        pause = min(_FIRST_PAUSE * 2 ** (reads - 1), _LONGEST_PAUSE)
        return seen | {"reads": reads, "again_at": (self.now() + pause).timestamp()}

    def _ask(self, signup: Signup) -> dict[str, Any]:
        contact = self.api.read(
            signup.account, lambda api, token: api.contact(token, signup.contact.email)
        )
        if contact is None:
            return {"trouble": "Constant Contact does not find the contact yet."}
        lists = self.api.lists(signup.account, max_age=FRESH)
        return {
            "lists": [lists.named(id) for id in contact.lists],
            "permission": contact.permission or "not known",
        }

    def _test_signup(self, signup: Signup, seen: dict[str, Any]) -> TestSignup:
        permission = seen.get("permission")
        return TestSignup(
            id=signup.id,
            account=signup.account,
            email=signup.contact.email,
            state=signup.state,
            attempts=signup.attempts,
            cause=signup.message,
            action=signup.action,
            form=seen.get("form"),
            lists=tuple(seen["lists"]) if "lists" in seen else None,
            permission=permission,
            meaning=what_it_means(permission, signup.action) if permission else None,
            trouble=seen.get("trouble"),
            removed=bool(seen.get("removed")),
        )

    def _seen(self, account: str, id: str) -> dict[str, Any]:
        stored = stored_texts.test_signup(self.client, account, id).read()
        if not stored:
            return {}
        return read_one(RecordKind.TEST_SIGNUP, id, lambda: json_object(stored)) or {}

    def _keep(self, account: str, id: str, seen: dict[str, Any]) -> None:
        stored_texts.test_signup(self.client, account, id).write(json.dumps(seen), _FOLLOWED)


def what_it_means(permission: str, action: str | None) -> str:
    """Return what a permission means. Only a new contact shows whether Confirmed Opt-in is on."""
    match permission, action:
        case "pending_confirmation", _:
            return (
                "Confirmed Opt-in is on. Constant Contact has sent a mail with a button, and the"
                " contact gets no other mail before pressing it."
            )
        case "explicit", "created":
            return "Confirmed Opt-in is off. The contact can receive mail at once."
        case "explicit", _:
            return (
                "The contact can receive mail. It existed before, so it does not show whether"
                " Confirmed Opt-in is on."
            )
        case "temp_hold", _:
            return "Constant Contact has put the address on hold, because it looks suspicious."
        case "unsubscribed", _:
            return "The contact is unsubscribed, so it receives no mail."
        case _:
            return f"Constant Contact says {permission}."
