"""Sealing: what is stored can be read with the secret key, and with nothing else."""

import pytest

from shared.domain.errors import Refused
from shared.infrastructure.sealing import Sealer

OLD, NEW = "the key of last year", "the key of this year"


def test_what_was_sealed_can_be_opened_and_does_not_show() -> None:
    sealed = Sealer((NEW,)).seal("a refresh token")
    assert "a refresh token" not in sealed
    assert Sealer((NEW,)).open(sealed) == "a refresh token"


def test_the_same_secret_never_looks_the_same_twice() -> None:
    sealer = Sealer((NEW,))
    assert sealer.seal("a refresh token") != sealer.seal("a refresh token")


def test_while_a_key_is_rotated_both_open_and_the_first_one_seals() -> None:
    rotating = Sealer((NEW, OLD))
    assert rotating.open(Sealer((OLD,)).seal("from before")) == "from before"
    assert Sealer((NEW,)).open(rotating.seal("from now on")) == "from now on"


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(Sealer((OLD,)).seal("a refresh token"), id="another key"),
        pytest.param("no sealed text at all", id="never sealed"),
        pytest.param("", id="empty"),
    ],
)
def test_what_cannot_be_opened_is_told_with_the_remedy(sealed: str) -> None:
    with pytest.raises(Refused, match="Add the old key to it again"):
        Sealer((NEW,)).open(sealed)
