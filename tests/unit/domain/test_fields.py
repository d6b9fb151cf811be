"""Fields: names in the wild, limits, and every wrong field named at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidSignup
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.reading.field_checks import (
    CheckedFields,
    check_fields,
    edit_contact,
    keep_unchecked,
)
from shared.domain.reading.posted_fields import instruction
from shared.domain.signup import Contact, CustomValue
from shared.infrastructure.email_syntax import check_email

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers, weekly"), ListRef("id-3", "Events")),
    custom_fields=(CustomField("cf-1", "shoe_size", "Shoe size"),),
)


def check(form: Form = FORM, /, **posted: str | list[str]) -> CheckedFields:
    return check_posted({"email": "ada@example.com", **posted}, form)


def check_posted(posted: dict[str, str | list[str]], form: Form = FORM) -> CheckedFields:
    lists = {name: [value] if isinstance(value, str) else value for name, value in posted.items()}
    return check_fields(lists, form, check_email=check_email)


def errors(posted: dict[str, str | list[str]], form: Form = FORM) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSignup) as caught:
        check_posted(posted, form)
    return [(error.field, error.code) for error in caught.value.errors]


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "EMAIL",
        "Email",
        "e-mail",
        "email_address",
        "your-email",
        "_replyto",
        "email[]",
        "Email Address",
        "emailAddress",
        "mail",
        "user_email",
        "contact_email",
        "_REPLYTO",
    ],
)
def test_an_address_is_found_under_the_names_that_pages_use(name: str) -> None:
    checked = check_posted({name: "ada@example.com"})
    assert checked.contact.fields == {"email_address": "ada@example.com"}
    assert checked.contact.other == {}


SYNONYMS = {
    "first_name": "FNAME given-name firstname forename your-first-name",
    "last_name": "LNAME surname family_name your-last-name",
    "phone_number": "phone phone_number tel telephone mobile your-phone your-tel",
    "company_name": "Company company_name organization organisation your-company",
    "job_title": "job-title organization_title your-job-title",
    "street": "street address street_address address_line1 address1",
    "city": "city town address-level2",
    "state": "state province region address-level1",
    "postal_code": "postal_code zip zip_code postcode",
    "country": "country country_name",
}


@pytest.mark.parametrize(
    ("name", "api_name"),
    [(name, api_name) for api_name, names in SYNONYMS.items() for name in names.split()],
)
def test_other_fields_are_found_under_their_synonyms(name: str, api_name: str) -> None:
    assert check(**{name: "x"}).contact.fields[api_name] == "x"


def test_the_address_comes_first_and_is_kept_as_typed_but_compared_in_lower_case() -> None:
    checked = check_posted({"first_name": "Ada", "email": " Ada.L@Example.COM "})
    assert list(checked.contact.fields) == ["email_address", "first_name"]
    assert checked.contact.email == "Ada.L@Example.COM"
    assert checked.compared_email == "ada.l@example.com"


def test_addresses_are_compared_in_one_unicode_form() -> None:
    composed, decomposed = "zo\u00eb@example.com", "zoe\u0308@example.com"
    assert check(email=composed).compared_email == check(email=decomposed).compared_email


@pytest.mark.parametrize(
    ("posted", "first", "last"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("Ada King of Lovelace", "Ada", "King of Lovelace"),
        ("Ada", "Ada", None),
    ],
)
def test_a_full_name_is_split(posted: str, first: str, last: str | None) -> None:
    contact = check(**{"your-name": posted}).contact
    assert (contact.fields["first_name"], contact.fields.get("last_name")) == (first, last)
    assert contact.other == {}


def test_a_full_name_beside_a_first_name_is_only_kept() -> None:
    contact = check(name="The Countess", first_name="Ada").contact
    assert contact.fields["first_name"] == "Ada"
    assert contact.other == {"name": "The Countess"}


def test_80_characters_of_address_pass_unshortened_and_81_do_not() -> None:
    longest = "a" * 60 + "@" + "b" * 15 + ".com"
    assert len(longest) == 80
    assert check(email=longest).contact.email == longest
    assert errors({"email": "a" + longest}) == [("email", "too_long")]


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("first_name", 50),
        ("last_name", 50),
        ("phone", 25),
        ("job_title", 50),
        ("company_name", 50),
        ("street", 255),
        ("city", 50),
        ("state", 50),
        ("postal_code", 50),
        ("country", 50),
        ("shoe_size", 255),
    ],
)
def test_limits(name: str, limit: int) -> None:
    check(**{name: "x" * limit})
    assert errors({"email": "a@example.com", name: "x" * (limit + 1)}) == [(name, "too_long")]


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "Ada <ada@example.com>",
        "ada@example.com, eve@example.com",
        "ada@exam ple.com",
        "ada@example..com",
    ],
)
def test_what_is_no_address_is_invalid(address: str) -> None:
    assert errors({"email": address}) == [("email", "invalid")]


def test_no_address_is_required() -> None:
    assert errors({"email": "  "}) == [("email", "required")]
    assert errors({}) == [("email", "required")]


def test_all_errors_come_together_and_messages_name_the_limit() -> None:
    with pytest.raises(InvalidSignup) as caught:
        check_posted({"email": "ada", "phone": "1" * 26, "birthday_month": "13"})
    found = caught.value.errors
    assert [(error.field, error.code) for error in found] == [
        ("email", "invalid"),
        ("phone", "too_long"),
        ("birthday_month", "invalid"),
        ("birthday_day", "required"),
    ]
    assert found[1].message == "Phone: please use at most 25 characters. You entered 26."


@pytest.mark.parametrize("name", ["first_name", "shoe_size", "hobby"])
def test_control_characters_are_left_out(name: str) -> None:
    contact = check(**{name: "A\x00da\x1b"}).contact
    [custom] = contact.custom or [None]
    kept = contact.fields | contact.other | ({custom.name: custom.value} if custom else {})
    assert kept[name] == "Ada"


def test_a_control_character_inside_an_address_is_invalid() -> None:
    assert errors({"email": "a\x00b@example.com"}) == [("email", "invalid")]
    assert check(email="\x00ada@example.com\x00").contact.email == "ada@example.com"


def test_a_text_areas_line_breaks_are_kept_and_those_of_a_line_become_blanks() -> None:
    checked = check(shoe_size="one\r\ntwo", remarks="three\nfour", first_name="A\r\nda\tMay")
    assert checked.contact.custom[0].value == "one\r\ntwo"
    assert checked.contact.other == {"remarks": "three\nfour"}
    assert checked.contact.fields["first_name"] == "A da May"
    assert check(street="1 Test Drive\nApt 2").contact.fields["street"] == "1 Test Drive, Apt 2"


@pytest.mark.parametrize(
    ("month", "day", "wrong"),
    [
        ("2", "29", []),
        ("12", "31", []),
        ("0", "1", [("birthday_month", "required")]),
        ("Month", "Day", []),
        ("0", "0", []),
        ("13", "1", [("birthday_month", "invalid")]),
        ("1", "0", [("birthday_day", "required")]),
        ("1", "32", [("birthday_day", "invalid")]),
        ("123", "1", [("birthday_month", "too_long")]),
        ("1", "123", [("birthday_day", "too_long")]),
        ("\x07", "1", [("birthday_month", "required")]),
        ("2", "30", [("birthday_day", "invalid")]),
        ("May", "1", []),
        ("٣", "1", [("birthday_month", "invalid")]),
        ("", "1", [("birthday_month", "required")]),
        ("1", "", [("birthday_day", "required")]),
    ],
)
def test_birthdays(month: str, day: str, wrong: list[tuple[str, str]]) -> None:
    posted: dict[str, str | list[str]] = {
        "email": "ada@example.com",
        "birthday_month": month,
        "birthday_day": day,
    }
    if wrong:
        assert errors(posted) == wrong
    else:
        sent = check_posted(posted).contact.fields.get("birthday_month")
        assert sent == {"May": "5", "Month": None, "0": None}.get(month, month)


@pytest.mark.parametrize(
    "anniversary",
    [
        "12/31/2001",
        "1/2/2001",
        "2001/12/31",
        "2001/1/2",
        "2001-12-31",
        "2001-1-2",
        "1-2-2001",
        "1-02-2001",
        "02/29/2024",
    ],
)
def test_anniversaries_of_the_api(anniversary: str) -> None:
    assert check(anniversary=anniversary).contact.fields["anniversary"] == anniversary


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("31/12/2001", "2001-12-31"),
        ("31.12.2001", "2001-12-31"),
        ("5. 6. 2001", "2001-06-05"),
        ("June 5, 2001", "2001-06-05"),
        ("5 Jun 2001", "2001-06-05"),
        ("2001-06-05T00:00:00Z", "2001-06-05"),
    ],
)
def test_dates_as_people_write_them_are_sent_as_the_api_reads_them(typed: str, sent: str) -> None:
    contact = check(anniversary=typed).contact
    assert contact.fields["anniversary"] == sent
    assert contact.typed == {"anniversary": typed}


@pytest.mark.parametrize("anniversary", ["2001-13-01", "02/30/2024", "2001", "1-2-01", "5 June"])
def test_other_dates_are_invalid(anniversary: str) -> None:
    assert errors({"email": "a@example.com", "anniversary": anniversary}) == [
        ("anniversary", "invalid")
    ]


def test_a_date_has_at_most_10_characters() -> None:
    assert errors({"email": "a@example.com", "anniversary": "2001-12-031"}) == [
        ("anniversary", "too_long")
    ]


@pytest.mark.parametrize("name", ["shoe_size", "Shoe Size", "shoe-size[]"])
def test_custom_fields_go_by_name_or_label(name: str) -> None:
    assert check(**{name: "41"}).contact.custom == (CustomValue("cf-1", "shoe_size", "41"),)


def test_a_group_of_check_boxes_becomes_one_custom_value() -> None:
    assert check(shoe_size=["41", "42"]).contact.custom[0].value == "41, 42"


def test_a_group_of_named_boxes_becomes_one_value_of_those_that_are_ticked() -> None:
    posted: dict[str, str | list[str]] = {"email": "ada@example.com"}
    posted |= {"shoe_size[small]": "1", "shoe_size[large]": "true", "shoe_size[wide]": "0"}
    contact = check_posted(posted).contact
    assert [value.value for value in contact.custom] == ["small, large"]
    assert contact.other == {"shoe_size[wide]": "0"}


def test_what_scripts_send_for_nothing_is_no_value_and_is_shown() -> None:
    contact = check(shoe_size="undefined", first_name="null", name="NaN").contact
    assert (contact.fields, contact.custom) == ({"email_address": "ada@example.com"}, ())
    assert contact.other == {"shoe_size": "undefined", "first_name": "null", "name": "NaN"}


def test_an_address_without_any_name_is_the_address() -> None:
    assert check_posted({"": "ada@example.com"}).contact.email == "ada@example.com"


def test_a_custom_field_wins_over_a_synonym_but_not_over_the_address() -> None:
    form = Form(
        name="f",
        account="a",
        lists=FORM.lists,
        custom_fields=(CustomField("c1", "Company", "Company"), CustomField("c2", "mail", "Mail")),
    )
    contact = check_posted({"mail": "ada@example.com", "company": "Acme"}, form).contact
    assert contact.fields == {"email_address": "ada@example.com"}
    assert contact.custom == (CustomValue("c1", "Company", "Acme"),)


def test_other_fields_are_kept_and_instructions_are_not() -> None:
    contact = check(hobby="sailing", tags=["a", "b"], _next="/thanks", empty="").contact
    assert contact.other == {"hobby": "sailing", "tags": ["a", "b"]}


def test_a_second_value_of_a_field_is_kept_with_the_others() -> None:
    contact = check_posted({"email": ["", "ada@example.com"], "EMAIL": "eve@example.com"}).contact
    assert contact.email == "ada@example.com"
    assert contact.other == {"EMAIL": ["eve@example.com"]} or contact.other == {
        "EMAIL": "eve@example.com"
    }


def test_of_several_values_the_first_counts_and_of_a_box_any_tick() -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "optional"})
    checked = check(form, first_name=["Ada", "Bea"], consent=["no", "yes"])
    assert checked.contact.fields["first_name"] == "Ada"
    assert checked.contact.other == {"first_name": "Bea"}
    assert checked.box is True
    assert checked.box_posted == "no, yes"
    assert check(name=["Ada L", "Bea"]).contact.fields["last_name"] == "L"


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (None, ("id-1", "id-2", "id-3")),
        ("news", ("id-1",)),
        (["ID-3", "News"], ("id-1", "id-3")),
        ("id-3, id-1", ("id-1", "id-3")),
        ("offers, weekly", ("id-2",)),
        ("Offers, weekly", ("id-2",)),
    ],
)
def test_lists_are_narrowed(chosen: str | list[str] | None, ids: tuple[str, ...]) -> None:
    posted: dict[str, str | list[str]] = {"email": "ada@example.com"}
    if chosen is not None:
        posted["_lists"] = chosen
    assert check_posted(posted).lists == ids


def test_lists_of_other_forms_and_none_at_all_are_refused() -> None:
    email = "ada@example.com"
    assert errors({"email": email, "_lists": "News,VIP"}) == [("_lists", "unknown_list")]
    assert errors({"email": email, "_lists[]": ["", ""]}) == [("_lists", "required")]


@pytest.mark.parametrize(
    ("box", "posted", "result"),
    [
        ("none", "yes", None),
        ("optional", "", False),
        ("optional", "0", False),
        ("optional", "False", False),
        ("optional", "no", False),
        ("optional", "off", False),
        ("optional", "yes", True),
        ("required", "on", True),
    ],
)
def test_the_consent_box(box: str, posted: str, result: bool | None) -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": box})
    assert check(form, consent=posted).box is result


def test_a_field_called_consent_belongs_to_the_box_only_where_there_is_one() -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "optional"})
    assert check(consent="yes").contact.other == {"consent": "yes"}
    with_box = check(form, consent="yes", hobby="no")
    assert (with_box.box, with_box.contact.other) == (True, {"hobby": "no"})


@pytest.mark.parametrize(
    "posted",
    [
        {"consent": ["0", "1"]},
        {"consent[]": ["0", "1"]},
        {"consent[0]": ["0"], "consent[1]": ["1"]},
        {"form[consent]": ["1", "0"]},
    ],
)
def test_of_all_values_of_one_box_any_tick_counts(posted: dict[str, str | list[str]]) -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "required"})
    checked = check_posted({"email": "ada@example.com", **posted}, form)
    assert (checked.box, checked.contact.other) == (True, {})


def test_a_tick_of_another_box_is_no_consent() -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "optional"})
    checked = check(form, consent="no", acceptance="yes")
    assert (checked.box, checked.contact.other) == (False, {"acceptance": "yes"})


def test_a_required_consent_box_must_be_ticked() -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "required"})
    assert errors({"email": "ada@example.com"}, form) == [("consent", "required")]


@pytest.mark.parametrize(
    ("email", "compared"),
    [("Ada@Example.COM", "ada@example.com"), ("Ada", "ada"), ("", "")],
)
def test_wrong_fields_of_a_quarantined_sign_up_stay_where_clean_ones_are(
    email: str, compared: str
) -> None:
    posted = {
        "EMAIL": [email],
        "shoe_size": ["x" * 256],
        "_lists": ["Events", "none"],
        "_gotcha": ["a"],
    }
    kept = keep_unchecked(posted | {"first_name": ["x" * 51]}, FORM, check_email=check_email)
    assert kept.contact.fields == {"email_address": email, "first_name": "x" * 51}
    assert [custom.value for custom in kept.contact.custom] == ["x" * 256]
    assert (kept.compared_email, kept.contact.other) == (compared, {})
    assert (kept.lists, kept.box) == (("id-3",), None)


def test_right_fields_of_a_quarantined_sign_up_are_those_of_a_clean_one() -> None:
    form = Form.from_dict(FORM.to_dict() | {"consent_box": "required"})
    posted = {"email": ["ada@example.com"], "shoe_size": ["46"], "consent": ["on"], "hobby": ["x"]}
    kept = keep_unchecked(posted, form, check_email=check_email)
    assert kept == check_fields(posted, form, check_email=check_email)


def test_instructions_are_found_whatever_their_case() -> None:
    assert instruction({"_Next": [" /thanks "]}, "_next") == ["/thanks"]


@given(
    st.dictionaries(
        st.text(max_size=12), st.lists(st.text(max_size=60), min_size=1, max_size=3), max_size=8
    )
)
def test_whatever_is_posted_is_a_sign_up_or_a_list_of_errors(posted: dict[str, list[str]]) -> None:
    try:
        checked = check_fields(posted, FORM, check_email=check_email)
    except InvalidSignup as invalid:
        assert invalid.errors
    else:
        assert checked.contact == Contact.from_dict(checked.contact.to_dict())


CONTACT = Contact(
    fields={"email_address": "ada@example.con", "first_name": "Ada"},
    custom=(CustomValue("cf-1", "shoe_size", "41"),),
    other={"hobby": "sailing"},
)


def edit(**changes: str) -> Contact:
    return edit_contact(CONTACT, changes, check_email=check_email)


def test_an_edit_changes_and_removes_fields() -> None:
    edited = edit(email="ada@example.com", first_name="", shoe_size="42", phone="1", hobby="")
    assert edited.fields == {"email_address": "ada@example.com", "phone_number": "1"}
    assert edited.custom == (CustomValue("cf-1", "shoe_size", "42"),)
    assert edited.other == {}
    assert CONTACT.fields["first_name"] == "Ada"


def test_an_edit_keeps_what_it_does_not_name_and_trims_what_it_does() -> None:
    edited = edit(email="ada@example.com", first_name=" Augusta ", shoe_size=" ")
    assert edited == Contact(
        fields={"email_address": "ada@example.com", "first_name": "Augusta"},
        other=CONTACT.other,
        typed=edited.typed,
    )


def test_an_edit_keeps_a_field_that_only_another_version_knows() -> None:
    fields = {**CONTACT.fields, "shoe_brand": "x" * 9_000}
    contact = replace(CONTACT, fields=fields)

    edited = edit_contact(contact, {"first_name": "Augusta"}, check_email=check_email)

    assert edited.fields == fields | {"first_name": "Augusta"}
    assert edited.typed == {"first_name": "Ada"}
    assert edit_contact(contact, {}, check_email=check_email).fields == fields


def test_what_was_typed_at_first_stays_whatever_is_edited() -> None:
    typed = {"first_name": "Ada\u200b", "email": "ada@example.con "}
    contact = replace(CONTACT, typed=typed, cut=2)
    once = edit_contact(contact, {"email": "ada@example.com"}, check_email=check_email)
    assert (once.typed, once.cut) == (typed, 2)
    changes = {"phone": "1", "shoe_size": "", "hobby": "chess"}
    twice = edit_contact(once, changes, check_email=check_email)
    assert twice.typed == typed | {
        "phone": "",
        "shoe_size": CONTACT.custom[0].value,
        "hobby": CONTACT.other["hobby"],
    }
    again = edit_contact(twice, {"phone": "2"}, check_email=check_email)
    assert again.typed["phone"] == ""


def test_an_edit_is_checked_as_a_form_is() -> None:
    with pytest.raises(InvalidSignup) as caught:
        edit(email="", phone="1" * 26, shoe_size="4" * 256, hobby="a", shoe_colour="red")
    assert [(error.field, error.code) for error in caught.value.errors] == [
        ("shoe_colour", "invalid"),
        ("email", "required"),
        ("phone", "too_long"),
        ("shoe_size", "too_long"),
    ]
