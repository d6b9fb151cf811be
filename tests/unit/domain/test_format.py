"""Which formats a version takes."""

import pytest

from shared.domain.errors import Refused
from shared.domain.format import check_known


@pytest.mark.parametrize("found", [1, 2])
def test_an_older_or_the_same_format_is_known(found: int) -> None:
    check_known("The ledger", found, newest=2)


def test_a_newer_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused) as refused:
        check_known("The ledger", 3, newest=2)
    assert str(refused.value) == (
        "The ledger has format 3; this version of signup-relay knows formats up to 2. A newer"
        " version has used it. Start that version, or a newer one. Nothing was changed."
    )
