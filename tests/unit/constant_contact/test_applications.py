"""API keys and secrets: their shape, and that nothing shows a secret."""

import pytest

from shared.constant_contact.applications import Application, check_application
from shared.domain.errors import Refused

KEY, SECRET = "0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0", "s3cret_Value-42"


def test_blanks_around_what_was_pasted_do_no_harm() -> None:
    assert check_application(f" {KEY}\n", f"\t{SECRET} ") == Application(KEY, SECRET)


@pytest.mark.parametrize(
    ("key", "secret", "words"),
    [
        ("", SECRET, "The API key is missing"),
        (KEY, "  ", "The secret is missing"),
        ("ada@example.com", SECRET, "API key looks like an e-mail address"),
        (KEY, "https://developer.constantcontact.com", "secret looks like a web address"),
        ("two words", SECRET, "API key contains blanks"),
        (KEY, "abc", "secret contains blanks or unusual characters"),
        (KEY, "x" * 201, "too long"),
        (KEY, "pässword", "unusual characters"),
        (KEY, KEY, "are equal"),
    ],
)
def test_what_cannot_be_one_is_refused_without_being_quoted(
    key: str, secret: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_application(key, secret)

    for given in (key.strip(), secret.strip()):
        assert not given or given not in str(refused.value)


def test_an_application_is_known_by_the_end_of_its_key_and_hides_its_secret() -> None:
    application = Application(KEY, SECRET)

    assert application.tail == "…c9b0"
    assert SECRET not in repr(application)
