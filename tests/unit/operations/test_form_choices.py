"""Lists, custom fields and origins, as an operator gives them."""

import pytest

from shared.constant_contact.client import ContactList
from shared.domain.errors import Refused
from shared.domain.form import CustomField, ListRef, SourceField
from shared.operations.forms.choices import (
    MOST_FIELDS,
    MOST_LISTS,
    checked_origin,
    chosen_fields,
    chosen_lists,
    chosen_sources,
    in_order,
)

NEWS, CAKES, MORE_CAKES = (
    ContactList("11-aa", "Newsletter", 3),
    ContactList("22-bb", "Cakes", 1),
    ContactList("33-cc", "cakes", 0),
)
LISTS = (NEWS, CAKES, MORE_CAKES)
FIELD = CustomField("44-dd", "favourite_cake", "Favourite cake")


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Example.com", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        (" https://example.com/ ", "https://example.com"),
        ("https://München.example:8443/", "https://xn--mnchen-3ya.example:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(given: str, origin: str) -> None:
    assert checked_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "example.com",
        "https://example.com/shop",
        "https://example.com//",
        "https://*.example.com",
        "https://straße.example",
        "https://ü..example",
        "ftp://example.com",
        "null",
        "",
    ],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(Refused, match="without a path"):
        checked_origin(given)


@pytest.mark.parametrize("wanted", ["newsletter", " Newsletter ", "11-AA"])
def test_a_list_is_given_by_name_or_id_in_any_case(wanted: str) -> None:
    assert chosen_lists([wanted, wanted], LISTS) == (ListRef("11-aa", "Newsletter"),)


def test_a_name_that_two_lists_have_asks_for_an_id() -> None:
    with pytest.raises(Refused, match=r"2 lists .* 22-bb, 33-cc"):
        chosen_lists(["Cakes"], LISTS)
    assert chosen_lists(["33-cc"], LISTS) == (ListRef("33-cc", "cakes"),)


def test_an_unknown_list_names_those_there_are() -> None:
    with pytest.raises(Refused, match=r"The lists: Cakes, cakes, Newsletter\."):
        chosen_lists(["Nowhere"], LISTS)


def test_no_more_lists_than_one_signup_can_have() -> None:
    lists = [ContactList(str(number), f"List {number}", 0) for number in range(MOST_LISTS + 1)]
    ids = [each.id for each in lists]
    assert len(chosen_lists(ids[:-1], lists)) == MOST_LISTS
    with pytest.raises(Refused, match="50 lists at most"):
        chosen_lists(ids, lists)


@pytest.mark.parametrize("wanted", ["favourite_cake", "FAVOURITE CAKE", "44-DD"])
def test_a_field_is_given_by_name_label_or_id(wanted: str) -> None:
    assert chosen_fields([wanted], [FIELD]) == (FIELD,)


def test_no_more_fields_than_one_signup_can_have() -> None:
    fields = [CustomField(str(number), f"f{number}", "") for number in range(MOST_FIELDS + 1)]
    ids = [each.id for each in fields]
    assert len(chosen_fields(ids[:-1], fields)) == MOST_FIELDS
    with pytest.raises(Refused, match="50 custom fields at most"):
        chosen_fields(ids, fields)


CAMPAIGN, SUM = CustomField("55-ee", "campaign", "Campaign"), CustomField("66-ff", "sum", "A=B")


@pytest.mark.parametrize("wanted", ["utm_campaign=campaign", " UTM_Campaign = 55-EE "])
def test_a_source_is_given_with_its_field_in_any_case(wanted: str) -> None:
    assert chosen_sources([wanted], [SUM, CAMPAIGN]) == (SourceField("utm_campaign", CAMPAIGN),)


def test_the_label_of_a_sources_field_may_have_an_equals_sign() -> None:
    assert chosen_sources(["page=A=B"], [SUM]) == (SourceField("page", SUM),)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (["page"], "is not a source and a custom field"),
        (["page="], "is not a source and a custom field"),
        (["shoes=sum"], "is not a source and a custom field"),
        (["page=nowhere"], "no custom field 'nowhere'"),
        (["page=sum", "page=campaign"], "The source page is there twice"),
        (["page=sum", "referrer=sum"], "The custom field sum is there twice"),
    ],
)
def test_what_is_no_choice_of_sources_is_refused(wanted: list[str], says: str) -> None:
    with pytest.raises(Refused, match=says):
        chosen_sources(wanted, [SUM, CAMPAIGN])


def test_an_unknown_field_names_those_there_are() -> None:
    with pytest.raises(Refused, match=r"The fields: none\."):
        chosen_fields(["shoe_size"], [])
    assert in_order(["b", "A"]) == "A, b"
