"""Which submissions are the same one."""

from dataclasses import replace

import pytest

from shared.domain.errors import LedgerUnavailable
from shared.domain.signup import Contact, CustomValue, Submission
from shared.infrastructure.redis_urls import connect_briefly
from shared.infrastructure.sealing import Sealer
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from tests.support import builders
from tests.support.ports import free_port

CONTACT = Contact(
    fields={"email_address": "ada@example.com", "first_name": "Ada"}, other={"hobby": "sailing"}
)
SENT = builders.submission(contact=CONTACT)


def content(submission: Submission) -> str:
    return Fingerprints("key").content(submission, "ada@example.com")


@pytest.mark.parametrize(
    "contact",
    [
        replace(CONTACT, other={"hobby": "sailing", "g-recaptcha-response": "03AGdBq2"}),
        replace(CONTACT, other={"csrfmiddlewaretoken": "x", "hobby": "sailing"}),
        replace(CONTACT, fields=CONTACT.fields | {"email_address": "ADA@example.com"}),
        replace(CONTACT, typed={"email": "ada@example.com\u200b"}),
        replace(CONTACT, custom=(CustomValue("cf-1", "Page", "https://a.example/", "page"),)),
    ],
)
def test_a_double_click_is_the_same_with_a_fresh_token_or_another_spelling(
    contact: Contact,
) -> None:
    again = builders.submission(contact=contact)
    assert content(again) == content(SENT)


@pytest.mark.parametrize(
    "other",
    [
        builders.submission(contact=replace(CONTACT, other={"hobby": "chess"})),
        builders.submission(contact=replace(CONTACT, fields={"email_address": "ada@example.com"})),
        builders.submission(contact=replace(CONTACT, custom=(CustomValue("c", "cake", "Rye"),))),
        builders.submission(contact=CONTACT, form="shop"),
        builders.submission(contact=CONTACT, lists=()),
        builders.submission(contact=CONTACT, consent=replace(SENT.consent, box=True)),
    ],
)
def test_other_content_is_another_sign_up(other: Submission) -> None:
    assert content(other) != content(SENT)


def test_a_ledger_that_does_not_answer_is_said_to_be_unavailable() -> None:
    away = connect_briefly(f"redis://127.0.0.1:{free_port()}")
    with pytest.raises(LedgerUnavailable):
        load_fingerprints(away, Sealer(("a key of the tests",)))
