"""All that one look sees: what the conditions of alerts are about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis

from shared.domain.account import Account, Hold, HoldReason
from shared.domain.arrival_history import ArrivalHistory
from shared.domain.connection_end import ConnectionEnd
from shared.domain.form import Form
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.refusal_history import RefusalHistory
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.alert_candidates import AlertCandidates
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.signup_baseline import SignupBaseline, SignupBaselines
from shared.ledger.stores.token_store import Replacement, StoredTokens, TokenLedger
from shared.ledger.values import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """How an account's tokens are. `failures` counts the refreshes that failed in a row, the last
    for `failure`; `end` is when the connection will end, although it works now. `replacement` tells
    of the last time that the name passed to another account."""

    expires_at: datetime
    life: timedelta
    left: timedelta
    failures: int
    failure: str | None = None
    end: ConnectionEnd | None = None
    replacement: Replacement | None = None

    @classmethod
    def of(cls, stored: StoredTokens) -> "TokenState":
        return cls(
            expires_at=stored.expires_at,
            life=stored.life,
            left=stored.left,
            failures=stored.failures,
            failure=stored.failure,
            end=stored.end,
            replacement=stored.replacement,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """An account as a look found it; `tokens` is None when it has none, `last_delivery` when none
    is on record."""

    account: Account
    figures: Figures
    tokens: TokenState | None
    last_delivery: datetime | None
    baseline: SignupBaseline

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def title(self) -> str:
        organization = self.account.organization
        return f"{self.name} ({organization})" if organization else self.name

    @property
    def connected(self) -> bool:
        return not self.account.disconnected_at

    def hold(self, reason: HoldReason) -> Hold | None:
        return next((hold for hold in self.figures.holds if hold.reason == reason), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSnapshot:
    """A form as a look found it."""

    form: Form
    history: RefusalHistory
    arrivals: ArrivalHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one look saw; `at` is when it began, by Redis' clock.

    `accounts` and `forms` are those that an alert may be about. `workers` and `beats` say how long
    ago the latest of each was seen; None is an hour or more. `memory` is None if Redis does not
    tell.
    """

    at: datetime
    public_url: str
    accounts: tuple[AccountSnapshot, ...]
    workers: timedelta | None
    beats: timedelta | None
    spools: tuple[SpoolReport, ...] = ()
    forms: tuple[FormSnapshot, ...] = ()
    memory: MemoryForecast | None = None

    def account(self, name: str | None) -> AccountSnapshot | None:
        return next((view for view in self.accounts if view.name == name), None)


class SnapshotReader:
    """Looks at everything that the conditions are about."""

    def __init__(self, client: "redis.Redis", public_url: str) -> None:
        self._client = client
        self._public_url = public_url
        self._registry = Registry(client)
        self._ledger = Ledger(client)
        self._tokens = TokenLedger(client)
        self._candidates = AlertCandidates(client)
        self._baselines = SignupBaselines(client)
        self._form_counts = FormCounts(client)
        self._memory = ServerMemory(client)

    def take(self) -> Snapshot:
        """Return what there is to see now. Raises `LedgerUnavailable`."""
        at = redis_time(self._client)  # before the first read, so that a later look sees more
        return Snapshot(
            at=at,
            public_url=self._public_url,
            accounts=tuple(self._accounts()),
            workers=min(self._ledger.processes.workers_seen().values(), default=None),
            beats=min(self._ledger.processes.beats_seen().values(), default=None),
            spools=tuple(self._ledger.spools.all()),
            forms=self._forms(),
            memory=self._memory.forecast(),
        )

    def _forms(self) -> tuple[FormSnapshot, ...]:
        counts, names = self._form_counts, self._registry.form_names()
        found = {*counts.find_refusing(names), *counts.find_arrivals(names)}
        forms = self._registry.forms_named(sorted(found))
        return tuple(
            FormSnapshot(form=form, history=history, arrivals=arrivals)
            for form, history, arrivals in zip(
                forms, counts.histories(forms), counts.arrivals(forms), strict=True
            )
        )

    def _accounts(self) -> Iterator[AccountSnapshot]:
        candidates = self._candidates.find(self._registry.account_names())
        accounts = self._registry.accounts_named(candidates)
        names = [account.name for account in accounts]
        for account, figures, stored, last_delivery, baseline in zip(
            accounts,
            self._ledger.figures_of(names),
            self._tokens.read_all(names),
            self._baselines.last_deliveries(names),
            self._baselines.baselines(names),
            strict=True,
        ):
            yield AccountSnapshot(
                account=account,
                figures=figures,
                tokens=TokenState.of(stored) if stored else None,
                last_delivery=last_delivery,
                baseline=baseline,
            )
