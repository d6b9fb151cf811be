"""The steps of jobs, as a worker does them."""

import redis

from shared.domain.replay import ReplayPace
from shared.infrastructure.email_syntax import check_email
from shared.ledger.ledger import Ledger
from shared.ledger.replays import Replays
from shared.ledger.stores.registry import Registry
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.field_edits import FieldEdits
from shared.operations.job_steps import JobSteps
from shared.operations.replay_feeder import ReplayFeeder


def job_steps(client: "redis.Redis", pace: ReplayPace) -> JobSteps:
    registry = Registry(client)
    return JobSteps(
        Ledger(client),
        Replays(client, pace),
        DeliveryChecks(registry, check_email),
        FieldEdits(registry, check_email),
    )


def replay_feeder(steps: JobSteps) -> ReplayFeeder:
    """Return what a worker's poller makes the sign-ups of replays due with."""
    return ReplayFeeder(steps.ledger, steps.replays, steps.edits)
