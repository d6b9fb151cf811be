"""Names in the wild: which field a website means by the name that it posts."""

import pytest

from shared.domain.fields import EMAIL, FIELDS
from shared.domain.reading.meanings import find_field, is_token, meaning_of, path_of
from tests.support.wild_names import ADDRESSES, NAMES, alternatives

NOT_OURS = """
username|user_name|newsletter|form_name|form_id|page_name|list_name|company_email|parent_name
confirm_email|acceptedTerms|accept_terms|sms_consent|cookie-consent|data[formName]|x[__state]|email_optin_text|email_format|wpforms[fields][1]|input_3|item_meta[25]|nf-field-2|id
_wpnonce|utm_source|[]|[0]||*|2
"""


def test_an_address_is_found_under_the_names_that_pages_use() -> None:
    for name in alternatives(ADDRESSES):
        assert find_field(name) is EMAIL, name


@pytest.mark.parametrize("meaning", NAMES)
def test_other_fields_are_found_too(meaning: str) -> None:
    for name in alternatives(NAMES[meaning]):
        found = meaning_of(name)
        assert found is not None, name
        assert getattr(found[0], "name", found[0]) == meaning, name


def test_a_name_that_means_another_thing_is_no_field() -> None:
    for name in alternatives(NOT_OURS):
        assert meaning_of(name) is None, name


def test_a_fields_own_name_goes_before_a_synonym_and_that_before_a_decorated_name() -> None:
    def effort(name: str) -> int:
        found = meaning_of(name)
        assert found is not None
        return found[1]

    assert effort("email") == 0 < effort("mail") < effort("txt_mail_2")


def test_no_two_fields_share_a_name() -> None:
    for field in FIELDS:
        assert find_field(field.name) is field
        assert [name for name in field.synonyms if find_field(name) is not field] == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("email", ("email",)),
        ("email[]", ("email",)),
        ("contact[email]", ("contact", "email")),
        ("fields[email][value]", ("fields", "email")),
        ("a.b$c:d", ("a", "b", "c", "d")),
        ("interests[0]", ("interests",)),
        ("1.3", ("1", "3")),
        ("[]", ()),
    ],
)
def test_a_name_is_a_path(name: str, path: tuple[str, ...]) -> None:
    assert path_of(name) == path


@pytest.mark.parametrize("name", ["csrfmiddlewaretoken", "g-recaptcha-response", "_wpnonce"])
def test_tokens_are_known(name: str) -> None:
    assert is_token(name)
    assert not is_token("hobby")
