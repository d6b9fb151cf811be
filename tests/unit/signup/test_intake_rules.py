"""Intake: check, screen, store, notify, against a ledger of the test's own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, Unpack

import pytest

from shared.domain.errors import (
    InvalidSignup,
    LedgerUnavailable,
    SpoolRefused,
    VisitorLimited,
)
from shared.domain.form import Form, ListRef
from shared.domain.signup import ALONE, SEEN_LIMIT, Submission, Suspicion
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import AcceptDetails
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.values import Accepted
from web.request_ids import RequestId
from web.signup.checked_signup import CheckedSignup
from web.signup.consent_evidence import OurConsents
from web.signup.intake import Intake, KnownFingerprints
from web.signup.time_token import TimeTokens
from web.signup.visitor_counts import VisitorCounts
from web.signup.visitors import Visitor
from web.translations.catalogues import load_translations

T = TypeVar("T")

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("id-1", "News"),),
    consent_box="optional",
    unsubscribed="ask",
)
VISITOR = Visitor(address="203.0.113.7", page="https://example.com/news")


class FakeLedger:
    """Accepts everything, or fails."""

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        self.marks: list[dict[str, object]] = []
        self.notify_workers = True
        self.repeats = False
        self.away = False

    def accept(self, submission: Submission, **details: Unpack[AcceptDetails]) -> Accepted:
        if self.away:
            raise LedgerUnavailable
        self.submissions.append(submission)
        self.marks.append(dict(details))
        return Accepted(
            "first" if len(self.marks) > 1 else submission.id, self.repeats, self.notify_workers
        )


class FakeDisk:
    """Keeps everything, or refuses; `earlier` are people of whom something waits there."""

    def __init__(self) -> None:
        self.entries: list[CheckedSignup] = []
        self.earlier: set[str] = set()
        self.full = False

    def add(self, entry: CheckedSignup, *, admit: Callable[[], None]) -> Accepted:
        if self.full:
            raise SpoolRefused("the spool is full")
        admit()
        self.entries.append(entry)
        return Accepted(entry.submission.id, duplicate=False, notify_workers=False)

    def in_use(self) -> bool:
        return bool(self.entries or self.earlier)

    def add_behind(self, entry: CheckedSignup, *, admit: Callable[[], None]) -> Accepted | None:
        return self.add(entry, admit=admit) if entry.compared_email in self.earlier else None


class Desk:
    """An intake with all that it needs, and a short way to use it."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.disk = FakeDisk()
        self.drains = 0
        self.notified: list[str] = []
        self.noted: list[tuple[str, ...]] = []
        self.screened: list[str] = []
        self.asked = 0
        self._ids = iter([f"id-{number}" for number in range(1, 9)])
        self.intake = Intake(
            ledger=self.ledger,
            fingerprints=KnownFingerprints(lambda: Fingerprints("key")),
            spool=self.disk,
            drain=self._drain,
            notify_workers=self.notified.append,
            note_accepted=lambda form, names: self.noted.append((form.name, *names)),
            note_screened=lambda form: self.screened.append(form.name),
            check_email=check_email,
            find_solution=lambda form, posted: next(iter(posted.get("altcha", ())), None),
            our_consents=OurConsents(load_translations()),
            time_tokens=TimeTokens(("key",), clock=lambda: 0.0),
            limit=None,
            person_limit=None,
            own_counts=VisitorCounts(RateLimit(2, timedelta(minutes=1)), clock=lambda: 0.0),
        )

    def _drain(self) -> None:
        self.drains += 1

    def _ask(self, work: Callable[[], T]) -> T:
        self.asked += 1
        return work()

    def post(self, visitor: Visitor = VISITOR, key: str | None = None, **posted: str) -> Accepted:
        lists = {name: [value] for name, value in ({"email": "ada@example.com"} | posted).items()}
        request = RequestId(next(self._ids))
        entry = self.intake.check(FORM, lists, visitor, idempotency_key=key, request=request)
        return self.intake.store(FORM, entry, visitor, ask=self._ask)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_sign_up_is_stored_with_its_consent_and_the_workers_are_notified(desk: Desk) -> None:
    assert desk.post(consent="yes") == Accepted("id-1", duplicate=False, notify_workers=True)
    [submission] = desk.ledger.submissions
    assert (submission.form, submission.account, submission.lists) == ("news", "acme", ("id-1",))
    assert submission.quarantine is None
    assert submission.unsubscribed == "ask"
    consent = submission.consent
    assert (consent.text, consent.version) == (FORM.consent_text, FORM.consent_version)
    assert (consent.box, consent.address, consent.page) == (True, VISITOR.address, VISITOR.page)
    assert desk.notified == ["acme"]


def test_the_ledgers_id_is_the_one_that_counts(desk: Desk) -> None:
    desk.post()
    assert desk.post().id == "first"


def test_no_notification_if_the_ledger_asks_for_none(desk: Desk) -> None:
    desk.ledger.notify_workers = False
    desk.post()
    assert desk.notified == []


@pytest.mark.parametrize(
    "name",
    ["_gotcha", "_GOTCHA[]", "bot-field", "b_0123456789abcd_0123abcd", "_mc4wp_honeypot"],
)
def test_a_filled_honeypot_is_quarantined_and_answered_the_same(desk: Desk, name: str) -> None:
    spam: Any = {name: "http://spam.example"}
    answer = desk.post(**spam)
    assert answer == Accepted("id-1", duplicate=False, notify_workers=True)
    caught = desk.ledger.submissions[0].quarantine
    assert caught == Suspicion(("honeypot",), ALONE, {"honeypot": "http://spam.example"})
    assert (desk.screened, desk.noted) == (["news"], [])


