"""The console's tests wait for Redis as long as it takes, but for those that are about that."""

import pytest

# Has a Redis that hangs, and asserts how soon that is noticed.
IMPATIENT = ("test_a_redis_that_hangs_is_away_within_a_second",)


@pytest.fixture(autouse=True)
def patient_but_where_it_matters(request: pytest.FixtureRequest) -> None:
    if request.node.name not in IMPATIENT:
        request.getfixturevalue("patience")
