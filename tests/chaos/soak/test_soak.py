"""The soak in its short form: a few rounds with a fixed seed; `make chaos` goes on for an hour."""

from pathlib import Path
from random import Random

import pytest

from tests.chaos.soak.soak import REDIS, Memory, outcome, run
from tests.chaos.soak.soak_faults import FAULTS, Deck, Drawn

SEED = 26454
ROUNDS = 3


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_random_faults_lose_nothing_and_leave_nothing_behind(tmp_path: Path) -> None:
    said: list[str] = []
    soak = run(tmp_path / "soak", SEED, lambda rounds: rounds < ROUNDS, slow=False, say=said.append)
    assert len(said) == soak.total.rounds == ROUNDS
    assert soak.total.delivered > soak.total.dead
    assert soak.total.erased
    assert soak.total.lost == 0
    for each in soak.dealt:
        for drawn in each:
            assert f"| {drawn.fault.name} | " in outcome(soak)


def deal(seed: int, rounds: int) -> list[list[Drawn]]:
    deck = Deck(Random(seed), slow=True)
    return [deck.deal() for _ in range(rounds)]


def test_a_seed_deals_the_same_faults_every_time() -> None:
    assert deal(7, 40) == deal(7, 40)
    assert deal(7, 40) != deal(8, 40)


def test_every_fault_takes_part_before_long_and_never_beside_its_enemies() -> None:
    rounds = deal(SEED, 40)
    names = [drawn.fault.name for dealt in rounds for drawn in dealt]
    assert set(names) == {fault.name for fault in FAULTS}
    for dealt in rounds:
        victims = [drawn.fault.victim for drawn in dealt]
        assert len(set(victims)) == len(victims)
        enemies = {enemy for drawn in dealt for enemy in drawn.fault.enemies}
        assert not enemies & set(victims)


def test_what_keeps_growing_is_seen_and_a_slow_start_is_not() -> None:
    memory = Memory()
    for number in range(24):
        used = {"leaks": 50 + 10 * number, "settles": min(100, 80 + 10 * number)}
        memory.note({**used, REDIS: 2000 + 30 * number})
    assert memory.grew().keys() == {"leaks", REDIS}
