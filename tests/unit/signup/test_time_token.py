"""The time token: how old a page is, by any process of the installation, and by nobody else."""

from collections.abc import Callable

import pytest

from web.signup.time_token import LIVES, TimeTokens

NOON = 1_800_000_000.0
NEW, OLD = "a new key of the installation", "the key before it, still known"


def tokens(*keys: str, at: float = NOON) -> TimeTokens:
    return TimeTokens(keys or (NEW,), clock=lambda: at)


def test_a_token_tells_its_age_in_every_process_with_the_same_key() -> None:
    token = tokens().make("news")
    assert tokens(at=NOON + 1.5).age("news", token) == 1.5


def test_a_token_of_the_key_before_stays_good_when_the_key_is_changed() -> None:
    token = tokens(OLD).make("news")
    assert tokens(NEW, OLD).age("news", token) == 0
    assert tokens(OLD).age("news", tokens(NEW, OLD).make("news")) is None, "the new key signs"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: token[:-1], id="cut off"),
        pytest.param(lambda token: f"{token}0", id="longer"),
        pytest.param(lambda token: f"f{token[1:]}", id="another time"),
        pytest.param(lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"), id="forged"),
        pytest.param(lambda token: token.upper(), id="in capitals"),
        pytest.param(lambda token: f"{token[:-1]}é", id="not ASCII"),
        pytest.param(lambda token: f"\udc80{token[1:]}", id="half a character"),
        pytest.param(lambda token: "x" * 60_000, id="very long"),
    ],
)
def test_what_nobody_signed_has_no_age(change: Callable[[str], str]) -> None:
    assert tokens().age("news", change(tokens().make("news"))) is None


@pytest.mark.parametrize(
    ("form", "keys", "waited"),
    [
        pytest.param("offers", (NEW,), 5.0, id="of another form"),
        pytest.param("news", ("a key of somebody else",), 5.0, id="of another installation"),
        pytest.param("news", (NEW,), LIVES + 1, id="too old"),
        pytest.param("news", (NEW,), -0.5, id="from the future"),
    ],
)
def test_a_token_that_says_nothing_here_has_no_age(
    form: str, keys: tuple[str, ...], waited: float
) -> None:
    token = tokens(NEW).make("news")
    assert tokens(*keys, at=NOON + waited).age(form, token) is None


def test_a_page_that_asks_for_a_correction_keeps_a_good_token() -> None:
    token = tokens().make("news")
    later = tokens(at=NOON + 60)
    assert later.kept("news", {"_t": ["forged", token]}) == token
    for posted in ({}, {"_t": ["forged"]}, {"t": [token]}):
        assert later.kept("news", posted) == later.make("news")
