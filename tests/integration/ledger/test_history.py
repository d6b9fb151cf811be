"""A sign-up's history keeps the last attempts alone."""

from datetime import timedelta

import redis

from shared.ledger import limits
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders


def test_the_history_of_a_signup_has_the_last_attempts(redis_client: "redis.Redis") -> None:
    Registry(redis_client).save_account(builders.account())
    ledger = Ledger(redis_client)
    builders.accept(ledger)
    for number in range(limits.HISTORY_KEPT + 2):
        claim = builders.claimed(ledger)
        attempt = builders.attempt(500, message=str(number))
        assert ledger.retry(claim, attempt, wait=timedelta(), error_key="", message="")

    signup = ledger.find(claim.id, ["acme"])
    assert signup is not None
    history = ledger.history(signup)

    assert len(history) == limits.HISTORY_KEPT
    assert history[-1]["message"] == str(limits.HISTORY_KEPT + 1)
    assert history[0]["message"] == "2"
