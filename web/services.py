"""What the views of one web process share. `web.app.create_app` makes it, once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from flask import current_app

from shared.accounts.account_services import AccountServices
from shared.domain.check import Check
from shared.domain.window_counts import WindowCounts
from shared.infrastructure.alert_services import Service
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.operations.metrics import MetricsReader
from shared.operations.operations import Operations
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operator_list import OperatorList
from shared.operations.operators import Operator, Operators
from shared.operations.people import PersonalData
from shared.operations.second_factors import SecondFactors
from shared.operations.second_steps import SecondSteps
from shared.operations.sessions import Session, Sessions
from shared.operations.signup_search import SignupSearch
from shared.operations.status.report import StatusReader
from web.one_at_a_time import OneAtATime
from web.signup.altcha_challenges import AltchaChallenges
from web.signup.form_cache import FormCache
from web.signup.form_tallies import FormTallies
from web.signup.intake import Intake
from web.signup.redis_deadline import DeadlinePool
from web.signup.refused_requests import RefusedRequests
from web.signup.spool import Spool
from web.signup.time_token import TimeTokens
from web.translations.catalogues import Translations
from web.visitor_address import MisfitNotes


class Examines(Protocol):
    """Checks the installation and its accounts, as `Doctor` does."""

    def examine(
        self,
        names: Sequence[str] = (),
        *,
        refresh: bool = False,
        deploy: bool = False,
        within: timedelta,
    ) -> list[Check]:
        """Return every check. Raises `Refused` for a name that no account has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`check_ledger` writes to Redis and reads from it, and raises if it cannot.

    `sessions` and `operator_keys` answer in the time that `deadlines` allow; `operators` can wait
    longer.
    """

    settings: Settings
    deadlines: DeadlinePool
    form_cache: FormCache
    form_tallies: FormTallies
    ledger: Ledger
    altcha_challenges: AltchaChallenges
    intake: Intake
    spool: Spool
    time_tokens: TimeTokens
    check_ledger: Callable[[], object]
    accounts: AccountServices
    operations: Operations
    people: PersonalData
    search: SignupSearch
    translations: Translations
    status: StatusReader
    operators: Operators
    operator_keys: OperatorKeys
    operator_list: OperatorList
    second_factors: SecondFactors
    second_steps: SecondSteps
    sessions: Sessions
    alert_services: Sequence[Service]
    doctor: Examines
    metrics: MetricsReader
    misfits: MisfitNotes
    refused_requests: RefusedRequests
    wrong_keys: WindowCounts
    sleep: Callable[[float], None] = time.sleep
    alert_tests: OneAtATime = field(default_factory=OneAtATime)
    examinations: OneAtATime = field(default_factory=OneAtATime)

    def find_session(self, operator: str, id: str) -> tuple[Operator | None, Session | None]:
        """Return the operator and the record of their session; raises `LedgerUnavailable` within a
        second if Redis is away."""
        return self.deadlines.start().ask(partial(self.sessions.find, operator, id))

    def can_spool(self) -> bool:
        """Whether sign-ups are accepted while Redis is away: on this host's disk."""
        return self.form_cache.knows_any() and self.spool.has_room()


def services() -> Services:
    """Return the services of the app that answers this request."""
    found: Services = current_app.extensions["relay"]
    return found
