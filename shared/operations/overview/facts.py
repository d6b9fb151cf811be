"""What the overview says, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.accounts.account_summary import AccountSummary
from shared.domain.counts import ChartSlot, Counts
from shared.domain.form import Form
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.phrases import counted
from shared.domain.quota_forecast import QuotaForecast
from shared.domain.refusal_history import TooManyRefused
from shared.domain.refusal_texts import RefusedWebsite
from shared.domain.requests_today import RequestsToday
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.statistics import Glance
from shared.operations.balance import Balance
from shared.operations.form_targets import Cause
from shared.operations.system_status import Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """How many of the day's requests an API key has made, and whether the others last."""

    today: RequestsToday
    limit: int
    forecast: QuotaForecast | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as the overview shows it. `forms` are those of its forms that have refused
    sign-ups, the most first. `quota` is that of an API key of its own. `causes` has the largest
    ones of what failed and waits for a decision."""

    summary: AccountSummary
    glance: Glance
    forms: Sequence[FormFigures]
    last_delivery: datetime | None
    quota: QuotaUse | None = None
    causes: Sequence[Cause] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How everything is `at` this moment. `accounts` has those that need a look, then the busiest;
    `known_accounts` is how many there are, `others_in_trouble` how many of the others need a
    person, and `others_waiting` how many are on hold by an outage, which ends by itself.

    The figures of all: `balance` has those since the beginning, `today` is what was counted on this
    UTC day, `hour` in each of the last 60 minutes, `due` what waits. `quota` is that of the API key
    in the settings. `refused_websites` has one of each form that has refused sign-ups of some.
    `writes_refused` says why Redis takes no sign-up; None when it does. `memory` is None if Redis
    does not tell. `alerts` is how many services receive them.
    """

    at: datetime
    accounts: Sequence[AccountView]
    known_accounts: int
    others_in_trouble: int
    others_waiting: int
    balance: Balance
    today: Counts
    hour: Sequence[ChartSlot]
    due: int
    dead: int
    quarantined: int
    quota: QuotaUse
    refusing: Sequence[tuple[Form, TooManyRefused]]
    refused_websites: Sequence[tuple[Form, RefusedWebsite]]
    spools: Sequence[SpoolReport]
    pulse: Pulse
    alerts: int
    writes_refused: str | None
    memory: MemoryForecast | None

    @property
    def refused_in_words(self) -> str | None:
        """Return what is to be known of requests that became no sign-up today; None without any.

        Most of them may be typing errors, so this judges nothing: the verdict does.
        """
        refused = self.today.refused
        if not refused:
            return None
        verb, they = ("was", "it is") if refused == 1 else ("were", "they are")
        return (
            f"{counted(refused, 'request')} {verb} refused today; {they} stored nowhere. Each"
            " answer said why."
        )

    @property
    def refused_most(self) -> list[str]:
        """The names of the forms that have refused the most sign-ups, three at most."""
        forms = (each for view in self.accounts for each in view.forms)
        most_first = sorted(forms, key=lambda each: -sum(each.refused_signups.values()))
        return [each.form.name for each in most_first[:3]]

    @property
    def quotas(self) -> list[tuple[QuotaUse, str | None]]:
        """That of each API key that is shown, and whose it is if it is an account's own."""
        own = [(view.quota, view.summary.account.called) for view in self.accounts if view.quota]
        return [(self.quota, None), *own]
