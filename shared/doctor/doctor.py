"""Runs every check that `relay doctor` and the console show."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from redis import Redis

from shared.accounts.account_services import make_account_services
from shared.constant_contact.factory import make_applications, make_vault
from shared.constant_contact.pacing import Pacer, job_pace
from shared.doctor import form_checks, live_account_checks, redis_checks, stored_account_checks
from shared.doctor.check_runner import CheckTask, run_together, task
from shared.doctor.deploy.deployment import Deployment
from shared.doctor.form_checks import check_forms
from shared.doctor.installation import ACCOUNTS, Installation
from shared.doctor.live_account_checks import LiveAccountChecks
from shared.doctor.stored_account_checks import StoredAccountChecks
from shared.doctor.stored_record_checks import StoredRecordChecks
from shared.domain.account import unknown_account
from shared.domain.check import Check, CheckResult
from shared.domain.errors import LedgerUnavailable
from shared.domain.form import Form
from shared.domain.phrases import counted
from shared.infrastructure.redis_urls import connect, connect_briefly
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.format import open_ledger
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.stores.sealed_values import SealedPlaces
from shared.ledger.stores.token_store import TokenLedger
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operators import Operators
from shared.operations.second_factors import make_second_factors
from shared.operations.secret_rotation import Rotation
from shared.operations.sessions import Sessions

# A person waits, so one request gets less time than a delivery would.
_REQUEST_WITHIN = timedelta(seconds=8)
# A slower Redis counts as away, once it has answered at all.
_REDIS_WITHIN_SECONDS = 3.0
# A person who knows that Redis is away wants to know it at once.
_AWAY_WITHIN = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Several threads may use one doctor at once, and any number of times."""

    installation: Installation
    registry: Registry
    stored: StoredAccountChecks
    live: LiveAccountChecks
    forms: FormCounts
    deployment: Deployment

    def examine(
        self,
        names: Sequence[str] = (),
        *,
        refresh: bool = False,
        deploy: bool = False,
        within: timedelta,
    ) -> list[Check]:
        """Return every check, Redis first; of accounts those in `names`, or all.

        With `refresh`, each account's token is refreshed, to see that it works. `deploy` adds what
        running in public needs. A check that takes longer than `within` is unknown. While Redis is
        away, this takes less than a second, but for `deploy`. Raises `Refused` for a name that no
        account has, and for a ledger of another format.
        """
        more = self.deployment.tasks if deploy else _no_tasks
        redis = self.installation.redis()
        if redis.verdict != CheckResult.PROBLEM:
            with contextlib.suppress(LedgerUnavailable):  # a replica cannot store its format
                open_ledger(self.installation.client, may_upgrade=False)
            try:
                accounts = list(self._accounts(names, refresh))
            except LedgerUnavailable as error:  # it went away just now
                redis = self.installation.redis_failing(error)
            else:
                usual = [*self.installation.in_redis(), *self.installation.elsewhere(), *accounts]
                tasks = [*usual, *more(redis_answers=True)]
                return strictest([redis, *run_together(tasks, within)])
        short = within if deploy else _AWAY_WITHIN
        return self._without_redis(redis, more(redis_answers=False), short)

    def _without_redis(
        self, redis: Check, more: Sequence[CheckTask], within: timedelta
    ) -> list[Check]:
        unseen = ACCOUNTS.unknown("They are stored in Redis, which does not answer.")
        # The requests take a little longer than what is waited for: "too late" is no finding.
        tasks = [*self.installation.elsewhere(away=_AWAY_WITHIN * 1.2), *more]
        return strictest([redis, *run_together(tasks, within), unseen])

    def _accounts(self, names: Sequence[str], refresh: bool) -> Iterator[CheckTask]:
        accounts = self.registry.accounts()
        known = [account.name for account in accounts]
        for name in names:
            if name not in known:
                raise unknown_account(name, known)
        forms: defaultdict[str, list[Form]] = defaultdict(list)
        for form in self.registry.forms():
            forms[form.account].append(form)
        for name in (name for name in known if not names or name in names):
            connection = stored_account_checks.CONNECTION.of(name)
            yield task(connection, self.stored.run, name, forms[name], accounts)
            yield task(form_checks.FORMS.of(name), check_forms, self.forms, name, forms[name])
            constant_contact = live_account_checks.CONSTANT_CONTACT.of(name)
            yield task(constant_contact, self.live.run, name, forms[name], refresh=refresh)


