"""The audit trail in plain words: every action, whatever another version has written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain import audit_words
from shared.domain.audit import Action, AuditEntry
from shared.domain.audit_words import AuditSubject, details, signups_of

ID = "0199f3a0-0000-7000-8000-000000000001"


def entry(action: str, actor: str | None = "olga", **fields: Any) -> AuditEntry:
    given: dict[str, Any] = {"account": None, "target": None, "address": None, **fields}
    return AuditEntry(
        at=datetime(2026, 3, 1, tzinfo=UTC), actor=actor, via="console", action=action, **given
    )


def said(found: AuditEntry) -> str:
    return "".join(part.text for part in audit_words.sentence(found))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            entry("retry", account="acme", detail={"count": 212, "ids": [ID]}),
            "olga retried 212 sign-ups of acme",
        ),
        (
            entry("retry", account="acme", target=ID, detail={"count": 1, "ids": [ID]}),
            "olga retried sign-up 1CUDKFr3FUkCZ5GXZXGeME of acme",
        ),
        (
            entry("replay", account="acme", target="an-id", detail={"count": 5000}),
            "olga began a job that retries 5,000 sign-ups of acme",
        ),
        (
            entry(
                "discard", account="acme", target="an-id", detail={"count": 5000, "note": "spam"}
            ),
            "olga discarded 5,000 sign-ups of acme",
        ),
        (
            entry("undo_discard", account="acme", target=ID, detail={"count": 1, "ids": [ID]}),
            "olga undid the discarding of sign-up 1CUDKFr3FUkCZ5GXZXGeME of acme",
        ),
        (entry("erase", detail={"count": 1}), "olga erased a person, with 1 sign-up"),
        (entry("erase", detail={"count": None}), "olga erased a person, with some sign-ups"),
        (
            entry("add_operator", target="max", detail={"role": "viewer"}),
            "olga added max with the role viewer",
        ),
        (entry("set_password", target="max"), "olga gave max a new password"),
        (entry("set_password", target="olga"), "olga chose a new password"),
        (
            entry("sign_in_refused", None, target="olga"),
            "Somebody was refused at signing in as olga",
        ),
        (entry("sign_in_refused", None), "Somebody was refused at signing in"),
        (
            entry("of a later version"),
            "olga did something that this version does not know: of a later version",
        ),
    ],
)
def test_an_entry_says_what_was_done(found: AuditEntry, sentence: str) -> None:
    assert said(found) == sentence


@pytest.mark.parametrize("detail", [{}, {"count": "many", "ids": "none", "role": None}])
def test_every_action_has_its_words_also_with_nothing_else_known(detail: dict[str, Any]) -> None:
    for action in Action:
        found = entry(action, detail=detail)
        assert said(found).startswith("olga "), action
        assert "does not know" not in said(found), action
        assert signups_of(found) == [], action


def test_names_and_ids_say_what_they_are_of() -> None:
    parts = audit_words.sentence(entry("edit", account="acme", target=ID))
    assert [(part.subject, part.id) for part in parts if part.subject] == [
        (AuditSubject.SIGNUP, ID),
        (AuditSubject.ACCOUNT, "acme"),
    ]


def test_the_sign_ups_of_a_job_lead_to_the_job() -> None:
    parts = audit_words.sentence(entry("discard", target="an-id", detail={"count": 2}))
    assert [(part.subject, part.id) for part in parts][3] == (AuditSubject.JOB, "an-id")


def test_the_rest_is_told_once_and_sign_ups_apart() -> None:
    found = entry("discard", account="acme", detail={"count": 2, "ids": [ID, 7], "why_so": "spam"})
    assert details(found) == {"why so": "spam"}
    assert [each.id for each in signups_of(found)] == [ID]


def test_values_are_texts_for_people() -> None:
    found = entry("test_alerts", detail={"sent": {"slack": True, "mail": False}, "a": [1, 2, 3, 4]})
    assert details(found) == {"sent": "slack yes, mail no", "a": "1, 2, 3…"}
