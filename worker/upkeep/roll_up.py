"""Rolls the figures of whole minutes up, for the console's charts and for the figures of a day."""

from dataclasses import dataclass
from datetime import timedelta

import redis

from shared.ledger.stores.registry import Registry
from shared.ledger.stores.statistics import Statistics

ROLL_UP_EVERY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class RollUp:
    """Runs in every worker and beside beat, so that what waits is noted also while all workers are
    gone. One of them does the round; if it dies, the next one does what is left."""

    statistics: Statistics
    registry: Registry

    def look(self) -> None:
        # A little less than the time between two looks, so that each look has a round.
        round = self.statistics.begin_round(ROLL_UP_EVERY * 0.9)
        if round.mine:
            due = sum(self.statistics.roll_up(round, self.registry.account_names()))
            self.statistics.end_round(round, due)


def make_roll_up(client: "redis.Redis") -> RollUp:
    return RollUp(Statistics(client), Registry(client))