def _no_tasks(*, redis_answers: bool) -> list[CheckTask]:
    return []


def strictest(checks: Sequence[Check]) -> list[Check]:
    """Return the checks, and of several of the installation with one name the last: that of the
    deployment asks for more."""
    last = {check.name: check for check in checks if not check.account}
    return [check for check in checks if check.account or check is last[check.name]]


def redis_is_away(checks: Sequence[Check]) -> bool:
    """Return whether the checks found that Redis does not answer."""
    return any(
        check.name == redis_checks.REDIS.name and check.verdict == CheckResult.PROBLEM
        for check in checks
    )


def summary(checks: Sequence[Check]) -> str:
    """Return the number of problems and of unknowns, as a sentence or two."""
    problems, unknown = (
        sum(check.verdict == verdict for check in checks)
        for verdict in (CheckResult.PROBLEM, CheckResult.UNKNOWN)
    )
    found = {0: "No problem", 1: "1 problem"}.get(problems, f"{problems} problems")
    unseen = f" {unknown} could not be checked." if unknown else ""
    return f"{found} in {counted(len(checks), 'check')}.{unseen}"


def make_doctor(settings: Settings) -> Doctor:
    """Return a doctor with connections of its own, which all have short timeouts."""
    client, broker = (
        connect(url, socket_timeout=_REDIS_WITHIN_SECONDS, socket_connect_timeout=2)
        for url in (settings.redis_url, settings.broker_url)
    )
    deadline = min(settings.send_deadline, _REQUEST_WITHIN)
    tools = make_account_services(
        replace(settings, send_deadline=deadline), client, notify_workers=lambda account: None
    )
    registry, vault = Registry(client), make_vault(settings, client)
    return Doctor(
        Installation(
            settings=settings,
            client=client,
            broker=broker,
            brief_client=connect_briefly(settings.redis_url),
            brief_broker=connect_briefly(settings.broker_url),
            ledger=Ledger(client),
            registry=registry,
            connecting=tools.connecting,
            rotation=_make_rotation(settings, client, registry),
            keeping=RecordKeeping(client, settings.retention),
            records=_make_record_checks(settings, client, registry),
            take_slot=Pacer(client, settings, settings.client_id).grant,
            now=utc_now,
        ),
        registry,
        StoredAccountChecks(client=client, vault=vault, summaries=tools.summaries, now=utc_now),
        LiveAccountChecks(
            vault=vault,
            applications=make_applications(settings, client),
            summaries=tools.summaries,
            api=tools.api,
            connecting=tools.connecting,
        ),
        FormCounts(client),
        Deployment(settings=settings, client=client, now=utc_now),
    )


def _make_rotation(settings: Settings, client: Redis, registry: Registry) -> Rotation:
    places, trail = SealedPlaces(client), AuditTrail(client)
    return Rotation(registry, TokenLedger(client), places, trail, settings.secret_keys)


def _make_record_checks(
    settings: Settings, client: Redis, registry: Registry
) -> StoredRecordChecks:
    operators = Operators(client)
    return StoredRecordChecks(
        client=client,
        ledger=Ledger(client),
        registry=registry,
        operators=operators,
        second_factors=make_second_factors(settings, client, operators),
        sessions=Sessions(client, now=utc_now),
        operator_keys=OperatorKeys(client, now=utc_now),
        job_ledger=JobLedger(client, job_pace(settings)),
    )
