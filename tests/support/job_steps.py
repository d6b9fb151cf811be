"""The steps of jobs, as a worker does them."""

import redis

from shared.domain.job import JobPace
from shared.infrastructure.email_syntax import check_email
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.field_edits import FieldEdits
from shared.operations.job_feeder import JobFeeder
from shared.operations.job_steps import JobSteps


def job_steps(client: "redis.Redis", pace: JobPace) -> JobSteps:
    registry = Registry(client)
    return JobSteps(
        Ledger(client),
        JobLedger(client, pace),
        DeliveryChecks(registry, check_email),
        FieldEdits(registry, check_email),
    )


def job_feeder(steps: JobSteps) -> JobFeeder:
    """Return what a worker's poller makes the sign-ups of jobs due with."""
    return JobFeeder(steps.ledger, steps.job_ledger, steps.edits)
