"""Which accounts an alert may be about: all but those that are idle and well."""

from collections.abc import Sequence
from datetime import timedelta

import redis

from shared.domain.connection_end import UNUSED_LIFE, WARN_BEFORE
from shared.ledger import keys
from shared.ledger.script_library import Scripts
from shared.ledger.stores.alert_log import accounts_on_record

# How long an alert tells that a name has passed to another account.
REPLACEMENT_IS_NEWS = timedelta(days=1)


class AlertCandidates:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def find(self, accounts: Sequence[str]) -> list[str]:
        """Return those of `accounts` that an alert may be about, or whose last one may be over."""
        answers = self._scripts.run_for_all(
            accounts,
            "alerts/find_candidates",
            unused_after=UNUSED_LIFE - WARN_BEFORE,
            replaced_within=REPLACEMENT_IS_NEWS,
        )
        found = {keys.account_of(prefix) for some in answers for prefix in some}
        return sorted(found | (accounts_on_record(self._client) & set(accounts)))
