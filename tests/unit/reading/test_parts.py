"""Fields that pages post in parts, and in old forms of Constant Contact."""

import pytest

from shared.domain.errors import InvalidSignup
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.reading.field_checks import check_fields
from shared.domain.signup import Contact
from shared.infrastructure.email_syntax import check_email

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")),
    custom_fields=(CustomField("cf-1", "custom_field_1", "Twitter"),),
)


def contact_of(posted: dict[str, str]) -> Contact:
    given = {"email": ["ada@example.org"]} | {name: [value] for name, value in posted.items()}
    return check_fields(given, FORM, check_email=check_email).contact


@pytest.mark.parametrize(
    ("posted", "first", "last"),
    [
        ({"name": "Ada Lovelace"}, "Ada", "Lovelace"),
        ({"name": "Lovelace, Ada"}, "Ada", "Lovelace"),
        ({"name": "Ada Lovelace, PhD"}, "Ada", "Lovelace, PhD"),
        ({"name": "Acme, Inc."}, "Acme,", "Inc."),
        ({"name": "Ada,"}, "Ada,", None),
        ({"name": "Dr. Ada Lovelace"}, "Dr. Ada", "Lovelace"),
        ({"name": "Dr. Lovelace"}, "Dr.", "Lovelace"),
        ({"name": "a, b, c"}, "a,", "b, c"),
        ({"name": "Ada Lovelace", "first_name": "Ada"}, "Ada", "Lovelace"),
        ({"name": "Lovelace", "first_name": "Ada"}, "Ada", None),
        ({"Name": "Lovelace", "Vorname": "Ada"}, "Ada", "Lovelace"),
        ({"Name": "Ada Lovelace", "Vorname": "Ada"}, "Ada", "Lovelace"),
        ({"name": "Ada", "last_name": "Lovelace"}, "Ada", "Lovelace"),
        ({"name": "Ada Lovelace", "last_name": "Lovelace"}, "Ada", "Lovelace"),
        ({"name": "X", "first_name": "Ada", "last_name": "Lovelace"}, "Ada", "Lovelace"),
    ],
)
def test_names(posted: dict[str, str], first: str, last: str | None) -> None:
    fields = contact_of(posted).fields
    assert (fields["first_name"], fields.get("last_name")) == (first, last)


@pytest.mark.parametrize(
    ("posted", "fields"),
    [
        ({"street": "1 Test Drive", "address2": "Apt 2"}, {"street": "1 Test Drive, Apt 2"}),
        (
            {"phone[area]": "555", "phone[detail1]": "010", "phone[detail2]": "0199"},
            {"phone_number": "555-010-0199"},
        ),
        ({"phone[area]": "555", "phone": "0100199"}, {"phone_number": "555 0100199"}),
        ({"birth_month": "5", "birth_day": "17"}, {"birthday_month": "5", "birthday_day": "17"}),
        ({"birthday": "05/17"}, {"birthday_month": "5", "birthday_day": "17"}),
        ({"dob[month]": "05", "dob[day]": "17"}, {"birthday_month": "05", "birthday_day": "17"}),
        (
            {"anniversary_year": "2001", "anniversary_month": "June", "anniversary_day": "1"},
            {"anniversary": "2001-06-01"},
        ),
    ],
)
def test_parts_are_put_together(posted: dict[str, str], fields: dict[str, str]) -> None:
    contact = contact_of(posted)
    assert contact.fields == {"email_address": "ada@example.org"} | fields
    assert contact.other == {}


@pytest.mark.parametrize(
    "posted",
    [
        {"address2": "Apt 2"},
        {"birthday": "next week"},
        {"anniversary_year": "2001", "anniversary_month": "6"},
        {"anniversary_year": "2001", "anniversary_month": "2", "anniversary_day": "30"},
        {"phone[area]": "555"},
    ],
)
def test_parts_that_make_nothing_whole_are_kept_and_not_sent(posted: dict[str, str]) -> None:
    contact = contact_of(posted)
    assert contact.fields == {"email_address": "ada@example.org"}
    assert contact.other == posted


def test_of_several_values_of_a_part_the_first_real_one_counts() -> None:
    given = {"email": ["ada@example.org"], "birthday": ["null", "05/17"]}
    contact = check_fields(given, FORM, check_email=check_email).contact
    assert contact.fields["birthday_day"] == "17"
    assert (contact.other, contact.typed) == ({"birthday": "null"}, {"birthday": "05/17"})


