"""What each thing that is seen while connecting means, and the one thing to do about it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.accounts import checks
from shared.constant_contact.client import ContactList, Organization
from shared.constant_contact.oauth import SCOPES
from shared.domain.check import Check, CheckResult
from tests.support import builders

SUMMARY = Organization(
    organization="Acme Bakery", contact_email="olive@acme.example", encoded_account_id="p07"
)
LIST = ContactList("1", "Newsletter", 12)


@pytest.mark.parametrize(
    ("check", "verdict", "words"),
    [
        (checks.refresh_token_present(), CheckResult.OK, "kept alive"),
        (checks.scopes_granted(frozenset(SCOPES)), CheckResult.OK, "contact_data"),
        (checks.scopes_granted(None), CheckResult.UNKNOWN, "does not list"),
        (checks.scopes_granted(frozenset({"account_read"})), CheckResult.PROBLEM, "contact_data"),
        (checks.scopes_granted(frozenset({"contact_data"})), CheckResult.PROBLEM, "account_read"),
        (checks.scopes_granted(frozenset()), CheckResult.PROBLEM, "contact_data and account_read"),
        (
            # The refresh token that came along says more than the token's silence.
            checks.scopes_granted(frozenset({"contact_data", "account_read"})),
            CheckResult.OK,
            "account_read",
        ),
        (checks.privileges_held(frozenset({"contacts:write"})), CheckResult.OK, "contacts:write"),
        (
            checks.privileges_held(frozenset({"contacts:read"})),
            CheckResult.PROBLEM,
            "contacts:write",
        ),
        (checks.summary_read(SUMMARY), CheckResult.OK, "Acme Bakery, olive@acme.example"),
        (checks.summary_read(None), CheckResult.PROBLEM, "account_read"),
        (checks.lists_read([LIST]), CheckResult.OK, "1 found"),
        (checks.lists_read([LIST] * 1203), CheckResult.OK, "1,203 found"),
        (checks.lists_read([]), CheckResult.PROBLEM, "none"),
        (checks.lists_read(None), CheckResult.PROBLEM, "contacts:lists:read"),
        (checks.refreshed("rotating", None, own_key=False), CheckResult.OK, "rotate"),
        (checks.refreshed("long-lived", None, own_key=False), CheckResult.OK, "long-lived"),
        (checks.refreshed(None, None, own_key=False), CheckResult.OK, "Done once"),
        (checks.refreshed(None, "it failed", own_key=False), CheckResult.PROBLEM, "it failed"),
        (checks.clock(timedelta(0)), CheckResult.OK, "agrees"),
        (checks.clock(timedelta(seconds=60)), CheckResult.OK, "agrees"),
        (checks.clock(timedelta(seconds=-60)), CheckResult.OK, "agrees"),
        (checks.clock(timedelta(seconds=61)), CheckResult.PROBLEM, "61 s behind"),
        (checks.clock(timedelta(minutes=-5)), CheckResult.PROBLEM, "300 s ahead of"),
        (checks.clock(None), CheckResult.UNKNOWN, "has no time"),
    ],
)
def test_what_was_seen_is_judged(check: Check, verdict: CheckResult, words: str) -> None:
    assert check.verdict == verdict
    assert words in check.found


@pytest.mark.parametrize(
    "check",
    [
        checks.scopes_granted(frozenset()),
        checks.privileges_held(frozenset()),
        checks.summary_read(None),
        checks.lists_read(None),
        checks.lists_read([]),
        checks.refreshed(None, "it failed", own_key=False),
        checks.clock(timedelta(hours=1)),
    ],
)
def test_every_problem_says_what_to_do_in_whole_sentences(check: Check) -> None:
    assert check.verdict == CheckResult.PROBLEM
    assert check.fix
    assert check.found.endswith(".")
    assert check.fix.endswith(".")


def test_an_account_without_a_name_still_reads_well() -> None:
    nameless = Organization(organization=None, contact_email=None, encoded_account_id="p07")

    assert checks.summary_read(nameless).found == "an account without a name, no e-mail address"


def test_a_check_survives_being_stored() -> None:
    check = checks.scopes_granted(frozenset())

    assert Check.from_dict(check.to_dict()) == check


def test_an_account_with_two_names_is_reported() -> None:
    books = builders.account("books", encoded_account_id="p1", login="bela")
    found = checks.one_name(
        books,
        [
            books,
            replace(books, name="books2"),
            replace(books, name="unread", encoded_account_id=None),
            replace(books, name="other", encoded_account_id="p2"),
            replace(books, name="unknown", encoded_account_id=None, login=None),
            replace(books, name="gone", disconnected_at="2026-03-01T12:00:00Z"),
        ],
    )
    assert [check.fix.rpartition(" ")[2] for check in found if check.fix] == ["books2", "unread"]
    ended = replace(books, disconnected_at="2026-03-01T12:00:00Z")
    assert not list(checks.one_name(ended, [replace(books, name="books2")]))