def test_a_long_text_in_the_honeypot_is_cut(desk: Desk) -> None:
    desk.post(_gotcha="x" * 5000)
    caught = desk.ledger.submissions[0].quarantine
    assert caught and caught.seen == {"honeypot": "x" * SEEN_LIMIT}


def test_an_untouched_honeypot_is_clean(desk: Desk) -> None:
    desk.post(_gotcha="  ")
    assert desk.ledger.submissions[0].quarantine is None


def test_an_accepted_sign_up_is_noted_with_the_fields_that_are_not_sent(desk: Desk) -> None:
    desk.post(shoe_size="43", utm_source="x")
    desk.post(first_name="Ada", email="other@example.com")
    assert desk.noted == [("news", "shoe_size", "utm_source"), ("news",)]


def test_a_robots_sign_up_and_a_duplicate_are_not_noted(desk: Desk) -> None:
    desk.post(_gotcha="x", shoe_size="43")
    desk.ledger.repeats = True
    desk.post(shoe_size="43")
    assert desk.noted == []


def test_wrong_fields_reach_no_ledger(desk: Desk) -> None:
    with pytest.raises(InvalidSignup):
        desk.post(email="ada")
    assert desk.asked == 0


def test_while_the_ledger_is_away_a_sign_up_is_kept_on_the_disk_and_nobody_is_notified(
    desk: Desk,
) -> None:
    desk.ledger.away = True
    answer = desk.post(key="one", email="Ada@Example.com")
    assert answer == Accepted("id-1", duplicate=False, notify_workers=False)
    [entry] = desk.disk.entries
    assert (entry.compared_email, entry.idempotency_key) == ("ada@example.com", "one")
    assert entry.submission.contact.email == "Ada@Example.com"
    assert (desk.drains, desk.notified) == (1, [])


def test_what_neither_the_ledger_nor_the_disk_can_take_is_refused(desk: Desk) -> None:
    desk.ledger.away = desk.disk.full = True
    with pytest.raises(LedgerUnavailable, match="the spool is full"):
        desk.post()
    assert desk.notified == []


def test_a_sign_up_waits_behind_an_earlier_one_of_the_same_person_on_the_disk(desk: Desk) -> None:
    desk.disk.earlier = {"ada@example.com"}
    desk.post(email="ADA@example.com")
    desk.post(email="bob@example.com")
    assert [entry.compared_email for entry in desk.disk.entries] == ["ada@example.com"]
    assert [each.contact.email for each in desk.ledger.submissions] == ["bob@example.com"]
    assert desk.asked == 1


def test_behind_a_full_disk_nobody_waits(desk: Desk) -> None:
    desk.disk.earlier, desk.disk.full = {"ada@example.com"}, True
    desk.post(email="ada@example.com")
    assert len(desk.ledger.submissions) == 1


def test_whatever_waits_on_the_disk_is_drained_by_any_process_that_sees_it(desk: Desk) -> None:
    desk.post()
    assert desk.drains == 0
    desk.disk.earlier = {"bob@example.com"}
    desk.post()
    assert desk.drains == 1


def test_an_idempotency_key_has_at_most_255_characters(desk: Desk) -> None:
    desk.post(key="k" * 255)
    with pytest.raises(InvalidSignup):
        desk.post(key="k" * 256)


def test_people_and_keys_are_recognised_without_being_named(desk: Desk) -> None:
    desk.post(key="one", email="Ada@Example.com")
    desk.post(key="one", email="ada@example.COM", first_name="Ada")
    first, second = desk.ledger.marks
    assert first["person"] == second["person"]
    assert first["idempotency_key"] == second["idempotency_key"]
    assert first["digest"] != second["digest"]
    assert "ada" not in str(first).lower()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:4::5", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
    ],
    ids=["IPv4", "IPv6, one client_network", "IPv6, two client_networks"],
)
def test_who_counts_as_one_visitor(desk: Desk, one: str, other: str, same: bool) -> None:
    desk.post(Visitor(address=one, page=None))
    desk.post(Visitor(address=other, page=None))
    visitors = {mark["visitor"] for mark in desk.ledger.marks}
    assert len(visitors) == (1 if same else 2)


@pytest.mark.parametrize("earlier", [set(), {"ada@example.com"}])
def test_the_process_itself_limits_a_visitor_whose_sign_ups_go_to_the_disk(
    desk: Desk, earlier: set[str]
) -> None:
    desk.ledger.away, desk.disk.earlier = True, earlier
    at_home = Visitor(address="2001:db8::1", page=None)
    beside = Visitor(address="2001:db8::2", page=None)
    desk.post(at_home)
    desk.post(beside)
    with pytest.raises(VisitorLimited) as limited:
        desk.post(at_home)
    assert limited.value.retry_after == timedelta(minutes=1)
    assert desk.post(Visitor(address="2001:db8:1::1", page=None)).id == "id-4"
    assert len(desk.disk.entries) == 3


def test_what_the_ledger_takes_counts_there_alone(desk: Desk) -> None:
    for _ in range(5):
        desk.post()
    desk.ledger.away = True
    desk.post()
    desk.post()
    assert len(desk.disk.entries) == 2
