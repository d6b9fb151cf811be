"""Web recognizes the doctor by a proof that nobody else can make, and that does not last."""

from datetime import timedelta

import pytest

from shared.doctor.deploy.visit import LIVES, Seen, is_doctor, proof
from tests.support.builders import NOON

KEY, OLD_KEY = "a secret only for tests", "the secret before it"
MADE = proof(KEY, NOON)


@pytest.mark.parametrize("late", [timedelta(), LIVES, -LIVES])
@pytest.mark.parametrize("keys", [(KEY,), (OLD_KEY, KEY)])
def test_a_proof_counts_for_a_minute(late: timedelta, keys: tuple[str, ...]) -> None:
    assert is_doctor(MADE, keys, NOON + late)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(MADE[:-1], id="cut off"),
        pytest.param(proof(OLD_KEY, NOON), id="made with another key"),
        pytest.param(proof(KEY, NOON - LIVES - timedelta(seconds=1)), id="too old"),
        pytest.param(proof(KEY, NOON + LIVES + timedelta(seconds=1)), id="of the future"),
        pytest.param("9" * 5000 + ".00", id="a number that takes long to read"),
        pytest.param("²." + MADE.partition(".")[2], id="no digits"),
        pytest.param(MADE.partition(".")[0] + ".é", id="no ASCII"),
        pytest.param(f"{int(NOON.timestamp()) + 1}.{MADE.partition('.')[2]}", id="another time"),
    ],
)
def test_nothing_else_counts(value: str | None) -> None:
    assert not is_doctor(value, (KEY,), NOON)


SEEN = Seen(visitor="192.0.2.1", forwarded_for=("192.0.2.1",), host="h", as_root=False)


def test_what_web_tells_is_read_again() -> None:
    assert Seen.in_body({"ok": True, "seen": SEEN.to_dict()}) == SEEN


@pytest.mark.parametrize("body", [None, [], "seen", {"ok": True}, {"seen": {"visitor": "x"}}])
def test_another_answer_tells_nothing(body: object) -> None:
    assert Seen.in_body(body) is None
