"""What to do when calls of Constant Contact go on failing: by what the last one came to."""

import pytest

from shared.domain.lasting_failures import API, LOGIN, what_helps
from shared.domain.outcome import ApiAnswer

REACH, ASK, ADDRESS = (
    "this host reaches",
    "ask Constant Contact's support",
    "may be of another server",
)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        pytest.param(ApiAnswer(status=None, message="could not connect: refused").cause, REACH),
        pytest.param(ApiAnswer(status=None).cause, REACH),
        pytest.param("the request took too long", REACH),
        pytest.param("", REACH),
        pytest.param(ApiAnswer(status=503).cause, ASK),
        pytest.param(ApiAnswer(status=500, message="no answer from the database").cause, ASK),
        pytest.param("the token endpoint answered HTTP 502: nothing of use", ASK),
        pytest.param(ApiAnswer(status=408).cause, ASK),
        pytest.param(ApiAnswer(status=302, message="redirects are not followed").cause, ADDRESS),
        pytest.param(ApiAnswer(status=200, message="the answer cannot be read").cause, ADDRESS),
        pytest.param("the token endpoint answered HTTP 404: nothing of use", ADDRESS),
    ],
)
def test_it_fits_what_the_last_call_came_to(cause: str, says: str) -> None:
    found = what_helps(cause)

    assert [each for each in (REACH, ASK, ADDRESS) if each in found] == [says]


@pytest.mark.parametrize("setting", [API, LOGIN])
def test_the_address_that_was_asked_is_named_where_it_may_be_wrong(setting: str) -> None:
    assert setting in what_helps("", setting)
    assert setting in what_helps("HTTP 404", setting)
