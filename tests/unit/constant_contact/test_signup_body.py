"""The body of the API call: each field of the table in its place, and nothing else."""

import pytest

from shared.constant_contact.client import signup_body
from shared.domain.fields import FIELDS, Field
from shared.domain.signup import Contact, CustomValue


def contact(**fields: str) -> Contact:
    return Contact(fields={"email_address": "ada@example.com", **fields})


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.name))
def test_every_field_is_sent_where_the_table_says(field: Field) -> None:
    body = signup_body(contact(**{field.api_name: "7"}), ["l"])
    place = body[field.api_object] if field.api_object else body
    assert place[field.api_name] == (7 if field.is_number else "7")


def test_an_address_is_one_object_of_the_kind_home() -> None:
    body = signup_body(contact(street="1 Main Street", city="Boston"), ["l"])
    assert body["street_address"] == {"kind": "home", "street": "1 Main Street", "city": "Boston"}


def test_the_body_has_nothing_that_was_not_typed() -> None:
    assert signup_body(contact(last_name="", city=""), ["l"]) == {
        "email_address": "ada@example.com",
        "list_memberships": ["l"],
    }


def test_a_birthday_that_is_no_number_goes_out_as_it_is() -> None:
    assert signup_body(contact(birthday_month="May"), ["l"])["birthday_month"] == "May"


def test_custom_fields_go_by_their_ids() -> None:
    given = Contact(fields=contact().fields, custom=(CustomValue("c1", "cake", "Lemon"),))
    assert signup_body(given, ["l"])["custom_fields"] == [
        {"custom_field_id": "c1", "value": "Lemon"}
    ]
