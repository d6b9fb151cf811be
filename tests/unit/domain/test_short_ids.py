"""Short ids are the same UUIDs, and a mistyped one becomes no other sign-up's."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.short_ids import full_id, short_id


@given(st.uuids())
def test_a_short_id_becomes_the_same_uuid(id: UUID) -> None:
    short = short_id(str(id))

    assert len(short) == 22
    assert full_id(short) == str(id)


@pytest.mark.parametrize("number", [0, 2**128 - 1])
def test_the_least_and_the_greatest_have_the_same_length(number: int) -> None:
    assert len(short_id(str(UUID(int=number)))) == 22


def test_a_long_id_stays_in_small_letters() -> None:
    id = "0190163D-8694-739B-AEA5-966C26F8AD90"

    assert full_id(id) == id.lower()


@pytest.mark.parametrize(
    "text",
    ["", "ada", "z" * 22, "0" * 22, "1" * 21, "1" * 23, "0190163d-8694-739b-aea5", "ä" * 22],
)
def test_what_is_no_id_stays_as_it_is(text: str) -> None:
    assert full_id(text) == text
    assert short_id(text) == text
