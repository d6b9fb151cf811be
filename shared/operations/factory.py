"""Makes the operations, for console and command line alike."""

import time
from collections.abc import Callable
from functools import partial

import redis

from shared.accounts.list_cache import ListCache
from shared.constant_contact.pacing import job_pace
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.signup_index import SignupIndex
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.stores.signup_baseline import SignupBaselines
from shared.operations.audit_search import AuditSearch
from shared.operations.bulk_changes import BulkChanges
from shared.operations.bulk_choices import BulkChooser
from shared.operations.dead_letters import DeadLetters
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.discards import Discards
from shared.operations.exports import Exports
from shared.operations.field_edits import FieldEdits
from shared.operations.form_targets import FormTargets
from shared.operations.forms.forms import Forms
from shared.operations.forms.refused_lists import KnownLists
from shared.operations.job_steps import JobSteps
from shared.operations.jobs import Jobs
from shared.operations.judging import Judging
from shared.operations.listed_signups import ListedSignups
from shared.operations.one_signup import OneSignup
from shared.operations.operations import Operations
from shared.operations.operator_holds import OperatorHolds
from shared.operations.overview.reader import make_overview_reader
from shared.operations.quarantine import Quarantine
from shared.operations.quarantine_review import QuarantineReview
from shared.operations.retries import Retries
from shared.operations.selection import SignupFinder
from shared.operations.sending_on_hold import SendingOnHold
from shared.operations.signup_lists import SignupLists
from shared.operations.system_status import SystemStatus


def make_operations(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> Operations:
    """Return what operators can do; `notify_workers` asks the workers to look after an account."""
    ledger, registry, trail = Ledger(client), Registry(client), AuditTrail(client)
    finder = _make_finder(settings, client, ledger, registry)
    dead_letters = DeadLetters(finder, trail, now=utc_now)
    checks = DeliveryChecks(registry, check_email)
    quarantine = Quarantine(finder, checks, trail, notify_workers)
    job_ledger = JobLedger(client, job_pace(settings))
    edits = FieldEdits(registry, check_email)
    jobs = Jobs(registry, JobSteps(ledger, job_ledger, checks, edits), trail, clock=time.monotonic)
    retries = Retries(finder, job_ledger, jobs, trail, now=utc_now, notify_workers=notify_workers)
    lists = SignupLists(finder, SignupIndex(client))
    judging = Judging(ledger, registry)
    targets = FormTargets(lists, KnownLists(lists, ListCache(client)))
    sending = SendingOnHold(ledger, utc_now)
    chooser = BulkChooser(lists, retries, jobs, targets, edits, sending)
    exports = Exports(finder, trail)
    status = SystemStatus(
        ledger, registry, FormCounts(client), RecordKeeping(client, settings.retention)
    )
    return Operations(
        status=status,
        overview=make_overview_reader(settings, client, status, targets),
        dead_letters=dead_letters,
        quarantine=quarantine,
        retries=retries,
        one_signup=OneSignup(
            finder=finder,
            dead_letters=dead_letters,
            quarantine=quarantine,
            retries=retries,
            judging=judging,
            sending=sending,
            now=utc_now,
        ),
        jobs=jobs,
        lists=lists,
        listed=ListedSignups(ledger=ledger, now=utc_now),
        judging=judging,
        targets=targets,
        edits=edits,
        chooser=chooser,
        review=QuarantineReview(chooser, quarantine, dead_letters),
        bulk=BulkChanges(chooser, exports),
        sending=sending,
        discards=Discards(dead_letters, jobs, ledger),
        exports=exports,
        holds=_make_holds(client, ledger, registry, trail, status, notify_workers),
        forms=Forms(registry, trail, utc_now),
        trail=trail,
        audit=AuditSearch(trail),
    )


def _make_finder(
    settings: Settings, client: "redis.Redis", ledger: Ledger, registry: Registry
) -> SignupFinder:
    return SignupFinder(
        ledger=ledger,
        registry=registry,
        people=People(client),
        fingerprints=partial(load_fingerprints, client, Sealer(settings.secret_keys)),
        check_email=check_email,
    )


def _make_holds(
    client: "redis.Redis",
    ledger: Ledger,
    registry: Registry,
    trail: AuditTrail,
    status: SystemStatus,
    notify_workers: Callable[[str], None],
) -> OperatorHolds:
    return OperatorHolds(
        ledger=ledger,
        registry=registry,
        trail=trail,
        baselines=SignupBaselines(client),
        status=status,
        notify_workers=notify_workers,
        now=utc_now,
    )
