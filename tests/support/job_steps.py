"""The steps of jobs, as a worker does them."""

import redis

from shared.domain.replay import ReplayPace
from shared.infrastructure.email_syntax import check_email
from shared.ledger.ledger import Ledger
from shared.ledger.replays import Replays
from shared.ledger.stores.registry import Registry
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.job_steps import JobSteps


def job_steps(client: "redis.Redis", pace: ReplayPace) -> JobSteps:
    checks = DeliveryChecks(Registry(client), check_email)
    return JobSteps(Ledger(client), Replays(client, pace), checks)
