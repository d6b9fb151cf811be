"""Reads what the overview says, at a cost that hardly grows with the accounts: one look at each,
and all else of the few that are shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from shared.accounts.account_services import make_account_summaries
from shared.accounts.account_summary import AccountSummaries
from shared.accounts.advice import in_trouble_first
from shared.constant_contact.pacing import pace_rules
from shared.domain.counts import ChartSlot, Counts
from shared.domain.form import Form
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.quota_forecast import arriving_per_second, forecast_quota
from shared.domain.refusal_texts import RefusedWebsite
from shared.domain.requests_today import RequestsToday
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.spools import SpoolReport, not_empty
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.signup_baseline import SignupBaselines
from shared.ledger.stores.statistics import Glance, Statistics
from shared.ledger.values import PaceRules
from shared.operations.balance import balance_of
from shared.operations.form_targets import Cause, FormTargets
from shared.operations.overview.facts import AccountView, Overview, QuotaUse
from shared.operations.overview.series import Span
from shared.operations.overview.shown import (
    choose,
    forms_to_explain,
    largest_causes,
    most_failed,
    needs_a_look,
    needs_a_person,
    newest_website,
    refusing_forms,
)
from shared.operations.system_status import SystemStatus

# Sign-ups come as in the last hour, which a chart shows, too.
_MINUTES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewReader:
    """Reads the overview. Raises `LedgerUnavailable`.

    Of what failed, it reads the counts of the causes in the few accounts with the most, and one
    record of each of the largest causes that is a list which does not exist.

    `pace` and `requests_per_day` hold for each API key; `alerts` is how many services receive
    alerts. `forecast_memory` asks Redis.
    """

    status: SystemStatus
    targets: FormTargets
    summaries: AccountSummaries
    statistics: Statistics
    baselines: SignupBaselines
    forecast_memory: Callable[[], MemoryForecast | None]
    pace: PaceRules
    requests_per_day: int
    alerts: int
    now: Callable[[], datetime]

    def read(self, *, writes_refused: str | None, here: Sequence[SpoolReport]) -> Overview:
        """Return the overview. `here` is this host's spool; `writes_refused` is why Redis takes no
        sign-up."""
        # A sign-up that drains in between is then counted twice rather than not at all.
        spools = not_empty(self.status.spools(), here)
        glances = self.statistics.glances(self.summaries.registry.account_names())
        shown, others = choose(glances)
        hour = self.statistics.minutes(_MINUTES)
        quotas = self._quotas(glances, hour)
        refusals = self._refusals([each.account for each in shown])
        return Overview(
            at=self.now(),
            accounts=self._views(shown, quotas, refusals),
            known_accounts=len(glances),
            others_in_trouble=sum(needs_a_person(each) for each in others),
            others_waiting=sum(needs_a_look(each) and not needs_a_person(each) for each in others),
            balance=balance_of(
                {each.account: each.totals for each in glances},
                sum(each.figures.count for each in spools),
            ),
            today=sum((each.today for each in glances), Counts()),
            hour=hour,
            due=sum(each.due for each in glances),
            dead=sum(sum(each.dead.values()) for each in glances),
            quarantined=sum(each.quarantined for each in glances),
            quota=quotas[self._default_key],
            refusing=self.status.refusing_forms(),
            refused_websites=self._refused_websites(refusals),
            spools=spools,
            pulse=self.status.pulse(),
            alerts=self.alerts,
            writes_refused=writes_refused,
            memory=self.forecast_memory(),
        )

    def slots(self, span: Span) -> list[ChartSlot]:
        """Return what was counted of all accounts together in this time, the oldest first."""
        match span:
            case Span.HOUR:
                return self.statistics.minutes(_MINUTES)
            case Span.TWO_DAYS:
                return self.statistics.quarters(192)
        return self.statistics.days(90)

    def slots_of(self, account: str, span: Span) -> list[ChartSlot]:
        """Return what was counted of one account in this time, the oldest first."""
        match span:
            case Span.HOUR:
                return self.statistics.minutes_of(account, _MINUTES)
            case Span.TWO_DAYS:
                return self.statistics.quarters_of(account, 192)
        return self.statistics.days_of(account, 90)

    @property
    def _default_key(self) -> str:
        return self.summaries.ledger.pace.key_of(self.summaries.default_client_id)

    def _views(
        self,
        shown: Sequence[Glance],
        quotas: Mapping[str, QuotaUse],
        refusals: Mapping[str, Sequence[FormFigures]],
    ) -> list[AccountView]:
        """Return the accounts that are shown; those that need somebody come first."""
        by_name = {each.account: each for each in shown}
        summaries = in_trouble_first(self.summaries.named(list(by_name)))
        names = [each.account.name for each in summaries]
        deliveries = self.baselines.last_deliveries(names)
        causes = self._causes(most_failed(shown))
        return [
            AccountView(
                summary=summary,
                glance=by_name[summary.account.name],
                forms=refusals.get(summary.account.name, ()),
                last_delivery=last_delivery,
                quota=quotas[by_name[summary.account.name].api_key] if summary.own_key else None,
                causes=causes.get(summary.account.name, ()),
            )
            for summary, last_delivery in zip(summaries, deliveries, strict=True)
        ]

    def _causes(self, names: Sequence[str]) -> Mapping[str, Sequence[Cause]]:
        """Return by account why most of what waits for a decision failed, the largest causes
        first."""
        largest = largest_causes(self.targets.lists.index.groups(names))
        targets = self.targets.of_causes([each for some in largest.values() for each in some])
        return {
            name: [Cause(each, targets.get((name, each.id))) for each in groups]
            for name, groups in largest.items()
        }

    def _refusals(self, names: Sequence[str]) -> Mapping[str, list[FormFigures]]:
        """Return the forms of these accounts that have refused sign-ups, the most first."""
        forms = [form for form in self.summaries.registry.forms() if form.account in names]
        return refusing_forms(self.status.form_counts.figures(forms, names))

    def _refused_websites(
        self, refusals: Mapping[str, Sequence[FormFigures]]
    ) -> list[tuple[Form, RefusedWebsite]]:
        """Return the newest website of each form that has refused sign-ups of some."""
        forms = forms_to_explain(refusals)
        kept = self.status.form_counts.last_refusals([form.name for form in forms])
        found = zip(forms, map(newest_website, forms, kept), strict=True)
        return [(form, website) for form, website in found if website]

    def _quotas(self, glances: Sequence[Glance], hour: Sequence[ChartSlot]) -> dict[str, QuotaUse]:
        """Return the use of each API key, by `Glance.api_key`."""
        pace = self.summaries.ledger.pace
        of_keys: dict[str, list[Glance]] = {self._default_key: []}
        for each in glances:
            of_keys.setdefault(each.api_key, []).append(each)
        arriving = arriving_per_second(
            sum((slot.counts for slot in hour), Counts()),
            {key: sum((each.today for each in of), Counts()) for key, of in of_keys.items()},
        )
        return {
            key: self._quota(today, of_keys[key], arriving[key])
            for key, today in zip(of_keys, pace.today_by(list(of_keys)), strict=True)
        }

    def _quota(self, today: RequestsToday, glances: Sequence[Glance], arriving: float) -> QuotaUse:
        forecast = forecast_quota(
            left=today.left(self.pace.deliveries_per_day),
            due=sum(each.due for each in glances if not each.holds),
            arriving=arriving,
            per_second=self.pace.requests_per_second,
            now=self.now(),
        )
        return QuotaUse(today=today, limit=self.requests_per_day, forecast=forecast)


def make_overview_reader(
    settings: Settings, client: "redis.Redis", status: SystemStatus, targets: FormTargets
) -> OverviewReader:
    return OverviewReader(
        status=status,
        targets=targets,
        summaries=make_account_summaries(settings, client),
        statistics=Statistics(client),
        baselines=SignupBaselines(client),
        forecast_memory=ServerMemory(client).forecast,
        pace=pace_rules(settings),
        requests_per_day=settings.requests_per_day,
        alerts=len(settings.alerts),
        now=utc_now,
    )
