"""A form is swapped for another one only if it is as the caller has read it."""

import pytest
import redis

from shared.ledger import keys
from shared.ledger.script_library import Scripts


@pytest.mark.parametrize(
    ("stored", "before", "swapped"),
    [
        pytest.param(None, None, True, id="a new one"),
        pytest.param("old", "old", True, id="as it was read"),
        pytest.param("new", "old", True, id="a repeat whose answer was lost"),
        pytest.param("other", "old", False, id="changed meanwhile"),
        pytest.param("other", None, False, id="added meanwhile"),
        pytest.param(None, "old", False, id="removed meanwhile"),
    ],
)
def test_a_form_is_swapped_if_nobody_was_faster(
    redis_client: "redis.Redis", stored: str | None, before: str | None, swapped: bool
) -> None:
    if stored is not None:
        redis_client.hset(keys.FORMS, "cakes", stored)
    answer = Scripts(redis_client).run(
        "forms/swap", forms=keys.FORMS, name="cakes", before=before, saved="new"
    )
    assert bool(answer) is swapped
    assert redis_client.hget(keys.FORMS, "cakes") == ("new" if swapped else stored)
