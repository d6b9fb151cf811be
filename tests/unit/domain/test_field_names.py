"""Names of posted fields are shown short, plain, and without personal data."""

import pytest

from shared.domain.field_names import LONGEST_NAME, MASKED, plain_name, plain_names


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "E-Mail-Adresse *",
        "No Label email",
        "fields[email][value]",
        "ctl00$Main$txtEmail",
        "item_meta[25]",
        "input_3.2",
        "field_1234567890",
        "cf_text_name--0",
        "7f1d1c1e-0000-4000-8000-000000000001",
        "12345678-1234-4000-8000-00000000000a",
        "What's your name?",
        "Terms & conditions",
        "お名前",
        "नाम",
        "email-2",
        "25",
    ],
)
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ada@example.org", id="an e-mail address"),
        pytest.param("ada\uff20example.org", id="full-width"),
        pytest.param("ada%40example.org", id="percent-encoded"),
        pytest.param("ada&#64;example.org", id="as an entity"),
        pytest.param(f"{'x' * 60}ada@example.org", id="far behind"),
        pytest.param('{"email":"ada", "first_name":"Ada"}', id="a JSON document"),
        pytest.param("email=ada", id="a pair"),
        pytest.param("<b>Ada", id="HTML"),
        pytest.param("+1 555 010 0199", id="a telephone number"),
        pytest.param("555-0199", id="a short one"),
        pytest.param("call me at (555) 010-0199", id="in a sentence"),
        pytest.param("a\x00c", id="control characters"),
        pytest.param("x" * 201, id="far too long"),
        pytest.param("", id="nothing"),
        pytest.param("\u200b", id="nothing visible"),
    ],
)
def test_what_may_be_personal_is_masked(name: str) -> None:
    assert plain_name(name) == MASKED


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("x" * 41, "x" * 39 + "…", id="cut"),
        pytest.param("x" * 40, "x" * 40, id="just short enough"),
        pytest.param(" first\tname ", "first name", id="blanks"),
        pytest.param("\u202eeman\u200b", "eman", id="invisible characters"),
        pytest.param("\uff45\uff4d\uff41\uff49\uff4c", "email", id="full-width letters"),
    ],
)
def test_a_name_is_short_and_plain(name: str, shown: str) -> None:
    assert plain_name(name) == shown
    assert len(shown) <= LONGEST_NAME


def test_ten_names_are_shown_each_once() -> None:
    assert plain_names(["a", "b", "a"]) == ("a", "b")
    assert plain_names(["a@b", "c@d"]) == (MASKED,)
    assert len(plain_names(f"field{number}" for number in range(1000))) == 10
