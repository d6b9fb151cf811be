import pytest

from shared.domain.reading.posted_names import posted_name
from tests.support import builders

FORM = builders.form()


@pytest.mark.parametrize(
    ("field", "posted", "name"),
    [
        pytest.param("email", ["email"], "email", id="the field's own name"),
        pytest.param("email", ["FNAME", "EMAIL"], "EMAIL", id="another case"),
        pytest.param("first_name", ["email", "FNAME"], "FNAME", id="a synonym"),
        pytest.param("email", ["contact[email]"], "contact[email]", id="a path"),
        pytest.param("email", ["Your e-mail", "email"], "email", id="the name that means it most"),
        pytest.param("last_name", ["your-name"], "your-name", id="in a full name"),
        pytest.param("last_name", ["name", "nachname"], "nachname", id="in a field of its own"),
        pytest.param("birthday_day", ["dob"], "dob", id="in a date"),
        pytest.param("phone", ["PHONE[detail1]"], "PHONE[detail1]", id="in parts"),
        pytest.param("favourite_cake", ["Favourite Cake"], "Favourite Cake", id="a custom field"),
        pytest.param("consent", ["gdpr"], "gdpr", id="the consent box"),
        pytest.param("_lists", ["_lists"], "_lists", id="the lists"),
        pytest.param("_lists", ["list_0"], "list_0", id="the lists of another service's form"),
        pytest.param("email", ["FNAME", "", "[]"], None, id="none"),
        pytest.param("email", [*map(str, range(50)), "email"], None, id="beyond what a form has"),
    ],
)
def test_the_name_under_which_a_page_posted_a_field(
    field: str, posted: list[str], name: str | None
) -> None:
    assert posted_name(field, posted, FORM) == name
