"""A change of fields that many sign-ups get alike: what it may say, and what it makes of one."""

import pytest

from shared.domain.errors import InvalidSignup, Refused
from shared.domain.field_change import FieldChange, changed_contact, sent_values
from shared.domain.form import CustomField
from shared.domain.signup import Contact, CustomValue
from shared.infrastructure.email_syntax import check_email

COLOUR = CustomField(id="c1", name="colour", label="Colour")
ADA = Contact(
    fields={"email_address": "ada@example.com", "city": "Paris", "birthday_month": "13"},
    custom=(CustomValue("c2", "shoe", "41"),),
    other={"ref": "42"},
)


def changed(without: list[str], **values: str) -> Contact | None:
    return changed_contact(
        ADA,
        FieldChange.chosen(without, values.items()),
        check_email=check_email,
        custom_fields=(COLOUR,),
    )


@pytest.mark.parametrize(
    ("without", "values", "wrong"),
    [
        pytest.param([], [], "Name the field", id="nothing"),
        pytest.param([" "], [], "Name the field", id="a field without a name"),
        pytest.param(["email"], [], "E-mail addresses cannot", id="the address left out"),
        pytest.param([], [("E-Mail", "x@example.com")], "E-mail addresses cannot", id="or set"),
        pytest.param(["city"], [("email", "x@example.com")], "E-mail", id="or set beside others"),
        pytest.param(["city"], [("city", "Rome")], "Name city once", id="one field twice"),
        pytest.param(["birthday", "birthday_day"], [], "birthday_day once", id="in a pair, too"),
    ],
)
def test_what_a_change_cannot_say(
    without: list[str], values: list[tuple[str, str]], wrong: str
) -> None:
    with pytest.raises(Refused, match=wrong):
        FieldChange.chosen(without, values)


@pytest.mark.parametrize(
    ("without", "values", "expected"),
    [
        pytest.param(["birthday"], {}, {"city": "Paris", "shoe": "41"}, id="without a field"),
        pytest.param(
            ["birthday_month", "shoe", "colour"], {}, {"city": "Paris"}, id="without custom ones"
        ),
        pytest.param(
            ["birthday_month"],
            {"City": " Rome ", "colour": "red"},
            {"city": "Rome", "shoe": "41", "colour": "red"},
            id="set to one value, also where there is none",
        ),
    ],
)
def test_what_a_change_makes_of_a_contact(
    without: list[str], values: dict[str, str], expected: dict[str, str]
) -> None:
    after = changed(without, **values)
    assert after is not None
    assert sent_values(after) == expected
    assert (after.email, after.other) == (ADA.email, {"ref": "42"})


def test_a_change_that_changes_nothing_is_none() -> None:
    fine = ["birthday_month"]
    whole = changed(fine)
    assert whole is not None
    for change in (FieldChange.chosen(["phone", "ref"], []), FieldChange(values={"city": "Paris"})):
        assert (
            changed_contact(whole, change, check_email=check_email, custom_fields=(COLOUR,)) is None
        )


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        pytest.param({"city": "Rome"}, "birthday", id="another field is wrong and stays so"),
        pytest.param({"birthday_month": "14"}, "from 1 to 12", id="the value breaks a rule"),
        pytest.param({"ref": "1"}, "no field ref", id="one that is kept and not sent"),
        pytest.param({"hat": "1"}, "no field hat", id="an unknown one"),
    ],
)
def test_a_contact_that_would_break_a_rule_is_refused(values: dict[str, str], wrong: str) -> None:
    with pytest.raises(InvalidSignup) as caught:
        changed([], **values)
    assert wrong in " ".join(each.message for each in caught.value.errors)


def test_a_change_is_stored_and_told_by_its_names_alone() -> None:
    change = FieldChange.chosen(["shoe"], [("city", "Rome")])
    assert FieldChange.from_json(change.to_json()) == change
    assert change.names() == {"without": ["shoe"], "set": ["city"]}
    assert "Rome" not in repr(change)
