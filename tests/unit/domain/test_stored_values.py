"""Values that are stored and come back, and the words in which they are stored."""

import json
from enum import StrEnum
from typing import Any

import pytest

from shared.domain.account import Account, HoldReason
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.job import JobAction, JobState, Obstacle
from shared.domain.signup import ALONE, Contact, CustomValue, DeathReason, State, Suspicion


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        (
            State,
            ["queued", "delivering", "retrying", "delivered", "dead", "discarded", "quarantined"],
        ),
        (DeathReason, ["rejected", "gave_up", "poison", "unsubscribed_since", "unreadable"]),
        (HoldReason, ["reconnect", "forbidden", "paused", "outage", "quota"]),  # gravest first
        (JobState, ["running", "waiting", "done", "cancelled"]),
        (Obstacle, ["stepping", "hold", "behind", "quota", "under way"]),
        (
            JobAction,
            ["retry", "retry_form_lists", "retry_edited", "deliver", "discard", "undo"],
        ),
        (CheckResult, ["ok", "problem", "unknown"]),
        (Severity, ["warning", "problem"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_words_that_are_stored(words: type[StrEnum], stored: list[str]) -> None:
    assert list(words) == stored


# --- accounts


def test_an_account_comes_back_without_what_only_another_version_knows() -> None:
    account = Account(name="acme", client_id="key", organization="Acme", login="ada")
    stored = account.to_dict()
    assert stored["organization"] == "Acme"
    assert stored["disconnected_at"] is None
    assert Account.from_dict(stored | {"colour": "red"}) == account


def test_an_account_shows_nobodys_address_or_login() -> None:
    account = Account(name="acme", client_id="key", contact_email="ada@example.com", login="ada-l")
    assert "ada" not in repr(account)


# --- contacts


def test_a_contact_comes_back_without_what_only_another_version_knows() -> None:
    contact = Contact(
        fields={"email_address": "zoë@example.com"},
        custom=(CustomValue("cf-1", "shoe_size", "41"),),
        other={"tags": ["a", "b"]},
    )
    stored = contact.to_dict()
    assert stored == {
        "fields": {"email_address": "zoë@example.com"},
        "custom": [{"id": "cf-1", "name": "shoe_size", "value": "41"}],
        "other": {"tags": ["a", "b"]},
    }
    assert Contact.from_dict({**stored, "colour": "red"}) == contact
    assert contact.email == "zoë@example.com"


def test_a_contact_shows_nobodys_data() -> None:
    contact = Contact(
        fields={"email_address": "ada"},
        custom=(CustomValue("cf-1", "shoe_size", "ada"),),
        other={"tags": "ada"},
        typed={"birthday": "ada"},
    )
    assert "ada" not in repr(contact)
    assert Contact(fields={}) == Contact(fields={}, custom=(), other={})


# --- suspicions


def test_a_suspicion_comes_back_without_what_only_another_version_knows() -> None:
    caught = Suspicion(("links_in_name", "of_tomorrow"), 12, {"links_in_name": "x.example"})
    stored = json.loads(json.dumps(caught.to_dict()))
    assert stored == {
        "reasons": ["links_in_name", "of_tomorrow"],
        "score": 12,
        "seen": {"links_in_name": "x.example"},
    }
    assert Suspicion.from_stored({**stored, "colour": "red"}) == caught
    assert "x.example" not in repr(caught)


def test_a_suspicion_of_an_earlier_version_is_its_reason_alone() -> None:
    assert Suspicion.from_stored("honeypot") == Suspicion(("honeypot",), ALONE)


@pytest.mark.parametrize("stored", [{"reasons": [], "score": 1}, {"score": 1}, {"reasons": ["a"]}])
def test_a_suspicion_has_a_reason_and_a_score(stored: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        Suspicion.from_stored(stored)


# --- checks


SUBJECT = CheckSubject("tokens", "Tokens", "acme")


@pytest.mark.parametrize(
    ("check", "verdict", "fix"),
    [
        (SUBJECT.ok("Seen."), CheckResult.OK, None),
        (SUBJECT.advice("Seen.", "Do it."), CheckResult.OK, "Do it."),
        (SUBJECT.problem("Seen.", "Do it."), CheckResult.PROBLEM, "Do it."),
        (SUBJECT.unknown("Seen."), CheckResult.UNKNOWN, None),
        (SUBJECT.unknown("Seen.", "Do it."), CheckResult.UNKNOWN, "Do it."),
    ],
    ids=lambda value: str(value.verdict) if isinstance(value, Check) else "",
)
def test_checks(check: Check, verdict: CheckResult, fix: str | None) -> None:
    expected = Check(
        name="tokens", title="Tokens", verdict=verdict, found="Seen.", fix=fix, account="acme"
    )
    assert check == expected
    assert Check.from_dict(check.to_dict()) == expected


def test_a_check_is_of_the_installation_unless_it_names_an_account() -> None:
    installation = CheckSubject("disk", "Disk")
    assert installation.ok("Seen.").account is None
    assert installation.of("acme").ok("Seen.") == CheckSubject("disk", "Disk", "acme").ok("Seen.")
    assert CheckSubject("disk", "Disk").ok("Seen.").to_dict() == {
        "name": "disk",
        "title": "Disk",
        "verdict": "ok",
        "found": "Seen.",
        "fix": None,
        "account": None,
    }


def test_a_verdict_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="fine"):
        Check.from_dict(SUBJECT.ok("Seen.").to_dict() | {"verdict": "fine"})


# --- alerts


@pytest.mark.parametrize(("key", "kind"), [("tokens:acme", "tokens"), ("workers", "workers")])
def test_the_kind_of_a_condition_is_the_beginning_of_its_key(key: str, kind: str) -> None:
    condition = AlertCondition(key=key, severity=Severity.WARNING, title="t", body="b", over="o")
    assert condition.kind == kind
    assert (condition.account, condition.since) == (None, None)
