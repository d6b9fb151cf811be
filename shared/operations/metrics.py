"""What `/metrics` tells, read from the ledger: the same for whoever asks, wherever workers run.

Ten thousand accounts are read some at a time, so that no step keeps Redis, or whoever waits for it,
for more than a few milliseconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from shared.domain.call_times import CallTimes
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.script_library import batches
from shared.ledger.spools import SpoolReport, not_empty
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.stores.token_store import TokenLedger
from shared.ledger.values import Figures
from shared.operations.system_status import SystemStatus


@dataclass(frozen=True, slots=True)
class AccountMetrics:
    """`token_expires_at` is None without a token."""

    name: str
    figures: Figures
    token_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """`refused` has for each form how many requests were refused, by code."""

    accounts: Sequence[AccountMetrics]
    refused: Mapping[str, Mapping[str, int]]
    spooled: int
    workers: int
    requests_today: int
    requests_per_day: int
    call_times: CallTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReader:
    """Reads all of it. `look_here` looks at this host's disk. Raises `LedgerUnavailable`."""

    status: SystemStatus
    look_here: Callable[[], list[SpoolReport]]
    tokens: TokenLedger
    client_id: str
    requests_per_day: int

    def account_names(self) -> list[str]:
        return self.status.registry.account_names()

    def read(self, names: Sequence[str]) -> Metrics:
        """Return the metrics of these accounts, and of all that they share."""
        ledger = self.status.ledger
        return Metrics(
            accounts=list(self._accounts(names)),
            refused=dict(self._refused(self.status.registry.form_names())),
            spooled=self._spooled(self.status.spools()),
            workers=self.status.pulse().workers,
            requests_today=ledger.pace.used_today(self.client_id),
            requests_per_day=self.requests_per_day,
            call_times=ledger.call_times(),
        )

    def _spooled(self, reported: Sequence[SpoolReport]) -> int:
        return sum(each.figures.count for each in not_empty(reported, self.look_here()))

    def _accounts(self, names: Sequence[str]) -> Iterator[AccountMetrics]:
        for some in batches(names):
            figures = self.status.ledger.figures_of(some)
            yield from map(AccountMetrics, some, figures, self.tokens.expiries(some))

    def _refused(self, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, int]]]:
        for some in batches(names):
            yield from zip(some, self.status.form_counts.refused(some), strict=True)


def make_metrics_reader(
    settings: Settings, client: "redis.Redis", look_here: Callable[[], list[SpoolReport]]
) -> MetricsReader:
    status = SystemStatus(
        Ledger(client),
        Registry(client),
        FormCounts(client),
        RecordKeeping(client, settings.retention),
    )
    return MetricsReader(
        status=status,
        look_here=look_here,
        tokens=TokenLedger(client),
        client_id=settings.client_id,
        requests_per_day=settings.requests_per_day,
    )
