"""Whatever is posted is sent, or shown to the operator as not sent."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidSignup
from shared.domain.fields import FIELDS
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.reading.field_checks import KEPT_BYTES, MOST_OTHER, CheckedFields, check_fields
from shared.domain.reading.meanings import _OTHER_MEANINGS
from shared.infrastructure.email_syntax import check_email

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")),
    custom_fields=(CustomField("cf-1", "interests", "Interests"),),
    consent_box="optional",
)
NAMES = [
    *(field.name for field in FIELDS),
    *(f"x[{field.synonyms[0]}]" for field in FIELDS if field.synonyms),
    *(names.split()[0] for names in _OTHER_MEANINGS.values()),
    *("interests", "interests[bread]", "hobby", "hobby-2", "_subject", "deep[er][name]"),
]
VALUES = ["x", "1", "0", "null", "enabled", "192.0.2.7", "05/17", "1990-05-17", "a@b.example"]


def shown(checked: CheckedFields) -> str:
    """Return all that is sent, and all that an operator sees of the rest."""
    contact = checked.contact
    custom = [value.value for value in contact.custom]
    return str([contact.fields, custom, contact.other, contact.typed, checked.box_posted])


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(VALUES) | st.text("abcdef", min_size=3, max_size=6), max_size=3),
        max_size=12,
    )
)
def test_every_value_is_sent_or_shown(posted: dict[str, list[str]]) -> None:
    try:
        checked = check_fields(
            {"email": ["ada@example.org"], **posted}, FORM, check_email=check_email
        )
    except InvalidSignup as invalid:
        assert invalid.errors
        return
    lost = [
        (name, value)
        for name, values in posted.items()
        for value in values
        if value not in shown(checked) and not _is_tick(name, value)
    ]
    assert lost == []


def _is_tick(name: str, value: str) -> bool:
    """Whether the value only says which box of a group is ticked."""
    return name.startswith("interests") and value in ("0", "1")


def test_too_many_fields_are_cut_and_counted_never_refused() -> None:
    many = {f"field{number}": ["x"] for number in range(MOST_OTHER + 7)}
    checked = check_fields({"email": ["a@b.example"], **many}, FORM, check_email=check_email)
    assert len(checked.contact.other) == MOST_OTHER
    assert checked.contact.cut == 7


def test_too_long_fields_are_cut_whole_and_counted() -> None:
    posted = {"email": ["a@b.example"], "long": ["x" * KEPT_BYTES], "short": ["y"]}
    checked = check_fields(posted, FORM, check_email=check_email)
    assert checked.contact.other == {"short": "y"}
    assert checked.contact.cut == 1
