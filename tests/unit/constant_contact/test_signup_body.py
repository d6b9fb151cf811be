"""The body of the API call: each field of the table in its place, and nothing else."""

from shared.constant_contact.client import signup_body
from shared.domain.fields import FIELDS
from shared.domain.signup import Contact, CustomValue


def contact(**fields: str) -> Contact:
    return Contact(fields={"email_address": "ada@example.com"} | fields)


def test_every_field_is_sent_in_its_place() -> None:
    """Spelled out, since a table that is wrong agrees with itself."""
    typed = {field.api_name: "7" for field in FIELDS}
    assert signup_body(contact(**typed), ["l"]) == {
        "email_address": "7",
        "first_name": "7",
        "last_name": "7",
        "phone_number": "7",
        "job_title": "7",
        "company_name": "7",
        "street_address": {
            "kind": "home",
            "street": "7",
            "city": "7",
            "state": "7",
            "postal_code": "7",
            "country": "7",
        },
        "birthday_month": 7,
        "birthday_day": 7,
        "anniversary": "7",
        "list_memberships": ["l"],
    }


def test_the_body_has_nothing_that_was_not_typed() -> None:
    assert signup_body(contact(last_name="", city=""), ["l"]) == {
        "email_address": "ada@example.com",
        "list_memberships": ["l"],
    }


def test_a_birthday_that_is_no_number_goes_out_as_it_is() -> None:
    assert signup_body(contact(birthday_month="May"), ["l"])["birthday_month"] == "May"


def test_custom_fields_go_by_their_ids() -> None:
    custom = (CustomValue("c1", "cake", "Lemon"), CustomValue("c2", "from", "mail", "utm_source"))
    given = Contact(fields=contact().fields, custom=custom)
    assert signup_body(given, ["l"])["custom_fields"] == [
        {"custom_field_id": "c1", "value": "Lemon"},
        {"custom_field_id": "c2", "value": "mail"},
    ]