def test_a_field_of_its_own_wins_over_parts() -> None:
    contact = contact_of({"birthday": "05/17", "birthday_month": "6", "birthday_day": "1"})
    assert (contact.fields["birthday_month"], contact.other) == ("6", {"birthday": "05/17"})


@pytest.mark.parametrize(
    ("posted", "address"),
    [
        ({"hidden[email]": "old@x.example", "input_3": "ada@x.example"}, "ada@x.example"),
        ({"urlParameters[email]": "old@x.example", "mail": "ada@x.example"}, "ada@x.example"),
        ({"hidden[email]": "known@x.example", "hobby": "x"}, "known@x.example"),
        ({"query[email]": "old@x.example", "mail": "ada@x.example"}, "ada@x.example"),
    ],
)
def test_an_address_that_the_page_knew_before_never_wins_over_what_was_typed(
    posted: dict[str, str], address: str
) -> None:
    given = {name: [value] for name, value in posted.items()}
    assert check_fields(given, FORM, check_email=check_email).contact.email == address


@pytest.mark.parametrize(
    ("posted", "address", "other"),
    [
        ({"email": "null", "mail": "ada@x.example"}, "ada@x.example", {"email": "null"}),
        ({"email": "ada@x.example", "e-mail": "ada@x.example"}, "ada@x.example", {}),
        ({"email": "a@x.example", "mail": "b@x.example"}, "a@x.example", {"mail": "b@x.example"}),
    ],
)
def test_of_two_fields_for_the_address_the_first_with_one_counts(
    posted: dict[str, str], address: str, other: dict[str, str]
) -> None:
    contact = contact_of(posted)
    assert (contact.email, contact.other) == (address, other)


@pytest.mark.parametrize(
    "posted",
    [
        {"hidden[email]": ["old@x.example"], "email": [""]},
        {"query[email]": ["old@x.example"], "hobby": ["x"]},
    ],
)
def test_an_address_that_was_left_empty_is_not_taken_from_elsewhere(
    posted: dict[str, list[str]],
) -> None:
    with pytest.raises(InvalidSignup):
        check_fields(posted, FORM, check_email=check_email)


@pytest.mark.parametrize("label", ["name", "label"])
def test_the_old_forms_name_their_custom_fields_in_inputs_of_their_own(label: str) -> None:
    called = {"name": "custom_field_1", "label": "Twitter"}[label]
    contact = contact_of({f"cf_text_{label}--0": called, "cf_text_value--0": "@ada"})
    assert [(value.name, value.value) for value in contact.custom] == [("custom_field_1", "@ada")]
    assert contact.other == {}


def test_an_old_forms_custom_field_that_ours_does_not_send_is_shown() -> None:
    posted = {"cf_text_name--0": "custom_field_2", "cf_text_value--0": "@ada"}
    assert contact_of(posted).other == posted


@pytest.mark.parametrize(
    ("document", "fields", "other"),
    [
        pytest.param(
            {"name": "Newsletter", "data[email]": "b@example.org", "data[name]": "Ada"},
            {"first_name": "Ada"},
            {"name": "Newsletter"},
            id="the form's name, outside of the person",
        ),
        pytest.param(
            {"first_name": "Ada", "city": "Rome", "contact[email]": "b@example.org"},
            {"first_name": "Ada"},
            {"city": "Rome"},
            id="what can mean nothing else counts outside, too",
        ),
    ],
)
def test_the_object_with_the_address_is_the_person(
    document: dict[str, str], fields: dict[str, str], other: dict[str, str]
) -> None:
    given = {name: [value] for name, value in document.items()}
    contact = check_fields(given, FORM, check_email=check_email).contact
    assert contact.fields == {"email_address": "b@example.org"} | fields
    assert contact.other == other


def test_the_next_visitor_of_the_same_page_may_fill_it_in_otherwise() -> None:
    pages = [{"a": ["x"], "b": [f"{n}@example.org"]} for n in "12"] + [{"a": ["3@example.org"]}]
    pages += [{"a": ["4@example.org"], "b": ["x"]}]
    found = [check_fields(page, FORM, check_email=check_email).contact.email for page in pages]
    assert found == [f"{n}@example.org" for n in "1234"]
